"""The header: which chip, who may open it, and who else has the pins."""

from __future__ import annotations

import pytest

from agent.doctor import boot, kernel_sensors, libraries, pins, power
from agent.doctor.daemon import Daemon
from tests.doctor.rig import Patient, told

RELAY = '[[actuator]]\nid = "lamp"\ndriver = "relay"\npin = 17\n'
DIMMER = '[[actuator]]\nid = "glow"\ndriver = "pwm_led"\npin = 18\n'
DHT = '[[sensor]]\nid = "air"\ndriver = "dht22"\npin = 4\nquantity = "temperature"\n'
FREE = "stop that program, take its dtoverlay out of config.txt, or choose another pin"


@pytest.fixture(autouse=True)
def wired(pi: Patient) -> None:
    pi.configure(RELAY)


def test_a_healthy_header(pi: Patient) -> None:
    visit = pi.visit()
    assert told(pins.header(visit)) == [
        "good Raspberry Pi 4 Model B Rev 1.4 has its header on /dev/gpiochip0"]
    assert told(pins.pins(visit)) == ["good nobody else has GPIO17"]
    assert told(pins.overlays(visit)) == []
    pi.configure("")
    assert told(pins.header(pi.visit())) == [], "no pin, no header"


def test_the_number_of_the_chip_is_the_kernels_affair(pi: Patient) -> None:
    pi.write("/proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
    pi.write("/dev/gpiochip4", "").chmod(0o660)
    pi.pins.number = 4
    assert told(pins.header(pi.visit())) == [
        "good Raspberry Pi 5 Model B Rev 1.0 has its header on /dev/gpiochip4"]


def test_no_header(pi: Patient) -> None:
    pi.pins.wrong = "no /dev/gpiochip here, so this is no Raspberry Pi: to try …"
    assert told(pins.header(pi.visit())) == [f"error {pi.pins.wrong}"]
    assert told(pins.pins(pi.visit())) == [], "once is enough"


def test_who_is_not_in_the_group_of_the_chip(pi: Patient) -> None:
    pi.write("/etc/group", "gpio:x:4243:\n")
    pi.own(pi.root / "dev/gpiochip0")
    (pi.root / "dev/gpiochip0").chmod(0o060)
    (line,) = told(pins.header(pi.visit()))
    assert line.startswith("error /dev/gpiochip0 belongs to the group ")
    assert line.endswith("which pi is not in: sudo usermod -aG "
                         f"{line.split('group ')[1].split(',')[0]} USER, then log in again")


def test_the_service_is_not_in_the_group_of_the_chip(pi: Patient) -> None:
    chip = pi.root / "dev/gpiochip0"
    pi.own(chip)
    chip.chmod(0o060)
    pi.serve(SupplementaryGroups="")
    (line,) = told(pins.header(pi.visit()))
    assert "belongs to the group gpio, which cht-agent is not in" in line
    assert "sudo systemctl edit cht-agent: [Service] SupplementaryGroups=gpio" in line


def test_a_chip_for_root_alone(pi: Patient) -> None:
    pi.write("/etc/group", f"root:x:{(pi.root / 'dev/gpiochip0').stat().st_gid}:\n")
    pi.own(pi.root / "dev/gpiochip0")
    (pi.root / "dev/gpiochip0").chmod(0o000)
    (line,) = told(pins.header(pi.visit()))
    assert "may be opened by root alone: a udev rule" in line


def test_a_pin_that_another_program_has(pi: Patient) -> None:
    pi.pins.held = {17: "gpiomon", 5: "elsewhere"}
    assert told(pins.pins(pi.visit())) == [
        f'error GPIO17 (lamp) is in use by "gpiomon": {FREE}']
    pi.pins.held = {17: ""}
    assert told(pins.pins(pi.visit())) == [
        f'error GPIO17 (lamp) is in use by "another program": {FREE}']


def test_a_pin_that_our_own_agent_has(pi: Patient) -> None:
    pi.pins.held = {17: "cht-agent"}
    assert "an agent that does not answer here has it" in told(pins.pins(pi.visit()))[0]
    visit = pi.visit()
    visit.daemon = Daemon({})
    assert told(pins.pins(visit)) == ["good nobody else has GPIO17"]
    pi.pins.held = {17: "lg"}
    assert told(pins.pins(visit))[0].startswith("error"), "a relay is not pulsed"
    pi.configure(DIMMER)
    pi.pins.held = {18: "lg"}
    visit = pi.visit()
    visit.daemon = Daemon({})
    assert told(pins.pins(visit)) == ["good nobody else has GPIO18"]


def test_a_pin_that_the_kernels_dht_has(pi: Patient) -> None:
    pi.configure(DHT)
    pi.pins.held = {4: "dht11@4"}
    assert told(pins.pins(pi.visit()))[0].startswith("good")
    pi.pins.held = {4: "onewire@4"}
    assert told(pins.pins(pi.visit()))[0].startswith("error")


def test_pigpiod(pi: Patient) -> None:
    pi.write("/run/pigpio.pid", "123\n")
    assert told(pins.pins(pi.visit())) == [
        "warning pigpiod is running, which drives pins behind the kernel's back: "
        "sudo systemctl disable --now pigpiod"]


@pytest.mark.parametrize(("line", "pin"), [
    ("dtoverlay=w1-gpio,gpiopin=17", 17), ("dtparam=spi=on", 9), ("dtparam=i2c_arm=on", 2),
    ("enable_uart=1", 14), ("dtoverlay=hifiberry-dac", 18),
])  # fmt: skip
def test_an_overlay_that_takes_a_wired_pin(pi: Patient, line: str, pin: int) -> None:
    pi.configure(RELAY.replace("17", str(pin)))
    pi.boot(line)
    (said,) = told(pins.overlays(pi.visit()))
    assert said.startswith("warning ") and f"takes GPIO{pin}, which lamp is wired to" in said
    assert said.endswith("take it out of /boot/firmware/config.txt and reboot, or choose another"
                         " pin")


def test_gpiozero(pi: Patient) -> None:
    assert told(libraries.gpiozero(pi.visit())) == ["good 2.0.1"]
    pi.libraries["gpiozero"] = "2.0"
    assert "error gpiozero 2.0 is older than 2.0.1" in told(libraries.gpiozero(pi.visit()))[0]
    del pi.libraries["gpiozero"]
    assert "error gpiozero is not installed" in told(libraries.gpiozero(pi.visit()))[0]


# --- sensors that the kernel reads ---------------------------------------------------------------


def iio(pi: Patient, pin: int) -> None:
    folder = "/sys/bus/iio/devices/iio:device0"
    pi.write(f"{folder}/name", f"dht11@{pin:x}\n")


ADD = "add dtoverlay=dht11,gpiopin=4 to /boot/firmware/config.txt and reboot"


def dht(pi: Patient, source: str = "auto") -> list[str]:
    pi.configure(DHT + f'source = "{source}"\n')
    return told(kernel_sensors.dht(pi.visit()))


def test_a_dht_that_the_kernel_reads(pi: Patient) -> None:
    iio(pi, 4)
    assert dht(pi) == dht(pi, "kernel") == ["good air: the kernel reads GPIO4"]
    (line,) = dht(pi, "adafruit")
    assert line.startswith("error air: the kernel has GPIO4 (dtoverlay=dht11,gpiopin=4), so user")


def test_a_dht_without_its_overlay(pi: Patient) -> None:
    assert dht(pi) == [f"error air: nothing reads the DHT at GPIO4: {ADD}"]
    pi.libraries["adafruit-circuitpython-dht"] = "4.0.9"
    assert dht(pi) == ["warning air is read in user space, where a DHT fails more often: "
                       f"to have the kernel read it, {ADD}"]
    assert dht(pi, "kernel") == [f"error air: nothing reads the DHT at GPIO4: {ADD}"]
    assert dht(pi, "adafruit") == []
    del pi.libraries["adafruit-circuitpython-dht"]
    assert dht(pi, "adafruit") == [
        f"error air: adafruit-circuitpython-dht is not installed: {ADD}"]


def test_a_dht_whose_overlay_is_for_another_pin_or_has_another_name(pi: Patient) -> None:
    pi.boot("dtoverlay=dht11,gpiopin=17")
    assert dht(pi) == [
        f"error air: nothing reads the DHT at GPIO4 (there is one for GPIO17): {ADD}"]
    pi.boot("dtoverlay=dht22")
    assert dht(pi)[0].startswith("error there is no overlay dht22: dtoverlay=dht11 reads a DHT22")


def test_a_dht_whose_overlay_does_not_work(pi: Patient) -> None:
    pi.boot("dtoverlay=dht11", since=False)
    assert dht(pi) == ["error air: dtoverlay=dht11,gpiopin=4 is not loaded yet: reboot"]
    pi.boot("dtoverlay=dht11")
    assert dht(pi)[0].endswith("the kernel has no device: sudo dmesg | grep -i dht tells why")
    pi.boot("dtoverlay=dht11")
    assert "user space cannot read it" in dht(pi, "adafruit")[0]


DS = '[[sensor]]\nid = "soil"\ndriver = "ds18b20"\n'
W1 = "/sys/bus/w1/devices"


def one_wire(pi: Patient, address: str = "") -> str:
    pi.configure(DS + (f'address = "{address}"\n' if address else ""))
    (line,) = told(kernel_sensors.one_wire(pi.visit()))
    return line


def test_no_one_wire_bus(pi: Patient) -> None:
    assert one_wire(pi) == ("error there is no 1-Wire bus: add dtoverlay=w1-gpio to "
                            "/boot/firmware/config.txt and reboot")
    pi.boot("dtoverlay=w1-gpio", since=False)
    assert one_wire(pi) == "error dtoverlay=w1-gpio is not loaded yet: reboot"
    pi.boot("dtoverlay=w1-gpio,gpiopin=17")
    assert "the 1-Wire bus did not start: is the module w1-gpio there?" in one_wire(pi)
    (pi.root / W1[1:]).mkdir(parents=True)
    assert "did not start: is GPIO17 taken by something else?" in one_wire(pi)


def test_a_one_wire_bus_without_thermometers(pi: Patient) -> None:
    pi.boot("dtoverlay=w1-gpio")
    (pi.root / W1[1:] / "w1_bus_master1").mkdir(parents=True)
    assert one_wire(pi).startswith("error nothing is on the 1-Wire bus: check the 4.7 kΩ pull-up")
    (pi.root / W1[1:] / "00-400000000000").mkdir()
    assert one_wire(pi).startswith("error the 1-Wire bus hears nothing but noise")


def test_thermometers(pi: Patient) -> None:
    (pi.root / W1[1:] / "w1_bus_master1").mkdir(parents=True)
    (pi.root / W1[1:] / "28-0316a2795bff").mkdir()
    assert one_wire(pi) == one_wire(pi, "28-0316A2795BFF") == "good there are: 28-0316a2795bff"
    assert one_wire(pi, "28-000000000001") == (
        "error soil: no thermometer 28-000000000001: there are: 28-0316a2795bff")
    (pi.root / W1[1:] / "28-0416a2795bff").mkdir()
    assert one_wire(pi).startswith("error soil: 2 thermometers, and no address says which")
    pi.configure(RELAY)
    assert told(kernel_sensors.one_wire(pi.visit())) == []


MCP = '[[sensor]]\nid = "light"\ndriver = "mcp3008"\nquantity = "value"\nchannel = 0\n'


def spi(pi: Patient) -> str:
    pi.configure(MCP)
    (line,) = told(kernel_sensors.spi(pi.visit()))
    return line


def test_no_spi_device(pi: Patient) -> None:
    assert spi(pi) == ("error light: /dev/spidev0.0 is not there: add dtparam=spi=on to "
                       "/boot/firmware/config.txt and reboot")
    pi.boot("dtparam=spi=on", since=False)
    assert spi(pi) == "error light: /dev/spidev0.0 is not there despite dtparam=spi=on: reboot"
    pi.boot("dtparam=spi=on")
    assert spi(pi).endswith("sudo dmesg | grep spi")


def test_an_spi_device_that_is_closed(pi: Patient) -> None:
    device = pi.write("/dev/spidev0.0", "")
    pi.own(device)
    assert spi(pi) == "good light: /dev/spidev0.0"
    device.chmod(0o000)
    assert spi(pi).startswith("error light: pi may not open /dev/spidev0.0: sudo usermod -aG spi")
    pi.serve()
    assert spi(pi).startswith("error light: the service is not let out to /dev/spidev0.0: sudo sys")
    pi.serve(SupplementaryGroups="gpio spi", DeviceAllow="char-gpiochip rw\nchar-spidev rw")
    device.chmod(0o600)
    assert spi(pi) == "good light: /dev/spidev0.0"


# --- power and kernel ----------------------------------------------------------------------------


THROTTLED = "/sys/devices/platform/soc/soc:firmware/get_throttled"


@pytest.mark.parametrize(("flags", "lines"), [
    ("0", ["good never too weak"]),
    ("50005", ["error its supply voltage is too low: use the supply made for"]),
    ("50000", ["warning its supply voltage was too low since the boot"]),
    ("80008", ["warning it runs slower because it is hot"]),
    ("60000", ["warning it was too hot since the boot"]),
    ("90000", ["warning its supply voltage was too low since", "warning it was too hot since"]),
    ("nonsense", []),
])  # fmt: skip
def test_power(pi: Patient, flags: str, lines: list[str]) -> None:
    pi.write(THROTTLED, flags + "\n")
    said = told(power.power(pi.visit()))
    assert len(said) == len(lines) and all(map(str.startswith, said, lines)), said


def test_power_elsewhere(pi: Patient) -> None:
    assert told(power.power(pi.visit())) == [], "no Pi: nobody knows"
    pi.write("/sys/class/hwmon/hwmon2/name", "rpi_volt\n")
    pi.write("/sys/class/hwmon/hwmon2/in0_lcrit_alarm", "1\n")
    assert told(power.power(pi.visit()))[0].startswith("error its supply voltage is too low")
    pi.write("/sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled", "0\n")
    assert told(power.power(pi.visit()))[0].startswith("good")


def test_a_kernel_that_was_upgraded_under_way(pi: Patient) -> None:
    assert told(boot.kernel(pi.visit())) == []
    pi.write("/proc/sys/kernel/osrelease", "6.6.51+rpt-rpi-v8\n")
    (line,) = told(boot.kernel(pi.visit()))
    assert line.startswith("error the modules of the running kernel 6.6.51+rpt-rpi-v8 are gone")


def test_overlays_that_were_not_booted_with(pi: Patient) -> None:
    pi.boot("dtparam=spi=on", since=False)
    assert told(boot.kernel(pi.visit())) == [
        "warning /boot/firmware/config.txt was changed after this boot: reboot to apply it"]


def test_the_place_of_older_systems(pi: Patient) -> None:
    (pi.root / "boot/firmware/config.txt").rename(pi.root / "boot/config.txt")
    pi.write("/boot/config.txt", "dtoverlay=w1-gpio,gpiopin=17")
    (line,) = told(pins.overlays(pi.visit()))
    assert "take it out of /boot/config.txt" in line
