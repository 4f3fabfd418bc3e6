"""Cells, written row by row with openpyxl's write-only book: a sheet as reports/sheet.py describes it becomes XML at once and is forgotten.

Text from the world is always written as text, so that nothing in a tag or a title can become a formula. What Excel cannot hold is cut visibly.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from itertools import count
from math import ceil
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.formatting.rule import Rule as FormatRule
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.dimensions import RowDimension
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableColumn, TableStyleInfo
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

from reporter.core.language import Language
from reporter.core.table import Kind
from reporter.core.text import legible
from reporter.reports.sheet import MOST_LINKS, Link, Rule, Sheet, Shown, titled

LONGEST_TEXT = 32_767
AUTHOR = "workload-compliance-reporter"
FACE = "Calibri"
DAY, INSTANT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
HEAD, HEAD_FILL = Font(name=FACE, bold=True, color="FFFFFF"), PatternFill("solid", fgColor="15324B")
TITLE = Font(name=FACE, bold=True, size=16)
PLAIN, STRONG, LINK = Font(name=FACE), Font(name=FACE, bold=True), Font(name=FACE, color="0B5CAD", underline="single")
COLOURS = {
    "critical": ("FFFFFF", "8C1D18"),
    "fail": ("8C1D18", "FBE3E1"),
    "late": ("8C1D18", "FBE3E1"),
    "unknown": ("6B4600", "FFF1CC"),
    "soon": ("6B4600", "FFE7A3"),
    "waived": ("513A75", "EEE6F7"),
    "pass": ("14532D", "E2F3E7"),
    "na": ("4A5561", None),
    "settled": ("5C6670", "F1F3F5"),
}
"""tone -> colour of its text and of its ground; each pair has a contrast of at least 4.5 to 1"""
_BOLD = ("critical", "fail", "late")
_TABLE_STYLE = TableStyleInfo(name="TableStyleLight1", showRowStripes=True, showColumnStripes=False, showFirstColumn=False, showLastColumn=False)
_RISKY = ("=", "+", "-", "@", "#")
LINE = 15.0
"""height of a line of text in points"""
_NOTE_LINE = 34
_MOST_LINES = 8
Write = Callable[[Any], Any]


def book(title: str, at: datetime, code: str = "") -> Workbook:
    """An empty book that carries the run's clock, not the time of writing."""
    made = Workbook(write_only=True)
    made.properties.creator, made.properties.title = AUTHOR, clean(title)
    if code:
        made.properties.language = code
    made.properties.created = made.properties.modified = at.astimezone(UTC).replace(tzinfo=None)
    return made


def save(made: Workbook, target: Path | BytesIO) -> None:
    """The same book gives the same bytes."""
    with _Archive(target, "w", ZIP_DEFLATED) as archive:
        ExcelWriter(made, archive).save()


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


def add(made: Workbook, said: Language, sheet: Sheet) -> None:
    """The sheet as a table with filters, a frozen head, notes, formats, links and lists to choose from."""
    heads = distinct([column.head for column in sheet.columns])
    last = max(sheet.rows + 1, 2)  # a table has at least one row, be it empty
    page = printable(made.create_sheet(titled(sheet.title)), heads=1)
    for number, column in enumerate(sheet.columns, start=1):
        page.column_dimensions[get_column_letter(number)].width = column.width
    page.freeze_panes = sheet.frozen
    _rules(page, sheet, last)
    _choices(page, sheet, last, said)
    page.tables.add(_table(sheet.table, heads, last))
    tall(page, 1, max(lines_of(head, column.width - 3) for head, column in zip(heads, sheet.columns, strict=True)))
    page.append([_head(page, head, column) for head, column in zip(heads, sheet.columns, strict=True)])
    linked_rows, unlinked = sheet.linked()
    wrapped = [(number, column.width) for number, column in enumerate(sheet.columns) if column.wrapped]
    for line, (values, row) in enumerate(_rows(page, sheet, linked_rows), start=2):
        if wrapped:
            tall(page, line, max(lines_of(values[number], width) for number, width in wrapped))
        page.append(row)
        page.row_dimensions.pop(line, None)
    for sentence in cuts(said, sheet, unlinked):
        page.append([styled(page, sentence, STRONG)])
    page.close()
    page._hyperlinks.clear()  # noqa: SLF001  # they are XML now, and openpyxl would hold them until the book is gone


def cuts(said: Language, sheet: Sheet, unlinked: int) -> list[str]:
    """What the sheet does not hold, in sentences."""
    lines = []
    if left := len(sheet.frame) - sheet.rows:
        lines.append(
            said.ngettext("cut here: %(count)s more row is in %(file)s", "cut here: %(count)s more rows are in %(file)s", left, file=sheet.file)
        )
    if unlinked:
        lines.append(
            said.ngettext(
                "%(count)s cell of this sheet has no link: a sheet can hold %(most)s",
                "%(count)s cells of this sheet have no link: a sheet can hold %(most)s",
                unlinked,
                most=said.number(MOST_LINKS),
            )
        )
    return lines


def printable(page: Any, orientation: str = "landscape", paper: str = Worksheet.PAPERSIZE_A3, heads: int = 0) -> Any:
    """Every column on one page beside the others, the head on each page."""
    page.page_setup.orientation, page.page_setup.paperSize = orientation, paper
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.oddFooter.left.text, page.oddFooter.right.text = "&A", "&P / &N"
    if heads:
        page.print_title_rows = f"1:{heads}"
    return page


def lines_of(value: Any, width: float) -> int:
    """How many lines a text takes in a column of this width, about."""
    if not isinstance(value, str) or not value:
        return 1
    return ceil(len(value) / (width if " " in value else width * 0.75))  # an ARN breaks where it can, not where the line ends


def tall(page: Any, line: int, lines: int) -> float:
    """Room for so many lines of text, within reason: programs do not measure a row that they have not drawn. The row's height in points."""
    height = LINE * min(lines, _MOST_LINES)
    if lines > 1:
        page.row_dimensions[line] = RowDimension(page, index=line, ht=height)
    return height


def styled(page: Any, text: str, font: Font) -> Any:
    cell = _guarded(page, clean(text))
    cell.font = font
    return cell


def placed(page: Any, text: str, font: Font = PLAIN, **alignment: Any) -> Any:
    """Text at the top of its row."""
    cell = styled(page, text, font)
    cell.alignment = Alignment(horizontal="left", vertical="top", **alignment)
    return cell


def linked(page: Any, text: str, target: str) -> Any:
    """A cell that leads to a place of this book."""
    cell = placed(page, text, LINK)
    cell.hyperlink = _hyperlink(target)
    return cell


def counted(page: Any, number: int | None, *, signed: bool = False) -> Any:
    """A number as people of the reader's country write it."""
    cell = WriteOnlyCell(page, number)
    cell.number_format = "+#,##0;-#,##0;0" if signed else "#,##0"
    cell.alignment = Alignment(vertical="top")
    return cell


def beside(page: Any, value: Any) -> Any:
    """A value close to its name: numbers too stand on the left."""
    if isinstance(value, datetime):
        cell = WriteOnlyCell(page, _plain(value))
        cell.number_format = INSTANT
    else:
        cell = _guarded(page, clean(value)) if isinstance(value, str) else WriteOnlyCell(page, value)
    cell.alignment = Alignment(horizontal="left", vertical="top", wrap_text=isinstance(value, str))
    return cell


def clean(text: str) -> str:
    """Text without what XML cannot hold or what misleads, cut visibly at Excel's 32,767 characters (it counts UTF-16 code units)."""
    text = legible(text)
    if 2 * len(text) <= LONGEST_TEXT:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * LONGEST_TEXT:
        return text
    note = " … (cut; whole in the CSV file)"
    return units[: 2 * (LONGEST_TEXT - len(note))].decode("utf-16-le", "ignore") + note


def distinct(heads: Sequence[str]) -> list[str]:
    """Heads of a table: no two alike, whatever their case."""
    made: list[str] = []
    for head in heads:
        other, number = head, 2
        while other.lower() in {known.lower() for known in made}:
            other, number = f"{head} {number}", number + 1
        made.append(other)
    return made


def tone(name: str) -> DifferentialStyle:
    text, ground = COLOURS[name]
    fill = None if ground is None else PatternFill(bgColor=ground, fill_type="solid")
    return DifferentialStyle(font=Font(color=text, bold=True if name in _BOLD else None), fill=fill)


def formatted(page: Any, cells: str, formula: str, look: str, *, last: bool = False) -> None:
    """Cells take a tone where the formula holds: one rule for a whole range."""
    page.conditional_formatting.add(cells, FormatRule(type="expression", formula=[formula], dxf=tone(look), stopIfTrue=last or None))


def _rules(page: Any, sheet: Sheet, last: int) -> None:
    letters = {column.name: get_column_letter(number) for number, column in enumerate(sheet.columns, start=1)}
    for rule in sheet.rules:
        formatted(
            page,
            _ranges(rule, letters, last),
            rule.formula.format_map({name: f"${letter}2" for name, letter in letters.items()}),
            rule.tone,
            last=rule.last,
        )


def _ranges(rule: Rule, letters: dict[str, str], last: int) -> str:
    """Neighbouring columns are one range."""
    if len(rule.columns) == len(letters):
        return f"A2:{get_column_letter(len(letters))}{last}"
    return " ".join(f"{letters[name]}2:{letters[name]}{last}" for name in rule.columns)


def _choices(page: Any, sheet: Sheet, last: int, said: Language) -> None:
    for number, column in enumerate(sheet.columns, start=1):
        if column.choices:
            listed = '"' + ",".join(choice.replace(",", " ").replace('"', '""') for choice in column.choices) + '"'
            check = DataValidation(type="list", formula1=listed, allow_blank=True, showErrorMessage=True)
            check.errorTitle, check.error = column.head, said.gettext("Choose from the list.")
            check.add(f"{get_column_letter(number)}2:{get_column_letter(number)}{last}")
            page.data_validations.append(check)


def _table(name: str, heads: Sequence[str], last: int) -> Table:
    ref = f"A1:{get_column_letter(len(heads))}{last}"
    made = Table(name=name, displayName=name, ref=ref, autoFilter=AutoFilter(ref=ref), tableStyleInfo=_TABLE_STYLE)
    made.tableColumns = [TableColumn(id=number, name=head) for number, head in enumerate(heads, start=1)]
    return made


def _head(page: Any, head: str, column: Shown) -> Any:
    cell = styled(page, head, HEAD)
    cell.fill = HEAD_FILL
    inside = int(column.right or column.kind is Kind.TIME)
    cell.alignment = Alignment(horizontal="right" if column.right else "left", indent=inside, vertical="center", wrap_text=True)
    if column.note:
        cell.comment = Comment(column.note, AUTHOR, height=24 + 18 * (1 + len(column.note) // _NOTE_LINE), width=260)
    return cell


def _rows(page: Any, sheet: Sheet, linked_rows: int) -> Iterator[tuple[tuple[Any, ...], list[Any]]]:
    """The values of each row, and its cells."""
    top = sheet.frame.head(sheet.rows)
    wrapped = any(column.wrapped for column in sheet.columns)
    columns = [_writing(page, column, sheet.links.get(column.name), linked_rows, aligned=wrapped) for column in sheet.columns]
    values = [top[column.name] for column in sheet.columns]
    for row in zip(*values, strict=True):
        yield row, [write(value) for write, value in zip(columns, row, strict=True)]


def _writing(page: Any, column: Shown, link: Link | None, linked_rows: int, *, aligned: bool) -> Write:
    """How cells of this column are written. A row is XML before the next one comes, so that each column has one cell, filled again and again."""
    time = column.kind is Kind.TIME
    side = "right" if column.right else "left" if time else None
    alignment = Alignment(horizontal=side, indent=int(bool(side)), vertical="top", wrap_text=column.wrapped or None) if aligned or side else None
    if time:
        write = _times(_cell(page, alignment, DAY if column.day else INSTANT))
    elif column.kind in (Kind.INTEGER, Kind.NUMBER, Kind.FLAG):
        write = _numbers(page, alignment, column.kind)
    else:
        write = _texts(page, alignment)
    return _links(page, alignment, write, link, linked_rows) if link else write


def _cell(page: Any, alignment: Alignment | None, number_format: str = "", font: Font | None = None) -> Any:
    cell = WriteOnlyCell(page)
    if alignment is not None:
        cell.alignment = alignment
    if number_format:
        cell.number_format = number_format
    if font is not None:
        cell.font = font
    return cell


def _times(cell: Any) -> Write:
    def write(value: Any) -> Any:
        if pd.isna(value):
            return None
        if isinstance(value, str):
            return clean(value) if not value.startswith(_RISKY) else _as_text(cell, value)
        cell.value = _plain(value)
        return cell

    return write


def _numbers(page: Any, alignment: Alignment | None, kind: Kind) -> Write:
    plain = {Kind.INTEGER: int, Kind.NUMBER: float, Kind.FLAG: bool}[kind]
    cell = None if alignment is None else _cell(page, alignment)

    def write(value: Any) -> Any:
        if pd.isna(value):
            return None
        if cell is None:
            return plain(value)
        cell.value = plain(value)
        return cell

    return write


def _texts(page: Any, alignment: Alignment | None) -> Write:
    """All else is text that is never a formula."""
    aligned = None if alignment is None else _cell(page, alignment)
    risky = _cell(page, alignment)
    risky.quotePrefix = True

    def write(value: Any) -> Any:
        if isinstance(value, tuple | list):
            value = ", ".join(str(item) for item in value)
        elif not isinstance(value, str):
            if pd.isna(value):
                return None
            value = str(value)
        text = clean(value)
        if text.startswith(_RISKY):
            return _as_text(risky, text)
        if aligned is None:
            return text
        aligned.value = text
        return aligned

    return write


def _links(page: Any, alignment: Alignment | None, write: Write, link: Link, linked_rows: int) -> Write:
    """Row by row: a cell that leads somewhere where there is a link, else as the column is written."""
    cell, rows = _cell(page, alignment, font=LINK), count()

    def follow(value: Any) -> Any:
        row = next(rows)
        target = link(row) if row < linked_rows else ""
        if not target or not isinstance(value, str):
            return write(value)
        _as_text(cell, clean(value))
        cell.hyperlink = _hyperlink(target)
        return cell

    return follow


def _hyperlink(target: str) -> Hyperlink:
    return Hyperlink(ref="", location=target[1:]) if target.startswith("#") else Hyperlink(ref="", target=target)


def _as_text(cell: Any, text: str) -> Any:
    cell.value = text
    cell.data_type = "s"
    return cell


def _guarded(page: Any, text: str) -> Any:
    cell = WriteOnlyCell(page)
    if text.startswith(_RISKY):
        cell.quotePrefix = True
    return _as_text(cell, text)


def _plain(value: date | datetime) -> Any:
    """Excel knows no zones and no parts of a second."""
    if not isinstance(value, datetime):
        return value
    return pd.Timestamp(value).tz_convert("UTC").tz_localize(None).to_pydatetime().replace(microsecond=0)
