"""What the peers of the join read of a stored run, and the states of a virtual patch, the strongest first. Imports nothing: each peer has its own
environment."""

from __future__ import annotations

RANKS = ["prevented", "detect_only", "assigned_not_effective", "available", "generic_only", "no_rule"]
COLUMNS: dict[str, list[str]] = {
    "inspector_findings": ["arn", "account", "resource_id", "vulnerability_id", "related_ids"],
    "instances": ["account", "instance_id", "computer_id", "protection", "policy_id", "intrusion_prevention"],
    "wp_computers": ["account", "instance_id", "computer_id", "ips_rule_ids", "last_policy_request", "last_policy_success"],
    "wp_policies": ["policy_id", "ips_rule_ids"],
    "wp_policy_rules": ["policy_id", "rule_id", "detect_only"],
    "wp_rules": ["rule_id", "type", "cves", "detect_only"],
}
