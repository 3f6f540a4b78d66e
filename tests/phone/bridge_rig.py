"""The bridge with everything around it in memory: the service's messages in, its topic out."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.errors import LinkLost
from agent.phone.bridge import Bridge
from agent.phone.callouts import Callouts
from agent.phone.model import Acted, Heard, PinLocked, PinRight, PinWrong, Seen
from agent.protocol.calls import VoiceMemo
from tests.config.menus import book_of
from tests.phone.line import GREENHOUSE, PIN
from tests.support.clock import FakeClock
from tests.support.waiting import until

SN = "SNKEY00000000000000001"
EVENTS = f"phone-conn/callEvent/{SN}"
SEEN: Seen = {"temperature": Heard(("25.3",), ("°C",), ("temperature",), 30.0)}


@dataclass
class Hands:
    """Does at once what is asked; ``gate``: only when it is set. ``broken`` raises it instead."""

    commands: list[tuple[str, str]] = field(default_factory=list)
    guesses: int = 0
    gate: asyncio.Event | None = None
    broken: Exception | None = None

    async def check_pin(self, digits: str) -> PinRight | PinWrong | PinLocked:
        await self._wait()
        self.guesses += 1
        return PinRight() if digits == PIN else PinWrong()

    def act(self, actuator: str, cmd: str) -> Acted:
        if self.broken:
            raise self.broken
        self.commands.append((actuator, cmd))
        return Acted(True, cmd)

    async def read(self, sensors: tuple[str, ...]) -> None:
        await self._wait()

    async def _wait(self) -> None:
        if self.broken:
            raise self.broken
        if self.gate is not None:
            await self.gate.wait()


@dataclass
class Notes:
    lines: list[tuple[str, str | None, str]] = field(default_factory=list)
    memos: list[VoiceMemo] = field(default_factory=list)

    def call(self, call: str, phone: str | None, what: str) -> None:
        self.lines.append((call, phone, what))

    def memo(self, call: str, memo: VoiceMemo) -> None:
        self.memos.append(memo)


class Rig:
    """One bridge; ``sent`` are its callActions as the service reads them. Made inside a loop."""

    def __init__(
        self,
        folder: Path,
        menus: str = GREENHOUSE,
        callouts: Callouts | None = None,
        patience: float = 1.0,
    ) -> None:
        self.sent: list[dict[str, Any]] = []
        self.up = True
        self.clock = FakeClock()
        self.hands = Hands()
        self.notes = Notes()
        self.bridge = Bridge(
            SN, book_of(folder, menus), self.clock, self._publish, lambda: SEEN, self.hands,
            self.notes, callouts, patience=patience)  # fmt: skip
        self._ids = 0

    def _publish(self, topic: str, payload: bytes) -> None:
        if not self.up:
            raise LinkLost("phone: not connected")
        assert topic == f"phone-conn/callAction/{SN}"
        self.sent.append(json.loads(payload))

    def tell(self, **fields: object) -> None:
        """A callEvent of these fields."""
        self.raw(json.dumps(fields).encode())

    def raw(self, payload: bytes, topic: str = EVENTS, retained: bool = False) -> None:
        self.bridge.receive(topic, payload, retained)

    def request(self, node: str, phone: str = "0900000001", **more: object) -> str:
        """The id of a new request."""
        self._ids += 1
        id = f"id{self._ids}"
        self.tell(**{"id": id, "type": "request", "phone": phone, "node": node,
                     "time": f"2026-05-01T04:00:00.{self._ids:03}Z"} | more)
        return id

    def answers(self, id: str) -> list[dict[str, Any]]:
        return [one for one in self.sent if one["id"] == id and not one.get("isWaitText")]

    def answer(self, id: str) -> dict[str, Any]:
        """The one final answer to ``id``."""
        (found,) = self.answers(id)
        return found

    async def answered(self, id: str) -> dict[str, Any]:
        await until(lambda: self.answers(id), what=f"an answer to {id}")
        return self.answer(id)

    async def enter(self, answer: dict[str, Any], keys: str, **more: Any) -> dict[str, Any]:
        """What follows when a caller enters this after ``answer``."""
        return await self.answered(self.request(f"{answer['node']},{keys}", **more))
