"""WAFv2: web ACLs with their rules, what they stand before, and the managed rule groups on offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reporter.clients.aws import AwsReader
from reporter.core.answers import canonical, field, tags
from reporter.core.scope import GLOBAL, Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.aws import MANAGED_RULE_GROUPS, WEB_ACL_ASSOCIATIONS, WEB_ACL_RULES, WEB_ACLS

PAGE = 100
GONE = ("WAFNonexistentItemException",)
"""A web ACL deleted since it was listed."""

WEAKER = ("Count", "Allow")
"""Actions that take the force out of a rule of a group when they override its own."""


@dataclass(frozen=True)
class Acl:
    """One web ACL, with all that is asked about it."""

    acl: dict[str, Any]
    tags: list[dict[str, Any]]
    resources: list[str]


def fetch(reader: AwsReader) -> Rows:
    """Web ACLs of the REGIONAL scope; in region `global` those of the CLOUDFRONT scope, which lives in us-east-1. Raises ScopeProblem.

    Associations are those of application load balancers; a distribution names its web ACL itself (source cloudfront).
    """
    scope = "CLOUDFRONT" if reader.region == GLOBAL else "REGIONAL"
    listed = reader.items("wafv2", "list_web_acls", "WebACLs", Scope=scope, Limit=PAGE)
    acls = [acl for acl in reader.map(lambda summary: _read(reader, scope, summary), listed) if acl is not None]
    groups = reader.items("wafv2", "list_available_managed_rule_groups", "ManagedRuleGroups", Scope=scope, Limit=PAGE)
    place = (reader.account, reader.region)
    return {
        WEB_ACLS.name: [(*place, scope, *_acl(acl)) for acl in acls],
        WEB_ACL_RULES.name: [place + row for acl in acls for row in _rules(acl.acl)],
        WEB_ACL_ASSOCIATIONS.name: [(*place, acl.acl["ARN"], resource) for acl in acls for resource in acl.resources],
        MANAGED_RULE_GROUPS.name: [(*place, scope, *_group(group)) for group in groups],
    }


def _read(reader: AwsReader, scope: str, summary: dict[str, Any]) -> Acl | None:
    """One web ACL; None where it has been deleted meanwhile."""
    name, acl_id, arn = (field(summary, key, "wafv2 ListWebACLs") for key in ("Name", "Id", "ARN"))
    answer = reader.call("wafv2", "get_web_acl", absent=GONE, Name=name, Id=acl_id, Scope=scope)
    if not answer:
        return None
    resources: list[str] = []
    if scope == "REGIONAL":
        kind = "APPLICATION_LOAD_BALANCER"
        resources = reader.items("wafv2", "list_resources_for_web_acl", "ResourceArns", absent=GONE, WebACLArn=arn, ResourceType=kind)
    found = reader.items("wafv2", "list_tags_for_resource", "TagInfoForResource.TagList", absent=GONE, ResourceARN=arn, Limit=PAGE)
    return Acl(field(answer, "WebACL", "wafv2 GetWebACL"), found, resources)


def _acl(read: Acl) -> Row:
    acl, call = read.acl, "wafv2 GetWebACL"
    return (
        field(acl, "ARN", call),
        field(acl, "Id", call),
        field(acl, "Name", call),
        _word(field(acl, "DefaultAction", call)),
        acl.get("Capacity"),
        _managed_by(acl, read.tags),
        tags(read.tags),
        canonical(acl),
    )


def _managed_by(acl: dict[str, Any], pairs: list[dict[str, Any]]) -> str | None:
    """Who would undo, or be undone by, a change of ours. A tag that speaks of Terraform is believed, unless it says no."""
    if acl.get("ManagedByFirewallManager") or "FMManagedWebACLV2" in f"{acl.get('Name')} {acl.get('LabelNamespace')}":
        return "firewall-manager"
    spoken = [(str(pair.get("Key") or "").lower(), str(pair.get("Value") or "").lower()) for pair in pairs]
    if any(key == "aws:cloudformation:stack-name" for key, _ in spoken):
        return "cloudformation"
    if any("terraform" in value or ("terraform" in key and value not in ("false", "no", "0")) for key, value in spoken):
        return "terraform"
    return None


def _rules(acl: dict[str, Any]) -> list[Row]:
    arn = acl["ARN"]
    own = [(arn, "own", *_rule(rule, rule.get("Statement", {}))) for rule in acl.get("Rules", [])]
    first = [_firewall_manager(arn, "first", group) for group in acl.get("PreProcessFirewallManagerRuleGroups", [])]
    last = [_firewall_manager(arn, "last", group) for group in acl.get("PostProcessFirewallManagerRuleGroups", [])]
    return [*first, *own, *last]


def _firewall_manager(arn: str, position: str, group: dict[str, Any]) -> Row:
    return (arn, position, *_rule(group, group.get("FirewallManagerStatement", {})))


def _rule(rule: dict[str, Any], statement: dict[str, Any]) -> Row:
    """priority, name, kind, vendor, group_name, version, mode, narrowed"""
    priority, name = field(rule, "Priority", "wafv2 GetWebACL"), field(rule, "Name", "wafv2 GetWebACL")
    managed = statement.get("ManagedRuleGroupStatement")
    if managed is not None:
        vendor, group = field(managed, "VendorName", "wafv2 GetWebACL"), field(managed, "Name", "wafv2 GetWebACL")
        return (priority, name, "managed_rule_group", vendor, group, managed.get("Version") or None, _group_mode(rule), _narrowed(managed))
    reference = statement.get("RuleGroupReferenceStatement")
    if reference is not None:
        return (priority, name, "rule_group", None, None, None, _group_mode(rule), _narrowed(reference))
    return (priority, name, "other", None, None, None, _word(rule.get("Action", {})) or "override", False)


def _group_mode(rule: dict[str, Any]) -> str:
    """A group acts as its own rules say (block), or only counts. Nothing but an explicit None lets its actions through."""
    override = _word(field(rule, "OverrideAction", "wafv2 GetWebACL"))
    return "block" if override == "none" else override


def _narrowed(group: dict[str, Any]) -> bool:
    """True where part of the traffic or some of the group's rules escape it. Whether all of its rules do cannot be known from here."""
    overrides = [override.get("ActionToUse", {}) for override in group.get("RuleActionOverrides", [])]
    weakened = any(action in override for override in overrides for action in WEAKER)
    return bool(group.get("ScopeDownStatement") or group.get("ExcludedRules")) or weakened


def _word(action: dict[str, Any]) -> str:
    """{"Block": {}} -> block; the name of the one member, as WAF writes a choice."""
    return next(iter(sorted(action)), "").lower()


def _group(group: dict[str, Any]) -> Row:
    call = "wafv2 ListAvailableManagedRuleGroups"
    return (field(group, "VendorName", call), field(group, "Name", call), group.get("Description") or None)


SOURCE = Source(
    name="waf",
    tables=(WEB_ACLS, WEB_ACL_RULES, WEB_ACL_ASSOCIATIONS, MANAGED_RULE_GROUPS),
    permissions=(
        "wafv2:ListWebACLs",
        "wafv2:GetWebACL",
        "wafv2:ListResourcesForWebACL",
        "wafv2:ListTagsForResource",
        "wafv2:ListAvailableManagedRuleGroups",
    ),
    reach=Reach.REGIONAL,
    fetch=fetch,
    also_global=True,
)
