"""Managed rule groups: AWS's usual ones with their published capacities, and those that were seeded."""

from __future__ import annotations

from typing import Any

from reporter.sandbox.aws.conformance import NotConforming, expect
from reporter.sandbox.aws.store import STORE

AWS_GROUPS = {
    "AWSManagedRulesCommonRuleSet": (700, "Rules that are generally applicable to web applications."),
    "AWSManagedRulesAdminProtectionRuleSet": (100, "Rules that block external access to exposed admin pages."),
    "AWSManagedRulesKnownBadInputsRuleSet": (200, "Rules that block request patterns known to be invalid and tied to exploitation."),
    "AWSManagedRulesSQLiRuleSet": (200, "Rules that block request patterns tied to SQL injection."),
    "AWSManagedRulesLinuxRuleSet": (200, "Rules that block patterns specific to Linux."),
    "AWSManagedRulesUnixRuleSet": (100, "Rules that block patterns specific to POSIX systems."),
    "AWSManagedRulesWindowsRuleSet": (200, "Rules that block patterns specific to Windows."),
    "AWSManagedRulesPHPRuleSet": (100, "Rules that block patterns specific to PHP."),
    "AWSManagedRulesWordPressRuleSet": (100, "Rules that block patterns specific to WordPress sites."),
    "AWSManagedRulesAmazonIpReputationList": (25, "Rules based on Amazon's threat intelligence."),
    "AWSManagedRulesAnonymousIpList": (50, "Rules that block requests from services that hide the viewer's identity."),
    "AWSManagedRulesBotControlRuleSet": (50, "Protection against automated bots."),
    "AWSManagedRulesATPRuleSet": (50, "Protection of the login page against account takeover."),
    "AWSManagedRulesACFPRuleSet": (50, "Protection of the sign-up page against fraudulent accounts."),
    "AWSManagedRulesAntiDDoSRuleSet": (50, "Protection against denial of service in layer 7."),
}
VERSION = "Version_1.0"
FIELDS = {"VendorName": str, "Name": str, "Description": str, "Capacity": int}

Group = dict[str, Any]


def managed_groups(account: str, region: str) -> dict[tuple[str, str], Group]:
    """By (vendor, name), sorted; `Capacity` in WCU."""
    groups = {
        ("AWS", name): {"VendorName": "AWS", "Name": name, "Description": text, "Capacity": capacity} for name, (capacity, text) in AWS_GROUPS.items()
    }
    groups |= {(group["VendorName"], group["Name"]): group for group in STORE.shelf("wafv2", "managed_rule_groups", account, region).values()}
    return dict(sorted(groups.items()))


def seed_managed_rule_groups(account: str, region: str, items: list[Any]) -> None:
    shelf = STORE.shelf("wafv2", "managed_rule_groups", account, region)
    for i, item in enumerate(items):
        expect(item, dict, f"items[{i}]")
        unknown = sorted(set(item) - set(FIELDS))
        if unknown:
            raise NotConforming(f"items[{i}].{unknown[0]}", "no such key")
        group = {name: expect(item.get(name, "" if name == "Description" else None), kind, f"items[{i}].{name}") for name, kind in FIELDS.items()}
        shelf[f"{group['VendorName']}#{group['Name']}"] = group
