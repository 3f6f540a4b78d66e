"""Options that several drivers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.errors import HardwareError
from agent.hardware.ports import Option, Pull

PIN = Option("pin", "pin", "BCM number of the GPIO pin, 0 to 27", required=True, between=(0, 27))

ACTIVE_STATE = Option(
    "active_state",
    "bool",
    "the level that counts as 1, for a pin with a resistor of its own: no internal pull then",
)


def pull_up(default: bool) -> Option:
    """gpiozero's ``pull_up``: which internal resistor holds the idle pin."""
    return Option(
        "pull_up",
        "bool",
        "true: pulled up, the contact connects to ground; false: pulled down, it connects to 3.3 V",
        default=default,
    )


BOARD_PULL_UPS = (2, 3)
"""GPIO pins with a pull-up of 1.8 kΩ on the Pi's board, for I²C; it wins over any internal one."""


def pull_of(options: Mapping[str, Any]) -> Pull:
    """Which internal resistor holds the idle pin; none where ``active_state`` is given.

    Raises HardwareError for a pull-down that the board's own pull-up makes vain: such a pin would
    read as active for ever.
    """
    if options["active_state"] is not None:
        return "floating"
    if not options["pull_up"] and options["pin"] in BOARD_PULL_UPS:
        raise HardwareError(
            f"GPIO{options['pin']} has a pull-up resistor on the board: connect the contact to "
            "ground and set pull_up = true, or choose another pin"
        )
    return "up" if options["pull_up"] else "down"


def bounce_time(default: float) -> Option:
    """gpiozero's ``bounce_time``: how long a level must last to count."""
    return Option(
        "bounce_time",
        "duration",
        "changes shorter than this are ignored",
        default=default,
        between=(0.0, 10.0),
    )
