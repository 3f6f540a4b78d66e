"""PWM by lgpio's thread: the only file that imports lgpio, and only for a pulsed output.

The thread costs fifty wake-ups a second once a chip is opened, so plain lines do without it
(``gpiochip``).
"""

from __future__ import annotations

import os
import tempfile
from types import ModuleType
from typing import Any

from agent.errors import HardwareError
from agent.hardware.gpiochip import check_free

FREQUENCIES = (1, 10_000)
"""Hz that lgpio can pulse at."""


def library() -> ModuleType:
    """lgpio itself. Importing it leaves no file and keeps the working directory.

    At import lgpio makes a FIFO ``.lgd-nfy0`` in ``$LG_WD`` (else in the working directory, which
    a service may not write) and *changes the working directory* to it; the FIFO is open then, so
    its folder need not stay. Raises HardwareError when lgpio is not installed or cannot start.
    """
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or None
    before = os.environ.get("LG_WD")
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        with tempfile.TemporaryDirectory(prefix="lgpio-", dir=runtime) as folder:
            os.environ["LG_WD"] = folder
            try:
                import lgpio
            finally:
                os.fchdir(here)
    except ImportError as exc:
        raise HardwareError(
            f"PWM needs the lgpio library ({exc}): apt install python3-lgpio, "
            "or install cht-agent with its extra pi"
        ) from exc
    except OSError as exc:
        raise HardwareError(f"lgpio finds no folder for its FIFO: {exc}") from exc
    finally:
        os.close(here)
        if before is None:
            os.environ.pop("LG_WD", None)
        else:
            os.environ["LG_WD"] = before
    return lgpio  # type: ignore[no-any-return]


class PulsedLine:
    """An output like ``gpiochip.Line``, claimed with its level too, that can also be pulsed."""

    def __init__(self, chip: int, line: int, level: bool) -> None:
        """Raises HardwareError."""
        check_free(chip, line)  # lgpio only says "GPIO busy"
        self._lgpio = library()
        self._line = line
        self._name = f"GPIO{line} of /dev/gpiochip{chip}"
        pull = self._lgpio.SET_PULL_UP if level else self._lgpio.SET_PULL_DOWN
        self._handle = self._do("gpiochip_open", chip)
        self._do("gpio_claim_output", self._handle, line, int(level), pull)

    def read(self) -> bool:
        return bool(self._do("gpio_read", self._handle, self._line))

    def write(self, level: bool) -> None:
        """End the pulses and drive a plain level."""
        if self.pulsing():
            self._do("tx_pwm", self._handle, self._line, 0, 0)  # leaves any level
        self._do("gpio_write", self._handle, self._line, int(level))

    def pulse(self, frequency: int, duty: float) -> None:
        """High for ``duty`` (0–1) of each period; a new duty starts with the next period."""
        self._do("tx_pwm", self._handle, self._line, frequency, duty * 100)

    def pulsing(self) -> bool:
        """Whether lgpio's thread works on the line."""
        return bool(self._do("tx_busy", self._handle, self._line, self._lgpio.TX_PWM))

    def _do(self, function: str, *arguments: Any) -> Any:
        try:
            return getattr(self._lgpio, function)(*arguments)
        except self._lgpio.error as exc:
            raise HardwareError(f"{self._name}: {exc.value}") from exc
