"""``ping``: whether another machine answers, and how soon. Reads the real network always."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Mapping
from typing import Any

from agent.errors import HardwareError, SensorError
from agent.hardware import icmp
from agent.hardware.ports import Hardware, Option, Sample, SensorSpec


class PingSensor:
    """``value`` 1 or 0, ``time`` in ms (none, so a fault, while it does not answer).

    A name that cannot be resolved is a fault: it says nothing of the machine.
    """

    def __init__(
        self,
        host: str,
        timeout: float,
        tries: int,
        resolve: Callable[[str], icmp.Address] = icmp.resolve,
        echo: Callable[[icmp.Address, int, float], float | None] = icmp.echo,
    ) -> None:
        self._host = host
        self._timeout = timeout
        self._tries = tries
        self._resolve = resolve
        self._echo = echo
        self._sequence = 0

    def read(self) -> Sample:
        try:
            address = self._resolve(self._host)
        except (OSError, UnicodeError) as exc:
            reason = exc.strerror if isinstance(exc, socket.gaierror) else str(exc)
            raise SensorError(
                f"{self._host} is not known here ({reason}): check the name, and the DNS server"
            ) from exc
        for _ in range(self._tries):
            self._sequence = (self._sequence + 1) % 2**16
            try:
                took = self._echo(address, self._sequence, self._timeout)
            except HardwareError as exc:
                raise SensorError(str(exc)) from exc
            if took is not None:
                return {"value": 1.0, "time": took * 1000}
        return {"value": 0.0, "time": math.nan}

    def close(self) -> None:
        """Nothing is held open between reads."""


def open_ping(hardware: Hardware, options: Mapping[str, Any]) -> PingSensor:
    return PingSensor(options["host"], options["timeout"], options["tries"])


SPEC = SensorSpec(
    name="ping",
    quantities={"value": None, "time": "ms"},
    options=(
        Option("host", "text", "name or address of the machine to ask", required=True),
        Option(
            "timeout", "duration", "how long to wait for an answer", default=2.0, between=(0.1, 10)
        ),
        Option(
            "tries", "int", "how many askings without an answer are a no", default=3,
            between=(1, 10),
        ),
    ),
    open=open_ping,
    blocking=True,
    min_every=1.0,
)  # fmt: skip
