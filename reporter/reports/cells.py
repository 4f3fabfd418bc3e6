"""A sheet as reports/sheet.py describes it, made with openpyxl: head, table, notes, formats, links. Its rows come from reports/columnar.py.

Text from the world is always written as text, so that nothing in a tag or a title can become a formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import chain
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
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

from reporter.core.language import Language
from reporter.core.table import Kind
from reporter.reports.cell_text import RISKY, clean
from reporter.reports.columnar import Field, rows, sentence
from reporter.reports.package import AUTHOR, Book
from reporter.reports.sheet import MOST_LINKS, Rule, Sheet, Shown, titled

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
LINE = 15.0
"""height of a line of text in points"""
_NOTE_LINE = 34
_MOST_LINES = 8


def add(made: Book, said: Language, sheet: Sheet) -> None:
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
    linked_rows, unlinked = sheet.linked
    fields, heights = _fields(page, sheet, linked_rows), _heights(sheet)
    last_lines = [
        sentence(clean(text), sheet.rows + 2 + number, _look(page, None, font=STRONG)) for number, text in enumerate(cuts(said, sheet, unlinked))
    ]
    made.rows[page.title] = lambda: chain(rows(sheet.frame.head(sheet.rows), fields, heights), last_lines)
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


def _fields(page: Any, sheet: Sheet, linked_rows: int) -> list[Field]:
    aligned = any(column.wrapped for column in sheet.columns)
    return [_field(page, sheet, number, column, linked_rows, aligned=aligned) for number, column in enumerate(sheet.columns, start=1)]


def _field(page: Any, sheet: Sheet, number: int, column: Shown, linked_rows: int, *, aligned: bool) -> Field:
    """How cells of this column look. `aligned`: some column of the sheet is wrapped, so that all stand at the top."""
    time = column.kind is Kind.TIME
    side = "right" if column.right else "left" if time else None
    alignment = Alignment(horizontal=side, indent=int(bool(side)), vertical="top", wrap_text=column.wrapped or None) if aligned or side else None
    usual = _look(page, alignment, (DAY if column.day else INSTANT) if time else "")
    guarded, link = _look(page, alignment, guarded=True), sheet.links.get(column.name)
    follows = None
    if link is not None:
        follows = np.zeros(sheet.rows, dtype=np.bool_)
        follows[:linked_rows] = [bool(target) for target in _follow(page, column.name, number, sheet, linked_rows)]
    return Field(column.name, column.kind, get_column_letter(number), usual, guarded, _look(page, alignment, font=LINK), follows)


def _follow(page: Any, name: str, number: int, sheet: Sheet, rows: int) -> Iterator[str]:
    """Where the cells of a column lead, each link made known to the page."""
    letter, link, values = get_column_letter(number), sheet.links[name], sheet.frame[name].to_numpy(dtype=object)
    for row in range(rows):
        target = link(row) if isinstance(values[row], str) else ""
        if target:
            page._hyperlinks.append(_hyperlink(target, f"{letter}{row + 2}"))  # noqa: SLF001  # for cells that openpyxl does not see
        yield target


def _look(page: Any, alignment: Alignment | None, number_format: str = "", font: Font | None = None, *, guarded: bool = False) -> int:
    """The number of a style."""
    cell = WriteOnlyCell(page)
    if alignment is not None:
        cell.alignment = alignment
    if number_format:
        cell.number_format = number_format
    if font is not None:
        cell.font = font
    if guarded:
        cell.quotePrefix = True
    return int(cell.style_id)


def _heights(sheet: Sheet) -> list[float] | None:
    """Room for wrapped texts; None: every row is one line high."""
    top = sheet.frame.head(sheet.rows)
    lines = np.ones(len(top))
    wrapped = [column for column in sheet.columns if column.wrapped]
    for column in wrapped:
        texts = top[column.name].astype("object")
        found = {text: lines_of(text, column.width) for text in texts.dropna().unique()}
        lines = np.maximum(lines, texts.map(found).fillna(1).to_numpy(dtype=float))
    return [height if height > LINE else 0.0 for height in LINE * np.minimum(lines, _MOST_LINES)] if wrapped else None


def _hyperlink(target: str, cell: str = "") -> Hyperlink:
    return Hyperlink(ref=cell, location=target[1:]) if target.startswith("#") else Hyperlink(ref=cell, target=target)


def _as_text(cell: Any, text: str) -> Any:
    cell.value = text
    cell.data_type = "s"
    return cell


def _guarded(page: Any, text: str) -> Any:
    cell = WriteOnlyCell(page)
    if text.startswith(RISKY):
        cell.quotePrefix = True
    return _as_text(cell, text)


def _plain(value: date | datetime) -> Any:
    """Excel knows no zones and no parts of a second."""
    if not isinstance(value, datetime):
        return value
    return pd.Timestamp(value).tz_convert("UTC").tz_localize(None).to_pydatetime().replace(microsecond=0)
