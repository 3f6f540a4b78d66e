"""The situation on disk, so that a restart neither forgets an acknowledgement nor phones twice."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from agent import files
from agent.errors import StorageError
from agent.phone.alarms.model import Ack, Dial, Incident, Situation
from agent.phone.alarms.times import Stamp

FILE = "alarms.json"

log = logging.getLogger("cht_agent.alarms")


class AlarmStore:
    """``alarms.json`` in the state folder, readable by the agent alone. It holds no phone
    number."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def load(self) -> Situation:
        """What was kept last; nothing when there is no file, or a damaged one (it is set aside).

        Raises StorageError when the file is there but cannot be read: then nobody knows whom we
        have phoned already.
        """
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return Situation()
        except OSError as exc:
            raise StorageError(f"{self._path} cannot be read ({exc.strerror}): check its owner"
                               ) from exc  # fmt: skip
        try:
            return situation_of(json.loads(raw))
        except (ValueError, KeyError, TypeError, AttributeError):
            aside = self._path.with_suffix(".damaged")
            log.error("%s is damaged and was set aside as %s: open alarms begin anew, and the"
                      " limits of calls count from zero", self._path, aside.name)  # fmt: skip
            try:
                os.replace(self._path, aside)
            except OSError as exc:
                raise StorageError(f"{self._path} cannot be set aside ({exc.strerror})") from exc
            return Situation()

    def save(self, document: Mapping[str, Any]) -> None:
        """Keep :func:`document_of` a situation. Blocks for as long as the card does. Raises
        StorageError."""
        try:
            files.replace(self._path, json.dumps(document, ensure_ascii=False).encode() + b"\n")
        except OSError as exc:
            raise StorageError(
                f"{self._path} cannot be written ({exc.strerror}):"
                " check the owner, the space and [service] state_dir"
            ) from exc


def document_of(situation: Situation) -> dict[str, Any]:
    """What is worth keeping. That an incident has cleared for a moment is not: what flaps would
    wear out the card, and the first good reading tells it again."""
    return {
        "version": 1,
        "incidents": [
            {
                "key": one.key,
                "alarm": one.alarm,
                "kind": one.kind,
                "severity": one.severity,
                "call": list(one.call),
                "opened": _plain(one.opened),
                "rounds": one.rounds,
                "step": one.step,
                "skip": sorted(one.skip),
                "ack": None if one.ack is None else [one.ack.by, _plain(one.ack.at)],
            }
            for one in situation.incidents.values()
        ],
        "dials": [
            {
                "id": one.id,
                "person": one.person,
                "about": list(one.about),
                "counts": list(one.counts),
                "at": _plain(one.at),
                "since": _plain(one.since),
                "patience": one.patience,
                "phase": one.phase,
                "group": one.group,
                "outcome": one.outcome,
                "placed": one.placed,
                "dry": one.dry,
                "turns": one.turns,
            }
            for one in situation.dials
        ],
        "tested": situation.tested,
    }


def situation_of(document: Mapping[str, Any]) -> Situation:
    """Raises ValueError, KeyError, TypeError or AttributeError for what is none."""
    incidents = {}
    for plain in document["incidents"]:
        one = Incident(**{
            **plain, "call": tuple(plain["call"]), "skip": frozenset(plain["skip"]),
            "opened": _stamp(plain["opened"]),
            "ack": None if plain["ack"] is None else Ack(plain["ack"][0], _stamp(plain["ack"][1])),
        })  # fmt: skip
        incidents[one.key] = one
    dials = tuple(
        Dial(**{
            **plain, "about": tuple(plain["about"]), "counts": tuple(plain["counts"]),
            "at": _stamp(plain["at"]), "since": _stamp(plain["since"]),
        })
        for plain in document["dials"]
    )  # fmt: skip
    return Situation(incidents, dials, None, str(document["tested"]))


def _plain(stamp: Stamp) -> list[object]:
    return [stamp.boot, stamp.mono, None if stamp.utc is None else stamp.utc.isoformat()]


def _stamp(plain: Any) -> Stamp:
    boot, mono, utc = plain
    return Stamp(str(boot), float(mono), None if utc is None else datetime.fromisoformat(utc))
