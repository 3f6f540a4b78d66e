"""The room on a real loop: threads that hang, edges from foreign threads, probing, reloading."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from agent.config.model import QuantityConfig
from agent.errors import HardwareError, SensorError
from agent.hardware.ports import Sample
from agent.sensing.edges import BURST
from tests.sensing.fakes import (
    NO_ANSWER,
    HandClock,
    Hanging,
    Plain,
    RealClock,
    Room,
    Switch,
    sensor,
    until,
)


@asynccontextmanager
async def running(room: Room) -> AsyncIterator[None]:
    task = asyncio.create_task(room.sensing.run(), name="sensing")
    await asyncio.sleep(0)
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def on_a_loop(story: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    def test() -> None:
        asyncio.run(asyncio.wait_for(story(), 30))

    test.__name__, test.__doc__ = story.__name__, story.__doc__
    return test


async def told(room: Room, count: int) -> None:
    await until(lambda: len(room.readings) == count)


def threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


@on_a_loop
async def test_run_reads_by_the_real_clock_until_cancelled() -> None:
    device = Plain()
    room = Room(sensor(every=0.1), clock=RealClock(), s=device)
    async with running(room):
        await until(lambda: len(room.readings) >= 3)
    assert device.closed == 1
    first, second, third = (reading.mono for reading in room.readings[:3])
    assert first < second < third


@on_a_loop
async def test_a_blocking_device_is_only_touched_in_a_daemon_thread_of_its_name() -> None:
    device = Plain(3.0)
    room = Room(sensor("dht", "slow"), dht=device)
    async with running(room):
        await until(lambda: room.readings)
    await until(lambda: device.closed)
    assert room.opened == [("dht", "sensor-dht")]
    assert device.thread_names == {"sensor-dht"}
    assert all(thread.daemon for thread in device.threads)
    await until(lambda: not any(thread.is_alive() for thread in device.threads))


@on_a_loop
async def test_blocking_devices_that_answer_quickly_share_one_thread() -> None:
    devices = {f"s{n}": Plain() for n in range(10)}
    room = Room(*(sensor(id, "slow") for id in devices))
    room.devices.update(devices)
    async with running(room):
        for rounds in range(1, 6):
            await told(room, 10 * rounds)
            room.clock.now += 1
            room.sensing.tick()
    used = set[threading.Thread]().union(*(device.threads for device in devices.values()))
    # A busy machine may have had somebody take over; ten would be one each.
    assert len(used) <= 3


@on_a_loop
async def test_blocking_devices_do_not_wait_for_one_that_hangs() -> None:
    hanging, others = Hanging(1.0), {f"s{n}": Plain(2.0) for n in range(3)}
    room = Room(sensor("first", "slow"), *(sensor(id, "slow") for id in others), first=hanging)
    room.devices.update(others)
    async with running(room):
        for rounds in range(1, 4):
            await told(room, 3 * rounds)
            room.clock.now += 1
            room.sensing.tick()
        assert len([t for t in threading.enumerate() if t.name == "sensor-first"]) == 1
        hanging.let_go.set()
        await until(lambda: room.values("first") == [("1",)])


@on_a_loop
async def test_a_hanging_read_blocks_nothing_and_goes_on_afterwards() -> None:
    hanging, other = Hanging(5.0), Plain(1.0)
    room = Room(sensor("pump", "slow"), sensor("o"), pump=hanging, o=other)
    async with running(room):
        await until(hanging.entered.is_set)
        room.run_until(1060.0)
        stuck, good = room.sensing.snapshot()
        assert (stuck.quality, stuck.values, stuck.mono) == ("stale", (), None)
        assert stuck.error == "the read begun 60 s ago has not come back"
        assert (good.quality, good.reads) == ("good", 61)
        assert len(threads("sensor-pump")) == 1
        assert not room.sensing.overdue()

        hanging.let_go.set()
        await until(lambda: room.sensing.snapshot()[0].reads == 1)
        # What it said at last is a minute old.
        assert room.values("pump") == []
        room.run_until(1061.0)
        await until(lambda: room.values("pump") == [("5",)])
        assert room.sensing.snapshot()[0].quality == "good"
        assert hanging.most_inside == 1


@on_a_loop
async def test_a_hanging_read_is_logged_once() -> None:
    hanging = Hanging()
    room = Room(sensor("h", "slow"), h=hanging)
    records: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    handler = Keep()
    logging.getLogger("cht_agent.sensing").addHandler(handler)
    try:
        async with running(room):
            await until(hanging.entered.is_set)
            room.run_until(1060.0)
    finally:
        logging.getLogger("cht_agent.sensing").removeHandler(handler)
        hanging.let_go.set()
    assert records == ["sensor h: the read begun 4 s ago has not come back; waiting for it"]


@on_a_loop
async def test_a_slow_answer_within_ten_seconds_counts() -> None:
    slow = Hanging(5.0)
    room = Room(sensor("h", "slow", every=2.0), h=slow)
    async with running(room):
        await until(slow.entered.is_set)
        room.run_until(1009.0)
        slow.let_go.set()
        await until(lambda: room.values("h") == [("5",)])
        assert room.readings[0].mono == 1009.0


@on_a_loop
async def test_everything_hanging_is_overdue() -> None:
    one, two = Hanging(), Hanging()
    room = Room(sensor("a", "slow"), sensor("b", "slow", every=5.0), a=one, b=two)
    async with running(room):
        await until(lambda: one.entered.is_set() and two.entered.is_set())
        room.run_until(1014.0)
        assert not room.sensing.overdue()
        room.run_until(1016.0)
        assert room.sensing.overdue()
        one.let_go.set()
        await until(lambda: room.sensing.snapshot()[0].reads == 1)
        assert not room.sensing.overdue()
        two.let_go.set()


@on_a_loop
async def test_sensors_that_fail_on_time_or_only_tell_of_changes_are_not_overdue() -> None:
    room = Room(sensor("a"), a=Plain(NO_ANSWER))
    async with running(room):
        room.run_until(1100.0)
        assert not room.sensing.overdue()
    room = Room(sensor("e", "edge", every=None), e=Switch())
    async with running(room):
        room.clock.now += 1e6
        assert not room.sensing.overdue()


@on_a_loop
async def test_the_exit_waits_for_no_hanging_device() -> None:
    hanging = Hanging()
    room = Room(sensor("h", "slow"), h=hanging)
    async with running(room):
        await until(hanging.entered.is_set)
    await room.sensing.close(timeout=0.01)
    hanging.let_go.set()
    await until(lambda: hanging.closed == 1)
    assert not room.readings


@on_a_loop
async def test_an_edge_sensor_tells_its_state_at_start_and_each_change_at_once() -> None:
    switch = Switch(0.0)
    room = Room(sensor("door", "edge", every=None), door=switch)
    async with running(room):
        assert room.values("door") == [("0",)]
        room.clock.now = 1007.5
        switch.turn_elsewhere(1.0)
        room.clock.now = 1007.9  # the loop is a little late
        await until(lambda: len(room.readings) == 2)
        assert room.readings[1].values == ("1",)
        assert room.readings[1].mono == 1007.5
        assert all(reading.urgent for reading in room.readings)
        switch.turn_elsewhere(0.0, 1.0, 0.0)
        await until(lambda: len(room.readings) == 5)
        assert room.values("door")[2:] == [("0",), ("1",), ("0",)]


@on_a_loop
async def test_an_edge_to_the_same_value_is_dropped() -> None:
    switch = Switch(0.0)
    room = Room(sensor("door", "edge", every=None), door=switch)
    async with running(room):
        switch.turn_elsewhere(0.0, 1.0, 1.0, 1.0, 0.0)
        await until(lambda: len(room.readings) == 3)
        assert room.values("door") == [("0",), ("1",), ("0",)]


@on_a_loop
async def test_an_edge_sensor_is_polled_too_where_every_is_set() -> None:
    switch = Switch(0.0)
    room = Room(sensor("door", "edge", every=60.0), door=switch)
    async with running(room):
        room.run_until(1120.0)
        assert [reading.urgent for reading in room.readings] == [True, False, False]
        switch.answer = 1.0  # a change that was never told
        room.run_until(1180.0)
        assert (room.readings[-1].values, room.readings[-1].urgent) == (("1",), True)


@on_a_loop
async def test_report_at_least_repeats_the_state_of_an_edge_sensor() -> None:
    switch = Switch(1.0)
    config = sensor("door", "edge", every=None, report_at_least=600.0)
    room = Room(config, door=switch)
    async with running(room):
        room.run_until(2800.0)
        assert [reading.mono for reading in room.readings] == [1000.0, 1600.0, 2200.0, 2800.0]


@on_a_loop
async def test_an_edge_that_a_later_read_overtook_is_dropped() -> None:
    switch = Switch(0.0)
    room = Room(sensor("door", "edge", every=60.0), door=switch)
    async with running(room):
        switch.turn_elsewhere(1.0)  # on its way at 1000
        switch.answer = 0.0
        room.run_until(1060.0)
        await until(lambda: switch.reads == 2)
        await asyncio.sleep(0)
        assert room.values("door") == [("0",), ("0",)]


@on_a_loop
async def test_an_edge_in_the_midst_of_a_read_is_newer_than_what_was_read() -> None:
    class Turned(Switch):
        def read(self) -> Sample:
            before = super().read()
            if self.reads == 2:
                room.clock.now += 0.001
                self.turn(1.0)
                room.clock.now += 0.001
            return before

    switch = Turned(0.0)
    room = Room(sensor("door", "edge", every=60.0), door=switch)
    async with running(room):
        room.clock.now += 60.0
        room.sensing.tick()
        await until(lambda: switch.reads == 2)
        await until(lambda: room.sensing.snapshot()[0].values == ("1",))
        assert room.values("door") == [("0",), ("0",), ("1",)]


@on_a_loop
async def test_a_storm_of_edges_is_bounded_and_ends_with_the_last_state() -> None:
    switch = Switch(0.0)
    room = Room(sensor("door", "edge", every=None), clock=RealClock(), door=switch)
    async with running(room):
        switch.turn_elsewhere(*[1.0, 0.0] * 2000, 1.0)
        await until(lambda: len(room.readings) > BURST)
        await until(lambda: room.sensing.snapshot()[0].values == ("1",))
        assert len(room.readings) <= 3 * BURST
        assert room.sensing.snapshot()[0].left_out > 3900


@on_a_loop
async def test_an_edge_sensor_that_cannot_be_opened_is_tried_again() -> None:
    room = Room(sensor("door", "edge", every=None), door=HardwareError("pin 4 is taken"))
    async with running(room):
        assert room.sensing.snapshot()[0].error == "pin 4 is taken"
        room.devices["door"] = switch = Switch(1.0)
        room.run_until(1001.0)
        assert room.values("door") == [("1",)]
        room.run_until(9000.0)
        assert switch.reads == 1


@on_a_loop
async def test_changes_of_a_blocking_edge_device_and_its_first_read_both_arrive() -> None:
    switch = Switch(0.0)
    room = Room(sensor("door", "slow_edge", every=None), door=switch)
    async with running(room):
        await until(lambda: room.values("door") == [("0",)])
        room.clock.now += 1
        switch.turn_elsewhere(1.0)
        await until(lambda: room.values("door") == [("0",), ("1",)])


@on_a_loop
async def test_a_device_that_cannot_be_watched_is_closed_and_opened_again() -> None:
    class Unwatchable(Switch):
        def watch(self, changed: object) -> None:
            raise HardwareError("no edge detection on this line")

    first, second = Unwatchable(), Switch(1.0)
    room = Room(sensor("door", "edge", every=None), door=first)
    async with running(room):
        assert first.closed == 1
        room.devices["door"] = second
        room.run_until(1001.0)
        assert room.values("door") == [("1",)]


@on_a_loop
async def test_nothing_is_told_after_the_end() -> None:
    switch = Switch(0.0)
    room = Room(sensor("door", "edge", every=None), door=switch)
    async with running(room):
        pass
    switch.turn_elsewhere(1.0)
    await asyncio.sleep(0)
    assert room.values("door") == [("0",)]


def test_a_device_may_still_call_when_the_loop_is_gone() -> None:
    switch = Switch(0.0)
    room = Room(sensor("door", "edge", every=None), door=switch)

    async def story() -> None:
        async with running(room):
            pass

    asyncio.run(story())
    switch.turn(1.0)
    assert room.values("door") == [("0",)]


@on_a_loop
async def test_probe_reads_afresh_through_the_same_device() -> None:
    plain, slow, broken = Plain(20.0), Plain(5.0), Plain(NO_ANSWER)
    room = Room(sensor("a"), sensor("b", "slow"), sensor("c"), a=plain, b=slow, c=broken)
    async with running(room):
        await until(lambda: room.values("b"))
        plain.answer = slow.answer = 21.5
        a, b, c, d = await room.sensing.probe(["a", "b", "c", "nobody"])
        assert (a.values, a.unit, a.error) == (("21.5",), "V", None)
        assert (b.values, b.unit, b.error) == (("21.5",), "V", None)
        assert (c.values, c.error) == ((), "no answer on the wire")
        assert d.error == "there is no sensor nobody"
        assert len(room.opened) == 3


@on_a_loop
async def test_probe_works_without_a_running_room() -> None:
    plain, slow = Plain(1.0), Plain(2.0)
    room = Room(sensor("a"), sensor("b", "slow"), a=plain, b=slow)
    results = await room.sensing.probe(["a", "b"])
    assert [result.values for result in results] == [("1",), ("2",)]
    await room.sensing.close()
    assert plain.closed == slow.closed == 1


@on_a_loop
async def test_probe_gives_a_hanging_sensor_up_and_keeps_the_others() -> None:
    hanging = Hanging()
    room = Room(sensor("well", "slow"), sensor("o"), well=hanging, o=Plain(1.0))
    async with running(room):
        stuck, good = await room.sensing.probe(["well", "o"], timeout=0.05)
        assert (stuck.error, stuck.took_s) == ("no answer within 0.05 s", 0.05)
        assert good.values == ("1",)
        assert len(threads("sensor-well")) == 1
        hanging.let_go.set()


@on_a_loop
async def test_probe_says_how_long_the_device_took() -> None:
    class Taking(Plain):
        def read(self) -> dict[str, float | str]:
            clock.now += 0.25
            return {"value": 1.0}

    clock = HandClock()
    room = Room(sensor("a"), clock=clock, a=Taking())
    [result] = await room.sensing.probe(["a"])
    assert result.took_s == 0.25


BAND = (QuantityConfig("value", deadband=1.0),)


@on_a_loop
async def test_reload_leaves_an_unchanged_sensor_running_with_what_it_remembers() -> None:
    kept = Plain(20.0)
    room = Room(sensor("a", quantities=BAND), a=kept)
    async with running(room):
        room.run_until(1003.0)
        room.devices["b"] = Plain(7.0)
        await room.sensing.apply([sensor("b"), sensor("a", quantities=BAND)])
        room.run_until(1006.0)
        assert [status.id for status in room.sensing.snapshot()] == ["b", "a"]
        assert room.values("a") == [("20",)]  # still inside its deadband
        assert room.values("b")[0] == ("7",)
        assert room.sensing.snapshot()[1].reads == 7
        assert kept.closed == 0 and len(room.opened) == 2


@on_a_loop
async def test_reload_closes_what_is_gone_before_it_opens_what_is_new() -> None:
    old = Plain()

    class OnTheSamePin(Plain):
        def __init__(self) -> None:
            assert old.closed
            super().__init__()

    room = Room(sensor("old", "slow"), old=old)
    async with running(room):
        await until(lambda: room.values("old"))
        await room.sensing.apply([sensor("new")])
        room.devices["new"] = OnTheSamePin()
        room.run_until(room.clock.now)
        assert room.values("new")


@on_a_loop
async def test_reload_wakes_the_room_for_a_new_sensor() -> None:
    room = Room(sensor("a", every=3600.0), clock=RealClock(), a=Plain())
    async with running(room):
        room.devices["b"] = Plain(7.0)
        await room.sensing.apply([sensor("a", every=3600.0), sensor("b", every=3600.0)])
        await until(lambda: room.values("b"))


@on_a_loop
async def test_a_changed_filter_or_period_keeps_the_device_open() -> None:
    device = Plain(20.0)
    room = Room(sensor("a", quantities=BAND), a=device)
    async with running(room):
        room.run_until(1001.0)
        await room.sensing.apply([sensor("a", every=10.0, quantities=BAND)])
        room.run_until(1020.0)
        assert room.sensing.snapshot()[0].reads == 4  # at 0, 1, 10, 20 s
        scaled = replace(BAND[0], scale=2.0)
        await room.sensing.apply([sensor("a", every=10.0, quantities=(scaled,))])
        room.run_until(1020.0)
        assert room.values("a") == [("20",), ("40",)]
        assert device.closed == 0 and len(room.opened) == 1


@on_a_loop
async def test_changed_options_open_the_device_anew() -> None:
    first, second = Plain(1.0), Plain(2.0)
    room = Room(sensor("a", options={"pull_up": True}), a=first)
    async with running(room):
        room.devices["a"] = second
        await room.sensing.apply([sensor("a", options={"pull_up": False})])
        room.run_until(1001.0)
        assert first.closed == 1
        assert room.values("a") == [("1",), ("2",), ("2",)]


@on_a_loop
async def test_a_reload_never_puts_a_second_thread_on_a_hanging_device() -> None:
    hanging = Hanging(1.0)
    room = Room(sensor("tank", "slow", options={"n": 1}), tank=hanging)
    async with running(room):
        await until(hanging.entered.is_set)
        await room.sensing.apply([sensor("tank", "slow", options={"n": 2})])
        room.run_until(1030.0)
        assert len(threads("sensor-tank")) == 1 and len(room.opened) == 1
        room.devices["tank"] = Plain(2.0)
        hanging.let_go.set()
        await until(lambda: hanging.closed == 1 and len(room.opened) == 2)
        room.run_until(1032.0)
        await until(lambda: room.values("tank") == [("2",)])


@pytest.mark.parametrize("error", [SensorError("unplugged"), OSError(5, "I/O error")])
def test_a_failing_device_does_not_end_its_thread(error: Exception) -> None:
    async def story() -> None:
        device = Plain(error)
        room = Room(sensor("a", "slow"), a=device)
        async with running(room):
            await until(lambda: room.sensing.snapshot()[0].failures == 1)
            device.answer = 3.0
            room.run_until(1001.0)
            await until(lambda: room.values("a") == [("3",)])
            assert len(device.threads) == 1

    asyncio.run(story())
