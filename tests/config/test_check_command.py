"""``cht-agent check``, as a program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GOOD = """\
[platform]
device_id = "7432"
key = "credential:device-key"
[hardware]
backend = "simulated"
[[sensor]]
id = "load"
driver = "load_average"
"""


def check(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", "check", "--config", str(path)],
        capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2],
    )  # fmt: skip


def test_a_good_configuration(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(GOOD)
    done = check(path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (f"{path}: good: 1 sensor, 0 actuators, device 7432, backend simulated\n")


def test_a_warning_does_not_fail(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(GOOD + 'every = "10ms"\n')
    done = check(path)
    assert (done.returncode, done.stderr) == (0, "")
    warning, verdict = done.stdout.splitlines()
    assert warning.startswith(f"{path}:9: sensor.load.every: raised to ")
    assert warning.endswith(" (warning)")
    assert verdict.endswith(", backend simulated, 1 warning")


def test_errors_are_on_stderr_and_exit_2(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(GOOD + "evry = 1\nminutes = 'one'\n")
    done = check(path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f'{path}:9: sensor.load.evry: unknown key; did you mean "every"?',
        f"{path}:10: sensor.load.minutes: must be a whole number from 1 to 15, not a text",
        f"{path}: not good: 2 errors",
    ]


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    done = check(tmp_path / "none.toml")
    assert done.returncode == 2
    assert "cht-agent init writes one" in done.stderr
    assert "Traceback" not in done.stderr
