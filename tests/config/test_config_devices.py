"""[[sensor]] and [[actuator]]: drivers, filters, commands, safety."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config.model import (
    Action,
    ActuatorConfig,
    OnLinkLost,
    QuantityConfig,
    RateLimit,
    SensorConfig,
)
from tests.config.catalog import HEAD, look, said

HEAD_LINES = HEAD.count("\n")
DHT = '[[sensor]]\nid = "t"\ndriver = "dht22"\npin = 4\nquantity = "temperature"\n'
RELAY = '[[actuator]]\nid = "lamp"\ndriver = "relay"\npin = 17\n'
PWM = '[[actuator]]\nid = "led"\ndriver = "pwm_led"\npin = 18\n'


def problems(folder: Path, text: str) -> list[str]:
    """What is said of the devices in ``text``; lines count from its first."""
    return said(look(folder, HEAD + text), head=HEAD_LINES)


def sensors(folder: Path, text: str) -> tuple[SensorConfig, ...]:
    report = look(folder, HEAD + text)
    assert report.config is not None, said(report)
    return report.config.sensors


def actuators(folder: Path, text: str) -> tuple[ActuatorConfig, ...]:
    report = look(folder, HEAD + text)
    assert report.config is not None, said(report)
    return report.config.actuators


# --- what both have


def test_a_sensor_has_its_drivers_defaults(tmp_path: Path) -> None:
    assert sensors(tmp_path, DHT) == (
        SensorConfig(
            id="t",
            driver="dht22",
            quantities=(QuantityConfig("temperature", unit="°C"),),
            options={"pin": 4, "source": "auto"},
            every=30.0,
        ),
    )
    (button,) = sensors(tmp_path, '[[sensor]]\nid = "b"\ndriver = "button"\npin = 0\n')
    assert button.every is None
    assert button.options == {"pin": 0, "pull_up": True, "bounce_time": 0.05}


def test_the_drivers_options_are_checked_like_our_keys(tmp_path: Path) -> None:
    text = (
        '[[sensor]]\nid = "t"\ndriver = "dht22"\nquantity = "humidity"\nsource = "kernle"\n'
        '[[sensor]]\nid = "b"\ndriver = "button"\npin = 28\npul_up = true\nbounce_time = "6s"\n'
        '[[sensor]]\nid = "f"\ndriver = "file"\npath = "a/value"\n'
        '[[sensor]]\nid = "g"\ndriver = "button"\npin = "GPIO4"\n'
    )
    assert problems(tmp_path, text) == [
        "1 sensor.t.pin: is missing: the BCM number of the pin",
        '5 sensor.t.source: "kernle" is not one of "auto", "kernel"; did you mean "kernel"?',
        "9 sensor.b.pin: must be from 0 to 27",
        '10 sensor.b.pul_up: unknown key; did you mean "pull_up"?',
        '11 sensor.b.bounce_time: "6s" must be from 0s to 5s',
        '12 sensor.f.every: is missing: how often to read, such as "30s"',
        "19 sensor.g.pin: must be a BCM pin number from 0 to 27, not a text",
    ]


def test_a_relative_path_starts_from_the_configuration(tmp_path: Path) -> None:
    text = '[[sensor]]\nid = "f"\ndriver = "file"\npath = "a/value"\nevery = "1s"\n'
    (sensor,) = sensors(tmp_path, text)
    assert sensor.options == {"path": tmp_path / "a/value"}


def test_an_unknown_driver(tmp_path: Path) -> None:
    text = '[[sensor]]\nid = "t"\ndriver = "{}"\npin = 4\neverything = 1\n'
    (line,) = problems(tmp_path, text.format("dht2"))
    assert line.startswith(
        '3 sensor.t.driver: unknown driver "dht2"; did you mean "dht22"?; known:'
    )
    assert problems(tmp_path, text.format("relay")) == [
        '3 sensor.t.driver: "relay" is a driver for [[actuator]]'
    ]
    (line,) = problems(tmp_path, '[[actuator]]\nid = "a"\ndriver = "button"\n')
    assert line == '3 actuator.a.driver: "button" is a driver for [[sensor]]'
    (line,) = problems(tmp_path, '[[sensor]]\nid = "a"\n')
    assert line.startswith("1 sensor.a.driver: is missing")


@pytest.mark.parametrize("id", ["", "a/b", "+", "a#", "a b", "x" * 65, "a\\tb", "a\\u0000"])
def test_an_id_becomes_part_of_a_topic(tmp_path: Path, id: str) -> None:
    (line,) = problems(tmp_path, DHT.replace('"t"', f'"{id}"'))
    assert line.startswith("2 sensor.")
    assert "1 to 64 characters without / + #" in line


def test_ids_are_unique_over_sensors_and_actuators(tmp_path: Path) -> None:
    assert problems(tmp_path, DHT + RELAY.replace('"lamp"', '"t"')) == [
        '7 actuator.t.id: "t" is taken by an earlier [[sensor]]'
    ]
    unknown = '[[sensor]]\nid = "t"\ndriver = "nonsuch"\n'
    assert len(problems(tmp_path, DHT + unknown)) == 2


def test_pins_are_unique_but_for_two_quantities_of_one_device(tmp_path: Path) -> None:
    humidity = DHT.replace('"t"', '"h"').replace('"temperature"', '"humidity"')
    assert len(sensors(tmp_path, DHT + humidity)) == 2
    assert problems(tmp_path, DHT + humidity + 'source = "kernel"\n') == [
        '9 sensor.h.pin: pin 4 is shared with [[sensor]] "t": source must be the same in both'
    ]
    button = '[[sensor]]\nid = "b"\ndriver = "button"\npin = 4\n'
    assert problems(tmp_path, DHT + button) == ['9 sensor.b.pin: pin 4 is taken by [[sensor]] "t"']
    assert problems(tmp_path, RELAY + RELAY.replace("lamp", "fan")) == [
        '8 actuator.fan.pin: pin 17 is taken by [[actuator]] "lamp"'
    ]


# --- sensors


def test_every_is_raised_to_the_drivers_minimum_with_a_warning(tmp_path: Path) -> None:
    report = look(tmp_path, HEAD + DHT + 'every = "1s"\n')
    assert report.config is not None
    assert report.config.sensors[0].every == 2.5
    assert [str(warning.severity) for warning in report.problems] == ["warning"]
    assert said(report, head=HEAD_LINES) == [
        "6 sensor.t.every: raised to 2.5s, the minimum of dht22"
    ]


def test_a_list_of_quantities_with_lists_of_filters(tmp_path: Path) -> None:
    text = DHT.replace('"temperature"', '["humidity", "temperature"]') + (
        'unit = ["", "K"]\nvalid = [[0, 100], false]\ndeadband = [false, 0.2]\n'
        "scale = 2\noffset = [0, 273.15]\ndecimals = [0, 2]\nmedian = [1, 3]\n"
    )
    (sensor,) = sensors(tmp_path, text)
    assert sensor.quantities == (
        QuantityConfig("humidity", unit=None, scale=2.0, valid=(0.0, 100.0), decimals=0),
        QuantityConfig(
            "temperature", unit="K", scale=2.0, offset=273.15, median=3, decimals=2, deadband=0.2
        ),
    )
    shared = DHT.replace('"temperature"', '["humidity", "temperature"]') + "valid = [-40, 100]\n"
    (sensor,) = sensors(tmp_path, shared)
    assert [quantity.valid for quantity in sensor.quantities] == [(-40.0, 100.0)] * 2
    assert [quantity.unit for quantity in sensor.quantities] == ["%", "°C"]


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ("deadband = [0.1, 0.2, 0.3]", "deadband: has 3 entries for 2 quantities"),
        ("valid = [[0, 1]]", "valid: has 1 entries for 2 quantities"),
        ("valid = [[0, 1], [5, 5]]", "valid: the lowest (5) must be below the highest (5)"),
        ("valid = [80, -40]", "valid: the lowest (80) must be below the highest (-40)"),
        ("valid = [0, nan]", "valid: must be a number"),
        ("valid = 3", "valid: must be two numbers"),
        ("unit = [1, 2]", "unit: must be a text in quotes, not a whole number"),
        ("decimals = 1.5", "decimals: must be a whole number from 0 to 9, not a number"),
        ("decimals = 10", "decimals: must be from 0 to 9"),
        ("deadband = -1", "deadband: must be from 0 to"),
        ("scale = 0", "scale: must not be 0"),
        ("median = 4", "median: must be odd"),
        ("scale = true", "scale: must be a number, not true or false"),
        ("offset = 1e400", "offset: must be a number within"),
        ("lat = 25", "lat and lon stand together"),
        ("lat = 91\nlon = 121", "lat: must be from -90 to 90"),
        ('report_at_least = "0s"', 'report_at_least: "0s" must be from 1s to 30d'),
    ],
)
def test_what_is_wrong_with_a_filter(tmp_path: Path, keys: str, complaint: str) -> None:
    text = DHT.replace('"temperature"', '["temperature", "humidity"]') + keys + "\n"
    (line,) = problems(tmp_path, text)
    assert complaint in line
    if "stand together" not in complaint:
        assert line.startswith("6 ")


def test_a_list_of_filters_needs_a_list_of_quantities(tmp_path: Path) -> None:
    assert problems(tmp_path, DHT + "deadband = [0.2]\nvalid = [[0, 1]]\n") == [
        "6 sensor.t.deadband: may be a list only where quantity is a list",
        "7 sensor.t.valid: must be two numbers, the lowest and the highest, such as [-40, 80]",
    ]


@pytest.mark.parametrize(
    ("quantity", "complaint"),
    [
        ("", "is missing: one of temperature, humidity, or a list of them"),
        ('quantity = "humid"', 'does not measure "humid"; did you mean "humidity"?; it has'),
        ('quantity = ["humidity", 3]', "does not measure a whole number; it has"),
        ("quantity = []", "is empty"),
        ('quantity = ["humidity", "humidity"]', "names the same quantity twice"),
    ],
)
def test_quantities_are_the_drivers(tmp_path: Path, quantity: str, complaint: str) -> None:
    (line,) = problems(tmp_path, DHT.replace('quantity = "temperature"', quantity))
    assert complaint in line


def test_a_place(tmp_path: Path) -> None:
    (sensor,) = sensors(tmp_path, DHT + "lat = 25\nlon = 121.5\n")
    assert (sensor.lat, sensor.lon) == (25.0, 121.5)


# --- actuators


def test_an_actuator_has_the_default_commands(tmp_path: Path) -> None:
    relay, pwm = actuators(tmp_path, RELAY + PWM)
    assert relay == ActuatorConfig(
        id="lamp",
        driver="relay",
        commands={"on": Action("set", 1.0), "off": Action("set", 0.0), "toggle": Action("toggle")},
        options={"pin": 17, "active_high": True},
    )
    assert (relay.numbers, pwm.numbers) == (False, True)


def test_a_table_of_commands_is_complete(tmp_path: Path) -> None:
    text = (
        'commands = { "開" = "on", off = "off", ring = { pulse = "500ms" } }\n'
        'safe = "off"\nmax_on = "2h"\nmin_on = "100ms"\nmin_off = "3s"\ninterlock = "heat"\n'
        'rate_limit = "10/1m"\non_link_lost = { after = "10m", do = "off" }\n'
        'max_command_age = "30s"\npublish_state = false\n'
    )
    lamp, _ = actuators(tmp_path, RELAY + text + PWM + 'interlock = "heat"\n')
    assert lamp.commands == {
        "開": Action("set", 1.0),
        "off": Action("set", 0.0),
        "ring": Action("pulse", 1.0, 0.5),
    }
    assert (lamp.max_on, lamp.min_on, lamp.min_off) == (7200.0, 0.1, 3.0)
    assert (lamp.interlock, lamp.rate_limit) == ("heat", RateLimit(10, 60.0))
    assert lamp.on_link_lost == OnLinkLost(600.0, Action("set", 0.0))
    assert (lamp.max_command_age, lamp.publish_state) == (30.0, False)


def test_levels_between_are_for_drivers_that_have_them(tmp_path: Path) -> None:
    text = (
        'commands = { dim = { value = 0.5 }, flash = { pulse = "1s", value = 0.2 } }\nsafe = 0.1\n'
    )
    (pwm,) = actuators(tmp_path, PWM + text)
    assert pwm.commands == {"dim": Action("set", 0.5), "flash": Action("pulse", 0.2, 1.0)}
    assert (pwm.safe, pwm.numbers) == (0.1, False)
    lines = problems(tmp_path, RELAY + text)
    assert len(lines) == 3
    assert "this driver knows on and off only" in lines[0]
    assert lines[2] == '6 actuator.lamp.safe: must be "on" or "off"'
    assert actuators(tmp_path, PWM + 'safe = "on"\n')[0].safe == 1.0


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ('commands = { on = "onn" }', 'commands.on: must be "on", "off", "toggle" or'),
        ("commands = { on = { } }", "commands.on: is empty"),
        (
            'commands = { on = { puls = "1s" } }',
            'commands.on.puls: unknown key; did you mean "pulse"',
        ),
        ("commands = { on = { pulse = 500 } }", "commands.on.pulse: must be a duration in quotes"),
        ("commands = {}", "commands: is empty: nothing could move it"),
        ('commands = "on"', "commands: must be a table of words"),
        ('commands = { "" = "on" }', "a command is 1 to 64 printable characters"),
        ('commands = { " on" = "on" }', "a command is 1 to 64 printable characters"),
        ('commands = { unknown = "on" }', "choose another word"),
        ('commands = { "error: x" = "on" }', "choose another word"),
        ('safe = "of"', 'safe: must be "on" or "off"'),
        ("safe = 0.5", 'safe: must be "on" or "off"'),
        ('max_on = "1s"\nmin_on = "2s"', "max_on: is shorter than min_on (2s)"),
        ('safe = "on"\nmax_on = "1s"', "max_on: leads to the safe state, which is not off"),
        ('max_on = "1s"\ncommands = { r = { pulse = "2s" } }', "the pulse is longer than max_on"),
        ('min_on = "1s"\ncommands = { r = { pulse = "1ms" } }', "the pulse is shorter than min_on"),
        ('rate_limit = "10"', 'rate_limit: "10" is not a rate'),
        ("rate_limit = 10", 'must be a rate in quotes, such as "10/1m"'),
        ('on_link_lost = "safe"', "on_link_lost: is a text; it must be a table of keys"),
        ('on_link_lost = { do = "safe" }', "on_link_lost.after: is missing"),
        ('on_link_lost = { after = "1m", do = "of" }', '"of" is not one of "safe", "on", "off"'),
        ('max_command_age = "0s"', 'max_command_age: "0s" must be from 1s to 1d'),
        ("interlok = 'x'", 'interlok: unknown key; did you mean "interlock"?'),
        ('interlock = "alone"', 'interlock: no other actuator names the group "alone"'),
    ],
)
def test_what_is_wrong_with_an_actuator(tmp_path: Path, keys: str, complaint: str) -> None:
    (line,) = problems(tmp_path, RELAY + keys + "\n")
    assert complaint in line
    assert line.split()[0] in ("5", "6")


def test_on_link_lost_is_the_safe_state_unless_a_word_is_given(tmp_path: Path) -> None:
    lamp, led = actuators(
        tmp_path,
        RELAY + 'on_link_lost = { after = "10m" }\n' + PWM
        + 'commands = { safe = "on", off = "off" }\non_link_lost = { after = "1s", do = "safe" }\n',
    )  # fmt: skip
    assert lamp.on_link_lost == OnLinkLost(600.0, None)
    assert led.on_link_lost == OnLinkLost(1.0, None)


def test_one_of_an_interlock_may_be_on_in_its_safe_state(tmp_path: Path) -> None:
    text = 'interlock = "x"\nsafe = "on"\n'
    assert problems(tmp_path, RELAY + text + PWM + text) == [
        '12 actuator.led.safe: "lamp" of the same interlock is on in its safe state too'
    ]
