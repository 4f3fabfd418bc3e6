from __future__ import annotations

import pytest

from reporter.core.wording import counted, number, words


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (999, "999"), (1234, "1\u202f234"), (1234567.0, "1\u202f234\u202f567")])
def test_thousands_stand_apart(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 rows are"), (1, "1 row is"), (2, "2 rows are"), (1001, "1\u202f001 rows are")])
def test_only_one_is_singular(count: int, text: str) -> None:
    assert counted(count, "row is", "rows are") == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("missing_acl", "missing ACL"),
        ("assign_ips_rule", "assign IPS rule"),
        ("cve", "CVE"),
        ("no_policy", "no policy"),
        ("a newer word", "a newer word"),
        ("", ""),
        ("place", "place"),
    ],
)
def test_names_are_words_and_acronyms_stay_upper_case(name: str, text: str) -> None:
    assert words(name) == text
