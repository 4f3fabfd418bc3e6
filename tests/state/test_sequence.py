from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from reporter.clients.store import FolderStore
from reporter.state.sequence import claim, last_known

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def test_numbers_go_up_from_what_is_known(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert last_known(store, "main") == 0
    assert [claim(store, "main", 0, NOW) for _ in range(3)] == [1, 2, 3]
    assert claim(store, "main", 9, NOW) == 10
    assert (last_known(store, "main"), last_known(store, "main-two")) == (10, 0)


def test_a_run_that_wrote_into_the_journal_and_died_keeps_its_number(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.create("journal/main-000004/000000.json", b"{}")
    assert claim(store, "main", 1, NOW) == 5


def test_what_is_no_number_is_passed_over(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.create("runs/main-x.json", b"{}")
    assert claim(store, "main", 0, NOW) == 1


def test_runs_at_once_get_different_numbers(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(partial(claim, store, "main", now=NOW), [0] * 24))
    assert sorted(numbers) == list(range(1, 25))
