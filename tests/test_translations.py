"""Every text is said in every language, and nothing is translated that is no longer said."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel.messages.catalog import Message

from reporter.core.language import codes, language, read
from reporter.core.sentences import PLACE

ROOT = Path(__file__).parents[1]
TOOL = runpy.run_path(str(ROOT / "docs" / "translations.py"))
CODES = [code for code in codes() if code != "en"]
NAMED = re.compile(r"%\((\w+)\)s")


def messages(code: str) -> Iterator[Message]:
    return (message for message in read(code) if message.id)


def _places(text: str, form: bool) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name} if form else set(NAMED.findall(text))


def both(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.mark.parametrize("code", CODES)
def test_no_text_lacks_its_translation_and_none_is_doubtful(code: str) -> None:
    assert [message.id for message in messages(code) if message.fuzzy or not all(both(message.string))] == []


@pytest.mark.parametrize("code", CODES)
def test_the_file_has_the_texts_that_are_said_and_no_others(code: str) -> None:
    known = {(message.context or "", both(message.id)) for message in messages(code) if message.context != "reason"}
    said = {(context or "", both(text)) for context, text in TOOL["texts"]()}
    assert (sorted(said - known), sorted(known - said)) == ([], []), "run: make translations"


@pytest.mark.parametrize("code", CODES)
def test_the_file_is_as_the_tool_writes_it(code: str) -> None:
    assert (TOOL["FOLDER"] / f"{code}.po").read_bytes() == TOOL["written"](TOOL["updated"](code)), "run: make translations"


@pytest.mark.parametrize("code", CODES)
def test_a_translation_has_the_places_of_its_text(code: str) -> None:
    wrong = []
    for message in messages(code):
        form = message.context == "reason"
        wanted = set().union(*(_places(text, form) for text in both(message.id)))
        for place, text in enumerate(both(message.string)):
            left_out = wanted - _places(text, form)
            if _places(text, form) - wanted or left_out - ({"count"} if place == 0 and len(both(message.string)) > 1 else set()):
                wrong.append(text)
    assert wrong == []


@pytest.mark.parametrize("code", CODES)
def test_each_sentence_form_recognises_what_it_makes(code: str) -> None:
    examples = {
        "n": "7",
        "when": "2026-11-24T03:00:00Z",
        "day": "2026-11-24",
        "state": "unmanaged",
        "module": "log inspection",
        "reason": "no policy is assigned",
        "names": "one, other and 2 more",
        "call": "ec2:DescribeInstances",
    }
    said = language(code)
    for message in messages(code):
        for text in both(message.id) if message.context == "reason" else ():
            whole = PLACE.sub(lambda place: examples.get(place[1], "x"), text)
            assert said.left_english([whole]) == []
            assert said.reason(whole) != whole or message.string == message.id or text == whole == said.reason(whole), whole


@pytest.mark.parametrize("code", CODES)
def test_no_sentence_form_is_left_of_a_sentence_that_the_code_no_longer_makes(code: str) -> None:
    """Three words in a row of a form, or each of its words, stand in the code as they are."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "reporter").glob("**/*.py"))
    gone = []
    for message in messages(code):
        for text in both(message.id)[-1:] if message.context == "reason" else ():
            pieces = PLACE.split(text)[::3]
            rows = [row for piece in pieces for row in re.findall(r"(?=\b(\w+ \w+ \w+)\b)", piece)]
            if not any(row in source for row in rows) and not all(word in source for piece in pieces for word in re.findall(r"\w+", piece)):
                gone.append(text)
    assert not gone, "\n".join(gone)
