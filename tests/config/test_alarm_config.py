"""``[[alarm]]``, ``[contacts]`` and ``[calls]``: what is read, and what is said of faults."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from agent.config.alarms import AlarmConfig, CallsConfig, QuietHours, TestDay
from agent.config.load import Report
from agent.config.model import SecretRef
from tests.config.catalog import HEAD, look, said

SENSORS = """
[[sensor]]
id = "climate"
driver = "dht22"
pin = 4
quantity = ["temperature", "humidity"]
every = "30s"
[[sensor]]
id = "door"
driver = "button"
pin = 5
"""
CONTACTS = '[contacts]\ngrower = "credential:grower"\n'
ABOVE = '[[alarm]]\nid = "hot"\nsensor = "climate"\nquantity = "temperature"\nabove = 35\n'


def read(folder: Path, text: str) -> Report:
    return look(folder, HEAD + SENSORS + text)


def problems(folder: Path, text: str) -> list[str]:
    return said(read(folder, text), head=(HEAD + SENSORS).count("\n"))


def test_an_alarm_with_every_key(tmp_path: Path) -> None:
    report = read(tmp_path, CONTACTS + "[calls]\nenabled = false\n" + ABOVE + """
for = "2m"
clear = 33
keep = "1m"
missing = "20m"
severity = "critical"
say = "太熱，{climate.temperature}，高於{limit}"
say_missing = "溫度計沒有資料"
call = ["grower"]
publish_state = true
""")  # fmt: skip
    assert said(report) == []
    assert report.config is not None
    assert report.config.alarms == (
        AlarmConfig(
            "hot", "climate", 0, "°C", above=35.0, hold_for=120.0, clear=33.0, keep=60.0,
            missing=1200.0, severity="critical", say="太熱，{climate.temperature}，高於{limit}",
            say_missing="溫度計沒有資料", call=("grower",), publish_state=True,
        ),
    )  # fmt: skip
    assert report.config.contacts == {"grower": SecretRef("credential", "grower")}


def test_the_least_of_one_watches_for_missing_data_too(tmp_path: Path) -> None:
    config = read(tmp_path, '[[alarm]]\nid = "open"\nsensor = "door"\nequals = 1\n').config
    assert config is not None
    assert config.alarms == (AlarmConfig("open", "door", equals="1", missing=900.0),)
    assert config.calls == CallsConfig()


def test_the_telephone_is_off_unless_it_is_switched_on(tmp_path: Path) -> None:
    text = CONTACTS + ABOVE + 'call = ["grower"]\n'
    assert problems(tmp_path, text) == [
        "None calls.enabled: is not there, so nobody is phoned"
    ]
    needs = problems(tmp_path, "[calls]\nenabled = true\n")
    assert needs == [
        "2 calls.enabled: calls need a number of the telephone service:"
        " [phone] lacks sn_key and service_number"
    ]
    assert problems(tmp_path, "[calls]\nenabled = true\ndry_run = true\n") == []


def test_a_site_is_short_enough_to_be_said_first(tmp_path: Path) -> None:
    report = read(tmp_path, '[calls]\nsite = "一號溫室"\n')
    assert report.config is not None and report.config.calls.site == "一號溫室"
    assert problems(tmp_path, f'[calls]\nsite = "{"室" * 21}"\n') == [
        f'2 calls.site: "{"室" * 21}" is not allowed: 1 to 20 characters on one line'
    ]


def test_a_blank_site_says_nothing(tmp_path: Path) -> None:
    assert problems(tmp_path, '[calls]\nsite = "  "\n') == [
        '2 calls.site: "  " is not allowed: 1 to 20 characters on one line'
    ]


def test_times_of_day(tmp_path: Path) -> None:
    text = '[calls]\nquiet_hours = "22:00-7:00"\nmonthly_test = "1 10:00"\n'
    config = read(tmp_path, text).config
    assert config is not None
    assert config.calls.quiet_hours == QuietHours(time(22), time(7))
    assert config.calls.monthly_test == TestDay(1, time(10))
    assert problems(tmp_path, '[calls]\nquiet_hours = "22:00"\nmonthly_test = "31 10:00"\n') == [
        '2 calls.quiet_hours: "22:00" is not allowed:'
        ' two times of the day, such as "22:00-07:00"',
        '3 calls.monthly_test: "31 10:00" is not allowed:'
        ' a day from 1 to 28 and a time, such as "1 10:00"',
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('sensor = "climat"\nabove = 1\n',
         '3 alarm.a.sensor: there is no [[sensor]] "climat"; did you mean "climate"?'),
        ('sensor = "climate"\nabove = 1\n',
         '1 alarm.a.quantity: is missing: "climate" has temperature, humidity'),
        ('sensor = "climate"\nquantity = "temprature"\nabove = 1\n',
         '4 alarm.a.quantity: "climate" has no quantity "temprature"; did you mean "temperature"?'),
        ('sensor = "door"\nabove = 1\nbelow = 0\n',
         "5 alarm.a.below: stands beside above: make two alarms of it"),
        ('sensor = "door"\nmissing = false\n',
         "1 alarm.a: fires never: give above, below, equals or missing"),
        ('sensor = "door"\nfor = "5m"\n',
         "4 alarm.a.for: is about a condition: give above, below or equals"),
        ('sensor = "door"\nabove = 1\nclear = 2\n', "5 alarm.a.clear: must be not above 1"),
        ('sensor = "door"\nbelow = 1\nclear = 0.5\n', "5 alarm.a.clear: must be not below 1"),
        ('sensor = "door"\nequals = 1\nclear = 0\n',
         "5 alarm.a.clear: is for above and below: equals ends with another value"),
        ('sensor = "door"\nequals = true\n',
         "4 alarm.a.equals: must be a number or a text, not true or false"),
        ('sensor = "door"\nequals = 1\nmissing = "1s"\n',
         '5 alarm.a.missing: "1s" must be from 10s to 30d, or false'),
        ('sensor = "door"\nequals = 1\ncall = ["grower"]\n',
         '5 alarm.a.call.1: "grower" is not in [contacts]'),
        ('sensor = "door"\nequals = 1\ncall = "grower"\n',
         '5 alarm.a.call: must be a list of [contacts], such as ["grower", "owner"]'),
        ('sensor = "door"\nequals = 1\nsay = "{dor}"\n',
         '5 alarm.a.say: there is no [[sensor]] "dor"; did you mean "door"?'),
        ('sensor = "door"\nequals = 1\nsay = "{"\n',
         "5 alarm.a.say: a brace { that stands alone: write it twice if it is meant"),
        ('sensor = "door"\nequals = 1\nmissing = false\nsay_missing = "沒有"\n',
         "6 alarm.a.say_missing: is never said: missing is false"),
        ('sensor = "door"\nequals = 1\nmissing = "1s"\nsay_missing = "沒有"\n',
         '5 alarm.a.missing: "1s" must be from 10s to 30d, or false'),
        ('sensor = "door"\nmissing = "1s"\n',
         '4 alarm.a.missing: "1s" must be from 10s to 30d, or false'),
        ('sensor = "door"\nequals = 1\nsay_missing = " "\n',
         '5 alarm.a.say_missing: " " is not allowed: 1 to 120 characters on one line: three of them'
         " are read in one call"),
        ('sensor = "door"\nequals = 1\nsay_missing = "{limit}"\n',
         '5 alarm.a.say_missing: there is no [[sensor]] "limit"; did you mean "climate"?'),
        ('sensor = "door"\nequals = 1\nseverity = "high"\n',
         '5 alarm.a.severity: "high" is not one of "warning", "critical"'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, text: str, expected: str) -> None:
    assert problems(tmp_path, '[[alarm]]\nid = "a"\n' + text) == [expected]


def test_ids_are_nobody_elses(tmp_path: Path) -> None:
    alarm = '[[alarm]]\nid = "{}"\nsensor = "door"\nequals = 1\n'
    text = CONTACTS + alarm.format("door") + alarm.format("x") * 2 + alarm.format("grower")
    assert problems(tmp_path, text) == [
        '4 alarm.door.id: "door" is taken by a [[sensor]]',
        '12 alarm.x.id: "x" is taken by an earlier [[alarm]]',
        '16 alarm.grower.id: "grower" is the name of a contact, too',
    ]


def test_one_reading_that_makes_an_alarm_is_warned_of(tmp_path: Path) -> None:
    assert problems(tmp_path, ABOVE + 'for = "20s"\n') == [
        '6 alarm.hot.for: "climate" is read every 30s: one reading alone makes this alarm'
    ]


def test_numbers_are_secrets(tmp_path: Path) -> None:
    config = read(tmp_path, '[contacts]\na = "0900-000-001"\nb = "+886900000002"\n').config
    assert config is not None
    assert config.contacts == {
        "a": SecretRef("literal", "0900000001"),
        "b": SecretRef("literal", "0900000002"),
    }
    assert "0900" not in repr(config)
    wrong = problems(tmp_path, '[contacts]\na = "900123"\nb = 5\n"c d" = "0900000001"\n')
    assert wrong == [
        "2 contacts.a: must be a phone number in quotes with its area code,"
        ' such as "0900000001", or credential:NAME',
        "3 contacts.b: must be a phone number in quotes with its area code,"
        ' such as "0900000001", or credential:NAME, not a whole number',
        '4 contacts."c d": a name has 1 to 32 characters without blanks and dots',
    ]
    number = tmp_path / "a.phone"
    number.write_text("0900000001")
    number.chmod(0o644)
    assert problems(tmp_path, '[contacts]\na = "file:a.phone"\n') == [
        f"2 contacts.a: others can read {number}: chmod o-r it"
    ]
