"""``cht-agent init``, as a program that reads its answers from the standard input."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commands.starter import Answers, ask_device, compose
from agent.config.load import inspect
from agent.hardware.catalog import ACTUATORS, SENSORS
from tests.config.catalog import look


def init(*arguments: str | Path, answers: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", "init", *map(str, arguments)],
        input=answers, capture_output=True, text=True, timeout=60,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_answers_make_a_configuration_that_passes_check(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    answers = ["simulatd", "simulated", "", "7432", "s3cr3tk3y", "dht22", "humidity", "", "99", "4",
               "relay", "lamp", "x", "17"]  # fmt: skip
    done = init("--config", path, answers="\n".join(answers) + "\n")
    assert done.returncode == 0, done.stderr
    assert "did you mean" in done.stderr  # simulatd was asked for again
    assert "s3cr3t" not in done.stdout + done.stderr
    report = inspect(path)
    assert [str(problem) for problem in report.problems] == []
    config = report.config
    assert config is not None
    assert config.platform.device_id == "7432"
    assert [(sensor.id, sensor.options["pin"]) for sensor in config.sensors] == [("humidity", 4)]
    assert [(out.id, out.options["pin"]) for out in config.actuators] == [("lamp", 17)]
    assert mode(path) == 0o600


def test_an_empty_device_id_waits_for_the_registry(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    done = init("--output", path, answers="pi\n\n\n\n\n\n")
    assert done.returncode == 0, done.stderr
    config = inspect(path).config
    assert config is not None
    assert config.registry is not None
    assert config.registry.product_code == "pi"
    assert mode(path) & 0o600 == 0o600


def test_flags_alone(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    done = init("-o", path, "--yes", "--backend", "simulated", "--host", "127.0.0.1", "--no-tls",
                "--device-id", "demo", "--key", "credential:demo")  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "/etc/credstore/demo" in done.stdout
    config = inspect(path).config
    assert config is not None
    assert (config.platform.host, config.platform.port) == ("127.0.0.1", 1883)
    assert config.platform.tls is False


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ([], "--backend is missing"),
        (["--backend", "gpio"], '--backend: "gpio" is not one of "pi", "simulated"'),
        (["--backend", "pi"], "--product-code is missing"),
        (["--backend", "pi", "--device-id", "7"], "--key is missing"),
        (["--backend", "pi", "--key", "s3cr3t"], "--device-id is missing"),
        (["--backend", "pi", "--device-id", "a/b", "--key", "s3cr3t"], "--device-id: "),
        (["--backend", "pi", "--device-id", "7", "--product-code", "pi"], "exclude each other"),
        (["--backend", "pi", "--product-code", "pi", "--host", "mqtt://x"], "--host: "),
    ],
)
def test_missing_or_wrong_flags_are_one_line(
    tmp_path: Path, flags: list[str], complaint: str
) -> None:
    done = init("-o", tmp_path / "agent.toml", "--yes", *flags)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
    assert "s3cr3t" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_overwritten_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text("precious")
    flags = ("-o", path, "--yes", "--backend", "pi", "--product-code", "pi")
    done = init(*flags)
    assert done.returncode == 2
    assert "--force overwrites it" in done.stderr
    assert path.read_text() == "precious"
    assert init(*flags, "--force").returncode == 0
    assert inspect(path).config is not None
    assert list(tmp_path.iterdir()) == [path]


def test_running_out_of_answers_and_of_folders(tmp_path: Path) -> None:
    done = init("-o", tmp_path / "agent.toml", answers="pi\n")
    assert done.returncode == 2
    assert "give the flags" in done.stderr
    far = tmp_path / "no" / "such" / "agent.toml"
    done = init("-o", far, "--yes", "--backend", "pi", "--product-code", "pi")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


@pytest.mark.parametrize("name", [*SENSORS, *ACTUATORS])
def test_a_first_device_of_any_driver_passes(tmp_path: Path, name: str) -> None:
    replies = {"pin": "4", "path": "/etc/hostname", "device": "bme280", "channel": "temp",
               "host": "localhost", "echo": "5", "trigger": "6", "forward": "5", "backward": "6"}
    spec = SENSORS.get(name) or ACTUATORS[name]
    device = ask_device(lambda question, _: replies.get(question.split()[0], ""), spec)
    kind = "sensor" if name in SENSORS else "actuator"
    path = tmp_path / "agent.toml"
    path.write_text(
        compose(Answers("pi", "localhost", product_code="pi", devices=((kind, device),)))
    )
    report = inspect(path)
    assert [str(problem) for problem in report.problems] == []


@given(st.from_regex(r"[!-~\u4e00-\u9fa5]{1,40}", fullmatch=True))
def test_any_key_is_written_so_that_it_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, key: str
) -> None:
    text = compose(Answers("pi", "localhost", device_id="7432", key=f"K{key}"))
    config = look(tmp_path_factory.getbasetemp(), text).config
    assert config is not None
    assert config.platform.key is not None
    assert config.platform.key.where == f"K{key}"
