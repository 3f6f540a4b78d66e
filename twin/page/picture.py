"""All the page knows now: what a browser is told that has just come. Bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from twin.page.ledger import Ledger
from twin.page.stage import Faults, Things

MOST_READINGS = 600
"""Of each sensor."""
MOST_MESSAGES = 200
SHOWN = timedelta(minutes=10)
"""How far back the readings go that a new browser gets."""


class Picture:
    """Filled by who watches; ``hello`` reads it."""

    def __init__(self, things: Things) -> None:
        self.things = things
        self.agent: dict[str, Any] = {"running": False, "link": None}
        self.call: dict[str, Any] | None = None
        self.ledger = Ledger()
        self.states: dict[str, str | None] = dict.fromkeys(things.actuators)
        self.conditions: dict[str, dict[str, Any]] = {}
        self.units = {sensor.id: sensor.unit for sensor in things.sensors}
        self.number = 0
        self._readings: dict[str, deque[dict[str, Any]]] = {
            sensor.id: deque(maxlen=MOST_READINGS) for sensor in things.sensors}
        self._messages: deque[dict[str, Any]] = deque(maxlen=MOST_MESSAGES)

    def reading(self, reading: dict[str, Any]) -> None:
        self._readings[reading["id"]].append(reading)

    def message(self, message: dict[str, Any]) -> None:
        self._messages.append(message)

    def hello(self, device: str | None, faults: Faults, now: datetime) -> dict[str, Any]:
        """The data of the event."""
        things, since = self.things, now - SHOWN
        return {
            "things": {"sensors": [self._sensor(sensor.id, sensor.pluggable, sensor.edge)
                                   for sensor in things.sensors],
                       "actuators": [{"id": id, "commands": list(words), "state": self.states[id]}
                                     for id, words in things.actuators.items()]},
            "device": device, "number": things.number, "own_number": things.own_number,
            "pin": things.pin, "agent": self.agent,
            "faults": asdict(faults), "ledger": self.ledger.shown(),
            "readings": [each for kept in self._readings.values() for each in kept
                         if _is_since(each, since)],
            "messages": list(self._messages), "call": self.call,
            "now": now.isoformat(timespec="milliseconds"),
        }

    def _sensor(self, id: str, pluggable: bool, edge: bool) -> dict[str, Any]:
        condition = self.conditions.get(id, {"state": "good", "why": None})
        return {"id": id, "unit": self.units[id], "pluggable": pluggable, "edge": edge,
                "state": condition["state"], "why": condition["why"]}


def _is_since(reading: Mapping[str, Any], since: datetime) -> bool:
    try:
        time = datetime.fromisoformat(reading["time"])
    except ValueError:
        return False
    return (time if time.tzinfo else time.replace(tzinfo=UTC)) >= since
