from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.core.table import Column, Kind, Table, TableError
from reporter.joins.frames import assemble, in_key_order, positions, taken, text_codes

THINGS = Table(
    "things",
    "things",
    ("place", "name"),
    (Column("place", Kind.TEXT, "place"), Column("name", Kind.TEXT, "name", nullable=True), Column("size", Kind.INTEGER, "size", nullable=True)),
)


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


texts = st.sampled_from(["", "a", "B", "ä", "a b", "\u202e", "10", "9"])


@given(st.lists(st.tuples(texts, st.none() | texts, st.integers(0, 3))))
def test_key_order_is_that_of_the_declared_table(rows: list[tuple[str, str | None, int]]) -> None:
    frame = THINGS.frame(rows)
    assert in_key_order(THINGS, frame).equals(THINGS.sort(frame))


def test_the_missing_and_the_empty_text_have_one_place() -> None:
    assert list(text_codes(pd.Series(["b", None, "", "a"], dtype=object))) == [text_codes(pd.Series(["b", "", "", "a"], dtype=object))[0], 0, 0, 2]


def test_positions_are_those_of_account_and_instance_together() -> None:
    frame = pd.DataFrame({"account": ["1", "2", "2"], "instance_id": ["i", "i", "j"]})
    assert list(positions(frame, ["2", "1", "1", None, "2", "3"], ["j", "i", "j", "i", None, "i"])) == [2, 0, -1, -1, -1, -1]
    assert list(positions(frame.iloc[:0], ["2"], ["j"])) == [-1]


def test_what_stands_nowhere_is_taken_as_none() -> None:
    assert list(taken(pd.Series(["a", ("b",)], dtype=object), np.array([1, -1, 0]))) == [("b",), None, "a"]
