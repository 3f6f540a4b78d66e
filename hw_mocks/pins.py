"""Pins under gpiozero's mock factory that behave as a Pi's lines under lgpio do.

What gpiozero's own mock pins lack and drivers depend on: an output claimed without a level starts
low (so that a driver which forgets the level is caught), debouncing as the kernel does it, an
outside that keeps driving a line whatever its pull, and a bounded history of the levels driven.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from gpiozero import PinFixedPull, PinInvalidPull, PinPWMFixedValue
from gpiozero.pins.mock import MockFactory, MockPWMPin, PinState

PI_4B = "c03114"
HISTORY = 10_000
"""Levels remembered per pin."""


class BoardPin(MockPWMPin):  # type: ignore[misc]  # gpiozero has no type hints
    """One line. Levels are physical: 0.0 low, 1.0 high, between them a PWM duty."""

    def __init__(self, factory: BoardFactory, info: Any) -> None:
        self._outside: bool | None = None
        self._settling: threading.Timer | None = None
        self.levels: deque[float] = deque(maxlen=HISTORY)
        super().__init__(factory, info)
        self._frequency: float | None = None
        self._bounce: float | None = None

    # the board's side

    @property
    def is_output(self) -> bool:
        return bool(self._function == "output")

    @property
    def pull_level(self) -> bool:
        """What the line shows when nobody drives it."""
        return "up" in (self._pull, self.info.pull)

    def drive(self, level: bool | None) -> None:
        """Drive the line from outside, as a button or a sensor does; None lets go of it."""
        self._outside = level
        if self.is_output:
            return
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        if self._bounce:
            # The kernel's debouncing: an edge is told once the line was quiet for the period.
            self._settling = threading.Timer(self._bounce, self._sense)
            self._settling.daemon = True
            self._settling.start()
        else:
            self._sense()

    def drive_high(self) -> None:
        self.drive(True)

    def drive_low(self) -> None:
        self.drive(False)

    def _sense(self) -> None:
        with self._when_changed_lock:
            level = self.pull_level if self._outside is None else self._outside
            if self.is_output or not self._change_state(level) or self._when_changed is None:
                return
            if self._edges in ("both", "rising" if level else "falling"):
                self._call_when_changed()

    # gpiozero's side

    def output_with_state(self, state: float) -> None:
        """Claim as an output that is at ``state`` from its first moment."""
        if self.is_output:
            self._change_state(float(state))
            return
        self.factory.changing()
        self._function = "output"
        self._state = float(state)
        self.levels.append(self._state)

    def _set_function(self, value: str) -> None:
        if value == "output":
            if not self.is_output:
                self.output_with_state(0.0)
        else:
            super()._set_function(value)

    def _set_pull(self, value: str) -> None:
        if self.is_output:
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        if self.info.pull and value not in (self.info.pull, "floating"):
            raise PinFixedPull(f"{self!r} has a physical pull-{self.info.pull} resistor")
        if value not in ("floating", "up", "down"):
            raise PinInvalidPull("pull must be floating, up, or down")
        self._pull = value
        self._sense()

    def _set_frequency(self, value: float | None) -> None:
        if value is not None and not self.is_output:
            raise PinPWMFixedValue(f"cannot start PWM on pin {self!r}")
        if value is None and self._frequency is not None:
            self._change_state(0.0)
        self._frequency = value

    def _change_state(self, value: float) -> bool:
        if self._state == value:
            return False
        if self.is_output:
            self.factory.changing()
            self.levels.append(float(value))
        return bool(super()._change_state(value))

    def clear_states(self) -> None:
        super().clear_states()
        self.states: deque[PinState] = deque(self.states, maxlen=HISTORY)

    def close(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
        self._bounce = None
        super().close()


class BoardFactory(MockFactory):  # type: ignore[misc]  # gpiozero has no type hints
    """The pins of a Raspberry Pi 4B; ``changing`` is called just before an output changes."""

    def __init__(self, changing: Callable[[], object]) -> None:
        super().__init__(revision=PI_4B, pin_class=BoardPin)
        self.changing = changing
