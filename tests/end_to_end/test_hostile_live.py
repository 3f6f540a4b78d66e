"""Thousands of messages that are no commands, on every topic the agent listens to."""

from __future__ import annotations

import json
import math
import random
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from tests.end_to_end.station import LAMP, TICK, Station, stamp, station
from tests.support.waiting import wait_until
from twin.broker import Broker

MESSAGES = 4000
HUGE = 20_000_000
CHUNK = 400
"""Fewer than the broker keeps for a client that is slower than the flood: none may be dropped."""
WILL = '[last_will]\nname = "wille2e10"\n'
ODD: tuple[object, ...] = (
    None, True, 0, -1, 1e308, 10**400, "", "on\0", "ON", " on", "on ", "\ud800", "火", "x" * 5000,
    [], ["on"], {}, {"cmd": "on"}, "1; reboot", "$(reboot)", "../../on")


def memory(pid: int) -> int:
    """Resident bytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", text)[0]) * 1024


def hostile(rand: random.Random, device: str) -> bytes:
    """Never a command that is to be obeyed: no fitting word, or a wrong id, device or time."""
    def noise() -> bytes:
        return rand.randbytes(rand.randrange(0, 300))

    def torn() -> bytes:
        whole = json.dumps({"id": "lamp", "deviceId": device, "time": stamp(), "cmd": "on"})
        return whole.encode()[: rand.randrange(len(whole) - 1)]

    def odd_word() -> bytes:
        return dump({"id": "lamp", "deviceId": device, "time": stamp(), "cmd": rand.choice(ODD)})

    def odd_owner() -> bytes:
        return dump({"id": rand.choice(ODD), "deviceId": device, "time": stamp(), "cmd": "on"})

    def other_device() -> bytes:
        return dump({"id": "lamp", "deviceId": "other", "time": stamp(), "cmd": "on"})

    def old() -> bytes:
        return dump({"id": "lamp", "deviceId": device, "time": stamp(-rand.randrange(100, 10**6)),
                     "cmd": "on"})

    def nested() -> bytes:
        depth = rand.randrange(1, 3000)
        return b"[" * depth + b"]" * rand.randrange(depth + 1)

    def notice() -> bytes:
        return dump({"type": rand.choice(ODD), "status": rand.choice(ODD), "pulse":
                     rand.choice(ODD), "deviceId": rand.choice(ODD), "time": rand.choice(ODD)})

    kinds: tuple[Callable[[], bytes], ...] = (
        noise, torn, odd_word, odd_owner, other_device, old, nested, notice)
    return rand.choice(kinds)()


def dump(message: object) -> bytes:
    return json.dumps(message).encode("utf-8", "surrogatepass")


def test_nothing_moves_and_nothing_swells(tmp_path: Path, broker: Broker, device_id: str) -> None:
    rand = random.Random(20260501)
    with station(tmp_path, broker.port, device_id, WILL + TICK + LAMP) as here:
        topics = [here.topic("sensor/lamp/command")] * 5 + [
            here.topic("heartbeat"), here.topic("active"), "/v1/lwt/wille2e10"]
        flood(here, rand, topics, 500)
        settle(here)
        # What Python and the allocator take for themselves in the first 500 is no leak.
        before, lines = memory(here.agent.pid), here.agent.log.count("\n")
        flood(here, rand, topics, MESSAGES)
        settle(here)
        assert here.until_up()["links"]["platform"]["connects"] == 1, here.agent.log
        # On a busy machine these may take longer than a fence waits: then it connects again.
        for topic in (topics[0], topics[-2]):
            here.platform.publish(topic, b"{" + b" " * HUGE + b"}")
            settle(here)
        # The last of it is let go with the next message.
        wait_until(lambda: memory(here.agent.pid) - before < 30_000_000, 20, "the memory's return")
        assert here.levels() == "0", "a pin moved"
        status = here.until_up()
        assert sum(status["ignored"].values()) > MESSAGES / 4
        log = here.agent.log
        assert log.count("\n") - lines < 250, "the log is flooded"
        assert max(map(len, log.splitlines())) < 1000
        assert "Traceback" not in log and "handler failed" not in log
        # It still does all it should.
        told = len(here.readings("tick"))
        wait_until(lambda: len(here.readings("tick")) > told, 5, "readings")
        assert here.told("on") == "on" and here.told("off") == "off"
        assert here.levels() == "0 1 0"
        assert here.agent.terminate() == 0


def flood(here: Station, rand: random.Random, topics: list[str], count: int) -> None:
    for sent in range(count):
        here.platform.publish(rand.choice(topics), hostile(rand, here.device))
        if sent % CHUNK == CHUNK - 1:
            settle(here)


def settle(here: Station) -> None:
    """Until all of it is handled: an unknown word, sent last and again, has its answer."""
    word = f"last{uuid.uuid4().hex[:12]}"

    def answered() -> bool:
        nonlocal asked
        if time.monotonic() > asked + 10:
            asked = time.monotonic()
            here.give(word)
        return any(word in ack for ack in here.acks()[-50:])

    asked = -math.inf
    wait_until(answered, 60, f"the answer to {word}; the log:\n{here.agent.log[-3000:]}")
