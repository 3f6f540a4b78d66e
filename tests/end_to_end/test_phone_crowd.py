"""A hundred callers give a PIN at the same moment, to a whole agent with its real, slow hash."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.end_to_end.exchange import callers, exchange
from tests.end_to_end.phone_site import MENUS, PIN
from tests.support.waiting import wait_until
from twin.broker import Broker

WRONG = "111112"
MOST = 10
LAST = 89
"""The caller whose wrong PIN is the tenth; who comes behind is locked out."""
IN, OUT, LOCKED = "開燈請按一", "密碼不對", "密碼已經暫時停用"


@pytest.mark.req("T-03", "T-11")
def test_a_hundred_pins_at_once(tmp_path: Path, broker: Broker, device_id: str) -> None:
    menus = MENUS.replace("lock_after = 5", f"lock_after = {MOST}")
    wrong = {*range(3, LAST, 10), LAST, LAST + 2, LAST + 5}
    assert len([one for one in wrong if one <= LAST]) == MOST
    with exchange(tmp_path, broker.port, device_id, menus=menus) as phones:
        here = phones.here
        asked = callers(phones, 100)
        told = phones.requests
        ids = [phones.request(f"{one['node']},{WRONG if number in wrong else PIN}")
               for number, one in enumerate(asked)]
        received = here.until(lambda status: status["calls"]["counts"]["requests"] == told + 100)
        assert received["calls"]["counts"]["answers"] < told + 50, "the loop waits for the hash"
        at = time.monotonic()
        answers = [phones.answer(id)["text"] for id in ids]

        for number, text in enumerate(answers):
            expected = LOCKED if number > LAST else OUT if number in wrong else IN
            assert expected in text, (number, text)
        when = [phones.said(id)[0].at for id in ids]
        assert when == sorted(when), "they were looked at in another order than they came"
        # Whoever waited for more than a second was told to.
        for id, then in zip(ids, when, strict=True):
            waits = phones.said(id, wait_text=True)
            assert len(waits) <= 1 and all(wait.at < then for wait in waits)
            assert waits or then < at + 1.5, f"{id} heard nothing for {then - at:.1f} s"
        # Nor did it hold up the sensors, four readings a second.
        during = [one for one in here.platform.on(here.topic("rawdata")) if at < one.at < when[-1]]
        assert len(during) > when[-1] - at, f"{len(during)} messages in {when[-1] - at:.1f} s"

        # The PIN stays locked, for all; but whoever is in stays in.
        assert LOCKED in phones.enter(callers(phones, 1)[0], PIN)["text"]
        inside = phones.said(ids[0])[0].json()
        assert "即將打開電燈" in phones.enter(inside, "1")["text"]
        counts = wait_until(phones.counts, 10, "the counts")
        assert counts["answers"] == counts["requests"] == phones.requests
        assert "errors" not in counts and "unsent" not in counts
        assert here.agent.log.count("the PIN is locked after 10 wrong ones") == 1
