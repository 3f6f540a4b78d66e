"""These tests need Chromium: ``tests/browser/run`` provides it. They are collected only there."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

collect_ignore_glob = [] if os.environ.get("CHT_BROWSER") else ["test_*.py"]

if os.environ.get("CHT_BROWSER"):
    from tests.browser.looking import Looking, looking_at
    from tests.browser.playing import Playing, playing

    @pytest.fixture(scope="module")
    def demo() -> Iterator[Playing]:
        """A demo that every test of the module shares, as starting one takes seconds."""
        with playing() as running:
            yield running

    @pytest.fixture
    def page(demo: Playing) -> Iterator[Looking]:
        """Its page in a browser, in English; whatever was broken is mended afterwards."""
        with looking_at(demo.url) as browser:
            browser.speak_english()
            yield browser
            browser.mend()
            assert browser.complaints() == []
