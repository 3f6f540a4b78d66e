"""The names of nodes: legal, telling which menu, and never those of another call."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.phone import nodes
from agent.phone.nodes import HELPERS, Token

LEGAL = re.compile(r"[A-Za-z][A-Za-z0-9]{0,15}")


@pytest.mark.req("T-04")
def test_every_name_of_ours_is_legal() -> None:
    names = [*HELPERS, str(Token("c", "0z", nodes.fresh())), str(Token("a", "zz", nodes.fresh()))]
    assert all(LEGAL.fullmatch(name) for name in names)
    assert not {"MAIN", "CUSTOM", "END", "CONFIG"} & {name.upper() for name in names}


@pytest.mark.req("T-36")
def test_a_token_comes_back_as_it_went() -> None:
    token = Token("c", "1b", nodes.fresh())
    assert nodes.parse(str(token)) == token
    assert nodes.parse(str(token).upper()) == token


@pytest.mark.parametrize(
    "node", ["MAIN", "", *HELPERS, "c1b", "b1b000000000000", "c1b0000000000000", "c1b00000000000é"]
)
def test_what_is_no_token(node: str) -> None:
    assert nodes.parse(node) is None


def test_two_calls_never_get_the_same_token() -> None:
    assert len({nodes.fresh() for _ in range(1000)}) == 1000


@given(st.sets(st.text(min_size=1, max_size=20), max_size=200))
def test_codes_are_all_different_and_always_the_same(names: set[str]) -> None:
    found = nodes.codes(names)
    assert set(found) == names
    assert len(set(found.values())) == len(names)
    assert nodes.codes(sorted(names, reverse=True)) == found


def test_a_new_menu_leaves_the_others_their_codes() -> None:
    old = nodes.codes(["main", "lamp", "溫室"])
    assert all(nodes.codes(["main", "lamp", "fan", "溫室"])[name] == old[name] for name in old)
