"""What the watcher reads: every kind of message, the bad ones too."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twin.watch import describe

NOW = datetime(2026, 5, 1, 12, 0, 1, 234567, tzinfo=UTC)
DEV = "/v1/device/demo"
CASES = [
    ("rawdata", '[{"id":"temperature","time":"2026-05-01T12:00:01.000Z","value":["25.3"]}]',
     ["rawdata    temperature 25.3"]),
    ("rawdata", '[{"id":"a","time":"2026-05-01T12:00:00Z","value":["1","2"]},'
     '{"id":"b","time":"2026-05-01T11:59:01.234Z","value":["on"]}]',
     ["rawdata    a 1 2", "rawdata    b on  (measured 60 s before)"]),
    ("rawdata", '[{"id":"a","value":["1"]}]', ["rawdata    a 1  (without a time)"]),
    ("rawdata", '[{"id":"a","time":"2026-05-01T12:00:61Z","value":["1"]}]',
     ["rawdata    a 1  (time not understood: 2026-05-01T12:00:61Z)"]),
    ("rawdata", '[{"id":"a","time":"2026-05-01T12:01:01","value":["1"]}]',
     ["rawdata    a 1  (measured 60 s in the future)"]),
    ("rawdata", '[{"id":"溫度","time":"2026-05-01T12:00:01Z","value":["二十五"]}]',
     ["rawdata    溫度 二十五"]),
    ("rawdata", "[]", []),
    ("rawdata", "{nonsense", ["unclear    /v1/device/demo/rawdata: not JSON: {nonsense"]),
    ("rawdata", '[{"id":"a","value":"1"}]',
     ["unclear    /v1/device/demo/rawdata: a reading without an array of values: "
      '[{"id":"a","value":"1"}]']),
    ("ack", '[{"id":"lamp","time":"2026-05-01T12:00:01Z","ack":"on"}]', ["ack        lamp on"]),
    ("ack", '[{"id":"lamp"}]',
     ['unclear    /v1/device/demo/ack: no ack in {"id": "lamp"}']),
    ("command", '[{"id":"lamp","cmd":"on"}]', ["command    lamp on"]),
    ("sensor/lamp/command", '{"id":"lamp","deviceId":"demo","time":"x","cmd":"off"}',
     ["command    lamp off"]),
    ("heartbeat", '{"pulse":"60000"}', ["heartbeat  alive; the next one within 60 s"]),
    ("heartbeat", '{"pulse":"1000","type":"ReLive","deviceId":"demo"}',
     ["heartbeat  the platform says: ReLive"]),
    ("heartbeat", '{"pulse":"soon"}',
     ["unclear    /v1/device/demo/heartbeat: a pulse that is no number of milliseconds: soon"]),
    ("heartbeat", "[1]",
     ["unclear    /v1/device/demo/heartbeat: not an object or an array of them: [1]"]),
    ("sensor/a/csv", "2026-05-01T12:00:01Z,demo,a,1", 
     ["notice     sensor/a/csv  2026-05-01T12:00:01Z,demo,a,1"]),
    ("something/else", "x", ["other      /v1/device/demo/something/else  x"]),
]


@pytest.mark.parametrize(("topic", "payload", "lines"), CASES)
def test_the_lines_of_a_message(topic: str, payload: str, lines: list[str]) -> None:
    shown = describe(f"{DEV}/{topic}", payload.encode(), NOW)
    assert shown == [f"12:00:01.234  {line}" for line in lines]


def test_a_will_and_its_clearing() -> None:
    assert describe("/v1/lwt/pi00001", b"offline", NOW) == [
        "12:00:01.234  will       pi00001 says: offline"]
    assert describe("/v1/lwt/pi00001", b"", NOW) == [
        "12:00:01.234  will       pi00001 cleared: it is back"]


def test_a_key_is_never_shown() -> None:
    payload = b'{"op":"SetDeviceId","ck":"PKsecret","deviceId":"7432"}'
    assert "PKsecret" not in "".join(describe("/v1/registry/pi00001", payload, NOW))


def test_a_long_payload_is_cut() -> None:
    (line,) = describe("x", b"a" * 5000, NOW)
    assert len(line) < 200


def test_colour_wraps_the_line_and_leaves_the_words() -> None:
    (line,) = describe(f"{DEV}/rawdata", b'[{"id":"a","value":["1"]}]', NOW, colour=True)
    assert line.startswith("\x1b[")
    assert line.endswith("\x1b[0m")
    assert "a 1" in line


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["id", "time", "value", "ack", "cmd", "pulse", "type"]) | st.text(), inner),
)
PAYLOADS = st.binary() | JSON.map(lambda content: json.dumps(content).encode())
TOPICS = st.sampled_from([f"{DEV}/{case[0]}" for case in CASES] + ["/v1/lwt/abcd"]) | st.text()


@given(TOPICS, PAYLOADS)
@example("/v1/device/demo/rawdata", b"[" * 100_000)
@example("/v1/device/demo/rawdata", b'[{"id":"a","time":"0001-01-01T00:00","value":["\x1b[2J"]}]')
@example("/v1/lwt/\x1b[2J", b"x")
def test_whatever_comes_is_shown_on_printable_lines(topic: str, payload: bytes) -> None:
    for line in describe(topic, payload, NOW):
        assert line.isprintable()
        assert len(line) < 100_000


@pytest.mark.req("T-01", "T-03", "T-12", "T-13")
@pytest.mark.parametrize(("kind", "payload", "shown"), [
    ("callEvent", {"type": "event", "phone": "0912345678", "event": "CallEstablished"},
     "call       0912***78 CallEstablished"),
    ("callEvent", {"type": "request", "phone": "", "node": "MAIN,1"}, "call       withheld MAIN,1"),
    ("callEvent", {"type": "recordEvent", "phone": "0912345678", "data": "AAAA", "text": "喂"},
     "call       0912***78 a recording of 3 bytes: 喂"),
    ("callEvent", {"type": "request"}, "unclear    phone-conn/callEvent/SN: no node in"),
    ("callAction", {"node": "ask", "text": "幾度", "collectDTMF": True},
     "answer     幾度 (ask, collectDTMF)"),
    ("callAction", {"node": "bye", "nextNode": "END"}, "answer     (bye, → END)"),
    ("callAction", {"node": "say", "text": "請說", "maxRecordDuration": 9},
     "answer     請說 (say, record)"),
    ("callAction", {"isWaitText": True, "text": "請稍候"}, "answer     請稍候 (wait)"),
    ("callAction", [], "unclear    phone-conn/callAction/SN: not one object"),
    ("calloutResult", {"phone": "0912345678", "status": "busy"}, "callout    0912***78 busy"),
    ("callActionDebug", {"msg": "x"}, 'unclear    callActionDebug  {"msg": "x"}'),
])
def test_what_passes_on_the_telephone(kind: str, payload: object, shown: str) -> None:
    content = json.dumps(payload, ensure_ascii=False).encode()
    (told,) = describe(f"phone-conn/{kind}/SN", content, datetime.now(UTC))
    assert told[14:].startswith(shown)
    assert "0912345678" not in told
