"""The calls that are open now, found by the node the service tells (T-36; decision 9).

Never by the phone number, which several callers can share or hide. What is no longer heard of
expires by time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from agent.phone import nodes
from agent.phone.model import Call

LONGEST_SILENCE = 900.0
"""Seconds without a word until a call is forgotten: no text, recording and wait take so long."""
LONGEST_TEXT = 120.0
"""Seconds the service takes at most to say one text (of 200 characters, T-05), and then to ask for
the node behind it."""
MOST = 1000
"""Open calls; the one that was silent for longest makes room."""


class Calls:
    """Open calls by the random part of their token.

    ``since``: when they began to be kept (monotonic seconds). Who called before may still listen
    to a text and come back with the name of a helper that was lent to them then.
    """

    def __init__(self, since: float = -math.inf) -> None:
        self._calls: dict[str, Call] = {}
        self._lends_from = since + LONGEST_TEXT

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls.values()))

    def find(self, node: str, phone: str | None = None) -> Call | None:
        """The call that a request's ``node`` belongs to.

        A helper's name is no secret: so its caller must be the same ``phone``, too.
        """
        token = nodes.parse(node)
        if token is not None:
            return self._calls.get(token.secret)
        waiting = (
            call for call in self._calls.values() if call.helper == node and call.phone == phone
        )
        return max(waiting, key=lambda call: call.heard, default=None)

    def current(self, call: Call) -> Call | None:
        """The same call as it is now; None when it is over."""
        return self._calls.get(call.secret)

    def helper(self, mono: float) -> str | None:
        """A helper that no call waits at; None: all are lent, or may have been before a restart.

        Whoever hung up in the middle of a text holds its own until the call is forgotten: lent
        twice, one caller could come back into the other's call. Those who share or hide their
        number could do so even where the ``phone`` is compared.
        """
        if mono < self._lends_from:
            return None
        lent = {call.helper for call in self._calls.values()}
        return next((name for name in nodes.HELPERS if name not in lent), None)

    def keep(self, call: Call) -> None:
        """As it is now; in the order they were heard of."""
        self._calls.pop(call.secret, None)
        if len(self._calls) >= MOST:
            self._calls.pop(next(iter(self._calls)))
        self._calls[call.secret] = call

    def distrust(self) -> None:
        """Whoever gave the PIN has to give it again."""
        self._calls = {
            secret: replace(call, authorised=False) for secret, call in self._calls.items()
        }

    def drop(self, call: Call) -> None:
        """It is over."""
        self._calls.pop(call.secret, None)

    def only_one_from(self, phone: str | None) -> Call | None:
        """The one open call from ``phone``: the hang-up tells no node. None when there are more,
        or the number is withheld; then time ends it."""
        found = [call for call in self._calls.values() if phone and call.phone == phone]
        return found[0] if len(found) == 1 else None

    def expire(self, mono: float) -> tuple[Call, ...]:
        """Forget, and return, the calls that nothing was heard of for :data:`LONGEST_SILENCE`."""
        silent = [call for call in self._calls.values() if mono - call.heard > LONGEST_SILENCE]
        for call in silent:
            self.drop(call)
        return tuple(silent)
