"""The drivers that read files: file, iio, and this machine itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import HardwareError, SensorError
from agent.hardware.catalog import open_sensor
from agent.hardware.drivers.iio import IioSensor
from agent.hardware.drivers.small_files import read_number
from agent.hardware.simulated import SimulatedPi
from tests.hardware.conftest import sensor


@pytest.mark.parametrize(
    ("content", "parse", "value"),
    [
        ("21062\n", "number", 21062.0),
        (" -3.5e-1 ", "number", -0.35),
        ("open\n", "text", "open"),
        ("半開\n", "text", "半開"),
    ],
)
def test_a_file_is_the_value(
    hardware: SimulatedPi, tmp_path: Path, content: str, parse: str, value: float | str
) -> None:
    path = tmp_path / "value"
    path.write_text(content, encoding="utf-8")
    device = open_sensor(hardware, sensor("file", path=path, parse=parse))
    assert device.read() == {"value": value}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"   \n", "is empty"),
        (b"warm", "holds 'warm', which is not a number"),
        (b"nan", "not a number"),
        (b"inf", "not a number"),
        (b"1_000", "not a number"),
        (b"\xff\xfe", "not UTF-8"),
        (b"1" * 4097, "longer than 4096 bytes"),
    ],
)
def test_a_file_that_is_no_reading(
    hardware: SimulatedPi, tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "value"
    path.write_bytes(content)
    device = open_sensor(hardware, sensor("file", path=path))
    with pytest.raises(SensorError, match=said):
        device.read()
    path.write_text("7")
    assert device.read() == {"value": 7.0}


def test_a_file_that_is_not_there_or_not_ours(hardware: SimulatedPi, tmp_path: Path) -> None:
    path = tmp_path / "value"
    device = open_sensor(hardware, sensor("file", path=path))
    with pytest.raises(SensorError, match="value is not there: check the path"):
        device.read()
    path.mkdir()
    with pytest.raises(SensorError, match="cannot be read: Is a directory"):
        device.read()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(hardware: SimulatedPi, tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_text("1")
    path.chmod(0)
    with pytest.raises(SensorError, match="may not be read: give the agent's user permission"):
        open_sensor(hardware, sensor("file", path=path)).read()


@given(st.binary(max_size=40))
def test_whatever_a_file_holds_is_a_number_or_a_sensor_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "anything"
    path.write_bytes(content)
    try:
        assert abs(read_number(path)) < float("inf")
    except SensorError as exc:
        assert "\n" not in str(exc)


def iio(folder: Path, **files: str) -> Path:
    """An IIO device's folder as the kernel makes it."""
    device = folder / "iio:device0"
    device.mkdir()
    for name, content in {"name": "ads1115", **files}.items():
        (device / name).write_text(content + "\n")
    return folder


@pytest.mark.parametrize(
    ("channel", "files", "value"),
    [
        ("temp", {"in_temp_input": "25300"}, 25.3),
        ("in_temp", {"in_temp_input": "-3500"}, -3.5),
        ("humidityrelative", {"in_humidityrelative_input": "61500"}, 61.5),
        ("pressure", {"in_pressure_input": "101.325"}, 101.325),
        ("illuminance", {"in_illuminance_raw": "120", "in_illuminance_scale": "0.5"}, 60.0),
        # (raw + offset) × scale: 1000 and 24, each worth 2 mV
        (
            "voltage0",
            {"in_voltage0_raw": "1000", "in_voltage0_offset": "24", "in_voltage0_scale": "2"},
            2.048,
        ),
        ("voltage3", {"in_voltage3_raw": "500", "in_voltage_scale": "2"}, 1.0),
        ("voltage0-voltage1", {"in_voltage0-voltage1_raw": "500", "in_voltage_scale": "2"}, 1.0),
        ("proximity", {"in_proximity_raw": "7"}, 7.0),
    ],
)
def test_iio_units(tmp_path: Path, channel: str, files: dict[str, str], value: float) -> None:
    root = iio(tmp_path, **files)
    for device in ("ads1115", "iio:device0"):
        read = IioSensor(lambda: root, device, channel).read()
        assert read == {"value": pytest.approx(value)}


def test_iio_errors_tell_what_there_is(tmp_path: Path) -> None:
    root = iio(tmp_path, in_temp_input="25300", in_voltage0_raw="1")
    with pytest.raises(SensorError, match=r"no IIO device 'bme280' \(there are: ads1115\)"):
        IioSensor(lambda: root, "bme280", "temp").read()
    with pytest.raises(SensorError, match=r"no channel 'temperature', only temp, voltage0"):
        IioSensor(lambda: root, "ads1115", "temperature").read()
    with pytest.raises(SensorError, match=r"\(there are: none\)"):
        IioSensor(lambda: tmp_path / "nowhere", "bme280", "temp").read()


def test_an_iio_device_fails_and_comes_back(hardware: SimulatedPi) -> None:
    device = open_sensor(hardware, sensor("iio", device="bme280", channel="temp"))
    assert device.read() == {"value": pytest.approx(25.3)}
    hardware.board.fault("bme280", "checksum")
    with pytest.raises(SensorError, match="cannot be read: Input/output error"):
        device.read()
    hardware.board.fault("bme280", "unplugged")
    with pytest.raises(SensorError, match="no IIO device 'bme280'"):
        device.read()
    hardware.board.clear("bme280")
    assert device.read() == {"value": pytest.approx(25.3)}


def test_the_machine_s_load_and_disk_are_real(hardware: SimulatedPi, tmp_path: Path) -> None:
    load = open_sensor(hardware, sensor("load_average", minutes=15)).read()["load"]
    assert load == pytest.approx(os.getloadavg()[2], abs=0.5)
    usage = open_sensor(hardware, sensor("disk_usage", filesystem=tmp_path)).read()["usage"]
    assert isinstance(usage, float) and 0 < usage <= 100


def test_a_cpu_temperature_that_appears_later(hardware: SimulatedPi, tmp_path: Path) -> None:
    file = tmp_path / "temp"
    device = open_sensor(hardware, sensor("cpu_temperature", sensor_file=file))
    with pytest.raises(SensorError, match="this machine has no such value"):
        device.read()
    file.write_text("48312\n")
    assert device.read() == {"temperature": 48.312}
    file.write_text("hot\n")
    with pytest.raises(SensorError, match="no number"):
        device.read()
    file.unlink()
    with pytest.raises(SensorError, match=r"cannot read .*temp: No such file"):
        device.read()
    device.close()


def test_load_averages_there_are_not(hardware: SimulatedPi) -> None:
    with pytest.raises(HardwareError, match="minutes must be 1, 5 or 15, not 7"):
        open_sensor(hardware, sensor("load_average", minutes=7))
