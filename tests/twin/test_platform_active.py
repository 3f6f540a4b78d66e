"""The twin's watch over the rate of readings, with a clock that is turned by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twin.platform_rig import DEV, NOW, PROJECT, STAMP, after, platform, send, told, topics
from twin.platform import Due, Platform, Refused
from twin.platform.model import stamp


def data(twin: Platform, seconds: float, count: int = 1) -> list[Due]:
    return send(twin, "rawdata", [{"id": "a", "value": ["1"]}] * count, after(seconds))


def watched(**settings: Any) -> Platform:
    twin = platform("a", active_period=60.0, active_records=3, **settings)
    twin.start_active(DEV, NOW)
    return twin


def states(dues: list[Due]) -> list[str]:
    return [notice["status"] for notice in told(dues, "/active")]


@pytest.mark.req("P-15", "P-24")
def test_each_state_carries_its_own_fields() -> None:
    twin = platform("a", active_period=60.0, active_records=3)
    dues = twin.start_active(DEV, NOW)
    assert topics(dues) == [f"/v1/device/{DEV}/active"]
    assert told(dues) == [{"deviceId": DEV, "status": "start", "createTime": STAMP}]
    assert told(data(twin, 5), "/active") == [
        {"deviceId": DEV, "status": "online", "lastDataTime": stamp(after(5)),
         "createTime": stamp(after(5))}]
    assert told(data(twin, 30), "/active") == []
    assert twin.next_tick(after(30)) == after(65)
    assert told(twin.tick(after(66))) == [
        {"deviceId": DEV, "status": "abnormal", "record": 2, "lastDataTime": stamp(after(30)),
         "createTime": stamp(after(66))}]
    assert told(twin.tick(after(125))) == [
        {"deviceId": DEV, "status": "offline", "lastDataTime": stamp(after(30)),
         "createTime": stamp(after(125))}]
    assert twin.next_tick(after(125)) is None
    assert told(twin.stop_active(DEV, after(200))) == [
        {"deviceId": DEV, "status": "stop", "createTime": stamp(after(200))}]


@pytest.mark.req("P-15")
def test_a_device_that_sends_enough_stays_online() -> None:
    twin = watched()
    said = [states(data(twin, 10 * n)) for n in range(30)]
    assert said == [["online"]] + [[]] * 29


@pytest.mark.req("P-15")
def test_enough_readings_again_make_an_abnormal_device_online_at_the_end_of_the_period() -> None:
    twin = watched()
    assert states(data(twin, 0)) == ["online"]
    assert states(twin.tick(after(60))) == ["abnormal"]
    assert states(data(twin, 61, count=3)) == []
    assert states(twin.tick(after(120))) == ["online"]


@pytest.mark.req("P-15")
def test_an_offline_device_is_online_with_its_next_reading_and_gets_a_whole_period() -> None:
    twin = watched()
    data(twin, 0)
    assert states(twin.tick(after(500))) == ["abnormal", "offline"]
    assert states(data(twin, 600)) == ["online"]
    assert twin.next_tick(after(600)) == after(660)


@pytest.mark.req("P-15")
def test_a_state_that_lasts_is_told_once() -> None:
    twin = watched()
    said = []
    for minute in range(5):
        said += states(data(twin, 60 * minute + 1)) + states(twin.tick(after(60 * minute + 61)))
    assert said == ["online", "abnormal"]


@pytest.mark.req("P-15")
def test_only_readings_that_do_not_vanish_count() -> None:
    twin = watched()
    assert send(twin, "rawdata", [{"id": "unknown", "value": ["1"]}]) == []
    assert send(twin, "heartbeat", {"pulse": "100000"}) != []
    assert states(data(twin, 1)) == ["online"]


@pytest.mark.req("P-15")
def test_start_and_stop_are_told_once_and_nothing_without_them() -> None:
    twin = watched()
    assert twin.start_active(DEV, after(1)) == []
    assert states(twin.stop_active(DEV, after(2))) == ["stop"]
    assert twin.stop_active(DEV, after(3)) == []
    assert states(data(twin, 4)) == []


def test_nobody_watches_a_device_that_is_not_there() -> None:
    twin = watched()
    data(twin, 1)
    twin.delete_device(PROJECT, DEV)
    assert twin.next_tick(NOW) is None
    with pytest.raises(Refused):
        twin.start_active(DEV, NOW)
    with pytest.raises(Refused):
        twin.stop_active(DEV, NOW)
