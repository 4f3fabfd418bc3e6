"""Rules for managed rule groups, in Count; and the same for a person who keeps the web ACL in a template of their own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

from reporter.actions.web_acl_document import Group, Rule

PREFIX = "reporter-"
LONGEST_NAME = 128


def new_rules(groups: Iterable[Group], there: Sequence[Rule]) -> list[dict[str, Any]]:
    """One rule a group, after all that are there; names and priorities are nobody else's."""
    taken = {str(rule["Name"]) for rule in there}
    priority = max((int(rule["Priority"]) for rule in there), default=-1)
    made: list[dict[str, Any]] = []
    for vendor, name in groups:
        priority += 1
        rule_name = _free_name(name, taken)
        taken.add(rule_name)
        made.append(_rule(rule_name, priority, vendor, name))
    return made


def _free_name(group: str, taken: set[str]) -> str:
    endings = ("" if number == 1 else f"-{number}" for number in count(1))
    names = ((PREFIX + group)[: LONGEST_NAME - len(ending)] + ending for ending in endings)
    return next(name for name in names if name not in taken)


def _rule(name: str, priority: int, vendor: str, group: str) -> dict[str, Any]:
    return {
        "Name": name,
        "Priority": priority,
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": vendor, "Name": group}},
        "OverrideAction": {"Count": {}},
        "VisibilityConfig": {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name},
    }


def patch(owner: str, acl: str, rules: Sequence[Rule]) -> str:
    """What to add to a web ACL of this name, in the words of whatever owns it."""
    as_json = json.dumps(rules, indent=2, ensure_ascii=False)
    match owner:
        case "terraform":
            return f"add to the aws_wafv2_web_acl {acl}:\n" + "\n".join(_terraform(rule) for rule in rules)
        case "cloudformation":
            return f"add to Rules of the AWS::WAFv2::WebACL {acl}:\n{as_json}"
        case "firewall-manager":
            return f"add the rule groups to the Firewall Manager policy of {acl}; as rules of a web ACL they are:\n{as_json}"
        case _:
            return f"add to Rules of the web ACL {acl} (UpdateWebACL):\n{as_json}"


def _terraform(rule: Rule) -> str:
    managed, seen = rule["Statement"]["ManagedRuleGroupStatement"], rule["VisibilityConfig"]
    return f"""rule {{
  name     = {_quoted(rule["Name"])}
  priority = {rule["Priority"]}
  override_action {{
    count {{}}
  }}
  statement {{
    managed_rule_group_statement {{
      vendor_name = {_quoted(managed["VendorName"])}
      name        = {_quoted(managed["Name"])}
    }}
  }}
  visibility_config {{
    sampled_requests_enabled   = true
    cloudwatch_metrics_enabled = true
    metric_name                = {_quoted(seen["MetricName"])}
  }}
}}"""


def _quoted(text: str) -> str:
    """A string in Terraform's language: JSON's, with nothing in it that would be filled in."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
