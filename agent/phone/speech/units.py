"""How a unit is said, with the number in the place of ``{}``.

A unit that is not here is said as it is written. ``kWh`` is 度電, as Taiwan's electricity bills
call it: 度 alone would be a temperature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from unicodedata import normalize


@dataclass(frozen=True)
class Unit:
    """``zh`` and ``en`` hold the number's place; ``one`` is English for exactly one."""

    zh: str
    en: str
    one: str
    below_zero: str = "負"
    measured: bool = True
    """Whether 2 is 兩: not where no measure word follows the number."""


def _plain(zh: str, en: str, one: str = "") -> Unit:
    """A unit that simply follows the number."""
    return Unit(f"{{}}{zh}", f"{{}} {en}", f"{{}} {one or en.removesuffix('s')}")


_DEGREES = Unit("{}度", "{} degrees", "{} degree", below_zero="零下")
_CELSIUS_WORDS = ("°C", "℃", "degC", "C")

UNITS: Mapping[str, Unit] = {
    **dict.fromkeys(_CELSIUS_WORDS, _DEGREES),
    "°F": Unit("華氏{}度", "{} degrees Fahrenheit", "{} degree Fahrenheit", below_zero="零下"),
    "°": _plain("度", "degrees"),
    "K": _plain("克耳文", "kelvin", "kelvin"),
    "%": Unit("百分之{}", "{} percent", "{} percent", measured=False),
    "%RH": Unit("百分之{}", "{} percent", "{} percent", measured=False),
    "‰": Unit("千分之{}", "{} per mille", "{} per mille", measured=False),
    "ppm": Unit("{}PPM", "{} parts per million", "{} part per million"),
    "ppb": Unit("{}PPB", "{} parts per billion", "{} part per billion"),
    "pH": Unit("酸鹼值{}", "pH {}", "pH {}", measured=False),
    "hPa": _plain("百帕", "hectopascals"),
    "mbar": _plain("毫巴", "millibars"),
    "bar": _plain("巴", "bars"),
    "kPa": _plain("千帕", "kilopascals"),
    "Pa": _plain("帕", "pascals"),
    "lx": _plain("勒克斯", "lux", "lux"),
    "lux": _plain("勒克斯", "lux", "lux"),
    "lm": _plain("流明", "lumens"),
    "V": _plain("伏特", "volts"),
    "mV": _plain("毫伏特", "millivolts"),
    "A": _plain("安培", "amperes"),
    "mA": _plain("毫安培", "milliamperes"),
    "W": _plain("瓦", "watts"),
    "kW": _plain("千瓦", "kilowatts"),
    "VA": _plain("伏安", "volt-amperes"),
    "Wh": _plain("瓦時", "watt-hours"),
    "kWh": _plain("度電", "kilowatt-hours"),
    "Hz": _plain("赫茲", "hertz", "hertz"),
    "kHz": _plain("千赫", "kilohertz", "kilohertz"),
    "dB": _plain("分貝", "decibels"),
    "Ω": _plain("歐姆", "ohms"),
    "kΩ": _plain("千歐姆", "kilohms"),
    "m": _plain("公尺", "metres"),
    "cm": _plain("公分", "centimetres"),
    "mm": _plain("毫米", "millimetres"),
    "km": _plain("公里", "kilometres"),
    "m²": _plain("平方公尺", "square metres"),
    "L": _plain("公升", "litres"),
    "l": _plain("公升", "litres"),
    "mL": _plain("毫升", "millilitres"),
    "ml": _plain("毫升", "millilitres"),
    "m³": _plain("立方公尺", "cubic metres"),
    "m3": _plain("立方公尺", "cubic metres"),
    "L/min": Unit("每分鐘{}公升", "{} litres per minute", "{} litre per minute"),
    "L/h": Unit("每小時{}公升", "{} litres per hour", "{} litre per hour"),
    "m³/h": Unit("每小時{}立方公尺", "{} cubic metres per hour", "{} cubic metre per hour"),
    "m/s": Unit("每秒{}公尺", "{} metres per second", "{} metre per second"),
    "km/h": Unit("時速{}公里", "{} kilometres per hour", "{} kilometre per hour"),
    "mm/h": Unit("每小時{}毫米", "{} millimetres per hour", "{} millimetre per hour"),
    "rpm": Unit("每分鐘{}轉", "{} revolutions per minute", "{} revolution per minute"),
    "g": _plain("公克", "grams"),
    "kg": _plain("公斤", "kilograms"),
    "t": _plain("公噸", "tonnes"),
    "µg/m³": Unit("每立方公尺{}微克", "{} micrograms per cubic metre",
                  "{} microgram per cubic metre"),
    "mg/L": Unit("每公升{}毫克", "{} milligrams per litre", "{} milligram per litre"),
    "g/m³": Unit("每立方公尺{}公克", "{} grams per cubic metre", "{} gram per cubic metre"),
    "µS/cm": Unit("每公分{}微西門子", "{} microsiemens per centimetre",
                  "{} microsiemens per centimetre"),
    "mS/cm": Unit("每公分{}毫西門子", "{} millisiemens per centimetre",
                  "{} millisiemens per centimetre"),
    "ms": _plain("毫秒", "milliseconds"),
    "s": _plain("秒", "seconds"),
    "min": _plain("分鐘", "minutes"),
    "h": _plain("小時", "hours"),
    "d": _plain("天", "days"),
}


def find(written: str) -> Unit | None:
    """The unit, in whatever signs it is written: ``m³`` and ``m3``, both kinds of ``µ``, ``％``.
    None: it is not known."""
    return _BY_SIGNS.get(_signs(written))


def _signs(written: str) -> str:
    return "".join(normalize("NFKC", written).split())


_BY_SIGNS = {_signs(written): unit for written, unit in UNITS.items()}
