"""What a browser may ask for, and what is refused before anything is done."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.page.asks import BadAsk, Clock, Command, Dial, Network, Plug, Power, Take, Talk, read

GOOD = [
    ({"do": "command", "actuator": "lamp", "cmd": "on"}, Command("lamp", "on")),
    ({"do": "unplug", "sensor": "temperature"}, Plug("temperature", False)),
    ({"do": "plug", "sensor": "temperature"}, Plug("temperature", True)),
    ({"do": "network", "state": "blackhole"}, Network("blackhole")),
    ({"do": "agent", "state": "off"}, Power("off")),
    ({"do": "clock", "seconds": -3600}, Clock(-3600.0)),
    ({"do": "dial", "from": "", "to": None}, Dial("", None)),
    ({"do": "dial", "from": "0900000001", "to": "034240000"}, Dial("0900000001", "034240000")),
    ({"do": "keys", "keys": "12#"}, Talk({"keys": "12#"})),
    ({"do": "say", "text": "溫度"}, Talk({"say": "溫度"})),
    ({"do": "silence"}, Talk({"silence": True})),
    ({"do": "decline"}, Take(False)),
]
BAD = [
    {}, {"do": "everything"}, {"do": "command", "actuator": "lamp"},
    {"do": "network", "state": "gone"}, {"do": "clock", "seconds": 1e300},
    {"do": "clock", "seconds": True}, {"do": "clock", "seconds": "1"},
    {"do": "keys", "keys": "1a"}, {"do": "keys", "keys": ""}, {"do": "keys", "keys": "1" * 65},
    {"do": "say", "text": ""}, {"do": "say", "text": "a" * 201},
    {"do": "dial", "from": "+886900000001"}, {"do": "dial", "from": "0900000001", "to": "x"},
]


@pytest.mark.parametrize(("content", "ask"), GOOD)
def test_an_ask_is_read(content: object, ask: object) -> None:
    assert read(json.dumps(content).encode()) == ask


@pytest.mark.parametrize("content", BAD)
def test_anything_else_is_refused(content: object) -> None:
    with pytest.raises(BadAsk):
        read(json.dumps(content).encode())


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["do", "keys", "state", "seconds", "sensor"]), inner, max_size=4),
).map(lambda content: json.dumps(content).encode()))
def test_no_body_does_harm(body: bytes) -> None:
    try:
        read(body)
    except BadAsk as exc:
        assert "\n" not in str(exc)
