"""A table that arrives in parts, from several scopes: held as columns, so that a million rows are never a million tuples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa

from reporter.core.order import coded, of_codes, plain
from reporter.core.scope import Scope
from reporter.core.table import Row, Table

AT_ONCE = 1 << 14
"""rows that wait until they become columns: a frame of its own for each small scope would take more than its rows"""


@dataclass
class Parts:
    """Rows of one table by scope, in any order of the scopes -> one frame, in the order of the scopes."""

    table: Table
    at_once: int = AT_ONCE
    _waiting: list[tuple[Scope, Sequence[Row]]] = field(default_factory=list)
    _count: int = 0
    _frames: list[pd.DataFrame] = field(default_factory=list)
    _scopes: list[tuple[Scope, int]] = field(default_factory=list)

    def add(self, scope: Scope, rows: Sequence[Row]) -> None:
        """What one scope has of the table; once a scope. Raises TableError."""
        if rows:
            self._waiting.append((scope, rows))
            self._count += len(rows)
            if self._count >= self.at_once:
                self._close()

    def frame(self) -> pd.DataFrame:
        """All of it in declared form. Raises TableError."""
        self._close()
        if not self._frames:
            return self.table.frame()
        frame = self._frames[0] if len(self._frames) == 1 else _joined(self.table, self._frames)
        self._frames = []
        return _in_order(frame, self._scopes)

    def _close(self) -> None:
        """What waits becomes columns."""
        if not self._waiting:
            return
        waiting = sorted(self._waiting, key=lambda part: part[0])
        self._waiting, self._count = [], 0
        self._scopes += [(scope, len(rows)) for scope, rows in waiting]
        self._frames.append(self.table.frame(chain.from_iterable(rows for _, rows in waiting)))


def _in_order(frame: pd.DataFrame, scopes: Sequence[tuple[Scope, int]]) -> pd.DataFrame:
    """Rows that stand scope by scope, in the order of the scopes."""
    place = {scope: number for number, scope in enumerate(sorted(scope for scope, _ in scopes))}
    ranks = np.repeat(np.array([place[scope] for scope, _ in scopes]), [count for _, count in scopes])
    if (ranks[1:] >= ranks[:-1]).all():
        return frame
    return frame.take(np.argsort(ranks, kind="stable")).reset_index(drop=True)


def _joined(table: Table, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of a table, one below the other; column by column, so that no more than one is there twice."""
    return table.of_columns((name, _column([frame.pop(name) for frame in frames])) for name in table.names)


def _column(parts: Sequence[pd.Series]) -> pd.Series:
    if not all(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
        return pd.concat(parts, ignore_index=True)
    try:
        texts = pa.chunked_array([pa.array(part.cat.categories, type=pa.string()) for part in parts])
    except UnicodeEncodeError:  # half a character, as JSON may have it
        return coded(pd.concat([plain(part) for part in parts], ignore_index=True))
    distinct = texts.unique().sort()
    index = pd.Index(distinct.to_pandas(), dtype="str")
    return of_codes(np.concatenate(list(_codes(parts, index))), index)


def _codes(parts: Iterable[pd.Series], texts: pd.Index) -> Iterable[np.ndarray]:
    for part in parts:
        place = np.append(texts.get_indexer(part.cat.categories), -1).astype(np.int32)
        yield place[part.cat.codes.to_numpy()]
