"""The pictures of the page in the manuals, taken anew: ``make pictures``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.browser.looking import Looking, looking_at
from tests.browser.playing import playing


def main(folder: Path) -> None:
    """Writes ``page.png``, ``page.zh-TW.png`` and ``page-phone.png`` into it."""
    folder.mkdir(exist_ok=True)
    with playing() as demo, looking_at(demo.url) as page:
        _become(page, 1500, 1400)
        page.speak_english()
        page.click('[data-actuator="heater"] [aria-label="heater on"]')
        start = page.value("temperature")
        page.until(lambda: page.value("temperature") > start + 4, "a curve to look at", 60)
        page.pull("network", "cut")
        page.until(lambda: page.count("waiting") > 3, "readings that wait", 60)
        page.pull("network", "fine")
        page.until_text("#verdict", "Not one is lost.", 60)
        _phone(page)
        page.driver.save_screenshot(str(folder / "page.png"))
        page.click("#language")
        page.driver.save_screenshot(str(folder / "page.zh-TW.png"))
        _become(page, 400, 860)
        page.run("document.getElementById('phone').scrollIntoView()")
        page.driver.save_screenshot(str(folder / "page-phone.png"))
        page.hang_up()


def _become(page: Looking, width: int, height: int) -> None:
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})


def _phone(page: Looking) -> None:
    page.click("#call")
    page.heard("控制電燈請按三")
    for keys, answer in (("3", "密碼"), ("246813#", "開燈請按一"), ("1", "確定請按一"),
                         ("1", "電燈已經打開")):
        page.keys(keys)
        page.heard(answer)
    page.until_text('[data-actuator="lamp"] .value', "on")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
