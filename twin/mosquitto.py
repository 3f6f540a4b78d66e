"""mosquitto's configuration, from a few options: what the platform is known for, and faults.

Passwords (P-03), TLS (P-01), the silent loss of large payloads (P-04), and subscriptions that
are refused, for which mosquitto needs its dynamic security plugin.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
ADMIN = "admin"
PLUGIN = "mosquitto_dynamic_security.so"
_SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin")


class BrokerError(Exception):
    """mosquitto is missing, or did not start; one line that says why and how to mend it."""


class PortTaken(BrokerError):
    """Another program listens on the port."""


@dataclass(frozen=True)
class Listener:
    """One listening port on loopback. ``port`` 0: a free one. With ``cert`` and ``key``: TLS."""

    port: int = 0
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class Role:
    """What a user may do under the dynamic security plugin: topic filters, nothing by default.

    A SUBSCRIBE outside ``subscribe`` is answered with 128; a PUBLISH outside ``publish``
    vanishes, as MQTT 3.1.1 has no word to refuse it at QoS 0. What ``deny`` matches may neither
    be sent nor subscribed to, and does not arrive through a wider subscription.
    """

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def acls(self) -> list[dict[str, Any]]:
        """The same in the plugin's words."""
        found = [_acl("publishClientSend", topic) for topic in self.publish]
        found += [_acl("subscribePattern", topic) for topic in self.subscribe]
        found += [_acl(kind, topic, allow=False) for topic in self.deny
                  for kind in ("publishClientSend", "subscribePattern", "publishClientReceive")]
        return found


def _acl(kind: str, topic: str, *, allow: bool = True) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "allow": allow, "priority": 0 if allow else 1}


EVERYTHING = Role(publish=("#",), subscribe=("#",))


@dataclass(frozen=True)
class BrokerOptions:
    """How the broker behaves.

    ``address``: where it listens; empty means on every address of this machine.
    ``users``: name → password; empty means that anybody may connect. ``roles``: name → role of
    those users, which switches the dynamic security plugin on (every user needs one then).
    ``admin``: the password of a user ``admin`` who may do everything and change users and roles
    at run time over ``$CONTROL/dynamic-security/v1``; it switches the plugin on too.
    ``message_size_limit``: bytes of payload above which a message vanishes without a word;
    ``max_packet_size``: bytes of packet above which the client is disconnected.
    """

    listeners: tuple[Listener, ...] = (Listener(),)
    address: str = HOST
    users: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    admin: str = ""
    message_size_limit: int | None = None
    max_packet_size: int | None = None


def configuration(options: BrokerOptions, ports: tuple[int, ...], folder: Path) -> str:
    """The text of mosquitto.conf; writes the password or plugin file it names into ``folder``."""
    lines = [
        "per_listener_settings false",
        "persistence false",
        "set_tcp_nodelay true",
        "log_dest stderr",
        "log_type all",
        f"allow_anonymous {'false' if options.users or options.admin else 'true'}",
    ]
    if os.geteuid() == 0:
        # Started by root it would become user mosquitto, who may not read our folder.
        lines.append("user root")
    if options.message_size_limit is not None:
        lines.append(f"message_size_limit {options.message_size_limit}")
    if options.max_packet_size is not None:
        lines.append(f"max_packet_size {options.max_packet_size}")
    if options.roles or options.admin:
        lines.append(f"plugin {_plugin()}")
        lines.append(f"plugin_opt_config_file {_dynamic_security(options, folder)}")
    elif options.users:
        lines.append(f"password_file {_password_file(options.users, folder)}")
    for listener, port in zip(options.listeners, ports, strict=True):
        lines.append(f"listener {port} {options.address}".rstrip())
        if listener.cert and listener.key:
            lines += [f"certfile {listener.cert}", f"keyfile {listener.key}"]
    return "\n".join([*lines, ""])


def _password_file(users: Mapping[str, str], folder: Path) -> Path:
    path = folder / "passwords"
    with _private(path) as file:
        file.write("".join(f"{name}:{password}\n" for name, password in users.items()))
    _run([program("mosquitto_passwd"), "-U", str(path)])
    return path


def _dynamic_security(options: BrokerOptions, folder: Path) -> Path:
    """The plugin's file: begun by mosquitto_ctrl, completed with our users and roles."""
    path = folder / "dynamic-security.json"
    path.unlink(missing_ok=True)
    _run([program("mosquitto_ctrl"), "dynsec", "init", str(path), ADMIN, secrets.token_hex(16)])
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for name, password in options.users.items():
        content["clients"].append(_user(name, password))
        role = options.roles.get(name, Role())
        content["roles"].append({"rolename": name, "acls": role.acls()})
    if options.admin:
        # Not by the command above, whose words every user of this machine can read.
        content["clients"][0] |= _user(ADMIN, options.admin)
        content["roles"][0]["acls"] += EVERYTHING.acls()
    with _private(path) as file:
        json.dump(content, file)
    return path


def _user(name: str, password: str) -> dict[str, Any]:
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return {"username": name, "password": base64.b64encode(digest).decode(),
            "salt": base64.b64encode(salt).decode(), "iterations": 101,
            "roles": [{"rolename": name}]}


@contextmanager
def _private(path: Path) -> Iterator[Any]:
    """The file opened for writing, readable by its owner alone from its first moment."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        yield file


def program(name: str, path: str | None = None) -> str:
    """One of mosquitto's programs, looked for in ``path``: by default $PATH, and sbin, which a
    plain user's PATH leaves out on Debian. Raises BrokerError."""
    if path is None:
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SBIN])
    found = shutil.which(name, path=path)
    if found is None:
        raise BrokerError(f"{name} is not installed: sudo apt install mosquitto")
    return found


def _plugin() -> Path:
    for folder in ("/usr/lib", "/usr/local/lib"):
        for found in (*Path(folder).glob(PLUGIN), *Path(folder).glob(f"*/{PLUGIN}")):
            return found
    raise BrokerError(f"{PLUGIN} is not installed: sudo apt install mosquitto (2.0 or later)")


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 (fixed programs, no shell)
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        reason = said[-1] if said else f"exit status {done.returncode}"
        raise BrokerError(f"{Path(command[0]).name} failed: {reason}")
