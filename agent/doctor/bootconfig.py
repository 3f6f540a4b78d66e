"""``config.txt`` as the Pi's firmware reads it: which overlays there are, and whose pins they take.

Pure. What stands under a filter that this machine does not meet is not there; a filter that cannot
be judged from here (a monitor, a pin's level, a serial number) counts as not met.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

PLACES = ("/boot/firmware/config.txt", "/boot/config.txt")
"""Where it is, and where it was before Bookworm."""

_ON = ("on", "true", "1", "yes", "")
_MODELS = {
    "pi1": r"Raspberry Pi (Model|Compute Module Rev)", "pi2": r"Raspberry Pi 2",
    "pi3": r"Raspberry Pi (3|Compute Module 3)", "pi3+": r"Raspberry Pi 3 Model \S+ Plus",
    "pi4": r"Raspberry Pi (4|400|Compute Module 4)", "pi400": r"Raspberry Pi 400",
    "cm4": r"Raspberry Pi Compute Module 4", "pi5": r"Raspberry Pi (5|500|Compute Module 5)",
    "pi500": r"Raspberry Pi 500", "cm5": r"Raspberry Pi Compute Module 5",
    "pi0": r"Raspberry Pi Zero", "pi0w": r"Raspberry Pi Zero W", "pi02": r"Raspberry Pi Zero 2",
}  # fmt: skip


@dataclass(frozen=True)
class Overlay:
    """One that is loaded. ``dtparam=spi=on`` and its like are overlays of the name ``spi``."""

    name: str
    parameters: Mapping[str, str]

    def __str__(self) -> str:
        if self.name in _PARAMETERS:
            return f"dtparam={self.name}=on"
        given = (f"{name}={value}" for name, value in self.parameters.items())
        return ",".join((f"dtoverlay={self.name}", *given))

    def pin(self, parameter: str, default: int) -> int:
        """The BCM number that a parameter gives, or the overlay's own."""
        text = self.parameters.get(parameter, "")
        return int(text) if text.isdigit() else default

    def pins(self) -> frozenset[int]:
        """The BCM numbers it takes; none for an overlay not known here."""
        if self.name in _PARAMETERS:
            return frozenset(_PARAMETERS[self.name])
        if self.name in _MOVABLE:
            return frozenset(self.pin(name, pin) for name, pin in _MOVABLE[self.name])
        if self.name.startswith(_SOUND):
            return frozenset(_PARAMETERS["i2s"])
        return frozenset(_FIXED.get(self.name, ()))


_PARAMETERS: Mapping[str, tuple[int, ...]] = {
    "i2c_arm": (2, 3), "spi": (7, 8, 9, 10, 11), "i2s": (18, 19, 20, 21), "uart0": (14, 15),
}  # fmt: skip
_SWITCHES = {name: name for name in _PARAMETERS} | {"i2c": "i2c_arm", "i2c1": "i2c_arm"}
"""``dtparam`` by all of its names → by the one in ``_PARAMETERS``."""
_MOVABLE: Mapping[str, tuple[tuple[str, int], ...]] = {
    "w1-gpio": (("gpiopin", 4),),
    "w1-gpio-pi5": (("gpiopin", 4),),
    "w1-gpio-pullup": (("gpiopin", 4), ("extpullup", 5)),
    "dht11": (("gpiopin", 4),),
    "gpio-ir": (("gpio_pin", 18),),
    "gpio-ir-tx": (("gpio_pin", 18),),
    "gpio-shutdown": (("gpio_pin", 3),),
    "gpio-poweroff": (("gpiopin", 26),),
    "gpio-fan": (("gpiopin", 12),),
    "gpio-key": (("gpio", 3),),
    "pps-gpio": (("gpiopin", 18),),
    "pwm": (("pin", 18),),
    "pwm-2chan": (("pin", 18), ("pin2", 19)),
    "pwm-ir-tx": (("gpio_pin", 18),),
    "rotary-encoder": (("pin_a", 4), ("pin_b", 17)),
    "i2c-gpio": (("i2c_gpio_sda", 23), ("i2c_gpio_scl", 24)),
    "mcp2515-can0": (("interrupt", 25),),
    "ads7846": (("penirq", 25),),
}
_FIXED: Mapping[str, tuple[int, ...]] = {
    "spi1-1cs": (18, 19, 20, 21), "spi1-2cs": (17, 18, 19, 20, 21),
    "spi1-3cs": (16, 17, 18, 19, 20, 21), "sdio": (22, 23, 24, 25, 26, 27),
    "i2c0": (0, 1), "i2c3": (4, 5), "i2c4": (8, 9), "i2c5": (12, 13), "i2c6": (22, 23),
    "uart2": (0, 1), "uart3": (4, 5), "uart4": (8, 9), "uart5": (12, 13),
}  # fmt: skip
_SOUND = ("hifiberry-", "iqaudio-", "justboom-", "allo-", "googlevoicehat-")


def overlays(
    text: str, model: str, included: Callable[[str], str | None] = lambda name: None
) -> tuple[Overlay, ...]:
    """What a Pi of this ``model`` (``/proc/device-tree/model``) loads.

    ``included``: the text of a file that ``include`` names.
    """
    found: dict[str, Overlay] = {}
    parameters: dict[str, str] | None = None  # of the overlay that dtparam lines add to
    for key, value in _settings(_lines(text, included), model):
        if key == "enable_uart" and value.strip() == "1":
            found["uart0"] = Overlay("uart0", {})
        elif key in ("dtoverlay", "device_tree_overlay"):
            name, _, rest = value.strip().partition(",")
            parameters = dict(_pairs(rest)) if name else None
            if parameters is not None:
                # Several of one kind may be loaded: each line stands for itself.
                found[f"{name} {len(found)}"] = Overlay(name, parameters)
        elif key in ("dtparam", "device_tree_param"):
            for name, setting in _pairs(value):
                known = _SWITCHES.get(name)
                if known is None:
                    if parameters is not None:
                        parameters[name] = setting
                elif setting.lower() in _ON:
                    found[known] = Overlay(known, {})
                else:
                    found.pop(known, None)
    return tuple(found.values())


def _settings(lines: Iterable[str], model: str) -> Iterator[tuple[str, str]]:
    # Filters of different kinds add up; one of the same kind, and [all], replace.
    met: dict[str, bool] = {}
    for line in lines:
        if filtered := re.fullmatch(r"\[(.*)\]", line):
            name = filtered[1].strip().lower()
            if name == "all":
                met.clear()
            elif name in _MODELS:
                met["model"] = re.match(_MODELS[name], model) is not None
            else:
                met["other"] = False
        elif all(met.values()):
            key, equals, value = line.partition("=")
            if equals:
                yield key.strip(), value


def _lines(text: str, included: Callable[[str], str | None], depth: int = 0) -> Iterator[str]:
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        words = line.split()
        if len(words) == 2 and words[0] == "include" and depth < 8:
            yield from _lines(included(words[1]) or "", included, depth + 1)
        elif line:
            yield line


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name:
            yield name, value.strip()
