from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reporter.clients.store import FolderStore
from reporter.core.change import ActionState, Change
from reporter.core.errors import ReporterError
from reporter.state.journal import Journal, next_part, read, runs_of

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
CHANGE = Change("assign_ips_rule", "main/policy/9", "main", "-", "HIGH", "because", {"assigned": [1]}, {"assigned_too": [2]}, ("main/policy/9",))
BEGIN = {"plan": "hash", "change": CHANGE.as_json(), "started": "2026-11-24T03:00:00Z"}
CALL = {"call": "POST /policies/9/intrusionprevention/assignments", "body": {"ruleIDs": [2]}}


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / ".state")


def journal(store: FolderStore, run: str = "main-000001", now: datetime = NOW) -> Journal:
    return Journal(store, run, lambda: now)


def write(journal: Journal, *events: tuple[str, dict[str, Any]], deed: str = "main-000001/0000") -> None:
    for event, facts in events:
        journal.write(deed, event, facts)


def test_nothing_written_is_no_past(store: FolderStore) -> None:
    assert list(read(store)) == []
    journal(store).close()
    assert store.names("") == []


def test_every_entry_is_there_before_the_next_is_written(store: FolderStore) -> None:
    one = journal(store)
    states: list[Any] = []
    for event, facts in (
        ("begin", BEGIN),
        ("call", CALL),
        ("answer", {"call": "x"}),
        ("end", {"state": "applied", "said": "ok", "delta": {"added": [2]}}),
    ):
        one.write("main-000001/0000", event, facts)
        (deed,) = read(store)
        states.append((len(deed.calls), len(deed.answers), deed.state, deed.delta))
    assert states == [(0, 0, None, {}), (1, 0, None, {}), (1, 1, None, {}), (1, 1, ActionState.APPLIED, {"added": [2]})]


def test_a_deed_is_told_whole(store: FolderStore) -> None:
    write(journal(store), ("begin", BEGIN), ("call", CALL))
    (deed,) = read(store)
    assert (deed.id, deed.run, deed.plan, deed.change, deed.begun) == ("main-000001/0000", "main-000001", "hash", CHANGE, NOW)
    assert deed.calls[0]["call"] == CALL["call"]
    assert deed.calls[0]["run"] == "main-000001"


def test_a_closed_journal_says_the_same_in_one_file(store: FolderStore) -> None:
    one = journal(store)
    write(one, ("begin", BEGIN), ("call", CALL), ("end", {"state": "pending", "said": "", "delta": {}}))
    before = read(store)
    one.close()
    assert store.names("journal/") == ["journal/main-000001.jsonl"]
    assert read(store) == before


def test_a_crash_while_closing_tells_nothing_twice(store: FolderStore) -> None:
    one = journal(store)
    write(one, ("begin", BEGIN), ("call", CALL))
    pieces = {name: store.read(name) for name in store.names("journal/")}
    one.close()
    for name, data in pieces.items():
        assert store.create(name, data or b"")
    (deed,) = read(store)
    assert len(deed.calls) == 1


def test_later_runs_go_on_telling_a_deed(store: FolderStore) -> None:
    write(journal(store), ("begin", BEGIN), ("call", CALL), ("end", {"state": "applied", "said": "a", "delta": {"added": [2]}}))
    later = NOW + timedelta(days=1)
    write(journal(store, "main-000002", later), ("end", {"state": "verified", "said": "seen", "delta": {}}))
    (deed,) = read(store)
    assert (deed.run, deed.state, deed.said, deed.delta, deed.at) == ("main-000001", ActionState.VERIFIED, "seen", {"added": [2]}, later)
    write(journal(store, "main-000003"), ("undo", {}))
    (deed,) = read(store)
    assert (deed.undoing, read(store).waiting()) == (True, [deed])
    write(journal(store, "main-000004"), ("end", {"state": "undone", "said": "", "delta": {}}))
    (deed,) = read(store)
    assert (deed.undoing, deed.state, read(store).waiting()) == (False, ActionState.UNDONE, [])


def test_entries_of_a_deed_nobody_began_are_passed_over(store: FolderStore) -> None:
    write(journal(store), ("end", {"state": "applied"}), ("a newer word", {}))
    write(journal(store, "main-000002"), ("begin", BEGIN), ("a newer word", {}))
    assert [deed.run for deed in read(store)] == ["main-000002"]


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"{}", b'{"at": "now", "deed": "d", "event": "end", "run": "r"}', b"\xff"])
def test_a_journal_that_cannot_be_read_stops_everything(store: FolderStore, line: bytes) -> None:
    store.create("journal/main-000001/000000.json", line)
    with pytest.raises(ReporterError, match="cannot be read") as caught:
        read(store)
    assert "main-000001" in caught.value.where


def test_two_runs_under_one_number_do_not_write_into_each_other(store: FolderStore) -> None:
    one, other = journal(store), journal(store)
    write(one, ("begin", BEGIN))
    with pytest.raises(ReporterError, match="another run"):
        write(other, ("begin", BEGIN))
    one.close()
    other.written, other._lines = 1, [b"something else"]
    with pytest.raises(ReporterError, match="another run"):
        other.close()
    assert len(list(read(store))) == 1


def test_runs_that_wrote_are_known_though_they_never_finished(store: FolderStore) -> None:
    assert runs_of(store, "main") == set()
    write(journal(store, "main-000007"), ("begin", BEGIN))
    closed = journal(store, "main-000003")
    write(closed, ("begin", BEGIN))
    closed.close()
    store.create("journal/main-two-000099/000000.json", b"{}")
    assert (runs_of(store, "main"), runs_of(store, "other")) == ({3, 7}, set())


def test_values_of_the_world_are_kept_as_text(store: FolderStore) -> None:
    write(journal(store), ("begin", BEGIN), ("answer", {"call": "x", "answer": {"at": NOW}}))
    assert json.loads(store.read("journal/main-000001/000001.json") or b"")["answer"] == {"at": str(NOW)}


def test_a_run_that_was_cut_writes_a_part_of_its_own_that_is_read_after_the_first(store: FolderStore) -> None:
    assert next_part(store, "main-000001") == "main-000001"
    write(journal(store), ("begin", BEGIN), ("call", CALL))
    for part in ("main-000001_2", "main-000001_3"):
        assert next_part(store, "main-000001") == part
        going_on = Journal(store, "main-000001", lambda: NOW, part=part)
        write(going_on, ("end", {"state": "applied", "said": part, "delta": {}}))
        (deed,) = read(store)
        assert (deed.run, deed.state, deed.said) == ("main-000001", ActionState.APPLIED, part)
        going_on.close()
        (deed,) = read(store)
        assert deed.said == part
    assert next_part(store, "main-000010") == "main-000010"
    assert runs_of(store, "main") == {1}


def test_a_part_after_one_that_was_closed_is_read_too(store: FolderStore) -> None:
    whole = journal(store)
    write(whole, ("begin", BEGIN), ("call", CALL))
    whole.close()
    write(Journal(store, "main-000001", lambda: NOW, part=next_part(store, "main-000001")), ("end", {"state": "verified", "said": "", "delta": {}}))
    write(journal(store, "main-000002"), ("undo", {}), ("end", {"state": "undone", "said": "", "delta": {}}))
    (deed,) = read(store)
    assert deed.state is ActionState.UNDONE
