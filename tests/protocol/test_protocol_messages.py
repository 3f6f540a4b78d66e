"""The table of messages in both directions, then what is tolerated and what is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from agent.protocol.control import (
    Ack,
    CommandRequest,
    decode_ack_notice,
    decode_acks,
    decode_command,
    decode_requests,
    encode_acks,
    encode_requests,
)
from agent.protocol.errors import Malformed
from agent.protocol.limits import MAX_FOREIGN, MAX_PAYLOAD
from agent.protocol.liveness import (
    Heartbeat,
    HeartbeatNotice,
    decode_active,
    decode_heartbeat,
)
from agent.protocol.registry import Reconfigure, SetDeviceId, decode_registry
from agent.protocol.sensing import (
    Rawdata,
    decode_csv_notice,
    decode_rawdata,
    decode_rawdata_notice,
    element,
)
from tests.protocol.messages import CASES, DECODERS, Case

TABLE = [
    pytest.param(case, id=case.name, marks=pytest.mark.req(*case.requirements)) for case in CASES
]
PUBLISHED = [
    pytest.param(case, id=case.name, marks=pytest.mark.req(*case.requirements))
    for case in CASES
    if case.encode is not None
]


@pytest.mark.parametrize("case", TABLE)
def test_bytes_become_the_message(case: Case) -> None:
    assert case.decode(case.payload.encode()) == case.meaning


@pytest.mark.parametrize("case", TABLE)
def test_a_byte_order_mark_changes_nothing(case: Case) -> None:
    assert case.decode(b"\xef\xbb\xbf" + case.payload.encode()) == case.meaning


@pytest.mark.parametrize("case", PUBLISHED)
def test_the_message_becomes_the_bytes(case: Case) -> None:
    assert case.encode is not None
    payload = case.encode(case.meaning)
    # Compared as JSON types too: a pulse "1000" is not 1000.
    assert json.loads(payload) == json.loads(case.payload)
    assert len(payload) <= len(case.payload.encode())  # no blanks, no \\u escapes
    assert case.decode(payload) == case.meaning


# What is tolerated


@pytest.mark.req("P-07")
@pytest.mark.parametrize(
    ("value", "read"),
    [
        ('"1"', ("1",)),
        ("25.30", ("25.30",)),
        ("[1, 2.50, -0]", ("1", "2.50", "-0")),
        ("[true]", ("true",)),
        ("1e400", ("1e400",)),
    ],
)
def test_values_may_be_numbers_and_scalars_and_keep_their_digits(
    value: str, read: tuple[str, ...]
) -> None:
    payload = b'{"id":"a","value":%b}' % value.encode()
    assert decode_rawdata_notice(payload).value == read
    assert decode_rawdata(b"[%b]" % payload)[0].value == read


@pytest.mark.req("P-09")
@pytest.mark.parametrize(
    ("cmd", "read"),
    [("1", "1"), ("0.50", "0.50"), ("true", "true"), ("false", "false"), ('""', "")],
)
def test_a_command_may_be_a_number_or_a_boolean(cmd: str, read: str) -> None:
    assert decode_command(b'{"id":"cin","deviceId":7432,"cmd":%b}' % cmd.encode()).cmd == read


@pytest.mark.req("P-09")
def test_a_command_may_lack_time_and_device_and_bring_more() -> None:
    notice = decode_command(b'{"id":"cin","cmd":"open","time":null,"new":{"x":[1]}}')
    assert (notice.time, notice.device_id) == (None, None)


@pytest.mark.req("P-14", "P-15")
def test_unknown_kinds_are_kept_as_text() -> None:
    assert decode_heartbeat(b'{"type":"Asleep"}') == HeartbeatNotice("Asleep")
    assert decode_heartbeat(b'{"type":"","pulse":"1000"}') == HeartbeatNotice("", "1000")
    assert decode_active(b'{"deviceId":"1","status":"resting"}').status == "resting"


@pytest.mark.req("P-13")
def test_a_beat_with_a_numeric_pulse_is_a_beat() -> None:
    assert decode_heartbeat(b'{"pulse":1000,"type":null}') == Heartbeat(1000)


@pytest.mark.req("P-17", "P-18")
@pytest.mark.parametrize("op", ["SetDeviceId", "setdeviceid", "SETDEVICEID"])
def test_registry_operations_in_any_case(op: str) -> None:
    payload = b'{"op":"%b","ck":"k","deviceId":7432}' % op.encode()
    assert decode_registry(payload) == SetDeviceId("k", "7432")
    assert decode_registry(b'{"op":"RECONFIGURE","ck":"k","deviceId":"7"}') == Reconfigure("k", "7")


# What is refused


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"nonsense",
        b"null",
        b"7",
        b"[1]",
        b"[[]]",
        b"{}",
        b'{"id":"a"',
        b'{"id":"caf\xe9"}',
        '{"id":"a"}'.encode("utf-16"),
        b'{"id":"a","id":"b","value":["1"],"cmd":"x","ack":"x","status":"x","type":"x"}',
        b'{"id":NaN,"value":NaN,"cmd":NaN,"ack":NaN,"status":NaN,"type":NaN}',
        b'{"id":"a","value":[-Infinity],"cmd":Infinity,"ack":Infinity,"record":Infinity}',
        b'{"id":"a","value":[%b],"cmd":1}' % (b"9" * 5000),
        b'{"type":%b}' % (b"9" * 5000),
        b"[" * 60_000,
        b'{"id":' * 10_000,
        b'{"op":"Restart","ck":"aabbccdd"}',
        b'{"id":"\\ud800","value":["1"],"cmd":"x","ack":"x","type":"\\udfff","status":"\\ud800"}',
    ],
)
def test_nonsense_is_malformed(decode: Callable[[bytes], object], payload: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        decode(payload)
    assert len(str(caught.value)) <= 200
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("decode", "payload"),
    [
        (decode_command, b'{"cmd":"open"}'),
        (decode_command, b'{"id":"","cmd":"open"}'),
        (decode_command, b'{"id":"cin"}'),
        (decode_command, b'{"id":"cin","cmd":null}'),
        (decode_command, b'{"id":"cin","cmd":["open"]}'),
        (decode_command, b'{"id":"cin","cmd":"open","time":{}}'),
        (decode_command, b'{"id":"cin","cmd":"open","new":NaN}'),
        (decode_command, b'{"id":"cin","cmd":"open","new":{"x":1,"x":1}}'),
        (decode_command, b'[{"id":"cin","cmd":"open"}]'),
        (decode_rawdata, b'{"id":"a","value":["1"]}'),
        (decode_rawdata, b'[{"id":"a"}]'),
        (decode_rawdata, b'[{"id":"a","value":[]}]'),
        (decode_rawdata, b'[{"id":"a","value":[null]}]'),
        (decode_rawdata, b'[{"id":"a","value":[["1"]]}]'),
        (decode_rawdata, b'[{"id":"a","value":["1"],"lat":"24.1"}]'),
        (decode_rawdata, b'[{"id":"a","value":["1"],"lat":91}]'),
        (decode_rawdata, b'[{"id":"a","value":["1"],"lon":1e999}]'),
        (decode_rawdata, b'[{"id":"a/b","value":["1"]}]'),
        (decode_rawdata_notice, b'{"id":"a","value":[]}'),
        (decode_csv_notice, b"2016-03-30T08:28:47.532Z,7432,light0001"),
        (decode_csv_notice, b"2016-03-30T08:28:47.532Z,,light0001,1"),
        (decode_acks, b'[{"id":"cin","ack":""}]'),
        (decode_acks, b'[{"id":"cin","ack":"on","save":"true"}]'),
        (decode_heartbeat, b'{"pulse":"soon"}'),
        (decode_heartbeat, b'{"pulse":0}'),
        (decode_heartbeat, '{"pulse":"１２"}'.encode()),
        (decode_heartbeat, b'{"pulse":"%b"}' % (b"9" * 41)),
        (decode_active, b'{"status":"abnormal","record":"many"}'),
        (decode_registry, b'{"op":"SetDeviceId","ck":"k"}'),
        (decode_registry, b'{"op":"SetDeviceId","deviceId":"7432"}'),
        (decode_registry, b'{"op":"SetDeviceId","ck":"","deviceId":"7432"}'),
        (decode_registry, b'{"op":"SetDeviceId","ck":"a\\u0000b","deviceId":"7432"}'),
        (decode_registry, b'{"op":"SetDeviceId","ck":"k","deviceId":"7432/sensor/+"}'),
        (decode_registry, b'{"op":"Reconfigure","ck":"k","deviceId":"#"}'),
    ],
)
def test_what_cannot_be_acted_on_is_malformed(
    decode: Callable[[bytes], object], payload: bytes
) -> None:
    with pytest.raises(Malformed):
        decode(payload)


def test_too_large_a_message_is_refused_before_it_is_parsed() -> None:
    most = b'{"id":"a","cmd":"%b"}' % (b"x" * (MAX_FOREIGN - 19))
    assert len(most) == MAX_FOREIGN
    assert decode_command(most).id == "a"
    with pytest.raises(Malformed, match="not read"):
        decode_command(most + b" ")
    with pytest.raises(Malformed, match="not read"):
        decode_csv_notice(b"t,7432,light0001," + b"1" * MAX_FOREIGN)


@pytest.mark.parametrize("decode", DECODERS)
def test_the_platforms_own_answer_is_told_as_such(decode: Callable[[bytes], object]) -> None:
    with pytest.raises(Malformed, match="platform answered with result 'fail', message 'no such"):
        decode(b'{"result":"fail","message":"no such device"}')


@pytest.mark.req("P-17", "P-18")
@pytest.mark.parametrize(
    "payload",
    [
        b'{"op":"Restart","ck":"aabbccdd"}',
        b'{"op":"SetDeviceId","ck":"aabbccdd"}',
        b'{"op":"SetDeviceId","ck":"aabbccdd","deviceId":"a/b"}',
        b'{"op":"SetDeviceId","ck":"aabb\\u0000ccdd","deviceId":"7432"}',
        b'{"op":"SetDeviceId","ck":["aabbccdd"],"deviceId":"7432"}',
        b'{"op":"SetDeviceId","ck":"aabbccdd","deviceId":"7432"',
        b'{"op":"SetDeviceId","ck":"aabbccdd","ck":"aabbccdd"}',
        b'{"op":"SetDeviceId","ck":"aabbccdd\xff","deviceId":"7432"}',
    ],
)
def test_no_error_shows_the_key(payload: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        decode_registry(payload)
    error: BaseException | None = caught.value
    while error is not None:
        assert "aabb" not in str(error)
        error = error.__cause__


def test_no_repr_shows_the_key() -> None:
    assert "aabbccdd" not in repr(SetDeviceId("aabbccdd", "7432"))
    assert "aabbccdd" not in repr(Reconfigure("aabbccdd"))


def test_the_text_of_an_error_is_bounded() -> None:
    text = str(Malformed("x" * 1000))
    assert len(text) == 200 and text.endswith("…")


# What cannot be built


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (Rawdata, {"id": "a", "value": ()}),
        (Rawdata, {"id": "a", "value": "25.3"}),
        (Rawdata, {"id": "a", "value": (25.3,)}),
        (Rawdata, {"id": "a", "value": ("\ud800",)}),
        (Rawdata, {"id": "", "value": ("1",)}),
        (Rawdata, {"id": "a#", "value": ("1",)}),
        (Rawdata, {"id": "a" * 257, "value": ("1",)}),
        (Rawdata, {"id": "a", "value": ("1",), "time": ""}),
        (Rawdata, {"id": "a", "value": ("1",), "lat": float("nan")}),
        (Rawdata, {"id": "a", "value": ("1",), "lat": -90.5}),
        (Rawdata, {"id": "a", "value": ("1",), "lon": True}),
        (Rawdata, {"id": "a", "value": ("1",), "lon": "121"}),
        (CommandRequest, {"id": "a+", "cmd": "on"}),
        (CommandRequest, {"id": "a", "cmd": 1}),
        (CommandRequest, {"id": "a", "cmd": "x" * MAX_PAYLOAD}),
        (Ack, {"id": "a", "ack": ""}),
        (Ack, {"id": "a", "ack": "on", "save": 1}),
        (Ack, {"id": "a", "ack": "好" * (MAX_PAYLOAD // 3)}),
        (Heartbeat, {"pulse_ms": 0}),
        (Heartbeat, {"pulse_ms": True}),
        (Heartbeat, {"pulse_ms": 1000.0}),
        (SetDeviceId, {"key": "", "device_id": "7432"}),
        (SetDeviceId, {"key": "k", "device_id": "+"}),
        (Reconfigure, {"key": "k", "device_id": ""}),
    ],
)
def test_an_illegal_message_cannot_be_built(make: Callable[..., Any], arguments: Any) -> None:
    with pytest.raises(ValueError) as caught:
        make(**arguments)
    assert not isinstance(caught.value, Malformed)


@pytest.mark.req("P-04")
def test_a_reading_must_fit_a_message_of_its_own() -> None:
    time = "2019-07-10T02:55:12.512Z"
    room = MAX_PAYLOAD - len(b"[]") - len(element(Rawdata("a", ("",), time)))
    full = Rawdata("a", ("x" * room,), time)
    assert len(element(full)) == MAX_PAYLOAD - 2
    with pytest.raises(ValueError, match="5001 bytes"):
        Rawdata("a", ("x" * (room + 1),), time)
    # One that gets its time later has room for it.
    Rawdata("a", ("x" * room,))
    with pytest.raises(ValueError, match="5001 bytes"):
        Rawdata("a", ("x" * (room + 1),))


@pytest.mark.req("P-04")
@pytest.mark.parametrize("character", ["\x01", "溫", "𠮷", '"'])
def test_no_reading_escapes_the_limit_by_wide_characters(character: str) -> None:
    longest = 0
    for length in range(100, MAX_PAYLOAD):
        try:
            longest = len(element(Rawdata("a", (character * length,), "2019-07-10T02:55:12.512Z")))
        except ValueError:
            break
    assert MAX_PAYLOAD - 8 < longest + 2 <= MAX_PAYLOAD


@pytest.mark.req("P-04", "P-10", "P-11")
def test_a_list_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(ValueError, match="drops messages over 5000"):
        encode_acks([Ack("a", "x" * 600)] * 10)
    with pytest.raises(ValueError, match="drops messages over 5000"):
        encode_requests([CommandRequest("a", "x" * 600)] * 10)
    assert decode_requests(b"[]") == ()
    assert decode_ack_notice(b'{"id":"cin","ack":1}').ack == "1"
