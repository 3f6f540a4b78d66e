"""The systemd unit: the lines on which safety and recovery depend, and systemd's own judgement."""

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from agent.config.paths import plan_path

UNIT = Path(__file__).parents[2] / "systemd" / "cht-agent.service"


@pytest.fixture(scope="module")
def unit():
    """(section, key) → its values in order."""
    found, section = defaultdict(list), ""
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[section, key].append(value)
    return found


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        # A stuck loop is killed, a dead agent comes back for ever, a wrong configuration does not.
        ("Service", "Type", "notify"),
        ("Service", "WatchdogSec", "30"),
        ("Service", "Restart", "on-failure"),
        ("Service", "RestartPreventExitStatus", "2"),
        ("Unit", "StartLimitIntervalSec", "0"),
        ("Service", "TimeoutStopSec", "10"),
        ("Service", "ExecReload", "/bin/kill -HUP $MAINPID"),
        # An own user whose only way out is the GPIO chips and the network.
        ("Service", "User", "cht-agent"),
        ("Service", "SupplementaryGroups", "gpio"),
        ("Service", "StateDirectory", "cht-agent"),
        ("Service", "StateDirectoryMode", "0700"),
        ("Service", "RuntimeDirectory", "cht-agent"),
        ("Service", "RuntimeDirectoryMode", "0755"),
        ("Service", "DevicePolicy", "closed"),
        ("Service", "DeviceAllow", "char-gpiochip rw"),
        ("Service", "ProtectSystem", "strict"),
        ("Service", "NoNewPrivileges", "yes"),
        ("Service", "CapabilityBoundingSet", ""),
        ("Service", "RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
        ("Install", "WantedBy", "multi-user.target"),
    ],
)
def test_a_decisive_line(unit, section, key, value):
    assert unit[section, key] == [value]


def test_nothing_waits_for_the_network_or_the_time(unit):
    waits = " ".join(value for key in ("After", "Wants", "Requires", "BindsTo", "Requisite")
                     for value in unit["Unit", key])  # fmt: skip
    assert waits.split() == ["network.target"]


def test_the_outputs_are_made_safe_by_the_plan_the_agent_leaves(unit):
    (start,) = unit["Service", "ExecStart"]
    (after,) = unit["Service", "ExecStopPost"]
    interpreter, *arguments = after.split()
    assert Path(start.split()[0]).parent == Path(interpreter).parent
    plan = plan_path(Path("/elsewhere/agent.sock"), {"RUNTIME_DIRECTORY": "%t/cht-agent"})
    assert arguments == ["-m", "agent.hardware.safe_outputs", str(plan)]


def test_no_key_is_required_to_start(unit):
    names = unit["Service", "LoadCredential"]
    assert "device-key" in names
    # With a path after the name a missing file would keep the agent from starting.
    assert all(re.fullmatch(r"[a-z-]+", name) for name in names)


def test_what_the_agent_needs_is_not_taken_away(unit):
    # These would hide the GPIO group, the Pi's serial number, or the GPIO chips.
    for key in ("PrivateUsers", "ProcSubset", "PrivateDevices", "DynamicUser", "PrivateNetwork"):
        assert unit["Service", key] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_every_line(tmp_path):
    # Its programs are not installed where the tests run; all else must be in order.
    here = tmp_path / UNIT.name
    text = re.sub(r"/opt/cht-agent/bin/\S+", "/bin/true", UNIT.read_text(encoding="utf-8"))
    here.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(here)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert (done.returncode, complaints) == (0, [])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_it_stays_as_hard_as_it_is():
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=15", "--no-pager", str(UNIT)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.splitlines()[-1]
