"""``[phone]`` and ``phone.toml`` as the rooms see them: checked, complete, frozen.

Durations are seconds. Texts may hold fields in braces, such as ``{temperature:age}``. A target is
``menu.NAME``, ``read.NAME``, ``do.NAME``, ``memo.NAME``, or :data:`END`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agent.config.model import SecretRef

Voice = Literal["M", "F"]
Language = Literal["zh", "en"]
Entry = Literal["keys", "speech"]
"""How digits are entered: on the keypad, ended by ``#``, or spoken one by one (T-08)."""

MAIN = "menu.main"
"""Where every call begins."""
END = "end"
"""The target that says goodbye and hangs up."""


@dataclass(frozen=True)
class PhoneConfig:
    """``[phone]``: the telephone service (T-01, P-03). ``sn_key`` None: no number is rented yet,
    and nobody can be answered. ``service_number`` is the number itself, for calling out (T-27).
    ``rest_url`` is on ``host``, unless the configuration says otherwise."""

    api_key: SecretRef
    host: str = "iot.cht.com.tw"
    port: int = 2883
    tls: bool = True
    ca_file: Path | None = None
    sn_key: SecretRef | None = None
    service_number: str | None = None
    menus: Path = Path("phone.toml")
    rest_url: str = "https://iot.cht.com.tw/apis/CHTIoT/phone-conn/v1"


@dataclass(frozen=True)
class Callers:
    """``[callers]``: who may do what. Numbers in ``allow`` are digits with a leading 0 (T-28).

    An unlisted caller, and one who withholds the number, is refused at once (``deny``), hears the
    readings but never reaches a PIN or an action (``read``), or is like everybody (``all``).
    """

    allow: frozenset[str] = field(default=frozenset(), repr=False)
    unknown: Literal["deny", "read", "all"] = "read"


@dataclass(frozen=True)
class PinConfig:
    """``[pin]``: ``hash`` is what ``cht-agent phone pin`` prints. ``tries_per_call`` wrong ones
    end a call; ``lock_after`` wrong ones within ``lock_for`` seconds lock it for all callers."""

    hash: SecretRef
    tries_per_call: int = 3
    lock_after: int = 10
    lock_for: float = 86_400.0
    entry: Entry = "keys"


@dataclass(frozen=True)
class Menu:
    """``[menu.NAME]``. ``keys``: key → target; ``speech``: what is said → target.

    ``say`` tells the keys; ``short`` is said the second time (None: the sentences of ``say`` that
    tell keys). ``ask`` is said where speech is listened for (None: the words of ``speech``).
    ``auth``: the PIN is asked for first. ``language`` None: the book's.
    """

    say: str
    keys: Mapping[str, str]
    speech: Mapping[str, str] = field(default_factory=dict)
    short: str | None = None
    ask: str | None = None
    min_confidence: float = 0.6
    auth: bool = False
    language: Language | None = None


@dataclass(frozen=True)
class Read:
    """``[read.NAME]``: says readings. ``fresh``: measures first. ``then`` None: back to the menu
    it was chosen in. ``language`` None: that of this menu."""

    say: str
    then: str | None = None
    fresh: bool = False
    language: Language | None = None


@dataclass(frozen=True)
class Number:
    """A number that the caller enters as at most ``digits`` digits.

    ``value = entered × scale`` is the command, and must lie within ``between``.
    """

    digits: int
    scale: float = 1.0
    between: tuple[float, float] = (0.0, 1.0)
    entry: Entry = "keys"


@dataclass(frozen=True)
class Do:
    """``[do.NAME]``: moves ``actuator`` by the word ``cmd``, or by the ``number`` that is entered.

    ``say`` is target and effect in words, said when asking for confirmation (None: what the menu
    calls it). ``ask`` asks for the number. ``done`` is said once it is seen to be so, ``failed``
    else; both None: a text of ours. ``auth``: the PIN is asked for, whatever the menu.
    """

    actuator: str
    cmd: str | None = None
    number: Number | None = None
    say: str | None = None
    ask: str | None = None
    confirm: bool = True
    done: str | None = None
    failed: str | None = None
    then: str | None = None
    auth: bool = False
    language: Language | None = None


@dataclass(frozen=True)
class Memo:
    """``[memo.NAME]``: records what the caller says, ``record`` seconds at most (T-10)."""

    say: str
    record: float
    transcript: bool = False
    done: str | None = None
    then: str | None = None
    language: Language | None = None


Page = Menu | Read | Do | Memo


@dataclass(frozen=True)
class Book:
    """The whole of ``phone.toml``. Names are without their ``menu.``, ``read.``, ``do.``.

    ``attempts``: wrong keys and silences together that a menu bears. ``stale_after``: an older
    reading is said to be out of date. ``guarded``: the targets that no caller may reach without
    the PIN, because every way to them leads through a menu that asks for it. ``ways``: menu → the
    menus from the first one to it.
    """

    path: Path
    menus: Mapping[str, Menu]
    reads: Mapping[str, Read] = field(default_factory=dict)
    actions: Mapping[str, Do] = field(default_factory=dict)
    memos: Mapping[str, Memo] = field(default_factory=dict)
    callers: Callers = Callers()
    pin: PinConfig | None = None
    guarded: frozenset[str] = frozenset()
    ways: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    voice: Voice = "F"
    language: Language = "zh"
    attempts: int = 3
    max_turns: int = 30
    repeat_key: str = "9"
    back_key: str = "0"
    stale_after: float = 600.0

    def page(self, target: str) -> Page:
        """What a target names, :data:`END` excepted. Raises KeyError."""
        kind, _, name = target.partition(".")
        pages: Mapping[str, Mapping[str, Page]] = {
            "menu": self.menus,
            "read": self.reads,
            "do": self.actions,
            "memo": self.memos,
        }
        return pages[kind][name]

    def targets(self) -> tuple[str, ...]:
        """All of them, in the order of the file."""
        return (
            *(f"menu.{name}" for name in self.menus),
            *(f"read.{name}" for name in self.reads),
            *(f"do.{name}" for name in self.actions),
            *(f"memo.{name}" for name in self.memos),
        )
