"""The whole agent on real kernel lines, against a broker outside the machine it runs on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from signal import SIGKILL, SIGTERM

from tests.pi.bed import OUTSIDE, Guest, Kernel, Platform, Program, until

DEVICE = "7432"
RAWDATA = f"/v1/device/{DEVICE}/rawdata"
ACK = f"/v1/device/{DEVICE}/ack"
BUTTON, RELAY, PUMP = 4, 17, 27
ON, OFF = 0, 1  # physical levels of both outputs: they are active low
PLAN = "/run/cht-agent/safe_outputs.json"

PLATFORM = """
[platform]
host = "{host}"
port = {port}
tls = false
device_id = "{device}"
key = "a-key-of-nobody"

[clock]
trust = "always"

[hardware]
backend = "pi"

[service]
state_dir = "/var/lib/cht-agent"
socket = "/run/cht-agent/agent.sock"
"""
DEVICES = f"""
[[sensor]]
id = "button"
driver = "button"
pin = {BUTTON}

[[actuator]]
id = "relay"
driver = "relay"
pin = {RELAY}
active_high = false
safe = "off"
publish_state = true

[[actuator]]
id = "pump"
driver = "relay"
pin = {PUMP}
active_high = false
"""


def configure(guest: Guest, platform: Platform, devices: str = DEVICES) -> None:
    text = PLATFORM.format(host=OUTSIDE, port=platform.port, device=DEVICE) + devices
    guest.do("write", path="/run/agent.toml", text=text)


def run_agent(
    guest: Guest, platform: Platform, name: str = "agent", devices: str = DEVICES
) -> Program:
    """The daemon inside, connected to the broker outside and listening for commands."""
    configure(guest, platform, devices)
    agent = guest.module(name, "agent", "run", "--config", "/run/agent.toml")
    platform.expect(f"/v1/device/{DEVICE}/heartbeat", timeout=30)
    return agent


def wire(guest: Guest) -> None:
    """A button with its pull-up; relays wired so badly that a line let go switches them on."""
    guest.pull(BUTTON, up=True)
    guest.pull(RELAY, up=False)
    guest.pull(PUMP, up=False)


def command(platform: Platform, word: str, actuator: str = "relay") -> str:
    """Publish a command as the platform does; the acknowledgement that comes back."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    platform.publish(
        f"/v1/device/{DEVICE}/sensor/{actuator}/command",
        json.dumps({"id": actuator, "deviceId": DEVICE, "time": time, "cmd": word}),
    )
    return str(json.loads(platform.expect(ACK))[0]["ack"])


def value_is(sensor: str, value: str):  # type: ignore[no-untyped-def]
    def matches(payload: str) -> bool:
        return any(row["id"] == sensor and row["value"] == [value] for row in json.loads(payload))

    return matches


def test_a_button_edge_reaches_the_broker(guest: Guest, platform: Platform) -> None:
    wire(guest)
    agent = run_agent(guest, platform)
    for up, value in ((False, "1"), (True, "0"), (False, "1")):
        guest.pull(BUTTON, up=up)
        platform.expect(RAWDATA, value_is("button", value))
    assert agent.end() == 0


def test_a_command_moves_the_line_and_is_acknowledged(guest: Guest, platform: Platform) -> None:
    wire(guest)
    agent = run_agent(guest, platform)
    for word, level in (("on", ON), ("off", OFF), ("toggle", ON)):
        ack = command(platform, word)
        assert ack == ("on" if level == ON else "off")
        assert guest.level(RELAY) == level
        platform.expect(RAWDATA, value_is("relay", ack))
    assert agent.end() == 0
    assert guest.recording().changes(RELAY) == [OFF, ON, OFF, ON, OFF]
    assert set(guest.recording().levels(PUMP)) == {OFF}


def test_the_relay_is_safe_over_every_end_of_the_agent(guest: Guest, platform: Platform) -> None:
    """From the first moment to the first command, over a restart, SIGTERM and SIGKILL."""
    wire(guest)
    for number, end in enumerate((SIGTERM, SIGKILL, SIGTERM)):
        agent = run_agent(guest, platform, f"agent-{number}")
        # As systemd's ExecStopPost= does.
        assert agent.end(end) == (0 if end == SIGTERM else -SIGKILL)
        assert helper(guest).wait() == 0
    recording = guest.recording()
    for line in (RELAY, PUMP):
        assert set(recording.levels(line)) == {OFF}
        assert set(recording.directions(line)) == {"out"}
        assert guest.level(line) == OFF


def test_sigterm_switches_off_what_is_on(guest: Guest, platform: Platform) -> None:
    wire(guest)
    agent = run_agent(guest, platform)
    assert command(platform, "on") == "on"
    guest.mark("stop")
    assert agent.end() == 0
    assert guest.level(RELAY) == OFF
    assert set(guest.recording().since("stop").levels(RELAY)) == {OFF}


def test_after_sigkill_with_the_relay_on(guest: Guest, platform: Platform, kernel: Kernel) -> None:
    """It stays on where the kernel keeps outputs, until the helper has run; else it falls at once
    to the pull, which the claim had set to the safe level."""
    wire(guest)
    agent = run_agent(guest, platform)
    assert command(platform, "on") == "on"
    until("the plan is there", lambda: guest.do("exists", path=PLAN))
    assert agent.end(SIGKILL) == -SIGKILL
    assert guest.level(RELAY) == (ON if kernel == "keep" else OFF)
    guest.mark("helper")
    post = helper(guest)
    assert (post.wait(), post.log) == (0, "")
    assert guest.level(RELAY) == OFF
    guest.mark("restart")
    again = run_agent(guest, platform, "again")
    assert again.end() == 0
    assert set(guest.recording().since("restart").levels(RELAY)) == {OFF}


def test_a_line_somebody_else_holds_is_told(guest: Guest, platform: Platform) -> None:
    wire(guest)
    holder = guest.python(
        "holder",
        f"import lgpio, signal\nh = lgpio.gpiochip_open(1)\n"
        f"lgpio.gpio_claim_input(h, {PUMP})\nprint('holds')\nsignal.pause()",
    )
    holder.says("holds")
    configure(guest, platform)
    agent = guest.module("agent", "agent", "run", "--config", "/run/agent.toml")
    agent.says(f'actuator pump: GPIO{PUMP} of /dev/gpiochip1 is in use by "lg"')


def helper(guest: Guest) -> Program:
    return guest.module("helper", "agent.hardware.safe_outputs", PLAN)
