"""The twin's clock, what falls due on it, and what it makes of mosquitto's log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.waiting import until
from twin.messages import Message
from twin.platform import Due
from twin.serving.brokerlog import LogReader, Subscribed, Tail, Told
from twin.serving.clock import Clock
from twin.serving.timetable import Timetable


def after(clock: Clock, seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


def message(name: str) -> Message:
    return Message(name, b"")


class Rules:
    """Want to be woken every ten seconds, three times."""

    def __init__(self, clock: Clock) -> None:
        self.wanted = [after(clock, 10 * n) for n in (1, 2, 3)]
        self.woken: list[datetime] = []
        self.clock = clock

    def next_tick(self, _now: datetime) -> datetime | None:
        return self.wanted[0] if self.wanted else None

    def tick(self, now: datetime) -> None:
        assert now == self.clock.now()
        self.woken.append(self.wanted.pop(0))


def test_time_that_is_made_to_pass_passes_in_order() -> None:
    async def run() -> None:
        clock = Clock()
        rules, sent = Rules(clock), []
        first = list(rules.wanted)
        timetable = Timetable(clock, rules.next_tick, rules.tick,
                              lambda m: sent.append((m.topic, len(rules.woken))))
        timetable.take([Due(after(clock, 25), message("late")), Due(clock.now(), message("now")),
                        Due(after(clock, 5), message("soon"))])
        assert sent == [("now", 0)]
        before = clock.now()
        timetable.advance(26)
        assert rules.woken == first[:2]
        assert sent == [("now", 0), ("soon", 0), ("late", 2)]
        assert timedelta(seconds=26) <= clock.now() - before < timedelta(seconds=30)
        timetable.advance(10)
        assert rules.woken == first
        timetable.stop()
    asyncio.run(run())


def test_what_is_due_happens_by_itself() -> None:
    async def run() -> None:
        clock, sent = Clock(), []
        timetable = Timetable(clock, lambda _: None, lambda _: None, sent.append)
        timetable.take([Due(after(clock, late), message(name))
                        for late, name in ((0.02, "b"), (0.01, "a"), (1000, "c"))])
        timetable.arrange()
        await until(lambda: len(sent) == 2)
        assert [m.topic for m in sent] == ["a", "b"]
        timetable.stop()
    asyncio.run(run())


def test_rules_that_want_to_be_woken_for_ever_stop_nothing_else() -> None:
    async def run() -> None:
        clock = Clock()
        timetable = Timetable(clock, lambda now: now, lambda _: None, lambda _: None)
        timetable.arrange()
        await asyncio.sleep(0.02)  # ends: the loop is free
        timetable.advance(0.5)
        timetable.stop()
    asyncio.run(run())


@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_the_clock_never_goes_back(steps: list[float]) -> None:
    clock = Clock()
    begin = last = clock.now()
    for step in steps:
        clock.go_to(begin + timedelta(seconds=step))
        assert clock.now() >= last
        last = clock.now()
        clock.go_on()
        assert clock.now() >= last
        last = clock.now()
    assert last.tzinfo is UTC


def test_a_machine_whose_clock_is_put_back_does_not_stop_it() -> None:
    real = [datetime(2026, 5, 1, tzinfo=UTC)]
    clock = Clock(lambda: real[0])
    real[0] -= timedelta(hours=1)
    before = clock.now()
    real[0] += timedelta(seconds=3)
    assert clock.now() - before == timedelta(seconds=3)
    clock.go_to(clock.now() + timedelta(seconds=10))
    clock.go_on()
    assert clock.now() - before == timedelta(seconds=13)


SUBSCRIBE = """\
1: Received SUBSCRIBE from pi 1
1: \t/v1/device/1/a (QoS 0)
1: pi 1 0 /v1/device/1/a
1: \t/v1/device/2/a (QoS 1)
1: Sending SUBACK to pi 1"""


@pytest.mark.parametrize(("log", "told"), [
    (SUBSCRIBE, [Subscribed("/v1/device/1/a"),
                 Told("pi 1 may not subscribe to /v1/device/2/a: refused")]),
    (SUBSCRIBE.replace("pi 1", "cht-twin").replace("\t/v1/device/2/a", "x"), []),
    ("1: pi 0 /v1/device/1/a", []),  # nobody asked for it: not the log's own words
    ("1: Denied PUBLISH from pi (d0, q0, r0, m0, '/v1/x', ... (1 bytes))",
     [Told("pi may not publish on /v1/x: dropped")]),
    ("1: Client <unknown> disconnected, not authorised.",
     [Told("client <unknown>: refused at CONNECT: no such user name and password")]),
    ("1: Client pi has exceeded timeout, disconnecting.",
     [Told("client pi: keep-alive missed: taken for dead")]),
    ("1: Client pi disconnected due to protocol error.",
     [Told("client pi: disconnected due to protocol error.")]),
    ("1: Client pi already connected, closing old connection.",
     [Told("client pi: connects a second time with this client id: the first one is closed")]),
    ("1: Received PINGREQ from pi", []),
    ("", []),
])
def test_a_log_and_what_it_tells(log: str, told: list[Subscribed | Told]) -> None:
    reader = LogReader()
    assert [each for line in log.splitlines() for each in reader.read(line)] == told


@given(st.lists(st.text()))
def test_any_log_is_read(lines: list[str]) -> None:
    reader = LogReader()
    for line in lines:
        list(reader.read(line))


@pytest.fixture
def grown(tmp_path: Path) -> Iterator[tuple[Tail, Callable[[bytes], object]]]:
    path = tmp_path / "log"
    with path.open("ab", buffering=0) as file:
        yield Tail(path), file.write


def test_lines_are_whole_and_come_once(grown: tuple[Tail, Callable[[bytes], object]]) -> None:
    tail, write = grown
    write("一\n半".encode()[:-1])
    assert tail.lines() == ["一"]
    write("半".encode()[-1:] + b"\n")
    assert tail.lines() == ["半"]
    assert tail.lines() == []


def test_a_long_log_is_cut_and_goes_on(
    grown: tuple[Tail, Callable[[bytes], object]], tmp_path: Path
) -> None:
    tail, write = grown
    write(b"x" * 99 + b"\n")
    write((b"y" * 99 + b"\n") * 50_000)
    assert len(tail.lines()) == 50_001
    assert (tmp_path / "log").stat().st_size == 0
    write(b"z\n")
    assert tail.lines() == ["z"]
