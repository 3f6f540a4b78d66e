"""A person at the page: what they see, click, type and hear. Chromium by its driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.support.waiting import wait_until

PATIENCE = 20.0
_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars")


class Looking:
    """One browser window. Parts of the page go by their CSS selectors."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def text(self, part: str) -> str:
        return str(self.run("return document.querySelector(arguments[0])?.textContent ?? ''", part))

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def click(self, part: str) -> None:
        """Also when the page draws it anew just now."""
        def clicked() -> bool:
            try:
                self.driver.find_element(By.CSS_SELECTOR, part).click()
            except StaleElementReferenceException:
                return False
            return True
        self.until(clicked, f"{part} to be clicked")

    def type(self, part: str, text: str, *, enter: bool = False) -> None:
        field = self.driver.find_element(By.CSS_SELECTOR, part)
        field.clear()
        field.send_keys(text + (Keys.ENTER if enter else ""))

    def keys(self, text: str) -> None:
        """Typed on the keyboard, wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(text)

    def until(self, look: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
        def seen() -> Any:
            return look()
        return wait_until(seen, timeout, what)

    def until_text(self, part: str, wanted: str, timeout: float = PATIENCE) -> None:
        self.until(lambda: wanted in self.text(part), f"{wanted!r} in {part}", timeout)

    def speak_english(self) -> None:
        """The words of the page; what the telephone says stays Chinese."""
        self.until(lambda: self.text("#pill-device"), "the first picture of the page")
        if self.run("return document.documentElement.lang") != "en":
            self.click("#language")

    def number(self, part: str) -> float:
        """What stands at the beginning of its text; not a number when there is none."""
        return float(self.run(
            "return parseFloat(document.querySelector(arguments[0])?.textContent ?? '')"
            " ?? NaN", part) or "nan")

    def value(self, id: str) -> float:
        """What the card of a sensor shows."""
        return self.number(f'[data-sensor="{id}"] .value')

    def count(self, name: str) -> int:
        """A figure of the ledger."""
        return int(self.text(f'[data-count="{name}"] dd'))

    def pull(self, lever: str, text: str) -> None:
        """A button among the faults."""
        self.run("[...document.querySelectorAll(`[data-lever=${arguments[0]}] button`)]"
                 ".find(each => each.textContent === arguments[1]).click()", lever, text)

    def is_pulled(self, lever: str, text: str) -> bool:
        return bool(self.run(
            "return [...document.querySelectorAll(`[data-lever=${arguments[0]}] button`)]"
            ".some(each => each.textContent === arguments[1]"
            " && each.ariaPressed === 'true' && !each.disabled)", lever, text))

    def heard(self, text: str, timeout: float = PATIENCE) -> None:
        """The telephone has said it in this call."""
        self.until(lambda: self.run(
            "return [...document.querySelectorAll('#transcript .service')]"
            ".some(each => each.textContent.includes(arguments[0]))", text),
            f"{text!r} on the telephone, which says:\n{self.text('#transcript')}", timeout)

    def hang_up(self) -> None:
        if self.run("return document.getElementById('phone').className") != "idle":
            self.click("#hangup")
        self.until(lambda: self.run("return document.getElementById('phone').className") == "idle",
                   "the telephone on its hook")

    def mend(self) -> None:
        """Everything as it was at first."""
        self.hang_up()
        for lever, right in (("agent", "fine"), ("broker", "fine"), ("network", "fine"),
                             ("clock", "right")):
            if not self.is_pulled(lever, right):
                self.pull(lever, right)
                self.until(lambda lever=lever, right=right: self.is_pulled(lever, right), lever)
        self.until_text("#pill-link", "connected")
        for wire in ("unplug temperature", "unplug humidity"):
            if self.is_pulled("wires", wire):
                self.pull("wires", wire)
                self.until(lambda wire=wire: not self.is_pulled("wires", wire), wire)

    def complaints(self) -> list[str]:
        """What the browser itself complained of; a script that failed, something it was denied."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@contextmanager
def looking_at(url: str, width: int = 1500, height: int = 1250) -> Iterator[Looking]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for option in (*_OPTIONS, f"--window-size={width},{height}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        driver.get(url)
        yield Looking(driver)
    finally:
        driver.quit()
