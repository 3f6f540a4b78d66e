"""``cht-twin call`` and ``cht-twin callee``, against a twin that a test plays."""

from __future__ import annotations

import _thread
import argparse
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import wait_until
from tests.twin.switchboard import Wire, switchboard
from twin.terminal import call, callee
from twin.terminal.talk import Talk

ROOT = Path(__file__).parents[2]
COMMANDS = {"call": call, "callee": callee}
PROGRAM = (
    "import argparse, sys; from twin.terminal import call, callee\n"
    "command = {'call': call, 'callee': callee}[sys.argv[1]]\n"
    "parser = argparse.ArgumentParser(); command.add_arguments(parser)\n"
    "sys.exit(command.run(parser.parse_args(sys.argv[2:])))\n"
)


@pytest.fixture
def path() -> Iterator[Path]:
    """Of a socket: not in a deep folder, its path must be short."""
    with tempfile.TemporaryDirectory(prefix="twin-") as folder:
        yield Path(folder) / "sock"


def run(command: str, path: Path, *words: str) -> int:
    """The command's exit status, that of wrong usage included."""
    parser = argparse.ArgumentParser(prog=f"cht-twin {command}")
    COMMANDS[command].add_arguments(parser)
    try:
        return COMMANDS[command].run(parser.parse_args([*words, "--socket", str(path)]))
    except SystemExit as end:
        assert isinstance(end.code, int)
        return end.code


def dial(path: Path, *words: str) -> int:
    return run("call", path, "034240000", "--from", "0912345678", *words)


def pick_up(path: Path, *words: str) -> int:
    return run("callee", path, "0912345678", *words)


def sung(out: str) -> list[str]:
    """What was printed, without the times."""
    return [re.sub(r"^\d\d:\d\d  ", "", text) for text in out.splitlines()]


# --- scripted calls -------------------------------------------------------------------------------


def weather(wire: Wire) -> None:
    """T-50's first turn, and a question by voice."""
    key = wire.ask("台北請按一")
    wire.speak("台北晴朗" if key == {"keys": "1"} else "輸入錯誤", "F")
    assert wire.ask("還要查哪裡", "speech") == {"say": "高雄", "confidence": 0.6}
    wire.speak("再見")
    wire.end()
    assert wire.next() is None


def test_a_script_hears_and_acts_in_turn(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with switchboard(path, weather) as board:
        assert dial(path, "--expect", "請按", "--keys", "1", "--expect", "晴", "--say", "高雄/0.6",
                    "--expect", "再見", "--expect-end") == 0
    assert board.said == [
        {"op": "call", "number": "034240000", "from": "0912345678"},
        {"keys": "1"}, {"say": "高雄", "confidence": 0.6},
    ]
    out, err = capsys.readouterr()
    assert err == ""
    assert sung(out) == [
        "M  台北請按一", "   (the service listens: keys, 10 s)", ">  1", "F  台北晴朗",
        "M  還要查哪裡", "   (the service listens: speech, 10 s)", ">  「高雄」 /0.6",
        "M  再見", "   the call ended: the service hung up",
    ]


def test_what_is_not_heard_ends_with_1_and_hangs_up(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong_key(wire: Wire) -> None:
        assert wire.ask("台北請按一") == {"keys": "2"}
        wire.speak("輸入錯誤")
        assert wire.next() == {"hangup": True}
        wire.end("the caller hung up")
        assert wire.next() is None

    with switchboard(path, wrong_key):
        assert dial(path, "--keys", "2", "--expect", "晴", "--timeout", "300ms") == 1
    out, err = capsys.readouterr()
    assert err == (
        "cht-twin call: not heard: 「晴」 within 0.3 s; heard instead: 「輸入錯誤」\n")
    assert sung(out)[-2:] == [">  (hang up)", "   the call ended: the caller hung up"]


def say_nothing(wire: Wire) -> None:
    assert wire.next() in (None, {"hangup": True})


def test_a_service_that_says_nothing_at_all_is_not_waited_for(path: Path) -> None:
    with switchboard(path, say_nothing):
        assert dial(path, "--expect", "晴", "--timeout", "200ms") == 1


def test_a_script_that_heard_all_hangs_up(path: Path) -> None:
    def patient(wire: Wire) -> None:
        wire.speak("早安")
        assert wire.next() == {"hangup": True}
        wire.end("the caller hung up")

    with switchboard(path, patient):
        assert dial(path, "--expect", "早") == 0


def test_a_recording_silence_and_hanging_up(path: Path) -> None:
    def mailbox(wire: Wire) -> None:
        assert wire.ask("請留言", "recording") == {"record": "請回電"}
        assert wire.ask("還有呢") == {"silence": True}
        wire.speak("喂")
        assert wire.next() == {"hangup": True}
        wire.end("the caller hung up")

    with switchboard(path, mailbox):
        assert dial(path, "--record", "請回電", "--silence", "--expect", "喂", "--hangup") == 0


def test_a_withheld_number_is_not_told(path: Path) -> None:
    with switchboard(path, Wire.end) as board:
        assert dial(path, "--withheld", "--expect-end") == 0
    assert board.said[0] == {"op": "call", "number": "034240000", "from": ""}


def test_a_refused_call_says_why(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with switchboard(path, lambda wire: wire.tell({"error": "nobody rents 034240000"})):
        assert dial(path, "--expect", "早") == 1
    assert capsys.readouterr() == ("", "cht-twin call: nobody rents 034240000\n")


def test_an_act_the_twin_refuses_fails_the_script(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def strict(wire: Wire) -> None:
        wire.ask("請留言", "recording")
        wire.tell({"error": "nobody listens to speech"})
        wire.next()

    with switchboard(path, strict):
        assert dial(path, "--say", "早", "--expect", "好") == 1
    assert "the twin refuses: nobody listens to speech" in capsys.readouterr().err


# --- no twin, wrong usage -------------------------------------------------------------------------


def test_without_a_twin_the_status_is_3(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dial(path, "--keys", "1") == 3
    assert pick_up(path, "--busy") == 3
    err = capsys.readouterr().err.splitlines()
    assert err == [
        f"cht-twin {command}: no twin is running: nothing answers at {path} "
        "(cht-twin run starts one, --socket names another)" for command in ("call", "callee")]


def test_a_twin_that_goes_away_is_told(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with switchboard(path, lambda wire: wire.speak("早")):
        assert dial(path, "--expect", "安") == 3
    assert capsys.readouterr().err == f"cht-twin call: the twin at {path} went away\n"


@pytest.mark.parametrize("sent", [b"HTTP/1.1 400 Bad Request\n", b"[]\n", b"\xff\n"])
def test_something_else_at_the_socket_is_told(
    path: Path, sent: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with switchboard(path, lambda wire: wire.raw(sent)):
        assert dial(path, "--expect", "早") == 3
    assert "is no twin of this version" in capsys.readouterr().err


@pytest.mark.parametrize("words", [
    ("call", "034240000"),  # whose phone?
    ("call", "--from", "0912345678"),
    ("call", "34240000", "--from", "0912345678"),
    ("call", "034240000", "--from", "0912345678", "--keys", "x"),
    ("callee", "0912345678"),
    ("callee", "0912345678", "--answer", "--busy"),
    ("callee", "0912345678", "--busy", "--keys", "1"),
    ("callee", "me", "--busy"),
])
def test_wrong_usage_is_2(path: Path, words: Sequence[str]) -> None:
    assert run(words[0], path, *words[1:]) == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, Path("none"), "--help") == 0
    told = capsys.readouterr().out
    assert re.search(rf"^  cht-twin {command} 0\d+ ", told, re.M)
    assert "exit status" in told


# --- being called ---------------------------------------------------------------------------------


@pytest.mark.req("T-13", "T-33")
@pytest.mark.parametrize(("option", "how"), [
    ("--busy", "busy"), ("--reject", "reject"), ("--voicemail", "voicemail"),
    ("--no-answer", "timeout"), ("--not-found", "notfound"), ("--fail", "failed"),
])
def test_a_phone_that_nobody_answers(path: Path, option: str, how: str) -> None:
    with switchboard(path, Wire.end) as board:
        assert pick_up(path, option) == 0
    assert board.said == [{"op": "callee", "phone": "0912345678", "how": how}]


def test_an_answered_call_plays_its_script(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def alarm(wire: Wire) -> None:
        wire.tell({"event": "ringing"})
        assert wire.ask("溫度過高，知道了請按一") == {"keys": "1"}
        wire.speak("謝謝")
        wire.end()

    with switchboard(path, alarm) as board:
        assert pick_up(path, "--answer", "--expect", "溫度", "--keys", "1", "--expect", "謝") == 0
    assert board.said[0] == {"op": "callee", "phone": "0912345678", "how": "answer"}
    assert sung(capsys.readouterr().out)[:2] == ["0912345678 waits for a call", "   (ringing)"]


def test_a_call_that_does_not_come_is_not_waited_for_longer(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with switchboard(path, say_nothing):
        assert pick_up(path, "--busy", "--wait", "100ms") == 1
    assert capsys.readouterr().err == "cht-twin callee: no call came within 0.1 s\n"


def test_no_once_takes_call_after_call(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with switchboard(path, Wire.end, Wire.end, lambda wire: None) as board:
        assert pick_up(path, "--busy", "--no-once") == 3  # the third time the twin goes away
    assert [message["op"] for message in board.said] == ["callee"] * 3


# --- at the keyboard ------------------------------------------------------------------------------


@contextmanager
def program(
    path: Path, command: str, *words: str, terminal: bool = False, environ: dict[str, str] | None
    = None,
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The command as a program of its own; with ``terminal`` on a terminal, whose other end comes
    with it (else its end of nothing, -1)."""
    mine, its = pty.openpty() if terminal else (-1, -1)
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, command, *words, "--socket", str(path)], cwd=ROOT,
        stdin=its if terminal else pipe, stdout=its if terminal else pipe, stderr=pipe,
        start_new_session=True, env={**os.environ, **(environ or {})})
    if terminal:
        os.close(its)
    try:
        yield process, mine
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for end in (process.stdin, process.stdout, process.stderr):
            if end is not None:
                end.close()
        if terminal:
            os.close(mine)


CALLING = ("034240000", "--from", "0912345678")


def test_typed_lines_are_keys_words_and_acts(path: Path) -> None:
    def listen(wire: Wire) -> None:
        wire.speak("請說")
        assert [wire.next() for _ in range(4)] == [
            {"keys": "12#"}, {"say": "台北", "confidence": 0.6}, {"say": "12"}, {"silence": True}]
        assert wire.ask("請留言", "recording") == {"record": "請回電"}
        wire.speak("再見")
        wire.end()

    with switchboard(path, listen), program(path, "call", *CALLING) as (process, _):
        assert process.stdin and process.stdout
        process.stdin.write("help\n12#\n\n台北/0.6\nsay 12\nsilence\n".encode())
        process.stdin.flush()
        said = b""
        while b"listens: recording" not in said:
            said += process.stdout.readline()
        process.stdin.write("請回電".encode())  # the last line of a pipe needs no end
        process.stdin.close()
        said += process.stdout.read()
        assert process.wait(10) == 0
    assert "ends the call, and so does Ctrl-C" in said.decode()
    assert sung(said.decode())[-2:] == ["M  再見", "   the call ended: the service hung up"]


def test_the_end_of_a_pipe_ends_the_typing_not_the_call(path: Path) -> None:
    def go_on(wire: Wire) -> None:
        assert wire.next() == {"keys": "1"}
        wire.speak("再見")
        wire.end()

    with switchboard(path, go_on), program(path, "call", *CALLING) as (process, _):
        out, _err = process.communicate(b"1\n", 10)
        assert process.returncode == 0
    assert "再見" in out.decode()


def until_shown(terminal: int, text: str) -> str:
    """What a terminal shows, up to and with ``text``."""
    shown = b""
    while text.encode() not in shown:
        assert select.select([terminal], [], [], 20)[0], f"no {text!r} in {shown.decode()!r}"
        shown += os.read(terminal, 65536)
    return shown.decode()


def test_on_a_terminal_there_are_colours_and_ctrl_c_hangs_up(path: Path) -> None:
    def talk(wire: Wire) -> None:
        wire.speak("請說", "F")
        assert wire.next() == {"keys": "1"}
        assert wire.next() == {"hangup": True}
        wire.end("the caller hung up")
        assert wire.next() is None

    environ = {"NO_COLOR": "", "TERM": "xterm"}
    with (switchboard(path, talk),
          program(path, "call", *CALLING, terminal=True, environ=environ) as (process, terminal)):
        assert "F  \x1b[35m請說\x1b[0m" in until_shown(terminal, "請說\x1b[0m")
        os.write(terminal, b"1\n")  # shown once, with its time, in place of what was typed
        assert re.search(r"\x1b\[A\x1b\[2K\d\d:\d\d  >  ", until_shown(terminal, "32m1"))
        process.send_signal(signal.SIGINT)
        assert "the call ended: the caller hung up" in until_shown(terminal, "hung up")
        assert process.wait(10) == 0
        assert process.stderr and process.stderr.read() == b""


def test_a_ctrl_c_just_before_a_wait_is_not_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python's own way to say that a signal came without ending the wait it came before."""
    phone = threading.main_thread().ident
    assert phone

    def talk(wire: Wire) -> None:
        wire.speak("請說")
        os.write(typing, b"1\n")
        assert wire.next() == {"keys": "1"}
        wait_until(lambda: sys._current_frames()[phone].f_code is Talk.converse.__code__)
        _thread.interrupt_main()
        assert wire.next() == {"hangup": True}
        wire.end("the caller hung up")

    reading, typing = os.pipe()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with open(reading) as keyboard, open(typing, "wb"), switchboard(path, talk):
            monkeypatch.setattr(sys, "stdin", keyboard)
            assert dial(path) == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_end_of_a_terminals_input_hangs_up(path: Path) -> None:
    def talk(wire: Wire) -> None:
        wire.speak("請說")
        assert wire.next() == {"hangup": True}
        wire.end("the caller hung up")

    with (switchboard(path, talk),
          program(path, "call", *CALLING, terminal=True, environ={"NO_COLOR": "1"})
          as (process, terminal)):
        assert "\x1b" not in until_shown(terminal, "請說")
        os.write(terminal, b"\x04")
        assert process.wait(10) == 0


def test_ctrl_c_ends_a_script_and_a_wait(path: Path) -> None:
    def talk(wire: Wire) -> None:
        wire.speak("早")
        assert wire.next() == {"hangup": True}
        wire.end("the caller hung up")

    with switchboard(path, talk), program(path, "call", *CALLING, "--keys", "1") as (process, _):
        assert process.stdout
        assert "早" in process.stdout.readline().decode()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    path.unlink()
    with (switchboard(path, say_nothing),
          program(path, "callee", "0912345678", "--busy") as (process, _)):
        assert process.stdout
        assert b"waits" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def test_a_reader_that_went_away_ends_it_without_a_trace(path: Path) -> None:
    def chatter(wire: Wire) -> None:
        for _ in range(50):
            wire.speak("早")
        wire.next()

    with switchboard(path, chatter), program(path, "call", *CALLING) as (process, _):
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.wait(10) == 141
        assert process.stderr.read() == b""


def test_the_default_socket_is_in_the_runtime_folder(path: Path) -> None:
    with switchboard(path.with_name("cht-twin.sock"), Wire.end):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "call", *CALLING, "--expect-end"], cwd=ROOT,
            capture_output=True, timeout=10, check=False,
            env={**os.environ, "XDG_RUNTIME_DIR": str(path.parent)})
    assert done.returncode == 0, done.stderr
    assert "the call ended" in done.stdout.decode()
