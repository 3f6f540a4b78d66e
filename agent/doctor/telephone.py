"""The telephone: whether the service takes our key, and the number is ours and in service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from agent import reach
from agent.config.menus import PhoneConfig
from agent.config.secrets import resolve
from agent.doctor.visit import Visit, there
from agent.errors import AgentError
from agent.finding import Finding
from agent.service import logs

if TYPE_CHECKING:
    from agent.phone.service import PhoneService
    from agent.protocol.phone_service import ServiceNumber


def telephone(visit: Visit) -> Iterable[Finding]:
    """Ask the service with the configured key, as ``cht-agent phone numbers`` does (T-21)."""
    phone = there(there(visit.config).phone)
    try:
        key = resolve(phone.api_key, visit.machine.environ)
        service = reach.telephone(phone, key, visit.clock().trusted)
    except AgentError as exc:
        yield Finding("error", str(exc))
        return
    try:
        yield from _number(visit, phone, service.numbers())
        yield from _menu(visit, service)
    except AgentError as exc:
        yield Finding("error", str(exc))
    finally:
        service.close()


def _number(
    visit: Visit, phone: PhoneConfig, numbers: Iterable[ServiceNumber]
) -> Iterator[Finding]:
    """The configured number among those of the key (T-42), and its secret name (T-32)."""
    ours = {one.number: one for one in numbers}
    if phone.service_number is None:
        mend = f"set [phone] service_number; rented are {', '.join(ours)}"
        yield Finding("warning", "no service_number, so nobody can be phoned", mend)
        return
    number = ours.get(phone.service_number)
    if number is None:
        text = f"{phone.service_number} was not rented with this key"
        yield Finding("error", text, f"rented are {', '.join(ours)}")
        return
    if number.status == "Lock":
        text, mend = f"{number.number} is locked", "cht-agent phone restore brings it back"
        yield Finding("error", text, mend)
    elif number.status == "Abnormal":
        text = f"{number.number} is out of order, says the telephone service"
        yield Finding("error", text, "ask the service's operator")
    else:
        yield Finding("good", f"{number.number} is in service")
    if phone.sn_key is not None:
        try:
            given = resolve(phone.sn_key, visit.machine.environ)
        except AgentError as exc:
            yield Finding("error", str(exc))
            return
        logs.redact([given])
        if given.reveal().strip() != number.sn_key:
            mend = "cht-agent phone numbers --show-keys shows the right one"
            text = f"[phone] sn_key is not that of {number.number}, so no call reaches the agent"
            yield Finding("error", text, mend)


def _menu(visit: Visit, service: PhoneService) -> Iterator[Finding]:
    """Whether the service leads callers to the agent (T-25)."""
    from agent.phone import upload

    config = there(visit.config)
    number = there(config.phone).service_number
    if number is None or config.book is None:
        return
    there_now = service.menu(number)
    push = "cht-agent phone menu push"
    if there_now is None:
        yield Finding("error", f"no menu is set for {number}, so callers hear nothing", push)
    elif upload.difference(there_now, upload.nodes(config.book)):
        yield Finding("warning", f"the greeting of {number} is not that of the configuration", push)
