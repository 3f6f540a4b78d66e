"""A visit of the doctor's: what is known so far, and what a check needs of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from agent.clock import TIMESYNC_DIR, SystemClock
from agent.doctor.machine import Machine
from agent.finding import Finding

if TYPE_CHECKING:
    from agent.config.model import Config
    from agent.doctor.daemon import Daemon
    from agent.doctor.endpoints import Endpoint
    from agent.identity.registry import Identity
    from agent.identity.rest import Rest

T = TypeVar("T")


@dataclass
class Visit:
    """Left here by each check for those after it.

    ``named``, ``reached``, ``open``: servers whose name, port and certificate are good, the last by
    role. ``known``: True once the platform has answered for our device.
    """

    path: Path
    machine: Machine
    config: Config | None = None
    identity: Identity | None = None
    daemon: Daemon | None = None
    named: list[Endpoint] = field(default_factory=list)
    reached: list[Endpoint] = field(default_factory=list)
    open: dict[str, Endpoint] = field(default_factory=dict)
    platform: Rest | None = None
    known: bool | None = None

    def has(self, need: str) -> bool:
        """Whether a field is there, or a server of this role is open."""
        return need in self.open or getattr(self, need, None) is not None

    def clock(self) -> SystemClock:
        """This machine's, trusted as the configuration says."""
        trust = self.config.clock.trust if self.config else "auto"
        return SystemClock(trust, self.machine.path(TIMESYNC_DIR))


@dataclass(frozen=True)
class Check:
    """``name`` stays, as scripts may look for it. ``needs``: what :meth:`Visit.has` must find.
    ``pins``, ``phone``: only where there is real hardware, or a telephone, configured."""

    name: str
    look: Callable[[Visit], Iterable[Finding]]
    needs: tuple[str, ...] = ()
    pins: bool = False
    phone: bool = False

    def concerns(self, visit: Visit) -> bool:
        """Whether there is anything for it to look at, as far as is known."""
        config = visit.config
        if config is None:
            return True
        if self.phone and config.phone is None:
            return False
        return not self.pins or config.hardware.backend == "pi"

    def possible(self, visit: Visit) -> bool:
        return all(map(visit.has, self.needs))


def there(value: T | None) -> T:
    """What ``needs`` has promised."""
    if value is None:
        raise AssertionError("a check ran without what it needs")
    return value
