"""``phone.toml`` from file to ``Book``: every error at once, or a syntax error alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.config import text as toml
from agent.config import ways
from agent.config.book_schema import COMMAND, HOMES, NAMED, SINGLE, TEXTS, TOP
from agent.config.devices import Devices
from agent.config.lines import locate
from agent.config.menu_lint import lint
from agent.config.menus import END, Book, Callers, Do, Memo, Menu, Number, PinConfig, Read
from agent.config.model import ActuatorConfig, SecretRef
from agent.config.problems import Findings, Place, Problem, did_you_mean, quote
from agent.config.reader import Reader, type_name
from agent.config.schema import PHONE_NUMBER
from agent.config.secrets import others_can_read
from agent.config.texts import check_text
from agent.phone.callers import plain
from agent.phone.pin import PinHash
from agent.phone.prompts import heard_as
from agent.values import shortest

_SECTIONS = (*SINGLE, *NAMED)
_NAME = re.compile(r"[^\s.\x00-\x1f\x7f]{1,32}")


def read_book(path: Path, devices: Devices) -> tuple[Book | None, tuple[Problem, ...]]:
    """The book, None when a problem is an error; never raises for what is in the file."""
    try:
        text = toml.read(path, "write the menus into it, or name another in [phone] menus")
        tables = toml.parse(path, text)
    except toml.BadText as exc:
        return None, exc.problems
    findings = Findings(path, locate(text))
    reader = Reader(findings, path.absolute().parent, {}, HOMES)
    book = _Book(reader, tables, devices).read(path)
    if book is not None:
        lint(findings, book)
    return (None if len(findings) else book), findings.problems()


class _Book:
    """One reading of the file: its tables, and the targets that were met on the way."""

    def __init__(self, reader: Reader, tables: Mapping[str, Any], devices: Devices) -> None:
        self._reader = reader
        self._findings = reader.findings
        self._tables = tables
        self._devices = devices
        self._targets: list[tuple[Place, str]] = []

    def read(self, path: Path) -> Book | None:
        plain = {key: value for key, value in self._tables.items() if key not in _SECTIONS}
        top = self._top(plain)
        pin = self._single("pin")
        menus = {name: self._menu(place, read) for name, place, read in self._named("menu")}
        reads = {name: self._read(place, read) for name, place, read in self._named("read")}
        actions = {name: self._do(place, read) for name, place, read in self._named("do")}
        memos = {name: self._memo(place, read) for name, place, read in self._named("memo")}
        callers = self._callers()
        self._check_targets()
        self._check_keys(top)
        self._check_pin(path, pin)
        if len(self._findings):
            return None
        book = Book(
            path=path,
            menus=_whole(menus),
            reads=_whole(reads),
            actions=_whole(actions),
            memos=_whole(memos),
            callers=callers,
            pin=PinConfig(**pin) if "pin" in self._tables else None,
            **top,
        )
        return replace(book, guarded=ways.guarded(book), ways=ways.ways(book))

    # --- sections that stand once

    def _top(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        sections = {name: value for name, value in plain.items() if isinstance(value, dict | list)}
        for name in sections:
            if name in {key.name for key in TOP}:
                continue  # the reader says what it should be
            near = did_you_mean(name, _SECTIONS) or f"; known: {', '.join(_SECTIONS)}"
            self._findings.error((name,), f"unknown section{near}")
        stray = {name for name in sections if name not in {key.name for key in TOP}}
        return self._reader.table(
            TOP, {name: value for name, value in plain.items() if name not in stray}, ()
        )

    def _single(self, name: str) -> dict[str, Any]:
        if name not in self._tables:
            return {}
        return self._reader.table(SINGLE[name].keys, self._tables[name], (name,))

    def _callers(self) -> Callers:
        read = self._single("callers")
        numbers = read.pop("allow", [])
        if not isinstance(numbers, list):
            wrong = f'must be a list such as ["0900000001"], not {type_name(numbers)}'
            self._findings.error(("callers", "allow"), wrong)
            return Callers()
        allowed = set()
        for position, number in enumerate(numbers):
            digits = plain(number) if isinstance(number, str) else ""
            if not re.fullmatch(PHONE_NUMBER, digits, re.ASCII):
                # The number itself stays unsaid, as everywhere.
                wrong = 'must be a phone number in quotes with its area code, such as "0900000001"'
                self._findings.error(("callers", "allow", position), wrong)
            allowed.add(digits)
        return Callers(frozenset(allowed), **read)

    # --- sections with names

    def _named(self, kind: str) -> Iterator[tuple[str, Place, dict[str, Any] | None]]:
        """Each ``[kind.NAME]``: its name, place and good keys; None when any of it is wrong."""
        tables = self._tables.get(kind, {})
        if not isinstance(tables, dict):
            self._findings.error((kind,), f"must be tables with names: write [{kind}.NAME]")
            return
        for name, table in tables.items():
            place = (kind, name)
            before = len(self._findings)
            if not isinstance(table, dict):
                wrong = f"stands in [{kind}] itself: write [{kind}.NAME] above it"
                self._findings.error(place, wrong)
                continue
            if not _NAME.fullmatch(name):
                wrong = "a name has 1 to 32 characters without blanks and dots"
                self._findings.error(place, wrong)
            read = self._reader.table(NAMED[kind], table, place)
            for key, (own, most) in TEXTS[kind].items():
                if key in read:
                    check_text(
                        self._findings, (*place, key), read[key], self._devices, own=own, most=most
                    )
            yield name, place, (read if len(self._findings) == before else None)

    def _menu(self, place: Place, read: dict[str, Any] | None) -> Menu | None:
        table = self._tables["menu"][place[1]]
        keys = self._keys((*place, "keys"), table["keys"]) if "keys" in table else {}
        speech = self._speech((*place, "speech"), table["speech"]) if "speech" in table else {}
        if read is None:
            return None
        auth = read.pop("auth", None) is not None
        return Menu(**(read | {"keys": keys, "speech": speech, "auth": auth}))

    def _keys(self, place: Place, value: object) -> dict[str, str]:
        """Key → target."""
        found = self._map(place, value, '{ 1 = "read.temperature" }')
        for key in found:
            if not re.fullmatch("[0-9]", key):
                wrong = "is not a key to choose with: 0 to 9 (the service keeps * and # to itself)"
                self._findings.error((*place, key), wrong)
        return found

    def _speech(self, place: Place, value: object) -> dict[str, str]:
        """Words → target."""
        found = self._map(place, value, '{ "溫度" = "read.temperature" }')
        heard: dict[str, str] = {}
        for words in found:
            if not (key := heard_as(words)):
                self._findings.error((*place, words), "nobody can say that")
            elif (other := heard.setdefault(key, words)) != words:
                self._findings.error((*place, words), f"is heard like {quote(other)}")
        return found

    def _map(self, place: Place, value: object, example: str) -> dict[str, str]:
        if not isinstance(value, dict):
            wrong = f"must be a table such as {example}, not {type_name(value)}"
            self._findings.error(place, wrong)
            return {}
        if not value:
            self._findings.error(place, f"is empty: give a target, such as {example}")
        return {
            word: target
            for word, target in value.items()
            if self._target((*place, word), target) is not None
        }

    def _target(self, place: Place, value: object) -> str | None:
        """The target, noted down for the check whether it is there."""
        if not isinstance(value, str):
            wrong = f'must be a target such as "menu.main", not {type_name(value)}'
            self._findings.error(place, wrong)
            return None
        self._targets.append((place, value))
        return value

    def _then(self, place: Place, kind: str) -> None:
        table = self._tables[kind][place[1]]
        if isinstance(table.get("then"), str):
            self._target((*place, "then"), table["then"])

    def _read(self, place: Place, read: dict[str, Any] | None) -> Read | None:
        self._then(place, "read")
        return None if read is None else Read(**read)

    def _memo(self, place: Place, read: dict[str, Any] | None) -> Memo | None:
        self._then(place, "memo")
        return None if read is None else Memo(**read)

    def _do(self, place: Place, read: dict[str, Any] | None) -> Do | None:
        self._then(place, "do")
        command = self._tables["do"][place[1]].get("command", {})
        moves = self._command((*place, "command"), command)
        if read is None or moves is None:
            return None
        read["auth"] = read.pop("auth", None) is not None
        del read["command"]
        return Do(**(read | moves))

    def _command(self, place: Place, value: object) -> dict[str, Any] | None:
        """``actuator`` and ``cmd`` or ``number``; None when something is wrong with them."""
        before = len(self._findings)
        read: dict[str, Any] = self._reader.table(COMMAND, value, place)
        if len(self._findings) > before:
            return None
        id = read["actuator"]
        if id not in self._devices.actuators:
            near = did_you_mean(id, tuple(self._devices.actuators))
            wrong = f"there is no [[actuator]] {quote(id)}{near}"
            self._findings.error((*place, "actuator"), wrong)
            return None
        actuator = self._devices.actuators[id]
        if ("cmd" in read) == ("digits" in read):
            wrong = "needs either cmd, a word of the actuator, or digits, for a number keyed in"
            self._findings.error(place, wrong)
        elif "digits" in read:
            return self._number(place, read, actuator)
        elif stray := [name for name in ("scale", "entry") if name in read]:
            self._findings.error((*place, stray[0]), "is of use with digits only")
        elif actuator is not None and not _takes(actuator, read["cmd"]):
            known = tuple(actuator.commands)
            span = f", or a number {_span(actuator)}" if actuator.numbers else ""
            wrong = f"{quote(read['cmd'])} is not one of {', '.join(map(quote, known))}{span}"
            near = did_you_mean(read["cmd"], known)
            self._findings.error((*place, "cmd"), wrong + near)
        return {"actuator": id, "cmd": read.get("cmd")}

    def _number(
        self, place: Place, read: dict[str, Any], actuator: ActuatorConfig | None
    ) -> dict[str, Any] | None:
        if actuator is None:
            return None
        if not actuator.numbers:
            wrong = f"{quote(actuator.id)} takes no number, only words: give cmd instead"
            self._findings.error((*place, "digits"), wrong)
            return None
        number = Number(
            read["digits"],
            read.get("scale", 1.0),
            actuator.levels,
            read.get("entry", "keys"),
        )
        most = (10**number.digits - 1) * number.scale
        if most < max(actuator.levels[0], 0.0) or actuator.levels[1] < 0:
            wrong = f"no number of so many digits lies {_span(actuator)}"
            self._findings.error((*place, "digits"), wrong)
        return {"actuator": actuator.id, "number": number}

    # --- what no section can tell alone

    def _check_targets(self) -> None:
        there = {END, *(f"{kind}.{name}" for kind in NAMED for name in self._names(kind))}
        for place, target in self._targets:
            if target not in there:
                near = did_you_mean(target, tuple(there))
                wrong = f"there is no {quote(target)}{near}"
                self._findings.error(place, wrong)
        if "main" not in self._names("menu"):
            self._findings.error(("menu",), "there is no [menu.main], where every call begins")

    def _names(self, kind: str) -> tuple[str, ...]:
        tables = self._tables.get(kind, {})
        return tuple(tables) if isinstance(tables, dict) else ()

    def _check_keys(self, top: Mapping[str, Any]) -> None:
        repeat, back = top.get("repeat_key", Book.repeat_key), top.get("back_key", Book.back_key)
        if repeat == back:
            place = ("back_key",) if "back_key" in top else ("repeat_key",)
            self._findings.error(place, f"repeat_key and back_key are both {quote(repeat)}")
        for name, key in (("repeat_key", repeat), ("back_key", back)):
            if key == "1":
                self._findings.error((name,), "1 is yes where the caller is asked to confirm")

    def _check_pin(self, path: Path, pin: Mapping[str, Any]) -> None:
        if "pin" not in self._tables:
            for kind in ("menu", "do"):
                for name in self._names(kind):
                    table = self._tables[kind][name]
                    if isinstance(table, dict) and table.get("auth") == "pin":
                        self._findings.error((kind, name, "auth"), "needs a [pin] with its hash")
        hash = pin.get("hash")
        if isinstance(hash, SecretRef) and hash.source == "literal":
            try:
                PinHash.parse(hash.where)
            except ValueError as exc:
                pin_itself = "is a PIN itself: put what cht-agent phone pin prints there"
                wrong = pin_itself if hash.where.isdecimal() else str(exc)
                self._findings.error(("pin", "hash"), wrong)
                return
            if others_can_read(path):
                wrong = "others can read it here: chmod o-r this file, or use credential:NAME"
                self._findings.warning(("pin", "hash"), wrong)


def _takes(actuator: ActuatorConfig, cmd: str) -> bool:
    if cmd in actuator.commands:
        return True
    try:
        return actuator.numbers and actuator.levels[0] <= float(cmd) <= actuator.levels[1]
    except ValueError:
        return False


def _span(actuator: ActuatorConfig) -> str:
    return f"from {shortest(actuator.levels[0])} to {shortest(actuator.levels[1])}"


def _whole(read: Mapping[str, Any]) -> dict[str, Any]:
    """Where there is no error every entry was built."""
    return {name: entry for name, entry in read.items() if entry is not None}
