"""Keys, PINs and telephone numbers appear nowhere but where they must.

Not in the log, at its most verbose; not in what commands and the status tell, the doctor's report
among it; not in ``/proc``; not in what is kept, but for the identity.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.phone.pin import PinHash
from tests.conftest import PROJECT_KEY
from tests.end_to_end import phone_site as site
from tests.end_to_end.phone_site import QUICK, WATER, phone_site
from tests.end_to_end.station import LAMP, TICK, Station, prepared, station
from tests.end_to_end.test_registry_live import TOPIC, configuration
from tests.support.agent import AgentProcess
from tests.support.observer import Observer
from tests.support.waiting import wait_until
from tests.twin.rest_client import Service, Stage
from tests.twin.served import rent
from twin.broker import Broker
from twin.mosquitto import BrokerOptions
from twin.serving.process import Twin

CANARY = "DKcanary7f3aZZtop"
NEW = "DKcanary8b4bZZnew"
WRONG = "DKcanary9c5cZZbad"
SN = "SNcanary5d6dZZsn"
PIN, WRONG_PIN = "4802157396", "7391628405"
ANN, BOB, LISTED, STRANGER = "0900000011", "0900000012", "0900000021", "0900000022"
NUMBERS = (ANN, BOB, LISTED, STRANGER)
MENUS = site.MENUS.replace(site.LISTED, LISTED)
PHONE_COMMANDS = (("phone", "numbers"), ("phone", "log"), ("phone", "menu", "show"),
                  ("phone", "unlock"))  # fmt: skip
USERS = {name: name for name in ("chtregistry", CANARY, NEW, PROJECT_KEY)}


def shown(
    agent: AgentProcess, *more: tuple[str, ...], key: str = CANARY,
    seen: tuple[str, ...] = ("cmdline", "comm", "environ", "mountinfo"),
) -> str:
    """Everything the agent and its commands tell, and what other processes see of it (``seen`` of
    its folder in ``/proc``). The ``key`` of the agent is typed as a command, too."""
    commands = [agent.command(*words, "--debug") for words in (
        ("status",), ("status", "--json"), ("check",), ("doctor",), ("doctor", "--json"),
        ("probe",), ("set", "lamp", "on"), ("set", "lamp", key), *more)]
    proc = Path("/proc") / str(agent.pid)
    runtime = Path(agent.env["RUNTIME_DIRECTORY"])
    return "\n".join([
        agent.log, *(done.stdout + done.stderr for done in commands),
        *(str(path) for path in (*agent.folder.rglob("*"), *runtime.rglob("*"))),
        *(path.read_text() for path in runtime.iterdir() if path.is_file()),
        *((proc / name).read_text() for name in seen),
        *(thread.joinpath("comm").read_text() for thread in (proc / "task").iterdir()),
    ])


def kept(agent: AgentProcess) -> dict[str, bytes]:
    """All that is in the state folder."""
    state = agent.folder / "state"
    return {str(path.relative_to(state)): path.read_bytes()
            for path in state.rglob("*") if path.is_file()}


def holders(agent: AgentProcess, *secrets: str) -> list[str]:
    """The files of the state folder that hold one of them."""
    return [name for name, data in kept(agent).items()
            if any(secret.encode() in data for secret in secrets)]


def test_with_the_key_in_the_configuration(tmp_path: Path, device_id: str) -> None:
    text = f"""
[platform]
host = "127.0.0.1"
port = PORT
tls = false
device_id = "{device_id}"
key = "{CANARY}"
[clock]
trust = "always"
[hardware]
backend = "simulated"
""" + TICK + LAMP
    with (
        Broker(BrokerOptions(users=USERS)) as broker,
        station(tmp_path, broker.port, device_id, text.replace("PORT", str(broker.port)),
                user=PROJECT_KEY, arguments=("--debug",)) as here,
    ):
        here.wait_for_reading(lambda one: one["id"] == "tick")
        # Whoever knows it could send it in a command, a notice or an odd configuration.
        here.give("on", time=CANARY)
        here.platform.publish(here.topic("heartbeat"), {"type": "Live"})
        here.wait_for_acks(1)
        broker.restart()
        here.until_up(2)
        here.agent.config.write_text(here.agent.config.read_text() + f'[{CANARY}]\nb = 1\n')
        before = len(here.agent.log)
        here.agent.signal(signal.SIGHUP)
        here.agent.wait_for_log("reload refused", after=before)
        told = shown(here.agent)
        lines = [line for line in told.splitlines() if CANARY in line]
        # The person who types it as a section's name sees what was typed.
        typed = (f"[{CANARY}]", "unknown section", CANARY + ":")
        assert [line for line in lines if not any(part in line for part in typed)] == []
        assert CANARY not in here.agent.log
        assert here.agent.terminate() == 0
        assert CANARY not in here.agent.log
        # The journal of commands knows them by time and word, which here was the key.
        assert set(holders(here.agent, CANARY)) <= {"commands.journal"}


def test_with_the_key_in_the_environment(tmp_path: Path) -> None:
    """There it is, as somebody chose; the kernel shows that to the agent's own user alone. What
    systemd hands over as a credential is not even there."""
    with (
        Broker(BrokerOptions(users=USERS)) as broker,
        prepared(tmp_path, f"""
[platform]
host = "127.0.0.1"
port = {broker.port}
tls = false
device_id = "7432"
key = "env:DEVICE_KEY"
[hardware]
backend = "simulated"
{TICK}{LAMP}""", arguments=("--debug",), env={"DEVICE_KEY": CANARY}) as agent,
    ):
        agent.wait_until_up()
        environ = Path(f"/proc/{agent.pid}/environ")
        assert CANARY in environ.read_text() and environ.stat().st_mode & 0o077 == 0
        assert CANARY not in shown(agent, seen=("cmdline", "comm"))
        assert agent.terminate() == 0
        assert holders(agent, CANARY) == [] and CANARY not in agent.log


def test_with_the_key_from_the_registry(tmp_path: Path) -> None:
    with (
        Broker(BrokerOptions(users=USERS)) as broker,
        Observer(broker.port, user=PROJECT_KEY) as platform,
        prepared(tmp_path, configuration(broker.port, relocatable=True),
                 arguments=("--debug",)) as agent,
    ):
        here = Station(agent, "7432", platform)

        def assign(key: str) -> None:
            platform.publish(TOPIC, {"op": "SetDeviceId", "ck": key, "deviceId": "7432"})

        here.until(lambda s: s["links"]["registry"]["state"] == "up")
        assign(CANARY)
        here.until_up()
        assign(NEW)
        here.until_up(2)
        assign(WRONG)
        agent.wait_for_log("refuses the key the registry gave")
        here.until_up(3)
        platform.publish(TOPIC, f'{{"op":"SetDeviceId","ck":"{WRONG}","deviceId":"a/b"}}'.encode())
        platform.publish(TOPIC, f'{{"op":"SetDeviceId","ck":"{WRONG}"'.encode())
        platform.publish(TOPIC, f'{{"op":"{WRONG}","ck":"{WRONG}"}}'.encode())
        here.until(lambda s: s["ignored"]["registry"] == 3)
        told = shown(agent)
        for key in (NEW, WRONG, CANARY):
            assert key not in told
        assert agent.terminate() == 0
        assert holders(agent, NEW) == ["identity.json"]
        assert holders(agent, WRONG) == []


# --- the telephone --------------------------------------------------------------------------------

ALARM = f"""
[contacts]
ann = "{ANN}"
bob = "file:bob.number"
[calls]
enabled = true
collect = "0s"
[[alarm]]
id = "hot"
sensor = "water"
above = 35
clear = 33
severity = "critical"
say = "太熱"
call = ["ann", "bob"]
"""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


@dataclass
class Exchange:
    """An agent with a telephone, whose service the test plays: as it should be, and as not."""

    agent: AgentProcess
    service: Observer
    broker: Broker
    api_key: str

    def event(self, **event: object) -> None:
        self.service.publish(f"phone-conn/callEvent/{SN}", event)

    def say(self, topic: str, content: object) -> None:
        self.service.publish(f"phone-conn/{topic}/{SN}", content)

    def answers(self) -> list[dict[str, object]]:
        return [message.json() for message in self.service.on(f"phone-conn/callAction/{SN}")]

    def ask(self, phone: str, keys: str) -> None:
        """The next turn of a call: these keys, at the node that was told last."""
        before = self.answers()
        node = before[-1]["node"] if before else "MAIN"
        self.event(id=f"i{len(before)}", type="request", phone=phone, time="2026-01-01T00:00:00Z",
                   node=f"{node},{keys}" if before else "MAIN")
        wait_until(lambda: [one for one in self.answers()[len(before):] if "node" in one], 20,
                   f"an answer to {keys}; the log:\n{self.agent.log}")


@pytest.fixture
def exchange(tmp_path: Path, stage: Stage) -> Iterator[Exchange]:
    rest: Service = stage.fresh()
    number = str(rest.tas("POST", "/reg", {"appName": "greenhouse"}).json["serviceNumber"])
    for name, text in {"water": "25.3", "phone.toml": MENUS, "bob.number": BOB,
                       "pin.hash": str(PinHash.of(PIN, bytes(16)))}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with (
        Broker(BrokerOptions(users={rest.account: rest.account})) as broker,
        Observer(broker.port, ("#",), user=rest.account) as service,
        prepared(tmp_path, f"""
[platform]
host = "127.0.0.1"
port = 9
tls = false
device_id = "1"
key = "{CANARY}"
rest_url = "http://127.0.0.1:9"
[clock]
trust = "always"
[hardware]
backend = "simulated"
[phone]
host = "127.0.0.1"
port = {broker.port}
tls = false
rest_url = "{rest.url}/apis/CHTIoT/phone-conn/v1"
api_key = "{rest.account}"
sn_key = "{SN}"
service_number = "{number}"
{WATER}{LAMP}{ALARM}""", arguments=("--debug",)) as agent,
    ):
        agent.wait_until_up("phone")
        yield Exchange(agent, service, broker, rest.account)


def test_with_a_telephone_whose_service_says_odd_things(
    exchange: Exchange, check_telephone: Callable[..., None]
) -> None:
    here, agent = exchange, exchange.agent
    here.ask(LISTED, "")
    for keys in ("2", WRONG_PIN, PIN, "1"):
        here.ask(LISTED, keys)
    assert "請按一" in str(here.answers()[-1]) or "確定" in str(here.answers()[-1])
    node, time = "MAIN", "2026-01-01T00:00:00Z"
    for odd in (
        {"id": "1", "type": STRANGER, "phone": STRANGER, "node": node, "time": time},
        {"id": "2", "type": "request", "phone": STRANGER, "node": f"{PIN},{PIN},{PIN}"},
        {"type": "request", "phone": STRANGER, "node": node, "time": time},
        {"id": "3", "type": "request", "phone": int(STRANGER), "node": node, "time": time},
        {"id": "4", "type": "event", "phone": STRANGER, "event": STRANGER, "time": STRANGER},
        {"id": STRANGER, "type": "event", "phone": STRANGER, "event": "CallHangUp", "time": time},
        {"id": "5", "type": "recordEvent", "phone": STRANGER, "data": f"/{STRANGER}.wav",
         "time": time},
    ):
        here.event(**odd)
    here.service.publish(f"phone-conn/callEvent/{SN}", f'{{"phone":"{STRANGER}"'.encode())
    here.say("callActionDebug", {"msg": f"{STRANGER} {SN}", "ivr": [PIN]})
    here.say("calloutResult", {"groupId": "g", "phone": ANN, "status": ANN, "time": ANN})
    here.say("calloutResult", {"groupId": "g", "phone": [ANN]})
    (agent.folder / "water").write_text("41")
    agent.wait_for_log("calling ann about hot", 20)
    here.say("calloutResult", {"groupId": "g", "phone": ANN, "status": "busy", "time": time})
    here.say("calloutResult", {"groupId": "g", "phone": BOB, "status": "answered", "time": time})
    here.broker.restart()
    wait_until(lambda: agent.log.count("phone: up") >= 2, 20, "the telephone to be back")
    check_telephone(agent, CANARY, here.api_key, SN)


@pytest.fixture
def check_telephone() -> Callable[..., None]:
    """Looks everywhere, the reload of odd menus included."""

    def check(agent: AgentProcess, *keys: str) -> None:
        secrets = (*keys, PIN, WRONG_PIN, *NUMBERS)
        menus = agent.folder / "phone.toml"
        good = menus.read_text(encoding="utf-8")
        for odd in (
            good.replace(f'"{LISTED}"', f'"{LISTED}", "{STRANGER}x", "+886{STRANGER}"'),
            good.replace('"file:pin.hash"', f'"{PIN}"'),
            good + f'[menu.more]\nsay = "x"\nkeys = {{ {PIN} = "end" }}\n[contacts]\nx = "{ANN}"\n',
        ):
            menus.write_text(odd, encoding="utf-8")
            before = len(agent.log)
            agent.signal(signal.SIGHUP)
            agent.wait_for_log("reload refused", after=before)
            assert agent.command("check", "--debug").returncode == 2
        told = shown(agent, *PHONE_COMMANDS, key=keys[0])
        menus.write_text(good, encoding="utf-8")
        told += shown(agent, *PHONE_COMMANDS, key=keys[0])
        # A key of a menu is no PIN, and its name no secret, to the check that says what is wrong.
        lines = [line for line in told.splitlines() if f"menu.more.keys.{PIN}" not in line]
        text = "\n".join(lines)
        assert "0900***021" in text, "the number was never there"
        for secret in secrets:
            assert secret not in text, [line for line in lines if secret in line]
        assert agent.terminate() == 0
        log = agent.log.replace(f"keys.{PIN}", "")
        assert [secret for secret in secrets if secret in log] == []
        found = holders(agent, *secrets)
        # What callers say and what the service sends as a recording is kept as it is, for us alone.
        assert [name for name in found if not name.startswith("recordings/")] == []

    return check


def test_with_a_call_through_the_twin(
    tmp_path: Path, check_telephone: Callable[..., None]
) -> None:
    devices = WATER + LAMP + ALARM.replace("file:bob.number", BOB)
    with Twin(QUICK) as twin, phone_site(
        twin, (rented := rent(twin)), tmp_path, MENUS, devices, PIN, ("--debug",)
    ) as here:
        with here.call(LISTED) as caller:
            caller.hear("請按二")
            caller.press("2")
            for pin in (WRONG_PIN, PIN):
                caller.hear("密碼")
                caller.press(f"{pin}#")
            caller.hear("開燈請按一")
            caller.press("1")
            caller.hear("確定請按一")
            caller.press("1")
            caller.hear("電燈已打開")
            caller.hang_up()
        with here.call(STRANGER) as caller:
            caller.hear("留言請按三")
            caller.press("3")
            caller.hear("請留言")
            caller.hang_up()
        (tmp_path / "water").write_text("41")
        here.agent.wait_for_log("calling ann about hot", 20)
        # The phone rings on, until nobody has taken it.
        wait_until(lambda: twin.advance(10) or "call to ann: " in here.agent.log, 20, "no answer")
        check_telephone(here.agent, "DKnobody", twin.api_key, rented[1])
