"""The line between agent and telephone service breaks while somebody is on the phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hw_mocks.control import send
from tests.end_to_end.phone_site import (
    PIN,
    QUICK,
    Handset,
    PhoneSite,
    phone_site,
    rented_number,
)
from tests.support.waiting import wait_until
from twin.proxy import FaultProxy
from twin.serving.process import Twin


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin(QUICK) as running:
        yield running


@pytest.fixture(scope="module")
def rented(twin: Twin) -> tuple[str, str]:
    return rented_number(twin)


def levels(here: PhoneSite) -> str:
    """Every level the lamp's pin has had, oldest first."""
    return send(Path(here.agent.env["HW_MOCKS_CONTROL"]), "history 17")


def up_again(here: PhoneSite) -> bool:
    link = here.status()["links"]["phone"]
    return bool(link["state"] == "up" and link["connects"] >= 2)


def ask_for_light(caller: Handset) -> None:
    """As far as the question that 1 says yes to."""
    caller.hear("請按二")
    caller.press("2")
    caller.hear("請輸入密碼")
    caller.press(f"{PIN}#")
    caller.hear("開燈請按一")
    caller.press("1")
    caller.hear("即將打開電燈", "確定請按一")


def test_a_line_that_breaks_after_the_yes_moves_the_lamp_once_and_is_told_in_the_log(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    with FaultProxy(twin.ports["phone"]) as proxy, \
            phone_site(twin, rented, tmp_path, port=proxy.port) as here:
        with here.call() as caller:
            ask_for_light(caller)
            before = levels(here)
            proxy.black_hole("up")  # the request comes, and its answer goes nowhere
            caller.press("1")
            wait_until(lambda: levels(here) == f"{before} 1", 20, "the lamp to be on")
            answers = wait_until(here.status, 20)["calls"]["counts"]["answers"]
            proxy.drop()
            proxy.passing()
            wait_until(lambda: up_again(here), 30, "the link to be back")
            caller.hang_up()
            assert "已打開" not in caller.heard
        told = [line.split("  ")[-1].strip() for line in here.log().splitlines()]
        assert told[-3:] == ["lamp on: on", "connection lost: the last answer may not have arrived",
                             "hung up"]  # fmt: skip
        assert told.count("lamp on: on") == 1
        # Nothing was made up for: neither the answer nor the command.
        calls = here.status()["calls"]
        assert calls["counts"]["answers"] == answers and calls["open"] == 0
        assert "refused_answers" not in calls["counts"]
        with here.call() as caller:
            ask_for_light(caller)
            caller.press("0")
            caller.hear("已經取消")
        assert levels(here) == f"{before} 1"
        assert here.status()["actuators"][0]["last_command"]["from"] == "phone"


def test_a_line_that_breaks_before_the_yes_moves_nothing(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    with FaultProxy(twin.ports["phone"]) as proxy, \
            phone_site(twin, rented, tmp_path, port=proxy.port) as here, here.call() as caller:
        ask_for_light(caller)
        before = levels(here)
        proxy.black_hole("down")  # the request itself gets lost
        caller.press("1")
        wait_until(lambda: twin.log.rstrip().endswith(",1"), 20, "the service to ask")
        requests = here.status()["calls"]["counts"]["requests"]
        proxy.drop()
        proxy.passing()
        wait_until(lambda: up_again(here), 30, "the link to be back")
        caller.hang_up()
        wait_until(lambda: here.status()["calls"]["open"] == 0, 20, "the hang-up")
        assert here.status()["calls"]["counts"]["requests"] == requests
        assert levels(here) == before and "lamp" not in here.log().replace("menu.lamp", "")
