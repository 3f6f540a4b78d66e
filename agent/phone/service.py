"""The telephone service's REST (T-20 to T-31): numbers, menus, call-outs.

Blocking, so the daemon uses it on a thread of its own. Reading, setting and deleting is repeated
when no good answer came. Renting and dialling is not: after LinkLost the number may be rented and
the phone may ring.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from agent.config.model import Secret
from agent.errors import AgentError, LinkLost, PlatformRefused
from agent.http import READ_TIMEOUT, Answer, Http
from agent.protocol import phone_service
from agent.protocol.errors import Malformed
from agent.protocol.phone_service import Announcement, Node, Refused, ServiceNumber
from agent.retry import repeating

T = TypeVar("T")

_MENDS: Mapping[Refused, str] = {
    "name": "the name is empty: give one",
    "syntax": "the service does not understand the request",
    "unbound": "no telephone line is bound to the account for payment: bind a landline of Chunghwa"
    " Telecom on the service's web page",
    "key": "the service refuses this key: check [phone] api_key, and that the telephone service"
    " (TAS) is ticked for it on the platform's page of keys",
    "most": f"the account has {phone_service.MAX_NUMBERS} numbers already, the most there can be:"
    " cht-agent phone numbers lists them, phone release gives one back",
    "foreign": "this number was not rented with this key; even another key of the same account may"
    " not use it: check [phone] service_number and api_key",
    "locked": "this number is locked: cht-agent phone restore brings it back",
    "none": "no number is rented with this key (or the key is wrong): cht-agent phone rent",
    "unknown": "there is no such number under this key: cht-agent phone numbers lists them",
    "no menu": "no menu is set for this number: cht-agent phone menu push",
    "other": "the service refuses",
}


class PhoneService:
    """The service below ``base`` (``[phone] rest_url``), asked with one key.

    Everything may raise LinkLost (no answer, or none of the service's), LinkRefused (certificate)
    and PlatformRefused, whose text says what to do.
    """

    def __init__(
        self,
        base: str,
        key: Secret,
        context: ssl.SSLContext | None,
        *,
        clock_trusted: Callable[[], bool] = lambda: True,
        timeout: float = READ_TIMEOUT,
        tries: int = 3,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = Http(
            base, "X-API-KEY", key.reveal(), context, clock_trusted=clock_trusted, timeout=timeout
        )
        self._repeating = repeating(tries, sleep)
        self.where = self._http.where

    def close(self) -> None:
        """Close what connections are kept open."""
        self._http.close()

    # --- numbers --------------------------------------------------------------------------------

    def numbers(self) -> tuple[ServiceNumber, ...]:
        """The numbers rented with this key (T-21). Refused as ``none`` when there are none: the
        service does not tell that from a wrong key."""
        return self._often("GET", "/reg", phone_service.decode_numbers)

    def rent(self, name: str, description: str | None = None) -> ServiceNumber:
        """One more number (T-20). Asked once: after LinkLost, look whether it is there."""
        body = phone_service.encode_names(name, description)
        return self._once("POST", "/reg", phone_service.decode_rented, body)

    def rename(self, number: str, name: str, description: str | None = None) -> None:
        """Another name; a locked number is unlocked by it (T-22)."""
        body = phone_service.encode_names(name, description)
        self._often("PUT", f"/reg/{phone_service.service(number)}", _nothing, body)

    def lock(self, number: str) -> None:
        """Out of service; kept for 30 days, in which :meth:`rename` brings it back (T-23)."""
        self._often("DELETE", f"/reg/{phone_service.service(number)}", _nothing)

    # --- menus ----------------------------------------------------------------------------------

    def menu(self, number: str) -> tuple[Node, ...] | None:
        """The nodes that are set (T-25); None when there is no menu."""
        path = f"/phoneConfig/{phone_service.service(number)}"
        try:
            return self._often("GET", path, phone_service.decode_menu)
        except ServiceRefused as exc:
            if exc.kind == "no menu":
                return None
            raise

    def set_menu(self, number: str, nodes: Sequence[Node]) -> None:
        """Replace the menu (T-24)."""
        self._often("POST", "/phoneConfig", _nothing, phone_service.encode_menu(number, nodes))

    def delete_menu(self, number: str) -> None:
        """Take the menu away (T-26)."""
        self._often("DELETE", f"/phoneConfig/{phone_service.service(number)}", _nothing)

    # --- calling out ----------------------------------------------------------------------------

    def call(self, number: str, phones: Sequence[str], said: Announcement | None = None) -> str:
        """Phone people, with a text or (None) led over MQTT; the group id (T-27).

        Asked once. ``ok`` is not a ringing phone: only the results tell (T-13). After LinkLost the
        phones may ring all the same.
        """
        body = phone_service.encode_callout(number, phones, said)
        return self._once("POST", "/callout", phone_service.decode_callout, body)

    # --- requests -------------------------------------------------------------------------------

    def _often(
        self, method: str, path: str, decode: Callable[[bytes], T], body: bytes | None = None
    ) -> T:
        return self._repeating(lambda: self._once(method, path, decode, body))

    def _once(
        self, method: str, path: str, decode: Callable[[bytes], T], body: bytes | None = None
    ) -> T:
        answer = self._http.ask(method, path, body)
        if answer.status != 200:
            raise self._refusal(answer)
        try:
            return decode(answer.content)
        except Malformed as exc:
            raise LinkLost(f"{self.where}: this is no answer of the service: {exc}") from exc

    def _refusal(self, answer: Answer) -> AgentError:
        kind, said = phone_service.refusal(answer.status, answer.content)
        quoted = f' (it says: "{self._http.masked(said)}")' if said else ""
        if answer.passing:
            return LinkLost(f"{self.where}: the telephone service answers {answer.status}{quoted}")
        if 300 <= answer.status < 400:
            text = f"answered with a redirection ({answer.status}), which is not followed;"
            return ServiceRefused(f"{self.where}: {text} check rest_url", answer.status, kind)
        number = f" with status {answer.status}" if kind == "other" else ""
        return ServiceRefused(
            f"{self.where}: {_MENDS[kind]}{number}{quoted}", answer.status, kind
        )


class ServiceRefused(PlatformRefused):
    """The telephone service said no; ``kind`` says which of its documented ones it is (T-30)."""

    def __init__(self, text: str, status: int, kind: Refused) -> None:
        super().__init__(text, status)
        self.kind = kind


def _nothing(_content: bytes) -> None:
    """``{"status":"ok"}``, or whatever else comes under status 200."""
