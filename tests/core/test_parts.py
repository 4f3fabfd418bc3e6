"""Parts of a table come in any order and make the frame that all rows make at once."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from reporter.core.parts import Parts
from reporter.core.scope import Scope
from reporter.core.table import Column, Kind, Row, Table, TableError

COLUMNS = (
    Column("account", Kind.TEXT, "account"),
    Column("title", Kind.TEXT, "title", nullable=True),
    Column("score", Kind.NUMBER, "score", nullable=True),
    Column("count", Kind.INTEGER, "count", nullable=True),
    Column("known", Kind.FLAG, "known", nullable=True),
    Column("packages", Kind.TEXTS, "packages"),
    Column("seen", Kind.TIME, "seen", nullable=True),
)
SMALL = Table("small", "a table", ("account",), COLUMNS)
BIG = Table("big", "a table", ("account",), COLUMNS, big=True)


def _row(scope: Scope, number: int, *, title: str | None = None) -> Row:
    odd = number % 3 == 1
    packages = ["openssl 1.1", f"zlib {number % 4}"] if odd else []
    values: tuple[Any, ...] = (None, None, None) if odd else (number / 7, number, number % 2 == 0)
    return (
        scope.account,
        title or (None if odd else f"t{number % 5}"),
        *values,
        packages,
        None if odd else datetime(2026, 1, 1, number % 24, tzinfo=UTC),
    )


def _scopes() -> dict[Scope, list[Row]]:
    scopes = [Scope(f"{account:012d}", region, "inspector") for account in range(6) for region in ("eu-west-1", "us-east-1")]
    return {scope: [_row(scope, number * (place + 1)) for number in range(place * 3)] for place, scope in enumerate(scopes)}


@pytest.mark.parametrize("table", [SMALL, BIG], ids=["small", "big"])
@pytest.mark.parametrize("at_once", [1, 7, 50, 10_000])
def test_parts_make_what_all_rows_make_at_once(table: Table, at_once: int) -> None:
    scopes = _scopes()
    parts = Parts(table, at_once)
    for scope in random.Random(at_once).sample(sorted(scopes), len(scopes)):
        parts.add(scope, scopes[scope])
    expected = table.frame(row for scope in sorted(scopes) for row in scopes[scope])
    pd.testing.assert_frame_equal(parts.frame(), expected)


def test_no_part_is_an_empty_table() -> None:
    parts = Parts(BIG)
    parts.add(Scope("1", "eu-west-1", "inspector"), [])
    pd.testing.assert_frame_equal(parts.frame(), BIG.frame())


def test_half_a_character_is_kept_as_it_came() -> None:
    scopes = [Scope(f"{account}", "eu-west-1", "inspector") for account in range(3)]
    rows = {scope: [_row(scope, 1, title=title)] for scope, title in zip(scopes, ("\ud83d", "a", "b"), strict=True)}
    parts = Parts(BIG, 1)
    for scope in reversed(scopes):
        parts.add(scope, rows[scope])
    pd.testing.assert_frame_equal(parts.frame(), BIG.frame(row for scope in scopes for row in rows[scope]))


def test_a_row_of_another_form_is_an_error() -> None:
    with pytest.raises(TableError, match="a row of 2 values for 7 columns"):
        Parts(SMALL, 1).add(Scope("1", "eu-west-1", "inspector"), [("1", "2")])
