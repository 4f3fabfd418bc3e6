from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from reporter.sandbox.estate.rules import GROUP_TYPES, clean, draw_catalogue, exact, local_ids
from reporter.sandbox.estate.spec_wp import Catalogue, Rule


@pytest.fixture(scope="module", params=["small", "demo"])
def catalogue(request: pytest.FixtureRequest) -> Catalogue:
    return draw_catalogue(Random(3), request.param)


def by_identifier(catalogue: Catalogue) -> dict[str, Rule]:
    return {rule.identifier: rule for rule in catalogue.rules}


def test_the_demo_catalogue_takes_two_pages_and_the_small_one_few_rules() -> None:
    assert len(draw_catalogue(Random(3), "demo").rules) > 5000
    assert len(draw_catalogue(Random(3), "small").rules) == 300


def test_identifiers_are_unique(catalogue: Catalogue) -> None:
    assert max(Counter(rule.identifier for rule in catalogue.rules).values()) == 1


def test_published_rules_are_as_published(catalogue: Catalogue) -> None:
    rules = by_identifier(catalogue)
    assert rules["1011242"].cves == ("CVE-2021-44228",)
    assert rules["1012494"].cves == rules["1012497"].cves == rules["1012506"].cves == ("CVE-2025-55182", "CVE-2025-66478")
    assert rules["1012030"].application_type == "Web Server Miscellaneous"
    assert rules["1000763"].cves == ()


def test_made_up_rules_name_cves_of_a_year_that_is_nobodys(catalogue: Catalogue) -> None:
    made_up = [cve for rule in catalogue.rules if rule.identifier.startswith("8") for cve in rule.cves]
    assert {cve[:9] for cve in made_up if clean(cve)} == {"CVE-2099-"}


def test_cves_of_a_group_lead_to_exact_rules_of_that_group_alone(catalogue: Catalogue) -> None:
    for group in GROUP_TYPES:
        assert catalogue.cves[group], group
        for cve in catalogue.cves[group]:
            by = {rule.identifier for rule in catalogue.rules if exact(rule) and cve in {clean(c) for c in rule.cves}}
            assert by, cve
            assert by <= set(catalogue.groups[group]), cve


def test_generic_cves_are_named_by_no_exact_rule_but_by_others(catalogue: Catalogue) -> None:
    for cve in catalogue.cves["generic"]:
        naming = [rule for rule in catalogue.rules if cve in {clean(c) for c in rule.cves}]
        assert naming, cve
        assert not any(exact(rule) for rule in naming), cve


def test_no_rule_names_the_cves_of_the_group_none(catalogue: Catalogue) -> None:
    assert not set(catalogue.cves["none"]) & {clean(cve) for rule in catalogue.rules for cve in rule.cves}


def test_the_catalogue_holds_what_naive_readers_trip_over(catalogue: Catalogue) -> None:
    rules = catalogue.rules
    raw = {cve for rule in rules for cve in rule.cves}
    assert any(cve.endswith("\u00a0") for cve in raw)
    assert {"CVE-CNVD-2019-38290", "CVE-11219"} <= raw
    assert max(len(rule.cves) for rule in rules) == 23
    assert {rule.kind for rule in rules} == {"vulnerability", "exploit", "smart", "custom", "policy", "info", "hidden"}
    assert any(rule.depends_on for rule in rules)
    assert any(rule.detect_only for rule in rules)
    assert {rule.cvss for rule in rules if not rule.cves} == {"-1.00"}


@pytest.mark.parametrize(
    ("kind", "count", "expected"),
    [
        ("vulnerability", 1, True),
        ("exploit", 10, True),
        ("smart", 11, False),
        ("custom", 1, True),
        ("policy", 1, False),
        ("info", 1, False),
        ("hidden", 1, False),
        ("vulnerability", 0, False),
    ],
)
def test_a_rule_is_exact_up_to_ten_cves_and_by_its_type(kind: str, count: int, expected: bool) -> None:
    cves = tuple(f"CVE-2099-{10000 + n}" for n in range(count))
    assert exact(Rule("1", "n", cves, "Web Server Common", "high", kind, "7.50")) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CVE-2019-4279\u00a0", "CVE-2019-4279"),
        (" cve-2019-4279", "CVE-2019-4279"),
        ("CVE-11219", None),
        ("CVE-CNVD-2019-38290", None),
        ("CVE-2019-42", None),
    ],
)
def test_a_cve_is_cleaned_or_is_none(text: str, expected: str | None) -> None:
    assert clean(text) == expected


def test_local_ids_are_sparse_and_another_set_in_another_tenant() -> None:
    names = [str(n) for n in range(100)]
    one, other = local_ids(Random(1), names), local_ids(Random(2), names)
    assert len(set(one.values())) == 100
    assert max(one.values()) - min(one.values()) > 100
    assert sum(one[name] == other[name] for name in names) < 10
