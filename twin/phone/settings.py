"""What the documents leave open about the telephone service, to be set per twin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

NUMBERS_PER_ACCOUNT = 3
"""T-20."""
LOCK_KEPT = timedelta(days=30)
"""How long a number that was given back can be had again (T-23)."""
LONGEST_TEXT = 200
"""Characters; a Chinese one counts one (T-05)."""
LONGEST_RECORDING = 999
"""Seconds (T-10)."""


@dataclass(frozen=True)
class Settings:
    """How this telephone service behaves where the documents are silent or disagree. All times
    are seconds.

    ``share_first_id``: the first request of a call carries the id of its CallEstablished.
    ``char_seconds``: how long one character takes to say. ``confidence``: how well speech is
    understood when the caller does not tell. ``first_number``: what the first renter gets.

    Patience: ``menu_timeout`` for a key in a menu node (an action's own is T-09);
    ``speech_seconds`` for speech; ``answer_seconds`` for the application's first word;
    ``music_seconds`` after a wait text (T-11); ``ring_seconds`` for somebody to take a call-out;
    ``call_seconds`` for a whole call.

    What is not documented (T-40): ``lone_hash`` and ``silence`` are reported after the comma when
    ``#`` is the only key and when nothing is said; ``partial_keys``: a time-out reports the keys
    pressed so far instead of ``timeout``; ``digits_confidence``: spoken digits come with a
    confidence; ``asks_after_recording``: a recording without ``nextNode`` is followed by a request
    instead of the end; ``map_silence_asks``: silence at a menu node with a key map asks the
    application instead of repeating the text; ``callout_menu``: an interactive call-out may jump
    to nodes of the number's menu (T-06).
    """

    share_first_id: bool = False
    char_seconds: float = 0.25
    confidence: float = 0.9
    first_number: str = "034240000"
    menu_timeout: float = 10.0
    speech_seconds: float = 10.0
    answer_seconds: float = 240.0
    music_seconds: float = 240.0
    ring_seconds: float = 30.0
    call_seconds: float = 3600.0
    lone_hash: str = "timeout"
    silence: str = "timeout"
    partial_keys: bool = True
    digits_confidence: bool = True
    asks_after_recording: bool = False
    map_silence_asks: bool = True
    callout_menu: bool = True
