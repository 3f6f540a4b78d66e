"""The simulated DHT against the library it stands for: the same script, the same answers."""

from __future__ import annotations

import array
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from hw_mocks.dht import SimulatedDht
from tests.support.clock import FakeClock

Answer = tuple[float | None, float | None] | str


class Rig(Protocol):
    """A DHT22 whose wire and time a test holds in its hands."""

    def wire(self, what: str, temperature: float = 0.0, humidity: float = 0.0) -> None: ...

    def passes(self, seconds: float) -> None: ...

    def ask(self) -> Answer: ...


class SimulatedRig:
    def __init__(self) -> None:
        self._clock = FakeClock()
        self._fault: str | None = None
        self._sample = (0.0, 0.0)
        self._dht = SimulatedDht(
            "dht22",
            sample=lambda: self._sample,
            fault=lambda: self._fault,
            monotonic=self._clock.monotonic,
            wait=lambda seconds: False,
        )

    def wire(self, what: str, temperature: float = 0.0, humidity: float = 0.0) -> None:
        self._fault = None if what == "good" else what
        self._sample = (temperature, humidity)

    def passes(self, seconds: float) -> None:
        self._clock.advance(seconds)

    def ask(self) -> Answer:
        return _asked(self._dht.measure)


class LibraryRig:
    """The real library; only the line it would time is ours."""

    def __init__(self) -> None:
        os.environ.setdefault("BLINKA_SKIP_DEPENDENCY_CHECK", "1")
        sys.modules.setdefault("pulseio", None)  # type: ignore[arg-type]  # times the line itself
        adafruit_dht: Any = pytest.importorskip("adafruit_dht", exc_type=Exception)  # type: ignore[arg-type]

        rig = self

        class Dht(adafruit_dht.DHT22):  # type: ignore[misc]
            def _get_pulses_bitbang(self) -> Any:
                return rig._pulses

        self._pulses = array.array("H")
        self._dht = Dht(None, use_pulseio=False)

    def wire(self, what: str, temperature: float = 0.0, humidity: float = 0.0) -> None:
        magnitude = round(abs(temperature) * 10) | (0x8000 if temperature < 0 else 0)
        data = [*round(humidity * 10).to_bytes(2, "big"), *magnitude.to_bytes(2, "big")]
        data.append((sum(data) + (what == "checksum")) & 0xFF)
        bits = "".join(f"{byte:08b}" for byte in data)
        pulses = [length for bit in bits for length in (50, 70 if bit == "1" else 26)]
        keep = {"unplugged": 2, "no_answer": 60}.get(what, 80)
        self._pulses = array.array("H", pulses[:keep])

    def passes(self, seconds: float) -> None:
        if self._dht._last_called:
            self._dht._last_called -= seconds  # the library reads the system's clock itself

    def ask(self) -> Answer:
        def measure() -> tuple[float | None, float | None]:
            self._dht.measure()
            return self._dht._temperature, self._dht._humidity

        return _asked(measure)


def _asked(measure: Callable[[], tuple[float | None, float | None]]) -> Answer:
    try:
        return measure()
    except RuntimeError as exc:
        return str(exc)


@pytest.fixture(params=[SimulatedRig, LibraryRig])
def rig(request: pytest.FixtureRequest) -> Rig:
    made: Rig = request.param()
    return made


def test_good_answers(rig: Rig) -> None:
    rig.wire("good", 25.3, 61.5)
    assert rig.ask() == (25.3, 61.5)
    rig.passes(2.1)
    rig.wire("good", -3.5, 99.9)
    assert rig.ask() == (-3.5, 99.9)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("checksum", "Checksum did not validate. Try again."),
        ("unplugged", "DHT sensor not found, check wiring"),
        ("no_answer", "A full buffer was not returned. Try again."),
    ],
)
def test_faults_speak_the_library_s_words(rig: Rig, fault: str, words: str) -> None:
    rig.wire(fault, 25.3, 61.5)
    assert rig.ask() == words


def test_the_trap_an_old_value_as_a_success(rig: Rig) -> None:
    rig.wire("good", 25.3, 61.5)
    rig.ask()
    rig.passes(60)
    rig.wire("checksum", 30.0, 50.0)
    assert rig.ask() == "Checksum did not validate. Try again."
    rig.passes(1)
    assert rig.ask() == (25.3, 61.5)
    rig.passes(1.1)
    assert rig.ask() == "Checksum did not validate. Try again."


def test_the_trap_before_any_good_answer(rig: Rig) -> None:
    rig.wire("unplugged")
    rig.ask()
    assert rig.ask() == (None, None)


def test_a_stuck_sensor_repeats_itself_for_ever() -> None:
    rig = SimulatedRig()
    rig.wire("good", 20.0, 50.0)
    rig.ask()
    rig.wire("stuck", 30.0, 60.0)
    for _ in range(3):
        rig.passes(10)
        assert rig.ask() == (20.0, 50.0)


def test_a_dht11_gives_whole_numbers_in_its_range() -> None:
    dht = SimulatedDht("dht11", lambda: (-7.4, 99.0), lambda: None, lambda: 0.0, lambda _: False)
    assert dht.measure() == (0.0, 90.0)


def test_a_hanging_sensor_hangs_until_it_is_mended() -> None:
    fault: list[str | None] = ["hang"]
    waits = threading.Event()

    def wait(seconds: float) -> bool:
        waits.set()
        return threading.Event().wait(min(seconds, 0.01))

    dht = SimulatedDht("dht22", lambda: (20.0, 50.0), lambda: fault[0], lambda: 0.0, wait)
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(_asked(dht.measure)), daemon=True)
    thread.start()
    assert waits.wait(5)
    assert not answers
    fault[0] = None
    thread.join(5)
    assert answers == [(20.0, 50.0)]
