"""The service's own MQTT messages (T-01, T-02, T-12, T-13), and the topics they go to."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from twin.messages import Message
from twin.phone.errors import error_list

PREFIX = "phone-conn"
ACTION_TOPIC = f"{PREFIX}/callAction"
"""Below it, one level: the SNKey."""
_VOICE_MEMO = 1


@dataclass(frozen=True)
class Leg:
    """Whose messages these are: the number's SNKey, the other end's phone, and whether the
    service phoned them. No message names the service number itself (T-32)."""

    sn_key: str
    phone: str
    callout: bool = False

    def request(self, id: str, node: str, at: datetime) -> Message:
        kind = "calloutRequest" if self.callout else "request"
        return self._event({"id": id, "type": kind, "phone": self.phone, "node": node,
                            "time": stamp(at)})

    def event(self, id: str, event: str, at: datetime) -> Message:
        kind = "calloutEvent" if self.callout else "event"
        return self._event({"id": id, "type": kind, "phone": self.phone, "event": event,
                            "time": stamp(at)})

    def recording(self, id: str, wav: bytes, transcript: str | None, at: datetime) -> Message:
        content: dict[str, object] = {
            "id": id, "type": "recordEvent", "phone": self.phone,
            "data": base64.b64encode(wav).decode(), "recordType": _VOICE_MEMO}
        if transcript is not None:
            content["text"] = transcript
        return self._event({**content, "time": stamp(at)})

    def _event(self, content: dict[str, object]) -> Message:
        return _message("callEvent", self.sn_key, content)


def debug(sn_key: str, id: str | None, errors: Sequence[str], at: datetime) -> Message:
    """What was wrong with a callAction (T-12). The shape is ours, as none is documented."""
    content: dict[str, object] = {"status": "err", "msg": error_list(errors), "time": stamp(at)}
    return _message("callActionDebug", sn_key, content if id is None else {"id": id, **content})


def result(sn_key: str, group: str, phone: str, status: str, at: datetime) -> Message:
    """How one phone of a call-out took it (T-13)."""
    return _message("calloutResult", sn_key, {
        "groupId": group, "phone": phone, "status": status, "time": stamp(at)})


def stamp(at: datetime) -> str:
    """UTC with three digits of a second (T-43)."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(kind: str, sn_key: str, content: dict[str, object]) -> Message:
    # Somebody's half of a surrogate pair must not stop the service: it goes out as "?".
    payload = json.dumps(content, ensure_ascii=False).encode(errors="replace")
    return Message(f"{PREFIX}/{kind}/{sn_key}", payload)
