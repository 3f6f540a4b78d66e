"""The analogue-to-digital converters: our driver and gpiozero's classes on the same chip."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import HardwareError, SensorError
from agent.hardware import spidev
from agent.hardware.catalog import open_sensor
from agent.hardware.drivers.mcp3xxx import CHIPS, Chip, McpSensor
from agent.hardware.simulated import SimulatedPi
from agent.hardware.spidev import SpiDevice
from hw_mocks.mcp3xxx import MODELS, Mcp3xxx
from hw_mocks.scenario import Adc, Scenario
from tests.hardware.conftest import sensor


class Bus(gpiozero.SPI):  # type: ignore[misc]  # gpiozero has no type hints
    """What gpiozero's classes talk to, with a simulated chip behind it."""

    bits_per_word = 8

    def __init__(self, chip: Mcp3xxx, factory: MockFactory) -> None:
        super().__init__(pin_factory=factory)
        self._chip = chip

    def transfer(self, data: list[int]) -> list[int]:
        return list(self._chip.transfer(bytes(data)))

    def close(self) -> None:
        pass


class Factory(MockFactory):  # type: ignore[misc]
    def __init__(self, chip: Mcp3xxx) -> None:
        super().__init__()
        self._bus = Bus(chip, self)

    def spi(self, **_: Any) -> Bus:
        return self._bus


def by_gpiozero(name: str, chip: Mcp3xxx, **arguments: Any) -> float:
    with getattr(gpiozero, name.upper())(pin_factory=Factory(chip), **arguments) as device:
        return float(device.value)


def by_us(chip: Chip, simulated: Mcp3xxx, channel: int, differential: bool) -> float:
    device = McpSensor(
        simulated, chip, "it", channel=channel, differential=differential, max_voltage=3.3
    )
    value = device.read()["value"]
    assert isinstance(value, float)
    return value


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
@given(data=st.data())
def test_we_read_what_gpiozero_reads(chip: Chip, data: st.DataObject) -> None:
    inputs = max(2, chip.channels)
    volts = data.draw(st.lists(st.floats(0, 3.3), min_size=inputs, max_size=inputs))
    channel = data.draw(st.integers(0, chip.channels - 1))
    differential = data.draw(st.booleans()) or chip.channels == 1
    simulated = Mcp3xxx(MODELS[chip.name], lambda number: volts[number])
    wanted = {} if chip.channels == 1 else {"channel": channel, "differential": differential}
    ours = by_us(chip, simulated, channel, differential)
    # gpiozero's scale begins half a step beside 0, and ends at 1 as ours.
    assert ours == pytest.approx(by_gpiozero(chip.name, simulated, **wanted), abs=2**-chip.bits)
    true = volts[channel] - (volts[channel ^ 1] if differential else 0.0)
    if not chip.signed or not differential:
        true = max(0.0, true)
    assert ours == pytest.approx(true / 3.3, abs=2 * 2**-chip.bits)


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
def test_the_ends_are_exact(chip: Chip) -> None:
    simulated = Mcp3xxx(MODELS[chip.name], lambda number: 0.0)
    assert by_us(chip, simulated, 0, chip.channels == 1) == 0.0
    simulated = Mcp3xxx(MODELS[chip.name], lambda number: 3.3 if number == 0 else 0.0)
    assert by_us(chip, simulated, 0, chip.channels == 1) == 1.0
    if chip.signed:
        simulated = Mcp3xxx(MODELS[chip.name], lambda number: 0.0 if number == 0 else 3.3)
        assert by_us(chip, simulated, 0, True) == -1.0


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
def test_a_line_without_a_chip_is_a_fault(hardware: SimulatedPi, chip: Chip) -> None:
    device = open_sensor(hardware, sensor(chip.name))
    hardware.board.fault("spi0.0", "unplugged")
    with pytest.raises(SensorError, match=rf"{chip.name.upper()} at SPI 0\.0 does not answer"):
        device.read()
    hardware.board.clear("spi0.0")
    assert 0 <= float(device.read()["value"]) <= 1


def test_channels_voltages_and_select_lines(clock: Any) -> None:
    adcs = {
        "spi0.0": Adc("mcp3008", {3: 1.65}),
        "spi0.1": Adc("mcp3208", {0: "humidity"}),
    }
    hardware = SimulatedPi(monotonic=clock.monotonic)
    hardware.board.scenario = Scenario(adcs=adcs)
    half = open_sensor(hardware, sensor("mcp3008", channel=3, max_voltage=5.0)).read()
    assert half["value"] == pytest.approx(0.5, abs=0.001)
    assert half["voltage"] == pytest.approx(2.5, abs=0.005)
    humidity = open_sensor(hardware, sensor("mcp3208", device=1)).read()["value"]
    assert humidity == pytest.approx(hardware.board.world().humidity / 100, abs=0.001)
    assert open_sensor(hardware, sensor("mcp3008", channel=1)).read()["value"] == 0
    hardware.close()


def test_a_stuck_chip_repeats_itself(hardware: SimulatedPi) -> None:
    chip = Mcp3xxx(MODELS["mcp3008"], lambda _: volts, fault=lambda: fault)
    volts, fault = 1.0, None
    before = chip.transfer(bytes([1, 0x80, 0]))
    volts, fault = 2.0, "stuck"
    assert chip.transfer(bytes([1, 0x80, 0])) == before


def test_a_channel_the_chip_does_not_have(hardware: SimulatedPi) -> None:
    with pytest.raises(HardwareError, match="mcp3002 has the channels 0 to 1, not 2"):
        open_sensor(hardware, sensor("mcp3002", channel=2))


def test_a_bus_that_is_not_there_says_how_to_switch_it_on(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match=r"spidev0\.1 does not exist: add dtparam=spi=on"):
        SpiDevice(0, 1, tmp_path)


def test_a_file_that_is_no_bus(tmp_path: Path) -> None:
    (tmp_path / "spidev0.0").write_bytes(b"")
    bus = SpiDevice(0, 0, tmp_path)
    with pytest.raises(SensorError, match=r"spidev0\.0: Inappropriate ioctl"):
        bus.transfer(bytes(3))
    bus.close()
    bus.close()


def test_no_warning_is_left_behind(hardware: SimulatedPi) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_sensor(hardware, sensor("mcp3304", differential=True)).read()


def test_a_transfer_is_asked_for_as_the_kernel_s_header_says() -> None:
    # SPI_IOC_MESSAGE(1) and struct spi_ioc_transfer, as a C compiler sees them.
    assert spidev._MESSAGE == 0x40206B00
    packed = spidev._TRANSFER.pack(1, 2, 3, 500_000, 0, 8, 0, 0, 0, 0)
    assert len(packed) == 32
    assert (packed[16], packed[26]) == (3, 8), "length and bits per word"
    assert int.from_bytes(packed[20:24], sys.byteorder) == 500_000
