from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.core.table import Column, Kind, Table, TableError, concat
from tests.examples import examples

THINGS = Table(
    "things",
    "Things",
    ("name",),
    (
        Column("name", Kind.TEXT, "name"),
        Column("size", Kind.INTEGER, "size", nullable=True),
        Column("share", Kind.NUMBER, "share", nullable=True),
        Column("good", Kind.FLAG, "good", nullable=True),
        Column("seen", Kind.TIME, "seen", nullable=True),
        Column("tags", Kind.TEXTS, "tags"),
    ),
)
ROW = ("a", 1, 0.5, True, datetime(2026, 1, 2, tzinfo=UTC), ["x", "y"])


def test_rows_become_a_frame_of_declared_types() -> None:
    frame = THINGS.frame([ROW, ("b", None, None, None, None, None)])
    assert list(frame.columns) == list(THINGS.names)
    assert frame["size"].dtype == "Int64"
    assert frame["good"].dtype == "boolean"
    assert str(frame["seen"].dtype) == "datetime64[us, UTC]"
    assert frame["tags"].tolist() == [("x", "y"), ()]


def test_an_empty_frame_has_the_same_types_as_a_full_one() -> None:
    assert THINGS.frame().dtypes.tolist() == THINGS.frame([ROW]).dtypes.tolist()


def test_a_row_of_the_wrong_width_is_refused() -> None:
    with pytest.raises(TableError, match="a row of 2 values for 6 columns"):
        THINGS.frame([("a", 1)])


def test_a_missing_value_where_none_may_be_is_refused() -> None:
    with pytest.raises(TableError, match="column name: missing values"):
        THINGS.frame([(None, *ROW[1:])])


def test_a_value_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(TableError, match="column size"):
        THINGS.frame([("a", "many", *ROW[2:])])


def test_conform_asks_for_every_column_and_drops_the_others() -> None:
    frame = THINGS.frame([ROW]).assign(other=1)
    assert list(THINGS.conform(frame).columns) == list(THINGS.names)
    with pytest.raises(TableError, match="columns missing"):
        THINGS.conform(frame.drop(columns="size"))


def test_sorting_does_not_depend_on_the_order_of_arrival() -> None:
    rows = [("b", 2, None, None, None, ()), ("a", 9, None, None, None, ()), ("a", 1, None, None, None, ("z",))]
    forward, backward = (THINGS.sort(THINGS.frame(some)) for some in (rows, rows[::-1]))
    pd.testing.assert_frame_equal(forward, backward)
    assert forward["name"].tolist() == ["a", "a", "b"]
    assert THINGS.sort(THINGS.frame()).empty


def test_frames_of_one_table_are_joined_end_to_end() -> None:
    assert len(concat(THINGS, [THINGS.frame([ROW]), THINGS.frame(), THINGS.frame([ROW])])) == 2
    assert concat(THINGS, []).dtypes.tolist() == THINGS.frame().dtypes.tolist()


def test_a_key_that_is_no_column_is_refused() -> None:
    with pytest.raises(TableError):
        Table("wrong", "wrong", ("missing",), THINGS.columns)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.TEXT, 7),
        (Kind.TEXT, {"a": 1}),
        (Kind.CATEGORY, True),
        (Kind.TEXTS, "one text"),
        (Kind.TEXTS, {"a": 1}),
        (Kind.TEXTS, (7,)),
        (Kind.INTEGERS, ("7",)),
        (Kind.INTEGERS, (True,)),
    ],
)
def test_a_value_that_no_file_could_hold_as_declared_is_refused(kind: Kind, value: object) -> None:
    with pytest.raises(TableError, match="is declared"):
        Table("t", "about", (), (Column("c", kind, "about", nullable=True),)).frame([(None,), (value,)])


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**64), 2**64), st.floats(), st.text(max_size=3), st.datetimes(), st.lists(st.integers(), max_size=2)
)
FITTING: dict[Kind, st.SearchStrategy[object]] = {
    Kind.TEXT: st.text(st.characters(codec=None), max_size=3),
    Kind.INTEGER: st.integers(-(2**63) + 1, 2**63 - 1),
    Kind.NUMBER: st.one_of(st.floats(), st.integers(-(2**53), 2**53)),
    Kind.FLAG: st.booleans(),
    Kind.TIME: st.datetimes(timezones=st.just(UTC)),
    Kind.TEXTS: st.lists(st.text(max_size=3), max_size=3),
}


@examples(60)
@given(st.data())
def test_rows_are_checked_as_a_frame_would_be_made_of_them(data: st.DataObject) -> None:
    """Most rows fit, so that both answers occur."""
    cells = [st.one_of(FITTING[column.kind], *([st.none()] if column.nullable else [])) for column in THINGS.columns]
    rows = data.draw(st.lists(st.tuples(*cells), max_size=4))
    if data.draw(st.booleans()) and rows:
        spoilt = data.draw(st.integers(0, len(cells) - 1))
        rows[-1] = (*rows[-1][:spoilt], data.draw(ODD), *rows[-1][spoilt + 1 :])
    assert _refused(THINGS.check, rows) == _refused(THINGS.frame, rows)


def _refused(take: Callable[[list[tuple[object, ...]]], object], rows: list[tuple[object, ...]]) -> bool:
    try:
        take(rows)
    except (TableError, OverflowError):
        return True
    return False
