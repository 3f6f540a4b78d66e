"""The small files: who we are, which commands were obeyed, what a meter has counted."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from agent.config.model import Secret
from agent.control.journal import KEPT, Journal
from agent.errors import StorageError
from agent.hardware import totals
from agent.identity.registry import Identity
from agent.identity.store import IdentityStore, Stored
from tests.campaign.power.stores import Said, Say, Verdict, split


class IdentityFile:
    """Each step leaves what was there before, or what it was to leave; never nothing."""

    name = "identity"

    def live(self, folder: Path, dice: Random, mark: Say) -> None:
        store = IdentityStore(folder)
        for _ in range(40):
            key = Secret(f"DK{dice.randrange(10**12):016d}")
            identity = Identity(str(dice.randrange(10**6)), key, "registry")
            now = store.load()
            what = dice.choice(["ask", "propose", "propose", "commit", "roll_back"])
            then = {"ask": Stored(now.current, None, key),
                    "propose": Stored(now.current, identity),
                    "commit": Stored(now.candidate) if now.candidate else now,
                    "roll_back": Stored(now.current)}[what]
            mark(do=what, then=_who(then))
            match what:
                case "ask":
                    store.ask(key)
                case "propose":
                    store.propose(identity)
                case "commit":
                    store.commit()
                case "roll_back":
                    store.roll_back()
            mark(did=what)

    def judge(self, folder: Path, before: Any, said: Said) -> Verdict:
        done, under_way = split(said)
        was = done[-1][0]["then"] if done else before or _who(Stored())
        may = [was] if under_way is None else [was, under_way["then"]]
        store = IdentityStore(folder)
        try:
            found = _who(store.look())
            store.propose(Identity("1", Secret("after"), "registry"))
        except StorageError as exc:
            return Verdict(1, was, [f"unreadable: {exc}"])
        wrong = [] if found in may else [f"it holds {found}, not {' or '.join(map(str, may))}"]
        return Verdict(1, found, wrong)


def _who(stored: Stored) -> list[Any]:
    both = [one and [one.device_id, one.key.reveal()] for one in (stored.current, stored.candidate)]
    return [*both, stored.asked and stored.asked.reveal()]


class JournalFile:
    """What was synced is known again: every command, its ack, every change a limit counts."""

    name = "journal"

    def live(self, folder: Path, dice: Random, mark: Say) -> None:
        journal = Journal(folder)
        number = dice.randrange(10**9) * 1000
        for _ in range(700):
            actuator = dice.choice(["lamp", "pump", "fan"])
            key = (actuator, f"2026-05-01T00:00:00.{number:015d}Z", "on")
            number += 1
            mark(say=[*key, None])
            journal.begin(key)
            if dice.random() < 0.3:
                mark(say=[actuator, "boot", float(number)])
                journal.count(actuator, "boot", float(number))
            if dice.random() < 0.95:
                mark(say=[*key, "on"])
                journal.finish(key, "on")
            if dice.random() < 0.1:
                mark(do="sync")
                journal.sync()
                mark(did="sync")
        if dice.random() < 0.5:
            mark(do="sync")
            journal.close()
            mark(did="sync")

    def judge(self, folder: Path, before: Any, said: Said) -> Verdict:
        every: list[list[Any]] = [entry for entry in before or []]
        safe = len(every)
        for mark in said:
            if "say" in mark:
                every.append(mark["say"])
            elif "did" in mark:
                safe = len(every)
        aside = folder / "commands.journal.corrupt"
        aside.unlink(missing_ok=True)
        journal = Journal(folder)
        found = dict(journal.applied)
        changes = {actuator: journal.changes(actuator, "boot") for actuator in _ACTUATORS}
        journal.close()
        promised, all_told = _remembered(every[:safe]), _remembered(every)
        kept = {key: ack for key, ack in promised.items() if key in all_told}
        wrong = [f"synced and forgotten: {key}" for key in kept if key not in found]
        wrong += [f"another ack: {key}" for key, ack in kept.items()
                  if key in found and found[key] not in (ack, all_told[key])]
        told = {tuple(entry[:3]) for entry in every if len(entry) == 4}
        wrong += [f"never begun: {key}" for key in found if key not in told]
        for actuator in _ACTUATORS:
            counted = _counted(every, actuator)
            lost = set(_counted(every[:safe], actuator)) & set(counted[-KEPT:])
            wrong += [f"synced and not counted: {one}" for one in lost - set(changes[actuator])]
        holds: list[list[Any]] = [[*key, ack] for key, ack in found.items()]
        holds += [[actuator, "boot", one] for actuator in _ACTUATORS for one in changes[actuator]]
        notes = ["torn in the middle, and mended"] if aside.exists() else []
        return Verdict(len(kept), holds, wrong, notes)


_ACTUATORS = ("lamp", "pump", "fan")


def _remembered(entries: list[list[Any]]) -> dict[tuple[str, str, str], str | None]:
    """The last KEPT commands of each actuator, and their acks."""
    acks: dict[tuple[str, str, str], str | None] = {}
    for entry in entries:
        if len(entry) == 4:
            acks[entry[0], entry[1], entry[2]] = entry[3]
    return {key: acks[key] for actuator in _ACTUATORS
            for key in [key for key in acks if key[0] == actuator][-KEPT:]}


def _counted(entries: list[list[Any]], actuator: str) -> list[float]:
    return [entry[2] for entry in entries if len(entry) == 3 and entry[0] == actuator]


class TotalFile:
    """A meter's total is the last one saved, or the one being saved."""

    name = "total"

    def live(self, folder: Path, dice: Random, mark: Say) -> None:
        path = totals.place(folder, "meter")
        total = totals.load(path) or totals.Total(0.5)
        for _ in range(40):
            total = total.counted(dice.randrange(1, 1000))
            mark(do="save", then=total.pulses)
            totals.save(path, total)
            mark(did="save")

    def judge(self, folder: Path, before: Any, said: Said) -> Verdict:
        done, under_way = split(said)
        was = done[-1][0]["then"] if done else before
        may = [was] if under_way is None else [was, under_way["then"]]
        path = totals.place(folder, "meter")
        loaded = totals.load(path)
        found = loaded and loaded.pulses
        wrong = [] if found in may else [f"it counts {found}, not {' or '.join(map(str, may))}"]
        totals.save(path, totals.Total(0.5, 10**9))
        return Verdict(was is not None, found, wrong)
