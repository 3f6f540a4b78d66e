"""What became of the readings, over outages and power cuts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twin.page.ledger import Ledger, Life


def test_a_life_is_read_from_the_status_document() -> None:
    status = {"readings": {"made": 5, "confirmed": 3, "waiting": 2, "on_disk": 1},
              "delivery": {"dropped": 4}}
    assert Life.of(status) == Life(5, 3, 2, 1, 4)


def test_nothing_is_lost_while_readings_wait() -> None:
    ledger = Ledger().told(Life(made=10, confirmed=7, waiting=3), 7, 0, online=True)
    assert ledger.lost == 0
    assert ledger.shown()["waiting"] == 3


def test_what_is_nowhere_is_lost() -> None:
    ledger = Ledger()
    for _ in range(3):
        ledger = ledger.told(Life(made=10, confirmed=8, waiting=0), 8, 0, online=True)
    assert ledger.lost == 2


def test_a_power_cut_takes_what_was_not_on_the_card() -> None:
    ledger = Ledger().told(Life(made=10, confirmed=4, waiting=6, on_disk=5), 4, 0, online=False)
    ledger = ledger.ended()
    assert ledger.made == 10
    assert ledger.shown()["waiting"] == 5
    ledger = ledger.told(Life(made=2, confirmed=7, waiting=0), 11, 0, online=True)
    assert ledger.made == 12
    assert ledger.lost == 1


def test_offline_nobody_reckons_a_loss() -> None:
    assert Ledger().told(Life(made=10), 0, 0, online=False).lost == 0


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=20))
def test_a_platform_that_has_all_of_it_tells_of_no_loss(lives: list[tuple[int, bool]]) -> None:
    ledger, made = Ledger(), 0
    for readings, cut in lives:
        made += readings
        ledger = ledger.told(Life(readings, readings), made, 0, online=True)
        made_here = ledger.made
        assert ledger.lost == 0
        if cut:
            ledger = ledger.ended()
            assert ledger.made == made_here
        else:
            made -= readings
    assert ledger.shown()["how"]
