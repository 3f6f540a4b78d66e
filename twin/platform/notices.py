"""How the platform writes its notices: JSON in UTF-8, keys in the order of the documentation."""

from __future__ import annotations

import json
from typing import Any

from twin.messages import Message


def notice(topic: str, content: dict[str, Any], *, retain: bool = False) -> Message:
    return Message(topic, json.dumps(content, ensure_ascii=False).encode("utf-8"), retain)
