"""``cht-twin run`` as a user runs it: it starts, tells where, obeys, and ends without a trace."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.waiting import wait_until
from tests.twin.served import DEVICES, PHONE, Client, ask, new_device, rent
from twin.broker import Broker
from twin.mosquitto import BrokerOptions
from twin.serving.options import Options, add_arguments, options_of
from twin.serving.process import FREE, Twin, TwinError
from twin.terminal.line import Line

ROOT = Path(__file__).parents[2]
PORTS = ("port", "tls_port", "phone_port", "rest_port", "rest_tls_port")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not a deep one: a socket's path is short."""
    with tempfile.TemporaryDirectory(prefix="run-") as name:
        yield Path(name)


class Run:
    """A twin in a terminal, and what it said."""

    def __init__(self, process: subprocess.Popen[bytes], said: Path) -> None:
        self.process = process
        self._said = said

    @property
    def text(self) -> str:
        return self._said.read_text(encoding="utf-8")

    def wait_for(self, pattern: str) -> re.Match[str]:
        def look() -> re.Match[str] | None:
            assert self.process.poll() is None or re.search(pattern, self.text, re.M), self.text
            return re.search(pattern, self.text, re.M)
        return wait_until(look, 20, f"{pattern!r} in:\n{self.text}")

    def ended(self) -> int:
        return self.process.wait(20)


@contextmanager
def run(
    folder: Path, *words: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> Iterator[Run]:
    said = folder / "said"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "twin", *words], cwd=cwd, stdin=subprocess.DEVNULL,
            stdout=out, stderr=out,
            env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT), **(env or {})})
    try:
        yield Run(process, said)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(20)


def free(folder: Path, *words: str) -> Sequence[str]:
    return ["run", *replace(FREE, socket=folder / "sock").arguments(), *words]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_tells_where_everything_is_and_a_signal_ends_it(
    folder: Path, number: signal.Signals
) -> None:
    with run(folder, *free(folder)) as running:
        running.wait_for(r"^  socket ")
        ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", running.text)]
        for word in ("project key  PK", "API key      AK", "ca.pem", "/iot/v1", "mqtts://"):
            assert word in running.text
        running.process.send_signal(number)
        assert running.ended() == 0
        assert "Traceback" not in running.text
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)
    assert [path.name for path in folder.iterdir()] == ["said"]


def test_a_call_in_progress_ends_with_it(folder: Path) -> None:
    with run(folder, *free(folder)) as running:
        running.wait_for(r"^  socket ")
        with Line(folder / "sock") as call, Line(folder / "sock") as other:
            call.send({"op": "callee", "phone": "0912345678", "how": "answer"})
            other.send({"op": "status"})
            assert other.read()
            running.process.send_signal(signal.SIGINT)
            assert running.ended() == 0
        assert "Traceback" not in running.text and "rror" not in running.text


def test_a_signal_ends_it_before_it_is_ready(folder: Path) -> None:
    with run(folder, *free(folder)) as running:
        wait_until(lambda: list(folder.glob("cht-twin-*")), 10)
        running.process.send_signal(signal.SIGTERM)
        assert running.ended() == 0
    assert [path.name for path in folder.iterdir()] == ["said"]


def test_it_ends_by_itself_after_its_time(folder: Path) -> None:
    with run(folder, *free(folder, "--for", "10ms")) as running:
        assert running.ended() == 0
    assert [path.name for path in folder.iterdir()] == ["said"]


@pytest.mark.parametrize("name", PORTS)
def test_a_taken_port_is_one_clear_line(folder: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with run(folder, *free(folder, f"--{name.replace('_', '-')}", str(port))) as running:
            assert running.ended() == 1
    assert re.fullmatch(rf"cht-twin run: .*port {port}.*\n", running.text), running.text
    assert "choose another" in running.text


def test_a_second_twin_is_told_of_the_first(folder: Path) -> None:
    with run(folder, *free(folder)) as first:
        first.wait_for("socket ")
        (folder / "second").mkdir()
        with run(folder / "second", *free(folder)) as second:
            assert second.ended() == 1
        assert re.search(r"^cht-twin run: another twin runs already.*--socket", second.text)
        assert (folder / "sock").is_socket()


def test_the_socket_of_a_killed_twin_is_no_hindrance(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "sock"))
    with run(folder, *free(folder)) as running:
        running.wait_for("socket ")


def test_a_socket_that_cannot_be_is_one_clear_line(folder: Path) -> None:
    with run(folder, *free(folder, "--socket", f"{folder}/{'x' * 200}")) as running:
        assert running.ended() == 1
    assert re.fullmatch(r"cht-twin run: no control socket.*--socket.*\n", running.text)


def programs(folder: Path, *names: str) -> dict[str, str]:
    """An environment with these programs and no others."""
    (folder / "bin").mkdir()
    for name in names:
        (folder / "bin" / name).symlink_to(str(shutil.which(name)))
    return {"PATH": str(folder / "bin")}


def test_a_missing_openssl_is_one_clear_line(folder: Path) -> None:
    with run(folder, *free(folder), env=programs(folder)) as running:
        assert running.ended() == 1
    assert running.text == "cht-twin run: openssl is not installed: sudo apt install openssl\n"


def test_a_broker_that_is_not_there_is_one_clear_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with run(folder, *free(folder, "--broker", f"127.0.0.1:{port}")) as running:
        assert running.ended() == 1
    assert re.fullmatch(rf"cht-twin run: no broker on 127.0.0.1:{port}: .*\n", running.text)


def test_a_broker_that_wants_a_password_is_one_clear_line(folder: Path) -> None:
    with (
        Broker(BrokerOptions(users={"a": "b"})) as broker,
        run(folder, *free(folder, "--broker", f"127.0.0.1:{broker.port}")) as running,
    ):
        assert running.ended() == 1
    assert re.fullmatch(r"cht-twin run: the broker on .* refuses the twin.*\n", running.text)


@pytest.mark.parametrize("words", [
    ["--port", "65536"], ["--loss", "2"], ["--loss", "x"], ["--delay", "soon"],
    ["--broker", "1883"], ["--project-key", "a/#"], ["--socket"],
])
def test_wrong_usage_is_told(folder: Path, words: list[str]) -> None:
    with run(folder, "run", *words) as running:
        assert running.ended() == 2
    assert "Traceback" not in running.text


def test_help_has_an_example_for_each_command(folder: Path) -> None:
    for command in ("run", "call", "callee"):
        with run(folder, command, "--help") as running:
            assert running.ended() == 0
        assert f"cht-twin {command}" in running.text and "example" in running.text


def test_options_become_flags_and_flags_options() -> None:
    options = Options(
        port=1, tls_port=2, phone_port=3, rest_port=4, rest_tls_port=5, public=True,
        broker=("::1", 7), socket=Path("/s"), folder=Path("/f"), project_key="PK345678",
        api_key="AK345678", delay=1.5, loss=0.5, replay=True, registry_retain=True,
        share_first_id=True, char_seconds=0.125, seconds=9.0, quiet=True, json=True, attached=True)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert options_of(parser.parse_args(options.arguments())) == options
    assert options_of(parser.parse_args([])) == Options()


def test_quiet_shows_only_what_goes_wrong() -> None:
    with Twin(replace(FREE, quiet=True)) as twin:
        device = new_device(twin)
        client = Client(twin.ports["mqtt"], twin.project_key)
        client.publish(f"/v1/device/{device}/heartbeat", '{"pulse": "1000"}')
        client.publish(f"/v1/device/{device}/rawdata", "{")
        wait_until(lambda: "dropped" in twin.log)
        client.close()
        assert "heartbeat" not in twin.log


@pytest.mark.parametrize("public", [False, True])
def test_it_is_on_loopback_alone_unless_asked(public: bool) -> None:
    with Twin(replace(FREE, public=public)) as twin:
        def reached(port: int) -> bool:
            try:
                # Another address of loopback stands for any other address of this machine.
                socket.create_connection(("127.0.0.2", port), 1).close()
            except ConnectionRefusedError:
                return False
            return True
        assert {reached(port) for port in twin.ports.values()} == {public}


def test_a_mosquitto_that_dies_ends_it() -> None:
    with Twin() as twin:
        children = Path(f"/proc/{twin.pid}/task/{twin.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        wait_until(lambda: not twin.running, what="the twin's end")
        assert re.search(r"^cht-twin run: mosquitto ended by itself", twin.log, re.M)


def test_it_ends_with_who_started_it(folder: Path) -> None:
    with run(folder, *free(folder, "--attached")) as running:
        assert running.ended() == 0  # its stdin is at its end from the first moment
    with Twin() as twin:
        assert twin.running
        assert twin._process is not None and twin._process.stdin is not None
        twin._process.stdin.close()  # as it is when the program that has it dies
        wait_until(lambda: not twin.running, 20)


def test_a_twin_that_cannot_start_says_why() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(TwinError, match=r"^cht-twin run: .*--port"),
    ):
        Twin(replace(FREE, port=taken.getsockname()[1])).start()


def test_folder_keeps_authority_keys_devices_and_numbers(folder: Path) -> None:
    options = replace(FREE, folder=folder / "kept")
    with Twin(options) as twin:
        device = new_device(twin, "lamp")
        number, sn_key = rent(twin, {"node": "MAIN", "text": "好"})
        before = twin.project_key, twin.api_key, twin.ca_file.read_bytes()
        url = f"{DEVICES}/device/{device}"
        shown = ask(twin.rest_url + url, twin.project_key)
        sensors = ask(f"{twin.rest_url}{url}/sensor", twin.project_key)
    with Twin(options) as twin:
        assert (twin.project_key, twin.api_key, twin.ca_file.read_bytes()) == before
        assert ask(twin.rest_url + url, twin.project_key) == shown
        assert ask(f"{twin.rest_url}{url}/sensor", twin.project_key) == sensors
        menu = ask(f"{twin.rest_url}{PHONE}/phoneConfig/{number}", twin.api_key,
                   header="X-API-KEY")
        assert menu[1]["ivrData"] == [{"node": "MAIN", "text": "好"}]
        assert rent(twin)[0] != number
        client = Client(twin.ports["phone"], twin.api_key, twin.ca_file)
        assert client.may_subscribe(f"phone-conn/callEvent/{sn_key}")
        client.close()
        ssl.create_default_context(cafile=twin.ca_file)
    for path in (folder / "kept").iterdir():
        assert path.suffix == ".pem" or path.stat().st_mode & 0o077 == 0 or \
            path.name in ("openssl.cnf", "server.csr", "ca.srl"), path


def test_places_are_named_from_where_one_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [*free(folder), "--folder", "kept", "--socket", "own"]
    with run(folder, *words, cwd=folder) as running:
        running.wait_for(rf"^  CA file      {folder}/kept/ca.pem$")
        assert (folder / "own").is_socket()
    monkeypatch.chdir(folder)
    with Twin(replace(FREE, folder=Path("kept"), socket=Path("own"))) as twin:
        assert twin.ca_file == folder / "kept" / "ca.pem"
        assert twin.status()["project_key"] == twin.project_key


@pytest.mark.parametrize("content", ["{", "[]", '{"devices": 1}', '{"devices": [{}]}',
                                     '{"numbers": [{}]}', '{"other": 1}'])
def test_a_state_that_is_none_is_one_clear_line(folder: Path, content: str) -> None:
    (folder / "kept").mkdir()
    (folder / "kept" / "state.json").write_text(content)
    with run(folder, *free(folder, "--folder", str(folder / "kept"))) as running:
        assert running.ended() == 1
    assert re.fullmatch(r"cht-twin run: .*remove.*\n", running.text), running.text


def test_keys_of_ones_own() -> None:
    with Twin(replace(FREE, project_key="PKownownown", api_key="AKownownown")) as twin:
        assert (twin.project_key, twin.api_key) == ("PKownownown", "AKownownown")
        new_device(twin)
        rent(twin)
