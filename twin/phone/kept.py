"""Rented numbers as JSON values, to outlive the program."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from twin.phone.accounts import Rental
from twin.phone.menu import read_menu


def kept(rental: Rental) -> dict[str, Any]:
    """All of it; the menu as it was uploaded."""
    return {
        "number": rental.number, "api_key": rental.api_key, "sn_key": rental.sn_key,
        "app_name": rental.app_name, "app_desc": rental.app_desc,
        "start": rental.start.isoformat(), "void": rental.void, "uploaded": rental.uploaded,
        "locked_at": rental.locked_at and rental.locked_at.isoformat(),
    }


def revived(content: Mapping[str, Any], menu_timeout: float) -> Rental:
    """The same number again. Raises KeyError, TypeError, ValueError or TasError when ``kept``
    did not write it."""
    locked_at, uploaded = content["locked_at"], content["uploaded"]
    return Rental(
        content["number"], content["api_key"], content["sn_key"], content["app_name"],
        content["app_desc"], datetime.fromisoformat(content["start"]),
        datetime.fromisoformat(locked_at) if locked_at else None, bool(content["void"]), uploaded,
        read_menu(uploaded["ivrData"], menu_timeout) if uploaded else None)
