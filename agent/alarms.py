"""The alarms put together: what the configuration wants, the readings, and the telephone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from agent import reach
from agent.clock import Clock
from agent.config.alarm_reader import normal_number
from agent.config.model import Config
from agent.config.secrets import resolve
from agent.errors import ConfigError
from agent.phone.alarms.office import Alarms, Rules
from agent.phone.alarms.store import AlarmStore
from agent.phone.model import Seen
from agent.service import logs


def rules_of(config: Config, environ: Mapping[str, str]) -> Rules:
    """What may change by a reload. Raises ConfigError for a number that cannot be had.

    Numbers are fetched only where somebody may be phoned: no alarm fails for want of one.
    """
    phones = {}
    if config.calls.enabled:
        for name, ref in config.contacts.items():
            secret = resolve(ref, environ)
            number = normal_number(secret.reveal())
            if number is None:
                raise ConfigError(
                    f"the contact {name} is no phone number with its area code:"
                    " digits with a leading 0"
                )
            logs.redact([secret])
            phones[name] = number
    return Rules(config.alarms, config.calls, tuple(config.contacts), phones)


def alarms(
    config: Config,
    environ: Mapping[str, str],
    state: Path,
    clock: Clock,
    seen: Callable[[], Seen],
    ready: Callable[[], bool],
    on_state: Callable[[str, str], None],
) -> Alarms:
    """Watches nothing yet. Raises ConfigError and StorageError."""
    return Alarms(
        rules_of(config, environ),
        clock,
        AlarmStore(state),
        seen,
        _order(config, environ, clock),
        ready,
        on_state,
    )


def _order(
    config: Config, environ: Mapping[str, str], clock: Clock
) -> Callable[[str], str] | None:
    """Phones a number, led turn by turn over MQTT (T-14); None where there is no number to phone
    from."""
    phone = config.phone
    if phone is None or phone.service_number is None or phone.sn_key is None:
        return None
    service = reach.telephone(phone, resolve(phone.api_key, environ), clock.trusted)
    number = phone.service_number
    return lambda to: service.call(number, [to])
