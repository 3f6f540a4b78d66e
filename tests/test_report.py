"""The status document, from what the rooms tell."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.config.model import Secret
from agent.control.control import ActuatorStatus, LastCommand
from agent.delivery.delivery import DeliveryStatus
from agent.identity.founder import Founding
from agent.identity.registry import Identity
from agent.link.model import LinkStatus
from agent.phone.alarms.report import AlarmStatus, CallsStatus
from agent.presence.watch import Seen, Watch
from agent.report import Loaded, Now, document
from agent.sensing.status import SensorStatus

NOW = Now(mono=1000.0, utc=datetime(2026, 5, 1, 4, 0, tzinfo=UTC), trusted=True, started=990.04)
WHO = Identity("7432", Secret("DK-never-shown"), "registry")
UP = LinkStatus("up", 994.5, None, 2)
CALM = DeliveryStatus("fence", 0, 0, 12, 0, 0.04)
GOOD = SensorStatus("t", ("25.3",), ("°C",), 998.25, "good", None, 10, 1)
FAULTY = SensorStatus("h", (), (None,), 900.0, "fault", "no answer", 3, 2)
NEVER = SensorStatus("n", (), (None,), None, "stale", None, 0, 0)


def told(**changes: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "now": NOW, "identity": WHO, "links": {"platform": UP}, "sensors": (GOOD, FAULTY, NEVER),
        "actuators": (), "delivery": CALM, "watch": Watch(), "counts": {},
        "loaded": Loaded(Path("/etc/agent.toml"), NOW.utc, ("[platform]",)), "reload_error": None}
    return document(**(parts | changes))


def test_ages_and_times_are_of_the_wall_clock_as_it_shows_now() -> None:
    found = told()
    assert found["uptime_s"] == 10.0
    assert found["links"]["platform"] == {
        "state": "up", "since": "2026-05-01T03:59:54.500Z", "error": None, "connects": 2}
    assert found["sensors"][0] == {
        "id": "t", "values": ["25.3"], "unit": "°C", "time": "2026-05-01T03:59:58.250Z",
        "age_s": 1.8, "quality": "good", "error": None, "reads": 10, "failures": 1}


def test_a_faulty_sensor_keeps_its_last_time_and_one_never_read_has_none() -> None:
    _, faulty, never = told()["sensors"]
    assert faulty["values"] == [] and faulty["error"] == "no answer"
    assert faulty["time"] == "2026-05-01T03:58:20.000Z" and faulty["age_s"] == 100.0
    assert (never["time"], never["age_s"], never["quality"]) == (None, None, "stale")


def test_an_actuator_and_its_last_command() -> None:
    last = LastCommand("on", "phone", "error: too old")
    lamp, fan = told(actuators=(ActuatorStatus("lamp", "off", 999.0, last),
                                ActuatorStatus("fan", "unknown", 990.0, None)))["actuators"]
    assert lamp == {
        "id": "lamp", "state": "off", "since": "2026-05-01T03:59:59.000Z",
        "last_command": {"cmd": "on", "from": "phone", "result": "error: too old"}}
    assert fan["last_command"] is None


def test_what_the_platform_last_said() -> None:
    watch = Watch()
    watch.heartbeat = Seen("Lost", None)
    assert told(watch=watch)["platform"] == {
        "heartbeat": {"word": "Lost", "time": None}, "active": None}


def test_how_it_goes_to_create_oneself() -> None:
    assert told()["reconfigure"] is None
    assert told(founding=Founding("waiting", "h: 503"))["reconfigure"] == {
        "state": "waiting", "error": "h: 503"}


def test_which_configuration_is_in_use(tmp_path: Path) -> None:
    assert told()["configuration"] == {
        "file": "/etc/agent.toml", "written": "2026-05-01T04:00:00.000Z",
        "restart": ["[platform]"]}
    file = tmp_path / "agent.toml"
    assert Loaded.of(file).written is None, "it may be gone again"
    file.touch()
    os.utime(file, (1.5, 1.5))
    assert told(loaded=Loaded.of(file))["configuration"] == {
        "file": str(file), "written": "1970-01-01T00:00:01.500Z", "restart": []}


def test_it_can_be_sent_and_holds_no_key() -> None:
    text = json.dumps(told(counts={"malformed": 3}, reload_error="a: b"))
    assert "DK-never-shown" not in text
    assert told(identity=None)["identity"] is None
    assert told()["identity"] == {"device_id": "7432", "source": "registry"}


HOT = AlarmStatus("hot", "t", "critical", "firing", False, 60.0, "38", None, "calling ann")
FINE = AlarmStatus("wet", "t", "warning", "ok", False, 0.0, "50", None, None)


def test_alarms_and_the_calls_about_them() -> None:
    found = told(alarms=(HOT, FINE), callouts=CallsStatus(True, False, 3, 20, "ann", None))
    assert found["alarms"][0] == {
        "id": "hot", "sensor": "t", "severity": "critical", "state": "firing", "missing": False,
        "since": "2026-05-01T03:59:00.000Z", "value": "38", "acknowledged": None,
        "calls": "calling ann"}
    assert found["alarms"][1]["since"] is None
    assert found["callouts"] == {"enabled": True, "dry_run": False, "today": 3, "most": 20,
                                 "calling": "ann", "held": None}
    assert told()["callouts"] is None
