"""The sentence for ``systemctl status``, from what the rooms tell."""

from __future__ import annotations

from typing import Any

import pytest

from agent.config.model import Secret
from agent.delivery.delivery import DeliveryStatus
from agent.headline import headline
from agent.identity.founder import Founding
from agent.identity.registry import Identity
from agent.link.model import LinkStatus
from agent.phone.alarms.report import AlarmStatus
from agent.sensing.status import SensorStatus

WHO = Identity("7432", Secret("DK-never-shown"), "registry")
UP = LinkStatus("up", 994.5, None, 2)
WAITING = LinkStatus("waiting", 0.0)
CALM = DeliveryStatus("fence", 0, 0, 12, 0, 0.0)
GOOD = SensorStatus("t", ("25.3",), ("°C",), 998.25, "good", None, 10, 1)
FAULTY = SensorStatus("h", (), (None,), 900.0, "fault", "no answer", 3, 2)
NEVER = SensorStatus("n", (), (None,), None, "stale", None, 0, 0)
HOT = AlarmStatus("hot", "t", "critical", "firing", False, 60.0, "38", None, "calling ann")
DRY = AlarmStatus("dry", "t", "warning", "missing", True, 60.0, None, None, None)
KNOWN = AlarmStatus("cold", "t", "critical", "acknowledged", False, 60.0, "1", "bob", None)
FINE = AlarmStatus("wet", "t", "warning", "ok", False, 0.0, "50", None, None)


def said(**changes: Any) -> str:
    parts: dict[str, Any] = {
        "identity": WHO, "platform": UP, "sensors": (GOOD, GOOD), "delivery": CALM}
    return headline(**(parts | changes))


def test_when_all_is_well() -> None:
    assert said() == "Device 7432 is connected; all 2 sensors are well; 12 confirmed."
    assert said(sensors=()) == "Device 7432 is connected; 12 confirmed."
    assert said(sensors=(GOOD,), phone=UP, alarms=(FINE,)) == (
        "Device 7432 is connected; its sensor is well; the telephone answers; 12 confirmed.")


@pytest.mark.parametrize(("changes", "begins"), [
    ({"identity": None, "platform": WAITING}, "Waiting in the registry for an identity; "),
    ({"identity": None, "platform": WAITING, "founding": Founding("refused", "h: no")},
     "Waiting in the registry for an identity; "),
    ({"identity": None, "platform": WAITING, "founding": Founding("working")},
     "Finding or creating this device on the platform; "),
    ({"identity": None, "platform": WAITING, "founding": Founding("waiting", "h: 503")},
     "Finding or creating this device on the platform (h: 503); "),
    ({"platform": LinkStatus("down", 0.0)}, "Device 7432 is connecting; "),
    ({"platform": LinkStatus("down", 0.0, "h:1: Connection refused")},
     "Device 7432 is not connected (h:1: Connection refused); "),
    ({"platform": LinkStatus("refused", 0.0, "h:1: check key")},
     "Device 7432 is refused by the platform (h:1: check key); "),
    ({"platform": LinkStatus("up", 0.0, "subscription refused")},
     "Device 7432 is connected (subscription refused); "),
])
def test_how_it_stands_with_the_platform(changes: dict[str, Any], begins: str) -> None:
    assert said(**changes).startswith(begins)


@pytest.mark.parametrize(("changes", "part"), [
    ({"sensors": (GOOD, FAULTY, NEVER)}, "; 2 of 3 sensors are not well (h: no answer); "),
    ({"sensors": (NEVER,)}, "; its sensor is not well (n: no recent reading); "),
    ({"clock_trusted": False}, "Device 7432 is connected; the clock is not set; "),
    ({"alarms": (FINE, HOT, DRY, KNOWN)},
     "; ALARM hot; ALARM dry (no readings); ALARM cold, acknowledged by bob; "),
    ({"phone": UP, "calls": 2}, "; the telephone speaks with 2; "),
    ({"phone": WAITING}, "; the telephone has no number yet; "),
    ({"phone": LinkStatus("refused", 0.0, "h:2: check api_key")},
     "; the telephone is not connected (h:2: check api_key); "),
    ({"delivery": DeliveryStatus("fence", 7, 5, 0, 2, 9.0)},
     "; 0 confirmed, 7 waiting (5 on the card), 2 lost."),
    ({"delivery": DeliveryStatus("none", 0, 0, 0, 0, 0.0)}, "all 2 sensors are well."),
    ({"reload_error": "line 3"}, "12 confirmed; the last reload was refused."),
])
def test_what_else_there_is_to_say(changes: dict[str, Any], part: str) -> None:
    assert part in said(**changes)


def test_a_long_story_is_cut_and_no_key_shows() -> None:
    text = said(platform=LinkStatus("down", 0.0, "x" * 500))
    assert len(text) < 300 and "…)" in text and "DK-never-shown" not in text
