"""``cht-agent phone call`` and an alarm phone the same person at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.end_to_end.farm import ANN, ended_well, farm
from tests.support.waiting import wait_until
from twin.proxy import FaultProxy
from twin.serving.process import FREE, Twin


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin(replace(FREE, char_seconds=0.0)) as running:
        yield running


@pytest.mark.req("T-13")
@pytest.mark.parametrize("how", ["busy", "answer"])
@pytest.mark.parametrize("early", [True, False], ids=["before the order's answer", "after it"])
def test_the_two_results_are_told_apart(
    twin: Twin, tmp_path: Path, how: str, early: bool
) -> None:
    """``early``: the service has ordered the alarm's call, and how it calls it is still to come."""
    with FaultProxy(int(twin.rest_url.rpartition(":")[2])) as rest, \
            farm(twin, tmp_path, rest_url=f"http://127.0.0.1:{rest.port}") as here:
        here.announce(ANN, "請查看。")
        wait_until(lambda: len(twin.status()["ringing"]) == 1, 10, "the announcement")
        if early:
            rest.black_hole("down")
        here.measure("38.2")
        wait_until(lambda: len(twin.status()["ringing"]) == 2, 10, "the alarm")
        with twin.line() as line:  # the announcement rang first
            line.send({"op": "callee", "phone": ANN, "how": how})
            here.log("call-out to .*: (busy|answered)")
        assert len(twin.status()["ringing"]) == 1
        rest.passing()
        script = ("--answer", "--expect", "溫室太熱", "--keys", "1", "--expect-end")
        with here.person(ANN, *script) as ann:
            assert ended_well(ann)
        wait_until(lambda: here.alarm().get("acknowledged") == "ann", 20, "the status")
        assert "call to ann" not in here.agent.log, here.agent.log
        assert here.agent.log.count("calling ") == 1
        assert twin.status()["ringing"] == []
