from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from reporter.core.language import ENGLISH, Language, codes, forms, language
from reporter.core.sentences import Sentences

INSTANT = datetime(2026, 11, 24, 4, 0, tzinfo=timezone(timedelta(hours=1)))
WORDS = """
msgid ""
msgstr ""
"Language: de\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Why"
msgstr "Warum"

msgid "%(count)s row is in %(file)s"
msgid_plural "%(count)s rows are in %(file)s"
msgstr[0] "%(count)s Zeile steht in %(file)s"
msgstr[1] "%(count)s Zeilen stehen in %(file)s"

msgctxt "state"
msgid "missing_acl"
msgstr "ohne ACL"

msgctxt "state"
msgid "or"
msgstr "oder"

msgctxt "state"
msgid "never"
msgstr "nie"

msgctxt "state"
msgid "prevent"
msgstr "verhindernd"

msgctxt "check"
msgid "Agent online"
msgstr "Agent ist online"

msgctxt "reason"
msgid "the last scan, of {when}, is older than {n} day"
msgid_plural "the last scan, of {when}, is older than {n} days"
msgstr[0] "die letzte Suche ({when}) ist älter als {n} Tag"
msgstr[1] "die letzte Suche ({when}) ist älter als {n} Tage"

msgctxt "reason"
msgid "before it: {reason}"
msgstr "davor: {reason}"

msgctxt "reason"
msgid "{state}, with rules"
msgstr "{state}, mit Regeln"

msgctxt "reason"
msgid "changed: {names}"
msgstr "geändert: {names}"

msgctxt "reason"
msgid "the rules"
msgstr "die Regeln"

msgctxt "reason"
msgid "{call} in {account}: {text}"
msgstr "{call} in Konto {account}: {text}"

msgid "%(items)s and %(count)s more"
msgstr "%(items)s und %(count)s weitere"

#, fuzzy
msgctxt "reason"
msgid "not sure"
msgstr "unsicher"
"""


def german() -> Language:
    catalogue = read_po(BytesIO(WORDS.encode()), locale="de")
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Language("de", Translations(compiled), Sentences(forms(catalogue)))


def test_a_text_is_said_in_its_language_and_english_is_the_source() -> None:
    assert (ENGLISH.gettext("Why"), german().gettext("Why"), german().gettext("Not there")) == ("Why", "Warum", "Not there")


@pytest.mark.parametrize(
    ("count", "english", "said"),
    [
        (1, "1 row is in a.csv", "1 Zeile steht in a.csv"),
        (0, "0 rows are in a.csv", "0 Zeilen stehen in a.csv"),
        (1234, "1\u202f234 rows are in a.csv", "1.234 Zeilen stehen in a.csv"),
    ],
)
def test_a_count_takes_its_plural_form_and_is_written_as_in_that_language(count: int, english: str, said: str) -> None:
    texts = ("%(count)s row is in %(file)s", "%(count)s rows are in %(file)s")
    assert ENGLISH.ngettext(*texts, count, file="a.csv") == english
    assert german().ngettext(*texts, count, file="a.csv") == said


def test_numbers_shares_and_instants() -> None:
    assert (ENGLISH.number(1234567), german().number(1234567)) == ("1\u202f234\u202f567", "1.234.567")
    assert (ENGLISH.percent(0.256), german().percent(0.256)) == ("26\u00a0%", "26\u00a0%")
    assert (ENGLISH.date(INSTANT), german().date(INSTANT)) == ("24 November 2026", "24. November 2026")
    assert (ENGLISH.moment(INSTANT), german().moment(INSTANT)) == ("24 November 2026, 03:00 UTC", "24. November 2026, 03:00 UTC")
    assert (ENGLISH.instant(INSTANT), german().instant(INSTANT)) == ("2026-11-24 03:00", "24.11.2026 03:00")
    assert ENGLISH.date(datetime(2026, 11, 24, 0, 30, tzinfo=timezone(timedelta(hours=1)))) == "23 November 2026"
    assert ENGLISH.instant(INSTANT.astimezone(UTC)) == ENGLISH.instant(INSTANT)


def test_names_of_states_are_words_and_unknown_ones_are_only_spaced() -> None:
    assert (ENGLISH.words("missing_acl"), german().words("missing_acl"), german().words("no_such_acl")) == ("missing ACL", "ohne ACL", "no such ACL")
    assert (ENGLISH.title("Agent online"), german().title("Agent online")) == ("Agent online", "Agent ist online")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the last scan, of 2026-11-01T03:00:00Z, is older than 14 days", "die letzte Suche (01.11.2026 03:00 UTC) ist älter als 14 Tage"),
        ("the last scan, of never, is older than 1 day", "die letzte Suche (nie) ist älter als 1 Tag"),
        ("before it: the last scan, of never, is older than 1 day", "davor: die letzte Suche (nie) ist älter als 1 Tag"),
        ("missing_acl or prevent, with rules", "ohne ACL oder verhindernd, mit Regeln"),
        ("missing_acl, prevent, with rules", "ohne ACL, verhindernd, mit Regeln"),
        ("changed: a-1, the rules and 7 more", "geändert: a-1, die Regeln und 7 weitere"),
        ("changed: the rules", "geändert: die Regeln"),
        ("ec2:DescribeInstances in 1: no", "ec2:DescribeInstances in Konto 1: no"),
        ("GET /computers in 1: no", "GET /computers in Konto 1: no"),
        ("a rule in 1: no", "a rule in 1: no"),
        ("odd; before it: odd {n} %s", "odd; davor: odd {n} %s"),
        ("", ""),
    ],
)
def test_a_reason_is_said_again_by_its_form_and_what_has_none_stays(text: str, said: str) -> None:
    assert german().reason(text) == said
    assert ENGLISH.reason(text) == text


def test_what_stays_english_in_some_part_is_named() -> None:
    texts = ["before it: odd", "before it: before it: not sure", "the last scan, of never, is older than 1 day", "odd", "odd"]
    assert german().left_english(texts) == ["before it: before it: not sure", "before it: odd", "odd"]
    assert ENGLISH.left_english(texts) == []


def test_each_file_of_translations_is_a_language() -> None:
    assert codes() == ("en", "de")
    assert (language("de").code, language("en")) == ("de", ENGLISH)
    with pytest.raises(ValueError, match="there are: en, de"):
        language("../../x")
