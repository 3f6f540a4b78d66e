"""The store is cut off after every single call it makes into the system, in a forked child."""

import io
import os
import posix
import stat
import sys

import pytest

from agent.config.model import Secret
from agent.errors import StorageError
from agent.identity.registry import Identity
from agent.identity.store import IdentityStore, Stored

OLD = Identity("7432", Secret("DK-old"), "registry")
KEY = Secret("PK-asked")
NEW = Identity("9999", Secret("DK-溫室"), "registry")

BEFORE = {
    "first propose": (Stored(), lambda store: store.propose(NEW), Stored(None, NEW)),
    "first commit": (Stored(None, NEW), lambda store: store.commit(), Stored(NEW)),
    "propose": (Stored(OLD), lambda store: store.propose(NEW), Stored(OLD, NEW)),
    "commit": (Stored(OLD, NEW), lambda store: store.commit(), Stored(NEW)),
    "roll back": (Stored(OLD, NEW), lambda store: store.roll_back(), Stored(OLD)),
    "ask": (Stored(OLD, NEW), lambda store: store.ask(KEY), Stored(OLD, None, KEY)),
    "first ask": (Stored(), lambda store: store.ask(KEY), Stored(None, None, KEY)),
    "answer": (Stored(OLD, None, KEY), lambda store: store.propose(NEW), Stored(OLD, NEW)),
    "no answer": (Stored(OLD, None, KEY), lambda store: store.roll_back(), Stored(OLD)),
    "first roll back": (Stored(None, NEW), lambda store: store.roll_back(), Stored()),
}


def prepared(folder, state):
    store = IdentityStore(folder)
    if state.current is not None:
        store.propose(state.current)
        store.commit()
    if state.candidate is not None:
        store.propose(state.candidate)
    if state.asked is not None:
        store.ask(state.asked)
    return store


@pytest.mark.req("P-17")
@pytest.mark.parametrize("step", BEFORE)
def test_a_step_is_remembered(tmp_path, step):
    before, act, after = BEFORE[step]
    store = prepared(tmp_path / "state", before)
    assert store.load() == before
    act(store)
    assert IdentityStore(tmp_path / "state").load() == after


def cut_short(act, store, calls):
    """Run ``act`` in a child that dies after so many calls into the system; whether it finished."""
    child = os.fork()
    if child == 0:
        left = calls

        def count(frame, event, argument):
            nonlocal left
            owner = getattr(argument, "__self__", None)
            if event == "c_return" and (owner is posix or isinstance(owner, io.IOBase)):
                left -= 1
                if left == 0:
                    os._exit(7)

        sys.setprofile(count)
        act(store)
        sys.setprofile(None)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.req("P-17")
@pytest.mark.parametrize("step", BEFORE)
def test_a_crash_anywhere_leaves_the_state_before_or_after(tmp_path, step):
    before, act, after = BEFORE[step]
    seen = set()
    for calls in range(1, 10_000):
        folder = tmp_path / str(calls)
        store = prepared(folder, before)
        finished = cut_short(act, store, calls)
        found = IdentityStore(folder).load()
        assert found in (before, after), f"after {calls} calls"
        seen.add("after" if found == after else "before")
        # Whatever the crash left lying about, the next step works.
        IdentityStore(folder).propose(OLD)
        assert IdentityStore(folder).load().candidate == OLD
        if finished:
            break
    assert finished and found == after
    assert seen == {"before", "after"}, "the cuts must have hit both sides of the rename"


def test_only_the_agent_may_read_it(tmp_path):
    old = os.umask(0)
    try:
        store = prepared(tmp_path, Stored(OLD, NEW))
    finally:
        os.umask(old)
    file = tmp_path / "identity.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    store.commit()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["identity.json"]


def test_a_leftover_that_others_may_read_does_not_lend_its_mode(tmp_path):
    leftover = tmp_path / "identity.new"
    leftover.write_text("half")
    leftover.chmod(0o666)
    prepared(tmp_path, Stored(OLD))
    assert stat.S_IMODE((tmp_path / "identity.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"current": 5, "candidate": null}',
        b'{"current": {"device_id": "", "key": "DK-old"}, "candidate": null}',
        b'{"current": {"device_id": "7432"}, "candidate": null}',
        b'{"current": null, "candidate": null, "asked": 5}',
        b'{"current": null, "candidate": null, "asked": ""}',
    ],
)
def test_a_damaged_file_is_set_aside_with_one_warning(tmp_path, caplog, damage):
    (tmp_path / "identity.json").write_bytes(damage)
    store = IdentityStore(tmp_path)
    assert store.load() == Stored()
    assert store.load() == Stored()
    assert (tmp_path / "identity.damaged").read_bytes() == damage
    assert len(caplog.messages) == 1 and "DK-old" not in caplog.text
    store.propose(NEW)
    assert store.load() == Stored(None, NEW)


def test_what_cannot_be_read_or_written_is_told(tmp_path):
    (tmp_path / "identity.json").mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        IdentityStore(tmp_path).load()
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"identity\.json cannot be"):
        IdentityStore(tmp_path / "file").propose(NEW)


def test_without_a_candidate_nothing_is_written(tmp_path):
    store = prepared(tmp_path, Stored(OLD))
    written = (tmp_path / "identity.json").stat().st_ino
    store.commit()
    store.roll_back()
    assert (tmp_path / "identity.json").stat().st_ino == written
    assert store.load() == Stored(OLD)


def test_a_bystander_sees_the_same_and_changes_nothing(tmp_path):
    store = prepared(tmp_path / "state", Stored(OLD, None, KEY))
    assert IdentityStore(tmp_path / "state").look() == store.load() == Stored(OLD, None, KEY)
    assert IdentityStore(tmp_path / "nowhere").look() == Stored()
    (tmp_path / "identity.json").write_bytes(b"{}")
    with pytest.raises(StorageError, match="is damaged"):
        IdentityStore(tmp_path).look()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["identity.json"]
    (tmp_path / "state" / "identity.json").unlink()
    (tmp_path / "state" / "identity.json").mkdir()
    with pytest.raises(StorageError, match="sudo"):
        IdentityStore(tmp_path / "state").look()
