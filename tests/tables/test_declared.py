from __future__ import annotations

import re

import pytest

import reporter.tables.aws
from reporter.core.table import Kind, Table
from reporter.tables import declared

TABLES = declared()


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_a_table_is_named_described_and_identified_by_columns_of_its_own(table: Table) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", table.name)
    assert TABLES[table.name] is table
    assert table.about
    assert table.key
    assert len(set(table.names)) == len(table.names)
    for column in table.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert column.about
    kinds = {column.name: column.kind for column in table.columns}
    assert not {kinds[name] for name in table.key} & {Kind.TEXTS, Kind.INTEGERS, Kind.NUMBER}


@pytest.fixture
def twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second table of the same name in a module of tables."""
    first = next(iter(TABLES.values()))
    monkeypatch.setattr(reporter.tables.aws, "TWICE", Table(first.name, "the same name again", (), ()), raising=False)


def test_a_name_that_is_declared_twice_is_an_error(twice: None) -> None:
    with pytest.raises(ValueError, match="table declared twice"):
        declared()
