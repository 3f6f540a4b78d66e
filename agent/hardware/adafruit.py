"""A DHT11/DHT22 read in user space: the only file that imports adafruit_dht and Blinka's board.

The kernel's driver (``dtoverlay=dht11``) reads more reliably; this is for where it is not set up.
Blinka is kept from three things it does on a Raspberry Pi:

- offering to pip-install what it misses when a terminal is there
  (``BLINKA_SKIP_DEPENDENCY_CHECK``);
- replacing our SIGTERM handler, leaving a helper process that spins and a System V queue behind:
  all of that comes with its ``pulseio``, so that import is refused and adafruit_dht falls back to
  timing the line itself, about 0.35 s a try;
- answering a try within 2 s of a failed one with the previous values as if they were new: each
  try gets a device object of its own, which has no previous values.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from types import ModuleType
from typing import Any, Literal

from agent.errors import HardwareError

MISSING = (
    "{what}: install cht-agent with its extra pi, or use the kernel's driver "
    '(dtoverlay=dht11,gpiopin=PIN in config.txt and source = "kernel")'
)


def _import() -> tuple[ModuleType, ModuleType]:
    """adafruit_dht and board; slow (Blinka looks at the machine), so in the sensor's thread."""
    os.environ.setdefault("BLINKA_SKIP_DEPENDENCY_CHECK", "1")
    sys.modules.setdefault("pulseio", None)  # type: ignore[arg-type]  # None: ImportError
    try:
        import adafruit_dht
        import board
    except (ImportError, NotImplementedError, OSError, RuntimeError) as exc:
        reason = " ".join(str(exc).split())[:200]  # Blinka's run over many lines
        raise HardwareError(MISSING.format(what=f"adafruit_dht cannot start ({reason})")) from exc
    return adafruit_dht, board


class AdafruitDht:
    """One DHT on BCM ``pin``; nothing is imported or touched before the first try."""

    def __init__(self, model: Literal["dht11", "dht22"], pin: int) -> None:
        """Raises HardwareError when the library is not installed."""
        if importlib.util.find_spec("adafruit_dht") is None:
            raise HardwareError(MISSING.format(what="adafruit-circuitpython-dht is missing"))
        self._model = model.upper()
        self._pin = pin

    def measure(self) -> tuple[float, float]:
        """(°C, %RH) of one try on the wire, about 0.35 s.

        RuntimeError when the sensor did not answer well (worth another try after 2 s);
        HardwareError when the line or the library is not usable (trying again will not help).
        """
        adafruit_dht, board = _import()
        try:
            pin = getattr(board, f"D{self._pin}")
        except AttributeError as exc:
            raise HardwareError(f"Blinka knows no GPIO{self._pin} on this board") from exc
        device: Any = getattr(adafruit_dht, self._model)(pin, use_pulseio=False)
        try:
            device.measure()
            return float(device.temperature), float(device.humidity)
        except OSError as exc:
            raise HardwareError(
                f"GPIO{self._pin} cannot be used for a DHT ({exc.strerror or exc}): "
                "another program or dtoverlay may hold it"
            ) from exc

    def close(self) -> None:
        """Nothing is held between tries."""
