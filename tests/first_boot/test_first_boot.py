"""From a card made by ``cht-agent-flash`` to readings at the platform's twin, with nobody there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

from agent.cards.cloud import FIRST_BOOT
from tests.end_to_end.twin_site import call_registry, device_key, new_device
from tests.first_boot.conftest import Flash
from tests.support.waiting import wait_until
from tests.systemd.bed import Machine
from tests.twin.served import DEVICES, ask
from twin.serving.process import Twin

CANARY = "canary"


def platform(twin: Twin, ca: Path, more: str = "") -> str:
    ca.write_bytes(twin.ca_file.read_bytes())
    return f"""\
[platform]
host = "127.0.0.1"
port = {twin.ports["mqtt_tls"]}
ca_file = "{ca.name}"
{more}
[hardware]
backend = "pi"
[clock]
trust = "always"
[[sensor]]
id = "load"
driver = "load_average"
every = "1s"
[[sensor]]
id = "soil"
driver = "ds18b20"
"""


def stored(twin: Twin, device: str) -> bool:
    """Whether the platform has a value of the sensor."""
    status, answer = ask(f"{twin.rest_url}{DEVICES}/device/{device}/sensor/load/rawdata",
                         twin.project_key)  # fmt: skip
    return status == 200 and bool(answer) and bool(answer.get("value"))


def test_from_nothing_to_readings_with_the_devices_own_key(
    twin: Twin, card: Path, flash: Flash, power_on: Callable[[], Machine], tmp_path: Path
) -> None:
    device = new_device(twin, "load")
    key = device_key(twin, device)
    (tmp_path / "device.key").write_text(key)
    identity = f'device_id = "{device}"\nkey = "credential:device-key"'
    flash(platform(twin, tmp_path / "twin-ca.pem", identity),
          "--credential", f"device-key=file:{tmp_path / 'device.key'}", "--hostname", "pump1")
    assert any(key.encode() in path.read_bytes() for path in card.rglob("*") if path.is_file())

    machine = power_on()
    wait_until(lambda: stored(twin, device), 120, "a reading at the platform")

    # The key is where root alone reads it, and nowhere else on card or machine.
    assert machine.do("stat -c '%a %U' /etc/credstore/device-key") == "600 root"
    wait_until(lambda: not (card / "cht-agent").exists(), 60, "the card to be cleaned")
    assert [path for path in card.rglob("*") if path.is_file() and key.encode() in path.read_bytes()
            ] == []  # fmt: skip
    found = machine.try_(f"grep -rlF {shlex.quote(key)} /etc /var /boot /home /root 2>/dev/null")
    assert found.out.split() == ["/etc/credstore/device-key"]
    # What Imager asked for was done too, and ours is over for good.
    assert machine.do("hostname") == "pump1"
    assert machine.try_("id grower")
    assert "dtoverlay=w1-gpio" in (card / "config.txt").read_text()
    assert machine.try_(f"systemctl is-enabled {FIRST_BOOT}").out.strip() == "disabled"
    assert machine.do("systemctl is-enabled cht-agent") == "enabled"
    assert machine.do("stat -c '%a %G' /etc/cht-agent/agent.toml") == "640 cht-agent"


def test_from_nothing_to_readings_through_the_registry(
    twin: Twin, flash: Flash, power_on: Callable[[], Machine], tmp_path: Path
) -> None:
    device = new_device(twin, "load")
    text = platform(twin, tmp_path / "twin-ca.pem")
    cards = tmp_path / "cards.csv"
    cards.write_text("serial\n00001\n")
    flash(text + '[registry]\nproduct_code = "pi"\nserial = "${serial}"\n', "--fleet", str(cards))
    machine = power_on()

    def waits() -> bool:
        said = machine.try_("cht-agent status --json")
        return bool(said) and json.loads(said.out)["links"]["registry"]["state"] == "up"

    wait_until(waits, 120, "the agent to wait in the registry")
    call_registry(twin, "pi00001", op="SetDeviceId", deviceId=device)
    wait_until(lambda: stored(twin, device), 60, "a reading at the platform")


def test_cut_at_any_point_it_begins_again(
    twin: Twin, card: Path, flash: Flash, power_on: Callable[[], Machine], tmp_path: Path
) -> None:
    """The first try fails in the middle, as without a network; the key has left all the same."""
    device = new_device(twin, "load")
    key = device_key(twin, device)
    (tmp_path / "device.key").write_text(key)
    identity = f'device_id = "{device}"\nkey = "credential:device-key"'
    flash(platform(twin, tmp_path / "twin-ca.pem", identity),
          "--credential", f"device-key=file:{tmp_path / 'device.key'}")
    package = next((card / "cht-agent").glob("*.deb"))
    whole = package.read_bytes()
    package.write_bytes(whole[:1000])
    machine = power_on()
    wait_until(lambda: machine.try_("test -s /etc/credstore/device-key"), 60, "the key to move")
    wait_until(lambda: "Failed with result" in machine.do(f"journalctl -q -o cat -u {FIRST_BOOT}"),
               120, "the first try to fail")  # fmt: skip
    assert not (card / "cht-agent/keys").exists()
    package.write_bytes(whole)
    machine.do(f"systemctl restart --no-block {FIRST_BOOT}")  # sooner than its own pause
    wait_until(lambda: stored(twin, device), 120, "a reading at the platform")


def test_the_files_are_what_cloud_init_calls_valid(
    twin: Twin, card: Path, flash: Flash, power_on: Callable[[], Machine], tmp_path: Path
) -> None:
    """Each part by the real schema, and that one sees a key it does not know."""
    device = new_device(twin, "load")
    (tmp_path / "k").write_text("some-key")
    identity = f'device_id = "{device}"\nkey = "credential:device-key"'
    flash(platform(twin, tmp_path / "twin-ca.pem", identity),
          "--credential", f"device-key=file:{tmp_path / 'k'}", "--hostname", "pump1")
    entries = json.loads((card / "user-data").read_text().partition("\n")[2])
    machine = power_on()
    for entry in entries:
        machine.write("/root/part.yaml", entry["content"])
        machine.do("cloud-init schema --config-file /root/part.yaml")
    if "trixie" in machine.do("cat /etc/os-release"):  # Bookworm's lets unknown keys pass
        wrong = entries[-1]["content"].replace('"hostname"', '"hostnam"')
        machine.write("/root/part.yaml", wrong)
        assert not machine.try_("cloud-init schema --config-file /root/part.yaml")
