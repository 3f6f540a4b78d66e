"""The configuration as the rooms see it: checked, complete, frozen. Durations are seconds.

Defaults here are the defaults a user gets (design, section 3). ``agent.config.load`` builds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agent.config.alarms import AlarmConfig, CallsConfig

if TYPE_CHECKING:
    from agent.config.menus import Book, PhoneConfig


@dataclass(frozen=True)
class Secret:
    """A key that never shows itself: ``repr`` and ``str`` are masked."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The secret itself, for the one place that sends it."""
        return self._text

    def __str__(self) -> str:
        return "****"


@dataclass(frozen=True)
class SecretRef:
    """Where a secret is kept; the text after the prefix is a name or path, or a literal secret."""

    source: Literal["credential", "env", "file", "literal"]
    where: str = field(repr=False)


@dataclass(frozen=True)
class PlatformConfig:
    """``[platform]``: the broker, and who we are on it (P-01, P-03)."""

    host: str = "iot.cht.com.tw"
    port: int = 8883
    tls: bool = True
    ca_file: Path | None = None
    device_id: str | None = None
    key: SecretRef | None = None
    mqtt_version: Literal["3.1.1", "3.1"] = "3.1.1"
    keepalive: float = 60.0
    rest_url: str = "https://iot.cht.com.tw/iot/v1"


@dataclass(frozen=True)
class RegistryConfig:
    """``[registry]``: the bootstrap topic (P-16). Present only when the section is."""

    product_code: str
    serial: str = "auto"
    relocatable: bool = False


@dataclass(frozen=True)
class LastWillConfig:
    """``[last_will]`` (P-20). ``name`` None: product code + serial, else a name from the serial."""

    name: str | None = None
    message: str = "offline"
    retain: bool = True
    clear: bool = True


@dataclass(frozen=True)
class HeartbeatConfig:
    """``[heartbeat]`` (P-13): ``pulse`` is told to the platform; a beat goes out every third."""

    pulse: float = 60.0


@dataclass(frozen=True)
class ClockConfig:
    """``[clock]`` (decision 6)."""

    trust: Literal["auto", "always"] = "auto"
    untimed: Literal["drop", "send"] = "drop"


@dataclass(frozen=True)
class DeliveryConfig:
    """``[delivery]`` (decisions 4 and 5). ``disk_limit`` is bytes, ``backfill_rate`` messages/s."""

    confirm: Literal["none", "fence"] = "fence"
    hold: float = 5.0
    disk_limit: int = 64_000_000
    backfill_rate: float = 5.0


@dataclass(frozen=True)
class HardwareConfig:
    """``[hardware]``: the one section without a default; a pin is never simulated by accident."""

    backend: Literal["pi", "simulated"]
    scenario: str | None = None


@dataclass(frozen=True)
class QuantityConfig:
    """One quantity of a sensor and its filters, applied in this order: scale and offset, median,
    valid, decimals, deadband."""

    name: str
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    median: int = 1
    valid: tuple[float, float] | None = None
    decimals: int | None = None
    deadband: float | None = None


@dataclass(frozen=True)
class SensorConfig:
    """One ``[[sensor]]``. ``options`` are the driver's own, checked against its SPEC.

    ``every`` None: an edge sensor that reports changes only.
    """

    id: str
    driver: str
    quantities: tuple[QuantityConfig, ...]
    options: Mapping[str, object] = field(default_factory=dict)
    every: float | None = None
    report_at_least: float | None = None
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True)
class Action:
    """What a command word does. ``level`` is logical, as its driver has them: 0.0 is off.

    set: to ``level``; toggle: on if off, else off; pulse: ``level`` for ``duration`` seconds.
    """

    kind: Literal["set", "toggle", "pulse"]
    level: float = 1.0
    duration: float = 0.0


@dataclass(frozen=True)
class OnLinkLost:
    """What to do once the platform was unreachable for ``after`` seconds; None: the safe state."""

    after: float
    do: Action | None = None


@dataclass(frozen=True)
class RateLimit:
    """At most ``count`` level changes by command in any ``per`` seconds."""

    count: int
    per: float


@dataclass(frozen=True)
class ActuatorConfig:
    """One ``[[actuator]]``. ``commands`` is complete: the only words that move it (decision 7).

    ``levels``: the lowest and the highest. ``numbers``: a plain number between them is a command
    too (a driver with levels in between, without a table of its own). ``safe``: the logical level
    at start, exit, lost link and after ``max_on`` (decision 8).
    ``interlock``: of all actuators naming the same group at most one is on. On is what is not 0,
    so a motor running backward too.
    """

    id: str
    driver: str
    commands: Mapping[str, Action]
    options: Mapping[str, object] = field(default_factory=dict)
    levels: tuple[float, float] = (0.0, 1.0)
    numbers: bool = False
    safe: float = 0.0
    max_on: float | None = None
    min_on: float | None = None
    min_off: float | None = None
    interlock: str | None = None
    rate_limit: RateLimit | None = None
    on_link_lost: OnLinkLost | None = None
    max_command_age: float = 60.0
    publish_state: bool = True


@dataclass(frozen=True)
class ServiceConfig:
    """``[service]``: where the state and the socket are, when systemd does not say (section 3)."""

    state_dir: Path | None = None
    socket: Path | None = None


@dataclass(frozen=True)
class Config:
    """The whole of ``agent.toml``. ``book``: the menus that ``[phone]`` names, ``phone.toml``.
    ``contacts``: who can be phoned, and where the number is kept."""

    path: Path
    hardware: HardwareConfig
    platform: PlatformConfig = PlatformConfig()
    registry: RegistryConfig | None = None
    last_will: LastWillConfig = LastWillConfig()
    heartbeat: HeartbeatConfig = HeartbeatConfig()
    clock: ClockConfig = ClockConfig()
    delivery: DeliveryConfig = DeliveryConfig()
    service: ServiceConfig = ServiceConfig()
    sensors: tuple[SensorConfig, ...] = ()
    actuators: tuple[ActuatorConfig, ...] = ()
    phone: PhoneConfig | None = None
    book: Book | None = None
    alarms: tuple[AlarmConfig, ...] = ()
    contacts: Mapping[str, SecretRef] = field(default_factory=dict)
    calls: CallsConfig = field(default_factory=CallsConfig)
