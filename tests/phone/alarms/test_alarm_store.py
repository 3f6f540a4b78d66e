"""What is kept over a restart, and what a damaged file leads to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.errors import StorageError
from agent.phone.alarms.store import AlarmStore, document_of
from tests.phone.alarms.rig import PHONES, World


def busy_world() -> World:
    world = World()
    world.fire("hot")
    world.wait_for_call()
    world.answer_and("2")
    world.wait_for_call()
    world.fire("wet")
    world.acknowledge("wet")
    return world


def test_everything_comes_back(tmp_path: Path) -> None:
    world = busy_world()
    store = AlarmStore(tmp_path)
    store.save(document_of(world.situation))
    assert store.load() == world.situation
    file = tmp_path / "alarms.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(number in file.read_text() for number in PHONES.values())


def test_flapping_is_not_written_down() -> None:
    world = busy_world()
    before = document_of(world.situation)
    world.clear("hot")
    assert document_of(world.situation) == before


def test_nothing_is_there_at_first(tmp_path: Path) -> None:
    assert AlarmStore(tmp_path).load().incidents == {}


@pytest.mark.parametrize("damage", [
    b"", b"{", b"[]", b'{"incidents": 1}', b'{"incidents":[{}]}',
    b'{"incidents":[],"dials":[{"id":"x"}],"tested":""}',
])  # fmt: skip
def test_a_damaged_file_is_set_aside(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "alarms.json").write_bytes(damage)
    assert AlarmStore(tmp_path).load().incidents == {}
    assert (tmp_path / "alarms.damaged").read_bytes() == damage


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_a_folder_that_may_not_be_written_is_told_of(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="cannot be written"):
        AlarmStore(tmp_path).save({})
    tmp_path.chmod(0o700)
