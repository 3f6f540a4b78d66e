"""The twin says what it has to say at once."""

from __future__ import annotations

from tests.support.observer import Observer
from tests.twin.served import new_device
from twin.serving.process import Twin


def test_a_second_notice_does_not_wait_for_the_first_to_be_acknowledged() -> None:
    """With Nagle's algorithm it would, 40 ms each time; a busy machine may be slow some times."""
    with Twin() as twin:
        device = new_device(twin, "a")
        with Observer(twin.ports["mqtt"], [f"/v1/device/{device}/#"],
                      user=twin.project_key) as observer:
            gaps = []
            for number in range(1, 11):
                observer.publish(f"/v1/device/{device}/command", [{"id": "a", "cmd": "1"}] * 2)
                told = observer.wait_count(2 * number, f"/v1/device/{device}/sensor/a/command")
                gaps.append(told[-1].at - told[-2].at)
    assert min(gaps) < 0.02
