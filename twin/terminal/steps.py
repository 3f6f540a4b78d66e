"""What a person with a phone can do, from options and from typed lines. Pure."""

from __future__ import annotations

import argparse
import re
import unicodedata
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Keys:
    """Press these, one after the other: ``0``-``9``, ``*``, ``#``."""

    digits: str


@dataclass(frozen=True)
class Say:
    """Say something; ``confidence`` is how well it is understood, None leaves it to the twin."""

    text: str
    confidence: float | None = None


@dataclass(frozen=True)
class Record:
    """Speak this into a recording."""

    text: str


@dataclass(frozen=True)
class Silence:
    """Let the service wait in vain."""


@dataclass(frozen=True)
class HangUp:
    """Put the phone down."""


@dataclass(frozen=True)
class Expect:
    """Wait until this is part of what is heard."""

    text: str


@dataclass(frozen=True)
class ExpectEnd:
    """Wait until the service hangs up."""


Act = Keys | Say | Record | Silence | HangUp
Step = Act | Expect | ExpectEnd


def message_of(act: Act) -> dict[str, Any]:
    """The act as the control socket takes it."""
    match act:
        case Keys(digits):
            return {"keys": digits}
        case Say(text, None):
            return {"say": text}
        case Say(text, confidence):
            return {"say": text, "confidence": confidence}
        case Record(text):
            return {"record": text}
        case Silence():
            return {"silence": True}
        case HangUp():
            return {"hangup": True}


def told(act: Act) -> str:
    """The act in words, as it is shown beside what was heard."""
    match act:
        case Keys(digits):
            return digits
        case Say(text, confidence):
            return f"「{text}」" + ("" if confidence is None else f" /{confidence:g}")
        case Record(text):
            return f"「{text}」 (into the recording)"
        case Silence():
            return "(silence)"
        case HangUp():
            return "(hang up)"


def understand(line: str, listening: str = "") -> Act | None:
    """What a typed line does; None for an empty one. Every other line does something.

    ``listening`` is what the service last asked for: while it records, a plain line is spoken
    into the recording.
    """
    line = line.strip()
    word, _, rest = line.partition(" ")
    if not line:
        return None
    if keys := _keys(line):
        return Keys(keys)
    match word.lower(), rest.strip():
        case "say", str(text) if text:
            return _speech(text)
        case "record", str(text) if text:
            return Record(text)
        case "silence", "":
            return Silence()
        case "hangup", "":
            return HangUp()
    return Record(line) if listening == "recording" else _speech(line)


def add_steps(parser: argparse.ArgumentParser) -> None:
    """The options of a script: they gather in ``args.steps`` in the order they were given."""
    group = parser.add_argument_group(
        "script", "done in the order given, each key and word once the service listens;\n"
        "without any of them the keyboard is the phone")
    group.add_argument("--keys", dest="steps", action="append", type=_keys_step, metavar="KEYS",
                       help="press keys: 0-9, * and #, such as --keys '12#'")
    group.add_argument("--say", dest="steps", action="append", type=_say_step, metavar="TEXT",
                       help="say something; 台北/0.6 is understood with confidence 0.6")
    group.add_argument("--record", dest="steps", action="append", type=_record_step,
                       metavar="TEXT", help="speak this into a recording")
    group.add_argument("--silence", dest="steps", action="append_const", const=Silence(),
                       help="let the service wait in vain")
    group.add_argument("--hangup", dest="steps", action="append_const", const=HangUp(),
                       help="put the phone down")
    group.add_argument("--expect", dest="steps", action="append", type=_expect_step,
                       metavar="TEXT", help="exit 1 unless this is heard (a part of it is enough)")
    group.add_argument("--expect-end", dest="steps", action="append_const", const=ExpectEnd(),
                       help="exit 1 unless the service hangs up")
    group.add_argument("--timeout", type=duration, default=10.0, metavar="TIME",
                       help="how long to wait for each of these, not counting what is being "
                       "said meanwhile (default: 10s)")


def duration(text: str) -> float:
    """Seconds, of ``500ms``, ``10s``, ``2m``, ``1h`` or a plain number of seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: 500ms, 10s, 2m")
    return float(found[1]) * {"ms": 0.001, None: 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def phone_number(text: str) -> str:
    """Digits with a leading 0 and the area code (T-28)."""
    if not re.fullmatch(r"0\d{5,19}", text, re.ASCII):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no phone number: digits only, from the leading 0 of the area code on")
    return text


def _keys(text: str) -> str:
    """The keys a text consists of, typed on a Chinese keyboard too; nothing if it is no keys."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    return plain if re.fullmatch(r"[0-9*#]+", plain) else ""


def _speech(text: str) -> Say:
    found = re.fullmatch(r"(.*\S)\s*/\s*(0?\.\d+|1\.0+)", text, re.ASCII | re.DOTALL)
    return Say(found[1], float(found[2])) if found else Say(text)


def _keys_step(text: str) -> Keys:
    if not (keys := _keys(text)):
        raise argparse.ArgumentTypeError(f"{text!r} are no keys: 0-9, * and #")
    return Keys(keys)


def _say_step(text: str) -> Say:
    return _speech(_some(text))


def _record_step(text: str) -> Record:
    return Record(_some(text))


def _expect_step(text: str) -> Expect:
    return Expect(_some(text))


def _some(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty text")
    return text.strip()
