from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reporter.core.errors import Denied, Unavailable
from reporter.sources.wp_recommendations import SOURCE
from reporter.tables.workload_protection import WP_RECOMMENDATIONS
from tests.clients.wp_sandbox import Tenant, tenant

__all__ = ["tenant"]

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MILLIS = int(AT.timestamp() * 1000)


def computer(number: int, **changes: Any) -> dict[str, Any]:
    return {"ID": number, "agentFingerPrint": "00:11", "ec2VirtualMachineSummary": {"instanceID": f"i-{number}"}, **changes}


@pytest.mark.parametrize("form", ["int", "string"])
def test_a_scan_is_read_with_its_date_in_either_form(tenant: Tenant, form: str) -> None:
    tenant.sandbox.state.turn({"scan_date": form})
    tenant.seed("rules", *({"ID": number, "identifier": str(1000000 + number), "name": "r"} for number in (4, 5, 6)))
    tenant.seed("computers", computer(1))
    tenant.seed(
        "assignments",
        {
            "computerID": 1,
            "assignedRuleIDs": [6],
            "lastRecommendationScanDate": MILLIS,
            "recommendationScanStatus": "valid",
            "recommendedToAssignRuleIDs": [5, 4],
            "recommendedToUnassignRuleIDs": [6],
        },
    )
    assert tenant.read(SOURCE, WP_RECOMMENDATIONS) == [
        {"tenant": "main", "computer_id": 1, "scan_status": "valid", "last_scan": AT, "to_assign": [4, 5], "to_unassign": [6]}
    ]


def test_a_computer_that_was_never_scanned_has_no_date(tenant: Tenant) -> None:
    tenant.seed("computers", computer(1))
    (row,) = tenant.read(SOURCE, WP_RECOMMENDATIONS)
    assert (row["scan_status"], row["last_scan"], row["to_assign"]) == ("none", None, ())


def test_only_computers_with_an_agent_and_an_instance_are_asked_about(tenant: Tenant) -> None:
    tenant.seed("computers", computer(1), computer(2, agentFingerPrint=None), computer(3, ec2VirtualMachineSummary=None), computer(4))
    assert [row["computer_id"] for row in tenant.read(SOURCE, WP_RECOMMENDATIONS)] == [1, 4]
    assert sorted(path for path in tenant.paths() if path.endswith("assignments")) == [
        "/computers/1/intrusionprevention/assignments",
        "/computers/4/intrusionprevention/assignments",
    ]


def test_no_computer_is_no_row(tenant: Tenant) -> None:
    assert tenant.read(SOURCE, WP_RECOMMENDATIONS) == []


def test_a_key_that_may_list_computers_but_not_their_rules_is_denied_with_that_right(tenant: Tenant) -> None:
    tenant.seed("computers", computer(1))
    tenant.fault("access_denied", "*assignments")
    with pytest.raises(Denied) as caught:
        tenant.read(SOURCE, WP_RECOMMENDATIONS)
    assert caught.value.permission == "intrusionPreventionRights.intrusionPreventionRuleRights (view)"


def test_one_computer_that_cannot_be_read_makes_the_scope_unavailable(tenant: Tenant) -> None:
    tenant.seed("computers", computer(1), computer(2))
    tenant.fault("throttle", "/computers/2/")
    with pytest.raises(Unavailable):
        tenant.read(SOURCE, WP_RECOMMENDATIONS)
