"""Who we are while the registry speaks, the platform proves or refuses, and the card fails."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.model import Secret
from agent.identity.keeper import Keeper
from agent.identity.registry import Identity
from agent.identity.store import IdentityStore, Stored
from agent.protocol.registry import Reconfigure, SetDeviceId

A = Identity("7432", Secret("DK-a"), "registry")
B = Identity("8000", Secret("DK-b"), "registry")
C = Identity("9999", Secret("DK-c"), "registry")
CONFIGURED = Identity("1", Secret("DK-config"), "config")


def says(identity: Identity) -> SetDeviceId:
    return SetDeviceId(identity.key.reveal(), identity.device_id)


class Bench:
    """A keeper on a folder; ``changes`` counts its calls."""

    def __init__(
        self, folder: Path, configured: Identity | None = None, relocatable: bool = False
    ) -> None:
        self.changes = 0
        self.store = IdentityStore(folder)
        self.keeper = Keeper(self.store, configured, relocatable, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def become(self, identity: Identity) -> None:
        self.keeper.hear(says(identity))
        self.keeper.proven(identity)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_nobody_listens_to_be_told(bench: Bench) -> None:
    assert (bench.keeper.wanted, bench.keeper.listens) == (None, True)


@pytest.mark.req("P-17")
def test_what_the_registry_says_is_tried_at_once_and_kept_when_proven(bench: Bench) -> None:
    bench.keeper.hear(says(A))
    # It may have been a misprint: while nothing is proven the registry is still heard.
    assert (bench.keeper.wanted, bench.keeper.listens) == (A, True)
    assert bench.store.load() == Stored(None, A)
    assert bench.changes == 1
    bench.keeper.proven(A)
    assert bench.store.load() == Stored(A, None)
    assert (bench.keeper.wanted, bench.keeper.listens) == (A, False)
    assert bench.changes == 2


def test_a_refused_candidate_gives_way_to_the_proven_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path, relocatable=True)
    bench.become(A)
    bench.keeper.hear(says(B))
    assert bench.keeper.wanted == B
    bench.keeper.refused(B)
    assert bench.keeper.wanted == A
    assert bench.store.load() == Stored(A, None)


def test_a_refused_first_identity_is_forgotten(bench: Bench) -> None:
    bench.keeper.hear(says(A))
    bench.keeper.refused(A)
    assert bench.keeper.wanted is None and bench.keeper.listens
    assert bench.store.load() == Stored()


@pytest.mark.req("P-19")
def test_a_refused_proven_identity_is_kept_and_can_be_replaced(bench: Bench) -> None:
    bench.become(A)
    bench.keeper.refused(A)
    assert bench.keeper.wanted == A, "the platform may take it again"
    assert bench.keeper.listens
    bench.become(B)
    assert bench.keeper.wanted == B and not bench.keeper.listens


def test_a_refusal_that_passes_closes_the_registry_again(bench: Bench) -> None:
    bench.become(A)
    bench.keeper.refused(A)
    bench.keeper.proven(A)
    assert not bench.keeper.listens
    bench.keeper.hear(says(B))
    assert bench.keeper.wanted == A


def test_the_old_connection_proves_nothing_for_a_new_identity(tmp_path: Path) -> None:
    """It may come up, or be refused, in the same moment as the registry speaks."""
    bench = Bench(tmp_path, relocatable=True)
    bench.become(A)
    bench.keeper.hear(says(B))
    bench.keeper.proven(A)
    assert bench.store.load() == Stored(A, B), "an unproven key was taken for proven"
    bench.keeper.refused(A)
    assert bench.keeper.wanted == B, "a key was forgotten that nobody has refused"
    bench.keeper.refused(B)
    assert bench.keeper.wanted == A


def test_a_configured_identity_always_stays(tmp_path: Path) -> None:
    IdentityStore(tmp_path).propose(A)
    bench = Bench(tmp_path, CONFIGURED, relocatable=True)
    assert bench.keeper.wanted == CONFIGURED and not bench.keeper.listens
    bench.keeper.hear(says(B))
    bench.keeper.refused(CONFIGURED)
    assert bench.keeper.wanted == CONFIGURED and not bench.keeper.listens
    assert bench.store.load() == Stored(None, A), "what is stored is not its business"


def test_a_candidate_from_before_a_crash_is_proven_again(tmp_path: Path) -> None:
    Bench(tmp_path).keeper.hear(says(A))
    again = Bench(tmp_path)
    assert again.keeper.wanted == A and again.keeper.listens
    again.keeper.proven(A)
    assert Bench(tmp_path).keeper.wanted == A
    assert not Bench(tmp_path).keeper.listens


@pytest.mark.req("P-18")
def test_what_reconfigure_asks_is_kept_until_it_is_done(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = Secret("PK-secret")
    bench.keeper.hear(Reconfigure("PK-secret"))
    bench.keeper.hear(Reconfigure("PK-secret"))
    assert (bench.keeper.asked, bench.keeper.wanted, bench.keeper.listens) == (key, None, True)
    assert bench.changes == 1, "the second time is no news"
    again = Bench(tmp_path)
    assert again.keeper.asked == key and again.keeper.listens
    again.keeper.founded(Secret("PK-other"), "1")
    assert again.keeper.asked == key and again.changes == 0
    again.keeper.founded(key, "7432")
    new = Identity("7432", key, "registry")
    assert (again.keeper.asked, again.keeper.wanted) == (None, new)
    assert again.store.load() == Stored(None, new)
    again.keeper.proven(new)
    assert again.store.load() == Stored(new) and not again.keeper.listens
    assert "PK-secret" not in caplog.text


@pytest.mark.req("P-18")
def test_what_cannot_be_done_is_forgotten(tmp_path: Path) -> None:
    bench = Bench(tmp_path, relocatable=True)
    bench.become(A)
    bench.keeper.hear(Reconfigure("PK-x"))
    assert bench.keeper.wanted == A, "it goes on as it was meanwhile"
    bench.keeper.not_founded(Secret("PK-other"))
    assert bench.keeper.asked == Secret("PK-x")
    bench.keeper.not_founded(Secret("PK-x"))
    assert bench.keeper.asked is None and bench.store.load() == Stored(A)


@pytest.mark.req("P-18")
def test_a_device_that_finds_itself_again_goes_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path, relocatable=True)
    bench.become(A)
    bench.keeper.hear(Reconfigure(A.key.reveal()))
    bench.keeper.founded(A.key, A.device_id)
    assert bench.keeper.wanted == A and bench.store.load() == Stored(A)


@pytest.mark.req("P-17", "P-18")
def test_the_last_message_counts(bench: Bench) -> None:
    bench.keeper.hear(Reconfigure("PK-x"))
    bench.keeper.hear(says(A))
    assert bench.keeper.asked is None and bench.store.load() == Stored(None, A)
    bench.keeper.founded(Secret("PK-x"), "9")
    bench.keeper.not_founded(Secret("PK-x"))
    assert bench.keeper.wanted == A
    bench.keeper.hear(Reconfigure("PK-y"))
    assert bench.keeper.wanted is None and bench.store.load() == Stored(asked=Secret("PK-y"))
    bench.keeper.hear(Reconfigure("PK-z"))
    assert bench.keeper.asked == Secret("PK-z")


def test_a_card_that_takes_nothing_does_not_stop_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path / "file" / "state")
    (tmp_path / "file").write_text("in the way of the folder")
    with caplog.at_level(logging.INFO):
        bench.become(A)
    assert bench.keeper.wanted == A and not bench.keeper.listens
    assert "will be forgotten when the agent stops" in caplog.text
    assert "DK-a" not in caplog.text


events = st.lists(
    st.tuples(st.sampled_from(["hear", "ask", "founded", "not", "proven", "refused", "restart"]),
              st.sampled_from([A, B, C])), max_size=25)


@given(events, st.booleans())
def test_memory_and_file_never_disagree_and_nothing_unproven_becomes_current(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, Identity]], relocatable: bool
) -> None:
    folder = tmp_path_factory.mktemp("keeper")
    bench = Bench(folder, relocatable=relocatable)
    proven: set[str] = set()
    for what, identity in events:
        if what == "hear":
            bench.keeper.hear(says(identity))
        elif what == "ask":
            bench.keeper.hear(Reconfigure(identity.key.reveal()))
        elif what == "founded":
            bench.keeper.founded(identity.key, identity.device_id)
        elif what == "not":
            bench.keeper.not_founded(identity.key)
        elif what == "restart":
            bench = Bench(folder, relocatable=relocatable)
        elif what == "proven":
            # The link can only have been with an identity that was wanted at some time.
            if identity == bench.keeper.wanted:
                proven.add(identity.device_id)
            bench.keeper.proven(identity)
        else:
            bench.keeper.refused(identity)
        stored = bench.store.load()
        assert bench.keeper.wanted == (stored.candidate or stored.current)
        assert bench.keeper.asked == stored.asked
        assert stored.asked is None or (stored.candidate is None and bench.keeper.listens)
        assert stored.current is None or stored.current.device_id in proven
        assert bench.keeper.wanted is not None or bench.keeper.listens, "nobody, and deaf"
    text = folder / "identity.json"
    found = set(json.loads(text.read_text())) if text.exists() else set()
    assert found - {"asked"} in (set(), {"current", "candidate"})
