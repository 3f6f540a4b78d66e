"""Every key of ``phone.toml``, as tables like those of ``agent.config.schema``. Defaults are those
of ``agent.config.menus``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent.config.menus import Callers, PinConfig
from agent.config.schema import DAY, Key, Section
from agent.config.texts import MOST, MOST_TO_CONFIRM

TEXT = Key(
    "say",
    matches=r"(?=.*\S)[^\x00-\x1f\x7f]{1,1000}",
    allowed="1 to 1000 characters on one line",
)
LANGUAGE = Key("language", choices=("zh", "en"))
_THEN = Key("then")
_AUTH = Key("auth", choices=("pin",))
_ENTRY = Key("entry", choices=("keys", "speech"))
_ONE_KEY = Key("key", matches="[0-9]", allowed='one key in quotes, "0" to "9"')

TOP = (
    Key("voice", choices=("F", "M")),
    LANGUAGE,
    Key("attempts", "int", between=(1, 5)),
    Key("max_turns", "int", between=(5, 100)),
    replace(_ONE_KEY, name="repeat_key"),
    replace(_ONE_KEY, name="back_key"),
    Key("stale_after", "duration", between=(1, 30 * DAY)),
)
SINGLE: Mapping[str, Section] = {
    "callers": Section(
        Callers, (Key("allow", "raw"), Key("unknown", choices=("deny", "read", "all")))
    ),
    "pin": Section(
        PinConfig,
        (
            Key("hash", "secret", required=True, allowed="what cht-agent phone pin prints"),
            Key("tries_per_call", "int", between=(1, 5)),
            Key("lock_after", "int", between=(1, 10)),
            Key("lock_for", "duration", between=(3_600, 30 * DAY)),
            _ENTRY,
        ),
    ),
}
_SAY = replace(TEXT, required=True)
NAMED: Mapping[str, tuple[Key, ...]] = {
    "menu": (
        _SAY,
        Key("keys", "raw", required=True, allowed='such as { 1 = "read.temperature" }'),
        Key("speech", "raw"),
        replace(TEXT, name="short"),
        replace(TEXT, name="ask"),
        Key("min_confidence", "number", between=(0, 1)),
        _AUTH,
        LANGUAGE,
    ),
    "read": (_SAY, _THEN, Key("fresh", "bool"), LANGUAGE),
    "do": (
        Key("command", "raw", required=True, allowed='such as { actuator = "lamp", cmd = "on" }'),
        replace(TEXT, name="say"),
        replace(TEXT, name="ask"),
        Key("confirm", "bool"),
        replace(TEXT, name="done"),
        replace(TEXT, name="failed"),
        _THEN,
        _AUTH,
        LANGUAGE,
    ),
    "memo": (
        _SAY,
        Key("record", "duration", required=True, between=(1, 300), allowed='such as "60s"'),
        Key("transcript", "bool"),
        replace(TEXT, name="done"),
        _THEN,
        LANGUAGE,
    ),
}
TEXTS: Mapping[str, Mapping[str, tuple[tuple[str, ...], int | None]]] = {
    "menu": {"say": ((), MOST), "short": ((), MOST), "ask": ((), MOST)},
    "read": {"say": ((), None)},
    "do": {
        "say": (("number",), MOST_TO_CONFIRM),
        "ask": ((), MOST),
        "done": (("state", "number"), None),
        "failed": ((), None),
    },
    "memo": {"say": ((), MOST), "done": ((), None)},
}
"""Key → the fields that the menu itself fills in, and the most characters; None: what asks for
nothing is said in several turns if it must."""
COMMAND = (
    Key("actuator", required=True, allowed="the id of an [[actuator]]"),
    Key("cmd"),
    Key("digits", "int", between=(1, 9)),
    Key("scale", "number", between=(1e-9, 1e9)),
    _ENTRY,
)
HOMES: Mapping[str, frozenset[str]] = {
    "the top of the file": frozenset(key.name for key in TOP if key is not LANGUAGE),
    **{f"[{name}]": frozenset(k.name for k in section.keys) for name, section in SINGLE.items()},
    **{f"[{name}.NAME]": frozenset(key.name for key in keys) for name, keys in NAMED.items()},
}
"""Where a key belongs; TOML itself gives a key below a header to that section."""
