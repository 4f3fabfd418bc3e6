from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reporter.core.call import Call
from reporter.core.errors import ScheduleError
from reporter.core.ledger import LedgerRow
from reporter.core.scope import Scope, ScopeState
from reporter.evidence.folder import building, finish
from reporter.evidence.unfinished import WITHIN, Begun, Unfinished, find, require_fit

START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
BEGUN = Begun("main-000001", 1, "nightly", START, "hash", "1.0", "")
AT = Scope("111122223333", "eu-central-1", "ec2")
OTHER = Scope("111122223333", "us-east-1", "ec2")
ROWS = {"things": [("a", START, 3, ("x", "y"), None), ("ä", None, 0, (), True)]}


def left(out: Path, begun: Begun = BEGUN) -> Unfinished:
    unfinished = Unfinished(out, begun)
    unfinished.begin()
    return unfinished


def call(scope: Scope = AT) -> Call:
    return Call(scope.account, scope.region, scope.source, "ec2", "DescribeThings", scope.region, "{}", (0,), (0, 1), attempts=2, date=START)


def keep(unfinished: Unfinished, folder: Path, scope: Scope = AT, state: ScopeState = ScopeState.OK) -> None:
    """A scope with one raw answer."""
    name = f"{scope.source}-{scope.region}"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"answer")
    unfinished.keep(LedgerRow(scope, state, 2, 1, 1, 0.5), ROWS, [call(scope)], {name: hashlib.sha256(b"answer").hexdigest()})


def test_a_scope_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    keep(left(tmp_path), tmp_path / "raw")
    ((scope, settled),) = find(tmp_path, "").settled(tmp_path / "raw", ()).items()
    assert (scope, settled.row) == (AT, LedgerRow(AT, ScopeState.OK, 2, 1, 1, 0.5))
    assert settled.calls == [call()]
    assert [tuple(tuple(cell) if isinstance(cell, list) else cell for cell in row) for row in settled.rows["things"]] == ROWS["things"]


@pytest.mark.parametrize("state", [ScopeState.DENIED, ScopeState.UNAVAILABLE])
def test_what_was_not_read_is_asked_again_unless_all_was_settled(tmp_path: Path, state: ScopeState) -> None:
    unfinished = left(tmp_path)
    keep(unfinished, tmp_path / "raw", state=state)
    keep(unfinished, tmp_path / "raw", OTHER, ScopeState.NOT_ENABLED)
    assert set(unfinished.settled(tmp_path / "raw", ())) == {OTHER}
    unfinished.gathered()
    assert set(unfinished.settled(tmp_path / "raw", ())) == {AT, OTHER}


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_a_scope_whose_raw_answer_is_not_as_it_was_written_is_read_again(tmp_path: Path, harm: str) -> None:
    unfinished = left(tmp_path)
    keep(unfinished, tmp_path / "raw")
    keep(unfinished, tmp_path / "raw", OTHER)
    raw = tmp_path / "raw" / "ec2-eu-central-1"
    raw.unlink() if harm == "gone" else raw.write_bytes(b"answe")
    assert set(unfinished.settled(tmp_path / "raw", ())) == {OTHER}


def test_a_record_that_is_torn_is_no_record(tmp_path: Path) -> None:
    unfinished = left(tmp_path)
    keep(unfinished, tmp_path / "raw")
    (record,) = tmp_path.glob(".unfinished-000001/*.settled")
    whole = record.read_bytes()
    for length in range(0, len(whole), 7):
        record.write_bytes(whole[:length])
        assert unfinished.settled(tmp_path / "raw", ()) == {}


def test_scopes_that_the_same_calls_read_are_kept_together_or_not_at_all(tmp_path: Path) -> None:
    unfinished = left(tmp_path)
    keep(unfinished, tmp_path / "raw")
    keep(unfinished, tmp_path / "raw", OTHER)
    third = replace(AT, region="eu-west-1")
    assert set(unfinished.settled(tmp_path / "raw", [frozenset({AT, OTHER})])) == {AT, OTHER}
    assert set(unfinished.settled(tmp_path / "raw", [frozenset({AT, third})])) == {OTHER}


def test_rows_that_no_file_can_hold_are_not_kept_and_break_nothing(tmp_path: Path) -> None:
    unfinished = left(tmp_path)
    unfinished.keep(LedgerRow(AT, ScopeState.OK), {"things": [("half a pair: \ud800",)]}, [], {})
    assert unfinished.settled(tmp_path, ()) == {}


@pytest.mark.parametrize("wanted", ["", "main-000001", "1", "run-000001"])
def test_a_cut_run_is_found_by_any_of_its_names(tmp_path: Path, wanted: str) -> None:
    left(tmp_path)
    assert find(tmp_path, wanted).begun == BEGUN


@pytest.mark.parametrize(
    ("begin", "wanted", "said"),
    [
        (False, "", "run without --resume"),
        (True, "main-000002", "--resume main-000001"),
    ],
)
def test_where_there_is_no_such_run_it_says_what_there_is(tmp_path: Path, begin: bool, wanted: str, said: str) -> None:
    if begin:
        left(tmp_path)
    with pytest.raises(ScheduleError) as caught:
        find(tmp_path, wanted)
    assert said in caught.value.fix


def test_a_run_that_was_cut_before_it_said_who_it_is_cannot_be_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-000001").mkdir()
    with pytest.raises(ScheduleError, match="no cut run"):
        find(tmp_path, "")


FITS: dict[str, Any] = {"now": START + WITHIN, "schedule": "hash", "job": None, "version": "1.0", "endpoint_override": ""}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"now": START + WITHIN + timedelta(seconds=1)}, "it began at 2026-11-24T03:00:00Z, and a run is gone on with for 6 hours"),
        ({"now": START - timedelta(seconds=1)}, "it began at"),
        ({"schedule": "another"}, "the schedule is not the one"),
        ({"job": "weekly"}, "a run of the job nightly"),
        ({"version": "1.1"}, "begun by version 1.0, this is 1.1"),
        ({"endpoint_override": "http://127.0.0.1:9"}, "went to AWS, now they would go to http://127.0.0.1:9"),
    ],
)
def test_what_does_not_belong_together_is_not_mixed(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    cut = left(tmp_path)
    require_fit(cut, **FITS)
    require_fit(cut, **{**FITS, "job": "nightly"})
    with pytest.raises(ScheduleError) as caught:
        require_fit(cut, **{**FITS, **change})
    assert said in caught.value.what
    assert caught.value.exit_code == 2


def test_a_run_that_is_over_leaves_nothing_to_go_on_with(tmp_path: Path) -> None:
    unfinished = left(tmp_path)
    unfinished.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_stops_says_how_far_it_came_and_how_to_go_on(tmp_path: Path) -> None:
    unfinished = Unfinished(tmp_path, BEGUN)
    assert "it had read nothing yet" in unfinished.stopped(7).meanwhile
    unfinished.begin()
    keep(unfinished, tmp_path / "raw")
    said = unfinished.stopped(7)
    assert said.meanwhile == "1 of 7 scopes are read; nothing is sealed or sent"
    assert said.fix == "reporter run --resume main-000001, with the same --schedule and --out, until 2026-11-24T09:00:00Z"
    unfinished.gathered()
    assert unfinished.stopped(7).meanwhile == "everything is read; nothing is sealed or sent"
    (tmp_path / "run-000001").mkdir()
    assert "the run is sealed" in unfinished.stopped(7).meanwhile


def broken(out: Path, *, begin: bool) -> None:
    with building(out) as (folder, number):
        (folder / "raw").mkdir()
        if begin:
            Unfinished(out, replace(BEGUN, number=number)).begin()
        raise KeyError


@pytest.mark.parametrize("begin", [True, False])
def test_the_folder_of_a_run_that_breaks_stays_only_if_it_can_be_gone_on_with(tmp_path: Path, begin: bool) -> None:
    with pytest.raises(KeyError):
        broken(tmp_path, begin=begin)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {".state"} | ({".building-000001", ".unfinished-000001"} if begin else set())


def test_a_run_that_goes_on_finds_its_folder_and_keeps_its_number(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        broken(tmp_path, begin=True)
    with building(tmp_path, again=1) as (folder, number):
        assert (number, folder.name, (folder / "raw").exists()) == (1, ".building-000001", True)
        finish(folder, number)
    with building(tmp_path, again=1) as (folder, number):  # it was sealed and cut before it was published
        assert (number, folder.name) == (1, "run-000001")


def test_a_run_that_does_not_go_on_removes_what_was_cut(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        broken(tmp_path, begin=True)
    with building(tmp_path) as (folder, number):
        assert (number, list(folder.iterdir())) == (1, [])
        assert not list(tmp_path.glob(".unfinished-*"))
