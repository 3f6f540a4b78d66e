"""The link, as presence needs it."""

from __future__ import annotations

from typing import Protocol


class Channel(Protocol):
    """Where beats and the will's clearing go: at once or not at all (decision 3)."""

    @property
    def up(self) -> bool: ...

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None: ...

    async def fence(self) -> None: ...
