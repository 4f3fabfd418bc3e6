"""report.xlsx: every table of the report as a sheet with frozen head, filter, real numbers and dates. Written row by row (streamed).

Text from the world is always written as text, so that nothing in a tag or a title can become a formula. What Excel cannot hold is cut visibly.
"""

from __future__ import annotations

import shutil
from collections.abc import Container, Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

from reporter.core.clock import iso
from reporter.core.language import ENGLISH, SOURCE, Language, mark
from reporter.core.result import Status
from reporter.core.table import Column, Kind, Table
from reporter.core.text import legible
from reporter.reports.record import CONTRACT
from reporter.reports.view import Report, View
from reporter.tables.joined import ACTIONS

MOST_ROWS = 1_048_575
LONGEST_TEXT = 32_767
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
SENTENCES = ("reason", "observed", "expected", "message", "error", "allowed_by")
"""columns that hold sentences of ours"""
TABLES = {**CONTRACT, "actions.jsonl": (ACTIONS, ACTIONS.names)}
_CHECK_HEADS = ("check_id", "check", "severity", "status")
_FACE = "Calibri"
_HEAD = Font(name=_FACE, bold=True, color="FFFFFF")
_HEAD_FILL = PatternFill("solid", fgColor="15324B")
_TITLE = Font(name=_FACE, bold=True, size=16)
_PLAIN, _STRONG = Font(name=_FACE), Font(name=_FACE, bold=True)
_TONES = {
    Status.FAIL.value: Font(name=_FACE, bold=True, color="B3261E"),
    Status.UNKNOWN.value: Font(name=_FACE, bold=True, color="8A5A00"),
    Status.WAIVED.value: Font(name=_FACE, bold=True, color="6A4C93"),
    Status.PASS.value: Font(name=_FACE, bold=True, color="1C6B3C"),
}
_WIDTHS = {Kind.TIME: 20, Kind.FLAG: 10, Kind.INTEGER: 11, Kind.NUMBER: 11}
_WIDE = {
    "check_id": 30,
    "account": 15,
    "region": 16,
    "status": 17,
    "severity": 14,
    "reason": 70,
    "message": 70,
    "allowed_by": 60,
    "resource": 44,
    "finding_id": 60,
    "finding_arn": 60,
    "entry": 60,
    "bucket": 40,
    "role_arn": 50,
}


def heads() -> tuple[str, ...]:
    """Names of all columns that a workbook can show, each once."""
    shown = [name for _, file in SHEETS for name in TABLES[file][1]]
    return tuple(dict.fromkeys([*_CHECK_HEADS, *(status.value for status in Status), *shown]))


def write(folder: Path, view: View) -> None:
    """report.xlsx below the folder."""
    book = Workbook(write_only=True)
    book.properties.creator = "workload-compliance-reporter"
    book.properties.title = f"{view.language.gettext('Workload compliance')} {iso(view.now)}"
    book.properties.language = view.language.code
    book.properties.created = book.properties.modified = view.now.astimezone(UTC).replace(tzinfo=None)
    _summary(book, view)
    _checks(book, view)
    for title, file in SHEETS:
        table, columns = TABLES[file]
        _sheet(book, view.language, title, file, table, columns, view.table(table))
    with _Archive(folder / view.file("report.xlsx"), "w", ZIP_DEFLATED) as archive:
        ExcelWriter(book, archive).save()


def excerpt(title: str, at: datetime, sheets: Sequence[tuple[str, str, pd.DataFrame]], said: Language = ENGLISH) -> bytes:
    """A small workbook of some rows: (sheet's title, file of the record, rows of its table)."""
    book = Workbook(write_only=True)
    book.properties.creator, book.properties.title = "workload-compliance-reporter", clean(title)
    book.properties.created = book.properties.modified = at.astimezone(UTC).replace(tzinfo=None)
    for name, file, frame in sheets:
        table, columns = TABLES[file]
        _sheet(book, said, name, file, table, columns, frame)
    stream = BytesIO()
    with _Archive(stream, "w", ZIP_DEFLATED) as archive:
        ExcelWriter(book, archive).save()
    return stream.getvalue()


class _Archive(ZipFile):
    """A zip file whose members carry no time of writing: the same view gives the same bytes."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        super().writestr(ZipInfo(str(zinfo_or_arcname)), data, ZIP_DEFLATED)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        with Path(filename).open("rb") as source, self.open(self._member(arcname), "w", force_zip64=True) as target:
            shutil.copyfileobj(source, target)

    @staticmethod
    def _member(name: str) -> ZipInfo:
        member = ZipInfo(name)
        member.compress_type = ZIP_DEFLATED
        return member


def _summary(book: Workbook, view: View) -> None:
    said, _ = view.language, view.language.gettext
    sheet = _printable(book.create_sheet(_("Summary")), "portrait", Worksheet.PAPERSIZE_A4)
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 44, 60
    sheet.append([_styled(sheet, _("Workload compliance report"), _TITLE)])
    facts = [
        (_("As of (UTC)"), view.now),
        (_("Run"), view.run_id),
        (_("Kind"), said.words(view.kind)),
        (_("Tenants"), ", ".join(view.tenants)),
        (_("Version"), view.version),
    ]
    if view.endpoint_override:
        facts.append((_("Not AWS itself: calls went to"), view.endpoint_override))
    facts += [(_("Not done"), said.reason(sentence)) for sentence in view.held_back]
    if view.excluded:
        facts.append((_("Instances outside the scope tag"), view.excluded))
    for name, value in facts:
        sheet.append([_styled(sheet, name, _STRONG), _beside(sheet, value)])
    blocks = (
        (_("Results"), view.by_status()),
        (_("Instances"), view.by_protection()),
        (_("Virtual patches (a virtual patch is not a patch)"), view.by_patch_state()),
        (_("Bucket access"), view.by_decision()),
        (_("Web entries"), view.by_entry_state()),
        (_("Findings"), view.by_finding_source()),
        (_("Actions"), view.by_action_state()),
        (_("Scopes"), view.by_scope_state()),
    )
    for title, counts in blocks:
        sheet.append([])
        sheet.append([_styled(sheet, title, _STRONG)])
        for name, count in counts.items():
            sheet.append([_styled(sheet, _named(said, name), _TONES.get(name, _PLAIN)), _beside(sheet, count)])


def _named(said: Language, name: str) -> str:
    """A state as it stands in the record, with its word where the language is another: FAIL (nicht erfüllt)."""
    word = said.words(name.lower())
    return name if said.code == SOURCE or word == name.lower() else f"{name} ({word})"


def _checks(book: Workbook, view: View) -> None:
    said, _ = view.language, view.language.gettext
    sheet = _printable(book.create_sheet(_("Checks")), heads=1)
    statuses = [status.value for status in Status]
    heads = [*_CHECK_HEADS, *statuses]
    for place, width in enumerate((30, 84, 12, 18, *([18] * len(statuses))), start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.freeze_panes = "B2"
    rows = view.check_rows()
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(heads))}{len(rows) + 1}"
    sheet.append(_head(sheet, said, heads, numbers=set(statuses)))
    for check, worst, counts in rows:
        status = _styled(sheet, worst or _("nothing judged"), _TONES.get(worst, _PLAIN))
        sheet.append([check.id, said.title(check.title), check.severity.value, status, *(counts[name] for name in statuses)])


def _sheet(book: Workbook, said: Language, title: str, file: str, table: Table, names: Sequence[str], frame: pd.DataFrame) -> None:
    columns = {column.name: column for column in table.columns}
    shown = [columns[name] for name in names]
    ordered = table.sort(frame)
    kept = ordered.head(MOST_ROWS - 1) if len(ordered) > MOST_ROWS else ordered
    sheet = _printable(book.create_sheet(said.gettext(title)), heads=1)
    for place, column in enumerate(shown, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = _width(column)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(shown))}{max(len(kept) + 1, 2)}"
    sheet.append(_head(sheet, said, names, numbers={column.name for column in shown if column.kind in (Kind.INTEGER, Kind.NUMBER, Kind.TIME)}))
    for row in _rows(sheet, _again(said, kept), shown):
        sheet.append(row)
    if len(kept) < len(ordered):
        cut = said.ngettext(
            "cut here: %(count)s more row is in %(file)s", "cut here: %(count)s more rows are in %(file)s", len(ordered) - len(kept), file=file
        )
        sheet.append([_styled(sheet, cut, _STRONG)])


def _again(said: Language, frame: pd.DataFrame) -> pd.DataFrame:
    """The sentences of a table in this language, each distinct one said once."""
    columns = [] if said.code == SOURCE else [name for name in SENTENCES if name in frame.columns]
    texts = {name: {text: said.reason(str(text)) for text in frame[name].dropna().unique()} for name in columns}
    return frame.assign(**{name: frame[name].astype("object").map(texts[name]) for name in columns}) if columns else frame


def _printable(sheet: Any, orientation: str = "landscape", paper: str = Worksheet.PAPERSIZE_A3, heads: int = 0) -> Any:
    """Every column on one page beside the others, the head on each page."""
    sheet.page_setup.orientation, sheet.page_setup.paperSize = orientation, paper
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.oddFooter.left.text, sheet.oddFooter.right.text = "&A", "&P / &N"
    if heads:
        sheet.print_title_rows = f"1:{heads}"
    return sheet


def _rows(sheet: Any, frame: pd.DataFrame, columns: Sequence[Column]) -> Iterator[list[Any]]:
    values = [frame[column.name] for column in columns]
    tone_at = next((place for place, column in enumerate(columns) if column.name == "status"), None)
    for row in zip(*values, strict=True):
        cells = [_written(sheet, value) for value in row]
        if tone_at is not None:
            cells[tone_at] = _styled(sheet, str(row[tone_at]), _TONES.get(str(row[tone_at]), _PLAIN))
        yield cells


def _written(sheet: Any, value: Any) -> Any:
    """A value as Excel holds it: numbers and dates as themselves, all else as text that is never a formula."""
    if not isinstance(value, tuple | list) and pd.isna(value):
        return None
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        cell = WriteOnlyCell(sheet, pd.Timestamp(value).tz_convert("UTC").tz_localize(None).to_pydatetime().replace(microsecond=0))
        cell.number_format = "yyyy-mm-dd hh:mm:ss"
        return cell
    text = clean(", ".join(str(item) for item in value) if isinstance(value, tuple | list) else str(value))
    if not text.startswith(("=", "+", "-", "@", "#")):
        return text
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell


def clean(text: str) -> str:
    """Text without what XML cannot hold or what misleads, cut visibly at Excel's 32,767 characters (it counts UTF-16 code units)."""
    text = legible(text)
    units = text.encode("utf-16-le")
    if len(units) <= 2 * LONGEST_TEXT:
        return text
    note = " … (cut; whole in the CSV file)"
    return units[: 2 * (LONGEST_TEXT - len(note))].decode("utf-16-le", "ignore") + note


def _styled(sheet: Any, text: str, font: Font) -> Any:
    cell = WriteOnlyCell(sheet, clean(text))
    cell.data_type = "s"
    cell.font = font
    return cell


def _beside(sheet: Any, value: Any) -> Any:
    """A value of the summary, close to its name: numbers too stand on the left."""
    written = _written(sheet, value)
    cell = written if isinstance(written, Cell) else WriteOnlyCell(sheet, written)
    cell.alignment = Alignment(horizontal="left")
    return cell


def _head(sheet: Any, said: Language, names: Sequence[str], numbers: Container[str]) -> list[Any]:
    cells = []
    for name in names:
        cell = _styled(sheet, said.column(name), _HEAD)
        cell.fill = _HEAD_FILL
        cell.alignment = Alignment(horizontal="right" if name in numbers else "left", vertical="center")
        cells.append(cell)
    return cells


def _width(column: Column) -> int:
    return _WIDE.get(column.name, _WIDTHS.get(column.kind, 22))


REPORT = Report("workbook", "report.xlsx: every table as a sheet", write, localised=True)
