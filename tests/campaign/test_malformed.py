"""A million messages that are nothing the agent obeys, on every topic it listens to: no crash, no
pin moved, no memory lost."""

from __future__ import annotations

import random
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from agent.config.model import Secret
from agent.identity.registry import Identity
from agent.identity.store import IdentityStore
from tests.campaign.scale import scale
from tests.end_to_end.station import LAMP, TICK, platform_toml, stamp, station
from tests.end_to_end.test_fault_run import Run
from tests.end_to_end.test_hostile_live import ODD, WILL, dump, hostile, memory
from tests.support.waiting import wait_until
from twin.broker import Broker

COUNT = scale("FAULT_MESSAGES", 1_000_000, 8_000)
WARM = min(COUNT // 10, 50_000)
"""What Python and its allocator take for themselves in these is no leak."""
CHUNK = 400
"""Fewer than the broker keeps for a client that is slower than the flood: none may be dropped."""
LIMIT = 3600.0
REGISTRY = '[registry]\nproduct_code = "pi"\nserial = "00001"\nrelocatable = true\n'
SN = "SNKEY00000000000000001"
PHONE = """[phone]
host = "127.0.0.1"
port = {port}
tls = false
api_key = "APIKEY0000000000000001"
sn_key = "{sn}"
"""
MENUS = '''
[menu.main]
say = "開燈請按一。"
keys = { 1 = "do.on" }
[do.on]
command = { actuator = "lamp", cmd = "on" }
say = "打開電燈"
done = "電燈已打開。"
'''


def test_a_million_malformed_messages(
    tmp_path: Path, broker: Broker, device_id: str, seed: int
) -> None:
    run, rand = Run(f"{COUNT:,} malformed messages", seed), random.Random(seed)
    (tmp_path / "phone.toml").write_text(MENUS, encoding="utf-8")
    text = WILL + REGISTRY + TICK + LAMP + PHONE.format(port=broker.port, sn=SN)
    calls = [f"phone-conn/{name}/{SN}"
             for name in ("callEvent", "callActionDebug", "calloutResult")]
    # Who it is came from the registry, which it therefore goes on listening to.
    store = IdentityStore(tmp_path / "state")
    store.propose(Identity(device_id, Secret("DKtestdevicekey"), "registry"))
    store.commit()
    with station(tmp_path, broker.port, device_id, platform_toml(broker.port, None) + text) as here:
        here.until(lambda s: s["links"]["phone"]["state"] == "up", 10, "the telephone")
        here.until(lambda s: s["links"]["registry"]["state"] == "up", 10, "the registry")
        topics = [here.topic("sensor/lamp/command")] * 4 + [
            here.topic("heartbeat"), here.topic("active"), "/v1/lwt/wille2e10",
            "/v1/registry/pi00001"]  # fmt: skip
        flood = Flood(broker.port)
        began = time.monotonic()
        before, sent = 0, 0
        while sent < COUNT and time.monotonic() - began < LIMIT:
            for _ in range(CHUNK):
                kind = rand.random()
                if kind < 0.2:
                    flood.send(rand.choice(calls), hostile_call(rand))
                elif kind < 0.3:
                    flood.send("/v1/registry/pi00001", hostile_naming(rand))
                else:
                    flood.send(rand.choice(topics), hostile(rand, device_id))
            # The last of all, on the same connection: once it is answered, all is handled.
            word = f"last{sent}"
            command = {"id": "lamp", "deviceId": device_id, "time": stamp(), "cmd": word}
            flood.send(topics[0], dump(command))
            wait_until(lambda: any(word in ack for ack in here.acks()), 60, word)  # noqa: B023
            here.platform.take()
            sent += CHUNK
            if before == 0 and sent >= WARM:
                before = memory(here.agent.pid)
        # And on the telephone's own connection: a call is answered.
        flood.send(calls[0], dump({"type": "request", "id": "last", "phone": "0900000001",
                                   "node": "MAIN", "time": stamp()}))
        here.platform.wait_for(lambda m: "callAction/" in m.topic and b'"last"' in m.payload, 60)
        flood.close()
        took = time.monotonic() - began
        grown = memory(here.agent.pid) - before
        status = here.until_up()
        levels = here.levels()
        log = here.agent.log
        wait_until(lambda: here.readings("tick"), 5, "readings")
        assert here.told("on") == "on" and here.told("off") == "off"
        ended = here.agent.terminate()

    run.tell("messages", f"{sent:,}")
    run.tell("minutes", f"{took / 60:.1f}")
    run.tell("counted as malformed", f"{sum(status['ignored'].values()):,}")
    run.tell("of the registry's", f"{status['ignored']['registry']:,}")
    run.tell("of the telephone's", f"{status['calls']['counts']['malformed']:,}")
    run.tell("levels of the pin", levels)
    run.tell("connects", status["links"]["platform"]["connects"])
    run.tell("memory grown, kB", f"{grown // 1000:,}")
    run.tell("lines in the log", log.count("\n"))
    run.show()
    assert sent >= COUNT, "the time was up"
    assert levels == "0", "a pin moved"
    assert ended == 0 and "Traceback" not in log and "handler failed" not in log
    for link in ("platform", "registry", "phone"):
        assert status["links"][link]["connects"] == 1
    assert status["identity"]["device_id"] == device_id
    assert status["calls"]["counts"]["malformed"] > sent / 20
    assert status["ignored"]["registry"] > sent / 20
    assert grown <= 5_000_000
    assert sum(status["ignored"].values()) > sent / 5


NOTHING: tuple[object, ...] = (None, [], {}, "")
"""Never a text of anything. (A number, or true, is read as one.)"""


def hostile_naming(rand: random.Random) -> bytes:
    """Nothing of the registry's."""
    whole: dict[str, object] = {
        "op": rand.choice(["SetDeviceId", "Reconfigure"]), "ck": "DKofsomebodyelse",
        "deviceId": "1234567"}  # fmt: skip
    return spoilt(rand, whole, "op" if rand.random() < 0.5 else "ck")


def hostile_call(rand: random.Random) -> bytes:
    """Nothing of the telephone service's."""
    kinds = ("request", "event", "calloutRequest", "calloutEvent", "recordEvent", rand.choice(ODD))
    whole = {"type": rand.choice(kinds), "id": f"id{rand.randrange(10**9)}", "phone": "0900000001",
             "node": "MAIN,1", "event": "CallEstablished", "groupId": "g", "status": "answered",
             "data": "", "time": stamp()}  # fmt: skip
    return spoilt(rand, whole, rand.choice(["id", "type"]), rand.choice(["groupId", "status"]))


def spoilt(rand: random.Random, whole: dict[str, object], *fields: str) -> bytes:
    """Torn, or without these fields' values, or not JSON at all."""
    if rand.random() < 0.3:
        text = dump(whole)
        return text[: rand.randrange(len(text) - 1)]
    whole |= {field: rand.choice(NOTHING) for field in fields}
    return rand.choice([dump(whole), dump([whole]), rand.randbytes(rand.randrange(300))])


class Flood:
    """A publisher that keeps nothing."""

    def __init__(self, port: int) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def send(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
