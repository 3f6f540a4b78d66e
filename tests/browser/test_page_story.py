"""What a newcomer does in the first minutes: looks, switches, phones, is phoned, breaks things."""

from __future__ import annotations

import pytest

from tests.browser.looking import Looking
from tests.browser.playing import Playing

LAMP = '[data-actuator="lamp"] .value'
PIN = "246813"


def test_a_click_switches_and_the_curve_answers(page: Looking) -> None:
    before = page.value("temperature")
    page.click('[data-actuator="heater"] [aria-label="heater on"]')
    page.until_text('[data-actuator="heater"] .value', "on")
    curve = "return document.querySelector('[data-sensor=temperature] canvas').toDataURL()"
    first = page.run(curve)
    page.until(lambda: page.value("temperature") > before + 1, "a warmer greenhouse", 40)
    assert page.run(curve) != first
    page.click('[data-actuator="heater"] [aria-label="heater off"]')
    page.until_text('[data-actuator="heater"] .value', "off")


@pytest.mark.req("T-03")
def test_the_lamp_is_switched_by_phone(page: Looking) -> None:
    """By the keys of the keyboard: menu, PIN, confirmation; the lamp on the page answers."""
    page.click("#call")
    page.heard("控制電燈請按三")
    page.keys("3")
    page.heard("密碼")
    page.keys(f"{PIN}#")
    page.heard("開燈請按一")
    page.keys("1")
    page.heard("確定請按一")
    assert page.text(LAMP) == "off"
    page.keys("1")
    page.heard("電燈已經打開")
    page.until_text(LAMP, "on")
    page.until(lambda: page.run("return document.getElementById('scene-lamp')"
                                ".classList.contains('on')"), "the lamp lit in the picture")
    page.hang_up()
    page.click('[data-actuator="lamp"] [aria-label="lamp off"]')
    page.until_text(LAMP, "off")


def test_a_reading_is_asked_for_in_words_and_spoken_by_the_browser(page: Looking) -> None:
    """Its own voice, in the Mandarin of Taiwan; here one that only writes down what it is given."""
    page.run("""
        window.spoken = [];
        Object.defineProperty(window, 'speechSynthesis', {value: {
            speak: each => window.spoken.push([each.lang, each.text]), cancel: () => {},
            getVoices: () => []}})""")
    page.click("#sound")
    page.click("#call")
    page.heard("用說的請按四")
    page.click('[data-key="4"]')
    page.until_text("#call-state", "Speak")
    page.type("#words", "溫度", enter=True)
    page.heard("目前溫室的溫度是")
    spoken = page.run("return window.spoken")
    assert {lang for lang, _ in spoken} == {"zh-TW"}
    assert any("目前溫室的溫度是" in text for _, text in spoken)
    page.hang_up()


def test_who_says_nothing_is_asked_again(page: Looking) -> None:
    page.click("#call")
    page.heard("查詢溫度請按一")
    page.click("#silence")
    page.heard("沒有收到")
    page.hang_up()


def test_a_reading_is_asked_for_by_phone(page: Looking) -> None:
    page.click("#call")
    page.heard("查詢溫度請按一")
    page.click('[data-key="1"]')
    page.heard("目前溫室的溫度是")
    page.hang_up()


@pytest.mark.req("T-33")
def test_an_alarm_rings_the_phone_on_the_page(page: Looking) -> None:
    page.pull("wires", "unplug temperature")
    page.until(lambda: page.run("return document.getElementById('phone').className") == "ringing",
               "the telephone to ring", 60)
    page.click("#answer")
    page.heard("知道了請按一")
    page.click('[data-key="1"]')
    page.heard("已經記下")


def test_a_cut_network_loses_nothing(page: Looking) -> None:
    page.pull("network", "cut")
    page.until_text("#pill-link", "not connected")
    page.until(lambda: page.count("waiting") > 0, "readings that wait")
    assert page.text("#verdict") != "Not one is lost."
    page.pull("network", "fine")
    page.until_text("#pill-link", "connected")
    page.until(lambda: page.count("waiting") == 0 and page.count("lost") == 0
               and page.count("stored") >= page.count("made"), "all of them stored", 30)
    page.until_text("#verdict", "Not one is lost.")


@pytest.mark.parametrize(("lever", "harm"), [("network", "black hole"), ("broker", "killed")])
def test_other_outages_end_well(page: Looking, lever: str, harm: str) -> None:
    page.pull(lever, harm)
    page.until(lambda: page.count("waiting") > 0, "readings that wait", 30)
    page.pull(lever, "fine")
    page.until(lambda: page.count("waiting") == 0 and page.count("lost") == 0
               and page.text("#pill-link") == "connected", "all of them stored", 60)


def test_the_power_is_cut_and_comes_back(page: Looking) -> None:
    page.pull("agent", "power cut")
    page.until_text("#pill-agent", "agent has no power")
    page.until_text(LAMP, "—")
    made = page.count("made")
    page.pull("agent", "fine")
    page.until_text("#pill-agent", "agent runs")
    page.until_text("#pill-link", "connected")
    page.until(lambda: page.count("made") > made, "new readings")


def test_a_wire_pulled_out_is_a_fault_and_not_an_old_value(page: Looking) -> None:
    page.pull("wires", "unplug humidity")
    page.until_text('[data-sensor="humidity"] .quality', "faulty")
    page.pull("wires", "unplug humidity")
    page.until(lambda: page.text('[data-sensor="humidity"] .quality') == "", "a good reading again")


def test_a_wrong_clock_stops_no_reading(page: Looking) -> None:
    page.pull("clock", "1 day fast")
    page.until(lambda: page.is_pulled("clock", "1 day fast"), "the clock wrong")
    made = page.count("made")
    page.until(lambda: page.count("made") > made and page.count("lost") == 0, "more readings")


def test_the_messages_are_there_and_can_be_filtered(page: Looking, demo: Playing) -> None:
    page.until_text("#passed", "rawdata")
    page.until_text("#passed", "heartbeat")
    page.click('#kinds [data-kind="heartbeat"]')
    kinds = "return [...document.querySelectorAll('#passed .kind')].map(each => each.textContent)"
    assert set(page.run(kinds)) and "heartbeat" not in page.run(kinds)
    page.type("#search", "registry")
    page.until(lambda: set(page.run(kinds)) == {"registry"}, "the registry's messages alone")
    assert demo.key not in page.run("return document.documentElement.outerHTML")


def test_it_speaks_chinese_too(page: Looking) -> None:
    page.click("#language")
    page.until_text("#house-title", "溫室")
    page.until_text('[data-sensor="temperature"] .name', "溫度")
    english = page.run(r"""
        const walker = document.createTreeWalker(
            document.querySelector('main'), NodeFilter.SHOW_TEXT);
        const found = [];
        while (walker.nextNode()) {
          const text = walker.currentNode;
          if (!text.parentElement.closest('#passed, #kinds, .quality, #transcript')
              && /[A-Za-z]{4,}/.test(text.data)) found.push(text.data);
        }
        return found""")
    assert english == []
    page.click("#language")
    page.until_text("#house-title", "Greenhouse")
