from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.wp.conftest import NOW, Wire, computer, rule

ONCE = {"timeZone": "UTC", "recurrenceType": "none", "recurrenceCount": 1, "onceOnlyScheduleParameters": {"startTime": 0}}
RECURRING = {"recurrenceType": "daily", "dailyScheduleParameters": {"startTime": 0, "frequencyType": "everyday"}}
LATER = NOW + 10_000


def _recommendation(target: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"name": "scan", "type": "scan-for-recommendations", "enabled": True, "runNow": True, "scheduleDetails": ONCE}
    return {**body, "scanForRecommendationsTaskParameters": {"computerFilter": target}, **more}


def _integrity(target: dict[str, Any]) -> dict[str, Any]:
    body = {"name": "integrity", "type": "scan-for-integrity-changes", "runNow": True, "scheduleDetails": ONCE}
    return {**body, "scanForIntegrityChangesTaskParameters": {"computerFilter": target, "trustedComputers": "all-computers"}}


def _computer(number: int) -> dict[str, Any]:
    return {"type": "computer", "computerID": number}


@pytest.fixture
def tenant(wire: Wire) -> Wire:
    wire.turn(scan_delay=10)
    wire.seed("rules", *(rule(number, recommendationsMode="enabled") for number in range(1, 20)), rule(50, recommendationsMode="ignored"))
    wire.seed("policies", {"ID": 5, "name": "Base", "intrusionPrevention": {"ruleIDs": [1]}}, {"ID": 9, "name": "Web", "parentID": 5})
    wire.seed("computer_groups", {"ID": 70, "type": "folder"}, {"ID": 71, "type": "folder", "parentGroupID": 70})
    wire.seed(
        "computers",
        computer(1, policyID=5, groupID=70),
        computer(2, policyID=9, groupID=71),
        computer(3, computerStatus={"agentStatus": "inactive"}, groupID=71),
    )
    return wire


def _scan(wire: Wire, number: int) -> dict[str, Any]:
    found: dict[str, Any] = wire.get(f"/computers/{number}/intrusionprevention/assignments")
    return found


def _scanned(wire: Wire) -> list[int]:
    return [number for number in (1, 2, 3) if "lastRecommendationScanDate" in _scan(wire, number)]


def test_a_recommendation_scan_finishes_by_the_servers_clock(tenant: Wire) -> None:
    tenant.post("/scheduledtasks", _recommendation(_computer(2)))
    assert _scan(tenant, 2)["recommendationScanStatus"] == "none"
    assert tenant.get("/computers/2", expand="tasks")["tasks"]["agentTasks"]
    tenant.turn(now=LATER)
    found = _scan(tenant, 2)
    assert (found["recommendationScanStatus"], found["lastRecommendationScanDate"]) == ("valid", LATER)
    assert len(found["recommendedToAssignRuleIDs"]) == 3
    assert not {1, 50} & set(found["recommendedToAssignRuleIDs"])
    assert tenant.get("/computers/2", expand="tasks")["tasks"] == {"agentTasks": []}


def test_a_scan_finds_what_was_seeded_for_it(tenant: Wire) -> None:
    found = {"recommendedToAssignRuleIDs": [7], "recommendedToUnassignRuleIDs": [1]}
    tenant.seed("assignments", {"computerID": 2, "recommendedToAssignRuleIDs": [4], "afterScan": found})
    tenant.post("/scheduledtasks", _recommendation(_computer(2)))
    assert _scan(tenant, 2)["recommendedToAssignRuleIDs"] == [4]
    tenant.turn(now=LATER)
    assert found.items() <= _scan(tenant, 2).items()


def test_a_repeated_scan_keeps_what_is_recommended(tenant: Wire) -> None:
    tenant.seed("assignments", {"computerID": 2, "recommendationScanStatus": "out-of-date", "recommendedToAssignRuleIDs": [4]})
    tenant.post("/scheduledtasks", _recommendation(_computer(2)))
    tenant.turn(now=LATER)
    assert (_scan(tenant, 2)["recommendationScanStatus"], _scan(tenant, 2)["recommendedToAssignRuleIDs"]) == ("valid", [4])


def test_an_integrity_scan_moves_its_date(tenant: Wire) -> None:
    tenant.post("/scheduledtasks", _integrity(_computer(2)))
    tenant.turn(now=LATER)
    assert tenant.get("/computers/2")["integrityMonitoring"] == {"lastIntegrityScan": LATER}
    assert "lastRecommendationScanDate" not in _scan(tenant, 2)


def test_an_offline_agent_never_finishes(tenant: Wire) -> None:
    tenant.post("/scheduledtasks", _recommendation(_computer(3)))
    tenant.turn(now=LATER)
    assert _scanned(tenant) == []


def test_an_offline_agent_can_be_made_to_finish(tenant: Wire) -> None:
    tenant.turn(offline_scans="completes")
    tenant.post("/scheduledtasks", _recommendation(_computer(3)))
    tenant.turn(now=LATER)
    assert _scanned(tenant) == [3]


def test_a_computer_deleted_meanwhile_is_not_scanned(tenant: Wire) -> None:
    tenant.post("/scheduledtasks", _recommendation(_computer(2)))
    tenant.api("DELETE", "/computers/2")
    tenant.turn(now=LATER)
    assert tenant.api("GET", "/computers/2").status_code == 404


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        ({"type": "all-computers"}, [1, 2, 3]),
        ({"type": "computers-using-policy", "policyID": 5}, [1]),
        ({"type": "computers-using-policy-or-subpolicy", "policyID": 5}, [1, 2]),
        ({"type": "computers-in-group", "computerGroupID": 70}, [1]),
        ({"type": "computers-in-group-or-subgroup", "computerGroupID": 70}, [1, 2, 3]),
    ],
)
def test_a_filter_reaches_exactly_its_computers(tenant: Wire, target: dict[str, Any], reached: list[int]) -> None:
    tenant.turn(offline_scans="completes")
    tenant.post("/scheduledtasks", _recommendation(target))
    tenant.turn(now=LATER)
    assert _scanned(tenant) == reached


def test_a_run_once_task_vanishes_after_its_scan(tenant: Wire) -> None:
    tenant.turn(task_removal_delay=5)
    task = tenant.post("/scheduledtasks", _recommendation(_computer(2)))
    tenant.turn(now=LATER)
    assert tenant.get(f"/scheduledtasks/{task['ID']}") == task
    tenant.turn(now=LATER + 5_000)
    assert tenant.api("GET", f"/scheduledtasks/{task['ID']}").status_code == 404


def test_a_recurring_task_stays_and_runs_again_when_told(tenant: Wire) -> None:
    task = tenant.post("/scheduledtasks", _recommendation(_computer(2), scheduleDetails=RECURRING, runNow=False))
    tenant.turn(now=LATER)
    assert _scanned(tenant) == []
    assert "lastRunTime" not in task
    assert tenant.post(f"/scheduledtasks/{task['ID']}", {"runNow": True})["lastRunTime"] == LATER
    tenant.turn(now=LATER + 10_000)
    assert _scanned(tenant) == [2]
    assert tenant.api("GET", f"/scheduledtasks/{task['ID']}").status_code == 200


def test_modify_changes_a_task(tenant: Wire) -> None:
    task = tenant.post("/scheduledtasks", _recommendation(_computer(2), scheduleDetails=RECURRING, runNow=False))
    assert tenant.post(f"/scheduledtasks/{task['ID']}", {"enabled": False}) == {**task, "enabled": False}


def test_the_same_body_twice_makes_two_tasks(tenant: Wire) -> None:
    first, second = (tenant.post("/scheduledtasks", _recommendation(_computer(2), scheduleDetails=RECURRING)) for _ in range(2))
    assert first["ID"] != second["ID"]
    search = {"searchCriteria": [{"fieldName": "name", "stringValue": "scan", "stringWildcards": False}]}
    assert len(tenant.post("/scheduledtasks/search", search)["scheduledTasks"]) == 2
    assert len(tenant.get("/scheduledtasks")["scheduledTasks"]) == 2


def test_delete_takes_a_task_away(tenant: Wire) -> None:
    task = tenant.post("/scheduledtasks", _recommendation(_computer(2)))
    assert tenant.api("DELETE", f"/scheduledtasks/{task['ID']}").status_code == 200
    assert tenant.api("DELETE", f"/scheduledtasks/{task['ID']}").status_code == 404
    tenant.turn(now=LATER)
    assert tenant.get("/scheduledtasks") == {"scheduledTasks": []}


def test_another_kind_of_task_is_kept_and_does_nothing(tenant: Wire) -> None:
    task = {"name": "summary", "type": "send-alert-summary", "scheduleDetails": ONCE, "runNow": True}
    assert tenant.post("/scheduledtasks", task)["lastRunTime"] == NOW
    assert tenant.get("/scheduledtasks") == {"scheduledTasks": []}


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"type": None},
        {"type": "rebuild-baseline"},
        {"scheduleDetails": None},
        {"runNow": "true"},
        {"scanForRecommendationsTaskParameters": {}},
        {"scanForRecommendationsTaskParameters": {"computerFilter": {"type": "computer"}}},
        {"scanForRecommendationsTaskParameters": {"computerFilter": {"type": "computer", "computerID": 99}}},
        {"scanForRecommendationsTaskParameters": {"computerFilter": {"type": "computers-in-smart-folder", "smartFolderID": 1}}},
    ],
)
def test_a_task_that_cannot_run_is_400(tenant: Wire, change: dict[str, Any]) -> None:
    assert tenant.api("POST", "/scheduledtasks", json={**_recommendation(_computer(2)), **change}).status_code == 400
