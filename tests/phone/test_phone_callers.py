"""Who a caller may be."""

from __future__ import annotations

import pytest

from agent.config.menus import Callers
from agent.phone.callers import plain, standing

LISTED = frozenset({"0900000001"})


@pytest.mark.parametrize(
    "phone", ["0900000001", "+886900000001", "0900-000-001", "00886 900 000 001"]
)
def test_a_listed_number_however_it_is_written(phone: str) -> None:
    assert plain(phone) == "0900000001"
    assert standing(Callers(LISTED, "deny"), phone) == "full"


@pytest.mark.parametrize(
    "phone", [None, "", "0900***001", "0900000002", "900000001", "anonymous", "09000000011"]
)
def test_a_missing_masked_or_other_number_is_unlisted(phone: str | None) -> None:
    assert standing(Callers(LISTED, "deny"), phone) == "denied"
    assert standing(Callers(LISTED, "read"), phone) == "read"
    assert standing(Callers(LISTED, "all"), phone) == "full"
