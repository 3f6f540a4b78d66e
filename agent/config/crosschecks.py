"""What one key cannot tell alone: identity, ports, and files that should be there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agent.config.menus import PhoneConfig
from agent.config.model import PlatformConfig, SecretRef
from agent.config.problems import Findings, Place, quote
from agent.config.reader import Reader

PLAIN_PORT, TLS_PORT = 1883, 8883  # P-01
LONGEST_SOCKET = 107
"""Bytes in the path of a Unix socket, which the kernel limits (108 with the final zero)."""
_LOOPBACK = re.compile(r"http://(127\.[0-9.]+|localhost|\[::1\])(?![\w.-])")
_SOURCES = ("credential", "env", "file")


def check_sections(
    reader: Reader, sections: dict[str, dict[str, Any]], tables: Mapping[str, Any]
) -> None:
    """Report what does not fit together; fill in what follows from another key."""
    platform = sections["platform"]
    _check_identity(reader.findings, platform, sections["registry"], tables)
    _check_port(reader.findings, platform)
    _check_will_name(reader.findings, sections)
    _check_scenario(reader, sections["hardware"])
    _check_key_source(reader.findings, ("platform", "key"), platform.get("key"))
    _check_tls_and_rest(reader.findings, "platform", platform)
    if "phone" in tables:
        _check_phone(reader, sections["phone"])
    socket = sections["service"].get("socket")
    if socket is not None and len(bytes(socket)) > LONGEST_SOCKET:
        reader.findings.error(
            ("service", "socket"),
            f"is longer than {LONGEST_SOCKET} bytes in full: choose a shorter path",
        )


def _check_identity(
    findings: Findings,
    platform: Mapping[str, Any],
    registry: Mapping[str, Any],
    tables: Mapping[str, Any],
) -> None:
    raw = tables.get("platform", {})
    if not isinstance(raw, dict):
        return  # reported already
    given = [name for name in ("device_id", "key") if name in raw]
    if len(given) == 1:
        other = "key" if given == ["device_id"] else "device_id"
        findings.error(
            ("platform", given[0]),
            f"stands without {other}: give both, or neither to wait for the registry",
        )
    elif given and "registry" in tables:
        findings.warning(("registry",), "is not used: device_id and key are given in [platform]")
    elif not given and "registry" not in tables:
        findings.error(
            ("platform",),
            "nobody says who this device is: give device_id and key, or"
            " a [registry] with product_code",
        )


def _check_port(findings: Findings, platform: dict[str, Any]) -> None:
    tls = platform.get("tls", PlatformConfig.tls)
    port = platform.setdefault("port", TLS_PORT if tls else PLAIN_PORT)
    if tls and port == PLAIN_PORT:
        findings.warning(
            ("platform", "port"), f"{PLAIN_PORT} is the port without TLS, but tls is true"
        )
    if not tls and port == TLS_PORT:
        findings.warning(("platform", "port"), f"{TLS_PORT} is the port for TLS, but tls is false")


def _check_will_name(findings: Findings, sections: Mapping[str, Mapping[str, Any]]) -> None:
    registry = sections["registry"]
    name = registry.get("product_code", "") + registry.get("serial", "auto")
    if registry and len(name) < 4 and "name" not in sections["last_will"]:  # P-20
        findings.error(
            ("registry", "serial"),
            f"with product_code it makes {quote(name)}, too short for a last will"
            " (4 letters and digits): set [last_will] name",
        )


def _check_scenario(reader: Reader, hardware: dict[str, Any]) -> None:
    scenario = hardware.get("scenario")
    if scenario is None:
        return
    place = ("hardware", "scenario")
    if hardware.get("backend") == "pi":
        reader.findings.warning(place, 'is not used with backend = "pi"')
    if "/" in scenario or scenario.endswith(".toml"):
        path: Path = reader.base / scenario
        hardware["scenario"] = str(path)
        if not path.is_file():
            reader.findings.warning(place, f"there is no file {path}")


def _check_tls_and_rest(findings: Findings, name: str, section: Mapping[str, Any]) -> None:
    """What ``[platform]`` and ``[phone]`` have in common."""
    ca_file = section.get("ca_file")
    rest_url = section.get("rest_url", "")
    if rest_url.startswith("http:") and not _LOOPBACK.match(rest_url):
        findings.warning((name, "rest_url"), "sends the key unencrypted (http)")
    secure = section.get("tls", True) or rest_url.startswith("https:")
    if ca_file is not None and not secure:
        findings.warning((name, "ca_file"), "is not used with tls = false")
    elif ca_file is not None and not ca_file.is_file():
        findings.warning((name, "ca_file"), f"there is no file {ca_file}")


def _check_phone(reader: Reader, phone: dict[str, Any]) -> None:
    phone.setdefault("menus", reader.base / PhoneConfig.menus)
    if "host" in phone:  # a newer account's key must not go to the older host
        host = f"[{phone['host']}]" if ":" in phone["host"] else phone["host"]
        phone.setdefault("rest_url", f"https://{host}{urlsplit(PhoneConfig.rest_url).path}")
    for key in ("api_key", "sn_key"):
        _check_key_source(reader.findings, ("phone", key), phone.get(key))
    _check_tls_and_rest(reader.findings, "phone", phone)
    if not phone.get("tls", True) and not loopback(phone.get("host", PhoneConfig.host)):
        reader.findings.warning(
            ("phone", "tls"), "sends the key unencrypted, and the service speaks TLS only"
        )
    if "sn_key" not in phone:
        reader.findings.warning(
            ("phone", "sn_key"), "is missing, so no call is answered: it comes with a rented number"
        )


def loopback(host: str) -> bool:
    """A broker of this machine's own, for trying: no secret of anybody's."""
    return host.startswith(("127.", "localhost", "::1"))


def _check_key_source(findings: Findings, place: Place, key: object) -> None:
    """``credentials:x`` would be taken for a literal key, and be refused by the platform."""
    if isinstance(key, SecretRef) and key.source == "literal" and ":" in key.where:
        from difflib import get_close_matches

        near = get_close_matches(key.where.partition(":")[0].lower(), _SOURCES, n=1)
        if near:
            findings.warning(place, f"is taken for the key itself; did you mean {near[0]}:…?")
