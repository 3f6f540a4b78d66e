"""Keys, the last will's name, the clock; the service; the agent that runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent import __version__
from agent.config.model import Secret
from agent.doctor import daemon, keys, service, standing
from agent.identity.registry import Identity
from tests.doctor.rig import UID, Patient, told
from tests.support.waiting import wait_until

WHO = Identity("d7432", Secret("a-key-of-nobody"), "config")
PHONE = """
[phone]
api_key = "credential:tas-key"
sn_key = "credential:tas-sn"
service_number = "034240000"
"""


# --- keys ----------------------------------------------------------------------------------------


def test_good_keys(pi: Patient) -> None:
    assert told(keys.keys(pi.visit())) == []
    pi.serve()
    pi.configure("", 'device_id = "7432"\nkey = "credential:device-key"')
    pi.write("/etc/credstore/device-key", "a-key").chmod(0o600)
    assert told(keys.keys(pi.visit())) == []


def test_a_credential_that_everybody_can_read(pi: Patient) -> None:
    pi.configure("", 'device_id = "7432"\nkey = "credential:device-key"')
    file = pi.write("/etc/credstore/device-key", "a-key")
    file.chmod(0o644)
    assert told(keys.keys(pi.visit())) == [
        f"warning [platform] key: every user of this machine can read {file}:"
        f" sudo chmod 600 {file}"]


def test_an_identity_that_everybody_can_read(pi: Patient) -> None:
    file = pi.write("/var/lib/cht-agent/identity.json", "{}")
    file.chmod(0o644)
    pi.environ["STATE_DIRECTORY"] = str(pi.state)
    assert told(keys.keys(pi.visit())) == [
        f"warning every user of this machine can read {file}: sudo chmod 600 {file}"]


def test_a_credential_that_the_service_is_not_handed(pi: Patient) -> None:
    pi.configure(PHONE, 'device_id = "7432"\nkey = "credential:my-key"')
    pi.write("/etc/cht-agent/phone.toml", '[menu.main]\nsay = "您好。"\nkeys = { 1 = "end" }\n')
    assert told(keys.keys(pi.visit())) == [], "without the service nobody is handed anything"
    pi.serve()
    edit = "sudo systemctl edit cht-agent: [Service] LoadCredential={}; then restart it"
    assert told(keys.keys(pi.visit())) == [
        "error [platform] key: the service is not handed the credential my-key: "
        + edit.format("my-key"),
        "error [phone] sn_key: the service is not handed the credential tas-sn: "
        + edit.format("tas-sn")]
    pi.serve(DropInPaths="/etc/systemd/system/cht-agent.service.d/keys.conf")
    pi.write("/etc/systemd/system/cht-agent.service.d/keys.conf",
             "[Service]\nLoadCredential=my-key\nLoadCredential=tas-sn:/root/sn\n")
    assert told(keys.keys(pi.visit())) == []
    pi.write("/etc/systemd/system/cht-agent.service.d/keys.conf",
             "[Service]\nLoadCredential=\nLoadCredential=my-key\n")
    assert len(told(keys.keys(pi.visit()))) == 2, "an empty one takes back all before"


def test_a_contact_whose_number_the_service_is_not_handed(pi: Patient) -> None:
    contacts = '[contacts]\nann = "credential:ann-phone"\n[calls]\ndry_run = true\nenabled = '
    pi.serve()
    pi.configure(contacts + "false\n", 'device_id = "7432"\nkey = "credential:device-key"')
    assert told(keys.keys(pi.visit())) == []
    pi.configure(contacts + "true\n", 'device_id = "7432"\nkey = "credential:device-key"')
    assert told(keys.keys(pi.visit())) == [
        "error [contacts] ann: the service is not handed the credential ann-phone:"
        " sudo systemctl edit cht-agent: [Service] LoadCredential=ann-phone; then restart it"]


def test_a_file_that_the_service_cannot_read(pi: Patient) -> None:
    file = pi.root / "etc/cht-agent/device.key"
    file.chmod(0o000)
    assert told(keys.keys(pi.visit())) == [], "the check of the identity tells its own user"
    pi.serve()
    assert told(keys.keys(pi.visit())) == [
        f"error [platform] key: cht-agent may not read {file}: put it into /etc/credstore and say"
        " credential:NAME"]
    file.chmod(0o600)
    visit = pi.visit()
    pi.own(file.parent)
    file.parent.chmod(0o600)
    try:
        assert told(keys.keys(visit))[-1].startswith("error [platform] key: cht-agent may not")
    finally:
        file.parent.chmod(0o755)


def test_a_configuration_that_the_service_cannot_read(pi: Patient) -> None:
    pi.serve()
    visit = pi.visit()
    pi.own(pi.config)
    pi.config.chmod(0o000)
    try:
        assert told(keys.keys(visit)) == [
            f"error cht-agent may not read {pi.config}: sudo chgrp cht-agent {pi.config} && sudo"
            f" chmod 640 {pi.config}"]
    finally:
        pi.config.chmod(0o644)


def test_a_key_at_home(pi: Patient) -> None:
    home = pi.write("/home/pi/device.key", "a-key")
    pi.configure("", f'device_id = "7432"\nkey = "file:{home}"')
    pi.serve()
    assert "the service sees no home folders" in told(keys.keys(pi.visit()))[0]
    pi.serve(ProtectHome="no")
    pi.own(home)
    assert told(keys.keys(pi.visit())) == []


def test_a_variable_of_the_unit(pi: Patient) -> None:
    pi.configure("", 'device_id = "7432"\nkey = "env:DEVICE_KEY"')
    pi.serve()
    assert "the service has no variable DEVICE_KEY" in told(keys.keys(pi.visit()))[0]
    pi.serve(EnvironmentFiles="/etc/default/cht-agent (ignore_errors=yes)")
    assert told(keys.keys(pi.visit())) == []
    pi.serve(Environment='"DEVICE_KEY=a b" X=1')
    assert told(keys.keys(pi.visit()))[0].startswith(
        "warning [platform] key: every user of this machine can see a unit's Environment=DEVICE_K")


# --- last will and clock -------------------------------------------------------------------------


@pytest.mark.req("P-20")
@pytest.mark.req("P-29")
def test_the_name_of_the_last_will(pi: Patient) -> None:
    pi.configure('[last_will]\nname = "d7432"\n')
    visit = pi.visit()
    visit.identity = WHO
    assert told(standing.will(visit))[0].startswith("warning d7432 is the device's id, too")
    pi.configure('[last_will]\nname = "shed"\n')
    assert told(standing.will(pi.visit()))[0].startswith("warning shed is short: another device")
    pi.configure('[last_will]\nname = "shed100000001234abcd"\n')
    assert told(standing.will(pi.visit())) == ["good shed100000001234abcd"]
    pi.configure("")
    visit = pi.visit()
    visit.identity = WHO
    assert told(standing.will(visit))[0].startswith("good will")


def test_a_clock_that_was_never_set(pi: Patient) -> None:
    assert told(standing.clock(pi.visit()))[0].startswith("good 2")
    timesync = pi.root / "run/systemd/timesync"
    timesync.mkdir(parents=True)
    (line,) = told(standing.clock(pi.visit()))
    assert line.startswith("error this machine's clock is not set: it says 2")
    pi.configure('[clock]\ntrust = "always"\n')
    assert told(standing.clock(pi.visit()))[0].startswith("warning this machine's clock")
    (timesync / "synchronized").touch()
    assert told(standing.clock(pi.visit()))[0].startswith("good")


# --- the service ---------------------------------------------------------------------------------


def said(pi: Patient, **properties: str) -> list[str]:
    pi.serve(**properties)
    return told(service.service(pi.visit()))


def test_a_good_service(pi: Patient) -> None:
    assert told(service.service(pi.visit())) == [], "there is none"
    pi.shown = {"LoadState": "not-found", "ActiveState": "inactive"}
    assert told(service.service(pi.visit())) == []
    assert said(pi) == ["good it runs"]


@pytest.mark.parametrize(("properties", "line"), [
    ({"ActiveState": "inactive", "SubState": "dead"},
     "warning it is not running: sudo systemctl enable --now cht-agent"),
    ({"ActiveState": "failed", "ExecMainStatus": "2"},
     "error it has failed: its configuration is wrong: mend what is told above; then"),
    ({"ActiveState": "failed", "ExecMainStatus": "1", "Result": "watchdog"},
     "error it has failed: watchdog: journalctl -u cht-agent -n 50 tells why"),
    ({"ActiveState": "failed", "ExecMainStatus": "216"},
     "error it has failed: a group of its unit does not exist: sudo groupadd --system gpio"),
    ({"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "7",
      "ExecMainStatus": "1"},
     "error it is started again and again (7 times): it ends with 1: journalctl"),
    ({"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "1",
      "ExecMainStatus": "203"},
     "error it is started again and again (1 times): its program is not there: install it"),
    ({"NRestarts": "12"}, "warning it runs, but systemd has started it again 12 times"),
])  # fmt: skip
def test_a_service_that_does_not_run_well(
    pi: Patient, properties: dict[str, str], line: str
) -> None:
    (found,) = said(pi, **properties)
    assert found.startswith(line)


def test_a_service_that_is_switched_off(pi: Patient) -> None:
    assert said(pi, UnitFileState="disabled")[1:] == [
        "warning it is disabled, so it does not start with the machine: "
        "sudo systemctl enable --now cht-agent"]
    assert said(pi, UnitFileState="masked")[1].endswith(
        "sudo systemctl unmask cht-agent; sudo systemctl enable --now cht-agent")


def test_a_unit_that_systemd_has_not_read(pi: Patient) -> None:
    assert said(pi, NeedDaemonReload="yes")[1].startswith(
        "warning its unit was changed since systemd has read it: sudo systemctl daemon-reload")


def test_a_service_without_its_word_to_systemd(pi: Patient) -> None:
    del pi.libraries["systemd-python"]
    assert said(pi)[1].startswith("error python3-systemd is missing")


def test_another_configuration_than_the_services(pi: Patient) -> None:
    pi.serve()
    pi.config = pi.config.rename(pi.config.with_name("mine.toml"))
    assert told(service.service(pi.visit()))[0] == (
        f"warning the service uses /etc/cht-agent/agent.toml, not {pi.config}: for what the"
        " service does: --config /etc/cht-agent/agent.toml")


def test_accounts_of_the_machine(pi: Patient) -> None:
    pi.serve()
    user = pi.machine().agent(pi.config)
    assert user is not None
    assert (user.name, user.uid) == ("cht-agent", UID) and user.gids >= {990, os.getegid()}
    pi.serve(User="nobody-here")
    assert pi.machine().agent(pi.config) is None


# --- the agent that runs -------------------------------------------------------------------------


def status(**changes: Any) -> dict[str, Any]:
    link = {"state": "up", "error": None}
    return {
        "version": __version__, "links": {"platform": link}, "sensors": [], "actuators": [],
        "delivery": {"dropped": 0}, "reload_error": None} | changes


@pytest.mark.parametrize(("changes", "line"), [
    ({"links": {"platform": {"state": "refused", "error": "h:1: the broker refuses the key"}}},
     "error its connection to the platform is refused: h:1: the broker refuses the key"),
    ({"links": {"registry": {"state": "down", "error": "h:1: another client probably uses"}}},
     "error its connection to the registry is down: h:1: another client probably uses"),
    ({"links": {"platform": {"state": "up", "error": "subscription refused"}}},
     "warning its connection to the platform is up: subscription refused"),
    ({"sensors": [{"id": "air", "quality": "fault", "error": "no answer"}]},
     "warning sensor air: no answer"),
    ({"actuators": [{"id": "lamp", "state": "unknown"}]},
     "warning actuator lamp: its state is unknown: journalctl -u cht-agent tells why"),
    ({"delivery": {"dropped": 5}}, "warning 5 readings were dropped: cht-agent status and"),
    ({"reload_error": "line 3"}, "error the last reload was refused: line 3: mend the config"),
])  # fmt: skip
def test_what_an_agent_says_of_itself(changes: dict[str, Any], line: str) -> None:
    (found,) = told(daemon.says(status(**changes)))
    assert found.startswith(line)
    assert told(daemon.says(status())) == []


def test_no_agent(pi: Patient) -> None:
    pi.environ["RUNTIME_DIRECTORY"] = str(pi.root / "run")
    visit = pi.visit()
    assert told(daemon.daemon(visit)) == ["skipped no agent is running here"]
    assert visit.daemon is None


def test_an_agent_that_hangs(pi: Patient) -> None:
    pi.environ["RUNTIME_DIRECTORY"] = str(pi.root / "run")
    (pi.root / "run").mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(pi.root / "run/agent.sock"))
        listening.listen()
        (line,) = told(daemon.daemon(pi.visit()))
    assert line.startswith("error the daemon at ") and "it may be stuck" in line


RUN = "import sys, time; print(flush=True); time.sleep(60)"


def test_two_agents_on_one_machine(pi: Patient) -> None:
    pi.write("/proc/120/cmdline", "/usr/bin/cht-agent\0run\0--config\0/etc/a.toml\0")
    pi.write("/proc/77/cmdline", "/opt/venv/bin/python3\0/opt/venv/bin/cht-agent\0status\0")
    assert told(daemon.rivals(pi.visit())) == []
    pi.write("/proc/99/cmdline", "python3\0-m\0agent\0run\0--debug\0")
    (line,) = told(daemon.rivals(pi.visit()))
    assert line.startswith("warning 2 agents run here (processes 99, 120), and")


def test_a_real_process_is_recognised(pi: Patient) -> None:
    """As the kernel shows it: the name of the program, and each argument, ended by NUL."""
    with subprocess.Popen([sys.executable, "-c", RUN, "-m", "agent", "run"],
                          stdout=subprocess.PIPE) as one:
        cmdline = Path(f"/proc/{one.pid}/cmdline")
        wait_until(lambda: one.stdout and one.stdout.readline(), 20, "it to run")
        pi.write("/proc/1/cmdline", cmdline.read_text())
        pi.write("/proc/2/cmdline", cmdline.read_text())
        one.kill()
    assert len(told(daemon.rivals(pi.visit()))) == 1
