import pytest

from agent.errors import AgentError
from tests.commands.daemon import Daemon


async def apply(peer, message):
    if message["id"] != "lamp":
        raise AgentError(f"no actuator {message['id']}; there is lamp")
    return message["cmd"]


@pytest.fixture
def daemon(tmp_path):
    with Daemon(tmp_path, {"set": apply}) as running:
        yield running


def test_the_new_state_is_printed(daemon):
    done = daemon.command("set", "lamp", "on")
    assert (done.returncode, done.stdout, done.stderr) == (0, "lamp: on\n", "")


def test_a_refusal_is_1_with_its_reason(daemon):
    done = daemon.command("set", "fan", "on")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "cht-agent: no actuator fan; there is lamp\n"


def test_without_a_daemon_nothing_can_be_set(daemon):
    daemon.stop()
    done = daemon.command("set", "lamp", "on")
    daemon.start()
    assert (done.returncode, done.stdout) == (3, "")
    assert "no daemon is running" in done.stderr
