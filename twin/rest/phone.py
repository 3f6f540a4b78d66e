"""The telephone service's calls: renting numbers, the menu, phoning people.

The rules are twin.phone's; here they get their paths. A key stands in the header ``X-API-KEY``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response, Security
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader

from twin.phone.effects import Effect
from twin.phone.telephone import Telephone
from twin.rest.operations import Fields, KeysChanged, Operation, add

BASE = "/apis/CHTIoT/phone-conn/v1"

Key = Annotated[str | None, Security(APIKeyHeader(
    name="X-API-KEY", scheme_name="Telephone", auto_error=False,
    description="The key of an account; a number belongs to the key that rented it."))]


def failure(_status: int, text: str) -> dict[str, str]:
    """The body of a failure (T-30)."""
    return {"status": "err", "msg": text}


class PhoneRest:
    """The handlers. ``emit`` takes what a call-out causes; ``keys_changed`` is told when a number
    was rented and so has topics of its own."""

    def __init__(self, telephone: Telephone, now: Callable[[], datetime],
                 emit: Callable[[list[Effect]], None], keys_changed: KeysChanged) -> None:
        self._telephone, self._now = telephone, now
        self._emit, self._keys_changed = emit, keys_changed

    def router(self) -> APIRouter:
        """All operations, under BASE."""
        router = APIRouter(prefix=BASE, tags=["Telephone"])
        for operation in self._operations():
            add(router, operation, failure)
        return router

    async def rent(self, body: Fields, key: Key = None) -> Response:
        """Rent a telephone number, three at most in one account. ``SNKey`` is its name on
        MQTT."""
        rented = self._telephone.rent(key or "", body, self._now())
        await self._keys_changed()
        return JSONResponse(rented)

    async def numbers(self, key: Key = None) -> Response:
        """Every number that was rented with this key, and the state it is in."""
        return JSONResponse(self._telephone.numbers(key or ""))

    async def rename(self, number: str, body: Fields, key: Key = None) -> Response:
        """Give a number another name and description; if it was locked, this unlocks it."""
        return JSONResponse(self._telephone.rename(key or "", number, body))

    async def lock(self, number: str, key: Key = None) -> Response:
        """Take a number out of service. It is kept for 30 days, in which a change of its name
        brings it back."""
        return JSONResponse(self._telephone.lock(key or "", number, self._now()))

    async def set_menu(self, body: Fields, key: Key = None) -> Response:
        """Replace what callers of a number hear: nodes, of which one is ``MAIN``, where a call
        begins. ``CUSTOM`` as the next node asks the application over MQTT, ``END`` hangs up."""
        return JSONResponse(self._telephone.set_menu(key or "", body))

    async def menu(self, number: str, key: Key = None) -> Response:
        """The menu of a number, as it was set."""
        return JSONResponse(self._telephone.menu(key or "", number))

    async def delete_menu(self, number: str, key: Key = None) -> Response:
        """Take the menu of a number away."""
        return JSONResponse(self._telephone.delete_menu(key or "", number))

    async def callout(self, body: Fields, key: Key = None) -> Response:
        """Phone people and read them a text; or, with ``MAIN`` and ``CUSTOM``, let the
        application lead the talk over MQTT. How it went with each of them is told there too."""
        answer, effects = self._telephone.callout(key or "", body, self._now())
        self._emit(effects)
        return JSONResponse(answer)

    def _operations(self) -> list[Operation]:
        number, menu = "/reg/{number}", "/phoneConfig/{number}"
        account = (_UNBOUND, _REFUSED)
        return [
            Operation("POST", "/reg", self.rent, "Rent a number", body=_NAMES, answer=_RENTED,
                      failures={400: (_NAMELESS,), 403: (*account, _THREE)}),
            Operation("GET", "/reg", self.numbers, "List the numbers",
                      answer=[{**_NAMES, **_RENTED, "rentStatus": "Accessible"}],
                      failures={404: (_NONE,)}),
            Operation("PUT", number, self.rename, "Rename or unlock a number", body=_NAMES,
                      answer=_OK, failures={400: (_NAMELESS,), 404: (_UNKNOWN,)}),
            Operation("DELETE", number, self.lock, "Lock a number", answer=_OK,
                      failures={404: (_UNKNOWN,)}),
            Operation("POST", "/phoneConfig", self.set_menu, "Set the menu", body=_MENU,
                      answer=_OK, failures={400: (_SYNTAX,), 403: (*account, _FOREIGN)}),
            Operation("GET", menu, self.menu, "Show the menu", answer=_MENU,
                      failures={403: (*account, _FOREIGN), 404: (_MENULESS,)}),
            Operation("DELETE", menu, self.delete_menu, "Delete the menu", answer=_OK,
                      failures={403: (*account, _FOREIGN)}),
            Operation("POST", "/callout", self.callout, "Phone people", body=_CALLOUT,
                      answer={**_OK, "groupId": "39ju39rdnkkw3f"},
                      failures={400: (_SYNTAX,), 403: (*account, _FOREIGN, _LOCKED)}),
        ]


_OK = {"status": "ok"}
_NUMBER = "034240000"
_NAMES = {"appName": "greenhouse", "appDesc": "warns when it freezes"}
_RENTED = {"serviceNumber": _NUMBER, "SNKey": "38JUGOPLQ7deRpLm14IltQ",
           "start": "2026-01-31T08:00:00Z"}
_MENU = {"serviceNumber": _NUMBER, "ivrData": [
    {"node": "MAIN", "text": "溫室二十一點五度，要再聽一次請按 1", "promptMode": "F",
     "collectDTMF": True, "DTMF": {"1": "MAIN", "2": "CUSTOM"}},
    {"node": "bye", "text": "再見", "nextNode": "END"},
]}
_CALLOUT = {"serviceNumber": _NUMBER, "phones": ["0900000000"],
            "ivrData": {"text": "溫室快要結冰了", "repeat": 2, "betweenTextRepeatDelay": 1}}

# How each failure begins or reads, for the page (T-30); the rules say it.
_NAMELESS = "appName cannot be empty"
_SYNTAX = "syntax error list:\r\n - missing 'serviceNumber'\r\n"
_UNBOUND = "no binding phone number for payment"
_REFUSED = "authentication error"
_THREE = "reach maximum rent count: 3"
_FOREIGN = f"you cannot access serviceNumber {_NUMBER}"
_LOCKED = f"service number {_NUMBER} is in locking status. Send PUT reg to unlock"
_NONE = "no service number associates with the API-KEY"
_UNKNOWN = "service number not found"
_MENULESS = f"The data of serviceNumber {_NUMBER} does not exist"
