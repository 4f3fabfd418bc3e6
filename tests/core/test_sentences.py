from __future__ import annotations

import pytest

from reporter.core.sentences import LONGEST, Form, Sentences, kind, places

FORMS = Sentences(
    (
        Form("the last scan, of {when}, is older than {n} day", "the last scan, of {when}, is older than {n} days"),
        Form("policy {policy} is assigned"),
        Form("policy {policy} is assigned, which is none of those that schedule.yaml requires"),
        Form("a; b"),
        Form("a"),
        Form("before it: {reason}"),
        Form("{n} of {n2} are {state}"),
    )
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("the last scan, of 2026-11-01T03:00:00Z, is older than 14 days", {"when": "2026-11-01T03:00:00Z", "n": "14"}),
        ("the last scan, of never, is older than 1 day", {"when": "never", "n": "1"}),
        ("policy Linux web is assigned", {"policy": "Linux web"}),
        ("policy (.*)\n\\d is assigned", {"policy": "(.*)\n\\d"}),
        ("1\u202f234 of 20 are detect or prevent", {"n": "1\u202f234", "n2": "20", "state": "detect or prevent"}),
        ("before it: a; c", {"reason": "a; c"}),
    ],
)
def test_a_sentence_is_taken_apart_by_its_form(text: str, values: dict[str, str]) -> None:
    found = FORMS.match(text)
    assert found is not None
    assert found.values == values


@pytest.mark.parametrize(
    "text",
    [
        "",
        "policy  is assignedly",
        "the last scan, of yesterday, is older than 14 days",
        "the last scan, of never, is older than two days",
        "a policy x is assigned",
        "policy x; y is assigned",
        "3 of 4 are <b>",
        "policy " + "x" * LONGEST + " is assigned",
    ],
)
def test_what_was_not_made_from_a_form_has_none(text: str) -> None:
    assert FORMS.match(text) is None


def test_the_form_with_most_text_of_its_own_is_taken() -> None:
    found = FORMS.match("policy x is assigned, which is none of those that schedule.yaml requires")
    assert found is not None
    assert found.values == {"policy": "x"}


def test_joined_sentences_are_found_one_by_one_and_a_form_may_contain_the_joint() -> None:
    assert [(part, match is not None) for part, match in FORMS.parts("policy x is assigned; odd; a; b; a")] == [
        ("policy x is assigned", True),
        ("odd", False),
        ("a; b", True),
        ("a", True),
    ]


def test_a_place_is_of_the_kind_that_its_name_says_without_digits() -> None:
    assert places("{n} of {n2} in {when}") == {"n", "n2", "when"}
    assert kind("n2") == "n"
