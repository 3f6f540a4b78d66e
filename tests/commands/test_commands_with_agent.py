"""The commands beside the real daemon, which has no platform to talk to."""

import json

import pytest

from tests.support.agent import AgentProcess
from tests.support.waiting import wait_until

CONFIG = """
[platform]
host = "127.0.0.1"
port = 1
tls = false
device_id = "7432"
key = "env:TEST_KEY"
[hardware]
backend = "simulated"
[[sensor]]
id = "溫度"
driver = "dht22"
pin = 4
quantity = "temperature"
[[actuator]]
id = "lamp"
driver = "relay"
pin = 17
"""


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    config = tmp_path_factory.mktemp("agent") / "agent.toml"
    config.write_text(CONFIG)
    with AgentProcess(config, env={"TEST_KEY": "DK-test-5551234"}) as running:
        running.wait_for_log("ready")
        wait_until(running.status, 10, "the status")
        yield running


def test_status_tells_all_that_is_promised(agent):
    status = wait_until(
        lambda: (s := agent.status()) and s["sensors"][0]["reads"] and s, 15, "the first reading"
    )
    assert set(status) >= {
        "version", "uptime_s", "identity", "links", "clock", "sensors", "actuators", "delivery",
        "calls", "alarms",
    }  # fmt: skip
    assert status["identity"] == {"device_id": "7432", "source": "config"}
    assert set(status["links"]) == {"platform", "registry", "phone"}
    sensor, actuator = status["sensors"][0], status["actuators"][0]
    assert sensor["id"] == "溫度" and sensor["quality"] == "good" and sensor["unit"] == "°C"
    assert actuator["id"] == "lamp"
    assert "DK-test" not in json.dumps(status)
    text = agent.command("status").stdout
    assert "溫度" in text and "device 7432" in text


def test_set_moves_the_actuator_and_says_so(agent):
    for word in ("on", "off"):
        done = agent.command("set", "lamp", word)
        assert (done.returncode, done.stdout) == (0, f"lamp: {word}\n"), done.stderr
        assert agent.status()["actuators"][0]["state"] == word
    assert agent.status()["actuators"][0]["last_command"]["from"] == "local"


@pytest.mark.parametrize("words", [("lamp", "explode"), ("fan", "on")])
def test_a_refused_command_is_1_with_one_line(agent, words):
    done = agent.command("set", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1


def test_probe_reads_through_the_daemon(agent):
    done = agent.command("probe")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("溫度  ") and "°C" in done.stdout
    unknown = agent.command("probe", "nothing")
    assert unknown.returncode == 1 and "no sensor nothing" in unknown.stdout


def test_a_second_daemon_is_told_of_the_first(agent):
    done = agent.command("run")
    assert done.returncode == 1
    assert "another daemon is running" in done.stderr
    assert agent.status() is not None


def test_no_key_is_in_the_log(agent):
    assert "DK-test" not in agent.log
