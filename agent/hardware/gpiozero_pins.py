"""gpiozero on the kernel's lines: a pin factory whose pins are inputs and sleep until an edge.

The only file on the agent's side that imports gpiozero.

gpiozero's own factory for lgpio would serve, were it not for lgpio's polling (see ``gpiochip``);
it also keeps a closed pin claimed, where this gives it back.
"""

from __future__ import annotations

import logging
import select
import threading
from collections.abc import Callable
from typing import Any

import gpiozero
from gpiozero.exc import PinInvalidFunction, PinInvalidPull, PinSetInput
from gpiozero.pins.local import LocalPiFactory, LocalPiPin

from agent.errors import HardwareError
from agent.hardware.gpiochip import Flag
from agent.hardware.gpioinputs import Edge, InputLine, claim_input

log = logging.getLogger("cht_agent.hardware")

_PULLS = {"up": Flag.PULL_UP, "down": Flag.PULL_DOWN, "floating": Flag.NO_PULL}
_EDGES = {"rising": Flag.RISING, "falling": Flag.FALLING, "both": Flag.RISING | Flag.FALLING}


class InputPin(LocalPiPin):  # type: ignore[misc]
    """A pin that is claimed with its first pull, and anew when its set-up changes."""

    def __init__(self, factory: InputFactory, info: Any) -> None:
        super().__init__(factory, info)
        self._line: InputLine | None = None
        self._pull = "floating"
        self._edges = "both"
        self._bounce: float | None = None
        self._watched = False

    def _claimed(self) -> InputLine:
        if self._line is None:
            edges = _EDGES[self._edges] if self._watched else Flag(0)
            self._line = claim_input(
                self.factory.chip, self._number, _PULLS[self._pull] | edges, self._bounce or 0.0
            )
            if self._watched:
                self.factory.watcher.add(self._line, self)
        return self._line

    def _renew(self) -> None:
        self.close()
        self._claimed()

    def close(self) -> None:
        if self._line is not None:
            line, self._line = self._line, None
            self.factory.watcher.remove(line)
            line.close()

    def changed(self, level: bool, time: float) -> None:
        """Called by the watcher's thread."""
        self._call_when_changed(time, int(level))

    # --- what gpiozero asks of a pin ---------------------------------------------------------

    def _get_function(self) -> str:
        return "input"

    def _set_function(self, value: str) -> None:
        if value != "input":
            raise PinInvalidFunction(f"{self!r} is an input here, not {value!r}")

    def _get_state(self) -> int:
        return int(self._claimed().read())

    def _set_state(self, value: float) -> None:
        raise PinSetInput(f"{self!r} is an input")

    def _get_pull(self) -> str:
        return self._pull

    def _set_pull(self, value: str) -> None:
        if value not in _PULLS:
            raise PinInvalidPull(f"invalid pull {value!r} for {self!r}")
        if value != self._pull or self._line is None:
            self._pull = value
            self._renew()

    def _get_bounce(self) -> float | None:
        return self._bounce

    def _set_bounce(self, value: float | None) -> None:
        if value != self._bounce:
            self._bounce = value
            self._renew()

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        if value != self._edges:
            self._edges = value
            self._renew()

    def _enable_event_detect(self) -> None:
        self._watched = True
        self._renew()

    def _disable_event_detect(self) -> None:
        self._watched = False
        if self._line is not None:
            self._renew()


class Watcher:
    """One thread that sleeps until any watched line changes, and tells its pin."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._lock = threading.Lock()
        self._watched: dict[int, tuple[InputLine, InputPin]] = {}
        self._thread: threading.Thread | None = None

    def add(self, line: InputLine, pin: InputPin) -> None:
        with self._lock:
            self._watched[line.fd] = (line, pin)
            self._epoll.register(line.fd, select.EPOLLIN)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gpio-edges", daemon=True)
                self._thread.start()

    def remove(self, line: InputLine) -> None:
        """Forget the line, watched or not; nothing is told of it any more but what is under way."""
        with self._lock:
            if self._watched.pop(line.fd, None) is not None:
                self._epoll.unregister(line.fd)

    def _run(self) -> None:
        while True:
            for fd, _ in self._epoll.poll():
                with self._lock:
                    line, pin = self._watched.get(fd, (None, None))
                    edge = line.edge() if line is not None else None
                if edge is not None and pin is not None:
                    self._tell(pin, edge)

    @staticmethod
    def _tell(pin: InputPin, edge: Edge) -> None:
        try:
            pin.changed(edge.level, edge.time)
        except Exception:  # a task border: one listener's fault must not deafen the other pins
            log.exception("an edge of %r was not handled", pin)


class InputFactory(LocalPiFactory):  # type: ignore[misc]
    """Pins of ``/dev/gpiochip<chip()>``; ``chip`` is asked by the first pin, not before."""

    def __init__(self, chip: Callable[[], int]) -> None:
        super().__init__()
        self._chip = chip
        self.watcher = Watcher()
        self.pin_class = InputPin

    @property
    def chip(self) -> int:
        return self._chip()

    def device(self, kind: str, *pin: int, **arguments: Any) -> Any:
        """A device of gpiozero's class ``kind``. Raises HardwareError."""
        if pin:
            _ = self.chip  # says best what is wrong where there is none
        try:
            return getattr(gpiozero, kind)(*pin, pin_factory=self, **arguments)
        except (gpiozero.GPIOZeroError, OSError, TypeError, ValueError) as exc:
            where = "".join(f" on GPIO{number}" for number in pin)
            raise HardwareError(f"{kind}{where}: {exc}") from exc
