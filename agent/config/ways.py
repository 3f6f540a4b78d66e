"""Where the menus lead: who can be reached, how deep, and what lies behind the PIN. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from agent.config.menus import END, MAIN, Book, Do, Menu


def next_to(book: Book, target: str) -> tuple[str, ...]:
    """The targets one step from ``target``, in the order of the file."""
    page = book.page(target)
    if isinstance(page, Menu):
        return (*page.keys.values(), *page.speech.values())
    return () if page.then is None else (page.then,)


def asks_pin(book: Book, target: str) -> bool:
    """Whether ``target`` itself asks for the PIN."""
    page = book.page(target)
    return isinstance(page, Menu | Do) and page.auth


def reached(book: Book, *, without_pin: bool = False) -> Mapping[str, str | None]:
    """Target → the one it is first reached from (None: the call begins there).

    ``without_pin``: what asks for the PIN is not entered.
    """
    came: dict[str, str | None] = {}
    if not (without_pin and asks_pin(book, MAIN)):
        came[MAIN] = None
    waiting = deque(came)
    while waiting:
        here = waiting.popleft()
        for target in next_to(book, here):
            if target == END or target in came or (without_pin and asks_pin(book, target)):
                continue
            came[target] = here
            waiting.append(target)
    return came


def guarded(book: Book) -> frozenset[str]:
    """The targets to which every way leads through the PIN."""
    return frozenset(book.targets()) - reached(book, without_pin=True).keys()


def ways(book: Book) -> Mapping[str, tuple[str, ...]]:
    """Menu → the menus from the first one to it, by the shortest way; the first alone for one
    that nobody reaches."""
    came = reached(book)
    return {name: _way(came, f"menu.{name}") for name in book.menus}


def _way(came: Mapping[str, str | None], target: str) -> tuple[str, ...]:
    steps: list[str] = []
    here: str | None = target if target in came else MAIN
    while here is not None:
        kind, _, name = here.partition(".")
        if kind == "menu":
            steps.append(name)
        here = came[here]
    return tuple(reversed(steps))
