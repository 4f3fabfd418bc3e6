"""The rules of a web ACL: what AWS refuses in them, and what they cost in capacity units (WCU)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reporter.sandbox.aws.extend import refuse
from reporter.sandbox.aws.wafv2_groups import Group

MOST_CAPACITY = 5000
TRANSFORMATION = 10
FIXED = {
    "IPSetReferenceStatement": 1,
    "GeoMatchStatement": 1,
    "AsnMatchStatement": 1,
    "LabelMatchStatement": 1,
    "SizeConstraintStatement": 1,
    "RegexMatchStatement": 3,
    "RegexPatternSetReferenceStatement": 25,
    "XssMatchStatement": 40,
}
CONTAINING = {"CONTAINS", "CONTAINS_WORD"}

Groups = Mapping[tuple[str, str], Group]


def invalid(reason: str, field: str, parameter: str) -> Exception:
    return refuse("WAFInvalidParameterException", f"Error reason: {reason}, field: {field}, parameter: {parameter}")


def check_rules(rules: Sequence[Mapping[str, Any]], groups: Groups) -> None:
    """Raises what AWS answers to rules that cannot stand together or name what does not exist."""
    for field in ("Name", "Priority"):
        seen: set[Any] = set()
        for rule in rules:
            if rule[field] in seen:
                raise invalid("You have used a value that must be unique in the rules more than once.", f"RULE_{field.upper()}", str(rule[field]))
            seen.add(rule[field])
    for rule in rules:
        statement = rule["Statement"]
        of_group = "ManagedRuleGroupStatement" in statement or "RuleGroupReferenceStatement" in statement
        wanted, unwanted = ("OverrideAction", "Action") if of_group else ("Action", "OverrideAction")
        if not rule.get(wanted) or rule.get(unwanted):
            raise invalid("You have used none or multiple values for a field that requires exactly one value.", "RULE_ACTION", rule["Name"])
        for vendor, name in managed_in(statement):
            if (vendor, name) not in groups:
                raise invalid("The managed rule group does not exist.", "MANAGED_RULE_SET", f"{vendor}#{name}")


def managed_in(statement: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(vendor, name) of a statement's managed rule group, if it is one; they cannot be nested."""
    managed = statement.get("ManagedRuleGroupStatement")
    return [(managed["VendorName"], managed["Name"])] if managed else []


def capacity_of(rules: Sequence[Mapping[str, Any]], groups: Groups, rule_groups: Mapping[str, Any]) -> int:
    """WCU of all rules. `rule_groups`: the account's own, by ARN. Raises what AWS answers when it is more than a web ACL may have."""
    total = sum(cost(rule["Statement"], groups, rule_groups) for rule in rules)
    if total > MOST_CAPACITY:
        raise refuse("WAFLimitsExceededException", f"The rules need {total} WCU; a web ACL may have at most {MOST_CAPACITY}.")
    return total


def cost(statement: Mapping[str, Any], groups: Groups, rule_groups: Mapping[str, Any]) -> int:
    """One statement, as the WAF developer guide counts it."""
    (name, body), *_ = statement.items()
    inner = [*body.get("Statements", []), *([body["Statement"]] if body.get("Statement") else [])]
    nested = sum(cost(part, groups, rule_groups) for part in inner)
    match name:
        case "ManagedRuleGroupStatement":
            return int(groups[body["VendorName"], body["Name"]]["Capacity"])
        case "RuleGroupReferenceStatement":
            if body["ARN"] not in rule_groups:
                raise refuse("WAFNonexistentItemException", f"The rule group {body['ARN']} does not exist.")
            return int(rule_groups[body["ARN"]].capacity)
        case "RateBasedStatement":
            own = 2 + (nested or int((body.get("ScopeDownStatement") and cost(body["ScopeDownStatement"], groups, rule_groups)) or 0))
        case "ByteMatchStatement":
            own = 10 if body.get("PositionalConstraint") in CONTAINING else 2
        case "SqliMatchStatement":
            own = 30 if body.get("SensitivityLevel") == "HIGH" else 20
        case _:
            own = FIXED.get(name, 0) + nested
    transformations = [t for t in body.get("TextTransformations") or [] if t.get("Type") != "NONE"]
    return own + TRANSFORMATION * len(transformations)
