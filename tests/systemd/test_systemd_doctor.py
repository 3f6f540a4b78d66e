"""``cht-agent doctor`` beside a real systemd: what it reads there, and what it makes of it."""

from __future__ import annotations

import json
from typing import Any

from tests.support.waiting import wait_until
from tests.systemd.bed import Machine
from tests.systemd.conftest import SIMULATED
from tests.systemd.machine import CONFIG

Findings = list[dict[str, Any]]


def doctor(machine: Machine, check: str, user: str = "root") -> Findings:
    """What that check finds."""
    done = machine.try_(f"setpriv --reuid={user} --clear-groups cht-agent doctor --json"
                        if user != "root" else "cht-agent doctor --json")  # fmt: skip
    return [one for one in json.loads(done.out)["findings"] if one["check"] == check]


def texts(found: Findings) -> list[str]:
    return [f"{one['severity']}: {one['text']}" for one in found]


def test_a_service_in_good_health(machine: Machine) -> None:
    for check, text in {
        "service": "good: it runs",
        "daemon": "good: the agent that runs has no complaints",
        "state": "good: /var/lib/cht-agent",
        "broker": "good: 127.0.0.1:1883 takes our key",
    }.items():
        assert texts(doctor(machine, check)) == [text]
    assert doctor(machine, "keys") == []
    assert texts(doctor(machine, "gpiozero"))[0].startswith("good: 2.")


def test_somebody_without_rights_is_told_what_could_not_be_looked_at(machine: Machine) -> None:
    assert "device-key cannot be read" in texts(doctor(machine, "identity", "nobody"))[0]
    assert texts(doctor(machine, "state", "nobody")) == [
        "skipped: /var/lib/cht-agent is the agent's alone: use sudo"]
    assert texts(doctor(machine, "broker", "nobody")) == ["skipped: without the key"]
    assert texts(doctor(machine, "service", "nobody")) == ["good: it runs"]


def test_a_wrong_configuration_and_a_loop_of_restarts(machine: Machine) -> None:
    machine.write(CONFIG, SIMULATED.replace("7432", "8"))
    assert texts(doctor(machine, "daemon")) == [
        f"warning: {CONFIG} was changed, and the agent that runs has not read it yet"]
    machine.write(CONFIG, SIMULATED.replace("load_average", "load"))
    assert not machine.try_("systemctl restart cht-agent")
    wait_until(lambda: machine.show("ActiveState") == "failed", 20, "it to give up")
    (found,) = doctor(machine, "service")
    assert found["text"] == "it has failed: its configuration is wrong"
    machine.configure(SIMULATED)
    machine.comes_up()
    machine.drop_in("ExecStart=\nExecStart=/bin/false --config /etc/cht-agent/agent.toml\n"
                    "Type=exec\nRestartSec=10")  # fmt: skip
    machine.try_("systemctl restart cht-agent")
    wait_until(lambda: machine.show("SubState") == "auto-restart", 20, "it to end")
    (found,) = doctor(machine, "service")
    assert found["severity"] == "error"
    assert found["text"].startswith("it is started again and again")
    assert found["text"].endswith("it ends with 1")
    machine.do("systemctl stop cht-agent && systemctl disable -q cht-agent")
    assert [text.partition(",")[0] for text in texts(doctor(machine, "service"))] == [
        "warning: it is not running", "warning: it is disabled"]


def test_what_the_unit_keeps_from_the_agent(machine: Machine) -> None:
    machine.write("/etc/credstore/mine", "DKanother\n", 0o644)
    machine.write(CONFIG, SIMULATED.replace("credential:device-key", "credential:mine"))
    assert texts(doctor(machine, "keys")) == [
        "error: [platform] key: the service is not handed the credential mine",
        "warning: [platform] key: every user of this machine can read /etc/credstore/mine"]
    machine.drop_in("LoadCredential=mine")
    machine.do("chmod 600 /etc/credstore/mine")
    assert doctor(machine, "keys") == [], "the mend did not mend it"
    machine.do(f"chown root: {CONFIG} && chmod 600 {CONFIG}")
    assert texts(doctor(machine, "keys")) == [f"error: cht-agent may not read {CONFIG}"]
    machine.do(f"chgrp cht-agent {CONFIG} && chmod 640 {CONFIG}")
    assert doctor(machine, "keys") == []
    machine.do("touch /var/lib/cht-agent/outbox.db && chmod 600 /var/lib/cht-agent/outbox.db")
    assert "may not write outbox.db" in texts(doctor(machine, "state"))[0]
    machine.do(doctor(machine, "state")[0]["mend"].removeprefix("sudo "))
    assert texts(doctor(machine, "state")) == ["good: /var/lib/cht-agent"]


def test_a_unit_changed_behind_systemds_back(machine: Machine) -> None:
    machine.do("echo Nice=1 >>$(systemctl show -p FragmentPath --value cht-agent)")
    assert texts(doctor(machine, "service"))[1:] == [
        "warning: its unit was changed since systemd has read it"]


def test_a_second_agent(machine: Machine) -> None:
    machine.write("/root/second.toml", SIMULATED + '    [service]\nstate_dir = "/root/s"\n'
                                                   'socket = "/root/s/agent.sock"\n')  # fmt: skip
    machine.do("systemd-run -q --unit=other cht-agent run --config /root/second.toml")
    wait_until(lambda: texts(doctor(machine, "rivals")), 20, "the second agent to be seen")
    assert texts(doctor(machine, "rivals"))[0].startswith("warning: 2 agents run here")
