"""The outbox: rows that were committed are there, rows that were forgotten are not."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from agent.delivery.outbox import Outbox
from agent.delivery.rows import LANES, LaneName, Row
from agent.errors import StorageError
from tests.campaign.power.stores import Said, Say, Verdict, split

ROOMY = 50_000_000
STEPS = (40, 40, 40, 600)
"""Of one life; the long ones fill SQLite's log, which is then copied and begun anew."""
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

Rows = dict[tuple[LaneName, int], Row]


class OutboxStore:
    """Every method that writes, in lives that end in order or at once."""

    name = "outbox"

    def live(self, folder: Path, dice: Random, mark: Say) -> None:
        outbox = Outbox(folder / "outbox.db", ROOMY)
        boot, made = f"boot-{dice.randrange(10**9)}", dice.randrange(10**6) * 1000
        if outbox.exists:
            mark(do="drop_untimed", boot=boot)
            outbox.drop_untimed(boot)
            mark(did="drop_untimed")
        for step in range(dice.choice(STEPS)):
            counts = outbox.counts() if outbox.exists else dict.fromkeys(LANES, (0, 0))
            what = dice.choices(["append", "forget", "stamp", "reopen"], [12, 4, 1, 0.3])[0]
            if what == "append" or not outbox.exists:
                rows = [self._row(dice, boot, made + n) for n in range(dice.choice([1, 3, 40]))]
                made += len(rows)
                mark(do="append", rows=[_plain(row) for row in rows])
                ids, dropped = outbox.append(rows)
                assert not dropped
                mark(did="append", ids=ids)
            elif what == "forget":
                lane = dice.choice(LANES)
                count, last = counts[lane]
                upto = last - dice.randrange(count + 1)
                mark(do="forget", lane=lane, upto=upto)
                outbox.forget(lane, upto)
                mark(did="forget")
            elif what == "stamp":
                mark(do="stamp", boot=boot)
                outbox.stamp(boot, 1000.0, NOON + timedelta(seconds=step))
                times = {row_id: row.time for row_id, row in outbox.read("data", 0, 10**6)}
                mark(did="stamp", times=times)
            else:
                outbox.close()
        if dice.random() < 0.5:
            outbox.close()

    @staticmethod
    def _row(dice: Random, boot: str, number: int) -> Row:
        lane: LaneName = "ack" if dice.random() < 0.1 else "data"
        body = b'{"id":"s%d","value":["%d"]}' % (number % 5, number)
        time = f"2026-05-01T00:00:00.{number % 1000:03d}Z" if dice.random() < 0.8 else None
        return Row(lane, body, None if lane == "ack" else time, boot, float(number))

    def judge(self, folder: Path, before: Any, said: Said) -> Verdict:
        expected: Rows = dict(before or {})
        done, under_way = split(said)
        for do, did in done:
            _happen(expected, do, did)
        outbox = Outbox(folder / "outbox.db", ROOMY)
        found: Rows = {}
        try:
            if outbox.exists or expected:
                for lane in LANES:
                    found |= {(lane, n): row for n, row in outbox.read(lane, 0, 10**7)}
            verdict = Verdict(len(expected), found)
            if outbox.set_aside:
                verdict.wrong.append("unreadable: the file was set aside")
            verdict.wrong += _differences(expected, under_way, found)
            verdict.wrong += _unsound(folder, outbox, found)
        except StorageError as exc:
            return Verdict(len(expected), found, [f"unreadable: {exc}"])
        finally:
            outbox.close()
        return verdict


def _plain(row: Row) -> list[Any]:
    return [row.lane, row.body.decode(), row.time, row.boot, row.mono]


def _rows(plain: list[Any]) -> list[Row]:
    return [Row(lane, body.encode(), time, boot, mono) for lane, body, time, boot, mono in plain]


def _happen(rows: Rows, do: Mapping[str, Any], did: Mapping[str, Any]) -> None:
    match do["do"]:
        case "append":
            rows |= {(row.lane, row_id): row
                     for row, row_id in zip(_rows(do["rows"]), did["ids"], strict=True)}
        case "forget" | "drop_untimed":
            for key in [key for key, row in rows.items() if _goes(key, row, do)]:
                del rows[key]
        case "stamp":
            for row_id, time in did["times"].items():
                row = rows["data", int(row_id)]
                rows["data", int(row_id)] = Row(row.lane, row.body, time, row.boot, row.mono)


def _goes(key: tuple[LaneName, int], row: Row, do: Mapping[str, Any]) -> bool:
    if do["do"] == "forget":
        return bool(key[0] == do["lane"] and key[1] <= do["upto"])
    return bool(row.lane == "data" and row.time is None and row.boot != do["boot"])


def _differences(expected: Rows, under_way: Mapping[str, Any] | None, found: Rows) -> list[str]:
    """Against what was promised; what was under way happened whole, or not at all."""
    if found == expected:
        return []
    if under_way is not None:
        match under_way["do"]:
            case "append":
                new = sorted(found.keys() - expected.keys())
                batch = sorted(_rows(under_way["rows"]), key=lambda row: row.lane)
                if [found[key] for key in new] == batch and all(
                        key[1] > max((n for lane, n in expected if lane == key[0]), default=0)
                        for key in new):
                    found = {key: row for key, row in found.items() if key in expected}
            case "stamp":
                untimed = [key for key, row in expected.items() if row.time is None
                           and row.lane == "data" and row.boot == under_way["boot"]]
                if untimed and all(key in found and found[key].time for key in untimed):
                    expected = {**expected, **{
                        key: Row(was.lane, was.body, found[key].time, was.boot, was.mono)
                        for key, was in expected.items() if key in untimed}}
            case _:
                staying = {key: row for key, row in expected.items()
                           if not _goes(key, row, under_way)}
                if found == staying:
                    expected = staying
    wrong = [f"committed and lost: {key}" for key in sorted(expected.keys() - found.keys())]
    wrong += [f"not committed and there: {key}" for key in sorted(found.keys() - expected.keys())]
    wrong += [f"changed: {key}" for key in sorted(expected.keys() & found.keys())
              if expected[key] != found[key]]
    return wrong


def _unsound(folder: Path, outbox: Outbox, found: Rows) -> list[str]:
    """It must go on as if nothing had been: whole, and with ids that were never used."""
    if not outbox.exists:
        return []
    (row_id,), _ = outbox.append([Row("data", b"{}", None, "after", 1.0)])
    top = max((number for lane, number in found if lane == "data"), default=0)
    wrong = [] if row_id > top else [f"id {row_id} is used again"]
    outbox.forget("data", row_id)
    outbox.close()
    db = sqlite3.connect(folder / "outbox.db")
    try:
        (answer,) = db.execute("PRAGMA integrity_check").fetchone()
    finally:
        db.close()
    return wrong if answer == "ok" else [*wrong, f"unreadable: {answer}"]
