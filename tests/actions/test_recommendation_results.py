from __future__ import annotations

import json
from typing import Any

import pytest

from reporter.actions.recommendation_results import ACTION
from reporter.core.action import Held, NotMade, NotNeeded, Refused, Stale, Uncertain
from reporter.core.change import ActionState, Change, Json, Outcome
from reporter.core.errors import Denied, Unavailable
from reporter.core.past import Deed, Past
from reporter.core.world import World
from reporter.schedule import Actions
from tests.actions.fleet import Fleet, ago, alert, computer, finding, instance_id, millis, plan, reach, recommended, rule, told
from tests.actions.hands import NOW, RUN
from tests.clients.wp_sandbox import Tenant, tenant
from tests.joins.made import permuted, tenant_denied

__all__ = ["tenant"]

ASSIGN = ("POST", "/computers/1/intrusionprevention/assignments")


def ips(*rule_ids: int, **changes: Any) -> dict[str, Any]:
    return {"state": "prevent", "moduleStatus": {"agentStatus": "active", "agentStatusMessage": "On"}, "ruleIDs": list(rule_ids), **changes}


@pytest.fixture
def fleet(tenant: Tenant) -> Fleet:
    """Computer 1 has rule 1 from its policy and rule 5 itself; half an hour ago a scan recommended 2 (which needs 3, which needs 4) and 6."""
    made = Fleet.of(tenant, computer(1, intrusionPrevention=ips(1, 5)))
    tenant.seed("policies", {"ID": 9, "name": "web", "intrusionPrevention": {"ruleIDs": [1]}})
    tenant.seed("rules", rule(1), rule(2, 3), rule(3, 4), rule(4), rule(5), rule(6), rule(7, 4))
    tenant.seed("assignments", recommended(1, 2, 6, at=ago(minutes=30), assignedRuleIDs=[5]))
    return made


def seen(fleet: Fleet) -> World:
    return fleet.world([finding(1)])


def one(fleet: Fleet) -> Change:
    (change,) = plan(ACTION, seen(fleet))
    return change


def own(fleet: Fleet) -> set[int]:
    found: set[int] = fleet.state.own["computers", 1]
    return found


def undo(fleet: Fleet, change: Change, delta: Json) -> Outcome:
    return ACTION.undo(told(change), json.loads(json.dumps(delta)), fleet.held.hand)


# plan


def test_recommended_rules_that_are_not_there_are_to_be_assigned(fleet: Fleet) -> None:
    change = one(fleet)
    assert (change.key, change.account, change.region) == ("recommendation_results main/computer/1", "main", "-")
    assert (change.severity, change.subjects, change.held) == ("HIGH", (instance_id(1),), "")
    sent = millis(ago(days=3))
    assert change.before == {"computer": 1, "assigned": [1, 5], "recommended": [2, 6], "last_policy_success": sent}
    assert change.after == {"assigned_too": [2, 6], "identifiers": ["1000002", "1000006"]}
    assert change.facts == {
        "findings": ["gd-1"],
        "instances": [instance_id(1)],
        "buckets": [],
        "computers": 1,
        "dependencies": [3, 4],
        "rules": 6,
    }
    assert "2 rules are recommended by the scan of 2026-11-24T02:30:00Z" in change.reason


def test_an_instance_that_can_reach_a_bucket_with_an_alert_gets_them_too(fleet: Fleet) -> None:
    (change,) = plan(ACTION, fleet.world([alert()], [reach(1)]))
    assert (change.severity, change.facts["buckets"]) == ("MEDIUM", ["ledger"])


def test_without_a_finding_nothing_is_assigned(fleet: Fleet) -> None:
    assert plan(ACTION, fleet.world()) == []


@pytest.mark.parametrize(
    "scan",
    [
        recommended(1, 2, at=ago(minutes=90)),
        recommended(1, 2, at=ago(hours=1)),
        recommended(1, 2, at=ago(minutes=30), recommendationScanStatus="out-of-date"),
        recommended(1, at=ago(minutes=30)),
        {"computerID": 1, "recommendationScanStatus": "none", "recommendedToAssignRuleIDs": [2]},
    ],
    ids=["before the finding", "with the finding", "out of date", "nothing recommended", "never scanned"],
)
def test_only_a_valid_scan_since_the_finding_that_recommends_something_counts(fleet: Fleet, tenant: Tenant, scan: dict[str, Any]) -> None:
    tenant.seed("assignments", scan)
    assert plan(ACTION, seen(fleet)) == []


@pytest.mark.parametrize("machine", [{"state": "stopped"}, {"account": "999999999999"}])
def test_only_running_protected_instances_get_rules(fleet: Fleet, machine: dict[str, Any]) -> None:
    assert plan(ACTION, fleet.world([finding(1)], machines={1: machine})) == []


def test_an_offline_agent_gets_none(fleet: Fleet, tenant: Tenant) -> None:
    tenant.seed("computers", computer(1, computerStatus={"agentStatus": "error"}))
    assert plan(ACTION, seen(fleet)) == []


def test_unread_recommendations_are_no_recommendations(fleet: Fleet, tenant: Tenant) -> None:
    world = seen(fleet)
    assert plan(ACTION, world.with_tables({"wp_recommendations": world.tables["wp_recommendations"].iloc[:0]})) == []


def test_rules_that_are_effective_already_are_not_assigned_again(fleet: Fleet, tenant: Tenant) -> None:
    tenant.seed("computers", computer(1, intrusionPrevention=ips(1, 5, 6)))
    assert one(fleet).after["assigned_too"] == [2]
    tenant.seed("computers", computer(1, intrusionPrevention=ips(1, 2, 5, 6)))
    assert plan(ACTION, seen(fleet)) == []


@pytest.mark.parametrize("state", [None, ActionState.APPLIED, ActionState.PENDING])
def test_rules_on_their_way_to_the_agent_are_not_assigned_again(fleet: Fleet, tenant: Tenant, state: ActionState | None) -> None:
    past = Past((Deed(f"{RUN}/0000", RUN, "hash", told(one(fleet)), ago(days=3), NOW, state),))
    assert plan(ACTION, seen(fleet), past) == []
    tenant.seed("assignments", recommended(1, 2, 6, 7, at=ago(minutes=20), assignedRuleIDs=[5]))
    assert [change.after["assigned_too"] for change in plan(ACTION, seen(fleet), past)] == [[7]]


@pytest.mark.parametrize("state", [ActionState.VERIFIED, ActionState.FAILED, ActionState.UNDONE])
def test_what_was_on_the_agent_once_and_is_recommended_again_is_assigned_again(fleet: Fleet, state: ActionState) -> None:
    past = Past((Deed(f"{RUN}/0000", RUN, "hash", told(one(fleet)), ago(days=3), NOW, state),))
    assert len(plan(ACTION, seen(fleet), past)) == 1


def test_a_rule_that_the_catalogue_does_not_have_is_held(fleet: Fleet, tenant: Tenant) -> None:
    tenant.seed("assignments", recommended(1, 6, 404, at=ago(minutes=30)))
    change = one(fleet)
    assert change.held == "recommended rules that are not among the rules of tenant main: 404"
    assert change.after["identifiers"] == ["1000006", "id 404"]


def test_an_unread_catalogue_is_held(fleet: Fleet) -> None:
    (change,) = plan(ACTION, fleet.world([finding(1)], unread=tenant_denied("wp_rules")))
    assert change.held == "wp_rules of tenant main was not read: it is not known what the rules are"


@pytest.mark.parametrize(
    ("last", "held"), [(1297, ""), (1298, "it would have 301 rules then, more than the 300 that the vendor advises for one computer")]
)
def test_more_rules_than_the_vendor_advises_are_held_dependencies_included(fleet: Fleet, tenant: Tenant, last: int, held: str) -> None:
    tenant.seed("computers", computer(1, intrusionPrevention=ips(*range(1002, last + 1))))
    assert one(fleet).held == held


def test_a_custom_rule_without_an_identifier_is_called_by_its_id(fleet: Fleet, tenant: Tenant) -> None:
    tenant.seed("rules", rule(6, identifier=None))
    assert one(fleet).after["identifiers"] == ["1000002", "id 6"]


def test_an_agent_that_never_took_a_policy_has_no_date_before(fleet: Fleet, tenant: Tenant) -> None:
    tenant.seed("computers", computer(1, lastSendPolicySuccess=None, intrusionPrevention=ips(1, 5)))
    change = one(fleet)
    assert change.before["last_policy_success"] is None
    outcome = fleet.apply(ACTION, change)
    fleet.at(seconds=2)
    assert fleet.verify(ACTION, change, outcome.delta).state is ActionState.VERIFIED


def test_the_order_of_rows_does_not_matter(fleet: Fleet, tenant: Tenant) -> None:
    tenant.seed("computers", *(computer(number) for number in (2, 3)))
    tenant.seed("assignments", *(recommended(number, 2, 6, at=ago(minutes=1)) for number in (2, 3)))
    world = fleet.world([finding(number) for number in (1, 2, 3)])
    assert len(plan(ACTION, world)) == 3
    assert plan(ACTION, permuted(world)) == plan(ACTION, world)


def test_its_mode_is_its_own_and_its_limit_that_of_assign_ips_rule() -> None:
    settings = Actions.model_validate({"recommendation_scan": {"mode": "apply", "results": "off", "limit": 9}, "assign_ips_rule": {"limit": 3}})
    assert (ACTION.mode(settings), ACTION.limit(settings), ACTION.mode(Actions())) == ("off", 3, "plan")


# apply


def test_the_rules_are_added_beside_those_that_are_there(fleet: Fleet) -> None:
    outcome = fleet.apply(ACTION, one(fleet))
    assert own(fleet) == {2, 3, 4, 5, 6}
    assert outcome.state is ActionState.APPLIED
    assert outcome.delta == {"added": [2, 3, 4, 6], "sent": millis(ago(days=3))}
    assert fleet.writes() == [ASSIGN]
    body = next(facts["body"] for event, facts in fleet.held.journal if event == "call")
    assert body == {"ruleIDs": [2, 6]}


def test_a_dependency_that_was_there_before_is_not_of_the_delta(fleet: Fleet, tenant: Tenant) -> None:
    tenant.seed("computers", computer(1, intrusionPrevention=ips(1, 4, 5)))
    tenant.seed("assignments", recommended(1, 2, 6, at=ago(minutes=30), assignedRuleIDs=[4, 5]))
    assert fleet.apply(ACTION, one(fleet)).delta["added"] == [2, 3, 6]


def test_rules_that_somebody_assigned_meanwhile_are_not_needed(fleet: Fleet) -> None:
    change = one(fleet)
    fleet.state.own["computers", 1] |= {2, 3, 4, 6}
    with pytest.raises(NotNeeded):
        fleet.apply(ACTION, change)
    assert fleet.writes() == []


@pytest.mark.parametrize("now", [{5, 6}, {5, 7}, set[int]()], ids=["one of them", "another", "one less"])
def test_a_list_that_changed_meanwhile_makes_the_plan_stale(fleet: Fleet, now: set[int]) -> None:
    change = one(fleet)
    fleet.state.own["computers", 1] = now
    with pytest.raises(Stale, match="no longer those of the plan"):
        fleet.apply(ACTION, change)
    assert fleet.writes() == []


def test_a_rule_that_is_recommended_no_longer_makes_the_plan_stale(fleet: Fleet, tenant: Tenant) -> None:
    change = one(fleet)
    tenant.seed("assignments", recommended(1, 2, at=ago(minutes=1), assignedRuleIDs=[5]))
    with pytest.raises(Stale, match="no longer recommended: 6"):
        fleet.apply(ACTION, change)
    assert fleet.writes() == []


def test_a_computer_or_rule_that_is_gone_makes_the_plan_stale(fleet: Fleet) -> None:
    change = one(fleet)
    del fleet.state.rules[6]
    with pytest.raises(Stale, match="a rule is gone"):
        fleet.apply(ACTION, change)
    del fleet.state.computers[1]
    with pytest.raises(Stale, match="the computer is gone"):
        fleet.apply(ACTION, change)


def test_a_rule_that_needs_more_than_the_plan_knew_is_held_over_the_limit(fleet: Fleet, tenant: Tenant) -> None:
    change = one(fleet)
    tenant.seed("rules", *(rule(number) for number in range(1000, 1295)), rule(6, *range(1000, 1295)))
    with pytest.raises(Held, match="301 rules"):
        fleet.apply(ACTION, change)
    assert fleet.writes() == []


@pytest.mark.parametrize("fault", ["error", "reset", "malformed", "truncated"])
def test_after_an_answer_was_lost_what_is_there_is_this_changes_own_doing(fleet: Fleet, fault: str) -> None:
    change = one(fleet)
    fleet.fault(fault, "/computers/1/", after=True)
    with pytest.raises(Uncertain):
        fleet.apply(ACTION, change)
    fleet.at(seconds=2)
    fleet.again()
    outcome = fleet.apply(ACTION, change, resumed=True)
    assert outcome.delta == {"added": [2, 3, 4, 6], "sent": millis(ago(days=3))}
    assert fleet.writes() == [ASSIGN]
    assert fleet.verify(ACTION, change, outcome.delta).state is ActionState.VERIFIED


def test_after_a_call_without_effect_the_rules_are_added_then(fleet: Fleet) -> None:
    change = one(fleet)
    fleet.fault("error", "/computers/1/")
    with pytest.raises(Uncertain):
        fleet.apply(ACTION, change)
    fleet.again()
    assert fleet.apply(ACTION, change, resumed=True).delta["added"] == [2, 3, 4, 6]
    assert own(fleet) == {2, 3, 4, 5, 6}


def test_what_took_effect_in_part_is_completed(fleet: Fleet) -> None:
    change = one(fleet)
    fleet.fault("error", "/computers/1/")
    with pytest.raises(Uncertain):
        fleet.apply(ACTION, change)
    fleet.state.own["computers", 1] |= {6}
    fleet.again()
    assert fleet.apply(ACTION, change, resumed=True).delta["added"] == [2, 3, 4, 6]


def test_resumed_it_does_not_write_over_what_somebody_else_did_since(fleet: Fleet) -> None:
    change = one(fleet)
    fleet.fault("error", "/computers/1/")
    with pytest.raises(Uncertain):
        fleet.apply(ACTION, change)
    fleet.state.own["computers", 1] |= {7}
    fleet.again()
    with pytest.raises(Stale, match="no longer those of the plan: 7"):
        fleet.apply(ACTION, change, resumed=True)


def test_a_key_that_may_not_edit_is_denied_by_the_right(fleet: Fleet, tenant: Tenant) -> None:
    change = one(fleet)
    rights = {"platformRights": {"computerRights": {"canEditComputerProperties": False}}}
    tenant.seed("roles", {"ID": 1, "name": "auditor", "allComputers": True, "allPolicies": True, "rights": rights})
    with pytest.raises(Denied) as denied:
        fleet.apply(ACTION, change)
    assert denied.value.permission in ACTION.rights


def test_a_refusal_is_let_out(fleet: Fleet) -> None:
    change = one(fleet)
    fleet.fault("throttle", "/computers/1/")
    with pytest.raises(Refused, match="429"):
        fleet.apply(ACTION, change)


# verify


def test_the_rules_are_seen_on_the_agent_once_it_took_its_policy(fleet: Fleet) -> None:
    change = one(fleet)
    outcome = fleet.apply(ACTION, change)
    waiting = fleet.verify(ACTION, change, outcome.delta)
    assert (waiting.state, waiting.said) == (ActionState.APPLIED, "assigned, but not on the agent yet: 2, 6")
    fleet.at(seconds=2)
    assert fleet.verify(ACTION, change, outcome.delta).state is ActionState.VERIFIED
    assert plan(ACTION, seen(fleet)) == []


@pytest.mark.parametrize("sent", [millis(ago(days=3)), None, "1"])
def test_rules_that_are_listed_before_the_policy_was_taken_are_not_on_the_agent(fleet: Fleet, tenant: Tenant, sent: Any) -> None:
    change = one(fleet)
    outcome = fleet.apply(ACTION, change)
    tenant.seed("computers", computer(1, intrusionPrevention=ips(1, 2, 5, 6), lastSendPolicySuccess=sent))
    waiting = fleet.verify(ACTION, change, outcome.delta)
    assert (waiting.state, waiting.said) == (ActionState.APPLIED, "assigned, but the agent has not taken its policy since")


def test_a_policy_that_was_sent_between_plan_and_apply_does_not_count(fleet: Fleet, tenant: Tenant) -> None:
    change = one(fleet)
    tenant.seed("computers", computer(1, intrusionPrevention=ips(1, 5), lastSendPolicySuccess=millis(ago(minutes=1))))
    outcome = fleet.apply(ACTION, change)
    tenant.seed("computers", computer(1, intrusionPrevention=ips(1, 2, 5, 6), lastSendPolicySuccess=millis(ago(minutes=1))))
    assert fleet.verify(ACTION, change, outcome.delta).state is ActionState.APPLIED


def test_rules_of_a_module_that_is_off_have_no_effect(fleet: Fleet, tenant: Tenant) -> None:
    change = one(fleet)
    outcome = fleet.apply(ACTION, change)
    tenant.seed("computers", computer(1, intrusionPrevention=ips(1, 2, 5, 6, state="off"), lastSendPolicySuccess=millis(NOW)))
    waiting = fleet.verify(ACTION, change, outcome.delta)
    assert (waiting.state, "without effect" in waiting.said) == (ActionState.APPLIED, True)


def test_a_computer_that_is_gone_fails(fleet: Fleet) -> None:
    change = one(fleet)
    outcome = fleet.apply(ACTION, change)
    del fleet.state.computers[1]
    assert fleet.verify(ACTION, change, outcome.delta).state is ActionState.FAILED


def test_what_cannot_be_read_verifies_nothing(fleet: Fleet) -> None:
    change = one(fleet)
    outcome = fleet.apply(ACTION, change)
    fleet.fault("error", "/computers/1", method="GET")
    with pytest.raises(Unavailable):
        fleet.verify(ACTION, change, outcome.delta)


# undo


def test_undo_restores_what_was_there_before(fleet: Fleet) -> None:
    change = one(fleet)
    before = set(own(fleet))
    outcome = fleet.apply(ACTION, change)
    undone = undo(fleet, change, outcome.delta)
    assert (undone.state, undone.said) == (ActionState.UNDONE, "taken away: 2, 3, 4, 6")
    assert own(fleet) == before


def test_undo_keeps_later_changes_and_what_they_need(fleet: Fleet) -> None:
    change = one(fleet)
    outcome = fleet.apply(ACTION, change)
    fleet.state.own["computers", 1] |= {7}
    undone = undo(fleet, change, outcome.delta)
    assert own(fleet) == {4, 5, 7}
    assert undone.said == "taken away: 2, 3, 6; gone before, or needed by another rule: 4"


def test_undo_twice_is_undo_once(fleet: Fleet) -> None:
    change = one(fleet)
    outcome = fleet.apply(ACTION, change)
    undo(fleet, change, outcome.delta)
    fleet.again()
    writes = len(fleet.writes())
    assert undo(fleet, change, outcome.delta).said.startswith("taken away: nothing; gone before")
    assert len(fleet.writes()) == writes


def test_undo_after_a_crash_in_the_middle_takes_away_the_rest(fleet: Fleet) -> None:
    change = one(fleet)
    outcome = fleet.apply(ACTION, change)
    fleet.fault("error", "*/assignments/3", method="DELETE")
    with pytest.raises(Uncertain):
        undo(fleet, change, outcome.delta)
    assert own(fleet) == {3, 4, 5, 6}
    fleet.again()
    assert undo(fleet, change, outcome.delta).state is ActionState.UNDONE
    assert own(fleet) == {5}


def test_undo_of_a_computer_that_is_gone_has_nothing_to_do(fleet: Fleet) -> None:
    change = one(fleet)
    outcome = fleet.apply(ACTION, change)
    del fleet.state.computers[1]
    with pytest.raises(NotMade, match="the computer is gone"):
        undo(fleet, change, outcome.delta)
