"""The 40-pin header: the chip behind it, who may open it, and who has taken the pins we need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.config.model import ActuatorConfig, Config, SensorConfig
from agent.doctor.accounts import READ, WRITE, group_name
from agent.doctor.boot import boot
from agent.doctor.visit import Visit, there
from agent.errors import HardwareError
from agent.finding import Finding

OURS = "cht-agent"
_PWM = "lg"  # how lgpio, which pulses for us, calls itself


@dataclass(frozen=True)
class Wire:
    """A pin that the configuration gives to a sensor or an actuator."""

    pin: int
    id: str
    driver: str
    options: Mapping[str, Any]


def wires(config: Config) -> list[Wire]:
    """All of them, by pin; a pin that two share stands twice."""
    from agent.hardware.catalog import ACTUATORS, SENSORS

    found: list[Wire] = []
    devices: list[SensorConfig | ActuatorConfig] = [*config.sensors, *config.actuators]
    for device in devices:
        spec = SENSORS.get(device.driver) or ACTUATORS[device.driver]
        for option in spec.options:
            pin = device.options.get(option.name)
            if option.kind == "pin" and isinstance(pin, int):
                found.append(Wire(pin, device.id, device.driver, device.options))
    return sorted(found, key=lambda wire: wire.pin)


def pulsed(wire: Wire) -> bool:
    """Whether lgpio drives it."""
    by_choice = wire.driver == "motor" and bool(wire.options.get("pwm", True))
    return wire.driver in ("pwm_led", "servo") or by_choice


def header(visit: Visit) -> Iterable[Finding]:
    """Which chip the header's pins are on, and whether the agent's user may open it."""
    machine = visit.machine
    if not wires(there(visit.config)):
        return
    try:
        chip = machine.pins.chip()
    except HardwareError as exc:
        yield Finding("error", str(exc))
        return
    device = f"/dev/gpiochip{chip}"
    model = machine.text("/proc/device-tree/model") or "this machine"
    user = machine.agent(visit.path)
    try:
        status = machine.path(device).stat()
    except OSError as exc:
        yield Finding("error", f"{device}: {exc.strerror}")
        return
    if user is None or user.may(status, READ | WRITE):
        yield Finding("good", f"{model} has its header on {device}")
        return
    group = group_name(machine.text("/etc/group") or "", status.st_gid)
    text = f"{device} belongs to the group {group}, which {user.name} is not in"
    if group == "root":
        yield Finding(
            "error",
            f"{device} may be opened by root alone",
            'a udev rule gives it to a group: SUBSYSTEM=="gpio", GROUP="gpio", MODE="0660"',
        )
    elif machine.serves(visit.path):
        mend = f"sudo systemctl edit cht-agent: [Service] SupplementaryGroups={group}"
        yield Finding("error", text, mend)
    else:
        yield Finding("error", text, f"sudo usermod -aG {group} USER, then log in again")


def pins(visit: Visit) -> Iterable[Finding]:
    """Whether the kernel, or another program, has what the configuration wants."""
    from agent.hardware.gpiochip import FREE_A_PIN

    machine = visit.machine
    wanted = {wire.pin: wire for wire in wires(there(visit.config))}
    taken = False
    for pin, wire in wanted.items():
        try:
            holder = machine.pins.holder(pin)
        except HardwareError:
            return  # the header's check has told
        if holder is None or _rightly(holder, wire, visit.daemon is not None):
            continue
        taken = True
        text = f'GPIO{pin} ({wire.id}) is in use by "{holder or "another program"}"'
        if holder == OURS:
            mend = "an agent that does not answer here has it: pgrep -af 'cht-agent run' finds it"
            yield Finding("error", text, mend)
        else:
            yield Finding("error", text, FREE_A_PIN)
    if machine.text("/run/pigpio.pid") is not None or machine.text("/var/run/pigpio.pid"):
        taken = True
        yield Finding(
            "warning",
            "pigpiod is running, which drives pins behind the kernel's back",
            "sudo systemctl disable --now pigpiod",
        )
    if wanted and not taken:
        yield Finding("good", f"nobody else has {', '.join(f'GPIO{pin}' for pin in wanted)}")


def _rightly(holder: str, wire: Wire, running: bool) -> bool:
    if wire.driver.startswith("dht") and wire.options.get("source") != "adafruit":
        return holder.startswith("dht11") or (running and holder == OURS)
    return running and (holder == OURS or (holder == _PWM and pulsed(wire)))


def overlays(visit: Visit) -> Iterable[Finding]:
    """Whether an overlay of ``config.txt`` takes a pin that is wired to something else."""
    now = boot(visit.machine)
    wanted = wires(there(visit.config))
    for overlay in now.overlays:
        for wire in wanted:
            if wire.pin not in overlay.pins():
                continue
            if overlay.name == "dht11" and wire.driver.startswith("dht"):
                continue  # the check of the DHT looks at that
            yield Finding(
                "warning",
                f"{overlay} takes GPIO{wire.pin}, which {wire.id} is wired to",
                f"take it out of {now.file} and reboot, or choose another pin",
            )
