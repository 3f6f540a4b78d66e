"""The part itself: record, cut, look."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from tests.campaign.power.disk import HOW, Disk, Mark, Step, Sync, Write
from tests.campaign.power.outbox import OutboxStore
from tests.campaign.power.recording import MARKS, SHARED_MEMORY, Recorder
from tests.campaign.power.small_stores import IdentityFile, JournalFile, TotalFile
from tests.campaign.power.stores import Store, said

STORES: Mapping[str, Store] = {
    store.name: store for store in (OutboxStore(), IdentityFile(), JournalFile(), TotalFile())
}
PER_CARD = 50
"""Cut points from one new card on: half of them in its first lives, half after the first cut."""
LIVES = 2


@dataclass
class Tally:
    """What the cuts of one store have shown."""

    cuts: int = 0
    disks: int = 0
    kept: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    """Of each kind of :data:`Step`."""
    notes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def cut(
    store: Store, seed: int, count: int, folder: Path,
    forgets: Callable[[Step], bool] = lambda _step: False,
) -> Tally:
    """``count`` cut points of this store. ``forgets``: the steps that this disk does not do though
    it says so, by which a test can see that the judge sees. Raises CannotTrace."""
    tally = Tally()
    logging.disable()  # the stores tell of every torn line, and are meant to
    try:
        for card in range(-(-count // PER_CARD)):
            dice = Random(f"{seed}:{store.name}:{card}")
            cuts = min(PER_CARD, count - tally.cuts)
            _one_card(store, dice, folder, cuts, tally, forgets, f"card {card}")
    finally:
        logging.disable(logging.NOTSET)
    return tally


def _one_card(
    store: Store, dice: Random, folder: Path, cuts: int, tally: Tally,
    forgets: Callable[[Step], bool], where: str,
) -> None:
    """From a new card to the first power cut, and on from what that one left to others."""
    card: dict[str, bytes] = {}
    before: Any = None
    for stage, count in enumerate((cuts - cuts // 2, cuts // 2)):
        with TemporaryDirectory(dir=folder) as name:
            recorded = _recorded(store, card, Path(name), dice)
            tally.wrong += _forgotten(card, recorded, Path(name) / "state")
        steps = [step for step in recorded if not forgets(step)]
        tally.calls.update(type(step).__name__.lower() for step in steps)
        chosen = _moments(steps, count, dice)
        next_one = dice.choice(sorted(chosen)) if chosen else None
        disk, marks = Disk(card), list[str]()
        for moment, step in enumerate([*steps, None]):
            for how in HOW if moment in chosen else ():
                left = disk.after_a_cut(how, dice)
                with TemporaryDirectory(dir=folder) as name:
                    _lay_out(left, Path(name), dice)
                    verdict = store.judge(Path(name), before, said(marks))
                tally.disks += 1
                tally.kept += verdict.kept
                tally.notes.update(verdict.notes)
                tally.wrong += [f"{where}.{stage} at {moment} ({how}): {one}"
                                for one in verdict.wrong[:3]]
                if how == "torn" and moment == next_one:
                    following = left, verdict.holds
            tally.cuts += moment in chosen
            if isinstance(step, Mark):
                marks.append(step.text)
            elif step is not None:
                disk.take(step)
        if next_one is not None:
            card, before = following


def _recorded(store: Store, card: Mapping[str, bytes], place: Path, dice: Random) -> list[Step]:
    state = place / "state"
    state.mkdir()
    for name, content in card.items():
        (state / name).write_bytes(content)
    recorder = Recorder(state, list(card))
    seed = dice.randrange(10**9)
    steps: list[Step] = []
    for life in range(LIVES):
        steps += recorder.record("tests.campaign.power.keeper", store.name, str(seed), str(life))
        (place / MARKS).unlink(missing_ok=True)
    return steps


def _forgotten(card: Mapping[str, bytes], steps: Sequence[Step], state: Path) -> list[str]:
    """How the model's disk differs from the real one at the end: it must not."""
    disk = Disk(card)
    for step in steps:
        disk.take(step)
    real = {path.name: path.read_bytes() for path in state.iterdir()
            if not path.name.endswith(SHARED_MEMORY)}
    return [] if disk.now() == real else [f"the model is not the disk: {sorted(real)}"]


def _moments(steps: Sequence[Step], count: int, dice: Random) -> set[int]:
    """Between which calls to cut: half of them anywhere, half beside what is not just one more
    write to the end of a log."""
    anywhere = range(len(steps) + 1)
    special = [moment + after for moment, step in enumerate(steps) for after in (0, 1)
               if not isinstance(step, Mark | Write)
               or (isinstance(step, Write) and step.file == 0)]
    chosen = set(dice.sample(special, min(len(special), count // 2)))
    rest = sorted(set(anywhere) - chosen)
    return chosen | set(dice.sample(rest, min(len(rest), count - len(chosen))))


def _lay_out(files: Mapping[str, bytes], folder: Path, dice: Random) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)
        if name.endswith("-wal") and dice.random() < 0.5:
            (folder / f"{name[:-4]}-shm").write_bytes(dice.randbytes(32768))


def no_file_sync(step: Step) -> bool:
    """A disk that does not do what it is told, for files."""
    return isinstance(step, Sync) and step.file is not None


def no_folder_sync(step: Step) -> bool:
    """The same for the folder's names."""
    return isinstance(step, Sync) and step.file is None
