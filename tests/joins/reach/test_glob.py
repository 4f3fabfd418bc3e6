from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.joins.reach.glob import STAR, Span, classes, compiled, joined, matches, span
from tests.examples import examples

PATTERNS = st.text("ab*?", max_size=5)
SHORT = st.text("ab*?", max_size=3)
"""short enough that every class has a key among KEYS"""
TEXTS = st.text("abc", max_size=6)
KEYS = ["".join(letters) for length in range(1, 7) for letters in product("abc", repeat=length)]


def expression(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)


@given(PATTERNS, TEXTS)
def test_a_glob_matches_as_the_regular_expression_does(pattern: str, text: str) -> None:
    assert matches(compiled(pattern), text) is bool(re.fullmatch(expression(pattern), text, re.DOTALL))


@given(PATTERNS, st.text("ab", max_size=2))
def test_the_span_is_none_only_if_no_text_goes_on_and_all_only_if_every_text_does(pattern: str, prefix: str) -> None:
    fits = [bool(re.fullmatch(expression(pattern), prefix + key)) for key in KEYS]
    covered = span(compiled(pattern), prefix)
    assert (covered is not Span.NONE) is any(fits)
    assert covered is not Span.ALL or all(fits)


@examples(60)
@given(st.sets(SHORT, max_size=3), st.sampled_from(["", "a"]))
def test_the_classes_are_exactly_the_sets_of_patterns_that_some_key_matches(patterns: set[str], prefix: str) -> None:
    globs = frozenset(compiled(pattern) for pattern in patterns)
    seen = {frozenset(glob for glob in globs if matches(glob, prefix + key)) for key in KEYS}
    assert set(classes(globs, prefix) or ()) == seen


def test_no_patterns_make_one_class() -> None:
    assert classes(frozenset(), "a") == (frozenset(),)


@pytest.mark.parametrize(("pattern", "text"), [("*" * 5000 + "b", "a" * 5000), ("a*" * 2000 + "b", "a" * 5000)])
def test_a_hostile_pattern_takes_linear_time(pattern: str, text: str) -> None:
    assert not matches(compiled(pattern), text)


def test_consecutive_stars_are_one() -> None:
    assert compiled("a***b") == ("a", STAR, "b")
    assert joined([STAR, STAR]) == (STAR,)
