"""The port between the bridge and whoever phones people: what a call-out asks and what became of
it is theirs, as no menu is played on such a call.
"""

from __future__ import annotations

from typing import Protocol

from agent.protocol.calls import CallNotice, CalloutResult, CallRequest
from agent.protocol.telephone import CallAction


class Callouts(Protocol):
    """Told, on the loop, of everything that arrives about call-outs. Nothing here blocks."""

    def asked(self, request: CallRequest) -> CallAction:
        """The one final answer to a request with ``callout``, for whatever node (T-55)."""

    def noticed(self, notice: CallNotice) -> None:
        """A call-out was established, or is over (T-38)."""

    def result(self, result: CalloutResult) -> None:
        """What became of one phone (T-13)."""
