"""Faults between the agent and the platform, some seconds of them from a seed: what the platform's
rules received is the truth, and no reading that was made is missing there.

The broker is one the twin did not start, so that it can be killed. The agent stays locked out
until the twin is back: what a broker reads while nobody listens no rule ever sees (P-05), and no
device can know.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.end_to_end.station import TICK
from tests.end_to_end.twin_site import Site, get, new_device, site
from tests.support.observer import Observer
from tests.support.waiting import wait_until
from twin.broker import Broker
from twin.proxy import FaultProxy
from twin.serving.process import FREE, Twin

SEED = 20260715
ROUNDS = 2
NAMES = [f"tick{number}" for number in range(4)]


class Weather:
    """``strike`` does each kind of fault once, in an order of its own."""

    def __init__(self, rand: random.Random, broker: Broker, proxy: FaultProxy, twin: Twin) -> None:
        self._rand, self._broker, self._proxy, self._twin = rand, broker, proxy, twin
        self._probe = new_device(twin, "probe")
        self.counts: Counter[str] = Counter()

    def strike(self, here: Site) -> None:
        kinds = {"reset": self._proxy.drop, "dark": self._dark, "deaf": self._deaf,
                 "broken": self._broken, "broker": self._broker_dies}
        for name in self._rand.sample(list(kinds), len(kinds)):
            # Each one meets an agent at work.
            before = len(here.readings())
            wait_until(lambda before=before: len(here.readings()) > before + 3,
                       12, f"readings before {name}")
            kinds[name]()
            self.counts[name] += 1

    def _dark(self) -> None:
        """Nothing arrives, and then what was under way is gone for good."""
        self._proxy.black_hole()
        self._rest()
        self._proxy.drop()
        self._proxy.passing()

    def _deaf(self) -> None:
        """All arrives, and is never answered: it comes again."""
        self._proxy.black_hole("down")
        self._rest()
        self._proxy.passing()

    def _broken(self) -> None:
        """In the middle of a message."""
        self._proxy.cut_after(self._rand.randrange(20, 600))

    def _broker_dies(self) -> None:
        self._broker.kill()
        self._proxy.refuse()
        self._broker.start()
        with Observer(self._broker.port, [f"/v1/device/{self._probe}/#"]) as probe:
            def heard() -> bool:
                with contextlib.suppress(RuntimeError):
                    probe.publish(f"/v1/device/{self._probe}/rawdata",
                                  [{"id": "probe", "value": ["1"]}])
                return any(m.topic.endswith("/csv") for m in probe.messages)
            wait_until(heard, 15, "the twin to be back")
        self._proxy.passing()

    def _rest(self) -> None:
        time.sleep(self._rand.uniform(0.3, 1.5))  # how long the fault lasts


def received(here: Site, name: str) -> set[str]:
    """The times of the readings the rules have kept; what came twice has one time."""
    url = f"/device/{here.device}/sensor/{name}/rawdata?start=2020-01-01T00:00:00Z"
    return {one["time"] for one in get(here.twin, url)}


@pytest.mark.slow
@pytest.mark.req("P-05", "P-06")
def test_the_platform_receives_every_reading_through_all_faults(tmp_path: Path) -> None:
    text = "".join(TICK.replace('"tick"', f'"{name}"') for name in NAMES)
    with (
        Broker() as broker,
        Twin(replace(FREE, broker=("127.0.0.1", broker.port))) as twin,
        FaultProxy(broker.port) as proxy,
    ):
        weather = Weather(random.Random(SEED), broker, proxy, twin)
        for name in NAMES:
            (tmp_path / name).write_text("1")
        with site(twin, tmp_path, text, *NAMES, port=proxy.port) as here:
            for _ in range(ROUNDS):
                weather.strike(here)
            # Without their files the sensors make no more readings, and all can be counted.
            for name in NAMES:
                (tmp_path / name).unlink()
            here.until(lambda s: all(one["quality"] == "fault" for one in s["sensors"]), 10, "rest")
            status = here.until(lambda s: s["delivery"]["waiting"] == 0, 30, "all to be sent")
            assert status["delivery"]["dropped"] == 0
            assert status["links"]["platform"]["connects"] > 1 + ROUNDS
        made = {one["id"]: one["reads"] - one["failures"] for one in status["sensors"]}
        assert {name: len(received(here, name)) for name in NAMES} == made
        assert set(weather.counts.values()) == {ROUNDS}
