"""What must never move a pin: ten thousand commands that are old, repeated or broken."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config.model import Action
from agent.control.decision import Command
from agent.protocol.control import decode_command
from agent.protocol.errors import Malformed
from agent.protocol.times import format_time, parse_time
from tests.control.fakes import WORDS, Bench, lamp

RELAY = lamp(commands={**WORDS, "ring": Action("pulse", 1.0, 0.5)})
DIMMER = lamp(id="dimmer", numbers=True)
MOVING = {"lamp": ["on", "toggle", "ring"], "dimmer": ["on", "toggle", "0.3", "1"]}
GARBAGE = [
    b"",
    b"\x00\xff\xfe",
    b"on",
    b"null",
    b"[]",
    b'{"id":"lamp"}',
    b'{"id":"lamp","cmd":null}',
    b'{"id":"lamp","cmd":["on"]}',
    b'{"id":"lamp","cmd":{"on":1}}',
    b'{"id":null,"cmd":"on"}',
    b'[{"id":"lamp","cmd":"on"}]',
    b'{"result":"ok","message":"none"}',
    b"[" * 100_000,
    b'{"id":"lamp","cmd":"on"',
    '{"id":"lamp","cmd":"on"}'.encode("utf-16"),
]
WRONG_WORDS = ["ON", "on ", "", "on;off", "$(reboot)", "1.5", "-1", "nan", "__import__('os')", "開"]


class Siege:
    """A bench whose pins were moved by honest commands before, and may not be moved again."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.bench = Bench(folder, [RELAY, DIMMER])
        self.hands = self.bench.hands
        self.bench.control.start()
        self.bench.online()
        self.honest: list[bytes] = []
        for number in range(200):
            actuator = self.dice.choice(["lamp", "dimmer"])
            cmd = self.dice.choice(MOVING[actuator]) if number % 2 else "off"
            self.honest.append(self.payload(actuator, cmd, 0.0))
            self.deliver(self.honest[-1])
            self.hands.turn(1.0)
        for actuator in ("lamp", "dimmer"):
            self.deliver(self.payload(actuator, "off", 0.0))
        self.moves = len(self.bench.timeline)
        assert self.moves > 100
        self.broken = 0

    def payload(self, actuator: str, cmd: str, ago: float, time: str | None = None) -> bytes:
        stamp = time or format_time(self.hands.utc() - timedelta(seconds=ago))
        message = {"id": actuator, "deviceId": "7432", "time": stamp, "cmd": cmd}
        return json.dumps(message).encode()

    def deliver(self, payload: bytes) -> None:
        try:
            notice = decode_command(payload)
        except Malformed:
            self.broken += 1
            return
        time = parse_time(notice.time) if notice.time else None
        self.bench.control.handle(Command(notice.id, notice.cmd, time, notice.time))

    def moving(self) -> tuple[str, str]:
        actuator = self.dice.choice(["lamp", "dimmer"])
        return actuator, self.dice.choice(MOVING[actuator])

    def stale(self) -> None:
        self.deliver(self.payload(*self.moving(), self.dice.uniform(60.1, 864_000)))

    def ahead(self) -> None:
        hours = self.dice.choice([1, 3, 7.9, 8.1, 24, 9999])
        self.deliver(self.payload(*self.moving(), -3600 * hours))

    def duplicate(self) -> None:
        self.deliver(self.dice.choice(self.honest))

    def replay(self) -> None:
        """What a platform hands out at a new subscription, its time missing or impossible too."""
        self.bench.control.link_lost()
        self.hands.turn(self.dice.uniform(0, 100))
        if self.dice.random() < 0.7:
            self.bench.control.link_up()
            self.bench.control.subscribed(self.hands.now)
            self.hands.turn(self.dice.uniform(0, 9.9))
        actuator, cmd = self.moving()
        untimed = json.dumps({"id": actuator, "cmd": cmd}).encode()
        impossible = self.payload(actuator, cmd, 0, "2019-03-30T08:32:118.136Z")
        for payload in (self.honest[-1], untimed, impossible):
            self.deliver(payload)
        self.hands.sure = False
        self.deliver(self.payload(actuator, cmd, self.dice.uniform(-10, 1e6)))
        self.hands.sure = True
        self.bench.online()

    def malformed(self) -> None:
        whole = self.payload(*self.moving(), 0.0)
        self.deliver(self.dice.choice(GARBAGE))
        self.deliver(whole[: self.dice.randrange(len(whole))])
        self.deliver(self.payload("lamp", self.dice.choice(WRONG_WORDS), 0.0))
        self.deliver(self.payload("nobody", "on", 0.0))

    def killed(self) -> None:
        self.bench.restart()
        self.replay()

    def stepped(self) -> None:
        """A wall clock that goes wrong and comes back, with old commands arriving meanwhile."""
        old = self.payload(*self.moving(), self.dice.uniform(61, 7200))
        self.deliver(old)
        step = self.dice.uniform(-7200, 7200)
        self.hands.step(step)
        self.deliver(old)
        self.duplicate()
        self.hands.step(-step)


@pytest.mark.req("P-09", "P-26")
def test_ten_thousand_hostile_commands_move_no_pin(tmp_path: Path) -> None:
    siege = Siege(tmp_path, seed=7)
    common: list[Callable[[], None]] = [siege.stale, siege.ahead, siege.duplicate, siege.malformed]
    rare: list[Callable[[], None]] = [siege.replay, siege.stepped, siege.killed]
    kills = 0
    for _ in range(10_000):
        attack = siege.dice.choice(rare if siege.dice.random() < 0.05 else common)
        attack()
        kills += attack == siege.killed
        siege.hands.turn(siege.dice.uniform(0, 0.2))
        assert len(siege.bench.timeline) == siege.moves, attack
    assert kills > 50
    assert siege.broken > 2000
    # … and the honest ones still do
    siege.bench.online()
    siege.deliver(siege.payload("lamp", "on", 0.0))
    assert siege.bench.pins["lamp"].level == 1.0


MOMENTS = st.one_of(
    st.tuples(st.just("turn"), st.floats(0, 300)),
    st.tuples(st.just("step"), st.floats(-40_000, 40_000)),
    st.tuples(st.just("issue"), st.floats(-40_000, 40_000)),
    st.tuples(st.just("send"), st.integers(0, 5)),
    st.tuples(st.just("send"), st.integers(0, 5)),
    st.tuples(st.just("subscribe"), st.none()),
)


@pytest.mark.req("P-09")
@settings(max_examples=300, deadline=None)
@given(st.lists(MOMENTS, min_size=4, max_size=40), st.integers(0, 40))
def test_clock_steps_make_nothing_happen_twice_or_after_a_refusal(
    moments: list[tuple[str, float | None]], kill_at: int
) -> None:
    """Each command has a level of its own, so the pin tells which ones were applied."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), [lamp(numbers=True)])
        bench.control.start()
        bench.online()
        issued: list[Command] = []
        refused: set[str] = set()
        applied: set[str] = set()
        for number, (what, much) in enumerate(moments):
            if number == kill_at:
                bench.restart()
                refused.clear()
            if what == "turn":
                bench.hands.turn(much or 0.0)
            elif what == "step":
                bench.hands.step(much or 0.0)
            elif what == "subscribe":
                bench.control.subscribed(bench.hands.now)
            elif what == "issue" and len(issued) < 6:
                time = bench.hands.utc() + timedelta(seconds=much or 0.0)
                issued.append(Command("lamp", f"0.{len(issued) + 1}", time, time.isoformat()))
            elif what == "send" and issued:
                command = issued[int(much or 0) % len(issued)]
                moves = len(bench.timeline)
                ack = bench.send(command)
                if len(bench.timeline) > moves:
                    assert command.cmd not in applied
                    assert command.cmd not in refused
                if ack.startswith("error"):
                    assert command.cmd not in applied
                    refused.add(command.cmd)
                else:
                    assert ack == command.cmd
                    applied.add(command.cmd)
        bench.kill()
