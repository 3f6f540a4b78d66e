"""Who may use the page: everybody on this machine, and elsewhere who has the password. Pure.

On loopback anything that the user runs may ask, but no web page of somebody else's that the user
looks at: neither under a name that was made to point here, nor by posting across sites.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

USER = "demo"


@dataclass(frozen=True)
class Refusal:
    """An HTTP answer. ``guess``: a password was tried, and was wrong."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    guess: bool = False


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def refusal(method: str, headers: Mapping[str, str], password: str | None) -> Refusal | None:
    """Why a request with these headers (by lower-case name) is not served; None: it is.

    ``password`` None: for who listens on loopback.
    """
    host = headers.get("host", "")
    if password is None:
        if not is_loopback(_without_port(host)):
            return Refusal(403, "this page answers to the names of this machine alone")
    elif (given := headers.get("authorization")) is None or not _is_right(given, password):
        return Refusal(401, "the page wants the password that was printed when it started",
                       {"WWW-Authenticate": 'Basic realm="demo", charset="UTF-8"'},
                       guess=given is not None)
    if method != "POST":
        return None
    if headers.get("origin", "").lower() not in (f"http://{host}".lower(),):
        return Refusal(403, "only the page itself may ask for something to be done")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return Refusal(415, "the body must be application/json")
    return None


def _is_right(given: str, password: str) -> bool:
    scheme, _, coded = given.partition(" ")
    try:
        words = base64.b64decode(coded.strip(), validate=True)
    except ValueError:
        words = b""
    right = hmac.compare_digest(words, f"{USER}:{password}".encode())
    return right and scheme.lower() == "basic"


def _without_port(host: str) -> str:
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
