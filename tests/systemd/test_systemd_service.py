"""The service under a real systemd: what restarts it, what it may know, what it writes."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.waiting import wait_until
from tests.systemd.bed import Machine
from tests.systemd.conftest import KEY, SIMULATED, Packages
from tests.systemd.machine import CONFIG, UNIT

STATE = "/var/lib/cht-agent"
PLAN = "/run/cht-agent/safe_outputs.json"
HEAR = "timeout 15 mosquitto_sub -h 127.0.0.1 -C 1 -t /v1/device/7432/rawdata"
SECONDS_ONLINE = int(os.environ.get("CHT_WEAR_SECONDS", "60"))
LOOP_SLEEPS_AFTER_A_RELOAD = (
    "agent/app.py", "    async def _reload_when_asked(self) -> None:\n        while True:\n",
    "    async def _reload_when_asked(self) -> None:\n        import time\n        while True:\n"
    "            await self._reload.wait()\n            time.sleep(3600)\n",
)  # fmt: skip


def status(machine: Machine) -> dict[str, dict[str, object]]:
    document = json.loads(machine.do("cht-agent status --json"))
    assert isinstance(document, dict)
    return document


def goes_online(machine: Machine) -> None:
    machine.do("systemctl start mosquitto")
    wait_until(lambda: status(machine)["links"]["platform"]["state"] == "up",  # type: ignore[index]
               20, "the link")  # fmt: skip


def leave_telling_plan(machine: Machine) -> None:
    """A plan whose helper cannot but say that it ran: there is no such chip."""
    machine.write(PLAN, "[[9, 17, 0]]\n")


# --- readings and credentials ---------------------------------------------------------------------


def test_readings_reach_a_broker(machine: Machine) -> None:
    goes_online(machine)
    assert '"load"' in machine.do(HEAR)


def test_the_key_is_the_services_alone_and_is_told_nowhere(machine: Machine) -> None:
    goes_online(machine)
    pid = machine.pid()
    environment = machine.do(f"tr '\\0' '\\n' </proc/{pid}/environ").splitlines()
    folder = dict(line.split("=", 1) for line in environment)["CREDENTIALS_DIRECTORY"]
    as_service = f"nsenter --target {pid} --mount setpriv --reuid=cht-agent --clear-groups"
    assert machine.do(f"{as_service} cat {folder}/device-key") == KEY
    for user in ("nobody", "daemon"):
        as_other = f"nsenter --target {pid} --mount setpriv --reuid={user} --clear-groups"
        for place in (f"{folder}/device-key", "/etc/credstore/device-key"):
            assert "Permission denied" in machine.try_(f"{as_other} cat {place}").out
    # Nor may the service itself look where the others' keys are.
    assert "Permission denied" in machine.try_(f"{as_service} ls /etc/credstore").out

    told = machine.do(
        f"cat /proc/{pid}/environ /proc/{pid}/cmdline | tr '\\0' '\\n'; cht-agent status --json;"
        f" systemctl status {UNIT}; systemctl show {UNIT}; journalctl -q -o json --all"
    )
    assert KEY not in told and "ready: 1 sensors, 1 actuators" in told


def test_systemctl_status_says_how_it_is_in_a_sentence(machine: Machine) -> None:
    goes_online(machine)
    good = "Device 7432 is connected; its sensor is well; "
    wait_until(lambda: machine.show("StatusText").startswith(good), 20, "the sentence")
    assert f'Status: "{good}' in machine.do(f"systemctl status {UNIT}")
    machine.do("systemctl stop mosquitto")
    lost = "Device 7432 is not connected (127.0.0.1:1883: "
    wait_until(lambda: machine.show("StatusText").startswith(lost), 20, "the other sentence")


def test_the_journal_has_fields(machine: Machine) -> None:
    lines = machine.do(f"journalctl -q -o json -u {UNIT} SYSLOG_IDENTIFIER=cht-agent").splitlines()
    ready = next(entry for entry in map(json.loads, lines) if "ready:" in entry["MESSAGE"])
    assert (ready["PRIORITY"], ready["_SYSTEMD_UNIT"]) == ("6", UNIT)
    assert ready["LOGGER"] == "cht_agent.app" and int(ready["CODE_LINE"]) > 0


def test_what_a_sensor_says_is_found_by_its_name(machine: Machine) -> None:
    machine.write(CONFIG, SIMULATED + """
    [[sensor]]
    id = "gone"
    driver = "file"
    path = "/run/cht-agent/nothing"
    every = "1s"
    """)
    machine.do(f"systemctl reload {UNIT}")
    wait_until(lambda: machine.try_(f"journalctl -q -o cat -u {UNIT} SENSOR=gone").out, 20,
               "what the sensor says")
    assert "gone" in machine.do(f"journalctl -q -o cat -u {UNIT} SENSOR=gone")
    assert not machine.try_(f"journalctl -q -o cat -u {UNIT} SENSOR=nobody").out


# --- ends and restarts ----------------------------------------------------------------------------


def test_a_hang_is_ended_made_safe_and_restarted(machine: Machine) -> None:
    assert machine.show("WatchdogUSec") == "30s"
    machine.drop_in("WatchdogSec=2\nRestartSec=100ms")
    machine.do(f"systemctl restart {UNIT}")
    leave_telling_plan(machine)
    since, hung = machine.cursor(), machine.pid()
    machine.do(f"kill -STOP {hung}")
    machine.says("Watchdog timeout", since=since)
    machine.says("safe outputs: /dev/gpiochip9 does not exist", since=since)
    wait_until(lambda: machine.is_up() and machine.pid() not in (0, hung), 20, "a new process")
    assert machine.restarts() == 1


def test_without_its_watchdog_a_hang_would_last(machine: Machine) -> None:
    machine.drop_in("WatchdogSec=0")
    machine.do(f"systemctl restart {UNIT}")
    hung = machine.pid()
    machine.do(f"kill -STOP {hung}")
    time.sleep(4)  # twice what the test above allows
    assert machine.pid() == hung and machine.restarts() == 0
    machine.do(f"kill -KILL {hung}")


def test_a_loop_that_stands_still_is_a_hang(machine: Machine, build: Packages) -> None:
    """Threads that still run, and systemd's own idea of a living process, do not hide it."""
    assert machine.install(build("2.0", LOOP_SLEEPS_AFTER_A_RELOAD))
    machine.drop_in("WatchdogSec=2\nRestartSec=100ms")
    machine.do(f"systemctl restart {UNIT}")
    since, hung = machine.cursor(), machine.pid()
    machine.do(f"kill -HUP {hung}")
    machine.says("Watchdog timeout", since=since)
    wait_until(lambda: machine.is_up() and machine.pid() not in (0, hung), 20, "a new process")


def test_being_offline_is_none(machine: Machine) -> None:
    machine.drop_in("WatchdogSec=2")
    machine.do(f"systemctl stop mosquitto && systemctl restart {UNIT}")
    pid = machine.pid()
    assert status(machine)["links"]["platform"]["state"] != "up"  # type: ignore[index]
    time.sleep(6)  # thrice the time that a hang is given
    assert machine.pid() == pid and machine.restarts() == 0


def test_a_kill_is_made_safe_and_restarted(machine: Machine) -> None:
    assert machine.show("RestartUSec") == "5s"
    leave_telling_plan(machine)
    since, killed = machine.cursor(), machine.pid()
    machine.do(f"kill -KILL {killed}")
    machine.says("safe outputs: /dev/gpiochip9 does not exist", since=since, timeout=3)
    wait_until(lambda: machine.is_up() and machine.pid() not in (0, killed), 20, "a new process")
    assert machine.restarts() == 1


def test_a_wrong_configuration_is_not_tried_again(machine: Machine) -> None:
    machine.write(CONFIG, SIMULATED + "    [nonsense]\n")
    assert not machine.try_(f"systemctl restart {UNIT}")
    assert machine.show("ExecMainStatus") == "2"
    # "auto-restart" would stand here if systemd meant to come back to it.
    assert (machine.show("ActiveState"), machine.show("SubState")) == ("failed", "failed")
    assert "nonsense" in machine.journal()


def test_another_failure_is_tried_again(machine: Machine) -> None:
    machine.drop_in("ExecStart=\nExecStart=/bin/sh -c 'exit 1'")
    machine.try_(f"systemctl restart {UNIT}")
    assert machine.show("SubState") == "auto-restart"


def test_a_reload_takes_over_sensors_in_the_same_process(machine: Machine) -> None:
    pid, since = machine.pid(), machine.cursor()
    machine.write(CONFIG, SIMULATED + """
    [[sensor]]
    id = "disk"
    driver = "disk_usage"
    """)  # fmt: skip
    machine.do(f"systemctl reload {UNIT}")
    machine.says("reloaded: 2 sensors", since=since)
    machine.write(CONFIG, SIMULATED + "    [nonsense]\n")
    machine.do(f"systemctl reload {UNIT}")
    machine.says("reload refused, nothing has changed", since=since)
    assert machine.is_up() and machine.pid() == pid


# --- the card -------------------------------------------------------------------------------------


@pytest.fixture
def card(rootfs: Path) -> Iterator[Path]:
    """A folder on a real file system, where the kernel counts what is written."""
    with tempfile.TemporaryDirectory(dir=rootfs.parent, prefix="card.") as name:
        yield Path(name)


def test_a_read_only_root_with_a_state_folder_is_enough(
    start: Callable[..., Machine], card: Path
) -> None:
    machine = start("--read-only", f"--bind={card}:{STATE}", "--tmpfs=/tmp", "--tmpfs=/var/tmp")
    machine.do(f"chown cht-agent: {STATE} && systemctl restart {UNIT}")
    assert "Read-only file system" in machine.try_("touch /etc/cht-agent/x").out
    machine.do("mosquitto -d -p 1883")
    assert '"load"' in machine.do(HEAR)
    machine.do("pkill -x mosquitto")
    wait_until(lambda: int(str(status(machine)["delivery"]["on_disk"])) > 0, 30, "rows on disk")


def written(machine: Machine) -> int:
    """Bytes the agent has made the kernel write to a disk."""
    lines = machine.do(f"cat /proc/{machine.pid()}/io").splitlines()
    counts = dict(line.split(": ") for line in lines)
    return int(counts["write_bytes"])


TEN_SENSORS = SIMULATED + "".join(f"""
    [[sensor]]
    id = "load{number}"
    driver = "load_average"
    every = "1s"
    """ for number in range(2, 11))  # fmt: skip


def test_nothing_is_written_while_online(
    start: Callable[..., Machine], card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``make wear`` does this for ten minutes."""
    machine = start(f"--bind={card}:{STATE}")
    machine.write(CONFIG, TEN_SENSORS)
    machine.do(f"chown cht-agent: {STATE} && systemctl restart {UNIT}")
    goes_online(machine)

    def delivered(what: str) -> int:
        return int(str(status(machine)["delivery"][what]))

    wait_until(lambda: delivered("confirmed") > 30, 30, "readings")

    def state() -> str:
        return machine.do(f"find {STATE} -printf '%p %s %T@\\n' | sort")

    # What was kept while the broker was not there is forgotten first, which writes too.
    wait_until(lambda: delivered("on_disk") == 0, 20, "an empty outbox")
    time.sleep(2)
    before, files, lines = written(machine), state(), len(machine.journal())
    confirmed = delivered("confirmed")
    time.sleep(SECONDS_ONLINE)
    confirmed = delivered("confirmed") - confirmed
    with capsys.disabled():
        print(f"\ncard: {written(machine) - before} bytes, {confirmed} readings confirmed"
              f" in {SECONDS_ONLINE} s")  # fmt: skip
    assert confirmed > 10 * SECONDS_ONLINE * 0.8
    assert (written(machine) - before, state()) == (0, files)
    assert len(machine.journal()) == lines, "the log is not quiet"

    # The measure sees a write where there is one.
    machine.do("systemctl stop mosquitto")
    wait_until(lambda: written(machine) > before, 30, "readings on disk")
