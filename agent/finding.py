"""One thing that is found when something is looked over, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["good", "warning", "error", "skipped"]


@dataclass(frozen=True)
class Finding:
    """``mend`` may be empty where there is nothing to mend (``good``), or ``text`` tells.
    ``skipped``: it could not be looked at."""

    severity: Severity
    text: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.text}: {self.mend}" if self.mend else self.text
