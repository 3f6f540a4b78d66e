"""Who has a key, and who rents which number (T-20…T-23, T-31, T-42)."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from twin.phone import errors
from twin.phone.menu import Menu
from twin.phone.settings import LOCK_KEPT, NUMBERS_PER_ACCOUNT

_ALPHABET = string.ascii_letters + string.digits
_SN_KEY_LENGTH = 22


def token(rand: random.Random, length: int) -> str:
    """An opaque name of letters and digits."""
    return "".join(rand.choices(_ALPHABET, k=length))


@dataclass
class Rental:
    """A number somebody rents. ``void``: its account lost the landline it was paid by."""

    number: str
    api_key: str
    sn_key: str
    app_name: str
    app_desc: str
    start: datetime
    locked_at: datetime | None = None
    void: bool = False
    uploaded: dict[str, Any] | None = None
    menu: Menu | None = None

    @property
    def in_service(self) -> bool:
        return self.locked_at is None and not self.void

    @property
    def status(self) -> str:
        if self.void:
            return "Abnormal"
        return "Accessible" if self.locked_at is None else "Lock"

    def told(self) -> dict[str, Any]:
        """As GET lists it (T-21)."""
        return {"appName": self.app_name, "appDesc": self.app_desc,
                "serviceNumber": self.number, "SNKey": self.sn_key,
                "start": _seconds(self.start), "rentStatus": self.status}


@dataclass
class _Account:
    """One member: a landline that pays, or none, and any number of keys."""

    bound: bool
    keys: set[str] = field(default_factory=set)


class Accounts:
    """Every account with its keys and numbers. The methods raise TasError as T-30 says."""

    def __init__(self, first_number: str, rand: random.Random) -> None:
        self._next_number = first_number
        self._rand = rand
        self._accounts: dict[str, _Account] = {}
        self._rentals: dict[str, Rental] = {}

    @property
    def keys(self) -> list[str]:
        return list(self._accounts)

    def __iter__(self) -> Iterator[Rental]:
        return iter(self._rentals.values())

    def add(self, api_key: str, *, bound: bool) -> None:
        """An account of its own for this key, or a new state of the landline of the one it has.
        An unbound landline voids every number for good (T-42)."""
        account = self._accounts.setdefault(api_key, _Account(bound, {api_key}))
        account.bound = bound
        if not bound:
            for rental in self:
                rental.void = rental.void or rental.api_key in account.keys

    def add_key(self, api_key: str, beside: str) -> None:
        """Another key of the account that has the key ``beside``. Raises KeyError."""
        account = self._accounts[beside]
        account.keys.add(api_key)
        self._accounts[api_key] = account

    def rent(self, api_key: str, body: Any, now: datetime) -> Rental:
        account = self._paying(api_key)
        name, desc = _app(body)
        held = [rental for rental in self if rental.api_key in account.keys and not rental.void]
        if len(held) >= NUMBERS_PER_ACCOUNT:
            raise errors.too_many(NUMBERS_PER_ACCOUNT)
        number, self._next_number = self._next_number, _after(self._next_number)
        rental = Rental(number, api_key, token(self._rand, _SN_KEY_LENGTH), name, desc or "", now)
        self._rentals[number] = rental
        return rental

    def restore(self, rental: Rental) -> None:
        """A number rented in an earlier life. Raises ValueError when it is none, or taken."""
        if rental.number in self._rentals:
            raise ValueError(f"{rental.number} is rented twice")
        self._next_number = max(self._next_number, _after(rental.number))
        self._rentals[rental.number] = rental

    def of(self, api_key: str) -> list[Rental]:
        """The numbers this very key rented (T-31)."""
        found = [rental for rental in self if rental.api_key == api_key]
        if not found:
            raise errors.no_numbers()
        return found

    def rename(self, api_key: str, number: str, body: Any) -> None:
        """Rename it, and bring it back when it was locked."""
        rental = self._own(api_key, number)
        rental.app_name, desc = _app(body)
        rental.app_desc = rental.app_desc if desc is None else desc
        rental.locked_at = None

    def lock(self, api_key: str, number: str, now: datetime) -> None:
        rental = self._own(api_key, number)
        rental.locked_at = rental.locked_at or now

    def accessible(self, api_key: str, number: str) -> Rental:
        """The number, for its menu and its call-outs; not one that is void."""
        self._paying(api_key)
        rental = self._rentals.get(number)
        if rental is None or rental.api_key != api_key or rental.void:
            raise errors.not_yours(number)
        return rental

    def check_key(self, api_key: str) -> None:
        self._paying(api_key)

    def at_number(self, number: str) -> Rental | None:
        return self._rentals.get(number)

    def with_sn_key(self, sn_key: str) -> Rental | None:
        # One document shows an SNKey with a blank at its end.
        return next((rental for rental in self if rental.sn_key == sn_key.strip()), None)

    def next_expiry(self) -> datetime | None:
        """When the next locked number is gone for good."""
        return min((rental.locked_at + LOCK_KEPT for rental in self if rental.locked_at),
                   default=None)

    def expire(self, now: datetime) -> list[str]:
        """The numbers that are gone now."""
        gone = [rental.number for rental in self
                if rental.locked_at and rental.locked_at + LOCK_KEPT <= now]
        for number in gone:
            del self._rentals[number]
        return gone

    def _own(self, api_key: str, number: str) -> Rental:
        rental = self._rentals.get(number)
        if rental is None or rental.api_key != api_key:
            raise errors.no_such_number()
        return rental

    def _paying(self, api_key: str) -> _Account:
        account = self._accounts.get(api_key)
        if account is None:
            raise errors.wrong_key()
        if not account.bound:
            raise errors.not_bound()
        return account


def _app(body: Any) -> tuple[str, str | None]:
    fields: Mapping[str, Any] = body if isinstance(body, dict) else {}
    name, desc = fields.get("appName"), fields.get("appDesc")
    if not isinstance(name, str) or not name.strip():
        raise errors.empty_app_name()
    return name, desc if isinstance(desc, str) else None


def _after(number: str) -> str:
    found = re.fullmatch(r"(0)(\d+)", number, re.ASCII)
    if found is None:
        raise ValueError(f"{number!r} is no phone number: digits only, with a leading 0")
    return f"0{int(found[2]) + 1:0{len(found[2])}}"


def _seconds(at: datetime) -> str:
    """UTC without milliseconds, as REST writes times (T-43)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rented(rental: Rental) -> dict[str, Any]:
    """What POST answers (T-20)."""
    return {"serviceNumber": rental.number, "SNKey": rental.sn_key,
            "start": _seconds(rental.start)}
