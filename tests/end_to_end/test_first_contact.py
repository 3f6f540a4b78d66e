"""From nothing to publishing, and what the command line says of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DEVICE_KEY, PROJECT_KEY
from tests.end_to_end.station import LAMP, LOAD, TICK, Station, platform_toml, prepared, station
from tests.support.certs import Certs
from tests.support.observer import Observer
from tests.support.waiting import wait_until
from twin.broker import Broker
from twin.mosquitto import BrokerOptions

CLIMATE = """
[[sensor]]
id = "climate"
driver = "dht22"
pin = 4
quantity = ["temperature", "humidity"]
every = "3s"
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """One agent on a broker with passwords, up and publishing; no test here changes it for good."""
    users = {DEVICE_KEY: DEVICE_KEY, PROJECT_KEY: PROJECT_KEY}
    folder = tmp_path_factory.mktemp("live")
    text = LOAD + CLIMATE + LAMP + '[last_will]\nname = "wille2e01"\n'
    with (
        Broker(BrokerOptions(users=users)) as broker,
        station(folder, broker.port, "d7432", text, user=PROJECT_KEY) as here,
    ):
        here.wait_for_reading(lambda one: one["id"] == "load")
        yield here


@pytest.mark.req("P-06", "P-03")
def test_readings_arrive_as_the_platform_wants_them(live: Station) -> None:
    load = live.wait_for_reading(lambda one: one["id"] == "load")
    assert set(load) == {"id", "time", "value"}
    assert isinstance(load["value"], list) and all(isinstance(one, str) for one in load["value"])
    age = datetime.now(UTC) - datetime.fromisoformat(load["time"])
    assert load["time"].endswith("Z") and abs(age.total_seconds()) < 20
    climate = live.wait_for_reading(lambda one: one["id"] == "climate")
    assert len(climate["value"]) == 2 and all(float(one) > 0 for one in climate["value"])


@pytest.mark.req("P-13")
def test_it_beats_three_times_a_pulse(live: Station) -> None:
    topic = live.topic("heartbeat")
    wait_until(lambda: len(live.platform.on(topic)) >= 3, 6, "three beats")
    beats = live.platform.on(topic)[:3]
    assert {beat.payload for beat in beats} == {b'{"pulse":"3000"}'}
    assert 0.7 < beats[2].at - beats[1].at < 1.6


@pytest.mark.req("P-20", "P-22")
def test_the_will_is_taken_back_at_once(live: Station) -> None:
    cleared = live.platform.on("/v1/lwt/wille2e01")
    assert cleared and cleared[0].payload == b""


@pytest.mark.req("P-21", "P-22")
def test_a_death_notice_that_comes_while_it_lives_is_cleared(live: Station) -> None:
    topic = "/v1/lwt/wille2e01"
    before = len(live.platform.on(topic))
    live.platform.publish(topic, b"offline", retain=True)
    wait_until(lambda: [one.payload for one in live.platform.on(topic)[before:]]
               == [b"offline", b""], 5, "the clearing")


@pytest.mark.req("P-09", "P-14", "P-15")
def test_it_listens_to_commands_and_to_what_the_platform_thinks_of_it(live: Station) -> None:
    live.platform.publish(live.topic("heartbeat"), {
        "pulse": "3000", "from": "127.0.0.1", "last": "2026-05-01T04:00:00.000Z",
        "time": "2026-05-01T04:00:01.000Z", "type": "ReLive", "deviceId": live.device})
    live.platform.publish(live.topic("active"), {
        "deviceId": live.device, "status": "online", "createTime": "2026-05-01T04:00:02.000Z",
        "lastDataTime": "2026-05-01T04:00:00.000Z"})
    status = live.until(lambda s: s["platform"]["active"] and s["platform"]["heartbeat"])
    assert status["platform"]["heartbeat"]["word"] == "ReLive"
    assert status["platform"]["active"]["word"] == "online"
    assert live.told("on") == "on"
    assert live.told("off") == "off"


@pytest.mark.req("P-13", "P-14")
def test_its_own_beats_coming_back_are_not_bad_messages(live: Station) -> None:
    wait_until(lambda: live.platform.on(live.topic("heartbeat")), 5, "a beat")
    status = live.ask()
    assert status is not None and not any(status["ignored"].values()), live.agent.log


ISO = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
LINK: dict[str, Any] = {"state": str, "since": str, "error": (str, type(None)), "connects": int}
DOCUMENT: dict[str, Any] = {
    "version": str,
    "uptime_s": float,
    "identity": {"device_id": str, "source": str},
    "links": {"platform": LINK, "registry": LINK, "phone": LINK},
    "clock": {"trusted": bool},
    "sensors": [{
        "id": str, "values": list, "unit": (str, type(None)), "time": (str, type(None)),
        "age_s": (float, type(None)), "quality": str, "error": (str, type(None)), "reads": int,
        "failures": int}],
    "actuators": [{
        "id": str, "state": str, "since": str,
        "last_command": {"cmd": str, "from": str, "result": str}}],
    "delivery": {"confirm": str, "waiting": int, "on_disk": int, "confirmed": int, "dropped": int,
                 "oldest_s": float},
    "calls": {"open": int, "answered": int},
    "alarms": [],
}


def faults(wanted: Any, got: Any, where: str = "") -> list[str]:
    """Where a document lacks something of the contract, or has it of another type."""
    if isinstance(wanted, dict):
        if not isinstance(got, dict):
            return [f"{where} is {got!r}"]
        return [fault for key, of in wanted.items()
                for fault in (faults(of, got[key], f"{where}.{key}") if key in got
                              else [f"{where}.{key} is missing"])]
    if isinstance(wanted, list):
        if not isinstance(got, list):
            return [f"{where} is {got!r}"]
        return [fault for one in got for of in wanted for fault in faults(of, one, f"{where}[]")]
    good = isinstance(got, wanted) and not (wanted is int and isinstance(got, bool))
    return [] if good else [f"{where} is {got!r}"]


def test_the_status_document_keeps_its_contract(live: Station) -> None:
    assert live.told("on") == "on" and live.told("off") == "off"
    document = live.agent.status()
    assert document is not None
    assert faults(DOCUMENT, document) == []
    # New keys may come beside those of the contract, but not inside its small objects.
    assert set(document) - set(DOCUMENT) == {
        "platform", "ignored", "configuration", "reload_error", "reconfigure", "callouts",
        "readings"}
    for part in ("sensors", "actuators"):
        assert all(set(one) == set(DOCUMENT[part][0]) for one in document[part])
    assert set(document["delivery"]) == set(DOCUMENT["delivery"])
    assert document["identity"] == {"device_id": "d7432", "source": "config"}
    links = document["links"]
    assert (links["platform"]["state"], links["registry"]["state"], links["phone"]["state"]) == (
        "up", "off", "off")
    assert [one["id"] for one in document["sensors"]] == ["load", "climate"]
    assert document["sensors"][1]["quality"] == "good"
    assert document["actuators"][0]["last_command"] == {
        "cmd": "off", "from": "platform", "result": "off"}
    assert document["delivery"]["confirm"] == "fence" and document["delivery"]["confirmed"] > 0
    assert document["reload_error"] is None
    assert document["configuration"]["file"] == str(live.agent.config)
    assert document["configuration"]["restart"] == []


def test_status_for_people(live: Station) -> None:
    shown = live.agent.command("status")
    assert shown.returncode == 0 and shown.stderr == ""
    for word in ("d7432", "load", "climate", "lamp", "up"):
        assert word in shown.stdout


def test_probe_reads_through_the_daemon(live: Station) -> None:
    reads = live.sensor("load")["reads"]
    all_of_them = live.agent.command("probe")
    assert all_of_them.returncode == 0, all_of_them.stderr
    assert [line.split()[0] for line in all_of_them.stdout.splitlines()] == ["load", "climate"]
    assert live.sensor("load")["reads"] > reads
    unknown = live.agent.command("probe", "laod")
    assert unknown.returncode == 1 and "laod" in unknown.stdout + unknown.stderr


def test_set_moves_the_pin_and_says_why_when_it_does_not(live: Station) -> None:
    done = live.agent.command("set", "lamp", "on")
    assert (done.returncode, done.stdout, done.stderr) == (0, "lamp: on\n", "")
    assert live.hands("read 17") == "1"
    assert live.actuator()["last_command"] == {"cmd": "on", "from": "local", "result": "on"}
    assert live.agent.command("set", "lamp", "off").returncode == 0
    acks = live.acks()
    refused = live.agent.command("set", "lamp", "explode")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "unknown command 'explode'" in refused.stderr and refused.stderr.count("\n") == 1
    nobody = live.agent.command("set", "lmap", "on")
    assert nobody.returncode == 1 and "lamp" in nobody.stderr
    assert live.acks() == acks, "a local command was acknowledged to the platform"
    # Its state is still a reading: the platform may show it (design: publish_state).
    live.wait_for_reading(lambda one: one["id"] == "lamp" and one["value"] == ["on"])


def test_nothing_runs(tmp_path: Path) -> None:
    agent = prepared(tmp_path, platform_toml(1, "d1") + LOAD + LAMP)
    for words in (("status",), ("status", "--json"), ("set", "lamp", "on")):
        done = agent.command(*words)
        assert done.returncode == 3 and done.stdout == "" and done.stderr.count("\n") == 1
    probed = agent.command("probe")
    assert probed.returncode == 0 and probed.stdout.startswith("load")


BAD = """
[platform]
device_id = "d1"
key = "abcd"
prot = 1883
[hardware]
backend = "simulatd"
[[sensor]]
id = "a"
driver = "dht23"
pin = 4
"""


def test_check_tells_every_error_and_run_refuses_to_start(tmp_path: Path) -> None:
    good = prepared(tmp_path / "good", platform_toml(1, "d1") + LOAD + LAMP)
    checked = good.command("check")
    assert checked.returncode == 0 and checked.stderr == "" and "good" in checked.stdout
    bad = prepared(tmp_path / "bad", BAD)
    told = bad.command("check")
    assert told.returncode == 2
    ran = bad.command("run")
    assert ran.returncode == 2 and ran.stdout == ""
    lines = ran.stderr.splitlines()
    assert len(lines) == 3 and "Traceback" not in ran.stderr
    for key, line in zip(("prot", "backend", "driver"), sorted(lines, key=_line_number),
                         strict=True):
        assert key in line and "did you mean" in line
        assert line.startswith("cht-agent: ")
        assert line.removeprefix("cht-agent: ") in told.stderr


def _line_number(line: str) -> int:
    return int(line.split(".toml:")[1].split(":")[0])


def test_a_missing_configuration_is_one_line(tmp_path: Path) -> None:
    agent = prepared(tmp_path, "")
    agent.config.unlink()
    done = agent.command("run")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and str(agent.config) in done.stderr


def test_a_state_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    text = platform_toml(1, "d1") + '[service]\nstate_dir = "file/state"\n'
    done = prepared(tmp_path, text).command("run")
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "state_dir" in done.stderr


@pytest.mark.req("P-01", "P-03")
def test_over_tls_with_a_ca_of_ones_own(
    tls_broker: Broker, certs: Certs, tmp_path: Path, device_id: str
) -> None:
    text = platform_toml(tls_broker.port, device_id) + TICK + LAMP
    good = text.replace("tls = false", f'tls = true\nca_file = "{certs.ca}"')
    with (
        Observer(tls_broker.port, user=PROJECT_KEY, ca=certs.ca) as platform,
        station(tmp_path, tls_broker.port, device_id, good, platform=platform) as here,
    ):
        here.wait_for_reading(lambda one: one["id"] == "tick")
        assert here.told("on") == "on"
        assert here.agent.terminate() == 0
        # The same broker, but nobody we know has signed for it.
        here.agent.config.write_text(text.replace("tls = false", "tls = true"))
        here.agent.start()
        status = here.until(lambda s: s["links"]["platform"]["state"] == "refused")
        assert "certificate" in status["links"]["platform"]["error"]
        assert status["links"]["platform"]["connects"] == 0
        assert here.agent.terminate() == 0


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_told_before_anything_moves(
    content: str | None, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    text = platform_toml(1, "d1").replace("tls = false", 'tls = true\nca_file = "ca.pem"')
    done = prepared(tmp_path, text + LAMP).command("run")
    assert done.returncode == 2, done.stderr
    assert "ready" not in done.stderr and "actuator" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("cht-agent: ")]
    assert len(errors) == 1 and "ca_file" in errors[0] and "Traceback" not in done.stderr


def test_the_safe_state_plan_does_not_follow_the_socket(
    tmp_path: Path, broker: Broker, device_id: str
) -> None:
    """The helper that runs after a crash knows nothing of the configuration. A plan that could not
    be written is written when it can be."""
    text = platform_toml(broker.port, device_id) + '[service]\nsocket = "agent.sock"\n' + LAMP
    agent = prepared(tmp_path, text)
    plan = Path(agent.env["RUNTIME_DIRECTORY"]) / "safe_outputs.json"
    plan.mkdir()
    with agent:
        agent.wait_for_log("cannot write the safe-state plan")
        plan.rmdir()
        wait_until(plan.is_file, 15, "the plan")
        assert agent.log.count("safe-state plan") == 1


def test_a_second_agent_does_not_take_the_place_of_the_first(live: Station) -> None:
    plan = live.socket.with_name("safe_outputs.json")
    written = plan.stat().st_mtime_ns
    assert live.agent.command("set", "lamp", "on").returncode == 0
    journal = live.agent.folder / "state" / "commands.journal"
    with journal.open("ab") as damaged:
        damaged.write(b"no line of ours\n")  # what an agent that opens it would set aside
    env = {name: text for name, text in live.agent.env.items() if name != "HW_MOCKS_CONTROL"}
    done = subprocess.run(
        [sys.executable, "-m", "agent", "run", "--config", str(live.agent.config)],
        env=env, cwd=live.agent.folder, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr and "actuator" not in done.stderr, done.stderr
    assert live.until_up()["links"]["platform"]["connects"] == 1
    assert live.hands("read 17") == "1"
    assert journal.read_bytes().endswith(b"no line of ours\n"), "the state was touched"
    assert plan.stat().st_mtime_ns == written, "the safe-state plan was overwritten"
    assert live.agent.command("set", "lamp", "off").returncode == 0


def test_ctrl_c_ends_it_like_a_stop(tmp_path: Path, broker: Broker, device_id: str) -> None:
    with station(tmp_path, broker.port, device_id, LOAD) as here:
        here.agent.signal(signal.SIGINT)
        assert here.agent.wait() == 0
        assert "Traceback" not in here.agent.log
