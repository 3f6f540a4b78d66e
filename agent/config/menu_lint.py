"""What makes a voice menu hard to use, or too easy to misuse: told of a book without errors.

From what telephone systems have learned: people keep five options in mind and three levels, hear
20 seconds at a time, and press what they were told. Nothing here but a length is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from agent.config import ways
from agent.config.menus import MAIN, Book, Language, Menu
from agent.config.problems import Findings, Place, quote
from agent.phone.prompts import told_keys

MOST_OPTIONS = 5
MOST_LEVELS = 3
LONGEST_PROMPT = 80
"""Chinese characters that are said in 20 s."""


def lint(findings: Findings, book: Book) -> None:
    """Every rule, each over the whole book."""
    came = ways.reached(book)
    for rule in (_unreachable, _levels, _circles, _unguarded):
        for place, text in rule(book, came):
            findings.warning(place, text)
    for name, menu in book.menus.items():
        for place, text in _menu(book, menu, ("menu", name)):
            findings.warning(place, text)


def language_of(book: Book, target: str, came: Mapping[str, str | None]) -> Language:
    """The language ``target`` is first heard in."""
    here: str | None = target
    while here is not None:
        page = book.page(here)
        if page.language is not None or isinstance(page, Menu):
            return page.language or book.language
        here = came.get(here)
    return book.language


def _unreachable(book: Book, came: Mapping[str, str | None]) -> Iterator[tuple[Place, str]]:
    for target in book.targets():
        if target not in came:
            yield _place(target), f"no caller gets here: no way leads from {MAIN} to it"


def _levels(book: Book, came: Mapping[str, str | None]) -> Iterator[tuple[Place, str]]:
    for name, way in book.ways.items():
        if len(way) > MOST_LEVELS and f"menu.{name}" in came:
            yield ("menu", name), f"lies {len(way)} levels deep: callers lose their way after three"


def _circles(book: Book, came: Mapping[str, str | None]) -> Iterator[tuple[Place, str]]:
    """Readings that lead to one another would talk until the call's turns are used up."""
    for name in book.reads:
        seen: list[str] = []
        target: str | None = f"read.{name}"
        while target is not None and target.startswith("read.") and target not in seen:
            seen.append(target)
            target = book.reads[target.removeprefix("read.")].then
        if target == f"read.{name}":
            yield ("read", name, "then"), "leads back here without a key being pressed"


def _unguarded(book: Book, came: Mapping[str, str | None]) -> Iterator[tuple[Place, str]]:
    for name, action in book.actions.items():
        if f"do.{name}" not in book.guarded and f"do.{name}" in came:
            yield (
                ("do", name),
                f"moves {action.actuator} without the PIN: a caller's number is easily feigned",
            )
        if not action.confirm:
            yield ("do", name, "confirm"), f"moves {action.actuator} by one key, without asking"
    if book.actions and book.callers.unknown != "all" and not book.callers.allow:
        yield ("callers",), "nobody is in allow, so no caller can reach any [do.NAME]"


def _menu(book: Book, menu: Menu, place: Place) -> Iterator[tuple[Place, str]]:
    language = menu.language or book.language
    if len(menu.keys) > MOST_OPTIONS:
        yield (*place, "keys"), f"has {len(menu.keys)} options: nobody keeps more than five in mind"
    for key, does in ((book.repeat_key, "says it again"), (book.back_key, "goes back")):
        if key in menu.keys:
            yield (*place, "keys", key), f"is the key that {does} everywhere else"
    # Both: a Chinese menu may well say "for English press 4".
    told = told_keys(menu.say, "zh").keys() | told_keys(menu.say, "en").keys()
    told -= {book.repeat_key, book.back_key}
    mapped = menu.keys.keys() - {book.repeat_key, book.back_key}
    if silent := mapped - told:
        yield (
            (*place, "say"),
            f"does not tell what {_keys(silent)} does"
            if len(silent) == 1
            else (f"does not tell what {_keys(silent)} do"),
        )
    if false := told - mapped:
        yield (*place, "say"), f"tells {_keys(false)}, which the menu does not have"
    if language == "zh" and len(menu.say) > LONGEST_PROMPT:
        yield (
            (*place, "say"),
            (
                f"is {len(menu.say)} characters long: nobody listens for more than 20 s,"
                f" which is about {LONGEST_PROMPT}"
            ),
        )


def _place(target: str) -> Place:
    kind, _, name = target.partition(".")
    return kind, name


def _keys(keys: Iterable[str]) -> str:
    return ", ".join(map(quote, sorted(keys))).replace('"', "")
