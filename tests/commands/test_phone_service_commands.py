"""``cht-agent phone numbers · rent · … · call`` against the twin's telephone service."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from agent.phone.nodes import HELPERS
from tests.commands.rig import run_at_terminal, run_command
from tests.support.rest_platform import Fault, RestPlatform
from tests.twin.rest_client import Service, Stage

MENUS = """\
[menu.main]
say = "溫室您好。查詢溫度請按一。"
keys = { 1 = "read.temperature" }
[read.temperature]
say = "目前{temperature}。"
"""
CALLEE = "0900000001"
FOREIGN = [{"node": "MAIN", "text": "別人的", "nextNode": "END"}]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


class Desk:
    """A configuration with a telephone, and the twin that serves it."""

    def __init__(self, folder: Path, twin: Service) -> None:
        self.folder, self.twin = folder, twin
        (folder / "phone.toml").write_text(MENUS)
        (folder / "tas.key").write_text(twin.account)
        (folder / "tas.key").chmod(0o600)
        self.write()

    def write(self, more: str = "", rest_url: str = "") -> None:
        (self.folder / "agent.toml").write_text(f"""\
[platform]
device_id = "7432"
key = "env:NO_KEY"
[hardware]
backend = "simulated"
[service]
state_dir = "state"
[[sensor]]
id = "temperature"
driver = "dht22"
pin = 4
quantity = "temperature"
[phone]
rest_url = "{rest_url or f'{self.twin.url}/apis/CHTIoT/phone-conn/v1'}"
api_key = "file:tas.key"
{more}
""")

    def phone(self, *words: str, said: str = "") -> CompletedProcess[str]:
        done = run_command(self.folder, "phone", *words, input=said)
        assert self.twin.account not in done.stdout + done.stderr
        return done

    def rented(self) -> str:
        """A number of ours, in the configuration."""
        number = str(self.twin.tas("POST", "/reg", {"appName": "greenhouse"}).json["serviceNumber"])
        self.write(f'service_number = "{number}"\nsn_key = "env:SN"')
        return number

    def menu(self, number: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = self.twin.tas(
            "GET", f"/phoneConfig/{number}").json["ivrData"]
        return found


@pytest.fixture
def desk(tmp_path: Path, stage: Stage) -> Desk:
    return Desk(tmp_path, stage.fresh())


@pytest.mark.req("T-20", "T-21")
def test_from_nothing_to_a_number(desk: Desk) -> None:
    nothing = desk.phone("numbers")
    assert nothing.returncode == 1 and "cht-agent phone rent" in nothing.stderr
    done = desk.phone("rent", "greenhouse", "--description", "frost")
    assert done.returncode == 0, done.stderr
    kept = desk.folder / "tas-sn.key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    key = kept.read_text().strip()
    assert key and key not in done.stdout
    listed = desk.phone("numbers")
    assert "greenhouse" in listed.stdout and "in service" in listed.stdout
    assert key not in listed.stdout
    assert key in desk.phone("numbers", "--show-keys").stdout


@pytest.mark.req("T-20")
def test_nothing_is_rented_when_its_key_could_not_be_kept(desk: Desk) -> None:
    (desk.folder / "tas-sn.key").write_text("of another number")
    done = desk.phone("rent", "greenhouse")
    assert done.returncode == 2 and "--save" in done.stderr
    assert desk.phone("rent", "x", "--save", "no/such/folder").returncode == 1
    assert desk.phone("numbers").returncode == 1  # none
    assert (desk.folder / "tas-sn.key").read_text() == "of another number"


def test_a_refused_rent_leaves_no_empty_file(desk: Desk) -> None:
    (desk.folder / "tas.key").write_text("nobody-knows-this-key")
    done = desk.phone("rent", "greenhouse")
    assert done.returncode == 1 and "check [phone] api_key" in done.stderr
    assert not (desk.folder / "tas-sn.key").exists()


@pytest.mark.req("T-22", "T-23")
def test_rename_release_restore(desk: Desk) -> None:
    number = desk.rented()
    assert desk.phone("rename", "pump").returncode == 0
    unasked = desk.phone("release")
    assert unasked.returncode == 2 and "--yes" in unasked.stderr
    assert "in service" in desk.phone("numbers").stdout
    assert desk.phone("release", "--yes").returncode == 0
    assert "locked" in desk.phone("numbers").stdout
    assert desk.phone("restore", "--number", number).returncode == 0
    listed = desk.phone("numbers").stdout
    assert "in service" in listed and "pump" in listed


@pytest.mark.req("T-20", "T-22", "T-30")
@pytest.mark.parametrize("action", ["rent", "rename"])
@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "\udcff"])
def test_a_name_that_says_nothing_is_refused_here(desk: Desk, action: str, name: str) -> None:
    number = desk.rented()
    done = desk.phone(action, name)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "NAME" in done.stderr
    assert number in desk.phone("numbers").stdout and "greenhouse" in desk.phone("numbers").stdout


@pytest.mark.req("T-20", "T-27")
@pytest.mark.parametrize(("words", "told"), [
    (("rent", "x"), "may be rented all the same: look at cht-agent phone numbers"),
    (("call", "x", "--yes"), "may ring all the same"),
])  # fmt: skip
def test_what_may_have_happened_unheard_is_told(
    desk: Desk, words: tuple[str, ...], told: str
) -> None:
    with RestPlatform(script=lambda _request: Fault()) as broken:
        desk.write('service_number = "034240000"', broken.url)
        done = desk.phone(*words, said=f"{CALLEE}\n")
    assert done.returncode == 1 and told in done.stderr and done.stderr.count("\n") == 1
    assert len(broken.requests) == 1
    assert not (desk.folder / "tas-sn.key").exists()


def test_what_surely_did_not_happen_is_not_said_to_be_possible(desk: Desk) -> None:
    with RestPlatform() as gone:
        pass
    desk.write('service_number = "034240000"', gone.url)
    for words in (("rent", "x"), ("call", "x", "--yes")):
        done = desk.phone(*words, said=f"{CALLEE}\n")
        assert done.returncode == 1 and "all the same" not in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.req("T-30")
@pytest.mark.parametrize("words", [
    ("rename", "x"), ("release", "--yes"), ("restore",), ("menu", "push"), ("menu", "show"),
    ("menu", "delete", "--yes"), ("call", "x", "--yes"),
])  # fmt: skip
def test_somebody_elses_number_is_refused_in_one_line(desk: Desk, words: tuple[str, ...]) -> None:
    desk.rented()
    desk.twin.telephone.add_account("another")
    (desk.folder / "tas.key").write_text("another")
    done = desk.phone(*words, said=f"{CALLEE}\n")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "this key" in done.stderr


@pytest.mark.req("T-23", "T-27", "T-30")
def test_a_locked_number_phones_nobody_and_says_how_to_unlock(desk: Desk) -> None:
    desk.rented()
    assert desk.phone("release", "--yes").returncode == 0
    done = desk.phone("call", "x", "--yes", said=f"{CALLEE}\n")
    assert done.returncode == 1 and "cht-agent phone restore" in done.stderr


@pytest.mark.req("T-20", "T-30")
def test_a_fourth_number_is_refused_and_leaves_no_file(desk: Desk) -> None:
    for _ in range(3):
        desk.rented()
    done = desk.phone("rent", "x")
    assert done.returncode == 1 and "phone release" in done.stderr
    assert not (desk.folder / "tas-sn.key").exists()


@pytest.mark.req("T-23")
@pytest.mark.parametrize(("typed", "state"), [
    ("\n", "in service"), ("n\n", "in service"), ("\x04", "in service"), ("y\n", "locked"),
])  # fmt: skip
def test_at_a_terminal_it_asks(desk: Desk, typed: str, state: str) -> None:
    number = desk.rented()
    done = run_at_terminal(desk.folder, "phone", "release", typed=typed)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Lock {number}?" in done.stdout
    assert ("nothing was changed" in done.stdout) == (state == "in service")
    assert state in desk.phone("numbers").stdout


@pytest.mark.req("T-24")
@pytest.mark.parametrize(("typed", "replaced"), [("\x04", False), ("yes\n", True)])
def test_at_a_terminal_it_asks_before_somebody_elses_menu_goes(
    desk: Desk, typed: str, replaced: bool
) -> None:
    number = desk.rented()
    body = {"serviceNumber": number, "ivrData": FOREIGN}
    assert desk.twin.tas("POST", "/phoneConfig", body).status == 200
    done = run_at_terminal(desk.folder, "phone", "menu", "push", typed=typed)
    assert done.returncode == 0 and "was not made by cht-agent" in done.stdout
    assert (desk.menu(number) != FOREIGN) == replaced


@pytest.mark.req("T-27", "T-28")
@pytest.mark.parametrize(("typed", "status"), [
    (f"{CALLEE}\ny\n", 0), (f"{CALLEE}\nn\n", 0), ("\x04", 2),
])  # fmt: skip
def test_at_a_terminal_the_number_is_typed(desk: Desk, typed: str, status: int) -> None:
    desk.rented()
    done = run_at_terminal(desk.folder, "phone", "call", "溫室測試", typed=typed)
    assert done.returncode == status and CALLEE not in done.stdout + done.stderr
    assert bool(desk.twin.emitted) == typed.endswith("y\n")


@pytest.mark.req("T-24", "T-25", "T-26")
def test_the_menu_is_pushed_shown_and_deleted(desk: Desk) -> None:
    number = desk.rented()
    assert desk.phone("menu", "show").returncode == 1
    dry = desk.phone("menu", "push", "--dry-run")
    assert dry.returncode == 0 and "溫室您好" in dry.stdout
    assert desk.phone("menu", "show").returncode == 1
    done = desk.phone("menu", "push")
    assert done.returncode == 0, done.stderr
    assert desk.menu(number) == [
        {"node": "MAIN", "nextNode": "CUSTOM", "text": "溫室您好。", "promptMode": "F"},
        *({"node": name, "nextNode": "CUSTOM"} for name in HELPERS)]
    assert "up to date" in desk.phone("menu", "push").stdout
    assert json.loads(desk.phone("menu", "show").stdout) == desk.menu(number)
    (desk.folder / "phone.toml").write_text(MENUS.replace("您好", "早安"))
    again = desk.phone("menu", "push")
    assert again.returncode == 0 and "-" in again.stdout and "早安" in again.stdout
    assert desk.phone("menu", "delete").returncode == 2
    assert desk.phone("menu", "delete", "--yes").returncode == 0
    assert desk.phone("menu", "show").returncode == 1
    kept = sorted((desk.folder / "state/menus").glob(f"{number}-*.json"))
    assert ["您好" in path.read_text() for path in kept] == [True, False]


@pytest.mark.req("T-24")
def test_somebody_elses_menu_is_not_replaced_unasked_and_kept(desk: Desk) -> None:
    number = desk.rented()
    body = {"serviceNumber": number, "ivrData": FOREIGN}
    assert desk.twin.tas("POST", "/phoneConfig", body).status == 200
    asked = desk.phone("menu", "push")
    assert asked.returncode == 2 and "--yes" in asked.stderr
    assert desk.menu(number) == FOREIGN
    assert desk.phone("menu", "push", "--yes").returncode == 0
    assert desk.menu(number) != FOREIGN
    for path in (desk.folder / "state/menus").iterdir():
        assert json.loads(path.read_text()) == FOREIGN


@pytest.mark.req("T-27", "T-28")
def test_somebody_is_phoned_and_the_number_stays_hidden(desk: Desk) -> None:
    desk.rented()
    done = desk.phone("call", "溫室測試", "--yes", said=f"{CALLEE}\n")
    assert done.returncode == 0, done.stderr
    assert CALLEE not in done.stdout + done.stderr and "0900***001" in done.stdout
    assert len(desk.twin.emitted) > 0
    for wrong in ("", "12345678\n", "0900-000001\n"):
        refused = desk.phone("call", "測試", "--yes", said=wrong)
        assert refused.returncode == 2 and "leading 0" in refused.stderr
        assert not wrong or wrong.strip() not in refused.stderr
    assert desk.phone("call", "x" * 201, "--yes", said=f"{CALLEE}\n").returncode == 2


@pytest.mark.parametrize("words", [
    ("rename", "x"), ("release", "--yes"), ("restore",), ("menu", "show"), ("menu", "push"),
    ("menu", "delete", "--yes"), ("call", "x", "--yes"),
])
def test_without_a_number_it_asks_which(desk: Desk, words: tuple[str, ...]) -> None:
    done = desk.phone(*words, said=f"{CALLEE}\n")
    assert done.returncode == 2 and "which number?" in done.stderr


def test_without_a_telephone(desk: Desk) -> None:
    text = (desk.folder / "agent.toml").read_text()
    (desk.folder / "agent.toml").write_text(text.partition("[phone]")[0])
    done = desk.phone("numbers")
    assert done.returncode == 2 and "has no [phone]" in done.stderr
