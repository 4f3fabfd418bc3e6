from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.wp.conftest import NOW, Wire, computer, rule

WEB = "/policies/9/intrusionprevention"
HOST = "/computers/4/intrusionprevention"


@pytest.fixture
def tenant(wire: Wire) -> Wire:
    wire.seed("rules", *(rule(number, applicationTypeID=100 + number) for number in range(1, 10)), rule(20, dependsOnRuleIDs=[21]), rule(21))
    wire.seed("policies", {"ID": 5, "name": "Base", "intrusionPrevention": {"ruleIDs": [1]}}, {"ID": 9, "name": "Web", "parentID": 5})
    message = {"agentStatus": "active", "agentStatusMessage": "On, Prevent, 1 rules"}
    wire.seed("computers", computer(4, policyID=9, intrusionPrevention={"state": "prevent", "ruleIDs": [1], "moduleStatus": message}))
    return wire


def _assigned(wire: Wire, path: str, **query: Any) -> list[int]:
    found: list[int] = wire.get(f"{path}/assignments", **query)["assignedRuleIDs"]
    return found


def _on_agent(wire: Wire) -> Any:
    return wire.get("/computers/4", expand="intrusionPrevention")["intrusionPrevention"].get("ruleIDs")


def test_a_computer_that_was_never_scanned_says_so(tenant: Wire) -> None:
    assert tenant.get(f"{HOST}/assignments") == {
        "assignedRuleIDs": [1],
        "assignedApplicationTypeIDs": [101],
        "recommendationScanStatus": "none",
        "recommendedToAssignRuleIDs": [],
        "recommendedToUnassignRuleIDs": [],
    }


def test_add_keeps_what_is_there_and_answers_the_full_set(tenant: Wire) -> None:
    assert tenant.post(f"{WEB}/assignments", {"ruleIDs": [3]})["assignedRuleIDs"] == [1, 3]
    assert tenant.post(f"{WEB}/assignments", {"ruleIDs": [3, 4]})["assignedRuleIDs"] == [1, 3, 4]
    assert _assigned(tenant, HOST) == [1, 3, 4]


def test_adding_an_inherited_rule_does_not_copy_it(tenant: Wire) -> None:
    tenant.post(f"{WEB}/assignments", {"ruleIDs": [1, 3]})
    assert _assigned(tenant, WEB, overrides="true") == [3]


def test_dependency_rules_come_along(tenant: Wire) -> None:
    assert tenant.post(f"{WEB}/assignments", {"ruleIDs": [20]})["assignedRuleIDs"] == [1, 20, 21]


def test_put_sets_the_policys_own_and_leaves_the_inherited(tenant: Wire) -> None:
    tenant.post(f"{WEB}/assignments", {"ruleIDs": [3]})
    assert tenant.api("PUT", f"{WEB}/assignments", json={"ruleIDs": [4]}).json()["assignedRuleIDs"] == [1, 4]


def test_writing_the_inherited_list_back_copies_it(tenant: Wire) -> None:
    tenant.api("PUT", f"{WEB}/assignments", json={"ruleIDs": [1, 4]})
    assert _assigned(tenant, WEB, overrides="true") == [1, 4]


def test_delete_removes_one_and_answers_the_rest(tenant: Wire) -> None:
    tenant.post(f"{HOST}/assignments", {"ruleIDs": [3, 4]})
    assert tenant.api("DELETE", f"{HOST}/assignments/3").json()["assignedRuleIDs"] == [1, 4]


def test_deleting_an_inherited_rule_at_the_child_has_no_effect(tenant: Wire) -> None:
    assert tenant.api("DELETE", f"{WEB}/assignments/1").json()["assignedRuleIDs"] == [1]


@pytest.mark.parametrize("status", [400, 404])
def test_an_unknown_rule_is_refused_and_nothing_assigned(tenant: Wire, status: int) -> None:
    tenant.turn(unknown_rule=status)
    assert tenant.api("POST", f"{WEB}/assignments", json={"ruleIDs": [3, 999]}).status_code == status
    assert _assigned(tenant, WEB) == [1]


@pytest.mark.parametrize("body", [{}, {"ruleIDs": 3}, {"ruleIDs": "3"}, {"ruleIDs": ["3"]}])
def test_a_wrong_body_is_400(tenant: Wire, body: Any) -> None:
    assert tenant.api("POST", f"{WEB}/assignments", json=body).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/policies/999/intrusionprevention/assignments"),
        ("GET", "/computers/999/intrusionprevention/rules"),
        ("DELETE", f"{WEB}/assignments/999"),
        ("GET", f"{WEB}/rules/999"),
        ("POST", f"{WEB}/rules/999"),
    ],
)
def test_what_is_not_there_is_404(tenant: Wire, method: str, path: str) -> None:
    assert tenant.api(method, path, json={"detectOnly": True}).status_code == 404


def test_an_assignment_is_intent_until_the_policy_reaches_the_agent(tenant: Wire) -> None:
    tenant.turn(policy_delay=30)
    tenant.post(f"{WEB}/assignments", {"ruleIDs": [3]})
    assert (_assigned(tenant, HOST), _on_agent(tenant)) == ([1, 3], [1])
    tenant.turn(now=NOW + 30_000)
    found = tenant.get("/computers/4")
    assert (found["lastSendPolicyRequest"], found["lastSendPolicySuccess"]) == (NOW, NOW + 30_000)
    assert found["intrusionPrevention"]["ruleIDs"] == [1, 3]
    assert found["intrusionPrevention"]["applicationTypeIDs"] == [101, 103]
    assert found["intrusionPrevention"]["moduleStatus"]["agentStatusMessage"] == "On, Prevent, 2 rules"


def test_an_agent_without_rules_shows_none(tenant: Wire) -> None:
    tenant.turn(policy_delay=0)
    tenant.api("DELETE", "/policies/5/intrusionprevention/assignments/1")
    found = tenant.get("/computers/4")["intrusionPrevention"]
    assert "ruleIDs" not in found
    assert found["moduleStatus"]["agentStatusMessage"] == "On, Prevent, no rules"


def test_a_policy_that_does_not_send_changes_waits_for_a_task(tenant: Wire) -> None:
    tenant.turn(policy_delay=0)
    tenant.post("/policies/5", {"autoRequiresUpdate": "off"})
    tenant.post(f"{WEB}/assignments", {"ruleIDs": [3]})
    assert _on_agent(tenant) == [1]
    target = {"computerFilter": {"type": "computer", "computerID": 4}}
    task = {"name": "send", "type": "send-policy", "runNow": True, "scheduleDetails": {"recurrenceType": "daily"}, "sendPolicyTaskParameters": target}
    tenant.post("/scheduledtasks", task)
    assert _on_agent(tenant) == [1, 3]


def test_an_offline_agent_does_not_take_a_policy(tenant: Wire) -> None:
    tenant.turn(policy_delay=0)
    tenant.seed("computers", computer(4, policyID=9, computerStatus={"agentStatus": "error"}))
    tenant.post(f"{WEB}/assignments", {"ruleIDs": [3]})
    found = tenant.get("/computers/4")
    assert found["lastSendPolicyRequest"] == NOW
    assert "lastSendPolicySuccess" not in found


def test_the_policy_of_a_deleted_computer_arrives_nowhere(tenant: Wire) -> None:
    tenant.turn(policy_delay=30)
    tenant.post(f"{WEB}/assignments", {"ruleIDs": [3]})
    tenant.api("DELETE", "/computers/4")
    tenant.turn(now=NOW + 30_000)
    assert tenant.get("/computers") == {"computers": []}


def test_effective_rules_carry_the_nearest_override(tenant: Wire) -> None:
    tenant.post("/policies/5/intrusionprevention/rules/1", {"detectOnly": True})
    assert tenant.get(f"{HOST}/rules")["intrusionPreventionRules"][0]["detectOnly"] is True
    tenant.post(f"{WEB}/rules/1", {"detectOnly": False})
    assert tenant.get(f"{HOST}/rules/1")["detectOnly"] is False
    assert tenant.get("/policies/5/intrusionprevention/rules/1")["detectOnly"] is True
    assert tenant.get("/intrusionpreventionrules/1")["detectOnly"] is False


def test_an_override_is_reset(tenant: Wire) -> None:
    tenant.seed("rule_overrides", {"policyID": 9, "ruleID": 1, "detectOnly": True})
    assert tenant.get(f"{WEB}/rules/1")["detectOnly"] is True
    assert tenant.api("DELETE", f"{WEB}/rules/1").json()["detectOnly"] is False
    assert tenant.api("DELETE", f"{WEB}/rules/1").json()["detectOnly"] is False


def test_overrides_list_only_what_is_overridden_there(tenant: Wire) -> None:
    tenant.seed("rule_overrides", {"computerID": 4, "ruleID": 1, "detectOnly": True})
    assert tenant.get(f"{HOST}/rules", overrides="true") == {"intrusionPreventionRules": [{"ID": 1, "detectOnly": True}]}
    assert tenant.get(f"{WEB}/rules", overrides="true") == {"intrusionPreventionRules": []}
    tenant.turn(overrides_id="without")
    assert tenant.get(f"{HOST}/rules/1", overrides="true") == {"detectOnly": True}


def test_recommendations_leave_out_what_is_done_already(tenant: Wire) -> None:
    scan = {
        "recommendationScanStatus": "valid",
        "lastRecommendationScanDate": 5,
        "recommendedToAssignRuleIDs": [1, 3],
        "recommendedToUnassignRuleIDs": [1, 7],
    }
    tenant.seed("assignments", {"computerID": 4, "assignedRuleIDs": [8], **scan})
    found = tenant.get(f"{HOST}/assignments")
    assert (found["recommendedToAssignRuleIDs"], found["recommendedToUnassignRuleIDs"]) == ([3], [1])
    assert found["assignedRuleIDs"] == [1, 8]


def test_a_policy_recommends_what_any_of_its_computers_does(tenant: Wire) -> None:
    tenant.seed("computers", computer(6, policyID=9), computer(7, policyID=9))
    first = {"recommendationScanStatus": "valid", "lastRecommendationScanDate": 900, "recommendedToAssignRuleIDs": [3]}
    tenant.seed(
        "assignments", {"computerID": 4, **first}, {"computerID": 6, **first, "lastRecommendationScanDate": 800, "recommendedToAssignRuleIDs": [4]}
    )
    tenant.seed("assignments", {"computerID": 7, "recommendationScanStatus": "none"})
    found = tenant.get(f"{WEB}/assignments")
    assert (found["recommendationScanStatus"], found["lastRecommendationScanDate"], found["recommendedToAssignRuleIDs"]) == ("valid", 800, [3, 4])


def test_one_outdated_scan_makes_the_policys_outdated(tenant: Wire) -> None:
    tenant.seed("assignments", {"computerID": 4, "recommendationScanStatus": "out-of-date", "lastRecommendationScanDate": 900})
    assert tenant.get(f"{WEB}/assignments")["recommendationScanStatus"] == "out-of-date"


def test_the_scan_date_can_be_a_string(tenant: Wire) -> None:
    tenant.turn(scan_date="string", check_answers=False)
    tenant.seed("assignments", {"computerID": 4, "recommendationScanStatus": "valid", "lastRecommendationScanDate": 900})
    assert tenant.get(f"{HOST}/assignments")["lastRecommendationScanDate"] == "900"


def test_rules_can_be_assigned_to_a_policy_by_seed(tenant: Wire) -> None:
    tenant.seed("assignments", {"policyID": 9, "assignedRuleIDs": [6]})
    assert _assigned(tenant, WEB) == [1, 6]


def test_two_rules_that_need_the_same_one_bring_it_once(tenant: Wire) -> None:
    tenant.seed("rules", rule(22, dependsOnRuleIDs=[20, 21]))
    assert tenant.post(f"{WEB}/assignments", {"ruleIDs": [22]})["assignedRuleIDs"] == [1, 20, 21, 22]


def test_a_computer_without_the_module_gets_it_with_its_first_rules(tenant: Wire) -> None:
    tenant.turn(policy_delay=0)
    tenant.seed("computers", computer(4))
    tenant.post("/computers/4", {"description": "x"})
    assert "intrusionPrevention" not in tenant.get("/computers/4")
    tenant.post(f"{HOST}/assignments", {"ruleIDs": [3]})
    assert _on_agent(tenant) == [3]
