"""What the telephone service tells of calls: what is understood of it, what is not."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocol.calls import (
    MAX_CALL_EVENT,
    CallRequest,
    Entered,
    Entry,
    Keys,
    Silence,
    Spoken,
    VoiceMemo,
    decode_call_event,
    decode_callout_result,
    decode_debug,
)
from agent.protocol.errors import Malformed
from agent.protocol.limits import MAX_FOREIGN


def event(**fields: object) -> bytes:
    return json.dumps({"id": "a", "type": "request", "node": "MAIN", **fields}).encode()


def heard(node: str) -> Entry:
    request = decode_call_event(event(node=node))
    assert isinstance(request, CallRequest)
    return request.entry


@pytest.mark.req("T-02", "T-40")
@pytest.mark.parametrize(("node", "entry"), [
    ("MAIN", Entered()),
    ("MAIN,", Silence()),
    ("MAIN,timeout", Silence()),
    ("MAIN,TIMEOUT", Silence()),
    ("MAIN,#", Silence()),
    ("MAIN,0", Keys("0")),
    ("MAIN,123456", Keys("123456")),
    ("MAIN,12#", Keys("12")),
    ("MAIN,*1", Keys("*1")),
    ("MAIN,123/0.9", Keys("123")),
    ("MAIN,台北/0.7", Spoken("台北", 0.7)),
    ("MAIN,台北,台中/0.7", Spoken("台北,台中", 0.7)),
    ("MAIN,一/二/1", Spoken("一/二", 1.0)),
    ("MAIN,/0.7", Silence()),
    ("MAIN,台北", Spoken("台北", None)),
    ("MAIN,台北/很好", Spoken("台北/很好", None)),
    ("MAIN,台北/7", Spoken("台北/7", None)),
    ("MAIN,台北/nan", Spoken("台北/nan", None)),
])
def test_what_the_caller_did(node: str, entry: Entry) -> None:
    assert heard(node) == entry


@pytest.mark.req("T-02")
@given(st.text(alphabet="台北ab 1/,.", min_size=1).map(str.strip).filter(bool),
       st.integers(0, 100).map(lambda n: n / 100))  # fmt: skip
def test_a_text_may_hold_commas_and_slashes(text: str, confidence: float) -> None:
    found = heard(f"node,{text}/{confidence}")
    assert isinstance(found, Keys | Silence) or found == Spoken(text, confidence)
    if any(sign in text for sign in "台北ab"):
        assert found == Spoken(text, confidence)


@pytest.mark.req("T-01")
@pytest.mark.parametrize("payload", [
    event(id=None), event(id=""), event(type=None), event(type="requests"), event(node=None),
    event(node=""), event(type="event"), event(type="event", event="CallRinging"),
    event(type="recordEvent"), event(phone=["0"]), b"[]", b"", b"{", b"\xff",
])
def test_what_cannot_be_understood(payload: bytes) -> None:
    with pytest.raises(Malformed):
        decode_call_event(payload)


def test_the_longest_recording_is_read_and_nothing_beyond() -> None:
    seconds = 999
    sound = b"RIFF" + bytes(16_000 * seconds)
    payload = event(type="recordEvent", data=base64.b64encode(sound).decode())
    memo = decode_call_event(payload)
    assert isinstance(memo, VoiceMemo) and memo.data == sound
    with pytest.raises(Malformed, match="more than"):
        decode_call_event(bytes(MAX_CALL_EVENT + 1))
    with pytest.raises(Malformed, match="more than"):
        decode_callout_result(bytes(MAX_FOREIGN + 1))


@pytest.mark.req("T-10")
@pytest.mark.parametrize("data", [
    "https://example.org/a.wav", "/records/memo", "/records/memo.wav", "not base64!", "", "A",
])
def test_what_is_no_recording_is_kept_as_text_and_never_fetched(data: str) -> None:
    memo = decode_call_event(event(type="recordEvent", data=data))
    assert isinstance(memo, VoiceMemo)
    assert (memo.data, memo.raw) == (None, data)


@given(st.binary())
def test_every_recording_comes_out_as_it_went_in(sound: bytes) -> None:
    packed = base64.b64encode(sound).decode()
    memo = decode_call_event(event(type="recordEvent", data=packed))
    assert isinstance(memo, VoiceMemo)
    if sound and not (packed.startswith("/") and not packed.startswith("//")):
        assert memo.data == sound


def test_nobodys_number_or_pin_shows_in_a_repr() -> None:
    request = decode_call_event(event(phone="0900000001", node="MAIN,987654"))
    assert isinstance(request, CallRequest)
    assert "0900000001" not in repr(request) and "987654" not in repr((request, request.entry))


@pytest.mark.req("T-12")
def test_a_debug_message_is_one_line_without_long_numbers() -> None:
    told = decode_debug(b'{"msg":"node is missing",\n "phone":"0900000001"}\x1b[2J')
    assert "node is missing" in told and "0900000001" not in told
    assert "\n" not in told and "\x1b" not in told
    assert len(decode_debug(b"x" * 60_000)) == 200
    with pytest.raises(Malformed):
        decode_debug(b"\xff")


def test_no_number_hides_in_a_word_that_is_told() -> None:
    """Types, events and statuses are the service's words; a number in their place is not told."""
    for odd in ({"type": "0900000001"}, {"type": "event", "event": "0900000001"}):
        with pytest.raises(Malformed) as caught:
            decode_call_event(event(**odd))
        assert "0900000001" not in str(caught.value) and "unknown" in str(caught.value)
    result = {"groupId": "g", "phone": "0900000001", "status": "maybe 0900000001\nor not"}
    assert decode_callout_result(json.dumps(result).encode()).status == "maybe **** or not"
    assert decode_callout_result(json.dumps(result | {"status": "busy"}).encode()).status == "busy"


@given(st.binary() | st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["id", "type", "node", "phone", "event", "data", "text", "groupId"]), inner
    ),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_noise_is_malformed_or_understood_and_nothing_else(payload: bytes) -> None:
    for decode in (decode_call_event, decode_callout_result, decode_debug):
        with contextlib.suppress(Malformed):
            decode(payload)
