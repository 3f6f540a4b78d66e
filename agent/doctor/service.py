"""The service: whether systemd starts it, keeps it, and has what it needs for that."""

from __future__ import annotations

from collections.abc import Iterable

from agent.doctor.unit import Unit
from agent.doctor.visit import Visit
from agent.finding import Finding

_MANY = 3
_LOG = "journalctl -u cht-agent -n 50 tells why"
_START = "sudo systemctl enable --now cht-agent"
_STATUS = {
    2: ("its configuration is wrong", "mend what is told above; then sudo systemctl restart"
        " cht-agent"),
    203: ("its program is not there", "install it again"),
    216: ("a group of its unit does not exist", "sudo groupadd --system gpio, or the one that"
          f" {_LOG}"),
    217: ("its user does not exist", "install it again, or sudo systemd-sysusers"),
    226: ("a folder of its unit is not there", _LOG),
    243: ("a credential of its unit cannot be read", _LOG),
}  # fmt: skip


def service(visit: Visit) -> Iterable[Finding]:
    """Nothing where there is no unit."""
    unit = visit.machine.unit
    if unit is None:
        return
    if unit.config is not None and not visit.machine.serves(visit.path):
        yield Finding(
            "warning",
            f"the service uses {unit.config}, not {visit.path}",
            f"for what the service does: --config {unit.config}",
        )
    yield from _now(unit)
    if unit.enabled in ("disabled", "masked"):
        mend = "sudo systemctl unmask cht-agent; " if unit.enabled == "masked" else ""
        text = f"it is {unit.enabled}, so it does not start with the machine"
        yield Finding("warning", text, mend + _START)
    if unit.stale:
        mend = "sudo systemctl daemon-reload && sudo systemctl restart cht-agent"
        yield Finding("warning", "its unit was changed since systemd has read it", mend)
    if visit.machine.version_of("systemd-python") is None:
        mend = "sudo apt install python3-systemd (a virtual environment needs"
        text = "python3-systemd is missing, so systemd never hears that it is ready"
        yield Finding("error", text, f"{mend} --system-site-packages)")


def _now(unit: Unit) -> Iterable[Finding]:
    if unit.restarting or (unit.state == "activating" and unit.restarts >= _MANY):
        why, mend = _STATUS.get(unit.status, (f"it ends with {unit.status}", _LOG))
        text = f"it is started again and again ({unit.restarts} times): {why}"
        yield Finding("error", text, mend)
    elif unit.state == "failed":
        why, mend = _STATUS.get(unit.status, (unit.result, _LOG))
        yield Finding("error", f"it has failed: {why}", mend)
    elif unit.state == "inactive":
        yield Finding("warning", "it is not running", _START)
    elif unit.state == "active" and unit.restarts >= _MANY:
        text = f"it runs, but systemd has started it again {unit.restarts} times"
        yield Finding("warning", text, _LOG)
    elif unit.state == "active":
        yield Finding("good", "it runs")
