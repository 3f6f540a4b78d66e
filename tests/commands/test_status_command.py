import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from agent.commands import status
from agent.errors import NotRunning
from agent.service.client import daemon_socket
from tests.commands.daemon import Daemon

DOCUMENT = {
    "version": "0.1.0", "uptime_s": 5.0, "identity": {"device_id": "7432", "source": "config"},
    "sensors": [{"id": "溫度", "values": ["25.3"], "unit": "°C", "age_s": 3.2, "quality": "good"}],
}  # fmt: skip


async def answer(peer, message):
    return DOCUMENT


@pytest.fixture
def daemon(tmp_path):
    with Daemon(tmp_path, {"status": answer}) as running:
        yield running


def test_json_is_the_document_itself(daemon):
    done = daemon.command("status", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == DOCUMENT
    assert "溫度" in done.stdout


def test_without_json_a_person_can_read_it(daemon):
    done = daemon.command("status")
    assert (done.returncode, done.stderr) == (0, "")
    assert "device 7432 (from the configuration)" in done.stdout
    assert re.search(r"^溫度 +25\.3 °C +3 s ago +good", done.stdout, re.MULTILINE)
    assert "\x1b" not in done.stdout


def test_a_configuration_that_is_broken_or_unreadable_hides_no_daemon(daemon):
    text = daemon.config.read_text()
    daemon.config.write_text(text + '[hardware]\nbackend = "neither"\n')
    assert daemon.command("status", "--json").returncode == 0
    daemon.config.unlink()
    done = subprocess.run(
        [sys.executable, "-m", "agent", "status", "--json", "--config", str(daemon.config)],
        env={**os.environ, "RUNTIME_DIRECTORY": str(daemon.socket.parent)},
        capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0


def test_a_relative_socket_is_relative_to_the_configuration(tmp_path):
    config = tmp_path / "agent.toml"
    config.write_text('\ufeff[service]\nsocket = "run/agent.sock"\n', encoding="utf-8")
    assert daemon_socket(config, {}) == tmp_path / "run" / "agent.sock"
    config.write_text("not toml at all")
    assert daemon_socket(config, {"RUNTIME_DIRECTORY": "/r"}).as_posix() == "/r/agent.sock"


def test_watch_shows_one_document_a_line_until_ctrl_c(daemon):
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "status", "--watch", "--json",
         "--config", str(daemon.config)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    frames = [json.loads(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert frames == [DOCUMENT, DOCUMENT]
    assert (process.returncode, err) == (0, "")


def test_watch_on_a_terminal_clears_it_and_has_colours(daemon):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "status", "--watch", "--config", str(daemon.config)],
        stdout=theirs, stderr=theirs, env={**os.environ, "COLUMNS": "60", "NO_COLOR": ""},
    )  # fmt: skip
    os.close(theirs)
    text = b""
    while b"good" not in text:
        text += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    os.close(ours)
    assert text.startswith(b"\x1b[H\x1b[2J") and b"\x1b[32mgood\x1b[0m" in text


def test_watch_waits_for_a_daemon_that_restarts(capsys):
    """The loop alone, with a pause that does not wait."""
    answers = iter([{"n": 1}, NotRunning("no daemon is running"), {"n": 2}, KeyboardInterrupt()])
    shown, paused = [], []

    def ask():
        found = next(answers)
        if isinstance(found, BaseException):
            raise found
        return found

    status.watch(ask, shown.append, paused.append)
    assert shown == [{"n": 1}, {"n": 2}]
    assert paused == [status.EVERY] * 3
    assert capsys.readouterr().err == "cht-agent: no daemon is running\n"


def test_watch_without_a_daemon_is_3(daemon):
    daemon.stop()
    done = daemon.command("status", "--watch")
    daemon.start()
    assert (done.returncode, done.stdout) == (3, "")
