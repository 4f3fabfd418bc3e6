from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reporter.core.errors import ScheduleError
from reporter.core.ledger import LedgerRow
from reporter.core.scope import Scope, ScopeState
from reporter.history.stored import read_ledger, read_run
from reporter.reports.record import write_csv
from reporter.schedule import parse
from reporter.tables.joined import SCOPES
from tests.test_schedule import GOOD

ROWS: list[tuple[Any, ...]] = [
    ("111122223333", "eu-central-1", "ec2", "ok", 12, 3, 1, 0.25, None, None),
    ("111122223333", "global", "iam", "denied", 0, 1, 0, 0.5, 'NA, "quoted"', "iam:ListRoles"),
    ("main", "-", "wp_roles", "ok", 1, 2, 0, 1.0, None, None),
]


def stored(folder: Path, **changes: Any) -> Path:
    said = {
        "id": "main-000001",
        "start": "2026-11-24T03:00:00Z",
        "endpoint_override": None,
        "schedule": json.loads(parse(GOOD, "here").model_dump_json()),
    }
    (folder / "run.json").write_text(json.dumps({**said, **changes}))
    return folder


def test_a_run_is_read_back_with_its_schedule_and_clock(tmp_path: Path) -> None:
    found = read_run(stored(tmp_path, endpoint_override="http://127.0.0.1:5000"))
    assert (found.run_id, found.now, found.endpoint_override) == ("main-000001", datetime(2026, 11, 24, 3, tzinfo=UTC), "http://127.0.0.1:5000")
    assert found.schedule == parse(GOOD, "here")


def test_a_run_against_aws_itself_has_no_override(tmp_path: Path) -> None:
    assert read_run(stored(tmp_path)).endpoint_override == ""


@pytest.mark.parametrize(
    "change", [{"start": "yesterday"}, {"start": None}, {"start": "2026-11-24T03:00:00"}, {"schedule": {}}, {"schedule": {"jobs": {}, "extra": 1}}]
)
def test_a_run_with_other_facts_is_no_finished_run(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ScheduleError, match="this is no finished run"):
        read_run(stored(tmp_path, **change))


@pytest.mark.parametrize("text", [None, "", "[]", "null", "{}"])
def test_a_folder_without_a_run_is_a_message(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(ScheduleError) as caught:
        read_run(tmp_path)
    assert "out/run-000001" in caught.value.fix


def test_the_ledger_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_csv(tmp_path / "scopes.csv", SCOPES, SCOPES.names, SCOPES.frame(ROWS))
    ledger = read_ledger(tmp_path)
    assert list(ledger) == [
        LedgerRow(Scope("111122223333", "eu-central-1", "ec2"), ScopeState.OK, 12, 3, 1, 0.25),
        LedgerRow(Scope("111122223333", "global", "iam"), ScopeState.DENIED, 0, 1, 0, 0.5, 'NA, "quoted"', "iam:ListRoles"),
        LedgerRow(Scope("main", "-", "wp_roles"), ScopeState.OK, 1, 2, 0, 1.0),
    ]
    assert len(ledger.planned) == 3


HEAD = ",".join(SCOPES.names)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "a,b\n1,2\n",
        f"{HEAD}\na,b,ec2,fine,1,1,0,0.1,,\n",
        f"{HEAD}\na,b,ec2,ok,many,1,0,0.1,,\n",
        f"{HEAD}\na,b,ec2,ok,1,1,0,0.1,,\na,b,ec2,denied,1,1,0,0.1,,\n",
    ],
)
def test_an_edited_ledger_is_a_message(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "scopes.csv").write_text(text)
    with pytest.raises(ScheduleError, match="the ledger of the run cannot be read"):
        read_ledger(tmp_path)
