from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reporter.core.order import coded, plain, plain_frame
from reporter.core.table import Column, Kind, Table, TableError
from reporter.joins.frames import alike, assemble, end_to_end, positions, taken

THINGS = Table(
    "things",
    "things",
    ("place", "name"),
    (Column("place", Kind.TEXT, "place"), Column("name", Kind.TEXT, "name", nullable=True), Column("size", Kind.INTEGER, "size", nullable=True)),
)
BIG = Table(THINGS.name, THINGS.about, THINGS.key, THINGS.columns, big=True)


def texts(*values: str | None) -> pd.Series:
    return pd.Series(values, dtype=object)


def sizes(*values: int | None) -> pd.Series:
    return pd.Series(values, dtype="Int64")


def test_a_frame_of_arrays_is_in_declared_form() -> None:
    made = assemble(THINGS, {"size": sizes(1, None), "name": np.array([None, "b"], dtype=object), "place": ["x", "y"]})
    assert made.equals(THINGS.frame([("x", None, 1), ("y", "b", None)]))


def test_a_series_that_calls_the_missing_nan_gets_none() -> None:
    made = assemble(THINGS, {"size": sizes(1), "name": pd.Series([float("nan")], dtype=object, index=[7]), "place": ["x"]})
    assert made["name"][0] is None


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"place": ["x"]}, r"columns missing: \['name', 'size'\]"),
        ({"place": ["x"], "name": ["a"], "size": pd.Series([1.5])}, "column size: float64 where Int64 is declared"),
        ({"place": [None], "name": ["a"], "size": sizes(1)}, "column place: missing values where none may be"),
    ],
)
def test_a_frame_that_is_not_in_declared_form_is_a_defect(columns: dict[str, object], message: str) -> None:
    with pytest.raises(TableError, match=message):
        assemble(THINGS, columns)


def test_positions_are_those_of_account_and_instance_together() -> None:
    frame = pd.DataFrame({"account": ["1", "2", "2"], "instance_id": ["i", "i", "j"]})
    accounts, ids = texts("2", "1", "1", None, "2", "3"), texts("j", "i", "j", "i", None, "i")
    assert list(positions(frame, accounts, ids)) == list(positions(frame, coded(accounts), coded(ids))) == [2, 0, -1, -1, -1, -1]
    assert list(positions(frame.iloc[1:].reset_index(drop=True), accounts, ids)) == [1, -1, -1, -1, -1, -1]
    assert list(positions(frame.iloc[:0], texts("2"), texts("j"))) == [-1]


def test_what_stands_nowhere_is_taken_as_none() -> None:
    assert plain(taken(texts("b", None, "a"), np.array([2, -1, 0, 1]))).tolist() == ["a", None, "b", None]


def test_rows_that_agree_in_every_column_are_of_one_kind() -> None:
    kinds, first = alike([np.array([0, 1, 0, -1]), np.array([5, 5, 5, 5])])
    assert (kinds.tolist(), first.tolist()) == ([0, 1, 0, 2], [0, 1, 3])
    assert [list(found) for found in alike([np.array([], dtype=np.int64)])] == [[], []]


def test_frames_of_a_big_table_are_put_end_to_end_whatever_texts_they_have() -> None:
    rows = [("x", None, 1), ("z", "b", None), ("a", "b", 3)]
    assert plain_frame(end_to_end(BIG, [BIG.frame(rows[:1]), BIG.frame(), BIG.frame(rows[1:])])).equals(THINGS.frame(rows))
    assert end_to_end(BIG, []).equals(BIG.frame())
