"""What is remembered of the service's messages for a minute or two: which ones came already, and
whose call has just been ended by us. Pure; times are monotonic seconds.
"""

from __future__ import annotations

from collections import OrderedDict, deque

from agent.protocol.calls import CallNotice, CallRequest, VoiceMemo

REPEATED_WITHIN = 60.0
UNTIMED_REPEATED_WITHIN = 2.0
"""A message without a time looks like the next one of its kind."""
HANGUP_WITHIN = 120.0
_MOST = 1_000


class Repetitions:
    """Knows a message that comes a second time.

    Its id alone tells nothing: it may be new each turn, used again, or shared by an event and the
    first request (protocol, section 9).
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str | None, ...], float] = OrderedDict()

    def again(self, event: CallRequest | CallNotice | VoiceMemo, now: float) -> bool:
        """Whether this very message came before; it is remembered."""
        match event:
            case CallRequest():
                what = f"{event.node},{event.answer}"
            case CallNotice():
                what = event.event
            case VoiceMemo():
                what = ""
        key = (type(event).__name__, event.id, what, event.time)
        before = self._seen.pop(key, None)
        self._seen[key] = now
        if len(self._seen) > _MOST:
            self._seen.popitem(last=False)
        within = UNTIMED_REPEATED_WITHIN if event.time is None else REPEATED_WITHIN
        return before is not None and now - before < within


class Departures:
    """Calls we have ended, whose hang-up is still to come.

    It tells no more than the phone, which another call may share: that one goes on.
    """

    def __init__(self) -> None:
        self._leaving: deque[tuple[float, str]] = deque(maxlen=_MOST)

    def leaves(self, phone: str | None, now: float) -> None:
        """We end a call from ``phone``."""
        if phone is not None:
            self._leaving.append((now, phone))

    def expected(self, phone: str | None, now: float) -> bool:
        """Whether a hang-up of ``phone`` is that of such a call; it is expected once."""
        while self._leaving and self._leaving[0][0] < now - HANGUP_WITHIN:
            self._leaving.popleft()
        found = next((one for one in self._leaving if one[1] == phone), None)
        if found is not None:
            self._leaving.remove(found)
        return found is not None
