"""Microchip's analogue-to-digital converters, bit by bit as their data sheets draw it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """``signed``: differential results are two's complement with one bit more."""

    channels: int
    bits: int
    signed: bool = False


MODELS = {
    "mcp3001": Model(1, 10),
    "mcp3002": Model(2, 10),
    "mcp3004": Model(4, 10),
    "mcp3008": Model(8, 10),
    "mcp3201": Model(1, 12),
    "mcp3202": Model(2, 12),
    "mcp3204": Model(4, 12),
    "mcp3208": Model(8, 12),
    "mcp3301": Model(1, 12, signed=True),
    "mcp3302": Model(4, 12, signed=True),
    "mcp3304": Model(8, 12, signed=True),
}
_OPEN = 1
"""What an open line reads as: nobody may rely on it being low."""


class Mcp3xxx:
    """One chip. ``volts`` tells the voltage at an input; ``vref`` is the greatest it can tell."""

    def __init__(
        self,
        model: Model,
        volts: Callable[[int], float],
        fault: Callable[[], str | None] = lambda: None,
        vref: float = 3.3,
    ) -> None:
        self._model = model
        self._volts = volts
        self._fault = fault
        self._vref = vref
        self._held: bytes | None = None

    def transfer(self, data: bytes) -> bytes:
        """What the chip answers while ``data`` comes in, selected at its start and left at its
        end. ``unplugged``: nobody drives the line."""
        fault = self._fault()
        if fault == "unplugged":
            return bytes([255 * _OPEN]) * len(data)
        if fault == "stuck" and self._held is not None and len(self._held) == len(data):
            return self._held
        sent = [byte >> place & 1 for byte in data for place in range(7, -1, -1)]
        answer = [_OPEN] * len(sent)
        begin, result = self._convert(sent)
        answer[begin : begin + len(result)] = result
        answer = answer[: len(sent)]
        number = int("".join(map(str, answer)), 2)
        self._held = number.to_bytes(len(data), "big")
        return self._held

    def close(self) -> None:
        """A chip stays where it is."""

    def _convert(self, sent: list[int]) -> tuple[int, list[int]]:
        """Where in the answer the null bit stands, and all bits from there on."""
        channels = self._model.channels
        if channels == 1:
            return 2, self._bits(self._volts(0) - self._volts(1), differential=True)
        if 1 not in sent:
            return len(sent), []
        start = sent.index(1)
        single = sent[start + 1]
        width = 1 if channels == 2 else 3
        channel = int("".join(map(str, sent[start + 2 : start + 2 + width])), 2) % channels
        volts = self._volts(channel) - (0.0 if single else self._volts(channel ^ 1))
        return start + (4 if channels == 2 else 6), self._bits(volts, differential=not single)

    def _bits(self, volts: float, *, differential: bool) -> list[int]:
        model = self._model
        steps = int(volts / self._vref * 2**model.bits // 1)
        lowest = -(2**model.bits) if model.signed and differential else 0
        steps = max(lowest, min(2**model.bits - 1, steps))
        width = model.bits + model.signed
        return [0, *(steps >> place & 1 for place in range(width - 1, -1, -1))]
