from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.core.evaluation import CHECKS, annotation, rule_name
from reporter.reports.evaluations import evaluations
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import CONFIG_COMPLIANCE
from reporter.tables.joined import RESULTS
from tests.checks.worlds import DENIED, I1, I2, A, R, rows, world

RULE = "reporter-firewall-active"


def result(status: str, resource: str = I1, **changes: Any) -> dict[str, Any]:
    base = {"check_id": "firewall_active", "resource": resource, "account": A, "region": R, "status": status, "severity": "MEDIUM"}
    return {**base, "reason": "the reason", "observed": "", "expected": "", **changes}


def held(resource: str = I1, rule: str = RULE, **changes: Any) -> dict[str, Any]:
    base = {"account": A, "region": R, "rule": rule, "resource_type": "AWS::EC2::Instance", "resource_id": resource, "compliance": "COMPLIANT"}
    return {**base, **changes}


def alive(*names: str) -> list[dict[str, Any]]:
    return [{"account": A, "region": R, "instance_id": name, "state": "running", "tags": "{}"} for name in names]


def said(
    *results: dict[str, Any],
    config: tuple[dict[str, Any], ...] = (),
    instances: tuple[str, ...] = (I1, I2),
    unknown: str = "retire",
    seal: str = "",
    **more: Any,
) -> list[dict[str, Any]]:
    compliance = rows(CONFIG_COMPLIANCE, *config)
    ec2 = rows(EC2_INSTANCES, *(dict.fromkeys(EC2_INSTANCES.names) | item for item in alive(*instances)))
    seen = world((CONFIG_COMPLIANCE, compliance), (EC2_INSTANCES, ec2), **more)
    return [dict(item) for item in evaluations(rows(RESULTS, *results), seen, unknown=unknown, seal=seal)]


def verdicts(items: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(item["resource_id"], item["compliance"], item["annotation"]) for item in items]


@pytest.mark.parametrize(
    ("status", "compliance", "text"),
    [
        ("PASS", "COMPLIANT", "the reason"),
        ("FAIL", "NON_COMPLIANT", "the reason"),
        ("NOT_APPLICABLE", "NOT_APPLICABLE", "the reason"),
        ("WAIVED", "NON_COMPLIANT", "waived (SEC-1 until 2027-01-01): the reason"),
    ],
)
def test_what_is_known_is_said_whether_or_not_config_holds_anything(status: str, compliance: str, text: str) -> None:
    for config in ((), (held(),)):
        assert verdicts(said(result(status, waiver="SEC-1 until 2027-01-01"), config=config)) == [(I1, compliance, text)]


def test_an_evaluation_names_all_that_config_asks_for() -> None:
    assert said(result("PASS")) == [
        {
            "account": A,
            "region": R,
            "rule": RULE,
            "resource_type": "AWS::EC2::Instance",
            "resource_id": I1,
            "compliance": "COMPLIANT",
            "annotation": "the reason",
            "ordering_timestamp": "2026-11-24T03:00:00Z",
        }
    ]


def test_unknown_is_not_sent_where_config_holds_nothing() -> None:
    assert said(result("UNKNOWN")) == []
    assert said(result("UNKNOWN"), config=(held(I2),), instances=(I1, I2))[0]["resource_id"] == I2


@pytest.mark.parametrize(("unknown", "compliance"), [("retire", "NOT_APPLICABLE"), ("non_compliant", "NON_COMPLIANT")])
def test_unknown_replaces_what_config_holds(unknown: str, compliance: str) -> None:
    assert verdicts(said(result("UNKNOWN"), config=(held(),), unknown=unknown)) == [(I1, compliance, "UNKNOWN: the reason")]


def test_an_evaluation_of_another_rule_region_or_account_does_not_count_as_held() -> None:
    for other in (held(rule="reporter-agent-online"), held(region="us-east-1"), held(account="444455556666"), held(resource_type="AWS::S3::Bucket")):
        assert all(item["rule"] != RULE or (item["account"], item["region"]) != (A, R) for item in said(result("UNKNOWN"), config=(other,)))


def test_an_instance_that_is_gone_is_not_applicable() -> None:
    assert verdicts(said(config=(held("i-gone"),))) == [("i-gone", "NOT_APPLICABLE", "the instance no longer exists")]


def test_instances_that_could_not_be_listed_do_not_stay_compliant() -> None:
    found = said(
        result("UNKNOWN", "*", reason="ec2 could not be read; grant ec2:DescribeInstances"),
        config=(held(I1), held(I2)),
        instances=(),
        changed={("ec2", A, R): DENIED},
    )
    text = "UNKNOWN: ec2 could not be read; grant ec2:DescribeInstances"
    assert verdicts(found) == [(I1, "NOT_APPLICABLE", text), (I2, "NOT_APPLICABLE", text)]


def test_an_unread_region_without_a_result_at_all_is_unknown_too() -> None:
    found = said(config=(held(),), instances=(), changed={("ec2", A, R): DENIED})
    assert verdicts(found) == [(I1, "NOT_APPLICABLE", "UNKNOWN: the instances here were not read")]


@pytest.mark.parametrize("unknown", ["retire", "non_compliant"])
def test_an_instance_that_left_the_scope_is_not_applicable(unknown: str) -> None:
    assert verdicts(said(config=(held(),), unknown=unknown)) == [(I1, "NOT_APPLICABLE", "the instance is not in the scope of this report")]


def test_rules_of_others_are_left_alone_even_with_our_prefix() -> None:
    assert said(config=(held("i-gone", rule="reporter-of-somebody-else"), held("i-gone", rule="required-tags"))) == []


def test_only_the_checks_that_stand_for_a_rule_are_sent() -> None:
    assert said(result("FAIL", check_id="patch_outstanding")) == []
    assert {rule_name("reporter-", check) for check in CHECKS} >= {RULE, "reporter-instance-clear", "reporter-policy-assigned"}
    assert len(CHECKS) == 11


def test_the_order_does_not_depend_on_arrival() -> None:
    results = [result("PASS", I2), result("FAIL", I1), result("PASS", I1, check_id="instance_clear")]
    found = said(*results)
    assert found == said(*reversed(results))
    assert [(item["rule"], item["resource_id"]) for item in found] == [(RULE, I1), (RULE, I2), ("reporter-instance-clear", I1)]


def test_an_annotation_names_the_seal_before_this_run() -> None:
    assert said(result("PASS"), seal="ab" * 32)[0]["annotation"] == f"the reason [seal {'ab' * 16}]"


@given(st.text(max_size=600), st.sampled_from(["", "cd" * 32]))
def test_an_annotation_has_1_to_256_characters(text: str, seal: str) -> None:
    found = annotation(text, seal)
    assert 1 <= len(found) <= 256
    assert not seal or found.endswith(f"[seal {seal[:32]}]")


def test_an_annotation_is_cut_only_where_it_must_be() -> None:
    assert annotation("x" * 256, "") == "x" * 256
    assert annotation("word " * 51 + "a", "") == "word " * 51 + "a"
    assert annotation("x" * 257, "") == "x" * 255 + "…"
    assert annotation("", "") == "no reason given"


def test_an_annotation_is_cut_between_words() -> None:
    text = "word " * 60
    assert annotation(text, "") == ("word " * 51).rstrip() + "…"
    assert annotation("1234567 " * 40, "").removesuffix("…").split(" ")[-1] == "1234567"
    assert annotation("1234567 " * 40, "ef" * 32).partition("…")[0].split(" ")[-1] == "1234567"
