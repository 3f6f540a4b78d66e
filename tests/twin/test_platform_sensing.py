"""Readings on the twin's platform: told to whoever subscribes, kept, asked for."""

from __future__ import annotations

from datetime import datetime
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


@pytest.mark.req("P-06", "P-07", "P-08")
def test_a_reading_is_told_as_json_and_as_text() -> None:
    dues = send(platform("light0001"), "rawdata", [
        {"id": "light0001", "time": "2016-03-30T08:28:47.532Z", "value": ["1"]}], after(9))
    assert topics(dues) == [f"/v1/device/{DEV}/sensor/light0001/rawdata",
                            f"/v1/device/{DEV}/sensor/light0001/csv"]
    assert told(dues) == [
        {"id": "light0001", "deviceId": "7432", "time": STAMP, "value": ["1"]},
        "2016-03-30T08:28:47.532Z,7432,light0001,1",
    ]
    assert all(due.at == after(9) and not due.message.retain for due in dues)


@pytest.mark.req("P-06", "P-27")
def test_several_readings_of_several_values_keep_their_order_and_zoneless_times_are_utc() -> None:
    dues = send(platform("loading", "other"), "rawdata", [
        {"id": "loading", "time": "2014-12-11T10:43:58", "value": ["96.3", "77.4"]},
        {"id": "other", "time": "2014-12-11T18:44:58.5+08:00", "value": ["x"]},
        {"id": "loading", "time": "2014-12-11T10:45:58", "value": ["97.7", "71.5"]}])
    assert told(dues, "/csv") == [
        f"2014-12-11T10:43:58.000Z,{DEV},loading,96.3,77.4",
        f"2014-12-11T10:44:58.500Z,{DEV},other,x",
        f"2014-12-11T10:45:58.000Z,{DEV},loading,97.7,71.5",
    ]


@pytest.mark.req("P-06")
def test_a_reading_without_a_time_gets_that_of_its_arrival() -> None:
    [notice] = told(send(platform("a"), "rawdata", [{"id": "a", "value": ["1"]}]), "/rawdata")
    assert notice["time"] == STAMP


@pytest.mark.parametrize("time", [
    "2019-03-30T08:32:118.136Z", "yesterday", "", "0001-01-01T00:00:00+14:00"])
def test_a_time_nobody_understands_becomes_that_of_the_arrival_and_is_noted(time: str) -> None:
    twin = platform("a")
    [notice] = told(send(twin, "rawdata", [{"id": "a", "time": time, "value": ["1"]}]),
                    "/rawdata")
    assert notice["time"] == STAMP
    assert whys(twin) == ["'a': time not understood, taken as now"]


@pytest.mark.req("P-06")
def test_data_of_unknown_sensors_and_devices_vanish() -> None:
    twin = platform("a")
    dues = send(twin, "rawdata", [{"id": "b", "value": ["1"]}, {"id": "a", "value": ["2"]}])
    assert [notice["id"] for notice in told(dues, "/rawdata")] == ["a"]
    assert twin.history(DEV, "b") == []
    twin.notes.clear()
    twin.delete_device(PROJECT, DEV)
    assert send(twin, "rawdata", [{"id": "a", "value": ["1"]}]) == []
    assert [(note.at, note.what, note.topic) for note in twin.notes] == [
        (NOW, "no such device", f"/v1/device/{DEV}/rawdata")]


@pytest.mark.req("P-06", "P-25")
@pytest.mark.parametrize(("element", "why"), [
    ({"id": "a", "value": "1"}, "'a': value is not an array of strings"),
    ({"id": "a", "value": [1]}, "'a': value is not an array of strings"),
    ({"id": "a", "value": []}, "'a': value is not an array of strings"),
    ({"id": "a", "value": ["\ud800"]}, "'a': value is not an array of strings"),
    ({"id": "a"}, "'a': value is not an array of strings"),
    ({"id": "a\x1b[2J", "value": []}, "'a\\x1b[2J': value is not an array of strings"),
    ({"value": ["1"]}, "no id, or not a string"),
    ({"id": 7, "value": ["1"]}, "no id, or not a string"),
    ({"id": "a", "value": ["1"], "time": 7}, "'a': time is not a string"),
    ({"id": "a", "value": ["1"], "lat": "24.1"}, "lat is not a number from -90 to 90"),
    ({"id": "a", "value": ["1"], "lon": True}, "lon is not a number from -180 to 180"),
    ({"id": "a", "value": ["1"], "lon": 10**400}, "lon is not a number from -180 to 180"),
    ("a", "an element that is not an object"),
])
def test_an_element_against_the_rules_is_dropped_alone(element: Any, why: str) -> None:
    twin = platform("a")
    dues = send(twin, "rawdata", [element, {"id": "a", "value": ["good"]}])
    assert [notice["value"] for notice in told(dues, "/rawdata")] == [["good"]]
    assert whys(twin) == [why]


@pytest.mark.req("P-06")
@pytest.mark.parametrize(("payload", "why"), [
    (b"", "not JSON"), (b"{", "not JSON"), (b"[NaN]", "not JSON"), (b"\xff[]", "not JSON"),
    (b"[" * 4000, "not JSON"), ('[{"id":"a","value":["1"]}]'.encode("utf-16"), "not JSON"),
    (b'{"id":"a","value":["1"]}', "not an array"), (b"null", "not an array")])
def test_what_is_no_json_array_is_dropped_whole(payload: bytes, why: str) -> None:
    twin = platform("a")
    assert send(twin, "rawdata", payload) == []
    assert whys(twin) == [why]
    assert twin.values(DEV) == {}


@pytest.mark.req("P-25", "P-26")
def test_a_place_is_kept_and_in_no_notice() -> None:
    twin = platform("a")
    dues = send(twin, "rawdata", [{"id": "a", "value": ["1"], "lat": 24.1, "lon": 121.23}])
    assert told(dues, "/rawdata") == [{"id": "a", "deviceId": DEV, "time": STAMP, "value": ["1"]}]
    assert twin.rawdata(PROJECT, DEV, "a") == {
        "id": "a", "deviceId": DEV, "time": STAMP, "value": ["1"], "lat": 24.1, "lon": 121.23}


def test_what_comes_late_finds_its_place_and_does_not_replace_the_latest() -> None:
    twin = platform("a")
    for time, value in (("10:00", "new"), ("09:00", "old"), ("09:30", "older")):
        send(twin, "rawdata", [
            {"id": "a", "time": f"2016-03-30T{time}:00Z", "value": [value]}])
    assert [record.value for record in twin.history(DEV, "a")] == [("old",), ("older",), ("new",)]
    assert twin.values(DEV)["a"].value == ("new",)


def test_history_is_bounded_by_the_oldest() -> None:
    twin = platform("a", history_limit=2)
    for second in range(4):
        send(twin, "rawdata", [{"id": "a", "value": [str(second)]}], after(second))
    assert [record.value for record in twin.history(DEV, "a")] == [("2",), ("3",)]


def test_only_changes_are_told_when_that_is_set() -> None:
    twin = platform("a", only_changes=True)
    said = [told(send(twin, "rawdata", [{"id": "a", "value": [value]}], after(n)), "/csv")
            for n, value in enumerate("1121")]
    assert [len(one) for one in said] == [1, 0, 1, 1]
    assert send(twin, "rawdata", [{"id": "a", "time": "2015-01-01", "value": ["9"]}]) == []
    assert len(twin.history(DEV, "a")) == 5


@pytest.mark.parametrize(("merging", "kept"), [(False, 3), (True, 2)])
def test_duplicates_are_merged_when_that_is_set(merging: bool, kept: int) -> None:
    twin = platform("a", merge_duplicates=merging)
    for value in "112":
        send(twin, "rawdata", [{"id": "a", "time": "2016-01-01T00:00:00Z", "value": [value]}])
    assert len(twin.history(DEV, "a")) == kept


@pytest.mark.req("P-06", "P-07", "P-08")
def test_rest_takes_readings_as_mqtt_does() -> None:
    twin = platform("a")
    dues = twin.post_rawdata(PROJECT, DEV, [{"id": "a", "value": ["1"]},
                                            {"id": "unknown", "value": ["1"]}], NOW)
    assert told(dues, "/csv") == [f"{STAMP},{DEV},a,1"]
    assert whys(twin) == ["no such sensor: 'unknown'"]


@pytest.mark.parametrize(("body", "why"), [
    (None, "not an array"), ({}, "not an array"),
    ([{"id": "a", "value": ["1"]}, {"id": "a", "value": 1}],
     "'a': value is not an array of strings")])
def test_rest_refuses_readings_that_break_the_rules_as_a_whole(body: Any, why: str) -> None:
    twin = platform("a")
    with pytest.raises(Refused, match=why) as refused:
        twin.post_rawdata(PROJECT, DEV, body, NOW)
    assert refused.value.status == 400
    assert twin.history(DEV, "a") == []


HOUR = [f"2016-03-30T08:{minute:02}:30.000Z" for minute in range(0, 60, 5)]


@pytest.mark.parametrize(("limits", "minutes"), [
    ({"start": "2016-03-30T08:50:30Z"}, [50, 55]),
    ({"end": "2016-03-30T08:05:29"}, [0]),
    ({"start": "2016-03-30T16:10:30+08:00", "end": "2016-03-30T08:20:30Z"}, [10, 15, 20]),
    ({"start": "2017-01-01"}, []),
    ({"interval": "20"}, [0, 20, 40]),
    ({"start": "2016-03-30T08:05Z", "interval": 30}, [5, 30]),
])
def test_a_query_with_limits_is_answered_by_an_array(
    limits: dict[str, Any], minutes: list[int]
) -> None:
    twin = platform("a")
    assert twin.rawdata(PROJECT, DEV, "a") == {}
    twin.post_rawdata(PROJECT, DEV, [{"id": "a", "time": time, "value": [time]} for time in HOUR],
                      NOW)
    found = twin.rawdata(PROJECT, DEV, "a", **limits)
    assert isinstance(found, list)
    assert [datetime.fromisoformat(one["time"]).minute for one in found] == minutes


@pytest.mark.parametrize("limits", [
    {"start": "soon"}, {"end": ""}, {"interval": "0"}, {"interval": "-5"}, {"interval": "1h"},
    {"interval": "9" * 5000}, {"interval": "999999999"}])
def test_a_query_with_senseless_limits_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        platform("a").rawdata(PROJECT, DEV, "a", **limits)
    assert refused.value.status == 400
