"""A language that reports are written in: its words, plural forms, numbers and dates.

English is the source language and needs no file. Every other language is one gettext file, `templates/translations/CODE.po`, read at run time. Its
messages without context are the texts of templates and reports; context `state` holds our names of states as words, `check` the titles of checks,
`control` those of controls, `column` heads of columns, `reason` the sentence forms of core/sentences.py. API values stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

from babel.dates import format_date, format_time
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import NullTranslations, Translations

from reporter.core import clock, wording
from reporter.core.sentences import JOINT, Form, Match, Sentences, kind

SOURCE = "en"
_NOT_A_PART_OF_A_NAME = re.compile(r"(, | or )")
_SOME_OF_MORE = re.compile(r"(.+) and (\d+) more", re.DOTALL)


def mark(text: str) -> str:
    """A text that is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Language:
    """How one language says things. Texts name their values: gettext("cut at %(rows)s rows", rows=language.number(rows))."""

    code: str = SOURCE
    translations: NullTranslations = field(default_factory=NullTranslations, repr=False, compare=False)
    sentences: Sentences = field(default_factory=lambda: Sentences(()), repr=False, compare=False)

    def gettext(self, text: str, **values: Any) -> str:
        """The text in this language."""
        said = str(self.translations.gettext(text))
        return said % values if values else said

    def ngettext(self, one: str, many: str, count: int, **values: Any) -> str:
        """The text for so many; %(count)s is the number as people of this language write it."""
        return str(self.translations.ngettext(one, many, count)) % {"count": self.number(count), **values}

    def pgettext(self, context: str, text: str) -> str:
        """The text as it is said in one context."""
        return str(self.translations.pgettext(context, text))

    def words(self, name: str) -> str:
        """A name of ours for people: missing_acl -> missing ACL, ohne ACL. A name that the language has no words for is only spaced."""
        said = self.pgettext("state", name)
        return wording.words(name) if said == name else said

    def title(self, text: str) -> str:
        """The title of a check."""
        return self.pgettext("check", text)

    def column(self, name: str) -> str:
        """A column's head: its name in the record, behind its name in this language where that is another: Konto (account)."""
        said = self.pgettext("column", name)
        return name if said == name else f"{said} ({name})"

    def reason(self, text: str) -> str:
        """A sentence that a check, a join or an action made; a part that has no form in this language stays English."""
        if self.code == SOURCE:
            return text
        return JOINT.join(self._again(match) if match else part for part, match in self.sentences.parts(text))

    def left_english(self, texts: Iterable[str]) -> list[str]:
        """Of these texts the distinct ones of which some part has no form in this language."""
        return [] if self.code == SOURCE else sorted(text for text in set(texts) if not self._whole(text))

    def number(self, value: Any) -> str:
        """1234 -> 1 234 (with a narrow space that does not break), 1.234."""
        return wording.number(value) if self.code == SOURCE else str(format_decimal(int(value), locale=self.code))

    def percent(self, share: float) -> str:
        """0.256 -> 26 %."""
        return f"{round(100 * share)}\N{NO-BREAK SPACE}%" if self.code == SOURCE else str(format_percent(share, locale=self.code))

    def date(self, instant: datetime) -> str:
        """The UTC day: 24 November 2026, 24. November 2026."""
        return str(format_date(instant.astimezone(UTC), "long", locale=self._locale))

    def moment(self, instant: datetime) -> str:
        """24 November 2026, 03:00 UTC."""
        return f"{self.date(instant)}, {self._time(instant)} UTC"

    def instant(self, instant: datetime) -> str:
        """Short, for tables, in UTC: 2026-11-24 03:00, 24.11.2026 03:00."""
        utc = instant.astimezone(UTC)
        return f"{utc:%Y-%m-%d %H:%M}" if self.code == SOURCE else f"{format_date(utc, 'medium', locale=self._locale)} {self._time(instant)}"

    def day(self, written: str) -> str:
        """A date in ISO 8601, short, for tables: 2026-11-24, 24.11.2026. Raises ValueError for text that is none."""
        return written if self.code == SOURCE else str(format_date(date.fromisoformat(written), "medium", locale=self._locale))

    def _time(self, instant: datetime) -> str:
        return str(format_time(instant.astimezone(UTC), "short", locale=self._locale))

    @property
    def _locale(self) -> str:
        return "en_GB" if self.code == SOURCE else self.code

    def _again(self, match: Match) -> str:
        """The sentence of a form, in this language."""
        form, values = match.form, match.values
        if form.many:
            text = str(self.translations.npgettext("reason", form.one, form.many, _whole_number(values["n"])))
        else:
            text = self.pgettext("reason", form.one)
        return text.format_map({name: self._value(kind(name), value) for name, value in values.items()})

    def _value(self, what: str, value: str) -> str:
        ways: dict[str, Callable[[str], str]] = {
            "n": lambda number: self.number(_whole_number(number)),
            "when": lambda when: self.words(when) if when == "never" else f"{self.instant(clock.parse(when))} UTC",
            "day": self.day,
            "module": self.words,
            "state": self._states,
            "names": self._listed,
            "reason": self.reason,
        }
        return ways[what](value) if what in ways else value

    def _states(self, value: str) -> str:
        return "".join(self.words(part) if place % 2 == 0 else self._joint(part) for place, part in enumerate(_NOT_A_PART_OF_A_NAME.split(value)))

    def _listed(self, value: str) -> str:
        """A list of names, those that are ours said again: a, b and 2 more -> a, b und 2 weitere."""
        found = _SOME_OF_MORE.fullmatch(value)
        text = ", ".join(self.pgettext("reason", name) for name in (found[1] if found else value).split(", "))
        return self.gettext("%(items)s and %(count)s more", items=text, count=self.number(int(found[2]))) if found else text

    def _joint(self, text: str) -> str:
        return f" {self.words('or')} " if text == " or " else text

    def _whole(self, text: str) -> bool:
        parts = self.sentences.parts(text) if text else ()
        return all(
            match is not None and all(self._whole(value) for name, value in match.values.items() if kind(name) == "reason") for _, match in parts
        )


ENGLISH = Language()


def codes() -> tuple[str, ...]:
    """The languages there are: English, and one for each file of translations."""
    found = [name.removesuffix(".po") for name in (entry.name for entry in _folder().iterdir()) if name.endswith(".po")]
    return (SOURCE, *sorted(set(found) - {SOURCE}))


@cache
def language(code: str) -> Language:
    """The language of this code. Raises ValueError where there is no file for it, or the file is not whole gettext."""
    if code == SOURCE:
        return ENGLISH
    if code not in codes():
        raise ValueError(f"no translations for {code}; there are: {', '.join(codes())}")
    catalogue = read(code)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Language(code, Translations(compiled), Sentences(forms(catalogue)))


def read(code: str) -> Catalog:
    """The file of a language. Raises ValueError for one that gettext cannot read."""
    return read_po(BytesIO(_folder().joinpath(f"{code}.po").read_bytes()), locale=code, abort_invalid=True)


def forms(catalogue: Catalog) -> tuple[Form, ...]:
    """The sentence forms that a language has words for."""
    ids = [message.id for message in catalogue if message.context == "reason" and message.string and not message.fuzzy]
    return tuple(Form(*text) if isinstance(text, tuple | list) else Form(text) for text in ids)


def _whole_number(text: str) -> int:
    return int(text.replace("\N{NARROW NO-BREAK SPACE}", ""))


def _folder() -> Any:
    return files("reporter.templates").joinpath("translations")
