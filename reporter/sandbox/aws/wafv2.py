"""WAF: managed rule groups, capacity, associations that replace, updates that replace, Firewall Manager's share of a web ACL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import moto.backends

from reporter.sandbox.aws.conformance import NotConforming, conform, expect
from reporter.sandbox.aws.extend import Call, Extension, Handler, refuse
from reporter.sandbox.aws.paging import page
from reporter.sandbox.aws.store import STORE
from reporter.sandbox.aws.wafv2_groups import VERSION, Group, managed_groups, seed_managed_rule_groups
from reporter.sandbox.aws.wafv2_rules import capacity_of, check_rules, invalid

MISSING = "WAFNonexistentItemException"
APPLICATION = "ApplicationConfig"
BEYOND_MOTO = (APPLICATION, "DataProtectionConfig", "MonetizationConfig", "OnSourceDDoSProtectionConfig")
RESOURCE_TYPES = {
    "APPLICATION_LOAD_BALANCER": ":loadbalancer/app/",
    "API_GATEWAY": ":/restapis/",
    "APPSYNC": ":appsync:",
    "COGNITO_USER_POOL": ":userpool/",
    "APP_RUNNER_SERVICE": ":apprunner:",
    "VERIFIED_ACCESS_INSTANCE": ":verified-access-instance/",
    "AMPLIFY": ":amplify:",
}


def backend_of(call: Call, *, cloudfront: bool) -> Any:
    get_backend: Any = moto.backends.get_backend
    return get_backend("wafv2")[call.account]["global" if cloudfront else call.region]


def is_cloudfront(arn: str) -> bool:
    return arn.split(":")[5].startswith("global/")


def check_scope(call: Call) -> None:
    scope = call.params.get("Scope")
    if scope == "CLOUDFRONT" and call.region != "us-east-1":
        raise invalid("The scope is not valid.", "SCOPE_VALUE", "CLOUDFRONT")
    if not 1 <= int(call.params.get("Limit") or 1) <= 100:
        raise invalid("The limit must be between 1 and 100.", "LIMIT", str(call.params["Limit"]))


def scoped(handler: Handler | None = None) -> Handler:
    """An operation with a Scope: CLOUDFRONT is answered in us-east-1 only. Without a handler of ours, moto answers."""

    def checked(call: Call) -> Any:
        check_scope(call)
        return handler(call) if handler else call.original()

    return checked


def groups_of(call: Call) -> dict[tuple[str, str], Group]:
    return managed_groups(call.account, call.region)


def rules_in(call: Call) -> list[dict[str, Any]]:
    """The rules as they came, so that binary search strings stay encoded."""
    rules: list[dict[str, Any]] = json.loads(call.response.body).get("Rules") or []
    return rules


def checked_capacity(call: Call) -> int:
    rules = rules_in(call)
    check_rules(rules, groups_of(call))
    return capacity_of(rules, groups_of(call), backend_of(call, cloudfront=call.params.get("Scope") == "CLOUDFRONT").rule_groups)


def create_web_acl(call: Call) -> Any:
    capacity = checked_capacity(call)
    answer = call.original()
    created = json.loads(answer[2])["Summary"]["ARN"]
    acl = backend_of(call, cloudfront=call.params["Scope"] == "CLOUDFRONT").wacls[created]
    acl.capacity, acl.members = capacity, beyond_moto(call)
    return answer


def update_web_acl(call: Call) -> Any:
    """Replaces the whole of it, as AWS does: what is not given is gone, but an application configuration stays, and may not change."""
    capacity = checked_capacity(call)
    acl = backend_of(call, cloudfront=call.params["Scope"] == "CLOUDFRONT").get_web_acl(None, call.params["Name"], call.params["Id"])
    given, application = beyond_moto(call), acl.members.get(APPLICATION)
    if application and given.setdefault(APPLICATION, application) != application:
        raise invalid("The application configuration cannot be changed.", "APPLICATION_CONFIG", call.params["Name"])
    answer = call.original()
    acl.capacity, acl.members = capacity, given
    acl.description = call.params.get("Description") or ""
    if not call.params.get("Rules"):
        acl.rules = []
    for attribute, member in (
        ("custom_response_bodies", "CustomResponseBodies"),
        ("captcha_config", "CaptchaConfig"),
        ("challenge_config", "ChallengeConfig"),
        ("token_domains", "TokenDomains"),
        ("association_config", "AssociationConfig"),
    ):
        setattr(acl, attribute, call.params.get(member))
    return answer


def beyond_moto(call: Call) -> dict[str, Any]:
    """What a web ACL is given that moto does not keep, as it came."""
    body: dict[str, Any] = json.loads(call.response.body)
    return {name: body[name] for name in BEYOND_MOTO if body.get(name) is not None}


def delete_web_acl(call: Call) -> Any:
    acl = backend_of(call, cloudfront=call.params["Scope"] == "CLOUDFRONT").get_web_acl(None, call.params["Name"], call.params["Id"])
    if acl.associated_resources:
        raise refuse("WAFAssociatedItemException", "The web ACL is still associated with a resource.")
    return call.original()


def without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def described(call: Call, acl: Any) -> dict[str, Any]:
    """The WebACL as JSON, with what Firewall Manager put before and after its own rules."""
    home = "us-east-1" if is_cloudfront(acl.arn) else call.region
    managed = STORE.shelf("wafv2", "firewall_manager", call.account, home).get(acl.arn)
    web_acl: dict[str, Any] = without_nulls(acl.to_dict())
    web_acl.pop("LockToken", None)
    web_acl |= acl.members
    web_acl["ManagedByFirewallManager"] = managed is not None
    if managed:
        web_acl["PreProcessFirewallManagerRuleGroups"] = managed["first"]
        web_acl["PostProcessFirewallManagerRuleGroups"] = managed["last"]
    return web_acl


def as_json(answer: Mapping[str, Any]) -> tuple[int, dict[str, str], str]:
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer)


def get_web_acl(call: Call) -> Any:
    arn = call.params.get("ARN")
    cloudfront = is_cloudfront(arn) if arn else call.params.get("Scope") == "CLOUDFRONT"
    acl = backend_of(call, cloudfront=cloudfront).get_web_acl(arn, call.params.get("Name"), call.params.get("Id"))
    return as_json({"WebACL": described(call, acl), "LockToken": acl.lock_token})


def get_web_acl_for_resource(call: Call) -> Any:
    if ":cloudfront:" in call.params["ResourceArn"]:
        raise invalid("The ARN isn't valid; for CloudFront, ask GetDistribution.", "RESOURCE_ARN", call.params["ResourceArn"])
    acl = call.backend.get_web_acl_for_resource(call.params["ResourceArn"])
    return as_json({"WebACL": described(call, acl)} if acl else {})


def associate_web_acl(call: Call) -> Any:
    resource, arn = call.params["ResourceArn"], call.params["WebACLArn"]
    if not any(mark in resource for mark in RESOURCE_TYPES.values()):
        raise invalid("The ARN isn't valid: the resource cannot carry a web ACL.", "RESOURCE_ARN", resource)
    get_backend: Any = moto.backends.get_backend
    if ":loadbalancer/app/" in resource and resource not in get_backend("elbv2")[call.account][call.region].load_balancers:
        raise refuse(MISSING, f"The load balancer {resource} does not exist.")
    if arn not in call.backend.wacls:
        raise refuse(MISSING, f"The web ACL {arn} does not exist.")
    for acl in call.backend.wacls.values():
        acl.associated_resources = [associated for associated in acl.associated_resources if associated != resource]
    return call.original()


def list_resources_for_web_acl(call: Call) -> dict[str, Any]:
    arn = call.params["WebACLArn"]
    if is_cloudfront(arn):
        raise invalid("For CloudFront, ask ListDistributionsByWebACLId.", "WEB_ACL", arn)
    if arn not in call.backend.wacls:
        raise refuse(MISSING, f"The web ACL {arn} does not exist.")
    mark = RESOURCE_TYPES.get(call.params.get("ResourceType") or "APPLICATION_LOAD_BALANCER")
    if mark is None:
        raise invalid("The resource type is not known.", "RESOURCE_TYPE", call.params["ResourceType"])
    return {"ResourceArns": [resource for resource in call.backend.wacls[arn].associated_resources if mark in resource]}


def marker_page(call: Call, items: list[Any]) -> tuple[Any, str | None]:
    return page(items, call.params.get("NextMarker"), call.params.get("Limit"), most=100, error="WAFInvalidParameterException")


def list_available_managed_rule_groups(call: Call) -> dict[str, Any]:
    part, marker = marker_page(call, list(groups_of(call).values()))
    shown = [{**{key: group[key] for key in ("VendorName", "Name", "Description")}, "VersioningSupported": True} for group in part]
    return {"ManagedRuleGroups": shown, "NextMarker": marker}


def asked_group(call: Call) -> Group:
    group = groups_of(call).get((call.params["VendorName"], call.params["Name"]))
    if group is None:
        raise refuse("WAFInvalidResourceException", f"The managed rule group {call.params['VendorName']}#{call.params['Name']} does not exist.")
    return group


def list_available_managed_rule_group_versions(call: Call) -> dict[str, Any]:
    asked_group(call)
    return {"Versions": [{"Name": VERSION, "LastUpdateTimestamp": 1735689600}], "CurrentDefaultVersion": VERSION}


def describe_managed_rule_group(call: Call) -> dict[str, Any]:
    group = asked_group(call)
    return {
        "VersionName": call.params.get("VersionName") or VERSION,
        "Capacity": group["Capacity"],
        "Rules": [{"Name": f"{group['Name']}_Rule", "Action": {"Block": {}}}],
        "LabelNamespace": f"awswaf:managed:{group['VendorName'].lower().replace(' ', '-')}:{group['Name']}:",
        "AvailableLabels": [],
        "ConsumedLabels": [],
    }


def check_capacity(call: Call) -> dict[str, Any]:
    return {"Capacity": checked_capacity(call)}


def seed_firewall_manager(account: str, region: str, items: list[Any]) -> None:
    for i, item in enumerate(items):
        arn = expect(expect(item, dict, f"items[{i}]").get("web_acl_arn"), str, f"items[{i}].web_acl_arn")
        if set(item) - {"web_acl_arn", "first", "last"}:
            raise NotConforming(f"items[{i}]", "expected only web_acl_arn, first and last")
        sides = {
            side: [
                conform("wafv2", "FirewallManagerRuleGroup", group, f"items[{i}].{side}[{j}]").wire for j, group in enumerate(item.get(side) or [])
            ]
            for side in ("first", "last")
        }
        STORE.shelf("wafv2", "firewall_manager", account, "us-east-1" if is_cloudfront(arn) else region)[arn] = sides


EXTENSION = Extension(
    service="wafv2",
    operations={
        **{name: scoped() for name in ("ListWebACLs", "ListRuleGroups", "ListIPSets", "ListRegexPatternSets", "ListLoggingConfigurations")},
        **{name: scoped() for name in ("CreateRuleGroup", "GetRuleGroup", "CreateIPSet", "GetIPSet")},
        "CreateWebACL": scoped(create_web_acl),
        "UpdateWebACL": scoped(update_web_acl),
        "DeleteWebACL": scoped(delete_web_acl),
        "GetWebACL": scoped(get_web_acl),
        "GetWebACLForResource": get_web_acl_for_resource,
        "AssociateWebACL": associate_web_acl,
        "ListResourcesForWebACL": list_resources_for_web_acl,
        "ListAvailableManagedRuleGroups": scoped(list_available_managed_rule_groups),
        "ListAvailableManagedRuleGroupVersions": scoped(list_available_managed_rule_group_versions),
        "DescribeManagedRuleGroup": scoped(describe_managed_rule_group),
        "CheckCapacity": scoped(check_capacity),
    },
    kinds={"managed_rule_groups": seed_managed_rule_groups, "firewall_manager": seed_firewall_manager},
)
