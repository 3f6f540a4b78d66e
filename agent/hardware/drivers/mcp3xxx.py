"""``mcp3001`` … ``mcp3304``: Microchip's analogue-to-digital converters on an SPI bus.

The names, options and scale are those of gpiozero's classes, and the tests compare with them bit by
bit; the talking is done here, because theirs needs a library of its own or bit-bangs four outputs,
and throws the one bit away that tells an answer from a line without a chip.

Each conversion is one transfer: a start bit, what to measure, then a null bit and the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from agent.errors import HardwareError, SensorError
from agent.hardware.ports import Hardware, Option, Sample, SensorSpec, SpiBus


@dataclass(frozen=True)
class Chip:
    """``bits`` of an unsigned result; ``signed``: differential results have a sign bit before."""

    name: str
    channels: int
    bits: int
    signed: bool = False

    def request(self, channel: int, differential: bool) -> tuple[bytes, int]:
        """The bytes to send, and how many bits stand behind the result in the answer."""
        single = not differential
        if self.channels == 1:  # nothing to choose: it answers as soon as it is selected
            return bytes(2), 13 - self.bits - self.signed
        if self.channels == 2:  # start, single, channel, most significant bit first
            head, behind = 0b1001 | single << 2 | channel << 1, self.bits + 1
        else:  # start, single, three bits of channel; the signed ones send a sign in any case
            head, behind = 0b10000 | single << 3 | channel, self.bits + 2 + self.signed
        message = head << behind
        return message.to_bytes((message.bit_length() + 7) // 8), 0


CHIPS = (
    Chip("mcp3001", 1, 10),
    Chip("mcp3002", 2, 10),
    Chip("mcp3004", 4, 10),
    Chip("mcp3008", 8, 10),
    Chip("mcp3201", 1, 12),
    Chip("mcp3202", 2, 12),
    Chip("mcp3204", 4, 12),
    Chip("mcp3208", 8, 12),
    Chip("mcp3301", 1, 12, signed=True),
    Chip("mcp3302", 4, 12, signed=True),
    Chip("mcp3304", 8, 12, signed=True),
)


class McpSensor:
    """One channel: ``value`` from 0 (−1 where signed) to 1, ``voltage`` that of ``max_voltage``."""

    def __init__(
        self,
        bus: SpiBus,
        chip: Chip,
        name: str,
        *,
        channel: int,
        differential: bool,
        max_voltage: float,
    ) -> None:
        self._bus = bus
        self._name = name
        self._max_voltage = max_voltage
        self._bits = chip.bits
        self._sign = int(chip.signed)
        self._signed = chip.signed and differential
        self._request, self._behind = chip.request(channel, differential)

    def read(self) -> Sample:
        answer = int.from_bytes(self._bus.transfer(self._request)) >> self._behind
        wide = self._bits + self._sign
        if answer >> wide & 1:
            raise SensorError(
                f"{self._name} does not answer: check its wiring, its power, and that it is "
                "this chip"
            )
        result = answer & (1 << wide) - 1
        if self._signed and result >> self._bits:
            result -= 1 << wide
        full = (1 << self._bits) - 1
        value = max(-1.0, min(1.0, result / full))
        return {"value": value, "voltage": value * self._max_voltage}

    def close(self) -> None:
        self._bus.close()


def open_mcp(chip: Chip, hardware: Hardware, options: Mapping[str, Any]) -> McpSensor:
    channel = options.get("channel", 0)
    if channel >= chip.channels:
        raise HardwareError(f"{chip.name} has the channels 0 to {chip.channels - 1}, not {channel}")
    port, device = options["port"], options["device"]
    return McpSensor(
        hardware.spi(port, device, chip.name),
        chip,
        f"{chip.name.upper()} at SPI {port}.{device}",
        channel=channel,
        differential=options.get("differential", True),
        max_voltage=options["max_voltage"],
    )


def _spec(chip: Chip) -> SensorSpec:
    several: tuple[Option, ...] = (
        Option(
            "channel",
            "int",
            f"which input, 0 to {chip.channels - 1}",
            default=0,
            between=(0, chip.channels - 1),
        ),
        Option(
            "differential",
            "bool",
            "true: measured against the other input of its pair instead of ground",
            default=False,
        ),
    )
    return SensorSpec(
        name=chip.name,
        quantities={"value": None, "voltage": "V"},
        options=(
            *(several if chip.channels > 1 else ()),
            Option(
                "max_voltage",
                "number",
                "the voltage at VREF, which reads as 1",
                default=3.3,
                between=(0.1, 1000.0),
            ),
            Option("port", "int", "number of the SPI bus", default=0, between=(0, 6)),
            Option("device", "int", "number of its select line, CE", default=0, between=(0, 2)),
        ),
        open=partial(open_mcp, chip),
        blocking=True,
        min_every=0.1,
    )


SPECS = tuple(map(_spec, CHIPS))
