"""The agent that runs: what it says of itself, and whether it is the one that is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent import __version__
from agent.doctor.visit import Visit
from agent.errors import AgentError, NotRunning
from agent.finding import Finding, Severity
from agent.protocol.times import format_time
from agent.service import client

_RUNS = re.compile(rb"(?:^|/)cht-agent\0run(?:\0|$)|\0-m\0agent\0run(?:\0|$)")


@dataclass(frozen=True)
class Daemon:
    """``status``: its status document."""

    status: Mapping[str, Any]


def daemon(visit: Visit) -> Iterable[Finding]:
    """Ask it, if there is one."""
    path = client.daemon_socket(visit.path, visit.machine.environ)
    try:
        visit.daemon = Daemon(client.request(path, {"op": "status"}))
    except client.NotAnswering as exc:
        yield Finding("error", str(exc))
    except NotRunning:
        yield Finding("skipped", "no agent is running here")
    except AgentError as exc:
        yield Finding("warning", str(exc))
    else:
        found = [*_is_meant(visit.daemon.status, visit.path), *says(visit.daemon.status)]
        yield from found
        if not found:
            yield Finding("good", "the agent that runs has no complaints")


def _is_meant(status: Mapping[str, Any], path: Path) -> Iterable[Finding]:
    if status["version"] != __version__:
        yield Finding(
            "warning",
            f"the agent that runs is {status['version']}, this is {__version__}",
            "sudo systemctl restart cht-agent",
        )
    loaded = status.get("configuration")
    if not isinstance(loaded, dict):
        return
    if Path(loaded["file"]).resolve() != path.resolve():
        yield Finding(
            "warning",
            f"the agent that runs uses {loaded['file']}, not {path}",
            f"for what it does: --config {loaded['file']}",
        )
        return
    try:
        written = format_time(datetime.fromtimestamp(path.stat().st_mtime, UTC))
    except OSError:
        return
    if loaded["written"] != written and status["reload_error"] is None:
        text = f"{path} was changed, and the agent that runs has not read it yet"
        yield Finding("warning", text, "sudo systemctl reload cht-agent")
    if loaded["restart"]:
        text = f"changed, but not in use before a restart: {', '.join(loaded['restart'])}"
        yield Finding("warning", text, "sudo systemctl restart cht-agent")


def says(status: Mapping[str, Any]) -> Iterable[Finding]:
    """What stands in a status document that somebody should do something about. Pure."""
    if status["reload_error"] is not None:
        text = f"the last reload was refused: {status['reload_error']}"
        yield Finding("error", text, "mend the configuration, then sudo systemctl reload cht-agent")
    for name, link in status["links"].items():
        if link["error"]:
            severity: Severity = "warning" if link["state"] == "up" else "error"
            text = f"its connection to the {name} is {link['state']}: {link['error']}"
            yield Finding(severity, text)
    for sensor in status["sensors"]:
        if sensor["quality"] == "fault":
            yield Finding("warning", f"sensor {sensor['id']}: {sensor['error']}")
    for actuator in status["actuators"]:
        if actuator["state"] == "unknown":
            mend = "journalctl -u cht-agent tells why"
            yield Finding("warning", f"actuator {actuator['id']}: its state is unknown", mend)
    delivery = status["delivery"]
    if delivery["dropped"]:
        mend = "cht-agent status and journalctl -u cht-agent tell why"
        yield Finding("warning", f"{delivery['dropped']} readings were dropped", mend)


def rivals(visit: Visit) -> Iterable[Finding]:
    """Several agents on one machine have one client id, and take the connection from each other."""
    found = []
    for folder in visit.machine.path("/proc").glob("[0-9]*"):
        try:
            if _RUNS.search((folder / "cmdline").read_bytes()):
                found.append(folder.name)
        except OSError:
            continue  # gone, or hidden from us
    if len(found) > 1:
        yield Finding(
            "warning",
            f"{len(found)} agents run here (processes {', '.join(sorted(found, key=int))}), and"
            " those of one serial number take the connection from each other",
            "stop all but one",
        )
