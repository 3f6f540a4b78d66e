"""The newer sensors of the board: what they show, and what a scenario can say of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hw_mocks.board import BoardError, SimulatedBoard
from hw_mocks.scenario import Adc, Monitor, Scenario, Thermometer, parse
from hw_mocks.sysfs import crc8, w1_slave
from hw_mocks.tables import ScenarioError
from hw_mocks.timed import SilenceError
from tests.support.clock import FakeClock


@pytest.fixture
def board() -> Iterator[SimulatedBoard]:
    board = SimulatedBoard(monotonic=FakeClock().monotonic)
    yield board
    board.close()


def test_scenarios_wire_them() -> None:
    scenario = parse(
        {
            "w1": [{"address": "28-01"}, {"address": "28-02", "shows": 4.5}],
            "hwmon": [{"name": "fan", "channels": {"fan1": 900, "temp1": "temperature"}}],
            "spi": [{"device": 1, "chip": "mcp3304", "channels": {"0": "light", "7": 1.5}}],
            "ultrasonic": [{"echo": 20, "metres": 0.4}],
            "fault": [
                {"device": "28-02", "kind": "power_on"},
                {"device": "fan", "kind": "hang"},
                {"device": "spi0.1", "kind": "stuck"},
                {"device": "ldr@5", "kind": "unplugged"},
                {"device": "ultrasonic@20", "kind": "no_answer"},
            ],
        }
    )
    assert scenario.w1 == (Thermometer("28-01"), Thermometer("28-02", 4.5))
    assert scenario.hwmon == (Monitor("fan", {"fan1": 900, "temp1": "temperature"}),)
    assert scenario.adcs == {"spi0.1": Adc("mcp3304", {0: "light", 7: 1.5})}
    assert scenario.metres == {20: 0.4}
    assert len(scenario.faults) == 5


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"w1": [{"address": "../etc"}]}, "letters, digits"),
        ({"w1": [{"address": ".."}]}, "letters, digits"),
        ({"w1": [{"address": "28-1", "shows": "smell"}]}, "one of temperature"),
        ({"hwmon": [{"name": "x", "channels": {"a/b": 1}}]}, "letters, digits"),
        ({"spi": [{"chip": "mcp9999"}]}, "one of mcp3001"),
        ({"spi": [{"chip": "mcp3008", "channels": {"8": 1}}]}, "unknown key 8"),
        ({"spi": [{"chip": "mcp3008", "port": 9}]}, "port must be 0 to 6"),
        ({"ultrasonic": [{"echo": 28}]}, "BCM pin 0 to 27"),
        ({"fault": [{"device": "ldr@5", "kind": "checksum"}]}, "ldr@5 cannot be checksum"),
        ({"fault": [{"device": "dht22@5", "kind": "power_on"}]}, "cannot be power_on"),
        ({"fault": [{"device": "spi9.0", "kind": "stuck"}]}, "no device 'spi9.0'"),
    ],
)
def test_what_is_wrong_is_said(document: dict[str, object], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        parse(document)


def test_a_thermometer_says_what_a_real_one_says() -> None:
    # Recorded from a DS18B20 after it lost its supply (data sheet: 05 50, byte 6 is 0C).
    assert crc8(bytes.fromhex("50 05 4b 46 7f ff 0c 10")) == 0x1C
    assert w1_slave(85.0).splitlines() == [
        "50 05 4b 46 7f ff 0c 10 1c : crc=1c YES",
        "50 05 4b 46 7f ff 0c 10 1c t=85000",
    ]
    assert w1_slave(-10.0625).endswith("t=-10063")
    assert " NO\n" in w1_slave(20.0, spoiled=True)


def test_thermometers_and_monitors_are_files(board: SimulatedBoard) -> None:
    assert (board.w1_root / "28-0316a2795bff" / "w1_slave").read_text().endswith("t=25312\n")
    assert (board.w1_root / "w1_bus_master1").is_dir()
    assert (board.hwmon_root / "hwmon0" / "temp1_input").read_text() == "48300\n"
    assert (board.hwmon_root / "hwmon1" / "in0_lcrit_alarm").read_text() == "0\n"
    board.fault("28-0316a2795bff", "no_answer")
    with pytest.raises(OSError, match="Input/output"):
        (board.w1_root / "28-0316a2795bff" / "w1_slave").read_text()
    board.fault("cpu_thermal", "unplugged")
    assert not (board.hwmon_root / "hwmon0").exists()
    roots = (board.w1_root, board.hwmon_root)
    board.close()
    assert not any(root.exists() for root in roots)


def test_light_charges_faster_than_dark() -> None:
    bright = SimulatedBoard(Scenario(start_hour=12), FakeClock().monotonic).ldr(5)
    dark = SimulatedBoard(Scenario(start_hour=0), FakeClock().monotonic).ldr(5)
    took = bright.charge_time(0.01)
    assert took is not None and 0 < took < 0.001
    assert dark.charge_time(0.01) is None


def test_an_echo_is_the_way_there_and_back(board: SimulatedBoard) -> None:
    sensor = board.ultrasonic(21, 20)
    assert sensor.echo_time(0.1) == pytest.approx(2 * 1.2 / 343.26)
    assert sensor.echo_time(0.001) == 0.001
    board.fault("ultrasonic@20", "no_answer")
    with pytest.raises(SilenceError):
        sensor.echo_time(0.1)
    with pytest.raises(BoardError, match="GPIO21 is already in use"):
        board.output(21, 0.0)
    sensor.close()
    board.output(21, 0.0)
