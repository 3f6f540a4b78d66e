"""A power cut in the very moment in which somebody is phoned: nobody is phoned twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.farm import ANN, BOB, Farm, ended_well, farm
from tests.end_to_end.turnstile import Cut, Turnstile
from tests.support.waiting import wait_until
from twin.serving.process import FREE, Twin

ORDER = "POST .*/callout"
ACKNOWLEDGE = ("--answer", "--expect", "溫室太熱", "--keys", "1", "--expect", "已經記下",
               "--expect-end")  # fmt: skip


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin(replace(FREE, char_seconds=0.0)) as running:
        yield running


class PowerCut:
    """Between the agent and the telephone service: at ``cut`` the agent is no more."""

    def __init__(self, twin: Twin, cut: Cut) -> None:
        self.turnstile = Turnstile(int(twin.rest_url.rpartition(":")[2]), [cut], self._strike)
        self.kept: list[dict[str, Any]] = []
        self._farm: Farm | None = None

    def strike_at(self, here: Farm) -> None:
        """Something is wrong now, and the agent dies of it."""
        self._farm = here
        here.measure("38.2")
        wait_until(lambda: not self.turnstile.left, 30, f"the order; the log:\n{here.agent.log}")
        wait_until(lambda: not here.agent.running, 10, "the end of the agent")

    def _strike(self) -> None:
        assert self._farm is not None
        self._farm.agent.kill()
        self.kept = json.loads(journal(self._farm).read_text())["dials"]

    @property
    def orders(self) -> int:
        """How often the service was told to phone somebody."""
        return sum("callout" in line for line in self.turnstile.passed)


def journal(here: Farm) -> Path:
    return here.folder / "state" / "alarms.json"


def two_minutes_later(here: Farm) -> None:
    """What is kept of the calls, as if it had been kept two minutes earlier."""
    document = json.loads(journal(here).read_text())
    for dial in document["dials"]:
        for moment in ("at", "since"):
            dial[moment][1] -= 121.0
    journal(here).write_text(json.dumps(document))


@pytest.mark.parametrize("cut", [Cut("connect"), Cut("before", ORDER)], ids=lambda cut: cut.when)
def test_a_call_that_was_only_written_down_is_waited_for_and_never_ordered_again(
    twin: Twin, tmp_path: Path, cut: Cut
) -> None:
    power = PowerCut(twin, cut)
    with power.turnstile, farm(twin, tmp_path, rest_url=power.turnstile.url) as here:
        power.strike_at(here)
        (dial,) = power.kept
        assert (dial["person"], dial["phase"]) == ("ann", "dialling")
        assert power.orders == 0
        here.agent.start()
        here.agent.wait_until_up("phone")
        told = wait_until(lambda: here.agent.command("alarms").stdout, 20, "the alarms")
        assert "calling ann" in told
        assert here.status()["callouts"]["today"] == 1
        # It may have rung, for all it knows: so it is the next person's turn, and not hers again.
        here.agent.kill()
        two_minutes_later(here)
        with here.person(BOB, *ACKNOWLEDGE) as bob:
            here.agent.start()
            here.log("call to ann: nobody knows")
            here.log("calling bob about hot")
            assert ended_well(bob)
        wait_until(lambda: here.alarm().get("acknowledged") == "bob", 20, "the status")
        assert power.orders == 1
        assert here.agent.log.count("calling ann") == 1
        assert here.status()["callouts"]["today"] == 2


def test_a_call_that_rings_while_the_agent_is_dead_is_ordered_once_and_its_key_counts(
    twin: Twin, tmp_path: Path
) -> None:
    power = PowerCut(twin, Cut("after", ORDER))
    with power.turnstile, farm(twin, tmp_path, rest_url=power.turnstile.url) as here:
        power.strike_at(here)
        (dial,) = power.kept
        assert (dial["person"], dial["phase"], dial["group"]) == ("ann", "dialling", None)
        assert twin.status()["ringing"]
        here.agent.start()
        here.agent.wait_until_up("phone")
        wait_until(lambda: "calling ann" in here.agent.command("alarms").stdout, 20, "the alarms")
        with here.person(ANN, *ACKNOWLEDGE) as ann:
            assert ended_well(ann)
        wait_until(lambda: here.alarm().get("acknowledged") == "ann", 20, "the status")
        assert power.orders == 1
