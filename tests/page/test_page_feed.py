"""Events for browsers: bounded, whatever a browser does."""

from __future__ import annotations

import asyncio

import pytest

from twin.page.feed import MOST, MOST_BROWSERS, Feed, Full, Queue


def test_a_browser_begins_with_how_all_is_now_and_goes_on_from_there() -> None:
    queue = Queue()
    queue.put("before the hello, which tells of it")
    assert queue.take(lambda: "hello ") == "hello "
    queue.put("a")
    queue.put("b")
    assert queue.take(lambda: "hello ") == "ab"


def test_a_slow_browser_begins_anew_and_holds_no_memory() -> None:
    queue = Queue()
    queue.take(lambda: "")
    for _ in range(3 * MOST):
        queue.put("x" * 100)
    assert queue.take(lambda: "hello") == "hello"
    assert queue.take(lambda: "hello") == ""


async def _not_everybody_may_look_at_once() -> None:
    feed = Feed(lambda: {"now": 1})
    streams = [feed.stream() for _ in range(MOST_BROWSERS)]
    for stream in streams:
        assert "hello" in await anext(stream)
    with pytest.raises(Full):
        feed.stream()
    feed.tell("reading", {"id": "temperature"})
    assert "temperature" in await asyncio.wait_for(anext(streams[0]), 5)
    await streams[0].aclose()  # type: ignore[attr-defined]
    assert "hello" in await anext(feed.stream())
    feed.close()
    for stream in streams[1:]:
        await stream.aclose()  # type: ignore[attr-defined]


def test_not_everybody_may_look_at_once() -> None:
    asyncio.run(_not_everybody_may_look_at_once())
