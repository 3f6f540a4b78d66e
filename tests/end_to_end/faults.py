"""A seeded network and broker that fail in every way a test can make them fail, for some seconds.

The observer sits at the broker itself, beside the faults. After the broker was killed the writer
stays locked out until the observer has subscribed again. So what is missing at the observer was
missing at the broker: mosquitto writes a message of QoS 0 to the sockets of its subscribers before
it reads, and answers, what comes next on the publisher's connection, and what it had written
before it was killed is still read from the kernel afterwards. Were that not so, the tests would
fail; they cannot pass by it.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping

from tests.end_to_end.station import wait_until_back
from tests.support.observer import Observer
from twin.broker import Broker
from twin.proxy import FaultProxy


class Faults:
    """``kill`` ends the writer like a power cut and starts it again; returns when it is started.

    ``more``: further kinds, by name. ``back`` waits until whoever else listens at the broker does
    so again. ``pace``: all waits times this. ``begun``: when each fault began (monotonic)
    and which kind it is of.
    """

    def __init__(
        self, rand: random.Random, broker: Broker, proxy: FaultProxy, observer: Observer,
        kill: Callable[[], None], *, more: Mapping[str, Callable[[], None]] | None = None,
        back: Callable[[], None] = lambda: None, pace: float = 1.0,
    ) -> None:
        self._more = dict(more or {})
        self._back = back
        self._pace = pace
        self.counts: Counter[str] = Counter()
        self.begun: list[tuple[float, str]] = []
        self._rand = rand
        self._broker = broker
        self._proxy = proxy
        self._observer = observer
        self._kill = kill

    def run(self, seconds: float, count: float = math.inf) -> None:
        """Fault after fault, each kind as often as any other, ``count`` at the most; the network
        behaves at the end."""
        kinds: dict[str, Callable[[], None]] = {
            "connection reset": self._proxy.drop,
            "every connection reset": self._resetting,
            "refused": self._refusing,
            "all swallowed": self._swallowing,
            "answers swallowed": self._swallowing_answers,
            "broken off in a packet": self._breaking_off,
            "slow": self._slow,
            "broker killed": self._broker_killed,
            "writer killed": self._kill,
            "writer killed in the dark": self._killed_in_the_dark,
            **self._more,
        }
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.counts.total() < count:
            for name in self._rand.sample(list(kinds), len(kinds)):
                if time.monotonic() > end or self.counts.total() >= count:
                    break
                self._pause(0.2, 1.2)
                self.counts[name] += 1
                self.begun.append((time.monotonic(), name))
                kinds[name]()
        self._proxy.passing()

    def _pause(self, least: float, most: float) -> None:
        time.sleep(self._rand.uniform(least, most) * self._pace)

    def _resetting(self) -> None:
        self._proxy.reset()
        self._pause(0.1, 1.0)
        self._proxy.passing()

    def _refusing(self) -> None:
        self._proxy.refuse()
        self._pause(0.1, 2.0)
        self._proxy.passing()

    def _swallowing(self) -> None:
        self._proxy.black_hole()
        self._pause(0.2, 2.5)
        self._proxy.passing()

    def _swallowing_answers(self) -> None:
        """The broker reads everything, and its answers never come: all is sent again."""
        self._proxy.black_hole("down")
        self._pause(0.2, 2.0)
        self._proxy.passing()

    def _breaking_off(self) -> None:
        self._proxy.cut_after(self._rand.randrange(1, 3000))

    def _slow(self) -> None:
        self._proxy.slow(self._rand.randrange(1500, 6000))
        self._pause(0.3, 1.5)
        self._proxy.passing()

    def _broker_killed(self) -> None:
        self._broker.kill()
        self._proxy.refuse()
        self._pause(0.0, 1.0)
        self._broker.start()
        wait_until_back(self._observer)
        self._back()
        self._proxy.passing()

    def _killed_in_the_dark(self) -> None:
        self._proxy.black_hole()
        self._pause(0.5, 2.0)
        self._kill()
        self._pause(0.1, 1.0)
        self._proxy.passing()
