"""A small greenhouse: what its sensors would see, and what lamp, heater and fan do to it.

Pure: :func:`step` turns one :class:`World` into the next. The air is one well-mixed volume that
leaks heat and vapour to the outside; the fan leaks more, the sun, the lamp and the heater add heat,
the plants add vapour. Coefficients are chosen to look right, not measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

DAY = 86_400.0
_STEP = 60.0
"""Longest stretch, in seconds, during which the outside counts as constant."""

_LEAK = 1 / 1200
"""Air exchange per second with everything shut: a time constant of twenty minutes."""
_FAN_LEAK = 1 / 200
_HEATER = 0.0125
"""°C per second at full power: +15 °C in the end, with the fan off."""
_LAMP = 0.0017
_SUN = 0.0067
_LAMP_LUX = 8_000.0
_SUN_LUX = 40_000.0
_OUTSIDE_VAPOUR = 19.0
"""hPa of water vapour outside, about 70 % relative humidity at 22 °C."""
_PLANTS = 0.0025
"""hPa of vapour per second the plants give off in full sun."""


@dataclass(frozen=True)
class Loads:
    """What is switched on, each 0.0 (off) to 1.0 (full)."""

    lamp: float = 0.0
    heater: float = 0.0
    fan: float = 0.0


@dataclass(frozen=True)
class World:
    """One moment: ``time`` in seconds since midnight, °C, %RH, lux."""

    time: float = 10 * 3600.0
    temperature: float = 25.3
    humidity: float = 62.0
    light: float = 34_000.0
    loads: Loads = Loads()


def sun(time: float) -> float:
    """How high the sun stands, 0.0 (night) to 1.0 (noon); up from six to eighteen o'clock."""
    return max(0.0, math.sin(math.pi * (time / 3600 - 6) / 12)) if 6 <= time / 3600 <= 18 else 0.0


def outside(time: float) -> tuple[float, float]:
    """(°C, %RH) outdoors: coolest at two in the morning, warmest at two in the afternoon."""
    temperature = 22.0 + 6.0 * math.cos(2 * math.pi * (time / 3600 - 14) / 24)
    return temperature, min(100.0, 100 * _OUTSIDE_VAPOUR / _saturation(temperature))


def step(world: World, seconds: float, loads: Loads) -> World:
    """The world ``seconds`` later, ``loads`` having been on all the while."""
    while seconds > _STEP:
        world = _short_step(world, _STEP, loads)
        seconds -= _STEP
    return _short_step(world, max(0.0, seconds), loads)


def _short_step(world: World, seconds: float, loads: Loads) -> World:
    sunlight = sun(world.time)
    leak = _LEAK + _FAN_LEAK * loads.fan
    stays = math.exp(-leak * seconds)  # the exact solution: no step is too long to be stable

    outdoors, _ = outside(world.time)
    heat = _HEATER * loads.heater + _LAMP * loads.lamp + _SUN * sunlight
    temperature = _approach(world.temperature, outdoors + heat / leak, stays)

    vapour = world.humidity / 100 * _saturation(world.temperature)
    moist = _OUTSIDE_VAPOUR + _PLANTS * (0.2 + 0.8 * sunlight) / leak
    vapour = _approach(vapour, moist, stays)

    time = (world.time + seconds) % DAY
    return replace(
        world,
        time=time,
        temperature=temperature,
        humidity=min(100.0, 100 * vapour / _saturation(temperature)),
        light=_SUN_LUX * sun(time) + _LAMP_LUX * loads.lamp,
        loads=loads,
    )


def _approach(value: float, goal: float, stays: float) -> float:
    return goal + (value - goal) * stays


def _saturation(temperature: float) -> float:
    """Saturation vapour pressure in hPa (Magnus)."""
    return 6.112 * math.exp(17.62 * temperature / (243.12 + temperature))
