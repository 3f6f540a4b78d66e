"""Whatever arrives, a decoder returns a message or raises Malformed, and says so in a line."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocol import topics
from agent.protocol.errors import Malformed
from tests.protocol.messages import CASES, DECODERS

KEYS = """
    id deviceId time value cmd ack lat lon save pulse from last type status createTime
    lastDataTime record op ck result message
"""
keys = st.sampled_from(KEYS.split())
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)  # half surrogate pairs included
    | st.sampled_from(["SetDeviceId", "Reconfigure", "Lost", "1000", "7432"])
)
objects = st.dictionaries(keys, scalars | st.lists(scalars, max_size=3), max_size=12)
documents = (objects | st.lists(objects, max_size=3) | scalars).map(
    lambda document: json.dumps(document).encode()
)
vectors = st.sampled_from([case.payload.encode() for case in CASES])


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real message with some bytes cut out and others put in."""
    payload = draw(vectors)
    start = draw(st.integers(0, len(payload)))
    end = draw(st.integers(start, len(payload)))
    return payload[:start] + draw(st.binary(max_size=8)) + payload[end:]


@pytest.mark.parametrize("decode", DECODERS)
@given(payload=st.binary(max_size=200) | documents | damaged() | vectors)
def test_any_bytes_give_a_message_or_malformed(
    decode: Callable[[bytes], object], payload: bytes
) -> None:
    try:
        message = decode(payload)
    except Malformed as exc:
        assert 0 < len(str(exc)) <= 200
        assert str(exc).isprintable()
    else:
        repr(message).encode()  # nothing in it that a log or a topic could not carry


@given(st.text() | st.lists(st.text(max_size=5) | keys, max_size=9).map("/".join))
def test_any_topic_gives_its_parts_or_malformed(topic: str) -> None:
    try:
        topics.parse(topic)
    except Malformed as exc:
        assert len(str(exc)) <= 200
