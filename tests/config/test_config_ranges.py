"""Actuators with levels of their own: motors and servos in the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config.load import inspect
from agent.config.model import Action, ActuatorConfig
from tests.config.catalog import HEAD, said

MOTOR = '[[actuator]]\nid = "m"\ndriver = "motor"\nforward = 5\nbackward = 6\n'
SERVO = '[[actuator]]\nid = "s"\ndriver = "servo"\npin = 13\n'
DEGREES = SERVO + "min_angle = 30\nmax_angle = 150\nsafe = 90\n"


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "agent.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    path.chmod(0o600)
    return said(inspect(path), head=HEAD.count("\n"))


def actuator(folder: Path, text: str) -> ActuatorConfig:
    assert problems(folder, text) == []
    config = inspect(folder / "agent.toml").config
    assert config is not None
    (only,) = config.actuators
    return only


def test_a_motor_has_its_own_words_and_numbers(tmp_path: Path) -> None:
    motor = actuator(tmp_path, MOTOR)
    assert motor.commands == {
        "forward": Action("set", 1.0),
        "backward": Action("set", -1.0),
        "stop": Action("set", 0.0),
    }
    assert (motor.levels, motor.numbers, motor.safe) == ((-1.0, 1.0), True, 0.0)
    assert actuator(tmp_path, MOTOR + "pwm = false\n").numbers is False


def test_a_table_of_a_motor(tmp_path: Path) -> None:
    motor = actuator(
        tmp_path,
        MOTOR + 'commands = { up = "forward", slow = { value = -0.25 }, halt = "stop", '
        'shut = { pulse = "3s", value = -1 } }\nsafe = "stop"\n'
        'on_link_lost = { after = "1m", do = "halt" }\n',
    )
    assert motor.commands == {
        "up": Action("set", 1.0),
        "slow": Action("set", -0.25),
        "halt": Action("set", 0.0),
        "shut": Action("pulse", -1.0, 3.0),
    }


def test_a_servo_goes_from_its_lowest_angle_to_its_highest(tmp_path: Path) -> None:
    plain = actuator(tmp_path, SERVO)
    assert (plain.levels, plain.safe) == ((-1.0, 1.0), 0.0)
    servo = actuator(tmp_path, DEGREES)
    assert (servo.levels, servo.safe, servo.numbers) == ((30.0, 150.0), 90.0, True)
    assert {word: action.level for word, action in servo.commands.items()} == {
        "min": 30.0,
        "mid": 90.0,
        "max": 150.0,
    }
    assert actuator(tmp_path, SERVO + 'safe = "max"\n').safe == 1.0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (MOTOR + "safe = 2\n", "safe: must be from -1 to 1, or"),
        (MOTOR + 'safe = "on"\n', 'must be "forward" or "backward" or "stop" or "off", or a num'),
        (MOTOR + "pwm = false\nsafe = 0.5\n", 'must be "forward" or "backward" or "stop" or "off"'),
        (MOTOR + 'commands = { x = "on" }\n', 'must be "forward", "backward", "stop" or { pulse'),
        (MOTOR + 'commands = { x = { pulse = "1s" } }\n', "needs a value besides, from -1 to 1"),
        (MOTOR + "commands = { x = { value = -1.5 } }\n", "must be from -1 to 1"),
        (
            MOTOR + "pwm = false\ncommands = { x = { value = 0.5 } }\n",
            "this driver knows forward and backward and stop only",
        ),
        (
            MOTOR + 'commands = { x = { pulse = "1s", value = 0 } }\n',
            "must not be 0 in a pulse",
        ),
        (MOTOR + 'safe = "backward"\nmax_on = "1s"\n', "leads to the safe state, which is not off"),
        (MOTOR.replace("6", "5"), "pin 5 is taken"),
        (SERVO + "min_angle = 30\nmax_angle = 150\n", "safe: must be"),
        (SERVO + "min_angle = 90\n", "its levels go from a lower to a higher number"),
        (DEGREES + "commands = { x = { value = 0 } }\n", "must be from 30 to 150"),
        (DEGREES + 'commands = { x = "toggle" }\n', 'must be "min", "mid", "max"'),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, complaint: str) -> None:
    assert any(complaint in line for line in problems(tmp_path, text)), problems(tmp_path, text)
