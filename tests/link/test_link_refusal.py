"""Who is to mend a refused CONNECT: nobody, the operator, or whoever gave us the key."""

from __future__ import annotations

import pytest

from agent.errors import KeyRefused, LinkError, LinkLost, LinkRefused
from agent.link.refusal import refusal


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (132, LinkRefused, "set mqtt_version"),
        (133, LinkRefused, "client id"),
        (134, KeyRefused, "bad user name or password"),
        (135, KeyRefused, "not authorised"),
        (136, LinkLost, "broker says: Server unavailable"),
        (200, LinkLost, "broker says: Server unavailable"),
    ],
)
def test_each_refusal(code: int, kind: type[LinkError], words: str) -> None:
    error = refusal(code, "Server unavailable", "h:1883")
    assert type(error) is kind
    assert str(error).startswith("h:1883: ")
    assert words in str(error)
    assert "\n" not in str(error)
