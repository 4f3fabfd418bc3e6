"""The chain of seals in the state: one seal follows another, whoever seals at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reporter.clients.store import FolderStore
from reporter.core.errors import ReporterError
from reporter.evidence.seal import Head
from reporter.state import sequence
from reporter.state.chain import chain_id, follow, head, holds, newest_of, ranges, sealed_numbers, unsealed

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def seal(number: int, word: str = "") -> bytes:
    return f"run_id: main-{number:06d}\nsequence: {number}\nword: {word}\n".encode()


def test_seals_follow_one_another_in_the_order_of_sealing_not_of_their_numbers(store: FolderStore) -> None:
    assert head(store, "main") is None
    for number in (1, 3, 2, 7):
        assert follow(store, "main", head(store, "main"), seal(number))
        assert head(store, "main") == Head.of(seal(number))
    assert sealed_numbers(store, "main") == {1, 2, 3, 7}
    assert holds(store, "main", seal(2))
    assert not holds(store, "main", seal(2, "another"))
    assert head(store, "main-two") is None


def test_the_newest_of_a_kind_is_found_behind_others(store: FolderStore) -> None:
    for number, kind in enumerate(("scheduled", "judge", "scheduled", "apply", "undo"), 1):
        follow(store, "main", head(store, "main"), seal(number) + f"kind: {kind}\n".encode())
    assert [(found.number if found else 0) for found in (newest_of(store, "main", kind) for kind in ("scheduled", "judge", "event"))] == [3, 2, 0]
    assert newest_of(store, "other", "scheduled") is None


def test_of_many_that_follow_the_same_seal_one_does(store: FolderStore) -> None:
    follow(store, "main", None, seal(1))
    first, together = head(store, "main"), threading.Barrier(8, timeout=30)

    def try_it(number: int) -> bool:
        together.wait()
        return follow(store, "main", first, seal(number))

    with ThreadPoolExecutor(8) as threads:
        won = [number for number, done in zip(range(2, 10), threads.map(try_it, range(2, 10)), strict=True) if done]
    assert [head(store, "main")] == [Head.of(seal(number)) for number in won]


def test_numbers_that_were_claimed_and_not_sealed_are_told_with_the_next_seal(store: FolderStore) -> None:
    for _ in range(6):
        sequence.claim(store, "main", 0, NOW)
    follow(store, "main", None, seal(1))
    follow(store, "main", head(store, "main"), seal(4))
    claimed = sequence.claimed(store, "main")
    assert claimed == {1, 2, 3, 4, 5, 6}
    assert unsealed(store, "main", claimed, Head.of(seal(1)), 4) == "2-3"
    assert unsealed(store, "main", claimed, Head.of(seal(4)), 6) == "5"
    assert unsealed(store, "main", claimed, Head.of(seal(4)), 3) == ""
    assert unsealed(store, "main", {1, 9}, Head.of(seal(4)), 12) == "9"


def test_a_number_that_is_sealed_is_never_given_again(store: FolderStore) -> None:
    follow(store, "main", None, seal(5))
    assert sequence.last_known(store, "main") == 5
    assert sequence.claim(store, "main", 0, NOW) == 6


def test_ranges_stay_small() -> None:
    assert ranges([]) == ""
    assert ranges([9, 5, 7, 8]) == "5, 7-9"
    assert len(ranges(range(1, 10_000, 2))) < 1000


def test_a_chain_has_one_id(store: FolderStore, tmp_path: Path) -> None:
    one = chain_id(store, "main", NOW)
    assert one.startswith("2026-11-24T03:00:00Z ")
    assert chain_id(store, "main", NOW) == one
    assert chain_id(FolderStore(tmp_path / "lost"), "main", NOW) != one


@pytest.mark.parametrize("text", [b"", b"nothing of the kind", b"run_id: x\nsequence: many\n"])
def test_a_seal_that_cannot_be_read_stops_the_chain(store: FolderStore, text: bytes) -> None:
    follow(store, "main", None, text)
    with pytest.raises(ReporterError, match="the chain of seals cannot be followed: it is no seal"):
        head(store, "main")


@pytest.mark.parametrize("numbers", [(1, 2, 2), (1, 2, 3, 1)])
def test_a_chain_that_leads_back_to_itself_is_said_and_not_walked_for_ever(store: FolderStore, numbers: tuple[int, ...]) -> None:
    before: Head | None = None
    for number in numbers:
        follow(store, "main", before, seal(number))
        before = Head.of(seal(number))
    with pytest.raises(ReporterError, match="it leads back to itself"):
        head(store, "main")
