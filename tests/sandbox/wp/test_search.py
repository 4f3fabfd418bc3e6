from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.examples import examples
from tests.sandbox.wp.conftest import Wire, computer, rule

Criterion = dict[str, Any]


def _rules(wire: Wire, *criteria: Criterion, **more: Any) -> list[int]:
    found = wire.post("/intrusionpreventionrules/search", {"searchCriteria": list(criteria), **more})["intrusionPreventionRules"]
    return sorted(item["ID"] for item in found)


@pytest.fixture
def catalogue(wire: Wire) -> Wire:
    wire.seed(
        "rules",
        rule(3, CVE=["CVE-2021-44228", "CVE-2021-45046"], CVSSScore="10.00", severity="critical", alertEnabled=True, lastUpdated=300, name="Log_j"),
        rule(7, CVE=["CVE-2021-4422"], CVSSScore="5.00", severity="medium", alertEnabled=False, lastUpdated=700, name="Logxj"),
        rule(11, CVSSScore="-1.00", severity="low", lastUpdated=1100, applicationTypeID=9, name="decoder"),
    )
    return wire


@pytest.mark.parametrize(
    ("criterion", "found"),
    [
        ({"fieldName": "CVE", "stringValue": "CVE-2021-4422", "stringWildcards": False}, [7]),
        ({"fieldName": "CVE", "stringValue": "%CVE-2021-4422%"}, [3, 7]),
        ({"fieldName": "CVE", "stringTest": "not-equal", "stringValue": "CVE-2021-45046"}, [7]),
        ({"fieldName": "name", "stringValue": "Log_j"}, [3, 7]),
        ({"fieldName": "name", "stringValue": "Log_j", "stringWildcards": False}, [3]),
        ({"fieldName": "name", "stringValue": "DECODER"}, [11]),
        ({"fieldName": "name", "stringValue": "Log"}, []),
        ({"fieldName": "CVSSScore", "numericTest": "greater-than", "numericValue": 4.5}, [3, 7]),
        ({"fieldName": "CVSSScore", "numericValue": 5}, [7]),
        ({"fieldName": "CVSSScore", "stringValue": "10.00"}, [3]),
        ({"fieldName": "applicationTypeID", "numericTest": "less-than-or-equal", "numericValue": 9}, [11]),
        ({"fieldName": "alertEnabled", "booleanTest": True}, [3]),
        ({"fieldName": "alertEnabled", "booleanTest": False}, [7]),
        ({"fieldName": "severity", "choiceValue": "critical"}, [3]),
        ({"fieldName": "severity", "choiceTest": "not-equal", "choiceValue": "critical"}, [7, 11]),
        ({"fieldName": "lastUpdated", "firstDateValue": 300, "lastDateValue": 700}, [3, 7]),
        ({"fieldName": "lastUpdated", "firstDateValue": 300, "firstDateInclusive": False}, [7, 11]),
        ({"fieldName": "lastUpdated", "lastDateValue": 1100, "lastDateInclusive": False}, [3, 7]),
        ({"fieldName": "CVE", "nullTest": True}, [11]),
        ({"fieldName": "CVE", "nullTest": False}, [3, 7]),
        ({"idTest": "greater-than-or-equal", "idValue": 7}, [7, 11]),
        ({"idTest": "less-than", "idValue": 7}, [3]),
        ({"idTest": "not-equal", "idValue": 7}, [3, 11]),
        ({"idValue": 7}, [7]),
    ],
)
def test_a_test_finds_what_it_says(catalogue: Wire, criterion: Criterion, found: list[int]) -> None:
    assert _rules(catalogue, criterion) == found


def test_all_criteria_must_hold(catalogue: Wire) -> None:
    assert _rules(catalogue, {"idTest": "greater-than", "idValue": 3}, {"fieldName": "CVE", "nullTest": False}) == [7]


def test_no_criterion_finds_everything(catalogue: Wire) -> None:
    assert _rules(catalogue) == [3, 7, 11]


def test_a_single_criterion_needs_no_array(catalogue: Wire) -> None:
    assert len(catalogue.post("/intrusionpreventionrules/search", {"searchCriteria": {"idValue": 3}})["intrusionPreventionRules"]) == 1


def test_case_can_count(catalogue: Wire) -> None:
    catalogue.turn(case_sensitive_search=True)
    assert _rules(catalogue, {"fieldName": "name", "stringValue": "DECODER"}) == []


@pytest.mark.parametrize(
    "body",
    [
        {"searchCriteria": [{"fieldName": "cve", "stringValue": "x"}]},
        {"searchCriteria": [{"fieldName": "noSuchField", "nullTest": True}]},
        {"searchCriteria": [{"fieldName": "CVE/deeper", "nullTest": True}]},
        {"searchCriteria": [{"stringValue": "x"}]},
        {"searchCriteria": [{"fieldName": "detectOnly", "booleanTest": True}]},
        {"searchCriteria": [{"fieldName": "severity", "stringValue": "critical"}]},
        {"searchCriteria": [{"fieldName": "minimumAgentVersion", "versionValue": "20"}]},
        {"searchCriteria": [{"fieldName": "name"}]},
        {"searchCriteria": [{"fieldName": "name", "stringValue": "x", "nullTest": True}]},
        {"searchCriteria": [{"fieldName": "name", "stringTest": "equal"}]},
        {"searchCriteria": [{"fieldName": "name", "stringTest": "like", "stringValue": "x"}]},
        {"searchCriteria": [{"fieldName": "name", "stringValue": "x", "stringWildcards": "no"}]},
        {"searchCriteria": [{"fieldName": "ID", "idTest": "equal", "idValue": 3}]},
        {"searchCriteria": [{"idTest": "equal", "idValue": "3"}]},
        {"searchCriteria": ["name"]},
        {"searchCriteria": "name"},
        {"sortByObjectID": "true"},
        {"maxItems": 0},
        {"maxItems": "5"},
        {"maxItems": True},
        [],
    ],
)
def test_a_filter_that_makes_no_sense_is_400(catalogue: Wire, body: Any) -> None:
    assert catalogue.api("POST", "/intrusionpreventionrules/search", json=body).status_code == 400


def test_a_body_that_is_not_json_is_400(wire: Wire) -> None:
    assert wire.api("POST", "/computers/search", data=b"{").status_code == 400


def test_keys_of_another_spelling_are_ignored(catalogue: Wire) -> None:
    assert _rules(catalogue, max_items=1) == [3, 7, 11]


def test_nested_fields_are_found_with_a_slash(wire: Wire) -> None:
    wire.seed("computers", computer(4, ec2VirtualMachineSummary={"instanceID": "i-0a"}), computer(5))
    found = wire.post("/computers/search", {"searchCriteria": [{"fieldName": "ec2VirtualMachineSummary/instanceID", "stringValue": "i-0a"}]})
    assert [item["ID"] for item in found["computers"]] == [4]


def test_what_the_vendor_does_not_search_is_400(wire: Wire) -> None:
    criterion = {"fieldName": "ec2VirtualMachineSummary/state", "stringValue": "POWER ON"}
    assert wire.api("POST", "/computers/search", json={"searchCriteria": [criterion]}).status_code == 400


def test_null_is_not_zero(wire: Wire) -> None:
    wire.seed("computers", computer(4, policyID=None), computer(5, policyID=9))
    search = {"searchCriteria": [{"fieldName": "policyID", "numericValue": 0}]}
    assert wire.post("/computers/search", search) == {"computers": []}
    search = {"searchCriteria": [{"fieldName": "policyID", "nullTest": True}]}
    assert [item["ID"] for item in wire.post("/computers/search", search)["computers"]] == [4]


def test_the_order_is_shuffled_unless_sorted_by_id(wire: Wire) -> None:
    wire.seed("rules", *(rule(number) for number in range(1, 51)))
    answer = wire.post("/intrusionpreventionrules/search", {})["intrusionPreventionRules"]
    assert [item["ID"] for item in answer] != list(range(1, 51))
    assert wire.post("/intrusionpreventionrules/search", {})["intrusionPreventionRules"] == answer
    answer = wire.post("/intrusionpreventionrules/search", {"sortByObjectID": True})["intrusionPreventionRules"]
    assert [item["ID"] for item in answer] == list(range(1, 51))


def test_a_page_has_5000_objects_and_7015_come_in_two(wire: Wire) -> None:
    wire.turn(check_answers=False)
    wire.seed("rules", *(rule(number * 3) for number in range(1, 7016)))
    first = wire.post("/intrusionpreventionrules/search", {"sortByObjectID": True, "maxItems": 9000})["intrusionPreventionRules"]
    after = {"idTest": "greater-than", "idValue": first[-1]["ID"]}
    second = wire.post("/intrusionpreventionrules/search", {"sortByObjectID": True, "searchCriteria": [after]})["intrusionPreventionRules"]
    assert (len(first), len(second)) == (5000, 2015)
    assert len(wire.get("/intrusionpreventionrules")["intrusionPreventionRules"]) == 7015


def test_a_page_over_5000_can_be_refused(wire: Wire) -> None:
    wire.turn(large_page="400")
    assert wire.api("POST", "/computers/search", json={"maxItems": 5001}).status_code == 400


@examples(10, HealthCheck.function_scoped_fixture)
@given(ids=st.sets(st.integers(1, 10_000), max_size=40), page=st.integers(1, 12), seed=st.integers(0, 2**31))
def test_paging_by_id_covers_everything_once_whatever_the_shuffle(wire: Wire, ids: set[int], page: int, seed: int) -> None:
    wire.control("POST", "/reset")
    wire.turn(seed=seed, check_answers=True, rate_limit=100_000)
    wire.control("POST", "/tenants", {"name": "main", "key": "key-1"})
    wire.seed("computers", *(computer(number) for number in ids))
    seen: list[int] = []
    while True:
        after = {"idTest": "greater-than", "idValue": seen[-1] if seen else 0}
        search = {"maxItems": page, "sortByObjectID": True, "searchCriteria": [after]}
        found = [item["ID"] for item in wire.post("/computers/search", search, expand="none")["computers"]]
        if not found:
            break
        seen += found
    assert seen == sorted(ids)
