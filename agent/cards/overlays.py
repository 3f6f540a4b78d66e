"""``config.txt``: the device-tree overlays that the configured sensors need. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from agent.config.model import SensorConfig

BEGIN = "# cht-agent: begin (cht-agent-flash writes these lines anew)"
END = "# cht-agent: end"
_SPI_DRIVERS = "mcp3"


def overlays(sensors: Sequence[SensorConfig]) -> tuple[str, ...]:
    """The lines for config.txt, each once, in the order of the sensors.

    The package reads a DHT through the kernel's driver, whose one overlay serves every model.
    """
    found: dict[str, None] = {}
    for sensor in sensors:
        options = sensor.options
        if sensor.driver.startswith("dht") and options.get("source", "auto") != "adafruit":
            found[f"dtoverlay=dht11,gpiopin={options['pin']}"] = None
        elif sensor.driver == "ds18b20":
            found["dtoverlay=w1-gpio"] = None
        elif sensor.driver.startswith(_SPI_DRIVERS):
            found["dtparam=spi=on"] = None
    return tuple(found)


def buses(sensors: Sequence[SensorConfig]) -> tuple[str, ...]:
    """Which buses the service must be let out to: only ``spi`` has drivers of ours."""
    return ("spi",) if any(s.driver.startswith(_SPI_DRIVERS) for s in sensors) else ()


def with_overlays(config_txt: str, lines: Sequence[str]) -> str:
    """``config_txt`` with our block at its end, in place of the one there may be already."""
    kept = config_txt
    while (begin := kept.find(BEGIN)) >= 0:
        end = kept.find(END, begin)
        after = "" if end < 0 else kept[end + len(END) :].lstrip("\r\n")
        kept = kept[:begin] + after
    kept = kept.rstrip()
    if not lines:
        return f"{kept}\n" if kept else ""
    # [all]: the file may end in a section for one model, where our lines would be passed over.
    block = "\n".join((BEGIN, "[all]", *lines, END))
    return f"{kept}\n\n{block}\n" if kept else f"{block}\n"
