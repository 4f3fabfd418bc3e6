"""Sentences that were put together from a form and values, taken apart again: so that a finished sentence can be said in another language.

A form is a sentence with named places: "the last scan, of {when}, is older than {n} days". The name, without the digits at its end, says what may
stand in a place and how it is said again:

- `n`: a whole number, written anew; the `n` of a form with a plural decides which one is used
- `when`: an instant in ISO 8601
- `day`: a date in ISO 8601
- `state`: a name of ours, or "a, b" or "a or b" of such names
- `module`: a protection module, by its key or its name
- `names`: a list, "a, b" or "a, b and 2 more", of names; those that have a form of their own are said again
- `call`: an operation of an API: service:Operation, or GET /path
- `reason`: a sentence, or several joined by "; ", each said again by its own form
- any other: text of the world or of an API, left as it is
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PLACE = re.compile(r"\{([a-z_]+?)(\d*)\}")
JOINT = "; "
LONGEST = 4000
"""longer texts are not looked at"""

_KINDS = {
    "n": r"\d+(?:\u202f\d{3})*",
    "when": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|never",
    "day": r"\d{4}-\d\d-\d\d",
    "module": r"[a-z][a-z_ -]*",
    "state": r"[A-Za-z_-]+(?:(?:, | or )[A-Za-z_-]+)*",
    "reason": r".+?",
    "call": r"[a-z0-9-]+:\w+|(?:GET|POST|PUT|DELETE) \S+",
}
_TEXT = r"(?:(?!; ).)+?"


@dataclass(frozen=True)
class Form:
    """A sentence with places; `many`: how it is said of several, where that differs."""

    one: str
    many: str = ""


@dataclass(frozen=True)
class Match:
    """A form that a text was made from, and what stands in its places."""

    form: Form
    values: Mapping[str, str]


class Sentences:
    """Forms, ready to recognise texts. Of several that fit, the one with the longest text of its own is taken."""

    def __init__(self, forms: Iterable[Form]) -> None:
        self._by_start: dict[str, list[tuple[int, re.Pattern[str], Form]]] = {}
        for form in forms:
            for text in filter(None, (form.one, form.many)):
                literal = len(PLACE.sub("", text))
                self._by_start.setdefault(_start(text), []).append((literal, _pattern(text), form))
        for found in self._by_start.values():
            found.sort(key=lambda entry: (-entry[0], entry[1].pattern))

    def match(self, text: str) -> Match | None:
        """The form that the whole text was made from."""
        if len(text) > LONGEST:
            return None
        starts = (text.split(" ", 1)[0], "")
        candidates = sorted((entry for start in starts for entry in self._by_start.get(start, ())), key=lambda entry: (-entry[0], entry[1].pattern))
        for _, pattern, form in candidates:
            found = pattern.fullmatch(text)
            if found:
                return Match(form, found.groupdict())
        return None

    def parts(self, text: str) -> Sequence[tuple[str, Match | None]]:
        """The sentences that are joined in a text, each with its form; a form may itself contain the joint."""
        pieces = text.split(JOINT) if len(text) <= LONGEST else [text]
        found: list[tuple[str, Match | None]] = []
        at = 0
        while at < len(pieces):
            for end in range(len(pieces), at, -1):
                part = JOINT.join(pieces[at:end])
                match = self.match(part)
                if match or end == at + 1:
                    found.append((part, match))
                    at = end
                    break
        return found


def places(text: str) -> set[str]:
    """Names of the places of a form."""
    return {name + digits for name, digits in PLACE.findall(text)}


def kind(name: str) -> str:
    """What may stand in a place of this name."""
    return name.rstrip("0123456789")


def _start(text: str) -> str:
    """The first word, where it has no place in it."""
    word = text.split(" ", 1)[0]
    return "" if PLACE.search(word) else word


def _pattern(text: str) -> re.Pattern[str]:
    parts: list[str] = []
    at = 0
    for place in PLACE.finditer(text):
        name = "".join(place.groups())
        parts += [re.escape(text[at : place.start()]), f"(?P<{name}>{_KINDS.get(kind(name), _TEXT)})"]
        at = place.end()
    return re.compile("".join([*parts, re.escape(text[at:])]), re.DOTALL)
