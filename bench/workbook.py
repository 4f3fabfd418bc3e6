"""Writes a workbook of many rows and says how fast, and how much memory it takes: `python -m bench.workbook --rows 200000`.

Three books: a table of 20 columns, the same table by openpyxl's write-only mode, and the whole report of a run with so many results, half of which
fail (so that the work list has as many links as a sheet can hold). Each is written by a process of its own; memory is the process's peak above what
it held when the rows stood ready.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pandas as pd

from bench.line import Line, contender, show
from bench.memory import took
from reporter.core.language import ENGLISH
from reporter.core.settings import OwnersSettings
from reporter.core.table import Column, Kind, Table
from reporter.judge import discover
from reporter.reports import cells, package, sheet, workbook
from reporter.reports.view import View
from reporter.tables.joined import INSTANCES, RESULTS

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
WIDE = Table(
    "wide",
    "20 columns: 14 texts, 4 numbers, a flag, an instant",
    ("text_00",),
    (
        *(Column(f"text_{number:02}", Kind.TEXT, "a text") for number in range(14)),
        *(Column(f"number_{number}", Kind.INTEGER, "a number") for number in range(4)),
        Column("flag", Kind.FLAG, "yes or no"),
        Column("at", Kind.TIME, "an instant"),
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Measure each book and print; or, asked by the program itself, be one of them. 1: a bar does not hold."""
    given = _parser().parse_args(arguments)
    if given.book:
        sys.stdout.write(json.dumps(_measured(BOOKS[given.book], given.rows)) + "\n")
        return 0
    return show(lines(20_000 if given.quick else given.rows), as_json=given.json)


def lines(rows: int) -> Iterator[Line]:
    """The figures."""
    said = {name: contender("bench.workbook", "--rows", str(rows), "--book", name) for name in BOOKS}
    rate = {name: rows / one["seconds"] for name, one in said.items()}
    what = f"workbook, {rows:,} rows of 20 columns; openpyxl's write-only mode"
    yield Line(what, rate["table"], "rows/s", 12, "at least", rate["openpyxl"], rate["table"] / rate["openpyxl"])
    yield Line(f"workbook, {rows:,} rows of 20 columns: memory above start", said["table"]["peak"], "MB", 300, "at most")
    yield Line(f"report.xlsx of {rows:,} results, half of them links: memory above start", said["report"]["peak"], "MB", 300, "at most")


def openpyxl_table(rows: int) -> Callable[[Path], None]:
    """The same rows by openpyxl's write-only mode: a plain row at a time, no styles."""
    frame = _wide(rows)

    def write(folder: Path) -> None:
        made = openpyxl.Workbook(write_only=True)
        page = made.create_sheet("Wide")
        page.append(list(WIDE.names))
        plain = frame.assign(at=frame["at"].dt.tz_localize(None))
        for row in plain.itertuples(index=False, name=None):
            page.append(row)
        made.save(folder / "wide.xlsx")

    return write


def table(rows: int) -> Callable[[Path], None]:
    """One sheet of 20 columns."""
    frame = _wide(rows)
    columns = sheet.shown(ENGLISH, WIDE, WIDE.names)

    def write(folder: Path) -> None:
        made = package.Book("bench", NOW)
        cells.add(made, ENGLISH, sheet.Sheet("Wide", "Wide", columns, frame, "wide.csv"))
        made.write_to(folder / "wide.xlsx")

    return write


def _wide(rows: int) -> pd.DataFrame:
    texts = {f"text_{number:02}": [f"{number} of row {row % 5000}" for row in range(rows)] for number in range(14)}
    numbers = {f"number_{number}": range(number, rows + number) for number in range(4)}
    rest = {"flag": [row % 2 == 0 for row in range(rows)], "at": [NOW - timedelta(minutes=row % 9000) for row in range(rows)]}
    return WIDE.conform(pd.DataFrame({**texts, **numbers, **rest}))


def report(rows: int) -> Callable[[Path], None]:
    """The report of a run with so many results, each about an instance."""
    checks = discover()
    places = [(f"{111122223333 + row % 40}", ("eu-central-1", "eu-west-1", "us-east-1")[row % 3], f"i-{row // 2:017x}") for row in range(rows)]
    severities = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
    results = RESULTS.frame(
        (
            checks[row % len(checks)].id,
            resource,
            account,
            region,
            "FAIL" if row % 2 else "PASS",
            severities[row % 4],
            f"the agent is offline; last contact {row % 700} hours ago",
            "offline",
            "online",
            f"team-{row % 30}",
            NOW - timedelta(days=row % 60),
            row % 60,
            None,
            NOW + timedelta(days=row % 40 - 20),
            False,
            None,
        )
        for row, (account, region, resource) in enumerate(places)
    )
    known = {"protection": "protected", "state": "running", "name": "a host", "owner": "team-1"}
    instances = _filled(INSTANCES, places[::2], known)
    view = View(
        "bench-000001",
        "scheduled",
        "bench",
        NOW,
        "bench",
        "",
        ("main",),
        checks,
        {RESULTS.name: results, INSTANCES.name: instances},
        {},
        (),
        OwnersSettings(),
    )
    return lambda folder: workbook.write(folder, view)


def _filled(table: Table, places: list[tuple[str, str, str]], known: Mapping[str, str]) -> pd.DataFrame:
    """Rows of a table of which only the key and what is known is filled."""
    frame = pd.DataFrame(places, columns=["account", "region", "instance_id"]).drop_duplicates()
    for column in table.columns:
        if column.name not in frame:
            frame[column.name] = known.get(column.name)
    return table.conform(frame)


def _measured(make: Callable[[int], Callable[[Path], None]], rows: int) -> dict[str, float]:
    write = make(rows)
    with tempfile.TemporaryDirectory() as place:
        found = took(lambda: write(Path(place)))
    return {"seconds": found.seconds, "peak": found.peak}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Rows a second and peak memory of the workbook.")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--quick", action="store_true", help="20,000 rows")
    parser.add_argument("--json", action="store_true", help="a line of JSON each")
    parser.add_argument("--book", choices=sorted(BOOKS), help=argparse.SUPPRESS)
    return parser


BOOKS = {"table": table, "openpyxl": openpyxl_table, "report": report}

if __name__ == "__main__":
    sys.exit(main())
