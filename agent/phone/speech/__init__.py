"""Readings in words, as the telephone service speaks them: it reads plain text aloud and knows no
markup, so numbers are spelled here. Pure.
"""

from __future__ import annotations

from agent.phone.speech.say import (
    age,
    clock_time,
    digits,
    number,
    phone_number,
    quantity,
)
from agent.phone.speech.splitting import split
from agent.phone.speech.template import Field, fields, longest, render

__all__ = [
    "Field", "age", "clock_time", "digits", "fields", "longest", "number", "phone_number",
    "quantity", "render", "split",
]  # fmt: skip
