from __future__ import annotations

import pytest

from reporter.sandbox.aws.criteria import in_order, matches, values_at
from reporter.sandbox.aws.extend import Refused


def test_lists_are_looked_through() -> None:
    wire = {"resources": [{"id": "a", "tags": ["x", "y"]}, {"id": "b"}, {"tags": None}]}
    assert (values_at(wire, "resources.id"), values_at(wire, "resources.tags")) == (["a", "b"], ["x", "y"])
    assert values_at(wire, "resources.id.deeper") == []


def test_an_unknown_condition_is_refused_not_ignored() -> None:
    with pytest.raises(Refused, match="Resembles"):
        matches({"type": "a"}, {"type": {"Resembles": ["a"]}}, error="BadRequestException")


def test_words_are_neither_more_nor_less_than_a_number() -> None:
    for condition in ("GreaterThan", "LessThan", "GreaterThanOrEqual", "LessThanOrEqual"):
        assert not matches({"type": "a word"}, {"type": {condition: 0}}, error="BadRequestException")


def test_what_lacks_the_sorted_field_comes_last() -> None:
    wires = [{"name": "b"}, {}, {"name": "a"}]
    assert in_order(wires, {"attributeName": "name", "orderBy": "ASC"}, lambda wire: wire) == [{"name": "a"}, {"name": "b"}, {}]
