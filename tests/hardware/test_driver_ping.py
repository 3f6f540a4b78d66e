"""Pings: of this very machine over real sockets, and every way in which they fail."""

from __future__ import annotations

import math
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import HardwareError, SensorError
from agent.hardware import icmp
from agent.hardware.catalog import SENSORS, open_sensor
from agent.hardware.drivers.ping import PingSensor
from agent.hardware.simulated import SimulatedPi
from tests.hardware.conftest import sensor

SOMEWHERE = icmp.Address(4, ("192.0.2.1", 0))


def may_ping(host: str) -> bool:
    try:
        return icmp.echo(icmp.resolve(host), 1, 1.0) is not None
    except (HardwareError, OSError):
        return False


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_answers_itself(hardware: SimulatedPi, host: str) -> None:
    if not may_ping(host):
        pytest.skip(f"this machine may not ping {host}")
    sample = open_sensor(hardware, sensor("ping", host=host)).read()
    assert set(sample) == set(SENSORS["ping"].quantities)
    assert sample["value"] == 1.0
    assert 0 < float(sample["time"]) < 1000


def test_a_machine_that_does_not_answer_is_asked_again() -> None:
    asked: list[int] = []

    def echo(address: icmp.Address, sequence: int, timeout: float) -> float | None:
        assert (address, timeout) == (SOMEWHERE, 0.5)
        asked.append(sequence)
        return 0.012 if len(asked) == 5 else None

    device = PingSensor("it", 0.5, 3, lambda _: SOMEWHERE, echo)
    silent = device.read()
    assert silent["value"] == 0.0
    assert math.isnan(float(silent["time"])), "no time is a fault of whoever wants it"
    assert device.read() == {"value": 1.0, "time": 12.0}
    assert asked == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "failure",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        UnicodeError("label empty or too long"),
    ],
)
def test_a_name_nobody_knows_is_a_fault(failure: Exception) -> None:
    def resolve(host: str) -> icmp.Address:
        raise failure

    device = PingSensor("gateway.invalid", 1.0, 3, resolve, lambda *_: 0.1)
    with pytest.raises(SensorError, match=r"gateway\.invalid is not known here .*DNS server"):
        device.read()


def test_a_machine_that_forbids_it_says_how_to_allow_it() -> None:
    def echo(*_: object) -> float | None:
        raise HardwareError("this machine does not let us ping")

    with pytest.raises(SensorError, match="does not let us ping"):
        PingSensor("it", 1.0, 3, lambda _: SOMEWHERE, echo).read()


def reply(data: bytes, sequence: int = 7, kind: int = 0) -> bytes:
    return bytes([kind, 0, 0, 0, 1, 2]) + sequence.to_bytes(2, "big") + data


def test_only_the_answer_to_our_own_question_counts() -> None:
    ours = b"12345678"
    assert icmp.is_answer(reply(ours), 4, 7, ours)
    assert icmp.is_answer(bytes([0x45, *[0] * 19]) + reply(ours), 4, 7, ours), "raw, with a header"
    assert icmp.is_answer(reply(ours, kind=129), 6, 7, ours)
    assert not icmp.is_answer(reply(ours, sequence=8), 4, 7, ours)
    assert not icmp.is_answer(reply(b"87654321"), 4, 7, ours)
    assert not icmp.is_answer(reply(ours, kind=8), 4, 7, ours), "our own request, looped back"
    assert not icmp.is_answer(reply(ours, kind=3), 4, 7, ours), "unreachable"


@given(st.binary(max_size=60))
def test_no_packet_makes_it_fail(data: bytes) -> None:
    for version in (4, 6):
        assert not icmp.is_answer(data, version, 7, b"a very long text of ours")


def test_the_checksum_is_that_of_rfc_1071() -> None:
    assert icmp.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2
