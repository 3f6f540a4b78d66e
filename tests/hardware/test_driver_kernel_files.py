"""1-Wire thermometers and hardware monitors: what the kernel shows, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import SensorError
from agent.hardware.catalog import open_sensor
from agent.hardware.drivers.ds18b20 import PAUSE, TRIES, Ds18b20, temperature
from agent.hardware.drivers.hwmon import HwmonSensor
from agent.hardware.simulated import SimulatedPi
from hw_mocks.sysfs import w1_slave
from tests.hardware.conftest import sensor

ONE, OTHER = "28-0316a2795bff", "28-000000000001"
GOOD = "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125"


def w1(folder: Path, **answers: str) -> Path:
    """A 1-Wire folder as the kernel makes it; ``_`` stands for the ``-`` of an address."""
    (folder / "w1_bus_master1").mkdir(parents=True)
    for address, answer in answers.items():
        (folder / address.replace("_", "-", 1)).mkdir()
        (folder / address.replace("_", "-", 1) / "w1_slave").write_text(answer + "\n")
    return folder


def test_a_real_answer() -> None:
    assert temperature(GOOD) == 23.125
    assert temperature(GOOD.replace("t=23125", "t=-10062")) == -10.062


@given(st.floats(-55, 125))
def test_every_temperature_but_one_is_read(celsius: float) -> None:
    sixteenth = round(celsius * 16) / 16
    if sixteenth == 85:
        with pytest.raises(SensorError, match="losing power"):
            temperature(w1_slave(sixteenth))
    else:
        assert temperature(w1_slave(sixteenth)) == pytest.approx(sixteenth, abs=0.001)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (GOOD.replace("YES", "NO"), "wrong checksum: check the 4.7 kΩ"),
        ("00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0", "held low"),
        (GOOD.replace("t=23125", "t=85000"), "85 °C, which it says after losing power"),
        (GOOD.replace("t=23125", "t=127937"), "impossible answer 127.937 °C"),
        (GOOD.replace("t=23125", "t=-56000"), "impossible answer -56 °C"),
        (GOOD.replace("t=23125", "t="), "no answer of a thermometer"),
        (GOOD.splitlines()[0], "no answer of a thermometer"),
        ("23125", "no answer of a thermometer"),
    ],
)
def test_what_is_no_temperature(answer: str, said: str) -> None:
    with pytest.raises(SensorError, match=said):
        temperature(answer)


@given(st.text(max_size=120))
def test_garbage_is_a_sensor_error(answer: str) -> None:
    with pytest.raises(SensorError):
        temperature(answer)


def test_the_only_thermometer_or_the_one_named(tmp_path: Path) -> None:
    root = w1(tmp_path, **{"28_0316a2795bff": GOOD})
    assert Ds18b20(lambda: root, None).read() == {"temperature": 23.125}
    assert Ds18b20(lambda: root, ONE.upper()).read() == {"temperature": 23.125}
    w1(tmp_path / "more", **{"28_0316a2795bff": GOOD, "10_000802b5a2c1": GOOD})
    several = Ds18b20(lambda: tmp_path / "more", None, lambda _: None)
    with pytest.raises(SensorError, match="several thermometers, so address must name one: 10-0"):
        several.read()
    missing = Ds18b20(lambda: root, OTHER, lambda _: None)
    with pytest.raises(SensorError, match=rf"no thermometer {OTHER} \(there are: {ONE}\)"):
        missing.read()
    empty = Ds18b20(lambda: tmp_path / "nowhere", None, lambda _: None)
    with pytest.raises(SensorError, match=r"no 1-Wire thermometer: .*dtoverlay=w1-gpio"):
        empty.read()


def test_a_bad_answer_is_asked_for_again(tmp_path: Path) -> None:
    root = w1(tmp_path, **{"28_0316a2795bff": GOOD.replace("YES", "NO")})
    file = root / ONE / "w1_slave"
    pauses: list[float] = []

    def mend_at_last(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == TRIES - 1:
            file.write_text(GOOD)

    thermometer = Ds18b20(lambda: root, None, mend_at_last)
    assert thermometer.read() == {"temperature": 23.125}
    assert pauses == [PAUSE] * (TRIES - 1)
    file.write_text(GOOD.replace("YES", "NO"))
    with pytest.raises(SensorError, match=rf"thermometer {ONE}: a wrong checksum.*\(3 tries\)"):
        thermometer.read()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("checksum", "wrong checksum"),
        ("no_answer", "Input/output error"),
        ("unplugged", "no 1-Wire thermometer"),
        ("power_on", "losing power"),
    ],
)
def test_a_thermometer_fails_and_comes_back(
    hardware: SimulatedPi, fault: str, said: str
) -> None:
    device = Ds18b20(hardware.w1_root, None, lambda _: None)
    assert device.read() == {"temperature": pytest.approx(25.3, abs=0.07)}
    hardware.board.fault(ONE, fault)
    with pytest.raises(SensorError, match=said):
        device.read()
    hardware.board.clear(ONE)
    assert device.read() == {"temperature": pytest.approx(25.3, abs=0.07)}


def hwmon(folder: Path, number: int, name: str, **files: str) -> Path:
    monitor = folder / f"hwmon{number}"
    monitor.mkdir()
    for file, content in {"name": name, **files}.items():
        (monitor / file).write_text(content + "\n")
    return folder


@pytest.mark.parametrize(
    ("channel", "content", "value"),
    [
        ("temp1", "48312", 48.312),
        ("in0", "5012", 5.012),
        ("curr1", "812", 0.812),
        ("power1", "4100000", 4.1),
        ("humidity1", "61500", 61.5),
        ("fan1", "3120", 3120.0),
        ("freq1", "1500000000", 1.5e9),
    ],
)
def test_hwmon_units(tmp_path: Path, channel: str, content: str, value: float) -> None:
    root = hwmon(tmp_path, 2, "rp1_adc", **{f"{channel}_input": content})
    for device in ("rp1_adc", "hwmon2"):
        for name in (channel, f"{channel}_input"):
            assert HwmonSensor(lambda: root, device, name).read() == {"value": value}


def test_hwmon_alarms_and_broken_channels(tmp_path: Path) -> None:
    root = hwmon(tmp_path, 0, "rpi_volt", in0_lcrit_alarm="1")
    assert HwmonSensor(lambda: root, "rpi_volt", "in0_lcrit_alarm").read() == {"value": 1.0}
    hwmon(tmp_path, 1, "adt7475", temp1_input="0", temp1_fault="1", temp2_input="warm")
    with pytest.raises(SensorError, match="adt7475 says that its temp1 is broken"):
        HwmonSensor(lambda: root, "adt7475", "temp1").read()
    with pytest.raises(SensorError, match="'warm', which is not a number"):
        HwmonSensor(lambda: root, "adt7475", "temp2").read()
    with pytest.raises(SensorError, match="adt7475 has no channel 'fan1', only temp1, temp2"):
        HwmonSensor(lambda: root, "adt7475", "fan1").read()
    with pytest.raises(SensorError, match="rpi_volt has no channel 'in0', only in0_lcrit_alarm"):
        HwmonSensor(lambda: root, "rpi_volt", "in0").read()
    with pytest.raises(SensorError, match=r"no channel '\.\./secret'"):
        HwmonSensor(lambda: root, "rpi_volt", "../secret").read()
    with pytest.raises(SensorError, match=r"no hardware monitor 'x' \(there are: rpi_volt, adt"):
        HwmonSensor(lambda: root, "x", "temp1").read()


def test_a_monitor_fails_and_comes_back(hardware: SimulatedPi) -> None:
    device = open_sensor(hardware, sensor("hwmon", device="pwmfan", channel="fan1"))
    assert device.read() == {"value": 3120.0}
    hardware.board.fault("pwmfan", "no_answer")
    with pytest.raises(SensorError, match="Input/output error"):
        device.read()
    hardware.board.fault("pwmfan", "unplugged")
    with pytest.raises(SensorError, match="no hardware monitor 'pwmfan'"):
        device.read()
    hardware.board.clear("pwmfan")
    assert device.read() == {"value": 3120.0}
