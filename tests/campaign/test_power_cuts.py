"""Five hundred power cuts: nothing that was promised is lost, every store can be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.campaign.power import cuts
from tests.campaign.power.disk import Disk, How, Make, Rename, Resize, Step, Sync, Write
from tests.campaign.power.recording import why_not
from tests.campaign.scale import scale
from tests.end_to_end.test_fault_run import Run

CUTS = scale("FAULT_CUTS", 500, 25)
"""Of the outbox; a small file has as many steps as it has writes, and does with a fifth."""
traced = pytest.mark.skipif(why_not() is not None, reason=f"cannot record writes: {why_not()}")


@traced
@pytest.mark.slow
@pytest.mark.parametrize("name", list(cuts.STORES))
def test_what_was_promised_is_there_after_a_power_cut(
    tmp_path: Path, name: str, seed: int
) -> None:
    count = CUTS if name == "outbox" else max(20, CUTS // 5)
    tally = cuts.cut(cuts.STORES[name], seed, count, tmp_path)
    run = Run(f"{count} power cuts, {name}", seed)
    for call, number in sorted(tally.calls.items()):
        run.tell(f"recorded: {call}", number)
    run.tell("cut points", tally.cuts)
    run.tell("disks these may have left", tally.disks)
    run.tell("promised, and looked for", tally.kept)
    for note, number in sorted(tally.notes.items()):
        run.tell(note, number)
    run.tell("lost, changed or unreadable", len(tally.wrong))
    run.show()
    assert tally.wrong == []
    assert tally.cuts == count and tally.kept > count


@traced
@pytest.mark.slow
@pytest.mark.parametrize("forgets", [cuts.no_file_sync, cuts.no_folder_sync])
@pytest.mark.parametrize("name", list(cuts.STORES))
def test_the_judge_sees_what_a_missing_sync_loses(
    tmp_path: Path, name: str, forgets: Callable[[Step], bool], seed: int
) -> None:
    """Else the test above would show nothing."""
    assert cuts.cut(cuts.STORES[name], seed, 8, tmp_path, forgets).wrong


def after(*steps: Step, how: How = "nothing", files: dict[str, bytes] | None = None) -> set[str]:
    """Every disk that a hundred cuts after these steps leave, as text."""
    disk = Disk(files or {})
    for step in steps:
        disk.take(step)
    return {repr(disk.after_a_cut(how, Random(n))) for n in range(100)}


def test_only_what_was_synced_is_sure() -> None:
    written = (Make(0, "a"), Write(0, 0, b"one"))
    assert after(*written) == {"{}"}
    assert after(*written, Sync(0)) == {"{}"}  # it has no name yet
    assert after(*written, Sync(None)) == {"{'a': b''}"}
    assert after(*written, Sync(0), Sync(None)) == {"{'a': b'one'}"}
    assert after(*written, how="everything") == {"{'a': b'one'}"}
    assert after(*written, Sync(None), how="some") == {"{'a': b''}", "{'a': b'one'}"}


def test_a_rename_happens_or_not_and_knows_nothing_of_content() -> None:
    steps = (Make(1, "new"), Write(1, 0, b"2"), Rename("new", "a"))
    assert after(*steps, files={"a": b"1"}) == {"{'a': b'1'}"}
    assert after(*steps, files={"a": b"1"}, how="some") == {
        "{'a': b'1'}", "{'a': b'1', 'new': b''}", "{'a': b'1', 'new': b'2'}",
        "{'a': b''}", "{'a': b'2'}"}


def test_a_torn_write_is_torn_at_sectors() -> None:
    kept = after(Write(0, 510, b"abcd"), files={"a": bytes(512)}, how="torn")
    assert {text.rstrip("'}")[-4:] for text in kept} >= {"abcd"}
    disk = Disk({"a": b"x" * 1024})
    disk.take(Write(0, 0, b"y" * 1024))
    left = {disk.after_a_cut("torn", Random(n))["a"] for n in range(100)}
    assert left == {a * 512 + b * 512 for a in (b"x", b"y") for b in (b"x", b"y")}


def test_a_file_may_have_grown_and_not_been_filled() -> None:
    kept = after(Write(0, 1, b"b"), Resize(0, 3), files={"a": b"a"}, how="some")
    assert kept == {"{'a': b'a'}", "{'a': b'ab'}", "{'a': b'a\\x00\\x00'}", "{'a': b'ab\\x00'}"}
