"""The package: install, upgrade, failed upgrade, remove and purge, on a fresh Debian."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.package import PROJECT, SOURCES
from tests.support.waiting import wait_until
from tests.systemd.bed import Machine
from tests.systemd.conftest import SIMULATED, Packages
from tests.systemd.machine import CONFIG, UNIT

HOME = "/usr/lib/cht-agent"
NOT_OURS = "proc|sys|run|dev|tmp|root|var/(log|tmp|cache|lib/(dpkg|apt|systemd|mosquitto))"
"""What changes on a machine whatever is installed."""
BREAKS_AT_START = ("agent/app.py", "\nlog =", '\nraise SystemExit("broken on purpose")\nlog =')
DIES_OF_ITS_FIRST_WORK = (
    "agent/app.py", "    async def _pulse(self)",
    "    async def _pulse(self) -> None:\n        await asyncio.sleep(1)\n        os._exit(1)\n\n"
    "    async def _old(self)",
)  # fmt: skip
NEVER_READY = ("agent/service/systemd.py", '"READY=1"', '"STATUS=never ready"')
ANOTHER_UNIT = ("systemd/cht-agent.service", "[Service]", "[Service]\nEnvironment=NEW=1")
REFUSES = ("agent/commands/check.py", "    report = inspect(args.config)",
           '    print("no such key any more")\n    return 2')  # fmt: skip


def version(machine: Machine) -> str:
    """Of the daemon that runs."""
    return str(json.loads(machine.do("cht-agent status --json"))["version"])


def files(machine: Machine) -> set[str]:
    return set(machine.do(f"find / -xdev -regextype egrep -regex '/({NOT_OURS})' -prune"
                          " -o -print", timeout=60).splitlines())  # fmt: skip


def dpkg_status(machine: Machine) -> str:
    return machine.try_("dpkg-query --show --showformat='${Status}' cht-agent").out.strip()


# --- install --------------------------------------------------------------------------------------


def test_it_installs_without_compiler_pip_or_network(bare: Machine, package: Path) -> None:
    for tool in ("gcc", "pip", "pip3"):
        assert not bare.try_(f"command -v {tool}")
    assert not bare.try_("ping -c1 -W1 1.1.1.1 || ip route | grep default")
    done = bare.install(package)
    assert done, done.out
    assert dpkg_status(bare) == "install ok installed"
    assert bare.do("setpriv --reuid=nobody --clear-groups cht-agent --version") == "cht-agent 1.0"
    assert bare.do(f"systemctl is-enabled {UNIT}") == "enabled"
    assert bare.do("stat -c '%a %U' /etc/credstore") == "700 root"
    assert bare.do("id -nG cht-agent").split() == ["cht-agent", "gpio"]
    assert bare.do(f"find {HOME}/current/ -name '*.cpython-*.pyc' -path '*/agent/*'")
    assert "dtoverlay=dht11" in done.out


def test_the_first_configuration_has_no_pin_and_waits_in_the_registry(
    bare: Machine, package: Path
) -> None:
    bare.install(package)
    assert "good: 0 sensors, 0 actuators, identity from the registry, backend pi" in bare.do(
        "cht-agent check"
    )
    # A container has no GPIO chip; nobody asks for a pin, so nobody misses it.
    wait_until(lambda: "registry" in bare.show("StatusText"), 20, "a status")
    told = bare.do(f"systemctl status --no-pager {UNIT}")
    assert 'Status: "Waiting in the registry for an identity' in told
    assert "Edge agent for the CHT IoT platform" in told
    assert json.loads(bare.do("cat /run/cht-agent/safe_outputs.json")) == []


def test_what_the_system_or_the_caller_has_does_not_shadow_our_libraries(machine: Machine) -> None:
    system = ("/usr/lib/python3/dist-packages", "/usr/local/lib/python3/dist-packages")
    for folder in (*system, "/evil"):
        for name in ("paho", "tenacity", "gpiozero", "agent"):
            machine.write(f"{folder}/{name}/__init__.py", "raise SystemExit('shadowed')\n")
    machine.do(f"systemctl restart {UNIT}")
    machine.do("cd /evil && PYTHONPATH=/evil cht-agent check && PYTHONPATH=/evil cht-agent status")


def test_one_that_cannot_start_yet_installs_and_says_so(bare: Machine, package: Path) -> None:
    bare.do("umount /sys/firmware")  # no Pi any more: it has no serial number
    done = bare.install(package)
    assert done and "cannot start yet" in done.out
    assert "this machine has no serial number of its own" in bare.journal()


def test_it_installs_by_hand_too(bare: Machine) -> None:
    # Put in from outside, as this machine has no network: the project, and the locked wheels.
    wheels = subprocess.run(
        [str(PROJECT / "packaging" / "wheels")], stdout=subprocess.PIPE, text=True, check=True,
        env={**os.environ, "PYTHON": sys.executable},
    )  # fmt: skip
    shutil.copytree(wheels.stdout.strip(), bare.root / "srv" / "wheels")
    for name in (*SOURCES, "twin", "pyproject.toml", "README.md", "LICENSE"):
        (shutil.copytree if (PROJECT / name).is_dir() else shutil.copy)(
            PROJECT / name, bare.root / "srv" / name
        )
    clean = files(bare)
    bare.write(CONFIG, SIMULATED)
    bare.write("/etc/credstore/device-key", "DK1\n", 0o600)
    install = "PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/wheels /srv/packaging/install"
    told = bare.do(install, timeout=120)
    assert 'Status: "Device 7432' in told
    assert "/opt/cht-agent/bin/python3" in bare.do(f"tr '\\0' ' ' </proc/{bare.pid()}/cmdline")
    assert bare.do("setpriv --reuid=nobody --clear-groups cht-agent status")
    first = bare.pid()
    bare.do(install, timeout=120)  # again: an upgrade
    assert bare.is_up() and bare.pid() != first

    for command in removal_by_hand():
        bare.do(command)
    folders = {"/etc/credstore", "/etc/sysusers.d"}  # the system's, which were not there before
    assert files(bare) - clean - folders == {"/etc/credstore/device-key"}
    assert bare.show("LoadState") == "not-found"


def removal_by_hand() -> list[str]:
    """The commands that the manual names, those for configuration and state as well."""
    manual = (PROJECT / "docs" / "install.md").read_text(encoding="utf-8")
    section = manual.partition("To remove it:")[2].partition("\n## ")[0]
    commands = re.findall(r"^sudo (.+)$|`sudo ([^`]+)`", section, re.M)
    assert len(commands) == 5
    return [block or inline for block, inline in commands]


# --- upgrade --------------------------------------------------------------------------------------


def test_an_upgrade_keeps_configuration_and_state(machine: Machine, build: Packages) -> None:
    machine.write("/var/lib/cht-agent/kept", "state\n")
    machine.write(CONFIG, SIMULATED + "# mine\n")
    before = machine.pid()
    done = machine.install(build("2.0", ANOTHER_UNIT))
    assert done, done.out
    assert version(machine) == "2.0" and machine.pid() != before
    assert "NEW=1" in machine.show("Environment")
    assert machine.do("cat /var/lib/cht-agent/kept") == "state"
    assert machine.do(f"tail -n1 {CONFIG}").strip() == "# mine"
    assert machine.do(f"ls {HOME} {HOME}/versions").split() == [
        f"{HOME}:", "current", "versions", f"{HOME}/versions:", "2.0",
    ]  # fmt: skip
    assert "is not empty" not in done.out and "not empty" not in done.out


def test_what_was_stopped_and_disabled_stays_so(machine: Machine, build: Packages) -> None:
    machine.do(f"systemctl disable --now {UNIT}")
    assert machine.install(build("2.0"))
    assert machine.try_(f"systemctl is-enabled {UNIT}").out.strip() == "disabled"
    assert machine.show("ActiveState") == "inactive"
    assert machine.do("cht-agent --version") == "cht-agent 2.0"


def test_a_configuration_the_new_version_refuses_does_not_even_stop_the_old_one(
    machine: Machine, build: Packages
) -> None:
    before = machine.pid()
    done = machine.install(build("2.0", REFUSES, ANOTHER_UNIT))
    assert not done and "does not accept /etc/cht-agent/agent.toml" in done.out
    assert dpkg_status(machine) == "install ok half-configured"
    assert machine.pid() == before and version(machine) == "1.0"
    # What it has not imported yet is still there for it, and it comes back after a restart.
    machine.do(f"systemctl reload {UNIT}")
    machine.do(f"systemctl restart {UNIT}")
    assert version(machine) == "1.0"


@pytest.mark.parametrize("fault", [
    pytest.param(BREAKS_AT_START, id="ends-at-start"),
    pytest.param(DIES_OF_ITS_FIRST_WORK, id="dies-once-ready"),
    pytest.param(NEVER_READY, id="never-ready"),
])  # fmt: skip
def test_a_version_that_does_not_become_ready_is_taken_back(
    machine: Machine, build: Packages, fault: tuple[str, str, str]
) -> None:
    machine.drop_in("TimeoutStartSec=5")
    unit = machine.do(f"cat /usr/lib/systemd/system/{UNIT}")
    done = machine.install(build("2.0", fault, ANOTHER_UNIT))
    assert not done and "version 2.0 did not become ready" in done.out
    assert dpkg_status(machine) == "install ok half-configured"
    assert version(machine) == "1.0"
    assert machine.do(f"cat /usr/lib/systemd/system/{UNIT}") == unit
    assert machine.do("cht-agent --version") == "cht-agent 1.0"


def test_after_a_failed_upgrade_a_mended_version_installs_and_a_purge_leaves_nothing(
    bare: Machine, package: Path, build: Packages
) -> None:
    clean = files(bare)
    bare.write("/etc/credstore/device-key", "DK1\n", 0o600)
    bare.install(package)
    bare.configure(SIMULATED)
    for _ in range(2):  # again, too: what is set aside is not overwritten by what failed
        assert not bare.install(build("2.0", BREAKS_AT_START))
        assert version(bare) == "1.0"
    done = bare.install(build("2.1"))
    assert done, done.out
    assert version(bare) == "2.1"
    assert not bare.install(build("3.0", BREAKS_AT_START))
    bare.do("apt-get -q purge -y cht-agent")
    assert files(bare) - clean - {"/etc/credstore"} == {"/etc/credstore/device-key"}


# --- removal --------------------------------------------------------------------------------------


def test_remove_keeps_configuration_and_state_and_purge_leaves_nothing(
    bare: Machine, package: Path
) -> None:
    clean = files(bare)
    bare.install(package)
    bare.write("/etc/credstore/device-key", "DK1\n", 0o600)
    bare.configure(SIMULATED)
    bare.comes_up()
    assert files(bare) > clean, "the comparison sees nothing"

    bare.do("apt-get -q remove -y cht-agent")
    assert bare.show("LoadState") == "not-found"
    assert not bare.try_("pgrep -f '[a]gent run'")
    left = files(bare) - clean
    assert {CONFIG, "/var/lib/cht-agent"} < left
    assert not [path for path in left if path.startswith(("/usr", "/lib", "/run"))]

    told = bare.do("apt-get -q purge -y cht-agent")
    assert "/etc/credstore/device-key is still there" in told
    bare.do("rm /etc/credstore/device-key && rmdir /etc/credstore || true")
    assert files(bare) - clean - {"/etc/credstore"} == set()
    assert not bare.try_("getent passwd cht-agent || getent group cht-agent")
    assert bare.show("LoadState") == "not-found"
