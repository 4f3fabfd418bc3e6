"""The file of a workbook: openpyxl's package, with rows in it that openpyxl has not seen, and without a time of writing.

A sheet's rows are put before the end of the sheet data that openpyxl wrote, while its file goes into the archive: no row is ever held in memory.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any, TypeAlias
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.writer.excel import ExcelWriter

from reporter.reports.cell_text import clean

Rows: TypeAlias = Callable[[], Iterator[bytes]]
"""gives a sheet's rows as XML, in order"""
AUTHOR = "workload-compliance-reporter"
_SHEET = re.compile(r"xl/worksheets/sheet(\d+)\.xml")
_END = b"</sheetData>"
LEVEL = 1
"""of compression: a higher one takes most of the time of writing"""


class Book(Workbook):
    """An empty book that carries the run's clock, not the time of writing."""

    def __init__(self, title: str, at: datetime, code: str = "") -> None:
        super().__init__(write_only=True)
        self.rows: dict[str, Rows] = {}
        """title of a sheet -> the rows that follow those which openpyxl wrote"""
        self.properties.creator, self.properties.title = AUTHOR, clean(title)
        if code:
            self.properties.language = code
        self.properties.created = self.properties.modified = at.astimezone(UTC).replace(tzinfo=None)

    def write_to(self, target: Path | BytesIO) -> None:
        """The same book gives the same bytes."""
        with _Archive(target, self) as archive:
            ExcelWriter(self, archive).save()


class _Archive(ZipFile):
    """A zip file whose members carry no time of writing: the same view gives the same bytes."""

    def __init__(self, target: Path | BytesIO, made: Book) -> None:
        super().__init__(target, "w", ZIP_DEFLATED)
        self._made = made

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        super().writestr(ZipInfo(str(zinfo_or_arcname)), data, ZIP_DEFLATED)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        with Path(filename).open("rb") as source, self.open(self._member(arcname), "w", force_zip64=True) as target:
            sheet = _SHEET.fullmatch(arcname)
            rows = self._made.rows.get(self._made.worksheets[int(sheet[1]) - 1].title) if sheet else None
            if rows is not None:
                _with_rows(source, rows(), target)
            shutil.copyfileobj(source, target)

    def _member(self, name: str) -> ZipInfo:
        member = ZipInfo(name)
        member.compress_type = ZIP_DEFLATED
        member._compresslevel = LEVEL  # type: ignore[attr-defined]  # noqa: SLF001  # no other way to say it for one member
        return member


def _with_rows(source: IO[bytes], rows: Iterator[bytes], target: IO[bytes]) -> None:
    """Copy up to the end of the sheet data, then the rows; what follows is left in the source."""
    seen = b""
    while (at := seen.find(_END)) < 0:
        block = source.read(1 << 16)
        if not block:
            raise ValueError("openpyxl wrote a sheet without sheet data")
        seen += block
    target.write(seen[:at])
    for row in rows:
        target.write(row)
    target.write(seen[at:])
