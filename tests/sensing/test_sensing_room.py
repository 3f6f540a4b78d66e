"""Polled sensors that answer at once: the scheduler turned by hand, no loop and no thread."""

import logging
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config.model import QuantityConfig
from agent.errors import HardwareError
from tests.sensing.fakes import NO_ANSWER, HandClock, Plain, Room, Scripted, sensor


def test_ten_sensors_of_one_period_share_one_wake_up() -> None:
    ids = [f"s{n}" for n in range(10)]
    devices = {id: Plain() for id in ids}
    room = Room(*(sensor(id) for id in ids))
    room.devices.update(devices)
    wakes = room.run_until(1060.0)
    assert wakes == 61
    assert {device.reads for device in devices.values()} == {61}


def test_a_timer_that_fires_a_little_early_reads_once_and_waits_for_nobody() -> None:
    device = Plain()
    room = Room(sensor(), s=device)
    room.run_until(1000.5)
    room.clock.now = 1000.996
    assert room.sensing.tick() == 1002.0
    assert device.reads == 2


def test_readings_carry_the_monotonic_time_and_the_place() -> None:
    room = Room(sensor(lat=25.0, lon=121.5), s=Plain(25.0))
    room.run_until(1001.0)
    assert [(r.values, r.mono, r.lat, r.lon, r.urgent) for r in room.readings] == [
        (("25",), 1000.0, 25.0, 121.5, False),
        (("25",), 1001.0, 25.0, 121.5, False),
    ]


def test_a_late_wake_up_makes_no_burst_and_shifts_nothing() -> None:
    room = Room(sensor(every=10.0), s=Plain())
    room.run_until(1005.0)
    room.clock.now = 4003.0  # suspended
    room.run_until(4030.0)
    assert [r.mono for r in room.readings] == [1000.0, 4003.0, 4010.0, 4020.0, 4030.0]


@settings(max_examples=50)
@given(st.lists(st.floats(0, 20), min_size=1, max_size=40))
def test_however_late_the_timer_is_a_slot_is_read_once(lateness: list[float]) -> None:
    room = Room(sensor(every=2.0), s=Plain())
    due = room.sensing.tick()
    for late in lateness:
        room.clock.now = due + late
        due = room.sensing.tick()
    times = [r.mono for r in room.readings]
    assert len(times) == len(lateness) + 1
    assert all(later - sooner >= 0.99 for sooner, later in pairwise(times))


def test_a_faulty_sensor_shows_no_value_and_keeps_its_time() -> None:
    room = Room(sensor(), s=Scripted([20.0, NO_ANSWER]))
    room.run_until(1001.0)
    [status] = room.sensing.snapshot()
    assert (status.values, status.quality, status.error) == ((), "fault", "no answer on the wire")
    assert (status.mono, status.reads, status.failures) == (1000.0, 2, 1)
    assert room.values() == [("20",)]


def test_a_sensor_never_read_has_no_time() -> None:
    [status] = Room(sensor(), s=Plain()).sensing.snapshot()
    assert (status.mono, status.values, status.quality) == (None, (), "stale")


def test_a_fault_is_logged_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    answers = [20.0, *[NO_ANSWER] * 5, 20.0, 20.0]
    room = Room(sensor(quantities=(QuantityConfig("value", deadband=1.0),)), s=Scripted(answers))
    with caplog.at_level(logging.INFO, "cht_agent.sensing"):
        room.run_until(1007.0)
    assert [record.getMessage() for record in caplog.records] == [
        "sensor s: no reading: no answer on the wire",
        "sensor s: reads again",
    ]
    assert {vars(record).get("SENSOR") for record in caplog.records} == {"s"}  # a journal field
    # The recovery is reported though the value did not move.
    assert [reading.mono for reading in room.readings] == [1000.0, 1006.0]


def test_a_value_outside_the_range_is_a_fault_of_the_sensor() -> None:
    room = Room(sensor(quantities=(QuantityConfig("value", valid=(0, 50)),)), s=Plain(85.0))
    room.run_until(1000.0)
    [status] = room.sensing.snapshot()
    assert status.quality == "fault"
    assert status.error == "value: 85 is outside valid range 0 to 50"
    assert not room.readings


def test_a_bug_in_a_driver_is_its_own_sensors_fault(caplog: pytest.LogCaptureFixture) -> None:
    broken = Plain(KeyError("temp"))
    room = Room(sensor("bad"), sensor("good"), bad=broken, good=Plain(1.0))
    room.run_until(1005.0)
    bad, good = room.sensing.snapshot()
    assert (bad.quality, bad.error) == ("fault", "KeyError: 'temp'")
    assert (good.quality, good.reads) == ("good", 6)
    traced = [record for record in caplog.records if record.exc_info]
    assert len(traced) == 1


def test_a_device_that_cannot_be_opened_is_tried_again_ever_more_rarely() -> None:
    room = Room(sensor("bad"), sensor("good"), bad=HardwareError("pin 4 is taken"), good=Plain())
    room.run_until(1300.0)
    bad, good = room.sensing.snapshot()
    assert (bad.quality, bad.error) == ("fault", "pin 4 is taken")
    assert good.reads == 301
    tries = [id for id, _ in room.opened].count("bad")
    assert tries == 10  # after 0, 1, 3, 7, 15, 31 and 63 s, then each minute
    assert not room.sensing.overdue()

    room.devices["bad"] = Plain(7.0)
    room.run_until(1365.0)
    assert room.sensing.snapshot()[0].values == ("7",)


def test_a_device_is_opened_once() -> None:
    room = Room(sensor(), s=Scripted([NO_ANSWER, 1.0, NO_ANSWER, 2.0]))
    room.run_until(1010.0)
    assert len(room.opened) == 1


def test_an_old_reading_is_stale_and_says_so_with_its_value() -> None:
    room = Room(sensor(every=10.0), s=Plain(20.0))
    room.run_until(1000.0)
    room.clock.now = 1030.0
    assert room.sensing.snapshot()[0].quality == "good"
    room.clock.now = 1030.1
    [status] = room.sensing.snapshot()
    assert (status.quality, status.values, status.mono) == ("stale", ("20",), 1000.0)


def test_the_unit_is_the_configured_one_or_the_drivers() -> None:
    both = (QuantityConfig("temperature", unit="K"), QuantityConfig("humidity"))
    room = Room(sensor("a"), sensor("b", "pair", quantities=both), a=Plain(), b=Plain())
    assert [status.unit for status in room.sensing.snapshot()] == ["V", "K, %"]


def test_a_room_without_sensors_has_nothing_to_do() -> None:
    room = Room(clock=HandClock())
    assert room.sensing.tick() == float("inf")
    assert room.sensing.snapshot() == ()
    assert not room.sensing.overdue()
