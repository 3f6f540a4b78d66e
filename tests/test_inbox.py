"""Messages from outside: each to its room, bad ones counted, none fatal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.control.decision import Command
from agent.inbox import PlatformInbox, RegistryInbox
from agent.presence.watch import Seen, Watch
from agent.protocol.registry import Reconfigure, SetDeviceId
from tests.support.clock import FakeClock

DEVICE = "/v1/device/7432/"
COMMAND = DEVICE + "sensor/lamp/command"
LWT = "/v1/lwt/pi00001"
GOOD = {"id": "lamp", "deviceId": "7432", "time": "2026-05-01T04:00:00.000Z", "cmd": "on"}


class Rooms:
    """What reached each room."""

    def __init__(self, device: str | None = "7432") -> None:
        self.commands: list[Command] = []
        self.wills: list[bytes] = []
        self.watch = Watch()
        self.inbox = PlatformInbox(
            FakeClock(), self.commands.append, self.watch, self.wills.append)
        self.inbox.device = device

    def receive(self, topic: str, message: Any) -> None:
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.inbox.receive(topic, payload, False)

    @property
    def bad(self) -> int:
        return self.inbox.noticing.counts.get("malformed", 0)


@pytest.mark.req("P-09")
def test_a_command_reaches_control_with_its_time_and_its_text() -> None:
    rooms = Rooms()
    rooms.receive(COMMAND, GOOD)
    (command,) = rooms.commands
    assert (command.actuator, command.cmd, command.source) == ("lamp", "on", "platform")
    assert command.time is not None and command.time.isoformat() == "2026-05-01T04:00:00+00:00"
    assert command.key == ("lamp", GOOD["time"], "on")


@pytest.mark.parametrize("time", [None, "2019-03-30T08:32:118.136Z", ""])
def test_a_command_with_an_impossible_time_still_reaches_control(time: str | None) -> None:
    rooms = Rooms()
    rooms.receive(COMMAND, {"id": "lamp", "cmd": "on"} | ({} if time is None else {"time": time}))
    assert [one.time for one in rooms.commands] == [None]


@pytest.mark.parametrize("change", [
    {"id": "fan"}, {"deviceId": "8000"}, {"cmd": None}, {"cmd": ["on"]}, {"id": None}])
def test_a_command_that_contradicts_its_topic_or_has_no_word_moves_nothing(
    change: dict[str, Any]
) -> None:
    rooms = Rooms()
    rooms.receive(COMMAND, GOOD | change)
    assert rooms.commands == [] and rooms.bad == 1


@pytest.mark.parametrize("topic", [
    "/v1/device/8000/sensor/lamp/command", DEVICE + "command", DEVICE + "sensor/lamp/rawdata",
    DEVICE + "sensor/lamp", "", "/", "$SYS/broker", "/v1/registry/pi00001",
    DEVICE + "sensor/lamp/command/"])
def test_what_was_never_subscribed_is_counted(topic: str) -> None:
    rooms = Rooms()
    rooms.receive(topic, GOOD)
    assert rooms.commands == [] and rooms.wills == [] and rooms.bad == 1


def test_without_an_identity_nothing_is_for_us() -> None:
    rooms = Rooms(device=None)
    rooms.receive(COMMAND, GOOD)
    assert rooms.commands == [] and rooms.bad == 1


@pytest.mark.req("P-13", "P-14")
def test_its_own_beat_coming_back_is_neither_a_notice_nor_bad() -> None:
    rooms = Rooms()
    rooms.receive(DEVICE + "heartbeat", b'{"pulse":"60000"}')
    assert (rooms.watch.heartbeat, rooms.bad) == (None, 0)
    rooms.receive(DEVICE + "heartbeat", {"type": "Lost", "deviceId": "7432"})
    assert (rooms.watch.heartbeat, rooms.bad) == (Seen("Lost", None), 0)


@pytest.mark.req("P-15", "P-24")
def test_what_the_platform_thinks_of_the_data_is_kept() -> None:
    rooms = Rooms()
    rooms.receive(DEVICE + "active", {"deviceId": "7432", "status": "abnormal", "record": 3})
    assert rooms.watch.active is not None and rooms.watch.active.word == "abnormal"


@pytest.mark.req("P-22")
def test_whatever_the_will_topic_carries_is_handed_on() -> None:
    rooms = Rooms()
    rooms.receive(LWT, b"offline")
    rooms.receive(LWT, b"")
    assert rooms.wills == [b"offline", b""] and rooms.bad == 0


topics = st.sampled_from([COMMAND, DEVICE + "heartbeat", DEVICE + "active", LWT]) | st.text()
documents = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["id", "deviceId", "time", "cmd", "type", "status", "pulse"]), inner))


@given(topics, st.binary() | documents.map(lambda one: json.dumps(one).encode()))
def test_nothing_that_arrives_is_fatal(topic: str, payload: bytes) -> None:
    rooms = Rooms()
    rooms.inbox.receive(topic, payload, True)
    for command in rooms.commands:
        assert isinstance(command.cmd, str) and command.actuator == "lamp"


@pytest.mark.req("P-17", "P-18")
def test_the_registry_is_heard() -> None:
    heard: list[SetDeviceId | Reconfigure] = []
    inbox = RegistryInbox(FakeClock(), heard.append)
    inbox.receive("/v1/registry/pi00001", b'{"op":"SetDeviceId","ck":"DK1","deviceId":"7"}', True)
    inbox.receive("/v1/registry/pi00001", b'{"op":"Reconfigure","ck":"PK1"}', False)
    assert heard == [SetDeviceId("DK1", "7"), Reconfigure("PK1")]


def test_a_bad_registry_message_is_counted_and_its_key_not_told(
    caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[SetDeviceId | Reconfigure] = []
    inbox = RegistryInbox(FakeClock(), heard.append)
    for payload in (b'{"op":"SetDeviceId","ck":"DKsecret1"}', b'{"ck":"DKsecret1"}',
                    b'{"op":"DKsecret1"}', b'{"op":"SetDeviceId","ck":"DKsecret1"', b"\xff"):
        inbox.receive("/v1/registry/pi00001", payload, False)
    assert heard == [] and inbox.noticing.counts == {"malformed": 5}
    assert "DKsecret1" not in caplog.text
