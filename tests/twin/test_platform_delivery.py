"""What the twin does to all messages alike: sizes, topics, delay, loss, replays, notes."""

from __future__ import annotations

import pytest

from tests.twin.platform_rig import DEV, NOW, after, platform, send, told, topics, whys
from twin.messages import Message
from twin.platform.topics import matches

READING = [{"id": "a", "value": ["1"]}]


def padded(content: bytes, size: int) -> bytes:
    return content + b" " * (size - len(content))


@pytest.mark.req("P-04")
@pytest.mark.parametrize(("kind", "payload"), [
    ("rawdata", b'[{"id":"a","value":["1"]}]'), ("command", b'[{"id":"a","cmd":"1"}]'),
    ("ack", b'[{"id":"a","ack":"1"}]')])
def test_a_payload_over_5000_bytes_vanishes(kind: str, payload: bytes) -> None:
    twin = platform("a")
    assert send(twin, kind, padded(payload, 5000)) != []
    assert twin.notes == []
    assert send(twin, kind, padded(payload, 5001)) == []
    assert whys(twin) == ["5001 bytes, over 5000"]


@pytest.mark.req("P-04")
def test_a_heartbeat_has_no_limit() -> None:
    assert send(platform(), "heartbeat", padded(b'{"pulse":"1000"}', 6000)) != []


@pytest.mark.req("P-05")
def test_notices_come_late_when_that_is_set() -> None:
    twin = platform("a", delay=3.0)
    assert {due.at for due in send(twin, "rawdata", READING)} == {after(3)}
    send(twin, "heartbeat", {"pulse": "1000"})
    assert [due.at for due in twin.tick(after(60))] == [after(63)]


@pytest.mark.req("P-05")
def test_notices_get_lost_when_that_is_set_and_it_is_noted() -> None:
    assert send(platform("a", loss=1.0), "rawdata", READING) == []
    twin = platform("a", loss=0.25)
    arrived = sum(len(send(twin, "rawdata", READING)) for _ in range(500))
    assert 700 < arrived < 800
    assert len(twin.notes) == 1000 - arrived
    assert set(whys(twin)) == {"lost on the way, as the settings want"}
    assert len(twin.history(DEV, "a")) == 500


def test_a_replay_on_subscribe_is_off_unless_set() -> None:
    twin = platform("a")
    send(twin, "rawdata", READING)
    send(twin, "command", [{"id": "a", "cmd": "on"}])
    send(twin, "heartbeat", {"pulse": "1000"})
    assert twin.subscribed("#", NOW) == []


@pytest.mark.parametrize(("pattern", "kinds"), [
    (f"/v1/device/{DEV}/sensor/a/command", ["a/command"]),
    (f"/v1/device/{DEV}/sensor/a/rawdata", ["a/rawdata"]),
    (f"/v1/device/{DEV}/sensor/+/csv", ["a/csv", "b/csv"]),
    (f"/v1/device/{DEV}/sensor/a/ack", []),
    (f"/v1/device/{DEV}/sensor/c/command", []),
    ("/v1/device/1/sensor/a/command", []),
])
def test_the_last_value_and_command_are_told_again_with_their_old_times(
    pattern: str, kinds: list[str]
) -> None:
    twin = platform("a", "b", "c", replay_on_subscribe=True)
    send(twin, "rawdata", [{"id": "b", "value": ["2"]}, *READING])
    send(twin, "rawdata", READING, after(1))
    send(twin, "command", [{"id": "a", "cmd": "off"}])
    send(twin, "command", [{"id": "a", "cmd": "on"}], after(1))
    send(twin, "ack", [{"id": "a", "ack": "on"}], after(1))
    dues = twin.subscribed(pattern, after(600))
    assert sorted(topics(dues)) == [f"/v1/device/{DEV}/sensor/{kind}" for kind in kinds]
    assert all(due.at == after(600) for due in dues)
    if kinds == ["a/command"]:
        assert told(dues) == [
            {"id": "a", "deviceId": DEV, "time": "2016-03-30T08:28:48.532Z", "cmd": "on"}]


@pytest.mark.parametrize(("pattern", "topic", "expected"), [
    ("/a/b", "/a/b", True), ("/a/b", "/a/c", False), ("/a", "/a/b", False), ("/a/b", "/a", False),
    ("/+/b", "/a/b", True), ("+/a", "/a", True), ("/a/+", "/a", False), ("#", "/a/b", True),
    ("/a/#", "/a/b/c", True), ("/a/#", "/a", True), ("/a/#", "/b", False),
    ("/a/b/#", "/a", False), ("/a/+/#", "/a", False), ("/a#", "/a", False),
])
def test_filters_are_read_as_mqtt_does(pattern: str, topic: str, expected: bool) -> None:
    assert matches(pattern, topic) is expected


@pytest.mark.req("P-16", "P-20", "P-29")
@pytest.mark.parametrize("topic", [
    f"/v1/device/{DEV}/sensor/a/rawdata", f"/v1/device/{DEV}/sensor/a/csv",
    f"/v1/device/{DEV}/sensor/a/command", f"/v1/device/{DEV}/sensor/a/ack",
    f"/v1/device/{DEV}/active", "/v1/registry/pi00001", "/v1/lwt/pi00001"])
def test_its_own_notices_and_wills_are_none_of_its_business(topic: str) -> None:
    twin = platform("a")
    assert twin.receive(Message(topic, b'[{"id":"a","value":["1"],"cmd":"1"}]'), NOW) == []
    assert twin.notes == []


@pytest.mark.parametrize("topic", [
    "", "/", "/v1", "v1/device/7432/rawdata", "/v1/device/7432/rawdata/", "/v2/device/7432/ack",
    "/v1/device//rawdata", "/v1/device/7432/sensor/a/b/rawdata", "/v1/registry/", "$SYS/x"])
def test_a_wrong_topic_is_noted(topic: str) -> None:
    twin = platform("a")
    assert twin.receive(Message(topic, b'[{"id":"a","value":["1"]}]'), NOW) == []
    assert [(note.what, note.topic) for note in twin.notes] == [
        ("no topic of the platform's", topic)]


@pytest.mark.req("P-20")
@pytest.mark.parametrize("name", ["", "abc", "pi_00001", "pi/00001", "溫室溫室"])
def test_a_will_by_a_name_the_platform_does_not_allow_is_noted(name: str) -> None:
    twin = platform()
    twin.receive(Message(f"/v1/lwt/{name}", b"offline"), NOW)
    assert len(twin.notes) == 1


def test_notes_are_bounded_in_number_and_length() -> None:
    twin = platform(note_limit=3)
    for n in range(5):
        twin.receive(Message(f"{n}" * 60_000, b""), NOW)
    assert [note.topic for note in twin.notes] == [f"{n}" * 200 for n in (2, 3, 4)]
    send(twin, "rawdata", [{"id": "x" * 4000, "value": 1}])
    assert len(twin.notes[-1].what) < 120


def test_without_settings_nothing_is_late_or_lost() -> None:
    twin = platform("a")
    assert all(due.at == NOW for due in send(twin, "rawdata", READING * 50))
    assert len(twin.history(DEV, "a")) == 50
