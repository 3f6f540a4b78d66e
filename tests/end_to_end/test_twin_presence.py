"""Alive, lost, back again: what the platform says of the agent, and what others see of its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.station import TICK
from tests.end_to_end.twin_site import WILLS, Site, site
from tests.support.observer import Message, Observer
from tests.support.waiting import wait_until
from twin.serving.process import Twin

SELDOM = TICK + "deadband = 0.5\n"
"""A reading when the file changes, and no other."""
BEAT = {"pulse", "from", "last", "time", "type", "deviceId"}


@pytest.fixture(scope="module")
def later() -> Iterator[Twin]:
    """One whose clock the tests turn, so that the others keep theirs."""
    with Twin() as running:
        yield running


def said(here: Site, topic: str, field: str) -> list[str]:
    """The words of the platform on that topic, in order."""
    return [m.json()[field] for m in here.platform.on(here.topic(topic)) if field in m.json()]


@pytest.mark.req("P-13", "P-14", "P-23")
def test_the_agent_hears_that_it_lives_was_lost_and_lives_again(
    later: Twin, tmp_path: Path
) -> None:
    with site(later, tmp_path, TICK, "tick", pulse="9s") as here:
        beats = here.platform.wait_count(1, here.topic("heartbeat"))
        assert beats[0].json() == {"pulse": "9000"}
        here.until_word("heartbeat", "Live")
        later.advance(30)
        here.until_word("heartbeat", "Lost")
        here.agent.wait_for_log("platform: heartbeat Lost")
        here.until_word("heartbeat", "ReLive")
        words = ["Live", "Lost", "ReLive"]
        wait_until(lambda: said(here, "heartbeat", "type") == words, 5, "all notices")
        lost = here.platform.wait_for(lambda m: b'"Lost"' in m.payload).json()
        assert lost.keys() == BEAT
        assert lost["from"] == "127.0.0.1" and lost["deviceId"] == here.device
        assert lost["pulse"] == "9000" and lost["last"] < lost["time"]


@pytest.mark.req("P-14", "P-21")
def test_an_agent_that_is_killed_is_lost_and_comes_back(later: Twin, tmp_path: Path) -> None:
    with site(later, tmp_path, TICK, "tick") as here:
        here.until_word("heartbeat", "Live")
        here.agent.kill()
        later.advance(30)
        wait_until(lambda: said(here, "heartbeat", "type")[-1] == "Lost", 5, "the loss")
        here.agent.start()
        here.until_word("heartbeat", "ReLive")


@pytest.mark.req("P-15", "P-24")
def test_the_agent_hears_how_the_platform_sees_its_data(later: Twin, tmp_path: Path) -> None:
    with site(later, tmp_path, SELDOM, "tick", pulse="1h") as here:
        tick = tmp_path / "tick"
        here.wait_for_notices("rawdata", "tick")
        later.ask({"op": "active", "device": here.device, "on": True})
        here.until_word("active", "start")
        tick.write_text("2")
        here.until_word("active", "online")
        later.advance(61)
        here.until_word("active", "abnormal")  # one reading in a minute is too few
        here.agent.wait_for_log(r"platform: device abnormal \(.*1 samples in the period\)")
        later.advance(61)
        here.until_word("active", "offline")
        tick.write_text("3")
        here.until_word("active", "online")
        later.ask({"op": "active", "device": here.device, "on": False})
        here.until_word("active", "stop")
        words = ["start", "online", "abnormal", "offline", "online", "stop"]
        wait_until(lambda: said(here, "active", "status") == words, 5, "all notices")


def wills(observer: Observer, name: str) -> list[Message]:
    return observer.on(f"/v1/lwt/{name}")


@pytest.mark.req("P-20", "P-21", "P-22", "P-29")
def test_the_will_is_seen_after_a_crash_and_cleared_on_return(twin: Twin, tmp_path: Path) -> None:
    text = TICK + '[last_will]\nname = "roof00001"\nmessage = "no power on the roof"\n'
    with site(twin, tmp_path, text, "tick") as here:
        here.agent.kill()
        wait_until(lambda: [m for m in wills(here.platform, "roof00001")
                            if m.payload == b"no power on the roof"], 5, "the will")
        with Observer(twin.ports["mqtt"], [WILLS], user=twin.project_key) as later:
            (kept,) = later.wait_count(1, "/v1/lwt/roof00001")
            assert kept.retain and kept.payload == b"no power on the roof"
        before = len(wills(here.platform, "roof00001"))
        here.agent.start()
        here.until_up()
        wait_until(lambda: len(wills(here.platform, "roof00001")) > before, 5, "the clearing")
        assert wills(here.platform, "roof00001")[-1].payload == b""
        # A clean end leaves none, and nothing is kept for who comes later.
        count = len(wills(here.platform, "roof00001"))
        assert here.agent.terminate() == 0
        with Observer(twin.ports["mqtt"], [WILLS], user=twin.project_key) as latest:
            latest.publish("/v1/lwt/mark", b"x")
            latest.wait_count(1, "/v1/lwt/mark")
            assert wills(latest, "roof00001") == []
        assert len(wills(here.platform, "roof00001")) == count
