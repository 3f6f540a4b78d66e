from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.config.model import Config, HardwareConfig, ServiceConfig
from agent.config.paths import plan_path, socket_path, state_dir

CONFIG = Config(Path("agent.toml"), HardwareConfig("pi"))
NOWHERE = Path("/nonexistent/cht-agent")


def with_service(**paths: Path) -> Config:
    return replace(CONFIG, service=ServiceConfig(**paths))


def test_the_state_is_looked_for_in_the_fixed_order(tmp_path: Path) -> None:
    environ = {"STATE_DIRECTORY": "/a:/b", "XDG_STATE_HOME": "/xdg", "HOME": "/home/pi"}
    chosen = with_service(state_dir=Path("/mine"))
    assert state_dir(chosen, environ, tmp_path) == Path("/mine")
    assert state_dir(CONFIG, environ, tmp_path) == Path("/a")
    del environ["STATE_DIRECTORY"]
    assert state_dir(CONFIG, environ, tmp_path) == tmp_path
    assert state_dir(CONFIG, environ, NOWHERE) == Path("/xdg/cht-agent")
    assert state_dir(CONFIG, {"HOME": "/home/pi"}, NOWHERE) == Path(
        "/home/pi/.local/state/cht-agent"
    )
    relative = {"XDG_STATE_HOME": "state", "HOME": "/home/pi"}
    assert state_dir(CONFIG, relative, NOWHERE) == Path("/home/pi/.local/state/cht-agent")


def test_a_command_overlooks_no_state_it_may_not_touch(tmp_path: Path) -> None:
    locked = tmp_path / "state"
    locked.mkdir(mode=0)
    environ = {"HOME": "/home/pi"}
    assert state_dir(CONFIG, environ, locked, serving=False) == locked
    assert state_dir(CONFIG, environ, NOWHERE, serving=False) != NOWHERE


def test_the_socket_is_looked_for_in_the_same_order(tmp_path: Path) -> None:
    environ = {"RUNTIME_DIRECTORY": "/a:/b", "XDG_RUNTIME_DIR": "/run/user/1", "HOME": "/home/pi"}
    chosen = with_service(socket=Path("/mine.sock"))
    assert socket_path(chosen, environ, tmp_path) == Path("/mine.sock")
    assert socket_path(None, environ, tmp_path) == Path("/a/agent.sock")
    del environ["RUNTIME_DIRECTORY"]
    assert socket_path(None, environ, tmp_path) == tmp_path / "agent.sock"
    assert socket_path(CONFIG, environ, NOWHERE) == Path("/run/user/1/cht-agent/agent.sock")
    assert socket_path(None, {"HOME": "/home/pi"}, NOWHERE) == Path(
        "/home/pi/.local/state/cht-agent/agent.sock"
    )


def test_the_plan_is_where_the_helper_looks_wherever_the_socket_is() -> None:
    service = {"RUNTIME_DIRECTORY": "/run/cht-agent:/run/other"}
    plan = Path("/run/cht-agent/safe_outputs.json")
    assert plan_path(Path("/run/cht-agent/agent.sock"), service) == plan
    assert plan_path(Path("/srv/mine.sock"), service) == plan
    assert plan_path(Path("/srv/mine.sock"), {}) == Path("/srv/safe_outputs.json")


def test_a_command_finds_another_users_daemon_which_a_daemon_must_not_replace(
    tmp_path: Path,
) -> None:
    if _can_write_anywhere(tmp_path):
        pytest.skip("root may write everywhere")
    (tmp_path / "agent.sock").touch()
    tmp_path.chmod(0o555)
    environ = {"XDG_RUNTIME_DIR": "/run/user/1"}
    assert socket_path(None, environ, tmp_path) == tmp_path / "agent.sock"
    assert socket_path(None, environ, tmp_path, serving=True) == Path(
        "/run/user/1/cht-agent/agent.sock"
    )


def _can_write_anywhere(folder: Path) -> bool:
    probe = folder / "probe"
    probe.mkdir(0o555)
    try:
        (probe / "x").touch()
    except PermissionError:
        return False
    return True
