"""``cht-agent phone try``: the menus in the terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.errors import AgentError
from agent.phone.pin import PinHash
from tests.commands.daemon import Daemon
from tests.commands.rig import run_command
from tests.phone.line import GREENHOUSE, PIN

AGENT = """
[platform]
device_id = "7432"
key = "env:KEY"
[service]
socket = "SOCKET"
[hardware]
backend = "simulated"
[[sensor]]
id = "temperature"
driver = "file"
path = "temperature.txt"
unit = "°C"
every = "30s"
[[sensor]]
id = "load"
driver = "load_average"
[[actuator]]
id = "lamp"
driver = "relay"
pin = 17
[[actuator]]
id = "dimmer"
driver = "pwm_led"
pin = 18
[phone]
api_key = "credential:tas-key"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "agent.toml").write_text(AGENT.replace("SOCKET", "none.sock"))
    menus = GREENHOUSE.replace("credential:phone-pin", "file:pin.hash")
    (tmp_path / "phone.toml").write_text(menus, encoding="utf-8")
    (tmp_path / "pin.hash").write_text(str(PinHash.of(PIN, os.urandom(16))))
    (tmp_path / "temperature.txt").write_text("21.5\n")
    return tmp_path


def play(folder: Path, *lines: str, options: tuple[str, ...] = ()) -> list[str]:
    done = run_command(folder, "phone", "try", *options, input="".join(f"{x}\n" for x in lines))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_without_an_agent_sensors_are_read_here_and_nothing_moves(folder: Path) -> None:
    said = play(folder, "1", "2", "123456", PIN, "1", "1", "0", "0")
    assert said[0] == "   (no agent is running: sensors are read here, and nothing is moved)"
    assert said[2:] == [
        "F  溫室您好。",
        "F  查詢溫度請按一，控制電燈請按二，留言請按三。",
        ">  1",
        "F  目前二十一點五度，剛剛測得。查詢溫度按一，控制電燈按二，留言按三。",
        ">  2",
        "F  請輸入密碼，按井字鍵結束。",
        ">  ******",
        "F  密碼不對。請再輸入密碼。",
        ">  ******",
        "F  開燈請按一，關燈請按二，調光請按三。",
        ">  1",
        "F  即將打開電燈，確定請按一，取消請按零。",
        ">  1",
        "   (lamp on: no agent is running, so nothing was moved)",
        "F  電燈沒有回應。開燈按一，關燈按二，調光按三。",
        ">  0",
        "F  查詢溫度按一，控制電燈按二，留言按三。",
        ">  0",
        "F  謝謝您的來電，再見。",
        "   (the call ended)",
    ]


def test_silence_words_a_memo_and_hanging_up(folder: Path) -> None:
    said = play(folder, "", "溫度", "3", "請回電", "hangup")
    assert said[4:] == [
        ">  ",
        "F  沒有收到您的選擇。查詢溫度按一，控制電燈按二，留言按三。",
        ">  溫度",
        "   (only keys are listened for here, as on a telephone)",
        "F  沒有收到您的選擇。查詢溫度按一，控制電燈按二，留言按三。",
        ">  3",
        "F  請留言。",
        ">  請回電",
        "   (the service records what you say; here nothing is kept)",
        "F  已經錄下。查詢溫度按一，控制電燈按二，留言按三。",
        ">  hangup",
        "   (you hung up)",
    ]
    assert play(folder)[-1] == "   (you hung up)"


def test_a_caller_who_hides_the_number(folder: Path) -> None:
    said = play(folder, "2", options=("--withheld",))
    assert said[1] == "   (you call as an unlisted number: read)"
    assert "F  這項功能只開放給登記的號碼。查詢溫度按一，控制電燈按二，留言按三。" in said


def test_with_an_agent_its_readings_are_heard_and_it_moves(folder: Path) -> None:
    done: list[Mapping[str, Any]] = []

    async def status(_peer: Any, _request: Any) -> Any:
        temperature = {"values": ["25.3"], "unit": "°C", "age_s": 240.0, "quality": "good"}
        return {"sensors": [{"id": "temperature", **temperature}, {"id": "other"}]}

    async def probe(_peer: Any, request: Mapping[str, Any]) -> Any:
        done.append(request)
        return []

    async def set_(_peer: Any, request: Mapping[str, Any]) -> Any:
        done.append(request)
        if request["cmd"] == "off":
            raise AgentError("min_on, 3 s left")
        return "on"

    menus = (folder / "phone.toml").read_text().replace('測得。"\n', '測得。"\nfresh = true\n')
    (folder / "phone.toml").write_text(menus)
    handlers = {"status": status, "probe": probe, "set": set_}
    with Daemon(folder, handlers) as daemon:
        (folder / "agent.toml").write_text(AGENT.replace("SOCKET", str(daemon.socket)))
        said = play(folder, "1", "2", PIN, "1", "1", "2", "1")
    assert "what you confirm IS DONE by it" in said[0]
    assert any("二十五點三度，四分鐘前測得" in line for line in said)
    assert "   (lamp on: now it is on)" in said and "   (lamp off: min_on, 3 s left)" in said
    assert "F  沒有成功。開燈按一，關燈按二，調光按三。" in said
    assert done == [
        {"op": "probe", "ids": ["temperature"]},
        {"op": "set", "id": "lamp", "cmd": "on"},
        {"op": "set", "id": "lamp", "cmd": "off"},
    ]


def test_without_menus_or_hash_it_says_what_is_missing(folder: Path) -> None:
    (folder / "pin.hash").unlink()
    assert any("the PIN cannot be checked" in line for line in play(folder, "2", PIN))
    (folder / "phone.toml").unlink()
    failed = run_command(folder, "phone", "try")
    assert failed.returncode == 2
    assert failed.stderr == (
        "cht-agent: agent.toml has no menus to try: add a [phone], and write phone.toml beside it\n"
    )
