from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reporter.clients.store import FolderStore
from reporter.core.errors import ReporterError
from reporter.state.events import LONGEST, Attempt, begin

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def test_an_event_that_is_handled_says_what_came_of_it(store: FolderStore) -> None:
    first = begin(store, "key", "a", NOW)
    assert isinstance(first, Attempt)
    first.done({"run": "run-000001"})
    assert begin(store, "key", "b", NOW) == {"run": "run-000001"}
    assert isinstance(begin(store, "other", "b", NOW), Attempt)


def test_one_attempt_at_a_time(store: FolderStore) -> None:
    begin(store, "key", "a", NOW)
    with pytest.raises(ReporterError, match="another invocation"):
        begin(store, "key", "b", NOW + LONGEST - timedelta(seconds=1))


def test_an_attempt_that_ended_died_or_comes_again_makes_way(store: FolderStore) -> None:
    first = begin(store, "key", "a", NOW)
    assert isinstance(first, Attempt)
    first.ended(NOW)
    second = begin(store, "key", "b", NOW)
    again = begin(store, "key", "b", NOW)
    last = begin(store, "key", "c", NOW + LONGEST)
    assert [one.number for one in (first, second, again, last) if isinstance(one, Attempt)] == [1, 2, 3, 4]


def test_a_record_that_cannot_be_read_is_an_error_for_people(store: FolderStore) -> None:
    store.create("events/key/attempt-001.json", b"{")
    with pytest.raises(ReporterError, match="cannot be read") as caught:
        begin(store, "key", "a", NOW)
    assert "events/key/attempt-001.json" in str(caught.value)
