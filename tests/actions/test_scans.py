from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reporter.actions import integrity_scan, recommendation_scan
from reporter.actions.scans import date
from reporter.core.action import Action, NotMade, NotNeeded, Refused, Stale, Uncertain
from reporter.core.change import ActionState, Change
from reporter.core.errors import Denied, Unavailable
from reporter.core.past import Deed, Past
from reporter.schedule import Actions
from reporter.tables.workload_protection import WP_ROLES
from tests.actions.fleet import BUCKET, Fleet, ago, alert, computer, finding, instance_id, millis, plan, reach, recommended, told
from tests.actions.hands import NOW, RUN
from tests.clients.wp_sandbox import Tenant, tenant
from tests.joins.made import permuted, tenant_denied

__all__ = ["tenant"]

BOTH = (recommendation_scan.ACTION, integrity_scan.ACTION)
CREATE = ("POST", "/scheduledtasks")
POST = "*/scheduledtasks"
"""only the call that creates a task: the searches have a longer path"""


@pytest.fixture(params=BOTH, ids=lambda action: action.name)
def action(request: pytest.FixtureRequest) -> Action:
    found: Action = request.param
    return found


@pytest.fixture
def fleet(tenant: Tenant) -> Fleet:
    """Computers 1, 2 and 3, all scanned two days ago; a scan takes two seconds."""
    made = Fleet.of(tenant, *(computer(number) for number in (1, 2, 3)))
    tenant.seed("assignments", *(recommended(number) for number in (1, 2, 3)))
    return made


def only(changes: list[Change]) -> Change:
    (change,) = changes
    return change


def one(fleet: Fleet, action: Action, number: int = 1, **changes: Any) -> Change:
    """The change that a finding on computer `number` asks for."""
    return only(plan(action, fleet.world([finding(number, **changes)])))


def whole_policy(fleet: Fleet, action: Action) -> Change:
    world = fleet.world([finding(number) for number in (1, 2, 3)])
    return only(list(action.combine(plan(action, world), world)))


def deed(action: Action, change: Change, state: ActionState | None, begun: Any = NOW) -> Deed:
    return Deed(f"{RUN}/0000", RUN, "hash", told(change), begun, begun, state)


# plan


def test_a_computer_that_a_finding_names_is_to_be_scanned(fleet: Fleet, action: Action) -> None:
    change = one(fleet, action, 2)
    assert (change.key, change.account, change.region) == (f"{action.name} main/computer/2", "main", "-")
    assert (change.severity, change.subjects, change.held) == ("HIGH", (instance_id(2),), "")
    assert change.before == {"computer": 2, "last_scan": "2026-11-22T03:00:00Z", "policy_id": 9}
    assert change.after == {"scan": "requested", "newer_than": "2026-11-24T02:00:00Z"}
    assert change.facts == {"findings": ["gd-2"], "instances": [instance_id(2)], "buckets": [], "computers": 1}
    assert "1 finding concerns" in change.reason
    assert "2026-11-22T03:00:00Z" in change.reason


def test_many_findings_are_one_scan_of_the_worst_severity_for_the_newest(fleet: Fleet, action: Action) -> None:
    findings = [
        finding(1, finding_id="b", severity="LOW", updated_at=ago(minutes=5)),
        finding(1, finding_id="a", severity="CRITICAL", updated_at=ago(days=9)),
        finding(1, finding_id="c", severity="a new word"),
    ]
    change = only(plan(action, fleet.world(findings)))
    assert (change.severity, change.facts["findings"]) == ("CRITICAL", ["a", "b", "c"])
    assert change.after["newer_than"] == "2026-11-24T02:55:00Z"


@pytest.mark.parametrize(
    "closed", [{"sample": True}, {"archived": True}, {"source": "inspector"}, {"instance_id": None}, {"account": "999999999999"}]
)
def test_what_is_closed_or_names_no_instance_of_ours_asks_for_nothing(fleet: Fleet, action: Action, closed: dict[str, Any]) -> None:
    assert plan(action, fleet.world([finding(1, **closed)])) == []


@pytest.mark.parametrize("resource", [BUCKET, "ledger"])
def test_an_instance_that_can_reach_a_bucket_with_an_alert_is_to_be_scanned(fleet: Fleet, action: Action, resource: str) -> None:
    alerts = [
        alert(resource=resource),
        alert(resource=resource, finding_id="mc-2", severity="HIGH", updated_at=ago(hours=3)),
        alert(resource=resource, finding_id="mc-3", severity="CRITICAL", sample=True),
        alert(resource=resource, finding_id="mc-4", severity="CRITICAL", archived=True, updated_at=NOW),
        alert(resource="arn:aws:s3:::other", finding_id="mc-5", severity="CRITICAL"),
    ]
    change = only(plan(action, fleet.world(alerts, [reach(3), reach(3, via="task_role")])))
    assert (change.target, change.severity) == ("main/computer/3", "HIGH")
    assert (change.facts["findings"], change.facts["buckets"]) == (["mc-1", "mc-2"], ["ledger"])
    assert change.after["newer_than"] == "2026-11-24T02:00:00Z"
    assert "a bucket that it can reach (ledger)" in change.reason


@pytest.mark.parametrize("path", [{"decision": "conditional"}, {"instance_id": None, "instance_account": None}, {"bucket": "arn:aws:s3:::quiet"}])
def test_a_path_that_is_not_certain_or_ends_nowhere_asks_for_nothing(fleet: Fleet, action: Action, path: dict[str, Any]) -> None:
    assert plan(action, fleet.world([alert()], [reach(3, **path)])) == []


def test_a_finding_and_an_alert_on_one_instance_are_one_scan(fleet: Fleet, action: Action) -> None:
    change = only(plan(action, fleet.world([alert(), finding(1)], [reach(1)])))
    assert (change.facts["findings"], change.severity) == (["gd-1", "mc-1"], "HIGH")


@pytest.mark.parametrize(("hours", "due"), [(49, 0), (48, 1), (47, 1)])
def test_a_scan_is_due_unless_the_last_one_is_newer_than_the_finding(fleet: Fleet, action: Action, hours: int, due: int) -> None:
    assert len(plan(action, fleet.world([finding(1, updated_at=ago(hours=hours))]))) == due


def test_a_computer_that_was_never_scanned_is_due(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    tenant.seed("computers", computer(1, integrityMonitoring={"state": "real-time", "moduleStatus": {"agentStatus": "warning"}}))
    tenant.seed("assignments", {"computerID": 1, "recommendationScanStatus": "none"})
    change = one(fleet, action, updated_at=ago(days=900))
    assert (change.before["last_scan"], change.held) == (None, "")
    assert change.reason.endswith(": never")


@pytest.mark.parametrize(
    "changes",
    [
        {"agentFingerPrint": None},
        {"policyID": None},
        {"computerStatus": {"agentStatus": "inactive"}},
        {"computerStatus": {"agentStatus": "a new word"}},
        {"ec2VirtualMachineSummary": None},
    ],
)
def test_what_is_neither_protected_nor_offline_is_left_to_the_notice(fleet: Fleet, action: Action, tenant: Tenant, changes: dict[str, Any]) -> None:
    tenant.seed("computers", computer(1, **changes))
    assert plan(action, fleet.world([finding(1)])) == []


def test_an_offline_agent_is_held_with_the_reason(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    tenant.seed("computers", computer(1, computerStatus={"agentStatus": "error", "agentStatusMessages": ["Offline"]}))
    assert one(fleet, action).held == "the agent is offline: a scan would never start"


def test_a_stopped_instance_is_held_with_the_reason(fleet: Fleet, action: Action) -> None:
    change = only(plan(action, fleet.world([finding(1)], machines={1: {"state": "stopped"}})))
    assert change.held == "the instance is stopped: no agent runs"


def test_what_was_not_read_is_no_reason_to_scan(fleet: Fleet, action: Action) -> None:
    source = {"recommendation_scan": "wp_recommendations", "integrity_scan": "wp_computers"}[action.name]
    change = only(plan(action, fleet.world([finding(1)], unread=tenant_denied(source))))
    assert change.held == f"{source} of tenant main was not read: it is not known when it was last scanned"


@pytest.mark.parametrize("state", [None, ActionState.APPLIED, ActionState.PENDING])
def test_a_scan_that_is_waited_for_is_not_asked_for_again(fleet: Fleet, action: Action, state: ActionState | None) -> None:
    world = fleet.world([finding(1), finding(2)])
    earlier = plan(action, world)[0]
    past = Past((deed(action, earlier, state, NOW - timedelta(hours=23, minutes=59)),))
    assert [change.target for change in plan(action, world, past)] == ["main/computer/2"]


@pytest.mark.parametrize(
    ("state", "hours"),
    [(ActionState.FAILED, 1), (ActionState.VERIFIED, 1), (ActionState.SKIPPED, 1), (ActionState.PENDING, 24), (None, 25)],
)
def test_a_scan_that_is_over_or_past_its_bound_does_not_stand_in_the_way(fleet: Fleet, action: Action, state: ActionState | None, hours: int) -> None:
    world = fleet.world([finding(1)])
    past = Past((deed(action, only(plan(action, world)), state, ago(hours=hours)),))
    assert len(plan(action, world, past)) == 1


def test_a_scan_of_the_policy_that_is_waited_for_covers_its_computers(fleet: Fleet, action: Action) -> None:
    past = Past((deed(action, whole_policy(fleet, action), ActionState.PENDING),))
    assert plan(action, fleet.world([finding(2)]), past) == []


def test_the_other_scan_does_not_stand_in_the_way(fleet: Fleet) -> None:
    world = fleet.world([finding(1)])
    past = Past((deed(integrity_scan.ACTION, only(plan(integrity_scan.ACTION, world)), ActionState.PENDING),))
    assert len(plan(recommendation_scan.ACTION, world, past)) == 1


def test_the_order_of_rows_does_not_matter(fleet: Fleet, action: Action) -> None:
    findings = [alert(), *(finding(number, finding_id=f"f{again}") for number in (1, 2, 3) for again in (1, 2))]
    world = fleet.world(findings, [reach(3), reach(2)])
    assert plan(action, permuted(world)) == plan(action, world)


def test_hostile_texts_are_data(fleet: Fleet, action: Action) -> None:
    odd = "=cmd|'/c calc'!A1\u202e<script>"
    assert one(fleet, action, finding_id=odd, severity=odd).facts["findings"] == [odd]


def test_mode_limit_and_rights_are_those_of_the_schedule(action: Action) -> None:
    settings = Actions.model_validate({action.name: {"mode": "apply", "limit": 7}})
    assert (action.mode(settings), action.limit(settings), action.mode(Actions())) == ("apply", 7, "plan")
    assert any("canCreateNewScheduledTasks" in right for right in action.rights)


# combine


def test_all_computers_of_a_policy_are_one_change(fleet: Fleet, action: Action) -> None:
    world = fleet.world([finding(1, severity="LOW"), finding(2, severity="CRITICAL", updated_at=ago(minutes=1)), alert()], [reach(3)])
    change = only(list(action.combine(plan(action, world), world)))
    assert (change.target, change.severity, change.held) == ("main/policy/9", "CRITICAL", "")
    assert change.subjects == (instance_id(1), instance_id(2), instance_id(3))
    assert change.before == {"policy_id": 9, "computers": [{"computer": number, "last_scan": "2026-11-22T03:00:00Z"} for number in (1, 2, 3)]}
    assert change.after["newer_than"] == "2026-11-24T02:59:00Z"
    assert change.facts == {"findings": ["gd-1", "gd-2", "mc-1"], "instances": list(change.subjects), "buckets": ["ledger"], "computers": 3}
    assert "all 3 computers that use policy 9 'web'" in change.reason


def test_one_computer_without_a_change_keeps_the_policy_apart(fleet: Fleet, action: Action) -> None:
    world = fleet.world([finding(1), finding(2)])
    assert list(action.combine(plan(action, world), world)) == plan(action, world)


@pytest.mark.parametrize("extra", [computer(4, ec2VirtualMachineSummary=None), computer(4, ec2VirtualMachineSummary={"instanceID": instance_id(1)})])
def test_a_computer_of_no_instance_and_a_duplicate_keep_the_policy_apart(fleet: Fleet, action: Action, tenant: Tenant, extra: dict[str, Any]) -> None:
    tenant.seed("computers", {**extra, "lastAgentCommunication": 1, "agentFingerPrint": None})
    world = fleet.world([finding(number) for number in (1, 2, 3)], machines={1: {}, 2: {}, 3: {}})
    assert len(action.combine(plan(action, world), world)) == 3


def test_a_held_change_keeps_the_policy_apart(fleet: Fleet, action: Action) -> None:
    world = fleet.world([finding(number) for number in (1, 2, 3)], machines={1: {}, 2: {}, 3: {"state": "stopped"}})
    free = [change for change in plan(action, world) if not change.held]
    assert len(action.combine(free, world)) == 2


def test_a_policy_of_one_computer_is_not_a_policy_wide_scan(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    tenant.seed("policies", {"ID": 10, "name": "db"})
    tenant.seed("computers", computer(1, policyID=10))
    world = fleet.world([finding(1)])
    assert [change.target for change in action.combine(plan(action, world), world)] == ["main/computer/1"]


def test_computers_of_a_sub_policy_are_no_computers_of_the_policy(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    tenant.seed("policies", {"ID": 10, "name": "child", "parentID": 9})
    tenant.seed("computers", computer(3, policyID=10))
    world = fleet.world([finding(number) for number in (1, 2, 3)])
    assert [change.target for change in action.combine(plan(action, world), world)] == ["main/computer/3", "main/policy/9"]


@pytest.mark.parametrize("narrow", [{"allComputers": False, "computerIDs": [1, 2, 3]}, {"allPolicies": False, "policyIDs": [9]}])
def test_a_key_that_does_not_see_everything_scans_one_by_one(fleet: Fleet, action: Action, tenant: Tenant, narrow: dict[str, Any]) -> None:
    tenant.seed("roles", {"ID": 1, "name": "narrow", "allComputers": True, "allPolicies": True, **narrow})
    world = fleet.world([finding(number) for number in (1, 2, 3)])
    assert len(action.combine(plan(action, world), world)) == 3


@pytest.mark.parametrize("source", ["wp_computers", "wp_roles"])
def test_unread_computers_or_roles_scan_one_by_one(fleet: Fleet, action: Action, source: str) -> None:
    changes = plan(action, fleet.world([finding(number) for number in (1, 2, 3)]))
    world = fleet.world([finding(number) for number in (1, 2, 3)], unread=tenant_denied(source))
    assert len(action.combine(changes, world)) == 3


def test_a_role_that_does_not_say_what_it_sees_scans_one_by_one(fleet: Fleet, action: Action) -> None:
    world = fleet.world([finding(number) for number in (1, 2, 3)])
    silent = world.with_tables({WP_ROLES.name: WP_ROLES.frame([("main", None, None, None, None, True)])})
    assert len(action.combine(plan(action, world), silent)) == 3


def test_computers_without_a_policy_are_no_group(fleet: Fleet, action: Action) -> None:
    world = fleet.world([finding(1), finding(2)])
    loose = [replace(change, before={**change.before, "policy_id": None}) for change in plan(action, world)]
    assert list(action.combine(loose, world)) == loose


# apply


def test_the_task_runs_once_and_now_for_the_computer(fleet: Fleet, action: Action) -> None:
    fleet.turn(task_removal_delay=60)
    outcome = fleet.apply(action, one(fleet, action))
    (task,) = fleet.tasks
    short = {"recommendation_scan": "rec", "integrity_scan": "int"}[action.name]
    assert task["name"] == f"reporter-{short}scan-main-000007-0-1"
    assert task["scheduleDetails"] == {
        "timeZone": "UTC",
        "recurrenceType": "none",
        "recurrenceCount": 1,
        "onceOnlyScheduleParameters": {"startTime": 0},
    }
    assert (outcome.state, outcome.said) == (ActionState.PENDING, "scan requested")
    assert outcome.delta == {"task_id": task["ID"], "name": task["name"], "computers": {"1": "2026-11-22T03:00:00Z"}}
    assert fleet.held.calls() == ["POST /scheduledtasks"]
    assert fleet.writes() == [CREATE]


def test_a_scan_of_a_policy_is_one_task(fleet: Fleet, action: Action) -> None:
    fleet.turn(task_removal_delay=60)
    change = whole_policy(fleet, action)
    outcome = fleet.apply(action, change)
    (task,) = fleet.tasks
    (parameters,) = [value for name, value in task.items() if name.endswith("TaskParameters")]
    assert parameters["computerFilter"] == {"type": "computers-using-policy", "policyID": 9}
    assert task["name"].endswith("scan-main-000007-0-9")
    assert fleet.verify(action, change, outcome.delta).state is ActionState.PENDING
    fleet.at(seconds=3)
    assert fleet.verify(action, change, outcome.delta).said.count("3 of 3 confirmed") == 1
    assert len(fleet.writes()) == 2


def test_a_scan_that_somebody_else_made_since_is_enough(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    change = one(fleet, action)
    tenant.seed("computers", computer(1, integrityMonitoring={"state": "on", "lastIntegrityScan": millis(ago(minutes=30))}))
    tenant.seed("assignments", recommended(1, at=ago(minutes=30)))
    with pytest.raises(NotNeeded, match="newer than what asks"):
        fleet.apply(action, change)
    assert fleet.writes() == []


def test_a_scan_that_somebody_else_made_but_before_the_finding_makes_the_plan_stale(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    change = one(fleet, action)
    tenant.seed("computers", computer(1, integrityMonitoring={"state": "on", "lastIntegrityScan": millis(ago(hours=5))}))
    tenant.seed("assignments", recommended(1, at=ago(hours=5)))
    with pytest.raises(Stale, match="computer 1 is no longer that of the plan"):
        fleet.apply(action, change)
    assert fleet.writes() == []


def test_some_computers_of_a_policy_scanned_meanwhile_make_the_plan_stale(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    change = whole_policy(fleet, action)
    for number in (1, 3):
        tenant.seed("computers", computer(number, integrityMonitoring={"state": "on", "lastIntegrityScan": millis(NOW)}))
        tenant.seed("assignments", recommended(number, at=NOW))
    with pytest.raises(Stale, match="computers 1, 3 is no longer"):
        fleet.apply(action, change)


@pytest.mark.parametrize(
    "status",
    [{"agentStatus": "error"}, {"agentStatus": "warning", "agentStatusMessages": ["Offline"]}, None],
)
def test_an_agent_that_went_offline_is_not_scanned(fleet: Fleet, action: Action, tenant: Tenant, status: Any) -> None:
    change, all_of_them = one(fleet, action), whole_policy(fleet, action)
    tenant.seed("computers", computer(1, computerStatus=status))
    with pytest.raises(Stale, match=r"^the agent is offline now$"):
        fleet.apply(action, change)
    with pytest.raises(Stale, match="the agent of computer 1 is offline now"):
        fleet.apply(action, all_of_them)
    assert fleet.writes() == []


def test_a_computer_that_is_gone_or_moved_makes_the_plan_stale(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    gone, moved, all_of_them = one(fleet, action, 1), one(fleet, action, 2), whole_policy(fleet, action)
    tenant.seed("computers", computer(2, policyID=10))
    del fleet.state.computers[1]
    with pytest.raises(Stale, match="the computer is gone"):
        fleet.apply(action, gone)
    with pytest.raises(Stale, match="another policy"):
        fleet.apply(action, moved)
    with pytest.raises(Stale, match=r"policy 9 are no longer those of the plan: computers 1, 2$"):
        fleet.apply(action, all_of_them)


def test_a_computer_that_joined_the_policy_makes_the_plan_stale(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    change = whole_policy(fleet, action)
    tenant.seed("computers", *(computer(number) for number in range(4, 11)))
    with pytest.raises(Stale, match="computers 4, 5, 6, 7, 8 and 2 more"):
        fleet.apply(action, change)


def test_a_task_of_the_same_name_is_not_created_again(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    fleet.turn(task_removal_delay=600)
    change = one(fleet, action)
    (task,) = [fleet.tasks[0] for _ in [fleet.apply(action, change)]]
    outcome = fleet.apply(action, change)
    assert (outcome.state, outcome.delta["task_id"]) == (ActionState.PENDING, task["ID"])
    assert fleet.writes() == [CREATE]


def test_a_task_whose_name_only_looks_alike_is_another_task(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    change = one(fleet, action)
    short = {"recommendation_scan": "rec", "integrity_scan": "int"}[action.name]
    alike = f"REPORTER-{short}scan-main-000007-0-1"  # the server's search does not tell cases apart
    tenant.seed("scheduled_tasks", {"ID": 50, "name": alike, "type": "send-policy", "scheduleDetails": {}})
    fleet.apply(action, change)
    assert fleet.writes() == [CREATE]


@pytest.mark.parametrize("fault", ["error", "reset", "malformed", "truncated"])
def test_after_an_answer_was_lost_the_task_is_found_and_not_created_again(fleet: Fleet, action: Action, fault: str) -> None:
    change = one(fleet, action)
    fleet.fault(fault, POST, after=True)
    with pytest.raises(Uncertain):
        fleet.apply(action, change)
    fleet.again()
    outcome = fleet.apply(action, change, resumed=True)
    assert (outcome.state, outcome.said) == (ActionState.PENDING, "scan requested: the task is there")
    assert outcome.delta["computers"] == {"1": "2026-11-22T03:00:00Z"}
    assert fleet.writes() == [CREATE]


def test_after_a_crash_a_task_that_ran_and_deleted_itself_is_confirmed_by_its_date(fleet: Fleet, action: Action) -> None:
    change = one(fleet, action)
    fleet.fault("error", POST, after=True)
    with pytest.raises(Uncertain):
        fleet.apply(action, change)
    fleet.at(seconds=3)
    fleet.again()
    outcome = fleet.apply(action, change, resumed=True)
    assert outcome.state is ActionState.PENDING
    assert fleet.verify(action, change, outcome.delta).state is ActionState.VERIFIED
    assert fleet.writes() == [CREATE]


def test_after_a_create_call_without_effect_none_is_made_before_the_bound(fleet: Fleet, action: Action) -> None:
    change = one(fleet, action)
    fleet.fault("error", POST)
    with pytest.raises(Uncertain):
        fleet.apply(action, change)
    fleet.again()
    outcome = fleet.apply(action, change, resumed=True)
    assert outcome.state is ActionState.PENDING
    assert "no second one" in outcome.said
    fleet.at(hours=23, minutes=59)
    assert fleet.verify(action, change, outcome.delta).state is ActionState.PENDING
    fleet.at(hours=24)
    failed = fleet.verify(action, change, outcome.delta)
    assert (failed.state, failed.said) == (ActionState.FAILED, "not confirmed within 24 hours: 0 of 1 confirmed")
    assert fleet.writes() == [CREATE]


def test_an_attempt_that_announced_nothing_starts_afresh(fleet: Fleet, action: Action) -> None:
    fleet.apply(action, one(fleet, action), resumed=True)
    assert fleet.writes() == [CREATE]


def test_a_refused_task_is_not_there(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    change = one(fleet, action)
    fleet.fault("throttle", POST)
    with pytest.raises(Refused, match="status 429"):
        fleet.apply(action, change)
    assert fleet.tasks == []
    assert fleet.writes() == [CREATE]


def test_a_key_without_the_right_is_denied_by_its_name(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    change = one(fleet, action)
    rights = {"platformRights": {"scheduledTaskRights": {"canCreateNewScheduledTasks": False}}}
    tenant.seed("roles", {"ID": 1, "name": "auditor", "allComputers": True, "allPolicies": True, "rights": rights})
    with pytest.raises(Denied) as denied:
        fleet.apply(action, change)
    assert "canCreateNewScheduledTasks" in denied.value.permission
    assert fleet.tasks == []


# verify, undo


def test_a_scan_is_confirmed_when_its_date_moves_and_then_it_is_not_due(fleet: Fleet, action: Action) -> None:
    change = one(fleet, action)
    outcome = fleet.apply(action, change)
    waiting = fleet.verify(action, change, outcome.delta)
    assert (waiting.state, waiting.said) == (ActionState.PENDING, "scan requested: 0 of 1 confirmed")
    fleet.at(seconds=3)
    assert fleet.verify(action, change, outcome.delta).state is ActionState.VERIFIED
    assert plan(action, fleet.world([finding(1)])) == []
    assert fleet.writes() == [CREATE]


def test_a_first_scan_is_confirmed_too(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    tenant.seed("computers", computer(1, integrityMonitoring={"state": "on", "moduleStatus": {"agentStatus": "active"}}))
    tenant.seed("assignments", {"computerID": 1, "recommendationScanStatus": "none"})
    change = one(fleet, action)
    outcome = fleet.apply(action, change)
    assert fleet.verify(action, change, outcome.delta).state is ActionState.PENDING
    fleet.at(seconds=3)
    assert fleet.verify(action, change, outcome.delta).state is ActionState.VERIFIED


def test_a_task_that_stays_is_deleted_once_it_ran(fleet: Fleet, action: Action) -> None:
    fleet.turn(task_removal_delay=86_400)
    change = one(fleet, action)
    outcome = fleet.apply(action, change)
    fleet.at(seconds=3)
    assert fleet.verify(action, change, outcome.delta).state is ActionState.VERIFIED
    assert fleet.tasks == []
    assert fleet.held.calls() == ["POST /scheduledtasks", f"DELETE /scheduledtasks/{outcome.delta['task_id']}"]


def test_a_task_that_never_ran_is_deleted_after_the_bound(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    fleet.turn(scan_delay=10 * 86_400)
    change = one(fleet, action)
    outcome = fleet.apply(action, change)
    fleet.at(hours=23)
    assert fleet.verify(action, change, outcome.delta).state is ActionState.PENDING
    assert len(fleet.tasks) == 1
    fleet.at(hours=24)
    assert fleet.verify(action, change, outcome.delta).state is ActionState.FAILED
    assert fleet.tasks == []


def test_a_task_that_cannot_be_deleted_keeps_the_scan_open(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    fleet.turn(task_removal_delay=86_400)
    change = one(fleet, action)
    outcome = fleet.apply(action, change)
    fleet.at(seconds=3)
    fleet.fault("access_denied", "/scheduledtasks/", method="DELETE")
    with pytest.raises(Denied) as denied:
        fleet.verify(action, change, outcome.delta)
    assert "canDeleteScheduledTasks" in denied.value.permission
    assert fleet.verify(action, change, outcome.delta).state is ActionState.VERIFIED


def test_the_computers_of_a_policy_that_are_not_confirmed_are_counted(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    change = whole_policy(fleet, action)
    outcome = fleet.apply(action, change)
    fleet.state.computers[2]["computerStatus"] = {"agentStatus": "error"}
    del fleet.state.computers[3]
    fleet.at(seconds=3)
    assert fleet.verify(action, change, outcome.delta).said == "scan requested: 1 of 3 confirmed"


def test_a_confirmed_computer_is_not_looked_at_again_in_the_same_run(fleet: Fleet, action: Action, tenant: Tenant) -> None:
    change = whole_policy(fleet, action)
    outcome = fleet.apply(action, change)
    fleet.state.computers[2]["computerStatus"] = {"agentStatus": "error"}
    fleet.at(seconds=3)
    fleet.verify(action, change, outcome.delta)
    tenant.sandbox.state.calls.clear()
    fleet.verify(action, change, outcome.delta)
    assert [path.split("/")[2] for path in tenant.paths()] == ["2"]


def test_what_cannot_be_read_confirms_nothing(fleet: Fleet, action: Action) -> None:
    change = one(fleet, action)
    outcome = fleet.apply(action, change)
    fleet.fault("error", "/computers/1", method="GET")
    with pytest.raises(Unavailable):
        fleet.verify(action, change, outcome.delta)


def test_a_scan_cannot_be_undone(fleet: Fleet, action: Action) -> None:
    change = one(fleet, action)
    with pytest.raises(NotMade, match="a scan cannot be undone"):
        action.undo(change, {}, fleet.held.hand)


@pytest.mark.parametrize("value", ["yesterday", [1], "1e300"])
def test_a_date_that_is_none_is_not_believed(value: Any) -> None:
    with pytest.raises(Unavailable, match="is no date"):
        date(value, "GET x")


@pytest.mark.parametrize(
    ("value", "read"), [(None, None), (0, None), ("1700000000000", "2023-11-14T22:13:20Z"), (1700000000999, "2023-11-14T22:13:20Z")]
)
def test_a_date_is_a_number_or_a_text_of_milliseconds(value: Any, read: str | None) -> None:
    assert date(value, "GET x") == read
