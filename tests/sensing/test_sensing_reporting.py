from dataclasses import replace

import pytest

from agent.config.model import QuantityConfig, SensorConfig
from agent.hardware.ports import Value
from agent.sensing.reporting import Judgement, Memory, failed, judge

T = QuantityConfig("temperature", deadband=0.5)
H = QuantityConfig("humidity", deadband=5)
PAIR = SensorConfig("greenhouse", "pair", (T, H), every=10.0)


class Story:
    """Samples of one sensor, one after the other, ten seconds apart unless said otherwise."""

    def __init__(self, config: SensorConfig = PAIR) -> None:
        self.config = config
        self.memory = Memory.blank(config)
        self.at = 0.0

    def sees(
        self, temperature: Value, humidity: Value = 50, *, after: float = 10.0, change: bool = False
    ) -> Judgement:
        self.at += after
        sample = {"temperature": temperature, "humidity": humidity}
        self.memory, judgement = judge(
            self.config, self.memory, sample, self.at, period=self.config.every, change=change
        )
        return judgement


@pytest.mark.req("P-06")
def test_values_stand_in_the_order_of_the_configuration() -> None:
    swapped = replace(PAIR, quantities=(H, T))
    assert Story().sees(20, 50).values == ("20", "50")
    assert Story(swapped).sees(20, 50).values == ("50", "20")


def test_one_quantity_that_moves_reports_both() -> None:
    story = Story()
    assert story.sees(20, 50).report
    assert not story.sees(20.4, 54).report
    assert story.sees(20.4, 55) == Judgement(("20.4", "55"), report=True)
    # Both bands now count from what was just reported.
    assert not story.sees(20.8, 55).report
    assert story.sees(20.9, 55).report


def test_report_at_least_counts_from_the_last_report() -> None:
    story = Story(replace(PAIR, report_at_least=30.0))
    story.sees(20)
    reports = [story.sees(20).report for _ in range(7)]
    assert reports == [False, False, True, False, False, True, False]


def test_a_millisecond_of_jitter_does_not_cost_a_period() -> None:
    story = Story(replace(PAIR, report_at_least=20.0))
    story.sees(20)
    story.sees(20)
    assert story.sees(20, after=9.999).report


def test_recovery_is_reported_even_inside_the_deadband() -> None:
    story = Story()
    story.sees(20)
    story.memory = failed(story.memory)
    assert story.sees(20).report
    assert not story.sees(20).report


def test_one_impossible_quantity_is_a_fault_of_the_sensor() -> None:
    story = Story(replace(PAIR, quantities=(T, replace(H, valid=(0, 100)))))
    story.sees(20)
    judgement = story.sees(21, 3000)
    assert judgement.values == ()
    assert judgement.error == "humidity: 3000 is outside valid range 0 to 100"
    assert story.memory.good_at == 10.0


def test_a_quantity_the_driver_left_out_is_a_fault() -> None:
    _, judgement = judge(PAIR, Memory.blank(PAIR), {"temperature": 20.0}, 1.0, period=10.0)
    assert judgement.error == "humidity: not among what the driver read"


def test_the_median_never_brings_back_values_from_before_a_gap() -> None:
    story = Story(replace(PAIR, quantities=(replace(T, median=3), H)))
    for _ in range(3):
        story.sees(20)
    assert story.sees(35, after=31.0) == Judgement(("35", "50"), report=True)


def test_a_change_told_by_the_device_is_reported_past_median_and_deadband() -> None:
    story = Story(replace(PAIR, quantities=(replace(T, median=3, deadband=5), H)))
    for _ in range(3):
        story.sees(0)
    assert story.sees(1, change=True) == Judgement(("1", "50"), report=True)
