from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporter.core.order import coded, coded_of_arrow, in_order_of, looked_up, ordered, packed, places, plain, plain_frame, ranks, shared
from reporter.core.table import Column, Kind, Table

KINDS = (Kind.TEXT, Kind.INTEGER, Kind.TIME, Kind.FLAG, Kind.NUMBER, Kind.TEXTS, Kind.INTEGERS, Kind.CATEGORY)
THINGS = Table("things", "things", ("a", "b"), tuple(Column(name, kind, "x", nullable=True) for name, kind in zip("abcdefgh", KINDS, strict=True)))
BIG = Table(THINGS.name, THINGS.about, THINGS.key, THINGS.columns, big=True)

texts = st.none() | st.sampled_from(["", "a", "A", "b", "ab", "ä", "\U0001f600", "\uffff", "10", "9"])
odd_texts = texts | st.just("\ud800")
times = st.none() | st.sampled_from(
    [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, tzinfo=UTC)]
)
rows = st.tuples(
    texts,
    st.none() | st.sampled_from([0, 1, 2, 10, -1]),
    times,
    st.none() | st.booleans(),
    st.none() | st.sampled_from([0.5, 1.0, 10.0, -1.0]),
    st.lists(st.sampled_from(["a", "b", ""]), max_size=2),
    st.lists(st.sampled_from([1, 10, 2]), max_size=2),
    texts,
)


def slowly(frame: pd.DataFrame) -> pd.DataFrame:
    """Everything as text, the missing as the empty one; sorted by the key, then by the other columns."""
    text = frame.astype("string").fillna("")
    return frame.loc[text.sort_values(list("abcdefgh"), kind="stable").index].reset_index(drop=True)


@settings(max_examples=100, deadline=None)
@given(st.lists(rows, max_size=12))
def test_rows_stand_in_the_order_of_their_texts_whatever_the_form_of_the_columns(found: list[tuple[object, ...]]) -> None:
    frame = THINGS.frame(found)
    assert THINGS.sort(frame).equals(slowly(frame))
    assert plain_frame(BIG.sort(BIG.frame(found))).equals(slowly(frame))


@given(st.lists(odd_texts))
def test_a_categorical_says_the_same_texts_and_its_categories_stand_in_order(found: list[str | None]) -> None:
    values = pd.Series(found, dtype="object")
    made = coded(values)
    assert plain(made).equals(values)
    assert list(made.cat.categories) == sorted({text for text in found if text is not None})


@given(st.lists(texts), st.integers(0, 3))
def test_texts_of_arrow_are_coded_as_objects_are(found: list[str | None], cut: int) -> None:
    made = coded_of_arrow(pa.chunked_array([found[:cut], found[cut:]], type=pa.string()))
    assert made.equals(coded(pd.Series(found, dtype="object")))


def test_categories_out_of_order_are_put_in_order() -> None:
    made = coded(pd.Series(pd.Categorical(["b", None, "a"], categories=["b", "c", "a"])))
    assert list(made.cat.categories) == ["a", "b", "c"]
    assert plain(made).tolist() == ["b", None, "a"]


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises((TypeError, ValueError)):
        coded(pd.Series(["a", 7], dtype="object"))


def test_the_missing_and_the_empty_text_have_one_place() -> None:
    for values in (pd.Series(["b", None, "", "a"], dtype="object"), coded(pd.Series(["b", None, "", "a"], dtype="object"))):
        assert ranks(values)[1] == ranks(values)[2] < ranks(values)[3] < ranks(values)[0]


def test_columns_share_one_list_of_texts() -> None:
    (one, other), found = shared(pd.Series(["b", None], dtype="object"), pd.Series(["c", "a"], dtype="object"))
    assert (one.tolist(), other.tolist(), list(found)) == ([1, -1], [2, 0], ["a", "b", "c"])


def test_places_are_those_among_the_texts_given() -> None:
    values = pd.Series(["z", "a", None], dtype="object")
    assert places(pd.Index(["a", "b"]), values).tolist() == places(pd.Index(["a", "b"]), coded(values)).tolist() == [-1, 0, -1]
    assert looked_up(np.array([5, 6]), np.array([1, -1]), 9).tolist() == [6, 9]


@pytest.mark.parametrize(("values", "order"), [(["c", "a", "b"], [1, 2, 0]), (["b", "a", "b"], [1, 0, 2]), ([None, "a"], [0, 1]), ([], [])])
def test_positions_come_in_the_order_of_the_texts(values: list[str | None], order: list[int]) -> None:
    assert in_order_of(coded(pd.Series(values, dtype="object"))).tolist() == order


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans(), st.integers(0, 4)), max_size=12), st.sampled_from([1, 1 << 28, 1 << 61]))
def test_packed_numbers_are_in_the_order_of_their_columns(rows: list[tuple[int, bool, int]], wide: int) -> None:
    first, second, third = (np.array([row[at] for row in rows]) for at in range(3))
    found, begins = ordered(packed([(first * wide).astype(np.int64), second.astype(bool), third.astype(np.int8)]))
    assert list(found) == sorted(range(len(rows)), key=lambda at: rows[at])
    in_order = [rows[at] for at in found]
    assert list(begins) == [at for at in range(len(rows)) if not at or in_order[at] != in_order[at - 1]]
