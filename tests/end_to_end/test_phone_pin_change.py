"""Another PIN, taken over by a reload while people are on the phone."""

from __future__ import annotations

import signal
from pathlib import Path

from agent.phone.pin import PinHash
from tests.end_to_end.exchange import Exchange, callers, exchange
from tests.end_to_end.phone_site import MENUS, PIN
from twin.broker import Broker

OTHER = "730914"
ASKED, IN, OUT, CONFIRM = "請輸入密碼", "開燈請按一", "密碼不對", "即將打開電燈"


def reload(phones: Exchange, pin: str, menus: str = MENUS) -> None:
    """Returns when the agent has taken over this PIN and these menus."""
    agent = phones.here.agent
    (agent.folder / "pin.hash").write_text(str(PinHash.of(pin, bytes(16))))
    (agent.folder / "phone.toml").write_text(menus, encoding="utf-8")
    before = len(agent.log)
    agent.signal(signal.SIGHUP)
    agent.wait_for_log("reloaded", 30, after=before)


def test_after_a_reload_the_old_pin_opens_nothing_and_nobody_is_cut_off(
    tmp_path: Path, broker: Broker, device_id: str
) -> None:
    with exchange(tmp_path, broker.port, device_id) as phones:
        here = phones.here
        choosing, confirming, entering = callers(phones, 3)
        choosing, confirming = (phones.enter(one, PIN) for one in (choosing, confirming))
        confirming = phones.enter(confirming, "1")
        assert CONFIRM in confirming["text"]
        # Other menus alone ask nobody for the PIN again.
        reload(phones, PIN, MENUS.replace("打開電燈", "打開大燈"))
        assert "即將打開大燈" in phones.enter(choosing, "1")["text"]
        reload(phones, OTHER)
        assert (here.ask() or {})["calls"]["open"] == 3
        for inside in (choosing, confirming):
            asked = phones.enter(inside, "1")
            assert ASKED in asked["text"]
            assert OUT in phones.enter(asked, PIN)["text"]
        assert OUT in phones.enter(entering, PIN)["text"]
        assert here.levels() == "0"
        menu = phones.enter(entering, OTHER)
        assert IN in menu["text"]
        assert "電燈已打開" in phones.enter(phones.enter(menu, "1"), "1")["text"]
        assert here.levels() == "0 1"
        assert OTHER not in here.agent.log and PIN not in here.agent.log


def test_a_pin_that_is_being_looked_at_when_it_changes_opens_nothing(
    tmp_path: Path, broker: Broker, device_id: str
) -> None:
    with exchange(tmp_path, broker.port, device_id) as phones:
        asked = callers(phones, 100)
        ids = [phones.request(f"{one['node']},{PIN}") for one in asked]
        phones.answer(ids[0])  # the others stand in the queue behind it
        reload(phones, OTHER)
        late = [id for id in ids if not phones.said(id)]
        assert late, "all was looked at before the reload"
        for id in late:
            assert OUT in phones.answer(id)["text"]
        # Nobody of the early ones is in any longer.
        for id in ids[:5]:
            text = phones.enter(phones.answer(id), "1")["text"]
            assert CONFIRM not in text and phones.here.levels() == "0"
        # It was no wrong one either: so many of those would have locked it.
        assert IN in phones.enter(phones.answer(ids[-1]), OTHER)["text"]
