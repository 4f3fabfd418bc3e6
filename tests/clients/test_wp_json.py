"""What is taken of Workload Protection's JSON is what json says of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.clients.wp_json import decoded, page_decoder, whole
from reporter.sources import wp_computers, wp_policies, wp_recommendations, wp_rules
from tests.examples import examples

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=4)
WANTED = ("ID", "name", "module.state", "module.status.agent")
STATUS = st.none() | st.fixed_dictionaries({}, optional={"agent": VALUES, "more": VALUES})
MODULES = st.none() | st.fixed_dictionaries({}, optional={"state": VALUES, "status": STATUS, "ruleIDs": VALUES})
OBJECTS = st.fixed_dictionaries({"ID": st.integers(1, 9)}, optional={"name": VALUES, "module": MODULES, "description": VALUES})


def same(one: Any, other: Any) -> bool:
    """Equal in value and in type; NaN is NaN."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def only(found: dict[str, Any]) -> dict[str, Any]:
    """An object narrowed to WANTED by hand."""
    kept: dict[str, Any] = {name: found[name] for name in ("ID", "name", "module") if name in found}
    if kept.get("module"):
        kept["module"] = {name: value for name, value in kept["module"].items() if name in ("state", "status")}
        if kept["module"].get("status"):
            kept["module"]["status"] = {name: value for name, value in kept["module"]["status"].items() if name == "agent"}
    return kept


@given(VALUES)
@examples(15)
def test_the_whole_of_an_answer_is_what_json_says(value: Any) -> None:
    assert same(decoded(json.dumps(value).encode(), whole), value)


@given(st.lists(OBJECTS, max_size=3))
@examples(25)
def test_the_wanted_part_of_a_page_is_what_json_says(objects: list[dict[str, Any]]) -> None:
    body = json.dumps({"computers": objects, "more": 1}).encode()
    found = decoded(body, page_decoder("computers", WANTED))
    expected = {"computers": [only(one) for one in objects]}
    assert same(found, expected) or same(found, json.loads(body))  # the latter where msgspec takes less than json does
    if b"NaN" not in body and b"Infinity" not in body and b"\\ud" not in body:
        assert same(found, expected)


def test_what_is_not_of_the_wanted_form_is_left_to_json() -> None:
    page = {"computers": [{"ID": 1, "module": "on", "description": "d"}]}
    assert decoded(json.dumps(page).encode(), page_decoder("computers", WANTED)) == page


@pytest.mark.parametrize("source", [wp_computers, wp_policies, wp_recommendations, wp_rules], ids=lambda source: source.SOURCE.name)
def test_a_page_that_ends_early_is_no_page(source: Any) -> None:
    decode = page_decoder("found", source.WANTED)
    body = json.dumps({"found": [{name.partition(".")[0]: None for name in source.WANTED} | {"ID": 7}] * 2}).encode()
    assert [one["ID"] for one in decoded(body, decode)["found"]] == [7, 7]
    for end in range(0, len(body), len(body) // 30):
        with pytest.raises(ValueError, match=r"line|char"):
            decoded(body[:end], decode)


def test_bytes_that_are_no_text_are_refused_where_they_are_skipped_over_too() -> None:
    with pytest.raises(UnicodeDecodeError):
        decoded(b'{"computers": [{"ID": 1, "description": "\xff"}]}', page_decoder("computers", WANTED))
