"""Looks at the twin and at the agent, and tells every browser what has changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from twin.page import tell
from twin.page.feed import Feed
from twin.page.ledger import Ledger, Life
from twin.page.line import Gone, ask, connected
from twin.page.picture import Picture
from twin.page.stage import Faults, Hands

_EVERY = 1.0
"""Seconds between two looks at the agent and at what the platform counts."""
_ON_ITS_WAY = 0.3
"""Seconds a reading may take from the agent's proof to the platform's count."""


class Lookout:
    """Fills ``picture``, and tells ``feed``."""

    def __init__(self, picture: Picture, feed: Feed, hands: Hands) -> None:
        self._picture = picture
        self._things = picture.things
        self._feed = feed
        self._hands = hands
        self._shown: dict[str, Any] = {}
        self._faults: Faults | None = None
        self._device: str | None = None
        self._looking = asyncio.Lock()

    async def watch(self) -> None:
        """Tell each message that passes at the platform, until cancelled."""
        while True:
            with contextlib.suppress(Gone):
                async with connected(self._things.twin_socket) as line:
                    line.send({"op": "watch"})
                    while True:
                        self._passed(await line.read())
            await asyncio.sleep(_EVERY)

    async def look(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            async with self._looking:
                await self._look_once()
            await asyncio.sleep(_EVERY)

    @asynccontextmanager
    async def power_cut(self) -> AsyncIterator[None]:
        """What is done meanwhile ends the agent's life: it is asked a last time before."""
        async with self._looking:
            await self._look_at_agent()
            yield
            self._picture.ledger = self._picture.ledger.ended()
            self._tell_ledger()
        self.tell_faults()

    def tell_faults(self) -> None:
        """If they have changed."""
        if (faults := self._hands.faults) != self._faults:
            self._faults = faults
            self._feed.tell("faults", tell.faults(faults))

    def _passed(self, entry: Mapping[str, Any]) -> None:
        picture = self._picture
        if entry.get("event") == "missed":
            self._feed.tell("log", tell.log("demo", f"{entry['count']} messages were too many to "
                                                    "be shown", ()))
        if entry.get("event") != "message":
            return
        picture.number += 1
        message = tell.message(entry, picture.number, self._things.secrets)
        picture.message(message)
        self._feed.tell("message", message)
        for name, data in tell.meant(entry, picture.units, picture.states):
            if name == "reading":
                picture.reading(data)
                self._feed.tell(name, data)
            else:
                self._actuator(data["id"], data["state"])

    async def _look_once(self) -> None:
        status = await self._look_at_agent()
        if status is not None:
            await asyncio.sleep(_ON_ITS_WAY)
        with contextlib.suppress(Gone, KeyError):
            counts = (await ask(self._things.twin_socket, {"op": "status"}))["readings"]
            self._count(status, counts["stored"], counts["twice"])
        self.tell_faults()
        if self._hands.device != self._device:
            self._device = self._hands.device
            self._feed.renew()

    async def _look_at_agent(self) -> dict[str, Any] | None:
        """Its status document; None when it does not answer."""
        running, status = self._hands.faults.agent == "up", None
        with contextlib.suppress(Gone, KeyError):
            status = (await ask(self._things.agent_socket, {"op": "status"}))["ok"]
        link = status["links"]["platform"]["state"] if status else None
        agent = {"running": running, "link": link}
        if agent != self._picture.agent:
            self._picture.agent = agent
            self._feed.tell("agent", agent)
        if status is not None:
            self._sensors(status["sensors"])
            for actuator in status["actuators"]:
                self._actuator(actuator["id"], actuator["state"])
            self._ledger_of(status)
        elif not running:
            for id in self._picture.states:
                self._actuator(id, None)
        return status

    def _sensors(self, found: list[dict[str, Any]]) -> None:
        picture = self._picture
        for sensor in found:
            id, now = sensor["id"], {"state": sensor["quality"], "why": sensor["error"]}
            if id not in picture.units:
                continue
            before = picture.conditions.get(id)
            picture.conditions[id] = now
            # Why something is stale changes each second; the state alone is news then.
            if before is None or before["state"] != now["state"] or (
                    now["state"] == "fault" and before != now):
                self._feed.tell("sensor", {"id": id, **now})
            if picture.units[id] != sensor["unit"] is not None:
                picture.units[id] = sensor["unit"]
                self._feed.renew()

    def _actuator(self, id: str, state: str | None) -> None:
        if id in self._picture.states and self._picture.states[id] != state:
            self._picture.states[id] = state
            self._feed.tell("actuator", {"id": id, "state": state})

    def _ledger_of(self, status: Mapping[str, Any]) -> None:
        before = self._picture.ledger
        self._picture.ledger = before.told(Life.of(status), before.stored,
                                           before.twice, online=False)

    def _count(self, status: Mapping[str, Any] | None, stored: int, twice: int) -> None:
        ledger: Ledger = self._picture.ledger
        online = status is not None and status["links"]["platform"]["state"] == "up"
        self._picture.ledger = ledger.told(ledger.now, stored, twice, online=online)
        self._tell_ledger()

    def _tell_ledger(self) -> None:
        shown = self._picture.ledger.shown()
        if shown != self._shown:
            self._shown = shown
            self._feed.tell("ledger", shown)
