import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.service.view import lines, values

NOW = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
STATUS = json.loads("""
{"version":"0.1.0","uptime_s":7200.0,"identity":{"device_id":"7432","source":"registry"},
 "links":{"platform":{"state":"up","since":"2026-05-01T02:00:00.000Z","error":null,"connects":1},
          "registry":{"state":"off","since":null,"error":null,"connects":0}},
 "clock":{"trusted":true},
 "sensors":[
  {"id":"溫度","values":["25.3","61"],"unit":["°C","%"],"time":"2026-05-01T03:59:57.000Z",
   "age_s":3.2,"quality":"good","error":null,"reads":10,"failures":1},
  {"id":"door","values":[],"unit":null,"time":null,"age_s":null,"quality":"fault",
   "error":"no answer","reads":0,"failures":4}],
 "actuators":[
  {"id":"lamp","state":"on","since":"2026-05-01T03:55:00.000Z",
   "last_command":{"cmd":"on","from":"platform","result":"on"}},
  {"id":"fan","state":"off","since":"2026-05-01T03:59:00.000Z","last_command":null}],
 "delivery":{"confirm":"fence","waiting":2,"on_disk":1,"confirmed":120,"dropped":0,"oldest_s":4.0},
 "calls":{"open":0,"answered":3},"alarms":[],"news":"from a later version"}
""")


def test_the_whole_status_is_readable():
    assert "\n".join(lines(STATUS, NOW)) == """\
cht-agent 0.1.0, up 2 h, device 7432 (from the registry)

LINK      STATE  SINCE    CONNECTS  ERROR
platform  up     2 h ago  1
registry  off    –        0

SENSOR  VALUE          READ     QUALITY  READS  FAILURES  ERROR
溫度    25.3 °C, 61 %  3 s ago  good     10     1
door    –              never    fault    0      4         no answer

ACTUATOR  STATE  SINCE      LAST COMMAND
lamp      on     5 min ago  on from platform: on
fan       off    60 s ago   none

delivery (fence): 2 waiting, 1 on disk, 120 confirmed, 0 dropped, the oldest for 4 s
calls: 0 open, 3 answered"""


def test_what_needs_attention_is_said():
    status = {
        **STATUS, "identity": None, "clock": {"trusted": False}, "reload_error": "line 3: what?",
        "configuration": {"file": "a.toml", "written": None, "restart": ["[platform]", "[clock]"]},
        "reconfigure": {"state": "waiting", "error": "h: 503"},
    }  # fmt: skip
    text = "\n".join(lines(status, NOW))
    assert "no identity yet: waiting in the registry" in text
    assert "The clock is not set yet" in text
    assert "Creating this device on the platform: waiting to try again: h: 503" in text
    assert "Changed, but not in use before a restart: [platform], [clock]" in text
    assert "The last reload was refused, nothing has changed: line 3: what?" in text


def test_colours_mark_good_and_bad():
    text = "\n".join(lines(STATUS, NOW, colours=True))
    assert "\x1b[32mup\x1b[0m" in text and "\x1b[31mfault\x1b[0m" in text


def test_a_remote_command_cannot_steer_the_terminal():
    lamp = {"id": "lamp", "state": "on", "last_command": {"cmd": "\x1b[2J", "from": "platform",
                                                          "result": "error: unknown\n\x07"}}
    text = "\n".join(lines({**STATUS, "actuators": [lamp]}, NOW))
    assert "\x1b" not in text and "\x07" not in text


@pytest.mark.parametrize(
    ("given_values", "unit", "text"),
    [
        (["25.3"], "°C", "25.3 °C"),
        (["25.3", "61"], ["°C", "%"], "25.3 °C, 61 %"),
        (["25.3", "61"], ["°C"], "25.3 °C, 61"),
        (["on"], None, "on"),
        (["1", "2"], "V", "1 V, 2 V"),
        ([], "°C", "–"),
        (None, None, "–"),
    ],
)
def test_values_carry_their_units(given_values, unit, text):
    assert values(given_values, unit) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
KEYS = tuple(STATUS)


@given(st.dictionaries(st.sampled_from(KEYS), JSON | st.sampled_from(list(STATUS.values()))))
def test_a_document_of_another_version_is_shown_as_far_as_it_goes(document):
    assert lines(document, NOW)


@given(st.sampled_from(["links", "sensors", "actuators"]), JSON, JSON)
def test_strange_parts_do_not_break_the_view(key, first, second):
    part = {"a": first, "b": {"since": second, "state": second}}
    assert lines({key: part if key == "links" else [first, {"values": second, "age_s": 1}]}, NOW)


def test_alarms_are_shown_with_who_is_phoned():
    alarm = {"id": "hot", "sensor": "t", "severity": "critical", "state": "firing",
             "missing": False, "since": "2026-05-01T03:55:00.000Z", "value": "38",
             "acknowledged": None, "calls": "calling ann"}  # fmt: skip
    known = {**alarm, "id": "wet", "state": "acknowledged", "value": None, "acknowledged": "bob"}
    callouts = {"enabled": True, "dry_run": True, "today": 3, "most": 20, "calling": "ann",
                "held": "a number is locked"}  # fmt: skip
    text = "\n".join(lines({**STATUS, "alarms": [alarm, known], "callouts": callouts}, NOW))
    assert """
ALARM  STATE         SINCE      SEVERITY  VALUE  CALLS
hot    firing        5 min ago  critical  38     calling ann
wet    acknowledged  5 min ago  critical  –      by bob
""" in text
    assert text.endswith(
        "call-outs: 3 of 20 in 24 h (dry run), calling ann; held: a number is locked")
    assert "call-outs: off" in "\n".join(lines({**STATUS, "callouts": {"enabled": False}}, NOW))
