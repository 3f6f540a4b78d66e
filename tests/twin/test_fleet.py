"""A fleet of light devices: its packets, its patience, its curve, and itself against a broker."""

from __future__ import annotations

import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.observer import Observer
from tests.support.waiting import wait_until
from twin.broker import Broker
from twin.fleet import packets
from twin.fleet.backoff import CAP, EAGER, QUICK, delay
from twin.fleet.curve import Recovery, Sample, drawn, recovery
from twin.mosquitto import BrokerOptions

ROOT = Path(__file__).parents[2]


def fleet(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "twin", "fleet", *words], cwd=ROOT,
                          capture_output=True, text=True, timeout=120, check=False)


@given(st.integers(0, 268_435_455))
def test_a_length_is_read_back(size: int) -> None:
    body = bytearray()
    left = size
    while True:
        left, digit = divmod(left, 128)
        body.append(digit | (0x80 if left else 0))
        if not left:
            break
    assert packets.length(bytes(body), 0) == (size, len(body))
    assert packets.length(bytes(body[:-1]), 0) is None


def test_what_is_no_mqtt() -> None:
    with pytest.raises(ValueError, match="MQTT"):
        packets.length(b"\xff" * 5, 0)


def test_long_payloads_have_a_long_length() -> None:
    packet = packets.publish("t", bytes(200))
    assert packets.length(packet, 1) == (203, 2) and len(packet) == 1 + 2 + 203


@given(st.floats(0, 1e6), st.integers())
def test_patience_grows_and_is_bounded(elapsed: float, seed: int) -> None:
    wait = delay(elapsed, random.Random(seed))
    if elapsed < EAGER:
        assert QUICK[0] <= wait <= QUICK[1]
    else:
        assert 0.5 <= wait <= CAP


def test_a_fleet_does_not_come_back_in_one_instant() -> None:
    rand = random.Random(1)
    waits = sorted(delay(0.0, rand) for _ in range(1000))
    assert max(b - a for a, b in pairwise(waits)) < 0.01
    assert waits[-1] - waits[0] > 0.2


def samples(*ups: int) -> list[Sample]:
    return [Sample(float(at), up, max(0, up - before))
            for at, (before, up) in enumerate(zip((0, *ups), ups, strict=False), 1)]  # fmt: skip


def test_the_curve_tells_when_all_were_back_and_whether_they_stayed() -> None:
    assert recovery(samples(9, 0, 0, 4, 9, 9), 3.0, 9) == Recovery(2.0, 5.0, 0)
    assert recovery(samples(9, 0, 0, 4, 9, 6, 9), 3.0, 9).collapses == 1
    assert recovery(samples(9, 0, 0, 4, 8), 3.0, 9).back is None
    assert drawn(samples(1, 2), 2)[1].endswith("#" * 50)


@pytest.mark.slow
def test_a_broker_of_its_own_is_killed_and_all_come_back() -> None:
    done = fleet("--agents", "40", "--every", "500ms", "--outage", "500ms")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "40 devices: all back" in done.stdout and "none was lost again" in done.stdout


def test_a_broker_that_is_there_already_sees_what_devices_send(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("secret\n")
    with (
        Broker(BrokerOptions(users={"secret": "secret"})) as broker,
        Observer(broker.port, ["/v1/device/#"], user="secret") as seen,
    ):
        done = fleet("--agents", "5", "--every", "500ms", "--seconds", "3s", "--host", "127.0.0.1",
                     "--port", str(broker.port), "--key-file", str(key))
        assert done.returncode == 0, done.stdout + done.stderr
        topics = {f"/v1/device/fleet{n:06d}/{kind}" for n in range(5)
                  for kind in ("rawdata", "heartbeat")}  # fmt: skip
        wait_until(lambda: topics <= {message.topic for message in seen.messages})
        refused = fleet("--agents", "2", "--every", "500ms", "--seconds", "1s",
                        "--host", "127.0.0.1", "--port", str(broker.port))
        assert refused.returncode == 1 and "not all" in refused.stdout


def test_wrong_usage() -> None:
    assert fleet("--agents", "0").returncode == 2
    assert fleet("--agents", "many").returncode == 2
