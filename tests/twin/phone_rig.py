"""A telephone service with one number, a caller, an application, and a clock one turns by hand."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from twin.messages import Message
from twin.phone.effects import (
    Effect,
    Ended,
    Listening,
    Music,
    Publish,
    Recorded,
    Ringing,
    Spoken,
)
from twin.phone.telephone import Settings, Telephone

API_KEY = "AKtest"
CALLER = "0912000001"
START = datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)


class Exchange:
    """``log``: everything that happened since it was last cleared, each as a few words:
    ``event CallEstablished``, ``say 你好``, ``listen keys 12``, ``request MAIN,1``, ``music``,
    ``ring 09…``, ``result answered``, ``debug``, ``end …``. ``sent``: every MQTT message."""

    def __init__(self, **settings: Any) -> None:
        self.now = START
        self.telephone = Telephone(Settings(**{"char_seconds": 0.5, **settings}), random.Random(7))
        self.telephone.add_account(API_KEY)
        rented = self.telephone.rent(API_KEY, {"appName": "greenhouse"}, self.now)
        self.number: str = rented["serviceNumber"]
        self.sn_key: str = rented["SNKey"]
        self.call = ""
        self.effects: list[Effect] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.log: list[str] = []

    # The operator

    def menu(self, *nodes: dict[str, Any]) -> None:
        self.telephone.set_menu(API_KEY, {"serviceNumber": self.number, "ivrData": list(nodes)})

    def callout(self, phones: list[str], **ivr: Any) -> str:
        answer, effects = self.telephone.callout(
            API_KEY, {"serviceNumber": self.number, "phones": phones, "ivrData": ivr}, self.now)
        assert answer["status"] == "ok"
        self.take(effects)
        return str(answer["groupId"])

    # The other end

    def dial(self, caller: str = CALLER) -> None:
        self.call, effects = self.telephone.dial(self.number, caller, self.now)
        self.take(effects)

    def press(self, digits: str) -> None:
        self.take(self.telephone.press(self.call, digits, self.now))

    def say(self, text: str, confidence: float | None = None) -> None:
        self.take(self.telephone.say(self.call, text, confidence, self.now))

    def record(self, spoken: str | float) -> None:
        self.take(self.telephone.record(self.call, spoken, self.now))

    def hang_up(self) -> None:
        self.take(self.telephone.hang_up(self.call, self.now))

    def pick_up(self, phone: str, how: Any = "answer") -> None:
        self.take(self.telephone.answer(phone, how, self.now))

    # The application

    def act(self, **fields: Any) -> None:
        """A callAction, for the newest request unless an ``id`` is given."""
        self.act_raw(json.dumps({"id": self.request_id, **fields}).encode())

    def act_raw(self, payload: bytes) -> None:
        self.take(self.telephone.action(self.sn_key, payload, self.now))

    @property
    def request_id(self) -> str:
        """The id of the newest request."""
        return str([content["id"] for _, content in self.sent
                    if content.get("type") in ("request", "calloutRequest")][-1])

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """What went out on callEvent, of these types or of all."""
        return [content for topic, content in self.sent
                if topic == "callEvent" and (not kinds or content["type"] in kinds)]

    # Time

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.take(self.telephone.tick(self.now))

    def hear_out(self) -> None:
        """Let time pass until something other than the next line happens."""
        while all(isinstance(effect, Spoken | Listening) for effect in self.step()):
            pass

    def step(self) -> list[Effect]:
        """Go to the next thing that happens by itself."""
        due = self.telephone.next_tick(self.now)
        assert due is not None
        self.now = max(self.now, due)
        effects = self.telephone.tick(self.now)
        self.take(effects)
        return effects

    def take(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self.effects.append(effect)
            self.log += self._words(effect)

    def heard(self) -> list[str]:
        """What was said, and the log starts anew."""
        said = [words[4:] for words in self.log if words.startswith("say ")]
        self.log.clear()
        return said

    def happened(self) -> list[str]:
        """The log, which starts anew."""
        log, self.log = self.log, []
        return log

    def _words(self, effect: Effect) -> list[str]:
        match effect:
            case Publish(message):
                return [self._message(message)]
            case Spoken(_, text, "M"):
                return [f"say {text}"]
            case Spoken(_, text, voice):
                return [f"say {text} ({voice})"]
            case Listening(_, kind, seconds):
                return [f"listen {kind} {seconds:g}"]
            case Music():
                return ["music"]
            case Ringing(call_id, phone):
                self.call = self.call or call_id
                return [f"ring {phone}"]
            case Recorded(_, seconds):
                return [f"recorded {seconds:g}"]
            case Ended(_, why):
                return [f"end: {why}"]
        raise AssertionError(effect)

    def _message(self, message: Message) -> str:
        prefix, kind, sn_key = message.topic.split("/")
        assert (prefix, sn_key, message.retain) == ("phone-conn", self.sn_key, False)
        content = json.loads(message.payload)
        self.sent.append((kind, content))
        match kind:
            case "callActionDebug":
                return "debug"
            case "calloutResult":
                return f"result {content['phone']} {content['status']}"
        told = content.get("node") or content.get("event") or content.get("text", "")
        return f"{content['type']} {told}".strip()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
