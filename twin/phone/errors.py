"""How the telephone service refuses a REST call, to the letter (T-30)."""

from __future__ import annotations

from collections.abc import Iterable


class TasError(Exception):
    """A refused call: the HTTP ``status`` and the ``message`` of the body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def body(self) -> dict[str, str]:
        """What goes out as JSON."""
        return {"status": "err", "msg": self.message}


def empty_app_name() -> TasError:
    return TasError(400, "appName cannot be empty")


def syntax_errors(errors: Iterable[str]) -> TasError:
    """All that is wrong with a body at once."""
    return TasError(400, error_list(errors))


def error_list(errors: Iterable[str]) -> str:
    return "syntax error list:\r\n" + "".join(f" - {error}\r\n" for error in errors)


def not_bound() -> TasError:
    return TasError(403, "no binding phone number for payment. Please visit IOT TAS (Telephone "
                         "Access Service) web site and binding a fixed phone number for payment")


def wrong_key() -> TasError:
    return TasError(403, "authentication error")


def too_many(most: int) -> TasError:
    return TasError(403, f"reach maximum rent count: {most}")


def not_yours(number: str) -> TasError:
    return TasError(403, f"you cannot access serviceNumber {number}")


def locked(number: str) -> TasError:
    return TasError(403, f"service number {number} is in locking status. Send PUT reg to unlock")


def no_numbers() -> TasError:
    return TasError(404, "no service number associates with the API-KEY. Check API-KEY or send "
                         "POST request to get a service number")


def no_such_number() -> TasError:
    return TasError(404, "service number not found")


def no_menu(number: str) -> TasError:
    return TasError(404, f"The data of serviceNumber {number} does not exist")
