"""What the bridge remembers of messages a minute or two ago."""

from __future__ import annotations

import pytest

from agent.phone.recent import (
    HANGUP_WITHIN,
    REPEATED_WITHIN,
    UNTIMED_REPEATED_WITHIN,
    Departures,
    Repetitions,
)
from agent.protocol.calls import CallNotice, CallRequest, VoiceMemo

REQUEST = CallRequest("a", False, "0900000001", "MAIN", None, "t")


@pytest.mark.parametrize("other", [
    CallRequest("b", False, None, "MAIN", None, "t"), CallRequest("a", False, None, "x", None, "t"),
    CallRequest("a", False, None, "MAIN", "1", "t"), CallRequest("a", False, None, "MAIN", "", "t"),
    CallRequest("a", False, None, "MAIN", None, "u"), VoiceMemo("a", None, b"", time="t"),
    CallNotice("a", False, None, "established", "t"),
])  # fmt: skip
def test_only_the_very_same_message_is_a_repetition(other: CallRequest) -> None:
    seen = Repetitions()
    assert not seen.again(REQUEST, 0.0)
    assert not seen.again(other, 0.0)
    assert seen.again(REQUEST, 1.0) and seen.again(other, 1.0)


def test_after_a_while_it_is_a_new_one() -> None:
    seen, untimed = Repetitions(), CallRequest("a", False, None, "MAIN")
    assert not seen.again(REQUEST, 0.0) and not seen.again(untimed, 0.0)
    assert not seen.again(untimed, UNTIMED_REPEATED_WITHIN)
    assert not seen.again(REQUEST, REPEATED_WITHIN)


def test_a_hang_up_is_expected_once_for_each_call_that_was_ended() -> None:
    gone = Departures()
    gone.leaves("a", 0.0)
    gone.leaves("b", 1.0)
    gone.leaves(None, 1.0)
    assert gone.expected("a", 2.0) and not gone.expected("a", 2.0)
    gone.leaves("c", 3.0)  # after another one's was used up
    assert gone.expected("b", 3.0) and gone.expected("c", 3.0)
    assert not gone.expected(None, 3.0)


def test_it_is_not_expected_for_ever() -> None:
    gone = Departures()
    gone.leaves("a", 0.0)
    assert not gone.expected("a", HANGUP_WITHIN + 1)
