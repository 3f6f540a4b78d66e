"""The package on the processor of a Pi: installed, started, publishing, obeying, ended."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.arm64.machine import HOST, machine
from tests.end_to_end.station import stamp
from tests.support.observer import Observer
from tests.support.package import build_package
from twin.broker import Broker

DEVICE = "7432"
LONG = 900.0
"""Seconds. Emulation is slow, and slower on a busy machine."""
CONFIG = f"""
[platform]
host = "{HOST}"
port = %d
tls = false
device_id = "{DEVICE}"
key = "credential:device-key"
[heartbeat]
pulse = "15s"
[clock]
trust = "always"
[hardware]
backend = "simulated"
[[sensor]]
id = "load"
driver = "load_average"
every = "1s"
[[actuator]]
id = "lamp"
driver = "relay"
pin = 17
"""
SCRIPT = """
set -eu
trap 'echo "BED FAILED: $?"; journalctl -u cht-agent --no-pager | tail -n 30; poweroff -f' EXIT
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
echo "BED machine $(uname -m) $(dpkg --print-architecture)"
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y /root/cht-agent.deb
mkdir -p /etc/credstore
echo DKarm64 > /etc/credstore/device-key
chmod 600 /etc/credstore/device-key
install -m 640 -g cht-agent /root/agent.toml /etc/cht-agent/agent.toml
cht-agent check
systemctl restart cht-agent
echo "BED started $(systemctl is-active cht-agent)"
for n in $(seq 120); do
    cht-agent status | grep -q "lamp.*on" && break
    sleep 1
done
cht-agent status
systemctl stop cht-agent
echo "BED stopped $(systemctl show -P Result cht-agent)"
trap - EXIT
poweroff -f
"""


@pytest.mark.slow
@pytest.mark.req("P-07", "P-09", "P-11")
def test_the_package_runs_on_arm64(tmp_path: Path) -> None:
    built = tmp_path / "build"
    built.mkdir()
    package = build_package(built, "1.0")
    config = tmp_path / "agent.toml"
    with Broker() as broker, Observer(broker.port) as platform:
        config.write_text(CONFIG % broker.port)
        root = Path(os.environ["CHT_ARM64_ROOT"])
        files = {"/root/cht-agent.deb": package, "/root/agent.toml": config}
        with machine(root, tmp_path, SCRIPT, files) as arm:
            arm.says("^BED machine aarch64 arm64", LONG)
            arm.says("^BED started active", LONG)
            platform.wait_for(
                lambda seen: seen.topic == f"/v1/device/{DEVICE}/rawdata"
                and any(each["id"] == "load" for each in seen.json()), LONG)
            platform.publish(
                f"/v1/device/{DEVICE}/sensor/lamp/command",
                json.dumps({"id": "lamp", "deviceId": DEVICE, "time": stamp(), "cmd": "on"}))
            platform.wait_for(
                lambda seen: seen.topic == f"/v1/device/{DEVICE}/ack" and b"on" in seen.payload,
                LONG)
            arm.says("^BED stopped success", LONG)
