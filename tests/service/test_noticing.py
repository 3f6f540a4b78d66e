import logging
from datetime import UTC, datetime

from agent.noticing import AGAIN_AFTER, Noticing


class Hands:
    """A clock whose hands the test turns."""

    boot_id = "test"
    now = 50.0

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def trusted(self) -> bool:
        return True


def test_a_flood_is_told_at_each_power_of_ten(caplog):
    noticing = Noticing(logging.getLogger("cht_agent.test"), Hands())
    for _ in range(2500):
        noticing.note("malformed", "a command is not JSON")
    noticing.note("oversize", "a command is too long")
    assert caplog.messages == [
        "a command is not JSON",
        "a command is not JSON (10 times so far)",
        "a command is not JSON (100 times so far)",
        "a command is not JSON (1000 times so far)",
        "a command is too long",
    ]
    assert dict(noticing.counts) == {"malformed": 2500, "oversize": 1}


def test_what_still_goes_on_an_hour_later_is_told_again(caplog):
    clock = Hands()
    noticing = Noticing(logging.getLogger("cht_agent.test"), clock)
    noticing.note("late", "a heartbeat came late")
    clock.now += AGAIN_AFTER - 1
    noticing.note("late", "a heartbeat came late")
    assert len(caplog.messages) == 1
    clock.now += 1
    noticing.note("late", "a heartbeat came late")
    noticing.note("late", "a heartbeat came late")
    assert caplog.messages[1:] == ["a heartbeat came late (3 times so far)"]
