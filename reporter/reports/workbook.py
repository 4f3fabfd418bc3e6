"""report.xlsx: what people open, filter and work through: a summary with charts, a list of work, and every table of the report as a sheet.

reports/sheet.py says what a sheet shows, reports/cells.py makes it, reports/columnar.py its rows, reports/package.py the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pandas as pd

from reporter.core.clock import iso
from reporter.core.expiry import last_day
from reporter.core.language import ENGLISH, SOURCE, Language, mark
from reporter.core.result import Status
from reporter.core.table import Column, Kind, Table
from reporter.reports.cells import add
from reporter.reports.exposure import EXPOSURE, exposure
from reporter.reports.package import Book
from reporter.reports.record import CONTRACT
from reporter.reports.sheet import Rule, Sheet, consoles, of_column, shown, tones
from reporter.reports.summary_sheet import add_summary
from reporter.reports.view import Report, View
from reporter.reports.work_list import work_list
from reporter.tables.joined import ACTIONS, CHANGES, EXCEPTIONS, TREND

SHEETS = (
    (mark("Results"), "results.csv"),
    (mark("Actions"), "actions.jsonl"),
    (mark("Instances"), "instances.csv"),
    (mark("Virtual patches"), "virtual_patches.csv"),
    (mark("Bucket access"), "bucket_access.csv"),
    (mark("Web entries"), "web_entries.csv"),
    (mark("Findings"), "findings.csv"),
    (mark("Controls"), "controls.csv"),
    (mark("Scopes"), "scopes.csv"),
)
"""sheets that show a file of the record"""
SENTENCES = ("reason", "observed", "expected", "message", "error", "allowed_by")
"""columns that hold sentences of ours"""
LINKED = {
    "results.csv": "resource",
    "instances.csv": "instance_id",
    "virtual_patches.csv": "instance_id",
    "bucket_access.csv": "role_arn",
    "web_entries.csv": "entry",
    "findings.csv": "finding_id",
}
"""file of the record -> its column whose cells lead to the AWS console"""
TABLES = {**CONTRACT, "actions.jsonl": (ACTIONS, ACTIONS.names)}
DAYS_LEFT = Column("days_left", Kind.INTEGER, "days until it ends; 0: today is its last day, below 0: it ran out; empty: no date", nullable=True)
CHECKS = Table(
    "checks",
    "Every check, its worst status, and how many results it has of each",
    ("check_id",),
    (
        Column("check_id", Kind.CATEGORY, "check"),
        Column("check", Kind.TEXT, "what it asks"),
        Column("severity", Kind.CATEGORY, "CRITICAL, HIGH, MEDIUM, LOW"),
        Column("status", Kind.CATEGORY, "the worst status of its results"),
        *(Column(status.value, Kind.INTEGER, "results of this status") for status in Status),
    ),
)
_EXCEPTIONS = (*EXCEPTIONS.columns, DAYS_LEFT)
_OTHERS = (*CHECKS.columns, *CHANGES.columns, *EXPOSURE.columns, *_EXCEPTIONS, *TREND.columns)


def heads() -> tuple[str, ...]:
    """Names of all columns that a workbook can show, each once."""
    return tuple(dict.fromkeys(column.name for column in _columns()))


def notes() -> tuple[str, ...]:
    """What is said of columns and of sheets, each once."""
    tables = [*(TABLES[file][0] for _, file in SHEETS), CHECKS, CHANGES, EXPOSURE, EXCEPTIONS, TREND]
    return tuple(dict.fromkeys([*(column.about for column in _columns()), *(table.about for table in tables)]))


def _columns() -> Iterator[Column]:
    for _, file in SHEETS:
        table, names = TABLES[file]
        yield from (column for name in names for column in table.columns if column.name == name)
    yield from _OTHERS


def write(folder: Path, view: View) -> None:
    """report.xlsx below the folder."""
    said = view.language
    made = Book(f"{said.gettext('Workload compliance')} {iso(view.now)}", view.now, said.code)
    sheets = described(view)
    add_summary(made, view, sheets, trend=sheets[-1])
    for sheet in sheets:
        add(made, said, sheet)
    made.write_to(folder / view.file("report.xlsx"))


def excerpt(title: str, at: datetime, sheets: Sequence[tuple[str, str, pd.DataFrame]], said: Language = ENGLISH) -> bytes:
    """A small workbook of some rows: (sheet's title, file of the record, rows of its table)."""
    made = Book(title, at)
    for name, file, frame in sheets:
        table, names = TABLES[file]
        add(made, said, _sheet(said, name, file, table, names, table.sort(frame)))
    stream = BytesIO()
    made.write_to(stream)
    return stream.getvalue()


def described(view: View) -> list[Sheet]:
    """Every sheet but the summary, in the order in which they stand: what to do and what changed before the whole tables."""
    said, _ = view.language, view.language.gettext
    ordered = {file: TABLES[file][0].sort(view.table(TABLES[file][0])) for _title, file in SHEETS}
    whole = [_sheet(said, title, file, *TABLES[file], ordered[file]) for title, file in SHEETS]
    whole = [_consoles(view, sheet) for sheet in whole]
    return [
        work_list(view, ordered["results.csv"], _("Results")),
        _sheet(said, _("Changes"), "tables/changes.parquet", CHANGES, CHANGES.names, view.changes()),
        _sheet(said, _("Exposure"), "tables/virtual_patches.parquet", EXPOSURE, EXPOSURE.names, exposure(view)),
        _checks(view),
        *whole,
        _exceptions(view),
        _sheet(said, _("Trend"), "tables/trend.parquet", TREND, TREND.names, view.trend()),
    ]


def _sheet(said: Language, title: str, file: str, table: Table, names: Sequence[str], frame: pd.DataFrame) -> Sheet:
    """Columns of a declared table, its rows in the order of the frame."""
    columns = shown(said, table, names)
    kept = frame[[*names]]
    about = said.pgettext("about", table.about)
    return Sheet(said.gettext(title), _named(table.name), columns, _again(said, kept), file, about, rules=tuple(tones(columns, kept)))


def _named(name: str) -> str:
    """virtual_patches -> VirtualPatches: a table's name in formulas."""
    return "".join(word.capitalize() for word in name.split("_"))


def _again(said: Language, frame: pd.DataFrame) -> pd.DataFrame:
    """The sentences of a table in this language, each distinct one said once."""
    columns = [] if said.code == SOURCE else [name for name in SENTENCES if name in frame.columns]
    texts = {name: {text: said.reason(str(text)) for text in frame[name].dropna().unique()} for name in columns}
    return frame.assign(**{name: frame[name].astype("object").map(texts[name]) for name in columns}) if columns else frame


def _consoles(view: View, sheet: Sheet) -> Sheet:
    """What a sheet is about leads to its console, where it was AWS itself that was asked."""
    column = LINKED.get(sheet.file)
    if view.endpoint_override or column is None:
        return sheet
    return replace(sheet, links={column: consoles(sheet.frame, column)})


def _checks(view: View) -> Sheet:
    said = view.language
    rows = [
        (check.id, said.title(check.title), check.severity.value, worst or said.gettext("nothing judged"), *counts.values())
        for check, worst, counts in view.check_rows()
    ]
    sheet = _sheet(said, said.gettext("Checks"), "results.csv", CHECKS, CHECKS.names, CHECKS.frame(rows))
    wide = {"check": 84.0, **{status.value: 18.0 for status in Status}}
    columns = tuple(replace(column, width=wide.get(column.name, column.width)) for column in sheet.columns)
    return replace(sheet, columns=columns, frozen="B2")


def _exceptions(view: View) -> Sheet:
    """Every exception, what ends first at the top; its last day is a date where it is one."""
    said, _ = view.language, view.language.gettext
    rows = view.table(EXCEPTIONS)
    ends = [last_day(text) for text in rows["expires"]]
    left = pd.Series([None if end is None else (end - view.now.date()).days for end in ends], index=rows.index, dtype="Int64")
    rows = rows.assign(days_left=left).sort_values(["days_left", *EXCEPTIONS.key], kind="stable", na_position="first")
    shown_ends = pd.Series([last_day(text) or text for text in rows["expires"]], index=rows.index, dtype="object")
    columns = tuple(
        replace(of_column(said, column), kind=Kind.TIME, day=True) if column.name == "expires" else of_column(said, column) for column in _EXCEPTIONS
    )
    about = said.pgettext("about", EXCEPTIONS.about)
    rules = (
        Rule(("expires", "days_left"), "AND(ISNUMBER({days_left}),{days_left}<0)", "late", last=True),
        Rule(("expires", "days_left"), "AND(ISNUMBER({days_left}),{days_left}<=14)", "soon"),
    )
    return Sheet(_("Exceptions"), "Exceptions", columns, rows.assign(expires=shown_ends), "tables/exceptions.parquet", about, rules=rules)


REPORT = Report("workbook", "report.xlsx: a summary, a list of work, and every table as a sheet", write, localised=True)
