"""The demo as a user runs it: it starts, shows, obeys, and ends without a trace."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_until
from tests.twin.served import ask
from twin.serving.process import FREE, Twin
from twin.terminal.line import default_socket

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demo makes its temporary folder: not a deep one, a socket's path is short."""
    with tempfile.TemporaryDirectory(prefix="demo-") as name:
        yield Path(name)


class Demo:
    """A running demo, what it said, and where it lives."""

    def __init__(self, process: subprocess.Popen[bytes], said: Path) -> None:
        self.process = process
        self._said = said

    @property
    def text(self) -> str:
        return self._said.read_text(encoding="utf-8")

    def wait_for(self, pattern: str, timeout: float = 20) -> re.Match[str]:
        def look() -> re.Match[str] | None:
            assert self.process.poll() is None or re.search(pattern, self.text, re.M), self.text
            return re.search(pattern, self.text, re.M)
        return wait_until(look, timeout, f"{pattern!r} in:\n{self.text}")

    def ended(self) -> int:
        return self.process.wait(20)


def _environ(folder: Path) -> dict[str, str]:
    """Everything it makes is in the folder; also where ``cht-twin`` looks for its twin."""
    return {**os.environ, "TMPDIR": str(folder), "XDG_RUNTIME_DIR": ""}


@contextmanager
def demo(
    folder: Path, *arguments: str, stdin: Any = subprocess.DEVNULL, env: Mapping[str, str] = {}
) -> Iterator[Demo]:
    said = folder / "said"
    with said.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "twin.demo", *arguments], cwd=ROOT,
                                   stdin=stdin, stdout=output, stderr=output,
                                   env={**_environ(folder), **env})
    try:
        yield Demo(process, said)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(20)


def assert_nothing_is_left(demo: Demo, folder: Path) -> None:
    port = re.search(r"127\.0\.0\.1:(\d+)", demo.text)
    assert port is not None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port[1])), 1)
    assert [path.name for path in folder.iterdir()] == ["said"]


def test_commands_and_hands_at_the_board_act_and_quit_ends_it(folder: Path) -> None:
    with demo(folder, stdin=subprocess.PIPE) as running:
        keyboard = running.process.stdin
        assert keyboard is not None

        def type_in(line: str) -> None:
            keyboard.write(f"{line}\n".encode())
            keyboard.flush()

        running.wait_for(r"demo00001 is device \d+ now")
        running.wait_for(r"rawdata    temperature -?\d+(\.\d+)?$")
        running.wait_for(r"rawdata    load \d")
        running.wait_for(r"heartbeat  alive")
        type_in("lamp on")
        running.wait_for(r"command    lamp on$")
        running.wait_for(r"ack        lamp on$")
        type_in("lamp sing")
        running.wait_for(r"ack        lamp error: ")
        type_in("press")
        running.wait_for(r"rawdata    button 1$")
        type_in("quit")
        assert running.ended() == 0
        assert_nothing_is_left(running, folder)


def test_the_greenhouse_answers_its_telephone(folder: Path) -> None:
    with demo(folder) as running:
        call = running.wait_for(r"cht-twin (call \d+ --from \d+.*)$")[1].split()
        pin = running.wait_for(r"its lamp wants the PIN (\d+)$")[1]
        running.wait_for(r"rawdata    temperature -?\d+(\.\d+)?$", 30)
        running.wait_for(r"INFO phone: up")
        done = subprocess.run(
            [sys.executable, "-m", "twin", *call,
             "--expect", "示範溫室", "--expect", "控制電燈請按三", "--keys", "1",
             "--expect", "溫度是", "--expect", "控制電燈按三", "--keys", "3",
             "--expect", "密碼", "--keys", f"{pin}#", "--expect", "開燈請按一", "--keys", "1",
             "--expect", "打開電燈", "--keys", "1", "--expect", "電燈已經打開"],
            cwd=ROOT, env=_environ(folder), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr + running.text
        running.wait_for(r"rawdata    lamp on$")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_a_closed_stdin_does_not(
    folder: Path, number: signal.Signals
) -> None:
    with demo(folder) as running:
        running.wait_for("rawdata")
        running.process.send_signal(number)
        assert running.ended() == 0
        assert "Traceback" not in running.text
        assert_nothing_is_left(running, folder)


def test_the_end_of_a_terminals_input_ends_it(folder: Path) -> None:
    mine, its = pty.openpty()
    try:
        with demo(folder, stdin=its) as running:
            running.wait_for("rawdata")
            os.write(mine, b"\x04")
            assert running.ended() == 0
            assert_nothing_is_left(running, folder)
    finally:
        os.close(mine)
        os.close(its)


def test_it_ends_quietly_when_nobody_reads_it_any_more(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-m", "twin.demo"], cwd=ROOT, env=_environ(folder),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == 1
        assert process.stderr.read() == b""
        assert list(folder.iterdir()) == []


def test_it_ends_by_itself_after_its_time(folder: Path) -> None:
    with demo(folder, "--for", "1s") as running:
        assert running.ended() == 0
        assert_nothing_is_left(running, folder)


@pytest.mark.parametrize(("config", "reason"), [
    (None, "No such file"),
    ("[platform\n", "not a configuration"),
    ("platform.port = 1\n[hardware]\nbackend = 'simulated'\n", "not a configuration"),
    ("[hardware]\nbackend = 'magic'\n[platform]\n", "the agent ended by itself"),
])
def test_what_cannot_run_ends_with_one_clear_line(
    folder: Path, config: str | None, reason: str
) -> None:
    path = folder / "some.toml"
    if config is not None:
        path.write_text(config)
    with demo(folder, "--config", str(path)) as running:
        assert running.ended() == 1
        assert re.search(rf"^demo: .*{reason}", running.text, re.M), running.text
        assert "Traceback" not in running.text


@pytest.mark.req("P-10", "P-18")
def test_what_it_says_to_try_works(folder: Path) -> None:
    with demo(folder) as running:
        curl = running.wait_for(r"curl -H '(CK): (\w+)' (http://\S+)$")
        call = running.wait_for(r"\.venv/bin/cht-twin (call \d+ --from \d+.*)$")
        running.wait_for("rawdata    temperature")
        header, key, url = curl.groups()
        status, latest = ask(url, key, header=header)
        assert status == 200 and re.fullmatch(r"-?\d+(\.\d+)?", latest["value"][0])
        answer = subprocess.run(
            [sys.executable, "-m", "twin", *call[1].split(), "--expect", "請按一", "--keys", "0"],
            cwd=ROOT, env=_environ(folder), capture_output=True, text=True,
            timeout=30, check=False)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        running.wait_for(r"call       0912\*\*\*78 CallEstablished")


def test_beside_a_twin_of_ones_own_it_takes_another_socket(folder: Path) -> None:
    runtime = {"XDG_RUNTIME_DIR": str(folder)}
    with Twin(replace(FREE, socket=default_socket(runtime))), demo(folder, env=runtime) as running:
        assert "/cht-twin.sock" not in running.wait_for(r"cht-twin call .* --socket (\S+)$")[1]
        running.wait_for("rawdata")


def test_a_time_that_is_none_is_refused(folder: Path) -> None:
    with demo(folder, "--for", "soon") as running:
        assert running.ended() == 2
        assert "'soon' is no time" in running.text
