"""``cht-agent platform create`` as an operator meets it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.config.model import Secret
from agent.identity.registry import Identity
from agent.identity.store import IdentityStore
from tests.commands.rig import Bench
from tests.support.rest_platform import DEVICE, PROJECT, Fault, RestPlatform

KEY = ("--key", "file:project.key")
WHO = f'device_id = "7432"\nkey = "{PROJECT}"'


@pytest.fixture
def platform() -> Iterator[RestPlatform]:
    with RestPlatform() as running:
        yield running


@pytest.fixture
def bench(platform: RestPlatform, tmp_path: Path) -> Bench:
    return Bench(tmp_path, platform.url)


@pytest.mark.req("P-18")
def test_it_creates_everything_and_says_what_is_next(
    bench: Bench, platform: RestPlatform
) -> None:
    done = bench.run("platform", "create", *KEY)
    assert (done.returncode, done.stderr) == (0, "")
    *told, device_id, key = done.stdout.splitlines()
    assert told == [
        "device 7432: created (pi00001)", "sensor temperature: created (gauge, °C)",
        "sensor lamp: created (switch)", "device id: 7432",
        "next: put this into [platform] of agent.toml, or send it through the registry:"]
    # What it says can be put there as it is.
    bench.configure(f"{device_id}\n{key}")
    assert tomllib.loads(bench.config.read_text())["platform"]["key"] == "file:project.key"
    again = bench.run("platform", "create")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.splitlines() == [
        "device 7432: there already", "sensor temperature: there already",
        "sensor lamp: there already", "device id: 7432"]
    assert len(platform.devices) == 1
    assert PROJECT not in done.stdout + again.stdout


def test_a_dry_run_creates_nothing(bench: Bench, platform: RestPlatform) -> None:
    done = bench.run("platform", "create", "--dry-run", *KEY)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "device pi00001: would be created", "sensor temperature: would be created (gauge, °C)",
        "sensor lamp: would be created (switch)"]
    assert platform.devices == {}
    platform.add("greenhouse", ("lamp",), serial="00001")
    done = bench.run("platform", "create", "--dry-run", *KEY)
    assert done.stdout.splitlines()[-1] == "device id: 7432"
    assert "next" not in done.stdout


def test_a_device_that_the_registry_named_is_not_created_again(
    bench: Bench, platform: RestPlatform
) -> None:
    """Its serial stands nowhere on the platform: only the daemon's state knows it."""
    mine = platform.add("made by hand")
    IdentityStore(bench.state).propose(Identity(mine, Secret(DEVICE), "registry"))
    done = bench.run("platform", "create")
    assert (done.returncode, done.stderr) == (0, "")
    assert list(platform.devices) == [mine] and len(platform.sensors[mine]) == 2
    assert platform.requests[0].headers["CK"] == DEVICE
    bench.run("platform", "create", *KEY)
    assert platform.requests[-1].headers["CK"] == PROJECT


@pytest.mark.parametrize(("words", "who", "code", "told"), [
    ((), "", 2, "no key: --key says where the project key is"),
    (("--key", "PKverysecret"), "", 2, "--key takes no key itself"),
    (("--key", "file:absent.key"), "", 2, "absent.key cannot be read"),
    (("--key", "env:NOBODY_SET_IT"), "", 2, "NOBODY_SET_IT is not set"),
    ((), 'device_id = "1"\nkey = "file:project.key"', 1, "device 1: there is none"),
    ((), 'device_id = "1"\nkey = "file:agent.toml"', 2, "control characters"),
])  # fmt: skip
def test_what_is_missing_is_one_line(
    bench: Bench, platform: RestPlatform, words: tuple[str, ...], who: str, code: int, told: str
) -> None:
    bench.configure(who)
    done = bench.run("platform", "create", *words)
    (line,) = done.stderr.splitlines()
    assert done.returncode == code and line.startswith("cht-agent: ") and told in line
    assert "PKverysecret" not in line
    assert platform.devices == {}


def test_the_key_may_come_from_the_environment(bench: Bench, platform: RestPlatform) -> None:
    bench.environ["PROJECT_KEY"] = PROJECT
    done = bench.run("platform", "create", "--key", "env:PROJECT_KEY")
    assert done.returncode == 0 and done.stdout.endswith('key = "env:PROJECT_KEY"\n')


def test_a_machine_without_a_serial_needs_one_written_down(
    bench: Bench, platform: RestPlatform
) -> None:
    bench.configure(registry="")
    done = bench.run("platform", "create", *KEY)
    if done.returncode == 0:
        pytest.skip("this machine has a serial of its own")
    assert done.returncode == 2 and "no serial number of its own" in done.stderr
    assert platform.requests == []
    bench.configure(WHO)
    platform.add("mine")
    assert bench.run("platform", "create").returncode == 0, "who it is stands there"


def test_refusals_and_outages_are_one_line(bench: Bench, platform: RestPlatform) -> None:
    (bench.folder / "project.key").write_text(DEVICE)
    done = bench.run("platform", "create", *KEY)
    assert done.returncode == 1 and "a device key may not create devices" in done.stderr
    platform.script = lambda _request: Fault((503, b""))
    done = bench.run("platform", "create", *KEY)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and "the platform answers 503" in line
    platform.script = lambda _request: None
    platform.add("a", serial="00001")
    platform.add("b", serial="00001")
    done = bench.run("platform", "create", *KEY)
    assert done.returncode == 1 and "7432, 7433; delete all but one" in done.stderr


def test_a_run_that_is_cut_off_is_finished_by_the_next(
    bench: Bench, platform: RestPlatform
) -> None:
    platform.faults = [None, Fault(done=True)]
    assert bench.run("platform", "create", *KEY).returncode == 1
    done = bench.run("platform", "create", *KEY)
    assert done.returncode == 0 and "device 7432: there already" in done.stdout
    assert len(platform.devices) == 1 and len(platform.sensors["7432"]) == 2
