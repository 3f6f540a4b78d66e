"""Commands and acks on the twin's platform: passed on with the time they came."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twin.platform_rig import (
    DEV,
    NOW,
    PROJECT,
    STAMP,
    after,
    platform,
    send,
    told,
    topics,
    whys,
)
from twin.platform import Refused


@pytest.mark.req("P-09", "P-10", "P-26")
def test_a_command_reaches_its_sensor_with_the_time_it_was_received() -> None:
    dues = send(platform("cin"), "command",
                [{"id": "cin", "lat": 24.1, "lon": 121.23, "save": True, "cmd": "open"}])
    assert topics(dues) == [f"/v1/device/{DEV}/sensor/cin/command"]
    assert told(dues) == [{"id": "cin", "deviceId": DEV, "time": STAMP, "cmd": "open"}]


@pytest.mark.req("P-09", "P-05")
def test_a_late_notice_still_carries_the_time_of_receipt() -> None:
    [due] = send(platform("cin", delay=3.0), "command", [{"id": "cin", "cmd": "open"}])
    assert due.at == after(3)
    assert told([due])[0]["time"] == STAMP


@pytest.mark.req("P-11", "P-12", "P-26")
def test_an_ack_is_told_with_the_time_of_receipt_not_its_own() -> None:
    dues = send(platform("cin"), "ack", [
        {"id": "cin", "time": "2017-08-03T09:28:47.532Z", "save": True, "ack": "open"}])
    assert topics(dues) == [f"/v1/device/{DEV}/sensor/cin/ack"]
    assert told(dues) == [{"id": "cin", "deviceId": DEV, "time": STAMP, "ack": "open"}]


@pytest.mark.req("P-10")
def test_commands_of_one_message_are_told_one_by_one() -> None:
    dues = send(platform("a", "b"), "command", [
        {"id": "b", "cmd": "1"}, {"id": "none", "cmd": "2"}, {"id": "a", "cmd": "開燈"}])
    assert [(one["id"], one["cmd"]) for one in told(dues)] == [("b", "1"), ("a", "開燈")]


@pytest.mark.req("P-25")
@pytest.mark.parametrize(("kind", "field"), [("command", "cmd"), ("ack", "ack")])
def test_what_is_not_to_be_saved_is_told_but_in_no_history(kind: str, field: str) -> None:
    twin = platform("a", replay_on_subscribe=True)
    for n, (text, save) in enumerate([("1", {}), ("2", {"save": False}), ("3", {"save": True}),
                                      ("4", {"save": False})]):
        assert told(send(twin, kind, [{"id": "a", field: text, **save}], after(n)))
    kept = twin.commands(DEV, "a") if kind == "command" else twin.acks(DEV, "a")
    assert [(one.text, one.time) for one in kept] == [("1", NOW), ("3", after(2))]
    if kind == "command":  # it lasts until the next one
        assert told(twin.subscribed(f"/v1/device/{DEV}/sensor/a/command", after(9)),
                    "/command")[0]["cmd"] == "4"


@pytest.mark.req("P-10", "P-11", "P-25")
@pytest.mark.parametrize(("element", "why"), [
    ({"id": "a"}, "no {}, or not a string"),
    ({"id": "a", "cmd": 1, "ack": 1}, "no {}, or not a string"),
    ({"id": "a", "cmd": "x", "ack": "x", "save": "true"}, "'a': save is neither true nor false"),
    ({"id": "a", "cmd": "x", "ack": "x", "lat": 91}, "lat is not a number from -90 to 90"),
    (["a"], "an element that is not an object"),
])
@pytest.mark.parametrize(("kind", "field"), [("command", "cmd"), ("ack", "ack")])
def test_an_element_against_the_rules_is_dropped_and_noted(
    kind: str, field: str, element: Any, why: str
) -> None:
    twin = platform("a")
    assert send(twin, kind, [element]) == []
    assert whys(twin) == [why.format(field)]


def test_the_history_of_commands_is_bounded_by_the_oldest() -> None:
    twin = platform("a", history_limit=2)
    for word in "1234":
        send(twin, "command", [{"id": "a", "cmd": word}])
    assert [one.text for one in twin.commands(DEV, "a")] == ["3", "4"]


def test_a_command_by_rest_is_passed_on_too() -> None:
    twin = platform("a")
    dues = twin.post_command(PROJECT, DEV, [{"id": "a", "cmd": "on"}], NOW)
    assert told(dues) == [{"id": "a", "deviceId": DEV, "time": STAMP, "cmd": "on"}]
    with pytest.raises(Refused, match="no cmd"):
        twin.post_command(PROJECT, DEV, [{"id": "a"}], NOW)
