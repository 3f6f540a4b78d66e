"""What a browser is told of a message, and what it is never told."""

from __future__ import annotations

import pytest

from twin.page import tell

DEVICE = "/v1/device/7432"


@pytest.mark.parametrize(("topic", "kind"), [
    (f"{DEVICE}/rawdata", "rawdata"), (f"{DEVICE}/sensor/lamp/rawdata", "rawdata"),
    (f"{DEVICE}/heartbeat", "heartbeat"), (f"{DEVICE}/ack", "ack"), ("/v1/lwt/demo", "will"),
    ("/v1/registry/demo00001", "registry"), ("phone-conn/callEvent/abc", "callEvent"),
    ("something/else", "other"),
])
def test_a_topic_tells_the_kind(topic: str, kind: str) -> None:
    assert tell.kind_of(topic) == kind


def entry(topic: str, text: str, way: str = "came") -> dict[str, object]:
    return {"topic": topic, "text": text, "way": way, "time": "2026-05-01T12:00:00Z",
            "dropped": None}


def test_no_key_is_shown() -> None:
    shown = tell.message(entry("phone-conn/callEvent/sn-key-1",
                               '{"op":"Reconfigure","ck":"PKsecret","deviceKey":"x"}'),
                         1, ["PKsecret"])
    assert "PKsecret" not in str(shown) and "sn-key-1" not in str(shown)
    assert '"x"' not in shown["text"]


def test_a_reading_and_the_state_of_an_output_are_understood() -> None:
    text = ('[{"id":"temperature","value":["25.3"],"time":"2026-05-01T12:00:00Z"},'
            '{"id":"lamp","value":["on"]},{"id":"stranger","value":["1"]}]')
    assert list(tell.meant(entry(f"{DEVICE}/rawdata", text), ["temperature"], ["lamp"])) == [
        ("reading", {"id": "temperature", "time": "2026-05-01T12:00:00Z", "values": ["25.3"],
                     "state": "good"}),
        ("actuator", {"id": "lamp", "state": "on"})]


@pytest.mark.parametrize("text", ["", "{", "null", "[1]", '[{"id":"lamp"}]', "[" * 100_000,
                                  '[{"id":["lamp"],"value":["on"]}]'])
def test_nonsense_means_nothing(text: str) -> None:
    assert list(tell.meant(entry(f"{DEVICE}/rawdata", text), ["temperature"], ["lamp"])) == []


def test_a_refused_command_is_no_state() -> None:
    text = '[{"id":"fan","ack":"error: interlock"}]'
    assert list(tell.meant(entry(f"{DEVICE}/ack", text), [], ["fan"])) == []
