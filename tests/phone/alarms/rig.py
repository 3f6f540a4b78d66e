"""The alarm room without a network: a world whose clock the test turns, and whose telephone
service does what the test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from agent.config.alarms import AlarmConfig, CallsConfig
from agent.phone.alarms import dialogue, incidents, ladder
from agent.phone.alarms.model import Dial, Effect, Place, Situation, Tell
from agent.phone.alarms.store import document_of, situation_of
from agent.phone.alarms.times import Now
from agent.phone.model import Heard, Moment
from agent.protocol.calls import CallRequest
from agent.protocol.telephone import CallAction

START = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
HOT = AlarmConfig("hot", "air", above=35.0, severity="critical", call=("ann", "bob"), unit="°C")
WET = AlarmConfig("wet", "air", quantity=1, above=90.0, call=("bob", "eve"), unit="%")
PHONES = {"ann": "0900000001", "bob": "0900000002", "eve": "0900000003"}
CALLS = CallsConfig(enabled=True)
AIR = {"air": Heard(("38.2", "95"), ("°C", "%"), ("temperature", "humidity"), 60.0)}


@dataclass
class World:
    """``ordered``: the calls that may have rung, as (true seconds, person). ``seconds`` is true
    time; the monotonic clock starts again with each boot."""

    calls: CallsConfig = CALLS
    alarms: tuple[AlarmConfig, ...] = (HOT, WET)
    ready: bool = True
    trusted: bool = True
    seconds: float = 0.0
    boot: int = 1
    booted: float = -1000.0
    situation: Situation = field(default_factory=Situation)
    ordered: list[tuple[float, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    _secrets: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    @property
    def now(self) -> Now:
        at = START + timedelta(seconds=self.seconds)
        return Now(f"boot-{self.boot}", self.seconds - self.booted, at, self.trusted, UTC)

    @property
    def call(self) -> Dial | None:
        return self.situation.call

    @property
    def people(self) -> list[str]:
        return [person for _, person in self.ordered]

    def alarm(self, id: str) -> AlarmConfig:
        return next(alarm for alarm in self.alarms if alarm.id == id)

    def fire(self, id: str) -> None:
        self._take(*incidents.fire(
            self.situation, self.alarm(id), "condition", "38.2", self.calls, self.now))

    def clear(self, id: str) -> None:
        self.situation = incidents.clear(self.situation, id, self.now)

    def acknowledge(self, id: str) -> None:
        self._take(*incidents.acknowledge(self.situation, [id], "someone", self.now))

    def test(self, name: str, people: tuple[str, ...]) -> None:
        self._take(*incidents.test(self.situation, name, people, self.now))

    def tick(self) -> None:
        office = ladder.Office(self.calls, self.ready, lambda: f"{self._secrets():012d}")
        self._take(*ladder.advance(self.situation, office, self.now))

    def wait(self, seconds: float, every: float = 1.0) -> None:
        """Let time pass, with a tick each second."""
        end = self.seconds + seconds
        while self.seconds < end:
            self.seconds = min(end, self.seconds + every)
            self.tick()

    def wait_for_call(self, within: float = 4000.0) -> Dial:
        """The next call, with whatever was to pass before it."""
        before = len(self.ordered)
        end = self.seconds + within
        while len(self.ordered) == before:
            assert self.seconds < end, "nobody was phoned"
            self.seconds += 1.0
            self.tick()
        assert self.call is not None
        return self.call

    def restart(self, *, reboot: bool = False) -> None:
        """What is on disk is all that is left."""
        self.situation = situation_of(document_of(self.situation))
        if reboot:
            self.boot += 1
            self.booted = self.seconds

    # --- what the telephone service does

    def placed(self) -> None:
        if self.call is not None:
            self.situation = ladder.placed(
                self.situation, self.call.id, f"g{self.call.id}", self.now)

    def unsure(self) -> None:
        if self.call is not None:
            self.situation = ladder.unsure(self.situation, self.call.id, self.now)

    def not_placed(self, *, blame: bool = False) -> None:
        if self.call is not None:
            if self.call.phase == "dialling":
                self.ordered.pop()  # nothing rang, so it counts for no limit
            self._take(*ladder.not_placed(
                self.situation, self.call.id, "no network", self.now, blame=blame))

    def result(self, status: str) -> None:
        if self.call is not None:
            self._take(*ladder.result(self.situation, self.call, status, self.now))

    def established(self) -> None:
        if self.call is not None:
            self.situation = ladder.established(self.situation, self.call, self.now)

    def hang_up(self) -> None:
        if self.call is not None:
            self._take(*ladder.hung_up(self.situation, self.call, self.now))

    def ask(self, answer: str | None, node: str = "MAIN", phone: str | None = None) -> CallAction:
        """A request; ``answer`` None: entered. The call is known by node or phone alone."""
        told = dialogue.Told({a.id: a for a in self.alarms}, AIR, PHONES, self.calls)
        request = CallRequest("id1", True, phone, node, answer)
        moment = Moment(self.now.mono, self.now.utc, self.trusted, UTC)
        situation, action, effects = dialogue.asked(
            self.situation, request, told, self.now, moment)
        self._take(situation, effects)
        return action

    def answer_and(self, answer: str) -> CallAction:
        """The person takes the call, hears what is wrong, and does this."""
        self.placed()
        self.result("answered")
        self.established()
        prompt = self.ask(None)
        return self.ask(answer, prompt.node)

    def _take(self, situation: Situation, effects: tuple[Effect, ...]) -> None:
        self.situation = situation
        for effect in effects:
            if isinstance(effect, Place):
                assert effect.id not in self.ids, "the same call was ordered twice"
                dial = situation.dial(effect.id)
                assert dial is not None
                self.ids.append(effect.id)
                self.ordered.append((self.seconds, dial.person))
            elif isinstance(effect, Tell):
                self.log.append(effect.text)


def without_collecting(**more: object) -> CallsConfig:
    return replace(CALLS, collect=0.0, **more)  # type: ignore[arg-type]


def check_limits(world: World) -> None:
    """Every window of every limit, over all calls that were ordered."""
    calls = world.calls
    windows = ((60.0, calls.person_per_minute), (3600.0, calls.person_per_hour),
               (86_400.0, calls.person_per_day))  # fmt: skip
    for person in {person for _, person in world.ordered}:
        times = [at for at, who in world.ordered if who == person]
        for seconds, most in windows:
            _check_window(times, seconds, most)
    _check_window([at for at, _ in world.ordered], 86_400.0, calls.per_day)


def _check_window(times: list[float], seconds: float, most: int) -> None:
    for first, last in zip(times, times[most:], strict=False):
        assert last - first >= seconds - 1e-6, (times, seconds, most)
