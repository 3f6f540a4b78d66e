"""``cht-agent doctor``: what it looks at, what it says, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from agent.commands.doctor import examine, show, show_json
from agent.config.model import Secret
from agent.doctor.checks import CHECKS
from agent.doctor.machine import Machine
from agent.doctor.visit import Check, Visit
from agent.finding import Finding
from agent.identity.registry import Identity
from agent.identity.store import IdentityStore
from tests.commands.rig import Bench
from tests.support.rest_platform import DEVICE, PROJECT, Fault, RestPlatform
from twin.broker import Broker
from twin.mosquitto import BrokerOptions

WHO = 'device_id = "7432"\nkey = "file:project.key"'


@pytest.fixture
def platform() -> Iterator[RestPlatform]:
    with RestPlatform() as running:
        yield running


@pytest.fixture
def bench(platform: RestPlatform, tmp_path: Path) -> Iterator[Bench]:
    keys = (PROJECT, DEVICE, "chtregistry")
    with Broker(BrokerOptions(users={key: key for key in keys})) as broker:
        found = Bench(tmp_path, platform.url, broker=broker.port)
        found.configure(WHO)
        yield found


@pytest.fixture
def doctor(bench: Bench, capsys: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(bench, capsys)


class Doctor:
    """Looks at the bench on a machine that has no other troubles than a test seeds: an empty
    folder."""

    def __init__(self, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
        self._bench, self._capsys = bench, capsys
        self._root = bench.folder / "machine"

    def __call__(self) -> tuple[int, list[str]]:
        """The exit code, and the lines about the account and the platform."""
        environ = {"STATE_DIRECTORY": str(self._bench.state), "RUNTIME_DIRECTORY": str(self._root)}
        machine = Machine(self._root, environ, show_unit=lambda: "")
        visit = Visit(self._bench.config, machine)
        code = show(examine(CHECKS, visit))
        if visit.platform is not None:
            visit.platform.close()
        about = ("configuration", "identity", "platform", "sensors")
        lines = self._capsys.readouterr().out.splitlines()
        return code, [line for line in lines if any(f" {name}" in line[:30] for name in about)]


def test_all_is_well(doctor: Doctor, platform: RestPlatform) -> None:
    platform.add("greenhouse", ("temperature", "lamp"))
    assert doctor() == (0, [
        "good     configuration: 1 sensor, 1 actuator, device 7432, backend simulated",
        "good     identity: device 7432, from agent.toml",
        'good     platform: knows device 7432 "greenhouse"',
        "good     sensors: the platform has all 2 of them"])
    assert all(request.method == "GET" for request in platform.requests)


def test_a_missing_sensor_is_an_error_with_its_mend(
    doctor: Doctor, bench: Bench, platform: RestPlatform
) -> None:
    platform.add("greenhouse", ("Lamp",))
    code, lines = doctor()
    vanishes = "does not exist on the platform, so what is sent for it vanishes"
    assert code == 1 and lines[3:] == [
        f"error    sensors: sensor temperature {vanishes}: cht-agent platform create makes it",
        f"error    sensors: sensor lamp {vanishes}: there is Lamp: make the two ids the same"]
    platform.sensors["7432"].clear()
    assert bench.run("platform", "create").returncode == 0
    assert doctor()[0] == 0, "the mend did not mend it"


def test_a_warning_is_no_failure(doctor: Doctor, platform: RestPlatform) -> None:
    mine = platform.add("greenhouse", ("temperature", "lamp"))
    platform.sensors[mine]["temperature"]["unit"] = "°F"
    code, lines = doctor()
    assert code == 0 and lines[3].startswith("warning  sensors: sensor temperature is in °C")


def test_a_bad_configuration_stops_what_needs_it(doctor: Doctor, bench: Bench) -> None:
    bench.config.write_text('[hardware]\nbackend = "pie"\nscenari = "x"\n')
    code, lines = doctor()
    assert code == 1
    errors = [line for line in lines if line.startswith("error    conf")]
    assert len(errors) >= 2 and any("did you mean" in line for line in errors)
    assert lines[-1] == "–        identity, keys, will, clock, time-zone: not looked at"


def test_who_waits_in_the_registry_is_told_under_which_name(
    doctor: Doctor, bench: Bench, platform: RestPlatform
) -> None:
    bench.configure()
    code, lines = doctor()
    assert code == 0
    assert ("warning  identity: nobody has told yet who this is: it waits in the registry as "
            "pi00001: cht-agent registry push 00001") in lines[1]
    assert lines[-1] == "–        platform, sensors: not looked at" and platform.requests == []


def test_an_identity_from_the_registry_counts(
    doctor: Doctor, bench: Bench, platform: RestPlatform
) -> None:
    bench.configure()
    platform.add("pi00001", ("temperature", "lamp"))
    store = IdentityStore(bench.state)
    store.propose(Identity("7432", Secret(DEVICE), "registry"))
    store.commit()
    code, lines = doctor()
    assert code == 0 and lines[1] == "good     identity: device 7432, from the registry"
    assert platform.requests[0].headers["CK"] == DEVICE
    (bench.state / "identity.json").write_text("damaged")
    code, lines = doctor()
    assert code == 1 and lines[1].startswith("error    identity: ")
    assert (bench.state / "identity.json").read_text() == "damaged", "it only looks"


@pytest.mark.parametrize(("fault", "told"), [
    (Fault((503, b"")), "the platform answers 503: is the network there, and rest_url right?"),
    (Fault((200, b'{"status":"invalid key"}')), "the platform says: invalid key; check key"),
    (Fault((404, b"")), "or this key may not see it: check device_id and key"),
    (Fault((200, b"<html>")), "this is no answer of the platform"),
])  # fmt: skip
def test_a_platform_that_does_not_serve_us(
    doctor: Doctor, platform: RestPlatform, fault: Fault, told: str
) -> None:
    platform.script = lambda _request: fault
    code, lines = doctor()
    assert code == 1
    (line,) = [line for line in lines if " platform: " in line]
    assert line.startswith("error ") and told in line
    assert lines[-1] == "–        sensors: not looked at"


def test_a_key_that_is_not_there(doctor: Doctor, bench: Bench) -> None:
    (bench.folder / "project.key").unlink()
    code, lines = doctor()
    assert code == 1 and lines[1].startswith("error    identity: the key file")


def test_a_platform_that_cannot_be_reached_is_told_of_once(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.url = "http://127.0.0.1:1"
    bench.configure(WHO)
    visit = Visit(bench.config, Machine(bench.folder / "machine", {}, show_unit=lambda: ""))
    assert show(examine(CHECKS, visit)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if ":1:" in line] == [
        "error    port: 127.0.0.1:1: nothing listens there: check [platform] rest_url and its port;"
        " is the server running?"]
    assert lines[-1] == "–        platform, sensors: not looked at"


def test_the_command_itself(bench: Bench, platform: RestPlatform) -> None:
    """On whatever machine this runs: its own troubles are its own."""
    platform.add("greenhouse", ("temperature",))
    bench.environ["RUNTIME_DIRECTORY"] = str(bench.folder / "run")
    done = bench.run("doctor", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert set(document) == {"version", "findings"}
    found = [one for one in document["findings"] if one["check"] == "sensors"]
    assert found == [{
        "check": "sensors", "severity": "error", "mend": "cht-agent platform create makes it",
        "text": "sensor lamp does not exist on the platform, so what is sent for it vanishes"}]
    names = [check.name for check in CHECKS]
    assert {one["check"] for one in document["findings"]} <= set(names)
    assert len(set(names)) == len(names) >= 20
    done = bench.run("doctor")
    assert done.returncode == 1
    assert "error    sensors: sensor lamp does not exist on the platform" in done.stdout


def test_a_check_may_be_added_to_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    def disk(visit: Visit) -> Iterable[Finding]:
        yield Finding("warning", "the card is nearly full\x1b[31m", "delete something")

    visit = Visit(Path("absent.toml"), Machine())
    later = Check("later", disk, ("config",))
    assert show(examine((Check("disk", disk), later, Check("pins", disk, ("config",))), visit)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "warning  disk: the card is nearly full [31m: delete something",
        "–        later, pins: not looked at"]
    assert show_json(examine((later,), visit)) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == [
        {"check": "later", "severity": "skipped", "text": "not looked at", "mend": ""}]
