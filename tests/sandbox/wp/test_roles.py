from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.wp.conftest import Wire, computer, rule

TASK = {"name": "t", "type": "send-alert-summary", "scheduleDetails": {"recurrenceType": "daily"}}


def _narrow(wire: Wire, **role: Any) -> None:
    wire.seed("roles", {"ID": 7, "name": "Narrow", "allComputers": True, "allPolicies": True, **role})
    wire.seed("api_key", {"keyName": "reporter", "roleID": 7, "expiryDate": 1_800_000_000_000})


def _ids(wire: Wire) -> list[int]:
    return sorted(item["ID"] for item in wire.get("/computers", expand="none")["computers"])


def test_a_new_key_has_full_access(wire: Wire) -> None:
    key = wire.get("/apikeys/current")
    assert wire.get(f"/roles/{key['roleID']}")["allComputers"] is True


def test_the_key_and_its_role_are_described_as_seeded(wire: Wire) -> None:
    _narrow(wire)
    assert wire.get("/apikeys/current")["expiryDate"] == 1_800_000_000_000
    assert wire.get("/roles/7")["name"] == "Narrow"
    assert wire.api("GET", "/roles/8").status_code == 404


def test_a_narrowed_role_hides_computers_without_a_word(wire: Wire) -> None:
    wire.seed("computer_groups", {"ID": 70}, {"ID": 71, "parentGroupID": 70}, {"ID": 80})
    wire.seed("computers", computer(1), computer(2, groupID=70), computer(3, groupID=71), computer(4, groupID=80))
    _narrow(wire, allComputers=False, computerIDs=[1], computerGroupIDs=[70])
    assert _ids(wire) == [1, 2, 3]
    assert len(wire.post("/computers/search", {})["computers"]) == 3
    assert wire.api("GET", "/computers/4").status_code == 404
    assert wire.api("GET", "/computers/4/intrusionprevention/assignments").status_code == 404


def test_a_narrowed_role_hides_policies(wire: Wire) -> None:
    wire.seed("policies", {"ID": 5, "name": "a"}, {"ID": 6, "name": "b"})
    _narrow(wire, allPolicies=False, policyIDs=[6])
    assert [item["ID"] for item in wire.get("/policies")["policies"]] == [6]
    assert wire.api("GET", "/policies/5").status_code == 404


def test_a_narrowed_role_without_lists_sees_nothing(wire: Wire) -> None:
    wire.seed("computers", computer(1))
    _narrow(wire, allComputers=False)
    assert _ids(wire) == []


@pytest.mark.parametrize(
    ("group", "right", "method", "path", "body"),
    [
        ("computerRights", "canEditComputerProperties", "POST", "/computers/1", {"description": "x"}),
        ("computerRights", "canEditComputerProperties", "POST", "/computers/1/intrusionprevention/assignments", {"ruleIDs": [3]}),
        ("computerRights", "canDeleteComputers", "DELETE", "/computers/1", None),
        ("policyRights", "canEditPolicyProperties", "POST", "/policies/5", {"description": "x"}),
        ("policyRights", "canEditPolicyProperties", "PUT", "/policies/5/intrusionprevention/assignments", {"ruleIDs": [3]}),
        ("policyRights", "canEditPolicyProperties", "POST", "/policies/5/intrusionprevention/rules/3", {"detectOnly": True}),
        ("policyRights", "canDeletePolicies", "DELETE", "/policies/5", None),
        ("scheduledTaskRights", "canViewScheduledTasks", "GET", "/scheduledtasks", None),
        ("scheduledTaskRights", "canCreateNewScheduledTasks", "POST", "/scheduledtasks", TASK),
        ("scheduledTaskRights", "canExecuteScheduledTasks", "POST", "/scheduledtasks", {**TASK, "runNow": True}),
    ],
)
def test_a_right_the_role_lacks_is_403(wire: Wire, group: str, right: str, method: str, path: str, body: Any) -> None:
    wire.seed("computers", computer(1))
    wire.seed("policies", {"ID": 5, "name": "a"})
    wire.seed("rules", rule(3))
    _narrow(wire, rights={"platformRights": {group: {right: False}}})
    assert wire.api(method, path, json=body).status_code == 403
    _narrow(wire)
    assert wire.api(method, path, json=body).status_code == 200


def test_two_keys_of_a_tenant_have_a_role_each(wire: Wire) -> None:
    wire.seed("roles", {"ID": 2, "name": "Auditor", "allComputers": True, "allPolicies": True})
    wire.control("POST", "/tenants", {"name": "main", "key": "key-act", "roleID": 2})
    wire.seed("api_key", {"key": "key-act", "keyName": "acting"})
    assert wire.get("/apikeys/current")["roleID"] == 1
    wire.key = "key-act"
    assert (wire.get("/apikeys/current")["keyName"], wire.get("/apikeys/current")["roleID"]) == ("acting", 2)


def test_the_account_its_connectors_and_groups_are_listed(wire: Wire) -> None:
    wire.seed("account", {"licenseMode": "full", "cloudOneAccountID": "1", "cloudOneAccountName": "payments"})
    wire.seed("aws_connectors", {"ID": 1, "accountId": "111122223333", "lastSyncTime": 5})
    wire.seed("computer_groups", {"ID": 70, "type": "aws-account", "name": "111122223333"})
    assert wire.get("/accountdetails/current")["cloudOneAccountName"] == "payments"
    assert wire.get("/awsconnectors")["awsConnectors"][0]["accountId"] == "111122223333"
    assert wire.get("/computergroups")["computerGroups"][0]["type"] == "aws-account"
