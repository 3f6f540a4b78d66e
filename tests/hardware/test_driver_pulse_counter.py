"""Meters: every pulse counted, and the total kept whatever happens to the agent or its files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import HardwareError, SensorError, StorageError
from agent.hardware import totals
from agent.hardware.catalog import open_sensor
from agent.hardware.drivers.pulse_counter import PulseCounter
from agent.hardware.simulated import SimulatedPi
from agent.hardware.totals import Total
from tests.hardware.conftest import sensor
from tests.support.clock import FakeClock


class Meter:
    """A line on which a test counts."""

    def __init__(self) -> None:
        self.pulses = 0
        self.broken = False
        self.closed = False

    def count(self) -> int:
        if self.broken:
            raise HardwareError("GPIO16: No such device")
        return self.pulses

    def close(self) -> None:
        self.closed = True


def counter(
    meter: Meter, file: Path | None, clock: FakeClock, per_pulse: float = 1.0, per: float = 3600.0
) -> PulseCounter:
    return PulseCounter(meter, file, per_pulse, per, clock.monotonic, clock.advance)


def test_total_and_rate(clock: FakeClock) -> None:
    meter = Meter()
    device = counter(meter, None, clock, per_pulse=0.25, per=60.0)
    meter.pulses = 2
    assert device.read() == {"total": 0.5, "rate": 30.0}, "over the one second it waited"
    clock.advance(30)
    meter.pulses = 12
    assert device.read() == {"total": 3.0, "rate": 5.0}
    clock.advance(60)
    assert device.read() == {"total": 3.0, "rate": 0.0}


def test_no_rounding_adds_up(clock: FakeClock) -> None:
    meter = Meter()
    device = counter(meter, None, clock, per_pulse=0.1)
    for meter.pulses in range(1, 1001):
        sample = device.read()
    assert sample["total"] == 100.0


def test_the_total_outlives_the_device(clock: FakeClock, tmp_path: Path) -> None:
    file = tmp_path / "total"
    for total in (5.0, 10.0, 15.0):
        meter = Meter()
        device = counter(meter, file, clock)
        meter.pulses = 5
        assert device.read()["total"] == total
        device.close()
        device.close()
        assert meter.closed


def test_another_worth_holds_from_now_on(clock: FakeClock, tmp_path: Path) -> None:
    file = tmp_path / "total"
    for per_pulse, total in ((2.0, 10.0), (0.5, 12.5), (2.0, 22.5)):
        meter = Meter()
        device = counter(meter, file, clock, per_pulse)
        meter.pulses = 5
        assert device.read()["total"] == total
        device.close()


def test_pulses_after_the_last_reading_are_kept_at_the_end(
    clock: FakeClock, tmp_path: Path
) -> None:
    meter = Meter()
    device = counter(meter, tmp_path / "total", clock)
    device.read()
    meter.pulses = 7
    device.close()
    assert totals.load(tmp_path / "total") == Total(1.0, 7)


def test_only_what_changed_is_written(clock: FakeClock, tmp_path: Path) -> None:
    file = tmp_path / "total"
    meter = Meter()
    device = counter(meter, file, clock)
    device.save()
    assert not file.exists(), "nothing counted, nothing written"
    meter.pulses = 1
    device.save()
    written = file.stat().st_mtime_ns, file.stat().st_ino
    device.save()
    device.close()
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == written


def test_a_line_that_fails_keeps_what_was_counted(clock: FakeClock, tmp_path: Path) -> None:
    meter = Meter()
    device = counter(meter, tmp_path / "total", clock)
    meter.pulses = 3
    device.read()
    meter.broken = True
    with pytest.raises(SensorError, match="cannot be counted: GPIO16: No such device"):
        device.read()
    device.close()
    assert totals.load(tmp_path / "total") == Total(1.0, 3)


def test_a_folder_that_cannot_be_written_stops_nothing(
    clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "state"
    meter = Meter()
    device = counter(meter, folder / "total", clock)
    for meter.pulses in (1, 2, 3):
        device.save()
    assert device.read()["total"] == 3.0
    assert [r.message.count("cannot be kept") for r in caplog.records] == [1], "told once"
    folder.mkdir()
    device.close()
    assert totals.load(folder / "total") == Total(1.0, 3)


def test_a_closed_one_is_read_no_more(clock: FakeClock) -> None:
    device = counter(Meter(), None, clock)
    device.close()
    with pytest.raises(SensorError, match="closed"):
        device.read()


# --- the files


def test_two_generations_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "total"
    assert totals.load(file) is None
    totals.save(file, Total(0.5, 10, 100.0))
    totals.save(file, Total(0.5, 11, 100.0))
    assert totals.load(file) == Total(0.5, 11, 100.0)
    file.unlink()  # a power cut between the two renames
    assert totals.load(file) == Total(0.5, 10, 100.0)


@settings(max_examples=50)
@given(data=st.data())
def test_no_damage_of_one_file_loses_the_total(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    file = tmp_path_factory.mktemp("totals") / "total"
    totals.save(file, Total(1.0, 41))
    totals.save(file, Total(1.0, 42))
    good = file.read_bytes()
    damaged = bytearray(good)
    how = data.draw(st.sampled_from(["flip", "cut", "zero", "other"]))
    if how == "flip":
        damaged[data.draw(st.integers(0, len(good) - 2))] ^= 1 << data.draw(st.integers(0, 7))
    elif how == "cut":
        damaged = damaged[: data.draw(st.integers(0, len(good) - 2))]
    elif how == "zero":
        damaged = bytearray(len(good))
    else:
        damaged = bytearray(data.draw(st.binary(max_size=100)))
    file.write_bytes(damaged)
    assert totals.load(file) == Total(1.0, 41)
    totals.save(file, Total(1.0, 43))
    assert totals.load(file) == Total(1.0, 43)
    file.unlink()
    assert totals.load(file) == Total(1.0, 41), "the damaged one took no good one's place"


@pytest.mark.parametrize(
    "content", [{"base": 1e999, "pulses": 1, "per_pulse": 1}, {"pulses": -5}, [], {"base": "x"}]
)
def test_both_files_lost_begins_anew_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, clock: FakeClock, content: Any
) -> None:
    file = tmp_path / "total"
    body = json.dumps(content)
    file.write_text(f"{body} {zlib.crc32(body.encode()):08x}\n")
    (tmp_path / "total.before").write_bytes(b"\xff")
    device = counter(Meter(), file, clock)
    assert device.read()["total"] == 0.0
    assert len(caplog.records) == 2
    assert all("cannot be used: " in record.message for record in caplog.records)
    device.close()


def test_a_total_that_cannot_be_kept_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot be kept in .*: No such file or directory$"):
        totals.save(tmp_path / "no" / "total", Total(1.0))


def test_every_id_has_a_file_of_its_own(tmp_path: Path) -> None:
    ids = ("..", "水表", "電表", "x" * 64, "x" * 63 + "y", "rain", "CON")
    files = {totals.place(tmp_path, id) for id in ids}
    assert len(files) == len(ids)
    for file in files:
        assert file.parent == tmp_path
        totals.save(file, Total(1.0, 1))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write what the service cannot read")
def test_what_root_wrote_belongs_to_the_service(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    totals.save(tmp_path / "total", Total(1.0, 1))
    assert (tmp_path / "total").stat().st_uid == 12345


# --- on the board


@pytest.mark.parametrize(
    ("options", "idle"),
    [
        ({}, True),
        ({"pull_up": False}, False),
        ({"active_state": True}, False),
        ({"active_state": False}, True),
    ],
)
def test_pulses_on_a_pin(
    hardware: SimulatedPi, tmp_path: Path, options: dict[str, Any], idle: bool
) -> None:
    hardware.board.drive(16, idle)
    config = sensor("pulse_counter", pin=16, bounce_time=0.0, per_pulse=0.5, **options)
    device = open_sensor(hardware, config, tmp_path)
    for _ in range(10):
        hardware.board.drive(16, not idle)
        hardware.board.drive(16, idle)
    assert device.read()["total"] == 5.0
    device.close()
    again = open_sensor(hardware, config, tmp_path)
    hardware.board.drive(16, not idle)
    assert again.read()["total"] == 5.5
    again.close()


def test_without_a_state_folder_it_counts_and_keeps_nothing(hardware: SimulatedPi) -> None:
    before = threading.active_count()
    device = open_sensor(hardware, sensor("pulse_counter", pin=16))
    assert device.read() == {"total": 0.0, "rate": 0.0}
    assert threading.active_count() == before
    device.close()


KILLED = """
import sys, time
from pathlib import Path
from agent.hardware.totals import Total, save
n = 0
while True:
    n += 1
    save(Path(sys.argv[1]), Total(1.0, n))
    print(n, flush=True)
"""


def test_killed_at_any_moment_the_total_never_falls(tmp_path: Path) -> None:
    file = tmp_path / "total"
    for wanted in range(3, 23):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(file)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) == wanted:
                    process.kill()
                    break
            rest = process.stdout.read().split()
        said = int(rest[-1]) if rest else wanted
        kept = totals.load(file)
        assert kept is not None and kept.pulses >= said
        for path in tmp_path.iterdir():
            path.unlink()
