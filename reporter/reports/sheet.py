"""What a sheet of the workbook shows, apart from how its cells are written: columns, rows in their order, links, formats, choices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pandas as pd

from reporter.core.consoles import address
from reporter.core.language import Language
from reporter.core.table import Column, Kind, Table
from reporter.reports.page import TONES

MOST_ROWS = 1_048_575
"""below a head"""
MOST_LINKS = 65_530
"""that one sheet can hold"""
LONGEST_TITLE = 31
TONED = ("status", "state", "protection", "decision", "change", "was", "now", "reach")
"""columns of which a cell is coloured by what it says"""
SEVERE = ("severity", "worst")
SEVERITY_TONES = {"CRITICAL": "critical", "HIGH": "fail", "MEDIUM": "unknown", "LOW": "na", "UNTRIAGED": "unknown", "INFORMATIONAL": "na"}
_NO_TITLE = re.compile(r"[\[\]:*?/\\]")
_WIDTHS = {Kind.TIME: 20, Kind.FLAG: 11, Kind.INTEGER: 13, Kind.NUMBER: 13}
_WIDE = {
    "check_id": 32,
    "check": 44,
    "account": 15,
    "region": 16,
    "status": 18,
    "severity": 14,
    "reason": 70,
    "message": 70,
    "observed": 40,
    "expected": 40,
    "allowed_by": 60,
    "resource": 44,
    "target": 44,
    "finding_id": 60,
    "finding_arn": 60,
    "entry": 60,
    "bucket": 40,
    "role_arn": 50,
    "framework": 32,
    "title": 60,
    "checks": 60,
    "context": 60,
    "confidence": 14,
}


@dataclass(frozen=True)
class Shown:
    """One column: its place in the frame, its head, and how its cells look."""

    name: str
    head: str
    kind: Kind
    note: str = ""
    """what the head says when it is pointed at"""
    width: float = 22
    day: bool = False
    """an instant of which only the UTC day counts"""
    wrapped: bool = False
    choices: tuple[str, ...] = ()
    """what a person may enter, from a list"""

    @property
    def right(self) -> bool:
        """Numbers stand on the right; dates do not, lest they touch the text beside them."""
        return self.kind in (Kind.INTEGER, Kind.NUMBER)


@dataclass(frozen=True)
class Rule:
    """Cells of these columns take a tone where the formula holds. In the formula {name} is the cell of that column in the same row."""

    columns: tuple[str, ...]
    formula: str
    tone: str
    last: bool = False
    """no later rule is looked at"""


Link: TypeAlias = Callable[[int], str]
"""number of a row in the frame -> where its cell leads: an address, "#" and a place in this workbook, or "" """


@dataclass(frozen=True)
class Sheet:
    """A table on a sheet of its own."""

    title: str
    table: str
    """its name in formulas: letters and digits"""
    columns: tuple[Shown, ...]
    frame: pd.DataFrame
    file: str
    """where all its rows are"""
    about: str = ""
    links: Mapping[str, Link] = field(default_factory=dict)
    """column -> where its cells lead"""
    rules: tuple[Rule, ...] = ()
    frozen: str = "A2"

    @property
    def rows(self) -> int:
        """Rows that stand on the sheet; the last line of one that is cut says so."""
        return len(self.frame) if len(self.frame) <= MOST_ROWS else MOST_ROWS - 1

    @cached_property
    def linked(self) -> tuple[int, int]:
        """How many rows can have their links, for a sheet holds only so many, and how many links are left out."""
        links = np.array([sum(bool(link(row)) for link in self.links.values()) for row in range(self.rows)], dtype=np.int64)
        rows = int(np.searchsorted(links.cumsum(), MOST_LINKS, side="right"))
        return rows, int(links[rows:].sum())


def titled(text: str) -> str:
    """A sheet's title as Excel takes it."""
    return _NO_TITLE.sub("-", text).strip("'")[:LONGEST_TITLE] or "-"


def place(title: str, cell: str = "A1") -> str:
    """A link to a cell of a sheet of the same workbook."""
    return "#'" + titled(title).replace("'", "''") + f"'!{cell}"


def shown(said: Language, table: Table, names: Sequence[str]) -> tuple[Shown, ...]:
    """Columns of a declared table, by name."""
    columns = {column.name: column for column in table.columns}
    return tuple(of_column(said, columns[name]) for name in names)


def of_column(said: Language, column: Column) -> Shown:
    head = said.column(column.name)
    wide = _WIDE.get(column.name, _WIDTHS.get(column.kind, 22))
    return Shown(column.name, head, column.kind, said.pgettext("about", column.about), max(wide, min(len(head) + 4, 34)))


def tones(columns: Sequence[Shown], frame: pd.DataFrame) -> Iterator[Rule]:
    """Colours of the columns whose words have one: a rule for each tone that occurs."""
    for column in columns:
        known = TONES if column.name in TONED else SEVERITY_TONES if column.name in SEVERE else {}
        if not known:
            continue
        words: dict[str, list[str]] = {}
        for word in sorted(set(frame[column.name].dropna().unique()) & set(known)):
            words.setdefault(known[word], []).append(word)
        for tone, said in sorted(words.items()):
            yield Rule((column.name,), "OR(" + ",".join(f'{{{column.name}}}="{word}"' for word in said) + ")", tone)


def consoles(frame: pd.DataFrame, column: str) -> Link:
    """What this column names leads to the AWS console that shows it, where there is such a page."""
    things = frame[column].to_numpy(dtype=object)
    regions = frame["region"].to_numpy(dtype=object) if "region" in frame else None
    return lambda row: address(things[row], None if regions is None else regions[row])


def serial(instant: datetime) -> int:
    """A day as spreadsheets count it."""
    return (instant.date() - datetime(1899, 12, 30).date()).days  # noqa: DTZ001
