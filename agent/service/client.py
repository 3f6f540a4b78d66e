"""Asks the running daemon. Blocking, so that a command need not load asyncio."""

from __future__ import annotations

import contextlib
import json
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.config.paths import socket_path
from agent.errors import AgentError, NotRunning


class NotAnswering(NotRunning):
    """A daemon is there, but says nothing: it hangs, or is just being stopped."""


class Refused(AgentError):
    """The daemon answered with an error; the text is its reason."""


def request(path: Path, message: Mapping[str, Any], timeout: float = 5.0) -> Any:
    """The daemon's answer to ``message`` at socket ``path``; ``timeout`` is seconds without a byte.

    Raises NotRunning when there is no daemon, NotAnswering when it stays silent, Refused.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(path))
        except PermissionError as exc:
            raise AgentError(f"{path} may not be opened: use sudo") from exc
        except OSError as exc:
            raise NotRunning(
                f"no daemon is running: nothing answers at {path}"
                " (sudo systemctl start cht-agent, or cht-agent run)"
            ) from exc
        try:
            # Who is too busy answers before it is asked, and hears nothing more.
            with contextlib.suppress(BrokenPipeError):
                connection.sendall(json.dumps(message).encode() + b"\n")
            with connection.makefile("rb") as lines:
                line = lines.readline()
        except TimeoutError as exc:
            raise NotAnswering(
                f"the daemon at {path} does not answer within {timeout:g} s: it may be stuck"
                " (journalctl -u cht-agent tells)"
            ) from exc
        except OSError as exc:
            raise NotAnswering(f"the daemon at {path} closed the connection: try again") from exc
    return _result(path, line)


def _result(path: Path, line: bytes) -> Any:
    if not line:
        raise NotAnswering(f"the daemon at {path} closed the connection: try again")
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and "ok" in answer:
        return answer["ok"]
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        raise Refused(answer["error"])
    raise AgentError(f"what answers at {path} is not this version's daemon: restart it")


def daemon_socket(config_file: Path, environ: Mapping[str, str]) -> Path:
    """Where the daemon of this configuration listens.

    Only ``[service] socket`` is looked at: who asks for the status need not be allowed to read a
    configuration that holds keys, and a fault in it must not hide a daemon that runs.
    """
    try:
        document = tomllib.loads(config_file.read_bytes().decode("utf-8-sig"))
        given = document["service"]["socket"]
    except (OSError, ValueError, KeyError, TypeError):
        given = None
    if isinstance(given, str) and given:
        return config_file.parent / given
    return socket_path(None, environ)
