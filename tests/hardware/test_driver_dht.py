"""The DHT driver against the library's recorded words, its trap, and the kernel's device."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from agent.errors import HardwareError, SensorError
from agent.hardware.catalog import open_sensor
from agent.hardware.drivers.dht import PAUSE, TRIES, SharedDht
from agent.hardware.drivers.kernel_dht import KernelDht, find
from agent.hardware.ports import Sample, SensorDevice
from agent.hardware.simulated import SimulatedPi
from hw_mocks.board import SimulatedBoard
from hw_mocks.dht import SimulatedDht
from hw_mocks.scenario import Iio, Scenario
from tests.hardware.conftest import sensor
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until

GOOD: Sample = {"temperature": 25.3, "humidity": 62.0}
CHECKSUM = "Checksum did not validate. Try again."
NOT_FOUND = "DHT sensor not found, check wiring"
SHORT = "A full buffer was not returned. Try again."


class Recorded:
    """A DhtReader that plays back answers and errors, and notes when it was asked."""

    def __init__(self, clock: FakeClock, *answers: tuple[float, float] | Exception) -> None:
        self._clock = clock
        self._answers = list(answers)
        self.asked: list[float] = []
        self.closed = False

    def measure(self) -> tuple[float, float]:
        self.asked.append(self._clock.monotonic())
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


def played(
    clock: FakeClock,
    *answers: tuple[float, float] | Exception,
    model: Literal["dht11", "dht22"] = "dht22",
) -> tuple[SharedDht, Recorded]:
    reader = Recorded(clock, *answers)
    return SharedDht(reader, model, 4, clock.monotonic, clock.advance), reader


@pytest.mark.parametrize("words", [CHECKSUM, NOT_FOUND, SHORT])
def test_a_failed_try_is_tried_again_after_more_than_two_seconds(
    clock: FakeClock, words: str
) -> None:
    dht, reader = played(clock, RuntimeError(words), RuntimeError(words), (25.3, 62.0))
    assert dht.sample() == GOOD
    first, second, third = reader.asked
    assert second - first > 2 and third - second > 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (CHECKSUM, "DHT22 on pin 4: checksum did not validate (3 tries): check its wiring"),
        (NOT_FOUND, "DHT22 on pin 4: DHT sensor not found, check wiring (3 tries)"),
        (SHORT, "DHT22 on pin 4: a full buffer was not returned (3 tries)"),
    ],
)
def test_three_failures_are_one_sensor_error(clock: FakeClock, words: str, said: str) -> None:
    dht, reader = played(clock, *[RuntimeError(words)] * 4)
    with pytest.raises(SensorError) as failed:
        dht.sample()
    assert str(failed.value).startswith(said)
    assert len(reader.asked) == TRIES


@pytest.mark.parametrize(
    ("model", "answer", "said"),
    [
        ("dht22", (None, None), "no answer yet"),
        ("dht22", (25.3, None), "no answer yet"),
        ("dht22", (0.0, 0.0), "all zeros"),
        ("dht22", (-40.1, 50.0), "impossible answer -40.1 °C"),
        ("dht22", (80.1, 50.0), "impossible"),
        ("dht22", (25.0, 100.1), "impossible"),
        ("dht22", (float("nan"), 50.0), "impossible"),
        ("dht11", (-1.0, 50.0), "impossible"),
        ("dht11", (50.1, 50.0), "impossible"),
        ("dht11", (25.0, 19.0), "impossible"),
        ("dht11", (25.0, 91.0), "impossible"),
    ],
)
def test_what_cannot_be_is_no_reading(
    clock: FakeClock,
    model: Literal["dht11", "dht22"],
    answer: tuple[float, float],
    said: str,
) -> None:
    dht, _ = played(clock, *[answer] * TRIES, model=model)
    with pytest.raises(SensorError, match=said):
        dht.sample()


def test_the_edges_of_the_range_are_readings(clock: FakeClock) -> None:
    dht, _ = played(clock, (-40.0, 100.0))
    assert dht.sample() == {"temperature": -40.0, "humidity": 100.0}


def test_a_pin_that_cannot_be_used_is_not_tried_again(clock: FakeClock) -> None:
    dht, reader = played(clock, HardwareError("GPIO4 is held by another program"))
    with pytest.raises(SensorError, match="GPIO4 is held by another program"):
        dht.sample()
    assert len(reader.asked) == 1


def test_the_library_is_never_asked_where_it_would_answer_old_values(clock: FakeClock) -> None:
    """Over a long, faulty life no value is ever one the wire did not just give."""
    truth = [25.0]
    fault: list[str | None] = [None]
    library = SimulatedDht(
        "dht22",
        sample=lambda: (truth[0], 60.0),
        fault=lambda: fault[0],
        monotonic=clock.monotonic,
        wait=lambda _: False,
    )
    dht = SharedDht(library, "dht22", 4, clock.monotonic, clock.advance)  # type: ignore[arg-type]
    good = bad = 0
    for n in range(300):
        truth[0] = 20.0 + n / 10
        fault[0] = (None, "checksum", None, "no_answer", "unplugged")[n % 5]
        tries = library.tries
        try:
            sample = dht.sample()
        except SensorError:
            bad += 1
        else:
            good += 1
            assert sample["temperature"] == pytest.approx(truth[0])
            assert library.tries > tries
        clock.advance(PAUSE + 0.05 + n % 7)
    assert good == 120 and bad == 180


def test_who_asks_too_soon_shares_the_outcome_good_or_bad(clock: FakeClock) -> None:
    dht, reader = played(clock, (25.3, 62.0), *[RuntimeError(CHECKSUM)] * TRIES, (26.0, 60.0))
    assert dht.sample() == GOOD
    clock.advance(2.0)
    assert dht.sample() == GOOD
    assert len(reader.asked) == 1
    clock.advance(0.2)
    for _ in range(2):
        with pytest.raises(SensorError, match="checksum"):
            dht.sample()
    assert len(reader.asked) == 1 + TRIES
    clock.advance(PAUSE + 0.1)
    assert dht.sample()["temperature"] == 26.0


def test_two_sensors_on_one_pin_are_one_device(hardware: SimulatedPi) -> None:
    first = open_sensor(hardware, sensor("dht22", pin=4))
    second = open_sensor(hardware, sensor("dht22", pin=4))
    elsewhere = open_sensor(hardware, sensor("dht22", pin=5))
    assert first.read() == second.read() == elsewhere.read() == GOOD
    assert hardware.board.dht("dht22", 4).tries == 1
    assert hardware.board.dht("dht22", 5).tries == 1
    first.close()
    first.close()  # counts once
    assert second.read() == GOOD
    second.close()
    with pytest.raises(SensorError, match="DHT22 on pin 4 is closed"):
        second.read()
    assert open_sensor(hardware, sensor("dht22", pin=4)).read() == GOOD


def test_a_hanging_sensor_blocks_neither_others_nor_its_own_closing(
    hardware: SimulatedPi,
) -> None:
    hanging = open_sensor(hardware, sensor("dht22", pin=4))
    other = open_sensor(hardware, sensor("dht22", pin=5))
    hardware.board.fault("dht22@4", "hang")
    thread, outcome = in_thread(hanging)
    wait_until(lambda: hardware.board.dht("dht22", 4).tries)
    assert other.read() == GOOD
    hanging.close()
    assert thread.is_alive() and not outcome
    hardware.board.clear("dht22@4")
    thread.join(5)
    assert outcome


def test_closing_ends_the_pause_between_tries(hardware: SimulatedPi) -> None:
    device = open_sensor(hardware, sensor("dht22", pin=4))
    hardware.board.fault("dht22@4", "checksum")
    thread, outcome = in_thread(device)
    wait_until(lambda: hardware.board.dht("dht22", 4).tries)
    device.close()
    thread.join(PAUSE / 2)
    assert not thread.is_alive()
    assert isinstance(outcome[0], SensorError)


def in_thread(device: SensorDevice) -> tuple[threading.Thread, list[Sample | SensorError]]:
    outcome: list[Sample | SensorError] = []

    def read() -> None:
        try:
            outcome.append(device.read())
        except SensorError as exc:
            outcome.append(exc)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread, outcome


def kernel_device(name: str = "dht11@11", pin: int | None = 17) -> SimulatedPi:
    """A board whose kernel has the overlay on pin 17, with readings of its own."""
    device = Iio(name, {"temp": 21.5, "humidityrelative": 48.0}, pin=pin)
    hardware = SimulatedPi()
    hardware.board = SimulatedBoard(Scenario(iio=(device,)))
    return hardware


KERNEL: Sample = {"temperature": 21.5, "humidity": 48.0}


@pytest.mark.parametrize(
    ("source", "pin", "sample"),
    [("auto", 17, KERNEL), ("kernel", 17, KERNEL), ("auto", 4, GOOD), ("adafruit", 17, GOOD)],
)
def test_the_source(source: str, pin: int, sample: Sample) -> None:
    hardware = kernel_device()
    device = open_sensor(hardware, sensor("dht22", pin=pin, source=source))
    assert device.read() == sample
    hardware.close()


def test_a_kernel_device_that_is_not_there_says_how_to_make_it(hardware: SimulatedPi) -> None:
    with pytest.raises(HardwareError, match="add dtoverlay=dht11,gpiopin=4 to"):
        open_sensor(hardware, sensor("dht22", pin=4, source="kernel"))


@pytest.mark.parametrize(
    ("fault", "said"),
    [("checksum", "Input/output error"), ("unplugged", "the kernel's DHT device is gone")],
)
def test_the_kernel_s_read_errors_are_tried_again_too(
    clock: FakeClock, fault: str, said: str
) -> None:
    hardware = kernel_device()
    reader = KernelDht(hardware.iio_root, 17)
    mended: list[Callable[[], None]] = [lambda: hardware.board.clear("dht11@11")]
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if mended and len(pauses) == 2:
            mended.pop()()
        clock.advance(seconds)

    dht = SharedDht(reader, "dht22", 17, clock.monotonic, pause)
    hardware.board.fault("dht11@11", fault)
    assert dht.sample() == KERNEL
    assert pauses == [PAUSE, PAUSE]

    hardware.board.fault("dht11@11", fault)
    clock.advance(60)
    with pytest.raises(SensorError, match=said):
        dht.sample()
    hardware.close()


def test_which_kernel_device_is_on_a_pin(tmp_path: Path) -> None:
    def device(number: int, name: str, gpios: bytes = b"") -> Path:
        folder = tmp_path / f"iio:device{number}"
        (folder / "of_node").mkdir(parents=True)
        (folder / "name").write_text(name + "\n")
        if gpios:
            (folder / "of_node" / "gpios").write_bytes(gpios)
        return folder

    assert find(tmp_path / "nowhere", 4) is None
    device(0, "bme280")
    nameless = device(1, "dht11")
    assert find(tmp_path, 4) == nameless  # the only one fits every pin
    named = device(2, "dht11@11")
    assert find(tmp_path, 17) == named  # unit addresses are hexadecimal
    assert find(tmp_path, 11) is None
    by_node = device(3, "dht11@0", b"\0\0\0\x10\0\0\0\x16\0\0\0\0")
    assert find(tmp_path, 22) == by_node
    assert find(tmp_path, 0) is None
