"""The PIN: its hash, and how often it may be wrong."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.phone.pin import SALT_BYTES, PinHash, fault_of
from agent.phone.pinlock import FILE, PinLock, Stamp, Tries
from tests.support.clock import FakeClock

PIN = "480215"
DAY = 86_400.0


class Known(PinHash):
    """The PIN without the work: the lock does not care how it is told apart."""

    def matches(self, pin: str) -> bool:
        return pin == PIN


KNOWN = Known(10, 1, 1, b"", b"")


# --- the hash -------------------------------------------------------------------------------------


def test_a_hash_knows_its_pin_and_no_other() -> None:
    made = PinHash.of(PIN, bytes(SALT_BYTES))
    again = PinHash.parse(str(made))
    assert again == made
    assert again.matches(PIN)
    assert not again.matches("480216") and not again.matches(PIN + "0")


def test_a_hash_shows_nothing_of_the_pin() -> None:
    made = PinHash.of(PIN, bytes(SALT_BYTES))
    assert PIN not in str(made) and PIN not in repr(made)
    assert "salt" not in repr(made) and "key=" not in repr(made)


@pytest.mark.parametrize("pin", ["", "12345", "123456", "987654", "000000", "1" * 21, "12345a",
                                 "１２３４５７", " 480215"])
def test_what_is_no_pin(pin: str) -> None:
    assert fault_of(pin) is not None
    with pytest.raises(ValueError):
        PinHash.of(pin, bytes(SALT_BYTES))


@pytest.mark.parametrize("text", [
    "", "480215", "scrypt$14$8$1$$", "scrypt$14$8$1$AAAA$AAAA", "scrypt$14$8$1$AAAAAAAAAAAAAAAA",
    "scrypt$20$8$1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "bcrypt$1$2$3$a$b",
    "scrypt$14$0$1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAA",
])  # fmt: skip
def test_what_is_no_hash_is_said_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError) as told:
        PinHash.parse(text)
    assert not text or text not in str(told.value)


# --- the lock -------------------------------------------------------------------------------------


def lock(folder: Path, clock: FakeClock, most: int = 10, period: float = DAY) -> PinLock:
    return PinLock(folder, clock, most, period)


def test_ten_wrong_ones_lock_it_even_for_the_right_one(tmp_path: Path) -> None:
    clock = FakeClock()
    guard = lock(tmp_path, clock)
    assert [guard.check(KNOWN, "111112") for _ in range(11)] == ["wrong"] * 10 + ["locked"]
    assert guard.check(KNOWN, PIN) == "locked"
    clock.advance(DAY - 1)
    assert guard.check(KNOWN, PIN) == "locked"
    clock.advance(2)
    assert guard.check(KNOWN, PIN) == "right"


def test_the_lock_survives_a_restart_and_a_reboot(tmp_path: Path) -> None:
    clock = FakeClock()
    for _ in range(10):
        assert lock(tmp_path, clock).check(KNOWN, "111112") == "wrong"
    clock.reboot()
    assert lock(tmp_path, clock).check(KNOWN, PIN) == "locked"
    clock.advance(DAY)
    assert lock(tmp_path, clock).check(KNOWN, PIN) == "right"


def test_without_a_clock_a_reboot_shortens_no_lock(tmp_path: Path) -> None:
    clock = FakeClock(trust=False)
    for _ in range(10):
        lock(tmp_path, clock).check(KNOWN, "111112")
    for _ in range(3):
        clock.reboot()
        clock.advance(DAY - 1)
        assert lock(tmp_path, clock).check(KNOWN, PIN) == "locked"
    clock.advance(1)
    assert lock(tmp_path, clock).check(KNOWN, PIN) == "right"


def test_the_owner_gives_a_stranger_no_more_tries(tmp_path: Path) -> None:
    guard = lock(tmp_path, FakeClock())
    for _ in range(9):
        assert guard.check(KNOWN, "111112") == "wrong"
        assert guard.check(KNOWN, PIN) == "right"
    assert guard.check(KNOWN, "111112") == "wrong"
    assert guard.check(KNOWN, PIN) == "locked"


def test_the_right_one_as_the_last_try_locks_nothing(tmp_path: Path) -> None:
    guard = lock(tmp_path, FakeClock())
    for _ in range(9):
        guard.check(KNOWN, "111112")
    assert guard.check(KNOWN, PIN) == "right"
    assert guard.locked_for() is None


def test_unlocking(tmp_path: Path) -> None:
    guard = lock(tmp_path, FakeClock(), most=1)
    guard.check(KNOWN, "111112")
    assert guard.locked_for() == DAY
    guard.unlock()
    guard.unlock()
    assert guard.check(KNOWN, PIN) == "right"


@pytest.mark.parametrize("text", ["", "[]", '{"wrong": [1], "locked": null}',
                                  '{"wrong": [{"boot": 1, "mono": 1}], "locked": null}'])
def test_a_damaged_file_locks_until_it_is_unlocked(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    guard = lock(tmp_path, FakeClock())
    assert guard.check(KNOWN, PIN) == "locked"
    guard.unlock()
    assert guard.check(KNOWN, PIN) == "right"


def test_what_cannot_be_counted_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "pin-lock.new").mkdir()  # in the way of every write, for root too
    assert lock(tmp_path, FakeClock()).check(KNOWN, PIN) == "locked"


def test_the_file_is_ours_alone_and_holds_no_pin(tmp_path: Path) -> None:
    lock(tmp_path, FakeClock()).check(KNOWN, "918273")
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert "918273" not in (tmp_path / FILE).read_text()


def test_a_crash_while_it_was_looked_at_counts(tmp_path: Path) -> None:
    class Dies(Known):
        def matches(self, pin: str) -> bool:
            raise KeyboardInterrupt

    clock = FakeClock()
    for _ in range(10):
        with pytest.raises(KeyboardInterrupt):
            lock(tmp_path, clock).check(Dies(10, 1, 1, b"", b""), PIN)
    assert lock(tmp_path, clock).check(KNOWN, PIN) == "locked"


PAUSES = st.lists(st.tuples(st.floats(0, 30 * 3600), st.booleans()), max_size=80)


@given(PAUSES)
@settings(max_examples=200)
def test_never_more_than_ten_guesses_in_any_24_hours(
    pauses: list[tuple[float, bool]],
) -> None:
    """The rule alone, in memory: at every moment a guess that is let through, or a restart."""
    now, boot, tries, guesses = 0.0, 0.0, Tries(), []
    for pause, reboots in pauses:
        now += pause
        boot = now if reboots else boot
        stamp = Stamp(f"b{boot}", now - boot, epoch=now)
        tries = tries.at(stamp, DAY)
        if tries.locked is None:
            tries = tries.counted(stamp, 10)
            guesses.append(now)
    for end in guesses:
        assert sum(end - DAY < at <= end for at in guesses) <= 10


# --- the commands ---------------------------------------------------------------------------------


def cht_agent(folder: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *words], input=given, text=True, capture_output=True,
        cwd=folder, timeout=60, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])})


def test_the_hash_alone_is_printed_and_no_configuration_is_needed(tmp_path: Path) -> None:
    done = cht_agent(tmp_path, "phone", "pin", given=f"{PIN}\n{PIN}\n")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert PinHash.parse(line).matches(PIN)


@pytest.mark.parametrize(("given", "why"), [
    (f"{PIN}\n480216\n", "two different"), (f"{PIN}\n", "two lines"), ("", "two lines"),
    ("123\n123\n", "6 to 20"), ("123456\n123456\n", "in their order"),
])  # fmt: skip
def test_a_pin_that_will_not_do(tmp_path: Path, given: str, why: str) -> None:
    done = cht_agent(tmp_path, "phone", "pin", given=given)
    assert (done.returncode, done.stdout) == (1, "")
    assert why in done.stderr and len(done.stderr.splitlines()) == 1
    assert PIN not in done.stderr


def test_unlocking_without_a_running_agent(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text(
        '[service]\nstate_dir = "."\nsocket = "s"\n[platform]\nhost = "127.0.0.1"\n'
        '[registry]\nproduct_code = "pi"\n[hardware]\nbackend = "simulated"\n')
    guard = lock(tmp_path, FakeClock(), most=1)
    guard.check(KNOWN, "111112")
    done = cht_agent(tmp_path, "phone", "unlock", "--config", "agent.toml")
    assert (done.returncode, done.stdout) == (0, "PINs are taken again\n"), done.stderr
    assert guard.check(KNOWN, PIN) == "right"
