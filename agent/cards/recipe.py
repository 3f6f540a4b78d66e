"""From a configuration and a card's values to a checked :class:`Card`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from string import Template
from typing import Any

from agent.cards.model import Card, Wifi
from agent.cards.overlays import buses, overlays
from agent.config import secrets
from agent.config import text as toml
from agent.config.load import inspect
from agent.config.model import Config, Secret, SecretRef
from agent.errors import ConfigError

_VALUE = re.compile(r"[A-Za-z0-9._@ :-]{1,64}")
_HOSTNAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_MAX_COMPANION = 1_000_000


@dataclass(frozen=True)
class Order:
    """What is wanted of one card. ``values`` fill the ``${…}`` of the configuration; ``keys``:
    credential name → where the key is (``file:PATH``, ``env:NAME``, or itself)."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    hostname: str | None = None
    wifi: Wifi | None = None


def prepare(config: Path, order: Order, environ: Mapping[str, str]) -> Card:
    """The card, once everything about it is found good. Raises ConfigError, one line a fault."""
    text = _filled(config, order)
    report = inspect(config, text=text)
    if report.config is None:
        raise ConfigError("\n".join(map(str, report.errors)))
    found = report.config
    folder = config.absolute().parent
    wrong = [*_not_for_a_card(config, found, order)]
    names = {ref.where for ref in _refs(found) if ref.source == "credential"}
    wrong += [
        f"{order.name}: the configuration wants credential:{name}: say where it is, with"
        f" --credential {name}=file:PATH or a column credential:{name}"
        for name in sorted(names - order.keys.keys())
    ]
    wrong += [
        f"{order.name}: nothing in {config} uses credential:{name}"
        for name in sorted(order.keys.keys() - names)
    ]
    companions: dict[str, bytes] = {}
    for path in _paths(found, folder):
        try:
            companions[path.relative_to(folder).as_posix()] = _companion(path)
        except ValueError:
            wrong.append(
                f"{path} lies outside the folder of {config}: put it beside the configuration,"
                " and it goes onto the card with it"
            )
        except OSError as exc:
            wrong.append(f"{path} cannot be read: {exc.strerror}")
    keys: dict[str, Secret] = {}
    for name, where in order.keys.items():
        try:
            keys[name] = secrets.resolve(secrets.parse_ref(where, Path()), environ)
        except ConfigError as exc:
            wrong.append(f"{order.name}: credential {name}: {exc}")
    if order.hostname is not None and not _HOSTNAME.fullmatch(order.hostname):
        wrong.append(f"{order.name}: the host name is 1 to 63 letters, digits and hyphens")
    if wrong:
        raise ConfigError("\n".join(wrong))
    return Card(
        order.name,
        text,
        keys,
        companions,
        order.hostname,
        order.wifi,
        overlays(found.sensors),
        buses(found.sensors),
    )


def warnings(config: Path, order: Order) -> tuple[str, ...]:
    """What ``check`` would warn of."""
    report = inspect(config, text=_filled(config, order))
    return tuple(map(str, report.warnings))


def _filled(config: Path, order: Order) -> str:
    """The configuration's text with the card's values in it. Left alone where there are none."""
    try:
        text = toml.read(config)
    except toml.BadText as exc:
        raise ConfigError("\n".join(map(str, exc.problems))) from exc
    if not order.values:
        return text
    for name, value in order.values.items():
        if not _VALUE.fullmatch(value):
            raise ConfigError(
                f"{order.name}: {name} is 1 to 64 letters, digits, blanks or ._@:-"
            )
    template = Template(text)
    unused = sorted(order.values.keys() - set(template.get_identifiers()))
    if unused:
        raise ConfigError(
            f'{config} has no place for {", ".join(unused)}: write "${{{unused[0]}}}" where'
            " it belongs"
        )
    try:
        return template.substitute(order.values)
    except KeyError as exc:
        raise ConfigError(f"{order.name}: no value for ${{{exc.args[0]}}} in {config}") from exc
    except ValueError as exc:
        raise ConfigError(f"{config}: {exc}: a plain $ is written $$ in a template") from exc


def _not_for_a_card(path: Path, config: Config, order: Order) -> list[str]:
    wrong = []
    if config.hardware.backend != "pi":
        wrong.append(f'{path}: [hardware] backend is "{config.hardware.backend}": a card is for a'
                     ' Pi, write "pi"')  # fmt: skip
    wrong += [
        f"{path}: {ref.source}: does not reach the Pi: use credential:NAME for every key"
        for ref in _refs(config)
        if ref.source in ("file", "env")
    ]
    # The hash of a PIN and the numbers of contacts may stand there: root and the agent read it.
    keys = [config.platform.key]
    keys += [config.phone.api_key, config.phone.sn_key] if config.phone else []
    if any(ref is not None and ref.source == "literal" for ref in keys):
        wrong.append(f"{path}: a key stands in the configuration itself: use credential:NAME")
    if config.service.state_dir is not None or config.service.socket is not None:
        wrong.append(f"{path}: [service] is the package's affair on a Pi: leave it out")
    if "serial" in order.values and "device_id" not in order.values and config.registry is None:
        wrong.append(f"{path}: the cards get a serial, but there is no [registry] that uses it")
    return wrong


def _refs(value: Any) -> list[SecretRef]:
    """Every reference to a secret, wherever it stands in the configuration."""
    return [item for item in _walk(value) if isinstance(item, SecretRef)]


def _paths(config: Config, folder: Path) -> list[Path]:
    """Every file of the operator's that the configuration names beside itself."""
    named = [item for item in _walk(config) if isinstance(item, Path) and item != config.path]
    # What a driver reads is a place on the Pi (/run/…, /sys/…), not a file to bring along.
    drivers = [item for sensor in config.sensors for item in _walk(sensor)]
    return sorted({path for path in named if path not in drivers})


def _walk(value: Any) -> list[Any]:
    if is_dataclass(value) and not isinstance(value, SecretRef | type):
        return [found for each in fields(value) for found in _walk(getattr(value, each.name))]
    if isinstance(value, Mapping):
        return [found for each in value.values() for found in _walk(each)]
    if isinstance(value, tuple | list):
        return [found for each in value for found in _walk(each)]
    return [value]


def _companion(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_MAX_COMPANION + 1)
    if len(content) > _MAX_COMPANION:
        raise ConfigError(f"{path} is larger than {_MAX_COMPANION} bytes: not a file of ours")
    return content
