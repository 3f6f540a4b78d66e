"""From the bytes of a file to its TOML tables, with plain words for what commonly goes wrong."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from agent.config.lines import outside_strings
from agent.config.problems import Problem

MAX_BYTES = 1_000_000
_QUOTES = dict.fromkeys("“”„〝〞", '"') | dict.fromkeys("‘’", "'") | {"\u3000": " "}
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")
_UNIT_WITHOUT_QUOTES = re.compile(
    r"=\s*[0-9.]+\s*(?:ms|s|m|h|d|B|[KMG]i?B)\s*(?:#.*)?$", re.IGNORECASE
)


class BadText(Exception):
    """The text is not TOML; ``problems`` says where and why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*map(str, problems))
        self.problems = problems


def read(path: Path, mend: str = "cht-agent init writes one, or name another with --config") -> str:
    """The text of the file, without a byte order mark. ``mend``: what to do when there is none.

    Raises BadText.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError as exc:
        raise BadText(_error(path, None, f"no such file: {mend}")) from exc
    except OSError as exc:
        raise BadText(_error(path, None, f"cannot be read: {exc.strerror}")) from exc
    if len(raw) > MAX_BYTES:
        raise BadText(_error(path, None, f"is longer than {MAX_BYTES} bytes: not a configuration"))
    return _decode(path, raw)


def _decode(path: Path, raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or raw.count(0) * 4 > len(raw):
        raise BadText(_error(path, 1, "the file is UTF-16: save it as UTF-8"))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        try:
            raw.decode("cp950")
        except UnicodeDecodeError:
            text = "the file is not UTF-8: save it as UTF-8"
        else:
            text = (
                "the file is not UTF-8, it looks like Big5 (cp950): save it as UTF-8, or"
                f" iconv -f CP950 -t UTF-8 {path.name} > new.toml"
            )
        raise BadText(_error(path, line, text)) from exc


def parse(path: Path, text: str) -> dict[str, Any]:
    """The tables of the text. Raises BadText: all full-width signs, else a syntax error."""
    try:
        return tomllib.loads(text)
    except RecursionError as exc:
        raise BadText(_error(path, None, "is nested too deeply")) from exc
    except ValueError as exc:  # TOMLDecodeError, and integers beyond Python's limit
        full_width = _full_width(path, text)
        if full_width:
            raise BadText(*full_width) from exc
        raise BadText(_syntax_error(path, text, str(exc))) from exc


def _full_width(path: Path, text: str) -> list[Problem]:
    """An error for each full-width sign where TOML wants an ASCII one, once a line."""
    found = {
        (line, sign): _error(
            path,
            line,
            f"full-width {sign} where TOML wants {ascii_sign}:"
            " type it with the input method switched off",
        )
        for line, sign in outside_strings(text)
        if (ascii_sign := _ascii(sign)) is not None
    }
    return list(found.values())


def _ascii(sign: str) -> str | None:
    if "！" <= sign <= "～":  # the full-width forms of ASCII, in its order
        return chr(ord(sign) - 0xFEE0)
    return {**_QUOTES, "\u3000": "a blank"}.get(sign)


def _syntax_error(path: Path, text: str, message: str) -> Problem:
    lines = text.splitlines() or [""]
    at = _AT_LINE.search(message)
    number = int(at[1]) if at else len(lines)
    line = lines[min(number, len(lines)) - 1]
    message = _AT_LINE.sub("", message).removesuffix(" (at end of document)")
    # tomllib may quote the file's own characters: keep the message on one line, and short.
    message = "".join(sign if sign.isprintable() else "?" for sign in message)[:160]
    if _UNIT_WITHOUT_QUOTES.search(line):
        message += ': a value with a unit stands in quotes, such as "30s"'
    elif any(not sign.isascii() for _, sign in outside_strings(line)):
        message += ": keys and texts that are not plain ASCII stand in quotes"
    return _error(path, number, message)


def _error(path: Path, line: int | None, text: str) -> Problem:
    return Problem("error", path, line, None, text)
