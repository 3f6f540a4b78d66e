"""``cht-agent-flash`` from the command line, on folders that look like a card."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cards import partition
from agent.cards.__main__ import main
from agent.cards.model import FOLDER, CardFile
from agent.errors import ConfigError, StorageError
from tests.cards import rig

ROOT = Path(__file__).parents[2]


class Desk:
    """A folder with all that a run needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card = rig.partition(folder / "bootfs")
        self.config = folder / "agent.toml"
        self.config.write_text(rig.CONFIG)
        self.package = rig.package(folder / "cht-agent_1_all.deb")
        self.key = folder / "device.key"
        self.key.write_text("canary-of-the-device\n")
        self.asked: list[str] = []
        self.on_ask: Callable[[str], str] = lambda _question: ""

    def flash(self, *options: str, key: bool = True) -> int:
        argv = ["--config", str(self.config), "--package", str(self.package),
                "--boot", str(self.card), *options]  # fmt: skip
        if key:
            argv += ["--credential", f"device-key=file:{self.key}"]
        return main(argv, ask=self._ask, ask_secret=lambda _question: "correct horse")

    def _ask(self, question: str) -> str:
        self.asked.append(question)
        return self.on_ask(question)

    def held(self) -> dict[str, bytes]:
        return {path.relative_to(self.card).as_posix(): path.read_bytes()
                for path in sorted(self.card.rglob("*")) if path.is_file()}  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_card_gets_all_it_needs(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.flash("--hostname", "pump1", "--wifi", "溫室", "--country", "tw") == 0
    held = desk.held()
    assert held[f"{FOLDER}/{desk.package.name}"] == desk.package.read_bytes()
    assert held[f"{FOLDER}/keys/device-key"] == b"canary-of-the-device"
    assert held[f"{FOLDER}/etc/agent.toml"].decode() == rig.CONFIG
    assert b"dtoverlay=dht11,gpiopin=4" in held["config.txt"]
    assert b"\xe6\xba\xab\xe5\xae\xa4" in held["network-config"]
    assert rig.IMAGER in [entry["content"] for entry in
                          json.loads(held["user-data"].partition(b"\n")[2])]  # fmt: skip
    assert json.loads(held["meta-data"])["local-hostname"] == "pump1"
    assert "eject" in capsys.readouterr().out
    subprocess.run(["sh", "-n", str(desk.card / FOLDER / "first-boot")], check=True)


def test_the_same_again_changes_nothing(desk: Desk) -> None:
    assert desk.flash() == 0
    held = desk.held()
    assert desk.flash() == 0
    assert desk.held() == held


def test_a_dry_run_shows_everything_but_secrets_and_writes_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    before = desk.held()
    assert desk.flash("--dry-run", "--wifi", "home", "--country", "TW") == 0
    shown = capsys.readouterr().out
    assert desk.held() == before
    for wanted in ("config.txt", "user-data", "meta-data", "network-config", "first-boot",
                   "dtoverlay=dht11,gpiopin=4"):  # fmt: skip
        assert wanted in shown
    assert "canary" not in shown and "correct horse" not in shown


def _no_overlays(card: Path) -> None:
    shutil.rmtree(card / "overlays")


def _no_kernel(card: Path) -> None:
    (card / "kernel8.img").unlink()


def _no_cloud_init(card: Path) -> None:
    (card / "meta-data").unlink()


def _strange_user_data(card: Path) -> None:
    (card / "user-data").write_text("#!/bin/sh\n")


@pytest.mark.parametrize(("spoil", "said"), [
    (_no_overlays, "no boot partition of a Raspberry Pi"),
    (_no_kernel, "no boot partition of a Raspberry Pi"),
    (_no_cloud_init, "does not bring cloud-init"),
    (_strange_user_data, "Imager"),
])
def test_nothing_that_is_no_fresh_card_is_touched(
    desk: Desk, spoil: Callable[[Path], None], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(desk.card)
    before = desk.held()
    assert desk.flash() == 2
    assert said in capsys.readouterr().err
    assert desk.held() == before


@pytest.mark.parametrize(("change", "said"), [
    (('backend = "pi"', 'backend = "simulated"'), "a card is for a Pi"),
    (("credential:device-key", "file:device.key"), "does not reach the Pi"),
    (("credential:device-key", "in-the-open"), "use credential:NAME"),
    (("pin = 4", "pin = 400"), "agent.toml:9"),
    (("[hardware]", 'ca_file = "/etc/hosts"\n[hardware]'), "put it beside the configuration"),
    (("[hardware]", 'ca_file = "missing.pem"\n[hardware]'), "missing.pem"),
    (("[hardware]", '[service]\nstate_dir = "x"\n[hardware]'), "[service]"),
])
def test_what_would_not_work_on_the_pi_is_told_before_anything_is_written(
    desk: Desk, change: tuple[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.config.write_text(rig.CONFIG.replace(*change))
    before = desk.held()
    assert desk.flash() == 2
    err = capsys.readouterr().err
    assert said in err and "canary" not in err and "in-the-open" not in err
    assert desk.held() == before


def test_keys_that_are_missing_or_of_no_use(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.flash(key=False) == 2
    assert "wants credential:device-key" in capsys.readouterr().err
    assert desk.flash("--credential", f"tas-key=file:{desk.key}") == 2
    assert "nothing in" in capsys.readouterr().err
    assert desk.flash("--credential", "device-key=the-key-itself", key=False) == 2
    err = capsys.readouterr().err
    assert "takes no key itself" in err and "the-key-itself" not in err


def test_what_the_configuration_names_beside_itself_goes_along(desk: Desk) -> None:
    (desk.folder / "our-ca.pem").write_text("a certificate")
    desk.config.write_text(rig.CONFIG.replace("[hardware]", 'ca_file = "our-ca.pem"\n[hardware]'))
    assert desk.flash() == 0
    assert desk.held()[f"{FOLDER}/etc/our-ca.pem"] == b"a certificate"


PHONE = """
[phone]
api_key = "credential:tas-key"
sn_key = "credential:tas-sn"
service_number = "034240000"
menus = "menus/phone.toml"
"""
MENUS = """
[pin]
hash = "credential:phone-pin"
[menu.main]
say = "查詢溫度請按一。"
keys = { 1 = "read.temperature" }
[read.temperature]
say = "目前{temperature}。"
"""


def test_a_telephone_goes_along_with_its_menus_and_its_keys(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.folder / "menus").mkdir()
    (desk.folder / "menus/phone.toml").write_text(MENUS)
    desk.config.write_text(rig.CONFIG + PHONE)
    assert desk.flash() == 2
    err = capsys.readouterr().err
    for name in ("tas-key", "tas-sn", "phone-pin"):
        assert f"wants credential:{name}" in err
    more = [word for name in ("tas-key", "tas-sn", "phone-pin")
            for word in ("--credential", f"{name}=file:{desk.key}")]  # fmt: skip
    assert desk.flash(*more) == 0, capsys.readouterr().err
    held = desk.held()
    assert held[f"{FOLDER}/etc/menus/phone.toml"].decode() == MENUS
    assert f"{FOLDER}/keys/phone-pin" in held


@pytest.mark.parametrize("spoil", [
    lambda content: b"PK" + content[2:],
    lambda content: content[:-40],
    lambda content: content.replace(b"control.tar", b"kontrol.tar"),
    lambda content: b"",
])
def test_a_package_that_is_none(
    desk: Desk, spoil: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    desk.package.write_bytes(spoil(desk.package.read_bytes()))
    assert desk.flash() == 2
    assert "no Debian package" in capsys.readouterr().err


def test_another_package(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    rig.package(desk.package, "cowsay")
    assert desk.flash() == 2
    assert "is the package cowsay" in capsys.readouterr().err


FLEET = """\
[registry]
product_code = "pi"
serial = "${serial}"
[hardware]
backend = "pi"
"""


def test_a_fleet_each_card_with_its_serial(desk: Desk) -> None:
    desk.config.write_text(FLEET)
    cards = desk.folder / "cards.csv"
    cards.write_text("serial,hostname\n00001,pump1\n00002,pump2\n00003,pump3\n")
    seen: list[str] = []

    def change_the_card(_question: str) -> str:
        if desk.asked[1:]:
            seen.append((desk.card / FOLDER / "etc/agent.toml").read_text())
        shutil.rmtree(desk.card)
        rig.partition(desk.card)
        return "q" if len(desk.asked) == 3 else ""

    desk.on_ask = change_the_card
    assert desk.flash("--fleet", str(cards), key=False) == 0
    assert [text.splitlines()[2] for text in seen] == ['serial = "00001"', 'serial = "00002"']
    assert not (desk.card / FOLDER).exists()  # q: the third was not begun
    assert [question.split(":")[0] for question in desk.asked] == [
        "card 1 of 3", "card 2 of 3", "card 3 of 3"]  # fmt: skip
    desk.on_ask = lambda _question: ""
    assert desk.flash("--fleet", str(cards), "--from", "00003", key=False) == 0
    assert b'serial = "00003"' in desk.held()[f"{FOLDER}/etc/agent.toml"]


@pytest.mark.parametrize(("table", "said"), [
    ("serial\n00001\n00001\n", "on line 2 already"),
    ("serial,hostname\n00001\n", "1 columns"),
    ("serial,hostname\n00001,\n", "a field is empty"),
    ("serial,hostname\n00001,under_score\n", "host name"),
    ("serial\n", "a line a card"),
    ("number\n1\n", "no column serial"),
    ('serial\n0"; rm -rf /\n', "letters, digits"),
    ("serial,colour\n00001,red\n", "no place for colour"),
    ("serial,credential:device-key\n00001,abc\n", "nothing in"),
])
def test_a_table_with_a_fault_writes_no_card_at_all(
    desk: Desk, table: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.config.write_text(FLEET)
    cards = desk.folder / "cards.csv"
    cards.write_text(table)
    before = desk.held()
    assert desk.flash("--fleet", str(cards), key=False) == 2
    assert said in capsys.readouterr().err
    assert desk.held() == before and desk.asked == []


def test_each_card_of_a_fleet_may_have_its_own_key(desk: Desk) -> None:
    desk.config.write_text(rig.CONFIG.replace("7432", "${device_id}"))
    other = desk.folder / "other.key"
    other.write_text("another-key")
    cards = desk.folder / "cards.csv"
    cards.write_text(f"name,device_id,credential:device-key\na,11,file:{desk.key}\n"
                     f"b,22,file:{other}\n")  # fmt: skip
    assert desk.flash("--fleet", str(cards), key=False) == 0
    assert desk.held()[f"{FOLDER}/keys/device-key"] == b"another-key"
    assert b'device_id = "22"' in desk.held()[f"{FOLDER}/etc/agent.toml"]


def test_keys_in_a_table_that_others_can_read_are_warned_of(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    cards = desk.folder / "cards.csv"
    cards.write_text("name,credential:device-key\na,literal-key\n")
    cards.chmod(0o644)
    assert desk.flash("--fleet", str(cards), "--dry-run", key=False) == 0
    said = capsys.readouterr()
    assert "others can read the keys" in said.err
    assert "literal-key" not in said.err + said.out
    cards.chmod(0o600)
    assert desk.flash("--fleet", str(cards), "--dry-run", key=False) == 0
    assert "others can read" not in capsys.readouterr().err


def test_a_card_that_forgets_what_is_written(desk: Desk) -> None:
    written = [CardFile("a", b"all of it")]
    partition.write(desk.card, written)
    partition.verify(desk.card, written)
    (desk.card / "a").write_bytes(b"all of i")
    with pytest.raises(StorageError, match="counterfeit"):
        partition.verify(desk.card, written)


def test_a_card_that_is_full(desk: Desk) -> None:
    free = shutil.disk_usage(desk.card).free
    with pytest.raises(StorageError, match="MB free"):
        partition.write(desk.card, [CardFile("a", _Large(free))])
    assert not (desk.card / "a").exists()


class _Large(bytes):
    """Bytes that say they are more than the disk takes."""

    def __new__(cls, size: int) -> _Large:
        made = super().__new__(cls)
        made.size = size  # type: ignore[attr-defined]
        return made

    def __len__(self) -> int:
        return int(self.size)  # type: ignore[attr-defined]


def test_it_runs_where_there_is_nothing_of_unix() -> None:
    program = (
        "import sys\n"
        "for name in ('fcntl', 'pwd', 'grp', 'termios', 'resource', 'syslog', 'spwd'):\n"
        "    sys.modules[name] = None\n"
        "from agent.cards.__main__ import main\n"
        "sys.exit(main(['--config', 'none.toml', '--package', 'none.deb']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "none.deb cannot be read" in done.stderr


def test_the_one_card_that_is_in_is_found(tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    card = rig.partition(tmp_path / "bootfs")
    assert partition.find([tmp_path / "stick", tmp_path / "gone", card]) == card
    with pytest.raises(ConfigError, match="no card found"):
        partition.find([tmp_path / "stick"])
    other = rig.partition(tmp_path / "bootfs1")
    with pytest.raises(ConfigError, match="several cards"):
        partition.find([card, other])
