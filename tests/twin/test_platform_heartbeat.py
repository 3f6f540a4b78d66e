"""The twin's heartbeat monitor, with a clock that is turned by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from twin.messages import Message
from twin.platform import Platform, Refused
from twin.platform.model import stamp

BEAT = {"pulse": "1000"}


def types(dues: Any) -> list[str]:
    return [notice["type"] for notice in told(dues)]


@pytest.mark.req("P-13", "P-14", "P-23")
def test_the_first_beat_is_told_as_live_with_every_field() -> None:
    twin = platform()
    dues = twin.receive(Message(f"/v1/device/{DEV}/heartbeat", b'{"pulse": "1000"}'), NOW,
                        "223.140.31.51")
    assert topics(dues) == [f"/v1/device/{DEV}/heartbeat"]
    assert told(dues) == [{"pulse": "1000", "from": "223.140.31.51", "last": STAMP,
                           "time": STAMP, "type": "Live", "deviceId": DEV}]
    assert send(twin, "heartbeat", BEAT, after(0.9)) == []


@pytest.mark.req("P-14", "P-23")
def test_a_device_that_falls_silent_is_lost_once_and_back_with_its_next_beat() -> None:
    twin = platform(heartbeat_slack=0.5)
    send(twin, "heartbeat", BEAT)
    assert twin.next_tick(NOW) == after(1.5)
    assert twin.tick(after(1.4)) == []
    assert told(twin.tick(after(1.5))) == [
        {"pulse": "1000", "from": "127.0.0.1", "last": STAMP, "time": stamp(after(1.5)),
         "type": "Lost", "deviceId": DEV}]
    assert twin.next_tick(after(1.5)) is None
    assert twin.tick(after(3600)) == []
    assert told(send(twin, "heartbeat", {"pulse": "2000"}, after(3601))) == [
        {"pulse": "2000", "from": "127.0.0.1", "last": stamp(after(3601)),
         "time": stamp(after(3601)), "type": "ReLive", "deviceId": DEV}]
    assert twin.next_tick(after(3601)) == after(3603.5)


@pytest.mark.req("P-14")
def test_a_loss_nobody_asked_about_is_told_before_the_return() -> None:
    twin = platform(heartbeat_slack=0.5)
    send(twin, "heartbeat", BEAT)
    assert types(send(twin, "heartbeat", BEAT, after(60))) == ["Lost", "ReLive"]


@given(st.lists(st.floats(0.01, 5), max_size=20))
def test_types_alternate_however_the_beats_fall(gaps: list[float]) -> None:
    twin, said, now = platform(heartbeat_slack=0.5), [], 0.0
    for gap in gaps:
        said += types(send(twin, "heartbeat", BEAT, after(now)))
        now += gap
    said += types(twin.tick(after(now + 9)))
    losses = sum(gap >= 1.5 for gap in gaps[:-1])
    assert said == (["Live", *["Lost", "ReLive"] * losses, "Lost"] if gaps else [])


@pytest.mark.req("P-14")
@pytest.mark.parametrize("type_", ["Live", "Lost", "ReLive", "LastInfo", "Unheard"])
def test_its_own_notice_come_back_is_no_beat(type_: str) -> None:
    twin = platform()
    assert send(twin, "heartbeat", {**BEAT, "type": type_, "deviceId": DEV}) == []
    assert twin.notes == []
    assert twin.next_tick(NOW) is None


@pytest.mark.req("P-13", "P-23")
@pytest.mark.parametrize(("content", "why"), [
    ([BEAT], "not an object"), ("1000", "not an object"), ({}, "no pulse, or not a string"),
    ({"pulse": 1000}, "no pulse, or not a string"),
    ({"pulse": "1.5"}, "pulse is not a number of milliseconds"),
    ({"pulse": "0"}, "pulse is not a number of milliseconds"),
    ({"pulse": "-1"}, "pulse is not a number of milliseconds"),
    ({"pulse": "１０００"}, "pulse is not a number of milliseconds"),
    ({"pulse": "0" * 5000 + "1"}, "pulse is not a number of milliseconds"),
    ({"pulse": "99999999999"}, "pulse is not a number of milliseconds"),
])
def test_a_beat_against_the_rules_is_none(content: Any, why: str) -> None:
    twin = platform()
    assert send(twin, "heartbeat", content) == []
    assert whys(twin) == [why]
    with pytest.raises(Refused, match=why) as refused:
        twin.post_heartbeat(PROJECT, DEV, content, NOW)
    assert refused.value.status == 400


@pytest.mark.req("P-13")
def test_a_beat_by_rest_counts_as_well() -> None:
    twin = platform()
    assert types(twin.post_heartbeat(PROJECT, DEV, BEAT, NOW)) == ["Live"]
    assert types(twin.tick(after(60))) == ["Lost"]


@pytest.mark.req("P-14", "P-23")
def test_last_info_answers_a_subscription_when_that_is_set() -> None:
    def subscribed(twin: Platform, now: datetime) -> list[Any]:
        send(twin, "heartbeat", BEAT)
        return told(twin.subscribed(f"/v1/device/{DEV}/heartbeat", now))

    assert subscribed(platform(), after(1)) == []
    assert subscribed(platform(last_info=True), after(1)) == [
        {"pulse": "1000", "from": "127.0.0.1", "last": STAMP, "time": stamp(after(1)),
         "type": "LastInfo", "deviceId": DEV}]


@pytest.mark.req("P-14")
def test_a_deleted_device_is_not_lost() -> None:
    twin = platform()
    send(twin, "heartbeat", BEAT)
    twin.delete_device(PROJECT, DEV)
    assert twin.tick(after(60)) == []
