"""web_acl_associated and managed_rules_match."""

from __future__ import annotations

from typing import Any

import pytest

from reporter.checks.web_entries import CHECKS, associated, matching
from reporter.core.check import Check
from reporter.core.world import World
from reporter.judge import judge
from reporter.tables.joined import WEB_ENTRIES
from tests.checks.worlds import DENIED, OFF, R2, THROTTLED, A, Change, R, only, rows, world

ALB = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/shop/1"
DIST = "arn:aws:cloudfront::111122223333:distribution/E1"
ACL = "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/shop/1"
GROUP = "AWS:AWSManagedRulesCommonRuleSet"


def entry(state: str = "covered", **changes: Any) -> dict[str, Any]:
    base = {
        "account": A,
        "region": R,
        "entry": ALB,
        "type": "alb",
        "internet_facing": True,
        "web_acl": None if state in ("missing_acl", "not_applicable") else ACL,
        "wanted_groups": (GROUP,),
        "present_groups": (f"{GROUP} (block)",),
        "state": state,
        "reason": f"because {state}",
    }
    return base | changes


def distribution(state: str = "covered", **changes: Any) -> dict[str, Any]:
    return entry(state, **({"entry": DIST, "type": "cloudfront", "region": "global"} | changes))


def classic(state: str = "covered", **changes: Any) -> dict[str, Any]:
    return entry(state, **({"entry": "old-shop", "type": "classic_elb"} | changes))


def seen(*entries: dict[str, Any], **more: Any) -> World:
    return world((WEB_ENTRIES, rows(WEB_ENTRIES, *entries)), **more)


@pytest.mark.parametrize(
    ("state", "acl", "groups"),
    [
        ("covered", "PASS", "PASS"),
        ("count_only", "PASS", "FAIL"),
        ("missing_rules", "PASS", "FAIL"),
        ("missing_acl", "FAIL", "FAIL"),
        ("not_applicable", "NOT_APPLICABLE", "NOT_APPLICABLE"),
        ("unknown", "UNKNOWN", "UNKNOWN"),
        ("a newer word", "UNKNOWN", "UNKNOWN"),
    ],
)
@pytest.mark.parametrize("make", [entry, distribution, classic])
def test_each_state_has_its_answer(make: Any, state: str, acl: str, groups: str) -> None:
    result = judge(seen(make(state)), CHECKS)
    assert dict(zip(result["check_id"], result["status"], strict=True)) == {"web_acl_associated": acl, "managed_rules_match": groups}


def test_a_fail_gives_the_joins_reason_and_what_was_seen() -> None:
    row = only(associated(seen(entry("missing_acl"))))
    assert (row["reason"], row["observed"], row["expected"]) == ("because missing_acl", "no web ACL", "a web ACL")
    row = only(matching(seen(entry("count_only", present_groups=(f"{GROUP} (count)",)))))
    assert (row["reason"], row["observed"], row["expected"]) == ("because count_only", f"{GROUP} (count)", GROUP)


def test_a_web_acl_is_named_in_the_pass() -> None:
    row = only(associated(seen(entry())))
    assert (row["reason"], row["observed"]) == (f"a web ACL stands before it: {ACL}", ACL)


@pytest.mark.parametrize(
    ("sets", "reason"),
    [
        ((), "a web ACL is there; no IPS rule asks for a group"),
        (("web_application",), "a web ACL is there; the schedule names no rule group for web_application"),
    ],
)
def test_where_no_group_is_wanted_nothing_is_passed_and_the_reason_is_the_joins(sets: tuple[str, ...], reason: str) -> None:
    row = only(matching(seen(entry(wanted_groups=(), wanted_sets=sets, reason=reason))))
    assert (row["status"], row["reason"], row["expected"]) == ("NOT_APPLICABLE", reason, "no managed rule group")


@pytest.mark.parametrize(("state", "expected"), [("missing_acl", "a web ACL"), ("missing_rules", "a managed rule group for web_server")])
def test_what_a_fail_expects_is_said_although_no_group_is_on_offer(state: str, expected: str) -> None:
    row = only(matching(seen(entry(state, wanted_groups=(), wanted_sets=("web_server",)))))
    assert (row["status"], row["expected"]) == ("FAIL", expected)


def test_network_load_balancers_are_not_judged() -> None:
    assert judge(seen(entry("not_applicable", type="nlb")), CHECKS).empty


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
@pytest.mark.parametrize("change", [DENIED, THROTTLED, OFF])
def test_waf_that_was_not_read_makes_its_own_place_unknown(check: Check, change: Change) -> None:
    both = seen(entry("missing_acl"), distribution(), changed={("waf", A, "global"): change})
    result = judge(both, [check])
    assert dict(zip(result["resource"], result["status"], strict=True)) == {ALB: "FAIL", DIST: "UNKNOWN"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
@pytest.mark.parametrize(("state", "status"), [("covered", "UNKNOWN"), ("unknown", "UNKNOWN"), ("missing_acl", "FAIL")])
def test_a_classic_load_balancer_is_not_covered_where_the_distributions_were_not_read(check: Check, state: str, status: str) -> None:
    result = judge(seen(entry("missing_acl"), classic(state), changed={("cloudfront", A, "global"): DENIED}), [check])
    assert dict(zip(result["resource"], result["status"], strict=True)) == {"*": "UNKNOWN", ALB: "FAIL", "old-shop": status}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
@pytest.mark.parametrize("source", ["elb", "ec2", "ecs"])
def test_nothing_behind_it_may_not_be_said_where_nobody_looked(check: Check, source: str) -> None:
    result = judge(seen(distribution("not_applicable"), regions=(R, R2), changed={(source, A, R2): THROTTLED}), [check])
    assert dict(zip(result["resource"], result["status"], strict=True))[DIST] == "UNKNOWN"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
def test_an_internal_load_balancer_is_not_applicable_whatever_is_behind_it(check: Check) -> None:
    row = only(judge(seen(entry("not_applicable", internet_facing=False), changed={("ec2", A, R): DENIED}), [check]))
    assert row["status"] == "NOT_APPLICABLE"


@pytest.mark.parametrize("source", ["wp_computers", "wp_policies", "wp_rules"])
def test_workload_protection_matters_for_the_groups_and_not_for_the_web_acl(source: str) -> None:
    result = judge(seen(entry(), changed={(source, "main", "-"): DENIED}), CHECKS)
    assert dict(zip(result["check_id"], result["status"], strict=True)) == {"web_acl_associated": "PASS", "managed_rules_match": "UNKNOWN"}
