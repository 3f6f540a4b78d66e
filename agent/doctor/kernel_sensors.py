"""Sensors that the kernel reads for us: their overlays, devices and buses."""

from __future__ import annotations

from collections.abc import Iterable

from agent.config.model import SensorConfig
from agent.doctor.accounts import READ, WRITE
from agent.doctor.boot import Boot, boot
from agent.doctor.machine import Machine
from agent.doctor.visit import Visit, there
from agent.finding import Finding

_W1 = ("w1-gpio", "w1-gpio-pi5", "w1-gpio-pullup")
_DHT_LIBRARY = "adafruit-circuitpython-dht"


def dht(visit: Visit) -> Iterable[Finding]:
    """A DHT has one reader: the kernel's overlay, or user space."""
    now = boot(visit.machine)
    if wrong := now.named("dht22"):
        yield Finding(
            "error",
            f"there is no overlay {wrong[0].name}",
            f"dtoverlay=dht11 reads a DHT22 too: change it in {now.file} and reboot",
        )
    told: set[int] = set()
    for sensor in there(visit.config).sensors:
        pin = sensor.options.get("pin")
        if sensor.driver.startswith("dht") and isinstance(pin, int) and pin not in told:
            told.add(pin)
            yield from _one_dht(visit.machine, now, sensor, pin)


def _one_dht(machine: Machine, now: Boot, sensor: SensorConfig, pin: int) -> Iterable[Finding]:
    from agent.hardware.drivers.kernel_dht import find
    from agent.hardware.pi import IIO_ROOT

    line = f"dtoverlay=dht11,gpiopin={pin}"
    loaded = find(machine.path(IIO_ROOT), pin) is not None
    pins = [overlay.pin("gpiopin", 4) for overlay in now.named("dht11")]
    source = sensor.options.get("source", "auto")
    if source == "adafruit":
        if loaded or pin in pins:
            yield Finding(
                "error",
                f"{sensor.id}: the kernel has GPIO{pin} ({line}), so user space cannot read it",
                f'set source = "auto", or take the line out of {now.file} and reboot',
            )
        elif machine.version_of(_DHT_LIBRARY) is None:
            yield Finding("error", f"{sensor.id}: {_DHT_LIBRARY} is not installed", now.add(line))
        return
    if loaded:
        yield Finding("good", f"{sensor.id}: the kernel reads GPIO{pin}")
    elif pin in pins and now.changed:
        yield Finding("error", f"{sensor.id}: {line} is not loaded yet", "reboot")
    elif pin in pins:
        mend = "sudo dmesg | grep -i dht tells why"
        yield Finding("error", f"{sensor.id}: {line} is there, but the kernel has no device", mend)
    elif source == "kernel" or machine.version_of(_DHT_LIBRARY) is None:
        other = "".join(f" (there is one for GPIO{its})" for its in pins)
        text = f"{sensor.id}: nothing reads the DHT at GPIO{pin}{other}"
        yield Finding("error", text, now.add(line))
    else:
        text = f"{sensor.id} is read in user space, where a DHT fails more often"
        yield Finding("warning", text, f"to have the kernel read it, {now.add(line)}")


def one_wire(visit: Visit) -> Iterable[Finding]:
    """Whether there is a 1-Wire bus with the thermometers that are configured."""
    sensors = [one for one in there(visit.config).sensors if one.driver == "ds18b20"]
    if not sensors:
        return
    from agent.hardware.drivers.ds18b20 import FAMILIES
    from agent.hardware.pi import W1_ROOT

    now, root = boot(visit.machine), visit.machine.path(W1_ROOT)
    buses = list(root.glob("w1_bus_master*"))
    names = sorted(path.name for family in FAMILIES for path in root.glob(f"{family}-*"))
    if not buses:
        yield _no_bus(now, root.is_dir())
    elif not names:
        noise = any(root.glob("00-*"))
        yield Finding(
            "error",
            "the 1-Wire bus hears nothing but noise" if noise else "nothing is on the 1-Wire bus",
            "check the 4.7 kΩ pull-up from data to 3.3 V, the wiring, and the pin"
            f" ({now.named(*_W1)[0] if now.named(*_W1) else 'GPIO4'})",
        )
    else:
        yield from _thermometers(sensors, names)


def _no_bus(now: Boot, asked_for: bool) -> Finding:
    overlays = now.named(*_W1)
    if not overlays:
        return Finding("error", "there is no 1-Wire bus", now.add("dtoverlay=w1-gpio"))
    if now.changed:
        return Finding("error", f"{overlays[0]} is not loaded yet", "reboot")
    pin = overlays[0].pin("gpiopin", 4)
    why = f"is GPIO{pin} taken by something else?" if asked_for else "is the module w1-gpio there?"
    return Finding(
        "error",
        f"{overlays[0]} is there, but the 1-Wire bus did not start",
        f"{why} sudo dmesg | grep -i w1 tells",
    )


def _thermometers(sensors: Iterable[SensorConfig], names: list[str]) -> Iterable[Finding]:
    there_are = f"there are: {', '.join(names)}"
    missing = False
    for sensor in sensors:
        address = sensor.options.get("address")
        if isinstance(address, str) and address.lower() not in names:
            missing = True
            yield Finding("error", f"{sensor.id}: no thermometer {address}", there_are)
        elif address is None and len(names) > 1:
            missing = True
            text = f"{sensor.id}: {len(names)} thermometers, and no address says which"
            yield Finding("error", text, there_are)
    if not missing:
        yield Finding("good", there_are)


def spi(visit: Visit) -> Iterable[Finding]:
    """Whether the SPI devices are there, and open to the agent's user."""
    machine, now = visit.machine, boot(visit.machine)
    places = {
        (sensor.options.get("port", 0), sensor.options.get("device", 0)): sensor.id
        for sensor in there(visit.config).sensors
        if sensor.driver.startswith("mcp3")
    }
    user = machine.agent(visit.path)
    for (port, device), sensor in places.items():
        path = f"/dev/spidev{port}.{device}"
        try:
            status = machine.path(path).stat()
        except OSError:
            if port == 0 and now.named("spi"):
                line, why = "dtparam=spi=on", "reboot" if now.changed else "sudo dmesg | grep spi"
                yield Finding("error", f"{sensor}: {path} is not there despite {line}", why)
            else:
                line = "dtparam=spi=on" if port == 0 else f"dtoverlay=spi{port}-1cs"
                yield Finding("error", f"{sensor}: {path} is not there", now.add(line))
            continue
        unit = machine.unit if machine.serves(visit.path) else None
        if unit is not None and not (unit.lets_out("char-spidev") and "spi" in unit.groups):
            yield Finding(
                "error",
                f"{sensor}: the service is not let out to {path}",
                "sudo systemctl edit cht-agent: [Service] SupplementaryGroups=spi and"
                " DeviceAllow=char-spidev rw; then restart it",
            )
        elif user is not None and not user.may(status, READ | WRITE):
            mend = "sudo usermod -aG spi USER, then log in again"
            yield Finding("error", f"{sensor}: {user.name} may not open {path}", mend)
        else:
            yield Finding("good", f"{sensor}: {path}")
