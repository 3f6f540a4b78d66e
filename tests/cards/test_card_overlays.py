"""config.txt: what the sensors need, once, whatever was there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.cards.overlays import BEGIN, END, buses, overlays, with_overlays
from agent.config.model import QuantityConfig, SensorConfig


def sensor(driver: str, **options: object) -> SensorConfig:
    return SensorConfig("id", driver, (QuantityConfig("value"),), options)


def test_each_overlay_stands_once() -> None:
    sensors = [
        sensor("dht22", pin=4), sensor("dht22", pin=4), sensor("dht11", pin=17),
        sensor("dht22", pin=5, source="adafruit"), sensor("ds18b20"), sensor("ds18b20"),
        sensor("mcp3008", channel=0), sensor("button", pin=23),
    ]  # fmt: skip
    assert overlays(sensors) == (
        "dtoverlay=dht11,gpiopin=4", "dtoverlay=dht11,gpiopin=17", "dtoverlay=w1-gpio",
        "dtparam=spi=on",
    )  # fmt: skip
    assert buses(sensors) == ("spi",)
    assert buses([sensor("button", pin=23)]) == ()


def test_lines_hold_for_every_model_even_after_a_section_for_one() -> None:
    written = with_overlays("[pi5]\ndtparam=audio=on\n", ("dtoverlay=w1-gpio",))
    assert written.splitlines()[-3:] == ["[all]", "dtoverlay=w1-gpio", END]
    assert written.startswith("[pi5]\ndtparam=audio=on\n")


def test_a_second_run_replaces_the_first() -> None:
    first = with_overlays("dtparam=audio=on\n", ("dtoverlay=dht11,gpiopin=4",))
    again = with_overlays(first, ("dtoverlay=dht11,gpiopin=17",))
    assert again == with_overlays("dtparam=audio=on\n", ("dtoverlay=dht11,gpiopin=17",))
    assert with_overlays(again, ()) == "dtparam=audio=on\n"


@given(st.lists(st.sampled_from(["[all]", "[pi4]", "a=b", "# x", "", BEGIN, END]), max_size=12))
def test_foreign_lines_stay_and_writing_twice_is_writing_once(lines: list[str]) -> None:
    text = "\n".join(lines)
    once = with_overlays(text, ("dtoverlay=w1-gpio",))
    assert with_overlays(once, ("dtoverlay=w1-gpio",)) == once
    assert once.count("dtoverlay=w1-gpio") == 1
