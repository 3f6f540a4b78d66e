"""HTTP against a real server, where the clients above it cannot show a thing."""

from __future__ import annotations

from itertools import count

import pytest

from agent.errors import LinkLost
from agent.http import Http
from tests.support.rest_platform import Fault, RestPlatform

LONG = 1_000_000
HEAD = f"HTTP/1.1 200 OK\r\nContent-Length: {LONG}\r\n\r\n".encode()


@pytest.mark.parametrize(("seconds_a_piece", "whole"), [(0.1, True), (10.0, False)])
def test_an_answer_that_trickles_in_is_not_waited_for_longer_than_a_minute(
    seconds_a_piece: float, whole: bool
) -> None:
    """Each piece comes well within the patience for a piece; a piece is 64 KiB at the most."""
    glances = count()
    with RestPlatform() as platform:
        platform.script = lambda _request: Fault(raw=HEAD + b"x" * LONG)
        http = Http(platform.url, "CK", "PKtest", None,
                    monotonic=lambda: seconds_a_piece * next(glances))
        try:
            if whole:
                assert len(http.ask("GET", "/device").content) == LONG
            else:
                with pytest.raises(LinkLost, match="no whole answer within 60 s"):
                    http.ask("GET", "/device")
        finally:
            http.close()
