"""Where the agent keeps its state and its socket (design, section 3).

The daemon and the commands look in the same order, so that they find each other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from agent.config.model import Config
from agent.errors import StorageError

STATE_DIR = Path("/var/lib/cht-agent")
RUNTIME_DIR = Path("/run/cht-agent")
SOCKET_NAME = "agent.sock"
PLAN_NAME = "safe_outputs.json"


def state_dir(
    config: Config | None,
    environ: Mapping[str, str],
    system: Path = STATE_DIR,
    *,
    serving: bool = True,
) -> Path:
    """``[service] state_dir``, else ``$STATE_DIRECTORY``, else ``system`` when we may write there,
    else ``$XDG_STATE_HOME/cht-agent``. The folder may not exist yet.

    Not ``serving``: a command asks, which wants to know what the daemon knows: ``system`` when it
    is there at all, as what is in it must not be overlooked for a lack of permission.
    """
    if config is not None and config.service.state_dir is not None:
        return config.service.state_dir
    if environ.get("STATE_DIRECTORY"):
        # systemd lists several folders with colons; ours names one.
        return Path(environ["STATE_DIRECTORY"].split(":")[0])
    if os.access(system, os.W_OK | os.X_OK) or (not serving and os.access(system, os.F_OK)):
        return system
    return _xdg_state(environ)


def socket_path(
    config: Config | None,
    environ: Mapping[str, str],
    system: Path = RUNTIME_DIR,
    *,
    serving: bool = False,
) -> Path:
    """``[service] socket``, else ``$RUNTIME_DIRECTORY/agent.sock``, else ``system``'s, else XDG's.

    ``serving``: the daemon asks, which must be able to create the socket; a command is content
    with one that is there, made by another user's daemon.
    """
    if config is not None and config.service.socket is not None:
        return config.service.socket
    if environ.get("RUNTIME_DIRECTORY"):
        return Path(environ["RUNTIME_DIRECTORY"].split(":")[0]) / SOCKET_NAME
    shared = system / SOCKET_NAME
    if os.access(system, os.W_OK | os.X_OK) or (not serving and os.access(shared, os.F_OK)):
        return shared
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime):
        return Path(runtime) / "cht-agent" / SOCKET_NAME
    return _xdg_state(environ) / SOCKET_NAME


def plan_path(socket: Path, environ: Mapping[str, str]) -> Path:
    """The safe-state plan: in systemd's runtime folder, where its helper looks wherever the
    ``socket`` is; beside that when no systemd started us."""
    runtime = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return (Path(runtime) if runtime else socket.parent) / PLAN_NAME


def usable(folder: Path) -> Path:
    """The folder, made if need be. Raises StorageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise StorageError(
            f"{folder} cannot be made ({exc.strerror}): set [service] state_dir and socket,"
            " or run as the service"
        ) from exc
    return folder


def _xdg_state(environ: Mapping[str, str]) -> Path:
    given = environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(given):  # the XDG rule: a relative path is ignored
        return Path(given) / "cht-agent"
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    return home / ".local" / "state" / "cht-agent"
