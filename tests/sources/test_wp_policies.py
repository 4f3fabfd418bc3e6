from __future__ import annotations

from typing import Any

import pytest

from reporter.core.errors import Denied, Unavailable
from reporter.sources.wp_policies import SOURCE
from reporter.tables.workload_protection import WP_POLICIES, WP_POLICY_RULES
from tests.clients.aws_server import Answer, AwsServer, page, server
from tests.clients.wp_sandbox import Tenant, tenant
from tests.sources.wp_scripted import scripted

__all__ = ["server", "tenant"]

RULES = "GET /api/policies/1/intrusionprevention/rules"


@pytest.fixture
def family(tenant: Tenant) -> Tenant:
    """A parent with a rule of its own, a child that adds one and has the parent's in detect mode, and a policy without rules."""
    tenant.seed("rules", {"ID": 5, "identifier": "1005", "name": "five"}, {"ID": 6, "identifier": "1006", "name": "six"})
    tenant.seed(
        "policies",
        {"ID": 1, "name": "Base", "autoRequiresUpdate": "on", "intrusionPrevention": {"state": "prevent", "ruleIDs": [5]}},
        {"ID": 2, "parentID": 1, "name": "Web", "autoRequiresUpdate": "off", "intrusionPrevention": {"state": "detect", "ruleIDs": [6]}},
        {"ID": 3},
    )
    tenant.seed("rule_overrides", {"policyID": 2, "ruleID": 5, "detectOnly": True})
    return tenant


def test_a_policy_is_one_row_with_its_inherited_rules(family: Tenant) -> None:
    assert family.read(SOURCE, WP_POLICIES) == [
        {
            "tenant": "main",
            "policy_id": 1,
            "parent_id": None,
            "name": "Base",
            "auto_requires_update": True,
            "ips_state": "prevent",
            "ips_rule_ids": [5],
        },
        {
            "tenant": "main",
            "policy_id": 2,
            "parent_id": 1,
            "name": "Web",
            "auto_requires_update": False,
            "ips_state": "detect",
            "ips_rule_ids": [5, 6],
        },
        {
            "tenant": "main",
            "policy_id": 3,
            "parent_id": None,
            "name": "policy 3",
            "auto_requires_update": None,
            "ips_state": None,
            "ips_rule_ids": (),
        },
    ]


def test_a_rule_set_to_detect_on_one_policy_is_detect_there_only(family: Tenant) -> None:
    rows = [(row["policy_id"], row["rule_id"], row["detect_only"]) for row in family.read(SOURCE, WP_POLICY_RULES)]
    assert rows == [(1, 5, False), (2, 5, True), (2, 6, False)]


def test_policies_without_rules_are_not_asked_for_them(family: Tenant) -> None:
    family.read(SOURCE, WP_POLICIES)
    assert not [path for path in family.paths() if path.startswith("/policies/3")]


def test_no_policy_is_no_row(tenant: Tenant) -> None:
    assert tenant.read(SOURCE, WP_POLICIES) == []


def test_a_refusal_is_denied_with_the_right_to_grant(tenant: Tenant) -> None:
    tenant.fault("access_denied")
    with pytest.raises(Denied) as caught:
        tenant.read(SOURCE, WP_POLICIES)
    assert caught.value.permission == "platformRights.policyRights.canViewOtherPolicies"


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"intrusionPreventionRules": null}', b'{"intrusionPreventionRules": [{}]}', b'{"intrusionPreventionRules": [5]}'],
)
def test_rules_of_another_form_are_unavailable(server: AwsServer, body: bytes) -> None:
    policy: dict[str, Any] = {"ID": 1, "intrusionPrevention": {"ruleIDs": [5]}}
    server.on("POST /api/policies/search", page(policies=[policy]), page(policies=[]))
    server.on(RULES, Answer(body))
    with pytest.raises(Unavailable, match="no list of rules"):
        SOURCE.fetch(scripted(server, "wp_policies"))
