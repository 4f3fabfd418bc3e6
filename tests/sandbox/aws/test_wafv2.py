from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import HOME, Door
from .samples import VISIBILITY, managed_rule


def acl(client: Any, name: str = "shop", rules: list[dict[str, Any]] | None = None, scope: str = "REGIONAL") -> dict[str, Any]:
    summary: dict[str, Any] = client.create_web_acl(
        Name=name, Scope=scope, DefaultAction={"Allow": {}}, VisibilityConfig=VISIBILITY, Rules=rules or []
    )["Summary"]
    return summary


def balancer(aws: Door, name: str = "shop") -> str:
    subnets = [subnet["SubnetId"] for subnet in aws.client("ec2").describe_subnets()["Subnets"][:2]]
    made = aws.client("elbv2").create_load_balancer(Name=name, Subnets=subnets)["LoadBalancers"][0]
    arn: str = made["LoadBalancerArn"]
    return arn


def update(client: Any, summary: dict[str, Any], rules: list[dict[str, Any]] | None, token: str | None = None) -> Any:
    more = {} if rules is None else {"Rules": rules}
    return client.update_web_acl(
        Name=summary["Name"],
        Id=summary["Id"],
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig=VISIBILITY,
        LockToken=token or summary["LockToken"],
        **more,
    )


def test_associating_again_replaces(aws: Door) -> None:
    client, resource = aws.client("wafv2"), balancer(aws)
    first, second = acl(client, "first"), acl(client, "second")
    client.associate_web_acl(WebACLArn=first["ARN"], ResourceArn=resource)
    assert client.get_web_acl_for_resource(ResourceArn=resource)["WebACL"]["ARN"] == first["ARN"]
    client.associate_web_acl(WebACLArn=second["ARN"], ResourceArn=resource)
    assert client.get_web_acl_for_resource(ResourceArn=resource)["WebACL"]["ARN"] == second["ARN"]
    assert client.list_resources_for_web_acl(WebACLArn=first["ARN"])["ResourceArns"] == []
    assert client.list_resources_for_web_acl(WebACLArn=second["ARN"])["ResourceArns"] == [resource]
    assert client.list_resources_for_web_acl(WebACLArn=second["ARN"], ResourceType="API_GATEWAY")["ResourceArns"] == []


def test_a_web_acl_in_use_cannot_be_deleted(aws: Door) -> None:
    client, resource = aws.client("wafv2"), balancer(aws)
    summary = acl(client)
    client.associate_web_acl(WebACLArn=summary["ARN"], ResourceArn=resource)
    with pytest.raises(client.exceptions.WAFAssociatedItemException):
        client.delete_web_acl(Name="shop", Id=summary["Id"], Scope="REGIONAL", LockToken=summary["LockToken"])
    client.disassociate_web_acl(ResourceArn=resource)
    client.delete_web_acl(Name="shop", Id=summary["Id"], Scope="REGIONAL", LockToken=summary["LockToken"])
    assert client.list_web_acls(Scope="REGIONAL")["WebACLs"] == []


def test_a_resource_without_a_web_acl_has_no_such_key(aws: Door) -> None:
    assert "WebACL" not in aws.client("wafv2").get_web_acl_for_resource(ResourceArn=balancer(aws))


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/classic",
        "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/n/1",
    ],
)
def test_a_classic_or_network_balancer_cannot_carry_a_web_acl(aws: Door, resource: str) -> None:
    client = aws.client("wafv2")
    with pytest.raises(client.exceptions.WAFInvalidParameterException):
        client.associate_web_acl(WebACLArn=acl(client)["ARN"], ResourceArn=resource)


def test_what_does_not_exist_cannot_be_associated(aws: Door) -> None:
    client = aws.client("wafv2")
    nowhere = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/none/1"
    with pytest.raises(client.exceptions.WAFNonexistentItemException):
        client.associate_web_acl(WebACLArn=acl(client)["ARN"], ResourceArn=nowhere)
    missing = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/none/1"
    with pytest.raises(client.exceptions.WAFNonexistentItemException):
        client.associate_web_acl(WebACLArn=missing, ResourceArn=balancer(aws))
    with pytest.raises(client.exceptions.WAFNonexistentItemException):
        client.list_resources_for_web_acl(WebACLArn=missing)


def test_cloudfront_is_asked_elsewhere(aws: Door) -> None:
    client = aws.client("wafv2", region="us-east-1")
    summary = acl(client, scope="CLOUDFRONT")
    with pytest.raises(client.exceptions.WAFInvalidParameterException):
        client.list_resources_for_web_acl(WebACLArn=summary["ARN"])
    with pytest.raises(client.exceptions.WAFInvalidParameterException):
        client.get_web_acl_for_resource(ResourceArn="arn:aws:cloudfront::123456789012:distribution/E1")
    with pytest.raises(client.exceptions.WAFInvalidParameterException):
        client.list_resources_for_web_acl(WebACLArn=acl(client, "regional")["ARN"], ResourceType="TOASTER")


def test_the_cloudfront_scope_is_answered_in_us_east_1_only(aws: Door) -> None:
    here, there = aws.client("wafv2"), aws.client("wafv2", region="us-east-1")
    summary = acl(there, scope="CLOUDFRONT")
    assert [row["ARN"] for row in there.list_web_acls(Scope="CLOUDFRONT")["WebACLs"]] == [summary["ARN"]]
    assert there.get_web_acl(Name="shop", Id=summary["Id"], Scope="CLOUDFRONT")["WebACL"]["Name"] == "shop"
    assert there.get_web_acl(ARN=summary["ARN"])["LockToken"] == summary["LockToken"]
    for call in (here.list_web_acls, here.list_available_managed_rule_groups, here.list_rule_groups):
        with pytest.raises(here.exceptions.WAFInvalidParameterException):
            call(Scope="CLOUDFRONT")


def test_lists_are_read_to_the_last_marker(aws: Door) -> None:
    client = aws.client("wafv2")
    for number in range(5):
        acl(client, f"acl{number}")
    names: list[str] = []
    marker: Any = None
    for _ in range(3):
        answer = client.list_web_acls(Scope="REGIONAL", Limit=2, **({"NextMarker": marker} if marker else {}))
        names += [row["Name"] for row in answer["WebACLs"]]
        marker = answer.get("NextMarker")
    assert (names, marker) == ([f"acl{number}" for number in range(5)], None)
    with pytest.raises(client.exceptions.WAFInvalidParameterException):
        client.list_web_acls(Scope="REGIONAL", Limit=101)


def test_rules_come_back_as_they_were_put_and_an_update_replaces_them_all(aws: Door) -> None:
    client = aws.client("wafv2")
    rule = managed_rule()
    summary = acl(client, rules=[rule])
    got = client.get_web_acl(Name="shop", Id=summary["Id"], Scope="REGIONAL")
    assert (got["WebACL"]["Rules"], got["WebACL"]["Capacity"], got["LockToken"]) == ([rule], 100, summary["LockToken"])
    token = update(client, summary, [])["NextLockToken"]
    got = client.get_web_acl(Name="shop", Id=summary["Id"], Scope="REGIONAL")
    assert (got["WebACL"].get("Rules", []), got["WebACL"]["Capacity"], got["LockToken"]) == ([], 0, token)
    token = update(client, summary, [rule], token)["NextLockToken"]
    update(client, summary, None, token)
    assert client.get_web_acl(Name="shop", Id=summary["Id"], Scope="REGIONAL")["WebACL"].get("Rules", []) == []


EVERYTHING: dict[str, Any] = {
    "Description": "the shop",
    "CustomResponseBodies": {"sorry": {"ContentType": "TEXT_PLAIN", "Content": "no"}},
    "CaptchaConfig": {"ImmunityTimeProperty": {"ImmunityTime": 60}},
    "ChallengeConfig": {"ImmunityTimeProperty": {"ImmunityTime": 300}},
    "TokenDomains": ["example.com"],
    "AssociationConfig": {"RequestBody": {"API_GATEWAY": {"DefaultSizeInspectionLimit": "KB_32"}}},
    "DataProtectionConfig": {"DataProtections": [{"Field": {"FieldType": "BODY"}, "Action": "HASH"}]},
    "OnSourceDDoSProtectionConfig": {"ALBLowReputationMode": "ALWAYS_ON"},
    "MonetizationConfig": {"CurrencyMode": "TEST"},
    "ApplicationConfig": {"Attributes": [{"Name": "type", "Values": ["shop"]}]},
}


def test_every_member_is_kept_and_an_update_without_it_takes_it_away(aws: Door) -> None:
    client = aws.client("wafv2")
    fixed: dict[str, Any] = {"Name": "shop", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBILITY}
    summary = client.create_web_acl(**fixed, **EVERYTHING)["Summary"]
    asked = {"Name": "shop", "Id": summary["Id"], "Scope": "REGIONAL"}
    got = client.get_web_acl(**asked)["WebACL"]
    assert {name: got[name] for name in EVERYTHING} == EVERYTHING
    token = client.update_web_acl(**fixed, Id=summary["Id"], LockToken=summary["LockToken"], **EVERYTHING)["NextLockToken"]
    assert client.get_web_acl(**asked)["WebACL"] == got
    client.update_web_acl(**fixed, Id=summary["Id"], LockToken=token)
    bare = client.get_web_acl(**asked)["WebACL"]
    assert {name: bare[name] for name in EVERYTHING if bare.get(name)} == {"ApplicationConfig": EVERYTHING["ApplicationConfig"]}


def test_an_application_configuration_cannot_be_changed(aws: Door) -> None:
    client = aws.client("wafv2")
    fixed: dict[str, Any] = {"Name": "shop", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBILITY}
    summary = client.create_web_acl(**fixed, **EVERYTHING)["Summary"]
    other = {"Attributes": [{"Name": "type", "Values": ["bank"]}]}
    with pytest.raises(client.exceptions.WAFInvalidParameterException):
        client.update_web_acl(**fixed, Id=summary["Id"], LockToken=summary["LockToken"], ApplicationConfig=other)
    assert client.get_web_acl(ARN=summary["ARN"])["LockToken"] == summary["LockToken"]


def test_a_stale_lock_token_is_refused(aws: Door) -> None:
    client = aws.client("wafv2")
    summary = acl(client)
    update(client, summary, [managed_rule()])
    with pytest.raises(client.exceptions.WAFOptimisticLockException):
        update(client, summary, [])


def test_a_binary_search_string_survives(aws: Door) -> None:
    client = aws.client("wafv2")
    match = {
        "ByteMatchStatement": {
            "SearchString": b"\x00\xff/admin",
            "FieldToMatch": {"UriPath": {}},
            "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}],
            "PositionalConstraint": "STARTS_WITH",
        }
    }
    rule = {"Name": "r", "Priority": 0, "Action": {"Block": {}}, "Statement": match, "VisibilityConfig": VISIBILITY}
    summary = acl(client, rules=[rule])
    got = client.get_web_acl(Name="shop", Id=summary["Id"], Scope="REGIONAL")["WebACL"]
    assert (got["Rules"], got["Capacity"]) == ([rule], 12)


@pytest.mark.parametrize(
    "rules",
    [
        [managed_rule(priority=1), managed_rule("AWSManagedRulesSQLiRuleSet", priority=1)],
        [managed_rule(priority=1), managed_rule(priority=2)],
        [managed_rule("AWSManagedRulesNoSuchRuleSet")],
        [managed_rule(vendor="Nobody")],
        [{**managed_rule(), "Action": {"Block": {}}}],
        [{key: value for key, value in managed_rule().items() if key != "OverrideAction"}],
        [{**managed_rule(), "Statement": {"GeoMatchStatement": {"CountryCodes": ["DE"]}}}],
    ],
    ids=["same priority", "same name", "unknown group", "unknown vendor", "both actions", "no action", "override on a plain rule"],
)
def test_rules_that_cannot_stand_are_refused_everywhere(aws: Door, rules: list[dict[str, Any]]) -> None:
    client = aws.client("wafv2")
    summary = acl(client)
    for call in (
        lambda: acl(client, "other", rules),
        lambda: update(client, summary, rules),
        lambda: client.check_capacity(Scope="REGIONAL", Rules=rules),
    ):
        with pytest.raises(client.exceptions.WAFInvalidParameterException):
            call()


def test_capacity_is_counted_as_the_guide_says(aws: Door) -> None:
    client = aws.client("wafv2")

    def rule(statement: dict[str, Any], number: int) -> dict[str, Any]:
        return {"Name": f"r{number}", "Priority": number, "Action": {"Block": {}}, "Statement": statement, "VisibilityConfig": VISIBILITY}

    plain = {"FieldToMatch": {"UriPath": {}}, "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}
    geo = {"GeoMatchStatement": {"CountryCodes": ["DE"]}}
    contains = {"ByteMatchStatement": {**plain, "SearchString": b"x", "PositionalConstraint": "CONTAINS"}}
    statements: list[tuple[dict[str, Any], int]] = [
        (geo, 1),
        (contains, 10),
        ({"SqliMatchStatement": plain}, 20),
        ({"SqliMatchStatement": {**plain, "SensitivityLevel": "HIGH"}}, 30),
        ({"XssMatchStatement": {**plain, "TextTransformations": [{"Priority": 0, "Type": "URL_DECODE"}]}}, 50),
        ({"AndStatement": {"Statements": [geo, contains]}}, 11),
        ({"NotStatement": {"Statement": geo}}, 1),
        ({"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP"}}, 2),
        ({"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP", "ScopeDownStatement": geo}}, 3),
    ]
    for statement, expected in statements:
        assert client.check_capacity(Scope="REGIONAL", Rules=[rule(statement, 0)])["Capacity"] == expected, statement


def test_own_rule_groups_cost_what_they_were_made_with(aws: Door) -> None:
    client = aws.client("wafv2")
    group = client.create_rule_group(Name="own", Scope="REGIONAL", Capacity=77, VisibilityConfig=VISIBILITY)["Summary"]["ARN"]
    rule = {"Name": "own", "Priority": 0, "OverrideAction": {"None": {}}, "VisibilityConfig": VISIBILITY}
    assert client.check_capacity(Scope="REGIONAL", Rules=[{**rule, "Statement": {"RuleGroupReferenceStatement": {"ARN": group}}}])["Capacity"] == 77
    missing = {**rule, "Statement": {"RuleGroupReferenceStatement": {"ARN": group + "x"}}}
    with pytest.raises(client.exceptions.WAFNonexistentItemException):
        client.check_capacity(Scope="REGIONAL", Rules=[missing])


def test_more_capacity_than_a_web_acl_may_have_is_refused(aws: Door) -> None:
    client = aws.client("wafv2")
    aws.seed("wafv2", "managed_rule_groups", [{"VendorName": "Big", "Name": "Big", "Description": "d", "Capacity": 5001}])
    with pytest.raises(client.exceptions.WAFLimitsExceededException):
        acl(client, rules=[managed_rule("Big", vendor="Big")])


def test_managed_groups_are_listed_in_pages_with_the_seeded_ones(aws: Door) -> None:
    aws.seed("wafv2", "managed_rule_groups", [{"VendorName": "Trend Micro", "Name": "WebServer", "Capacity": 1000}])
    client, found, marker = aws.client("wafv2"), [], None
    while True:
        answer = client.list_available_managed_rule_groups(Scope="REGIONAL", Limit=10, **({"NextMarker": marker} if marker else {}))
        found += [(group["VendorName"], group["Name"]) for group in answer["ManagedRuleGroups"]]
        marker = answer.get("NextMarker")
        if not marker:
            break
    assert len(found) == len(set(found)) == 16
    assert ("Trend Micro", "WebServer") in found
    assert ("AWS", "AWSManagedRulesPHPRuleSet") in found


def test_a_managed_group_tells_its_capacity_and_version(aws: Door) -> None:
    client = aws.client("wafv2")
    asked = {"Scope": "REGIONAL", "VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}
    assert client.describe_managed_rule_group(**asked)["Capacity"] == 700
    assert client.list_available_managed_rule_group_versions(**asked)["CurrentDefaultVersion"] == "Version_1.0"
    with pytest.raises(client.exceptions.WAFInvalidResourceException):
        client.describe_managed_rule_group(**{**asked, "Name": "Nothing"})


def test_firewall_manager_shows_its_groups_in_the_web_acl(aws: Door) -> None:
    client = aws.client("wafv2")
    summary = acl(client)
    assert client.get_web_acl(ARN=summary["ARN"])["WebACL"]["ManagedByFirewallManager"] is False
    statement = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}}
    group = {"Name": "g", "Priority": 0, "FirewallManagerStatement": statement, "OverrideAction": {"None": {}}, "VisibilityConfig": VISIBILITY}
    aws.seed("wafv2", "firewall_manager", [{"web_acl_arn": summary["ARN"], "first": [group], "last": []}])
    shown = client.get_web_acl(ARN=summary["ARN"])["WebACL"]
    assert (shown["ManagedByFirewallManager"], shown["PreProcessFirewallManagerRuleGroups"]) == (True, [group])


@pytest.mark.parametrize(
    ("kind", "item", "path"),
    [
        ("managed_rule_groups", {"VendorName": "A", "Name": "B", "Capacity": "100"}, "items[0].Capacity"),
        ("managed_rule_groups", {"VendorName": "A", "Name": "B", "Capacity": 1, "Price": 2}, "items[0].Price"),
        ("firewall_manager", {"first": []}, "items[0].web_acl_arn"),
        ("firewall_manager", {"web_acl_arn": f"arn:aws:wafv2:eu-central-1:{HOME}:regional/webacl/a/1", "middle": []}, "items[0]"),
    ],
)
def test_a_seed_that_makes_no_sense_is_refused(aws: Door, kind: str, item: dict[str, Any], path: str) -> None:
    assert aws.refused_seed("wafv2", kind, [item]) == path


def test_a_missing_web_acl_is_an_error_of_waf(aws: Door) -> None:
    with pytest.raises(ClientError, match="WAFNonexistentItemException"):
        aws.client("wafv2").get_web_acl(Name="none", Id="none", Scope="REGIONAL")
