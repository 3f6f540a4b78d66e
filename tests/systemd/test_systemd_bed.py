"""The bed itself: what its machines share would decide over tests that are right."""

from __future__ import annotations

from collections.abc import Callable

from tests.systemd.bed import Machine


def test_two_machines_do_not_meet_in_their_cgroups(start: Callable[..., Machine]) -> None:
    """Each of them empties what it finds empty when it boots and halts."""
    one, other = start(), start()
    one.do("systemd-run --quiet --unit=mine sleep 60")
    seen = "find /sys/fs/cgroup -name mine.service"
    assert one.do(seen)
    assert other.do(seen) == ""
