from __future__ import annotations

import csv
import json
import random
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reporter.core.table import Column, Kind, Table
from reporter.reports.record import CONTRACT, REPORT, safe, write_csv, write_lines
from reporter.tables.joined import RESULTS
from tests.reports.views import HOSTILE, TABLES, bare, hostile, row, view

ALL = Table(
    "all",
    "Every kind",
    ("name",),
    (
        Column("name", Kind.TEXT, "n"),
        Column("flag", Kind.FLAG, "f", nullable=True),
        Column("whole", Kind.INTEGER, "w", nullable=True),
        Column("number", Kind.NUMBER, "x", nullable=True),
        Column("at", Kind.TIME, "t", nullable=True),
        Column("texts", Kind.TEXTS, "ts"),
        Column("wholes", Kind.INTEGERS, "ws"),
    ),
)


def written(folder: Path, table: Table, rows: list[tuple[Any, ...]]) -> list[list[str]]:
    write_csv(folder / "t.csv", table, table.names, table.frame(rows))
    with (folder / "t.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_each_kind_has_its_own_form(tmp_path: Path) -> None:
    at = datetime(2026, 11, 24, 3, 0, 1, 999_999, tzinfo=UTC)
    rows = [("a", True, 7, 0.25, at, ("x", "y"), (3, 1)), ("b", False, 0, 100.0, None, (), ()), ("c", None, None, None, None, ("",), (0,))]
    assert written(tmp_path, ALL, rows) == [
        ["name", "flag", "whole", "number", "at", "texts", "wholes"],
        ["a", "true", "7", "0.25", "2026-11-24T03:00:01Z", "x;y", "3;1"],
        ["b", "false", "0", "100", "", "", ""],
        ["c", "", "", "", "", "", "0"],
    ]


@pytest.mark.parametrize("number", [0.0, 0.0004, 1234567.5, 0.001])
def test_a_number_is_short_and_never_exponential(tmp_path: Path, number: float) -> None:
    cell = written(tmp_path, ALL, [("a", None, None, number, None, (), ())])[1][3]
    assert float(cell) == pytest.approx(number, abs=0.0005)
    assert re.fullmatch(r"\d+(\.\d*[1-9])?", cell)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_permuted_rows_give_the_same_bytes(tmp_path: Path, table: Table) -> None:
    rows = [row(table, text) for text in HOSTILE] + [bare(table), row(table, "twice"), row(table, "twice")]
    files = []
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        write_csv(tmp_path / f"{seed}.csv", table, table.names, table.frame(rows))
        files.append((tmp_path / f"{seed}.csv").read_bytes())
    assert files[0] == files[1] == files[2]


def test_the_files_of_the_contract_hold_the_columns_of_the_contract(tmp_path: Path) -> None:
    REPORT.write(tmp_path, view())
    heads = {path.name: path.read_text(encoding="utf-8").splitlines()[0] for path in tmp_path.glob("*.csv")}
    assert heads == {
        "findings.csv": "source,finding_id,account,region,type,severity,resource,instance_id,protection,sample,archived,action,updated_at",
        "scopes.csv": "account,region,source,state,rows,calls,retries,seconds,message,permission",
        "results.csv": "check_id,resource,account,region,status,severity,reason,observed,expected,owner,first_seen,age_days,waiver,due,calls",
        "instances.csv": "account,region,instance_id,ecs_cluster,owner,protection,computer_id,policy,duplicates,last_contact,anti_malware,"
        "web_reputation,activity_monitoring,firewall,intrusion_prevention,integrity_monitoring,log_inspection,application_control",
        "virtual_patches.csv": "account,region,instance_id,image,cve,severity,state,rule_identifiers,policy,finding_arn,first_observed,age_days",
        "bucket_access.csv": "bucket,account,role_arn,instance_id,via,allowed_by,decision,protection",
        "web_entries.csv": "account,region,entry,type,internet_facing,web_acl,instances,policies,wanted_groups,present_groups,state",
        "controls.csv": "framework,control_id,title,status,confidence,checks,context,failing,unknown",
    }


def test_every_file_is_there_even_where_nothing_was_found(tmp_path: Path) -> None:
    REPORT.write(tmp_path, view({}))
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == sorted([*CONTRACT, "actions.jsonl", "config_evaluations.jsonl", "plan.json"])
    assert (tmp_path / "results.csv").read_text().count("\n") == 1
    assert (tmp_path / "actions.jsonl").read_bytes() == b""


def test_a_hostile_row_is_one_line_of_as_many_cells_and_no_formula(tmp_path: Path) -> None:
    REPORT.write(tmp_path, hostile())
    for name in CONTRACT:
        data = (tmp_path / name).read_bytes()
        assert data.count(b"\n") == 1 + len(HOSTILE)
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", data)
        with (tmp_path / name).open(encoding="utf-8", newline="") as stream:
            head, *rows = csv.reader(stream)
        assert {len(cells) for cells in rows} == {len(head)}
        for cell in (part for cells in rows for whole in cells for part in whole.split(";")):
            assert not re.match(r"\s*[=+\-@\uff1d]", cell)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("plain", "plain"),
        ("", ""),
        ("-", "-"),
        ("=", "="),
        ("-1.5", "-1.5"),
        ("+49", "+49"),
        ("=1", "'=1"),
        ("-1+1", "'-1+1"),
        ("@x", "'@x"),
        ("\n=1", "' =1"),
        ("a;=1;b", "a;'=1;b"),
        ("a-b", "a-b"),
        ("a\r\n\r\nb", "a b"),
    ],
)
def test_only_what_a_spreadsheet_would_run_is_led_by_an_apostrophe(text: str, cell: str) -> None:
    assert safe(text) == cell
    assert safe(cell) == cell


def test_a_cell_is_never_cut(tmp_path: Path) -> None:
    assert written(tmp_path, RESULTS, [row(RESULTS, "x" * 40_000)])[1][RESULTS.names.index("reason")] == "x" * 40_000


def test_lines_are_json_whatever_they_hold(tmp_path: Path) -> None:
    rows = [{"text": text, "b": 1, "a": None} for text in HOSTILE]
    write_lines(tmp_path / "t.jsonl", rows)
    lines = (tmp_path / "t.jsonl").read_bytes().split(b"\n")
    assert [json.loads(line) for line in lines[:-1]] == rows
    assert lines[0].endswith(b'"b":1,"a":null}')


def test_the_plan_and_the_evaluations_are_kept(tmp_path: Path) -> None:
    said = view(evaluations=[{"account": "111122223333", "compliance": "COMPLIANT"}])
    REPORT.write(tmp_path, said)
    assert json.loads((tmp_path / "plan.json").read_text()) == said.plan
    assert json.loads((tmp_path / "config_evaluations.jsonl").read_text())["compliance"] == "COMPLIANT"
