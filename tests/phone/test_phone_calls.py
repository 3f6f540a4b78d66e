"""Open calls are found by their node alone, and expire by time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.phone import nodes
from agent.phone.calls import LONGEST_SILENCE, LONGEST_TEXT, MOST, Calls
from agent.phone.model import Call
from agent.phone.nodes import Token


def call(number: int, heard: float = 0.0, phone: str | None = None) -> Call:
    return Call(f"{number:012}", phone, heard)


def node(of: Call, code: str = "00") -> str:
    return str(Token("c", code, of.secret))


def test_two_callers_who_hide_their_number_are_two_calls() -> None:
    calls, one, two = Calls(), call(1), call(2)
    calls.keep(one)
    calls.keep(two)
    assert calls.find(node(one, "0z")) == one
    assert calls.find(node(two, "aa").upper()) == two
    assert calls.find(node(call(3))) is None
    assert calls.only_one_from(None) is None


@pytest.mark.req("T-06")
def test_a_helper_serves_one_call_at_a_time() -> None:
    calls = Calls()
    lent = []
    for number in range(len(nodes.HELPERS)):
        helper = calls.helper(1.0)
        assert helper is not None and helper not in lent
        lent.append(helper)
        calls.keep(replace(call(number), helper=helper))
    assert calls.helper(1.0) is None
    found = calls.find(lent[3])
    assert found is not None and found.secret == call(3).secret
    calls.keep(replace(found, helper=None, heard=1.0))
    assert calls.find(lent[3]) is None
    assert calls.helper(1.0) == lent[3]
    # Who hung up in the middle of a text keeps it, until the call is forgotten.
    assert calls.helper(1.0) == lent[3]
    calls.expire(LONGEST_SILENCE + 0.5)
    assert calls.helper(1.0) == lent[0]


@pytest.mark.req("T-06")
def test_no_helper_is_lent_until_everybody_from_before_the_start_is_back() -> None:
    calls = Calls(since=1000.0)
    assert calls.helper(1000.0) is None
    assert calls.helper(1000.0 + LONGEST_TEXT - 0.1) is None
    assert calls.helper(1000.0 + LONGEST_TEXT) == nodes.HELPERS[0]


@pytest.mark.req("T-06")
def test_a_helper_lent_before_a_restart_leads_into_nobody_elses_call() -> None:
    calls = Calls()
    calls.keep(replace(call(1, phone="0900000001"), helper="more0", authorised=True))
    assert calls.find("more0", "0900000002") is None
    assert calls.find("more0", None) is None
    found = calls.find("more0", "0900000001")
    assert found is not None and found.authorised


def test_the_one_call_of_a_number() -> None:
    calls, one = Calls(), call(1, phone="0900000001")
    calls.keep(one)
    assert calls.only_one_from("0900000001") == one
    calls.keep(call(2, phone="0900000001"))
    assert calls.only_one_from("0900000001") is None
    calls.drop(one)
    assert calls.only_one_from("0900000001") == call(2, phone="0900000001")


def test_a_call_that_nobody_hears_of_expires() -> None:
    calls, old, new = Calls(), call(1, heard=0.0), call(2, heard=10.0)
    calls.keep(old)
    calls.keep(new)
    assert calls.expire(LONGEST_SILENCE) == ()
    assert calls.expire(LONGEST_SILENCE + 1) == (old,)
    assert len(calls) == 1


def test_there_is_no_end_of_calls_but_of_memory() -> None:
    calls = Calls()
    for number in range(MOST + 5):
        calls.keep(call(number, heard=float(number)))
    assert len(calls) == MOST
    assert calls.find(node(call(4))) is None
    assert calls.find(node(call(5))) is not None
