from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from reporter.core.errors import Denied, Unavailable
from reporter.core.scope import Reach
from reporter.sources.waf import SOURCE
from tests.sources.aws_wire import ACCOUNT, Wire, read, reader, wire

__all__ = ["read", "wire"]

Read = Callable[..., dict[str, list[dict[str, Any]]]]

ARN = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:regional/webacl/shop/1"
ALB = f"arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:loadbalancer/app/shop/1"
GROUP = {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}
SEEN = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}


def _managed(override: str = "None", **statement: Any) -> dict[str, Any]:
    group = {**GROUP, **statement}
    return {"Name": "common", "Priority": 0, "Statement": {"ManagedRuleGroupStatement": group}, "OverrideAction": {override: {}}}


def _acl(**more: Any) -> dict[str, Any]:
    return {"Name": "shop", "Id": "1", "ARN": ARN, "DefaultAction": {"Allow": {}}, "Rules": [], "Capacity": 700, "VisibilityConfig": SEEN, **more}


def _script(wire: Wire, acl: dict[str, Any] | None = None, *, tags: dict[str, str] | None = None, resources: tuple[str, ...] = ()) -> None:
    """One web ACL; the operations that a test wrote before keep their answers."""
    acl = acl or _acl()
    pairs = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    wire.answer("ListWebACLs", {"WebACLs": [{"Name": acl["Name"], "Id": "1", "ARN": ARN, "LockToken": "t"}]})
    wire.answer("GetWebACL", {"WebACL": acl, "LockToken": "t"})
    wire.answer("ListResourcesForWebACL", {"ResourceArns": list(resources)})
    wire.answer("ListTagsForResource", {"TagInfoForResource": {"ResourceARN": ARN, "TagList": pairs}})
    wire.answer("ListAvailableManagedRuleGroups", {"ManagedRuleGroups": []})


def _rules(read: Read, wire: Wire, *rules: dict[str, Any]) -> list[dict[str, Any]]:
    _script(wire, _acl(Rules=list(rules)))
    return read(SOURCE)["web_acl_rules"]


def test_an_empty_account_has_no_rows(read: Read, wire: Wire) -> None:
    wire.answer("ListAvailableManagedRuleGroups", {"ManagedRuleGroups": []})
    assert read(SOURCE) == {"web_acls": [], "web_acl_rules": [], "web_acl_associations": [], "managed_rule_groups": []}


def test_it_is_planned_for_every_region_and_for_the_global_one() -> None:
    assert (SOURCE.reach, SOURCE.also_global) == (Reach.REGIONAL, True)


def test_a_web_acl_as_moto_has_it(read: Read, wire: Wire) -> None:
    waf = boto3.client("wafv2", "us-east-1")
    rule: Any = {**_managed(), "VisibilityConfig": SEEN}
    seen: Any = SEEN
    made = waf.create_web_acl(Name="shop", Scope="REGIONAL", DefaultAction={"Block": {}}, Rules=[rule], VisibilityConfig=seen)["Summary"]
    waf.tag_resource(ResourceARN=made["ARN"], Tags=[{"Key": "Owner", "Value": "=payments"}])
    wire.answer("ListResourcesForWebACL", {"ResourceArns": [ALB]})
    wire.answer("ListAvailableManagedRuleGroups", {"ManagedRuleGroups": [{**GROUP, "Description": "<i>core</i>"}]})
    found = read(SOURCE)
    (acl,) = found["web_acls"]
    assert (acl["account"], acl["region"], acl["waf_scope"]) == (ACCOUNT, "us-east-1", "REGIONAL")
    assert (acl["arn"], acl["id"], acl["name"], acl["default_action"]) == (made["ARN"], made["Id"], "shop", "block")
    assert (acl["managed_by"], acl["tags"]) == (None, '{"Owner": "=payments"}')
    assert json.loads(acl["document"])["Rules"][0]["Name"] == "common"
    assert [(row["web_acl_arn"], row["group_name"], row["mode"]) for row in found["web_acl_rules"]] == [(made["ARN"], GROUP["Name"], "block")]
    assert [(row["web_acl_arn"], row["resource_arn"]) for row in found["web_acl_associations"]] == [(made["ARN"], ALB)]
    (group,) = found["managed_rule_groups"]
    assert (group["waf_scope"], group["vendor"], group["name"], group["description"]) == ("REGIONAL", "AWS", GROUP["Name"], "<i>core</i>")


def test_the_global_region_reads_cloudfronts_web_acls_in_us_east_1_and_no_associations(read: Read, wire: Wire) -> None:
    _script(wire)
    found = read(SOURCE, "global")
    assert [(row["region"], row["waf_scope"], row["capacity"]) for row in found["web_acls"]] == [("global", "CLOUDFRONT", 700)]
    assert "ListResourcesForWebACL" not in wire.operations()
    assert all("wafv2.us-east-1.amazonaws.com" in text for _, text in wire.asked)
    assert all('"CLOUDFRONT"' in text for operation, text in wire.asked if operation != "ListTagsForResource")


def test_associations_are_those_of_application_load_balancers(read: Read, wire: Wire) -> None:
    _script(wire, resources=(ALB,))
    assert [row["resource_arn"] for row in read(SOURCE)["web_acl_associations"]] == [ALB]
    assert "APPLICATION_LOAD_BALANCER" in wire.requests("ListResourcesForWebACL")[0]


@pytest.mark.parametrize(("override", "mode"), [("None", "block"), ("Count", "count")])
def test_a_managed_rule_group_blocks_or_only_counts(read: Read, wire: Wire, override: str, mode: str) -> None:
    (row,) = _rules(read, wire, _managed(override, Version="Version_1.3"))
    assert (row["position"], row["priority"], row["name"], row["kind"]) == ("own", 0, "common", "managed_rule_group")
    assert (row["vendor"], row["group_name"], row["version"]) == ("AWS", "AWSManagedRulesCommonRuleSet", "Version_1.3")
    assert (row["mode"], row["narrowed"]) == (mode, False)


@pytest.mark.parametrize(
    ("statement", "narrowed"),
    [
        ({"ScopeDownStatement": {"GeoMatchStatement": {"CountryCodes": ["DE"]}}}, True),
        ({"ExcludedRules": [{"Name": "NoUserAgent_HEADER"}]}, True),
        ({"RuleActionOverrides": [{"Name": "a", "ActionToUse": {"Count": {}}}]}, True),
        ({"RuleActionOverrides": [{"Name": "a", "ActionToUse": {"Block": {}}}, {"Name": "b", "ActionToUse": {"Allow": {}}}]}, True),
        ({"RuleActionOverrides": [{"Name": "a", "ActionToUse": {"Block": {}}}]}, False),
        ({"ExcludedRules": [], "RuleActionOverrides": []}, False),
    ],
    ids=["scope down", "excluded", "count", "allow", "block", "empty lists"],
)
def test_what_takes_force_out_of_a_group_narrows_it(read: Read, wire: Wire, statement: dict[str, Any], narrowed: bool) -> None:
    assert _rules(read, wire, _managed(**statement))[0]["narrowed"] is narrowed


@pytest.mark.parametrize("action", ["Allow", "Block", "Count", "Captcha", "Challenge"])
def test_a_rule_of_ones_own_has_its_action_as_mode(read: Read, wire: Wire, action: str) -> None:
    rule = {"Name": "=rule", "Priority": 3, "Statement": {"GeoMatchStatement": {"CountryCodes": ["DE"]}}, "Action": {action: {}}}
    (row,) = _rules(read, wire, rule)
    assert (row["kind"], row["mode"], row["vendor"], row["narrowed"]) == ("other", action.lower(), None, False)


def test_a_rule_with_no_action_of_its_own_says_override(read: Read, wire: Wire) -> None:
    rule = {"Name": "odd", "Priority": 3, "Statement": {"GeoMatchStatement": {}}, "OverrideAction": {"None": {}}}
    assert _rules(read, wire, rule)[0]["mode"] == "override"


def test_a_rule_group_of_ones_own_is_no_managed_one(read: Read, wire: Wire) -> None:
    statement = {"RuleGroupReferenceStatement": {"ARN": "arn:g", "ExcludedRules": [{"Name": "a"}]}}
    rule = {"Name": "ours", "Priority": 1, "Statement": statement, "OverrideAction": {"Count": {}}}
    (row,) = _rules(read, wire, rule)
    assert (row["kind"], row["mode"], row["group_name"], row["narrowed"]) == ("rule_group", "count", None, True)


def test_firewall_managers_groups_stand_before_and_after_the_own_rules(read: Read, wire: Wire) -> None:
    def group(name: str) -> dict[str, Any]:
        return {"Name": name, "Priority": 0, "FirewallManagerStatement": {"ManagedRuleGroupStatement": GROUP}, "OverrideAction": {"None": {}}}

    acl = _acl(PreProcessFirewallManagerRuleGroups=[group("pre")], PostProcessFirewallManagerRuleGroups=[group("post")], Rules=[_managed("Count")])
    _script(wire, acl)
    rows = {row["position"]: row for row in read(SOURCE)["web_acl_rules"]}
    assert {position: (row["name"], row["mode"], row["kind"]) for position, row in rows.items()} == {
        "first": ("pre", "block", "managed_rule_group"),
        "own": ("common", "count", "managed_rule_group"),
        "last": ("post", "block", "managed_rule_group"),
    }


@pytest.mark.parametrize(
    ("acl", "tags", "owner"),
    [
        ({"ManagedByFirewallManager": True}, {"ManagedBy": "terraform"}, "firewall-manager"),
        ({"Name": "FMManagedWebACLV2-policy-1"}, {}, "firewall-manager"),
        ({"LabelNamespace": f"awswaf:{ACCOUNT}:webacl:FMManagedWebACLV2-policy-1:"}, {}, "firewall-manager"),
        ({}, {"aws:cloudformation:stack-name": "edge", "ManagedBy": "terraform"}, "cloudformation"),
        ({}, {"ManagedBy": "Terraform"}, "terraform"),
        ({}, {"TERRAFORM": "true"}, "terraform"),
        ({}, {"terraform": "false"}, None),
        ({"ManagedByFirewallManager": False}, {"Owner": "payments"}, None),
    ],
)
def test_who_owns_a_web_acl_is_told_by_itself_and_its_tags(read: Read, wire: Wire, acl: dict[str, Any], tags: dict[str, str], owner: str) -> None:
    _script(wire, _acl(**acl), tags=tags)
    assert read(SOURCE)["web_acls"][0]["managed_by"] == owner


def test_the_document_holds_binary_search_strings_as_waf_sends_them(read: Read, wire: Wire) -> None:
    statement = {"ByteMatchStatement": {"SearchString": "L2FkbWlu", "PositionalConstraint": "STARTS_WITH"}}
    _script(wire, _acl(Rules=[{"Name": "admin", "Priority": 1, "Statement": statement, "Action": {"Block": {}}}]))
    document = json.loads(read(SOURCE)["web_acls"][0]["document"])
    assert document["Rules"][0]["Statement"] == statement


def test_two_pages_are_one_answer(read: Read, wire: Wire) -> None:
    groups = {"ManagedRuleGroups": [{"VendorName": "AWS", "Name": "a"}], "NextMarker": "more"}
    wire.answer("ListAvailableManagedRuleGroups", groups, times=1)
    wire.answer("ListAvailableManagedRuleGroups", {"ManagedRuleGroups": [{"VendorName": "AWS", "Name": "b"}]}, holds=('"NextMarker": "more"',))
    _script(wire)
    assert [(row["name"], row["description"]) for row in read(SOURCE)["managed_rule_groups"]] == [("a", None), ("b", None)]


def test_a_web_acl_deleted_meanwhile_is_left_out(read: Read, wire: Wire) -> None:
    wire.refuse_json("GetWebACL", code="WAFNonexistentItemException")
    _script(wire)
    assert read(SOURCE)["web_acls"] == []


@pytest.mark.parametrize("permission", SOURCE.permissions)
def test_a_refused_call_names_the_permission(wire: Wire, permission: str) -> None:
    wire.refuse_json(permission.removeprefix("wafv2:"))
    _script(wire)
    with pytest.raises(Denied) as raised:
        SOURCE.fetch(reader(SOURCE))
    assert raised.value.permission == permission


def test_tags_that_are_missing_from_the_answer_are_not_taken_for_no_tags(wire: Wire) -> None:
    wire.answer("ListTagsForResource", {})
    _script(wire)
    with pytest.raises(Unavailable):
        SOURCE.fetch(reader(SOURCE))


def test_a_group_that_does_not_say_whether_it_counts_is_no_answer(wire: Wire) -> None:
    rule = _managed()
    del rule["OverrideAction"]
    _script(wire, _acl(Rules=[rule]))
    with pytest.raises(Unavailable, match="OverrideAction"):
        SOURCE.fetch(reader(SOURCE))
