"""The command line as a user meets it: a process, its two outputs and its exit code."""

import os
import signal
import socket
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest

from agent import __version__
from agent.__main__ import COMMANDS, main
from agent.errors import AgentError, ConfigError, NotRunning


def agent(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "agent", *words],
        capture_output=True, text=True, timeout=30, check=False, **options,
    )  # fmt: skip


def python(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False,
        **options,
    )  # fmt: skip


def test_version():
    done = agent("--version")
    assert (done.returncode, done.stdout) == (0, f"cht-agent {__version__}\n")


def test_help_names_every_command_and_no_other():
    done = agent("--help")
    assert done.returncode == 0
    assert list(COMMANDS) == [
        "run", "init", "check", "doctor", "probe", "status", "set", "alarms", "platform", "phone",
        "registry",
    ]  # fmt: skip
    for name, command in COMMANDS.items():
        assert f"    {name} " in done.stdout and command.help in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_with_an_example(name, capsys):
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    text = capsys.readouterr().out
    assert left.value.code == 0
    assert "--config FILE" in text and "--debug" in text
    assert f"cht-agent {name}" in text.split("example:")[1]


@pytest.mark.parametrize(
    ("name", "action"), [("platform", "create"), ("registry", "push")]
)
def test_so_does_each_action_of_a_command(name, action, capsys):
    with pytest.raises(SystemExit) as left:
        main([name, action, "--help"])
    text = capsys.readouterr().out
    assert left.value.code == 0
    assert "--config FILE" in text and "--debug" in text
    assert f"cht-agent {name} {action} " in text.split("example:")[1]


@pytest.mark.parametrize(
    "words",
    [["--config", "absent.toml", "create"], ["create", "--config", "absent.toml"],
     ["--config", "other.toml", "create", "--config", "absent.toml"]],
)  # fmt: skip
def test_the_common_options_stand_before_and_after_an_action(words, capsys):
    assert main(["platform", *words]) == 2
    assert capsys.readouterr().err.startswith("cht-agent: absent.toml: no such file")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["platform"], "ACTION"),
        (["platform", "destroy"], "invalid choice: 'destroy'"),
        (["registry", "push", "00001"], "--key"),
        (["registry", "push", "--authority", "mine"], "invalid choice: 'mine'"),
        ([], "COMMAND"),
        (["reboot"], "invalid choice: 'reboot'"),
        (["status", "--color"], "--color"),
        (["set", "lamp"], "CMD"),
        (["--debug"], "COMMAND"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_2(words, told):
    done = agent(*words)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines() if "--debug" not in words else done.stderr.splitlines()[-1:]
    assert line.startswith("cht-agent: ") and told in line and "--help" in line


def test_no_daemon_is_3_and_a_traceback_only_with_debug(tmp_path):
    config = tmp_path / "agent.toml"
    config.write_text('[service]\nsocket = "none.sock"\n')
    done = agent("status", "--config", str(config))
    assert (done.returncode, done.stdout) == (3, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"cht-agent: no daemon is running: nothing answers at {tmp_path}")
    done = agent("status", "--config", str(config), "--debug")
    assert done.returncode == 3
    assert "Traceback" in done.stderr and done.stderr.splitlines()[-1] == line


def test_a_bad_configuration_is_2_with_a_line_for_each_fault(tmp_path):
    config = tmp_path / "agent.toml"
    config.write_text('[hardware]\nbackend = "pie"\n[platform]\nhots = "x"\n')
    done = agent("run", "--config", str(config))
    lines = done.stderr.splitlines()
    assert done.returncode == 2 and len(lines) >= 2
    assert all(line.startswith(f"cht-agent: {config}") for line in lines)
    absent = agent("run", "--config", str(tmp_path / "absent.toml"))
    assert absent.returncode == 2 and len(absent.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("raised", "code", "line"),
    [
        (AgentError("it broke"), 1, "cht-agent: it broke"),
        (ConfigError("bad"), 2, "cht-agent: bad"),
        (NotRunning("nobody"), 3, "cht-agent: nobody"),
        (ExceptionGroup("tasks", [ValueError("x"), ConfigError("bad")]), 2, "cht-agent: bad"),
        (ExceptionGroup("a", [ExceptionGroup("b", [AgentError("in")])]), 1, "cht-agent: in"),
        (
            ValueError("a bug\nin two lines"),
            1,
            "cht-agent: internal error: ValueError: a bug in two lines (--debug shows where)",
        ),
        (KeyboardInterrupt(), 130, None),
    ],
)
def test_each_kind_of_error_has_its_code_and_its_line(raised, code, line, monkeypatch, capsys):
    # A command of its own stands in for one that fails: the border is what is tested.
    def run(args):
        raise raised

    command = types.ModuleType("agent.commands.fail")
    command.add_arguments, command.run = lambda parser: None, run
    monkeypatch.setitem(sys.modules, "agent.commands.fail", command)
    monkeypatch.setitem(COMMANDS, "fail", COMMANDS["status"])
    assert main(["fail"]) == code
    assert capsys.readouterr().err == ("" if line is None else line + "\n")


def test_a_closed_pipe_is_no_complaint():
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-c",
         "import sys, types\n"
         "from agent import __main__ as cli\n"
         "command = types.ModuleType('agent.commands.talk')\n"
         "command.add_arguments = lambda parser: None\n"
         "command.run = lambda args: print('x' * 10) or 0\n"
         "sys.modules['agent.commands.talk'] = command\n"
         "cli.COMMANDS['talk'] = cli.COMMANDS['status']\n"
         "sys.exit(cli.main(['talk']))"],
        stdout=writing, stderr=subprocess.PIPE, text=True, timeout=30, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (process.returncode, process.stderr) == (141, "")


def test_ctrl_c_is_quiet_and_130(tmp_path):
    # A daemon that never answers holds the command where it can be interrupted.
    config = tmp_path / "agent.toml"
    config.write_text('[service]\nsocket = "s"\n')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        listener.settimeout(20)
        process = subprocess.Popen(
            [sys.executable, "-m", "agent", "status", "--config", str(config)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(100)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "")


HEAVY = ("paho", "urllib3", "gpiozero", "asyncio", "tenacity", "lgpio", "ssl", "sqlite3", "systemd")


@pytest.mark.parametrize("words", [[], ["--version"], ["status", "--help"], ["set", "--help"],
                                   ["probe", "--help"], ["platform", "create", "--help"],
                                   ["registry", "push", "--help"],
                                   ["doctor", "--help"]])  # fmt: skip
def test_the_command_line_loads_nothing_heavy(words):
    done = python(
        "import sys, contextlib, io\n"
        "from agent.__main__ import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        f"    {words!r} and main({words!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_the_installed_script_is_this_main():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["scripts"]["cht-agent"] == "agent.__main__:main"
