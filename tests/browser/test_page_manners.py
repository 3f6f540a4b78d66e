"""What the page owes to the machine it runs on, and to people without a mouse or a large screen."""

from __future__ import annotations

import json
import time

import paho.mqtt.client as mqtt
import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.looking import Looking, looking_at
from tests.browser.playing import Playing


def test_nothing_comes_from_elsewhere(page: Looking, demo: Playing) -> None:
    loaded = page.run("return performance.getEntriesByType('resource').map(each => each.name)")
    assert len(loaded) > 10
    assert [each for each in loaded if not each.startswith(demo.url)] == []


@pytest.mark.parametrize("width", [360, 820, 1280, 2560])
def test_it_fits_the_screen(demo: Playing, width: int) -> None:
    """No sideways scrolling, on a phone as on a projector."""
    with looking_at(demo.url) as page:
        page.speak_english()
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
        page.until(lambda: page.run("return innerWidth") == width, "the size")
        assert page.run("return document.documentElement.scrollWidth") <= width


def test_every_button_is_reached_by_the_keyboard(page: Looking) -> None:
    wanted = page.run("""
        const shown = each => !each.disabled && each.offsetParent !== null;
        window.reached = new Set();
        document.addEventListener('focusin', ({target}) => window.reached.add(target));
        document.activeElement.blur();
        return [...document.querySelectorAll('button, input')].filter(shown).length""")
    for _ in range(wanted + 10):
        page.keys(Keys.TAB)
    missed = page.run("""
        return [...document.querySelectorAll('button, input')]
            .filter(each => !each.disabled && each.offsetParent !== null
                && !window.reached.has(each))
            .map(each => each.textContent)""")
    assert missed == []
    assert page.run("""
        return [...document.querySelectorAll('button, input')].filter(each =>
            !(each.textContent.trim() || each.ariaLabel || each.labels?.length)).length""") == 0


@pytest.mark.slow
def test_a_flood_leaves_memory_as_it_was(page: Looking, demo: Playing) -> None:
    """As many messages as half an hour at 50 a second brings, within minutes: what the page keeps
    and shows is bounded."""
    device = page.text("#pill-device").split()[1]
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.username_pw_set(demo.key, demo.key)
    client.connect("127.0.0.1", demo.mqtt)
    client.loop_start()

    def flood(messages: int) -> None:
        begun = time.monotonic()
        for number in range(messages):
            while number > (time.monotonic() - begun) * 1000:
                time.sleep(0.01)  # the pace of the load, not a wait for its effect
            client.publish(f"/v1/device/{device}/rawdata", json.dumps(
                [{"id": "load", "value": [str(number % 100)]}]))
        asked = 0.0

        def is_shown() -> bool:
            # Said again, as what is too much for the one who watches is told as missed, not shown.
            nonlocal asked
            if time.monotonic() > asked + 1:
                asked = time.monotonic()
                client.publish(f"/v1/device/{device}/rawdata", json.dumps(
                    [{"id": "load", "value": [f"{messages}"]}]))
            return f'"{messages}"' in page.text("#passed")

        page.until(is_shown, "the last of them", 120)

    flood(10_000)
    first = _heap(page)
    flood(80_000)
    second = _heap(page)
    client.disconnect()
    client.loop_stop()
    assert second["nodes"] < first["nodes"] * 1.2 + 500, (first, second)
    assert second["heap"] < first["heap"] + 3_000_000, (first, second)


def _heap(page: Looking) -> dict[str, float]:
    page.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    page.driver.execute_cdp_cmd("Performance.enable", {})
    found = {each["name"]: each["value"] for each in page.driver.execute_cdp_cmd(
        "Performance.getMetrics", {})["metrics"]}
    return {"heap": found["JSHeapUsedSize"], "nodes": found["Nodes"]}
