"""What the manuals say is so: configurations load, links lead somewhere, options and messages
exist, and the Chinese README does not fall behind the English one.

In the manuals ```toml is a configuration, ```toml fragment a part of one, ```toml menus a
phone.toml, and each line of a ```log block is a message of the agent, with … for what differs.
"""

from __future__ import annotations

import argparse
import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent import report
from agent.__main__ import COMMANDS, build_parser
from agent.commands.check import summary
from agent.config.load import inspect
from agent.config.model import Secret
from agent.control.control import ActuatorStatus, LastCommand
from agent.delivery.delivery import DeliveryStatus
from agent.doctor.checks import CHECKS
from agent.identity.founder import Founding
from agent.identity.registry import Identity
from agent.link.model import LinkStatus
from agent.phone.alarms.report import AlarmStatus, CallsStatus
from agent.phone.bridge import BridgeStatus
from agent.presence.watch import Seen, Watch
from agent.sensing.status import SensorStatus

ROOT = Path(__file__).parents[2]
README, CHINESE = ROOT / "README.md", ROOT / "README.zh-TW.md"
COMMANDS_MANUAL = ROOT / "docs" / "commands.md"
TROUBLES = ROOT / "docs" / "troubleshooting.md"
MANUALS = (
    README,
    CHINESE,
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "systemd" / "README.md",
    ROOT / "hw_mocks" / "README.md",
)
BASE = {
    "platform": '[platform]\ndevice_id = "1"\nkey = "credential:device-key"\n',
    "hardware": '[hardware]\nbackend = "pi"\n',
}
"""What a fragment is completed with."""
DEVICES = """
[[sensor]]
id = "temperature"
driver = "dht22"
pin = 4
quantity = "temperature"
[[actuator]]
id = "lamp"
driver = "relay"
pin = 17
[phone]
api_key = "credential:tas-key"
sn_key = "credential:tas-sn"
"""
"""What menus speak of."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


# --- configurations -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A fenced block: the words after the fence, its text, and where it stands."""

    info: str
    text: str
    place: str


def blocks(manual: Path) -> list[Block]:
    text = manual.read_text(encoding="utf-8")
    return [
        Block(m[1], m[2], f"{name_of(manual)}:{text.count(chr(10), 0, m.start()) + 1}")
        for m in re.finditer(r"^```([a-z ]*)\n(.*?)^```", text, re.M | re.S)
    ]


def configurations() -> list[Block]:
    return [
        block
        for manual in MANUALS
        if manual.parent.name != "hw_mocks"  # scenarios, which have a test of their own
        for block in blocks(manual)
        if block.info.startswith("toml")
    ]


@pytest.mark.parametrize("block", configurations(), ids=lambda block: block.place)
def test_every_configuration_passes_check(block: Block, tmp_path: Path) -> None:
    tables = tomllib.loads(block.text)
    if block.info == "toml" and ("platform" in tables or "hardware" in tables):
        text = block.text
    else:
        text = "\n".join(part for name, part in BASE.items() if name not in tables) + block.text
    menus = "[menu.main]\nsay = '請按一'\nkeys = { 1 = 'end' }\n"
    if block.info == "toml menus":
        text, menus = "".join(BASE.values()) + DEVICES, block.text
    (tmp_path / "phone.toml").write_text(menus, encoding="utf-8")
    file = tmp_path / "agent.toml"
    file.write_text(text, encoding="utf-8")
    found = inspect(file)
    assert [str(problem) for problem in found.errors] == []


def test_the_first_configuration_is_ten_lines_and_whole(tmp_path: Path) -> None:
    first = next(block for block in blocks(README) if block.info == "toml")
    assert len(first.text.splitlines()) == 10
    file = tmp_path / "agent.toml"
    file.write_text(first.text, encoding="utf-8")
    config = inspect(file).config
    assert config is not None
    assert summary(config) == "1 sensor, 0 actuators, device 7432, backend pi"


# --- links ----------------------------------------------------------------------------------------


def links() -> Iterator[tuple[Path, str]]:
    for manual in MANUALS:
        text = re.sub(r"^```.*?^```", "", manual.read_text(encoding="utf-8"), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not target.startswith(("http://", "https://")):
                yield manual, target


def anchors(manual: Path) -> set[str]:
    """The anchors GitHub gives to the headings."""
    text = re.sub(r"^```.*?^```", "", manual.read_text(encoding="utf-8"), flags=re.M | re.S)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.M)
    }


@pytest.mark.parametrize(
    ("manual", "target"), list(links()), ids=lambda v: v if isinstance(v, str) else v.name
)
def test_every_link_leads_somewhere(manual: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    file = (manual.parent / path).resolve() if path else manual
    assert file.exists(), f"{name_of(manual)}: {target}"
    if anchor:
        assert anchor in anchors(file), f"{name_of(manual)}: {target}"


# --- commands and options -------------------------------------------------------------------------


def actions_of(parser: argparse.ArgumentParser) -> Any:
    """Its commands or actions; None: it has none."""
    return next((action for action in parser._actions
                 if isinstance(action, argparse._SubParsersAction)), None)  # fmt: skip


def parser_of(command: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions_of(build_parser([command])).choices[command]
    return parser


def options_of(command: str) -> set[str]:
    return {
        option
        for action in every_action(parser_of(command))
        for option in action.option_strings
        if option not in ("-h", "--help")
    }


def every_action(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Of a command, and of the parsers of its own actions."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from every_action(inner)


def section(command: str) -> str:
    text = COMMANDS_MANUAL.read_text(encoding="utf-8")
    found = re.search(rf"^## `cht-agent {command}`\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found is not None, f"{command} has no section"
    return found[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_manual_knows_every_option_and_no_other(command: str) -> None:
    common = {"--config", "--debug"}
    told = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*(?![\w])", section(command)))
    assert told - common == options_of(command) - common
    overview = COMMANDS_MANUAL.read_text(encoding="utf-8")
    assert common <= set(re.findall(r"--[a-z-]+", overview))


def used_commands() -> Iterator[tuple[str, str]]:
    """Every ``cht-agent …`` in a shell block or in code of a text, with its place."""
    for manual in MANUALS:
        shell = "\n".join(b.text for b in blocks(manual) if b.info in ("sh", "bash"))
        text = re.sub(r"^```.*?^```", "", manual.read_text(encoding="utf-8"), flags=re.M | re.S)
        code = "\n".join(re.findall(r"`([^`]+)`", text))
        for found in re.findall(r"^(?:sudo )?cht-agent ([^\n|&]+)", f"{shell}\n{code}", re.M):
            yield name_of(manual), found


@pytest.mark.parametrize(("manual", "line"), list(used_commands()))
def test_every_command_in_the_manuals_exists(manual: str, line: str) -> None:
    command, *words = line.split()
    if command in {"--version", "COMMAND"}:
        return
    assert command in COMMANDS, f"{manual}: cht-agent {line}"
    parser, named = parser_of(command), list(words)
    while (inner := actions_of(parser)) is not None and named:
        assert named[0] in inner.choices, f"{manual}: cht-agent {line}"
        parser = inner.choices[named.pop(0)]
    for word in words:
        if word.startswith("-") and word != "--help":
            assert word in options_of(command), f"{manual}: cht-agent {line}"


# --- the status document --------------------------------------------------------------------------


def status_document() -> Mapping[str, Any]:
    watch = Watch()
    watch.heartbeat = Seen("Live", "2026-01-01T00:00:00.000Z")
    watch.active = Seen("online", None)
    link = LinkStatus("up", 0.0, None, 1)
    return report.document(
        report.Now(1.0, datetime(2026, 1, 1, tzinfo=UTC), True, 0.0),
        Identity("1", Secret("a key"), "config"),
        {"platform": link, "registry": link, "phone": link},
        (SensorStatus("s", ("1",), (None,), 0.5, "good", None, 1, 0),),
        (ActuatorStatus("a", "on", 0.0, LastCommand("on", "local", "on")),),
        DeliveryStatus("fence", 0, 0, 0, 0, 0.0),
        watch,
        {"registry": 0},
        report.Loaded(Path("/etc/agent.toml"), None, ("[platform]",)),
        None,
        Founding("waiting", None),
        BridgeStatus(0, 0, {}),
        alarms=(AlarmStatus("a", "s", "warning", "ok", False, 0.0, "1", None, None),),
        callouts=CallsStatus(True, False, 0, 20, None, None),
    )


def keys(document: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in document.items():
        path = f"{above}{key}"
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, Mapping) and key not in ("ignored", "counts"):
            yield from keys(value, f"{path}.")
        else:
            yield path


def test_the_manual_explains_every_key_of_the_status_document() -> None:
    told = set(re.findall(r"`([a-z_.]+)`", section("status")))
    for key in keys(status_document()):
        # The three links are alike, and told of once; so are the platform's two notices.
        key = re.sub(r"^links\.(registry|phone)\.", "links.platform.", key)
        key = re.sub(r"^platform\.active\.", "platform.heartbeat.", key)
        assert key in told, key


def test_the_manual_explains_no_key_that_is_not_there() -> None:
    document = status_document()
    rows = re.findall(r"^\| (`[a-z_.`, ]+`) \|", section("status"), re.M)
    for path in re.findall(r"`([a-z_.]+)`", "\n".join(rows)):
        at: Any = document
        for part in path.split("."):
            at = at[0] if isinstance(at, list) else at
            assert part in at, path
            at = at[part]


# --- messages -------------------------------------------------------------------------------------


def sayings() -> list[str]:
    """Every text in the agent's source, with … where something is put in."""
    found = []
    for file in sorted((ROOT / "agent").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(_saying(part) for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(_saying(node))
    return found


def _saying(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return re.sub(r"%(?:\.\d)?[sdrfg]|\{\w*\}", "…", str(node.value))
    return "…"


SAYINGS = sayings()


def pieces(message: str) -> list[str]:
    """The parts of a message that the source must hold, without what is put in.

    Cut at colons too: what stands behind one often comes from another place in the source.
    """
    parts = (part.strip(" .;:()\"'") for part in re.split("…|: ", message))
    return [part for part in parts if len(part) > 3]


def is_said(piece: str) -> bool:
    return any(piece in part for saying in SAYINGS for part in saying.split("…"))


def quoted_messages() -> Iterator[str]:
    for block in blocks(TROUBLES):
        if block.info == "log":
            yield from block.text.splitlines()
    text = TROUBLES.read_text(encoding="utf-8")
    for table in re.findall(r"^\| message \|.*?\n\n", text, re.M | re.S):
        yield from re.findall(r"^\| `([^`]+)` \|", table, re.M)


@pytest.mark.parametrize("message", list(quoted_messages()))
def test_every_quoted_message_is_one_of_the_agents(message: str) -> None:
    assert pieces(message), "nothing but what differs"
    for piece in pieces(message):
        assert is_said(piece), piece


def test_there_is_no_block_nobody_checks() -> None:
    known = {"toml", "toml fragment", "toml menus", "sh", "text", "log", "mermaid", "ini", ""}
    for manual in MANUALS:
        for block in blocks(manual):
            assert block.info in known, block.place


# --- two languages --------------------------------------------------------------------------------

PAIRS = [(chinese.with_name(chinese.name.replace(".zh-TW", "")), chinese)
         for chinese in MANUALS if ".zh-TW." in chinese.name]  # fmt: skip
each_pair = pytest.mark.parametrize(
    ("english", "chinese"), PAIRS, ids=[name_of(english) for english, _ in PAIRS]
)


@each_pair
def test_both_languages_have_the_same_blocks_and_links(english: Path, chinese: Path) -> None:
    def kept(manual: Path) -> list[tuple[str, str]]:
        return [(b.info, b.text) for b in blocks(manual) if b.info != "mermaid"]

    def targets(manual: Path) -> list[str]:
        # Headings have names of their own in each language, and so have the anchors of a page.
        # A picture with words in it is there in both languages.
        mine = [target.replace(".zh-TW.png", ".png") for source, target in links()
                if source == manual]
        own = (english.name, chinese.name)
        return [target for target in mine if target not in own and not target.startswith("#")]

    def code(manual: Path) -> set[str]:
        text = re.sub(r"^```.*?^```", "", manual.read_text(encoding="utf-8"), flags=re.M | re.S)
        return set(re.findall(r"`([^`]+)`", text))

    assert kept(chinese) == kept(english)
    assert targets(chinese) == targets(english)
    assert code(chinese) - code(english) == set()
    assert {word for word in code(english) if word.startswith("cht-agent")} <= code(chinese)


@each_pair
def test_both_languages_draw_the_same_flow(english: Path, chinese: Path) -> None:
    def arrows(manual: Path) -> list[list[str]]:
        drawn = [block.text for block in blocks(manual) if block.info == "mermaid"]
        return [re.findall(r"^ *(\w+).*?--> *(\w+)", text, re.M) for text in drawn]

    assert arrows(english) == arrows(chinese)


def test_the_readme_is_there_in_both_and_draws_the_flow() -> None:
    assert (README, CHINESE) in PAIRS
    assert any(block.info == "mermaid" for block in blocks(README))


# --- the doctor -----------------------------------------------------------------------------------


def test_the_manual_tells_what_each_check_of_the_doctors_is_about() -> None:
    rows = re.findall(r"^\| `([a-z][a-z-]*)` \| \S", section("doctor"), re.M)
    assert rows == [check.name for check in CHECKS]
