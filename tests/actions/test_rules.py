from __future__ import annotations

from typing import Any

import pytest

from reporter.actions import rules
from reporter.core.action import Refused, Uncertain
from reporter.core.errors import Denied, Unavailable
from tests.actions.hands import Held, held
from tests.clients.wp_sandbox import Tenant, tenant

__all__ = ["tenant"]

EDIT = rules.EDIT["computers"]


def rule(rule_id: int, *needs: int) -> dict[str, Any]:
    return {"ID": rule_id, "identifier": str(1000000 + rule_id), "name": f"rule {rule_id}", "type": "exploit", "dependsOnRuleIDs": list(needs)}


@pytest.fixture
def hand(tenant: Tenant) -> Held:
    """Computer 7 on policy 9, which has rule 1; rule 2 needs 3, which needs 4; rule 5 needs 4."""
    tenant.seed("policies", {"ID": 9, "name": "web", "intrusionPrevention": {"ruleIDs": [1]}})
    tenant.seed("computers", {"ID": 7, "hostName": "a", "policyID": 9, "computerStatus": {"agentStatus": "active"}})
    tenant.seed("rules", rule(1), rule(2, 3), rule(3, 4), rule(4), rule(5, 4))
    return held(wp={"main": tenant.client()})


def own(tenant: Tenant, parent: Any = "computers", object_id: int = 7) -> set[int]:
    return tenant.sandbox.state.tenants["main"].own.get((parent, object_id), set())


def test_inherited_rules_are_assigned_but_not_its_own(hand: Held, tenant: Tenant) -> None:
    tenant.seed("assignments", {"computerID": 7, "assignedRuleIDs": [5]})
    assert rules.assigned(hand.hand, "main", "computers", 7) == {1, 5}
    assert rules.assigned(hand.hand, "main", "computers", 7, own=True) == {5}


def test_added_rules_stand_besides_those_that_were_there_and_bring_what_they_need(hand: Held, tenant: Tenant) -> None:
    assert rules.add(hand.hand, "main", "computers", 7, [2], EDIT) == {1, 2, 3, 4}
    assert own(tenant) == {2, 3, 4}
    assert hand.calls() == ["POST /computers/7/intrusionprevention/assignments"]


def test_an_unknown_rule_is_refused_and_adds_nothing(hand: Held, tenant: Tenant) -> None:
    with pytest.raises(Refused, match="no rule with this ID"):
        rules.add(hand.hand, "main", "computers", 7, [5, 404], EDIT)
    assert own(tenant) == set()


def test_a_rule_that_the_answer_does_not_have_is_refused(hand: Held, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reporter.sandbox.wp.assignments.checked_rules", lambda call, rule_ids: set(rule_ids) - {5})
    with pytest.raises(Refused, match="does not have the rules 5"):
        rules.add(hand.hand, "main", "computers", 7, [2, 5], EDIT)


def test_a_key_that_may_not_edit_is_denied_by_the_right(hand: Held, tenant: Tenant) -> None:
    narrow = {"platformRights": {"computerRights": {"canEditComputerProperties": False}}}
    tenant.seed("roles", {"ID": 1, "name": "auditor", "allComputers": True, "allPolicies": True, "rights": narrow})
    with pytest.raises(Denied) as denied:
        rules.add(hand.hand, "main", "computers", 7, [2], EDIT)
    assert denied.value.permission == EDIT


def test_dependencies_are_followed_to_their_end_and_each_rule_is_read_once(hand: Held, tenant: Tenant) -> None:
    assert rules.dependencies(hand.hand, "main", [2]) == {3, 4}
    assert rules.dependencies(hand.hand, "main", [2, 5]) == {3, 4}
    assert sorted(tenant.paths()) == [f"/intrusionpreventionrules/{rule_id}" for rule_id in (2, 3, 4, 5)]


def test_rules_that_need_each_other_have_an_end(hand: Held, tenant: Tenant) -> None:
    tenant.seed("rules", rule(4, 2))
    assert rules.dependencies(hand.hand, "main", [2]) == {2, 3, 4}


def test_what_is_taken_away_is_what_was_named_and_nothing_inherited(hand: Held, tenant: Tenant) -> None:
    tenant.seed("assignments", {"computerID": 7, "assignedRuleIDs": [2, 3, 4]})
    assert rules.remove(hand.hand, "main", "computers", 7, [1, 2, 3], EDIT) == [2, 3]
    assert own(tenant) == {4}
    assert own(tenant, "policies", 9) == {1}


def test_a_rule_is_taken_away_before_what_it_depends_on(hand: Held, tenant: Tenant) -> None:
    tenant.seed("assignments", {"computerID": 7, "assignedRuleIDs": [2, 3, 4]})
    rules.remove(hand.hand, "main", "computers", 7, [4, 3, 2], EDIT)
    assert [call.rpartition("/")[2] for call in hand.calls()] == ["2", "3", "4"]


def test_what_another_rule_there_depends_on_stays(hand: Held, tenant: Tenant) -> None:
    tenant.seed("assignments", {"computerID": 7, "assignedRuleIDs": [2, 3, 4, 5]})
    assert rules.remove(hand.hand, "main", "computers", 7, [2, 3, 4], EDIT) == [2, 3]
    assert own(tenant) == {4, 5}


def test_taking_away_twice_writes_once(hand: Held, tenant: Tenant) -> None:
    tenant.seed("assignments", {"computerID": 7, "assignedRuleIDs": [5]})
    rules.remove(hand.hand, "main", "computers", 7, [5], EDIT)
    assert rules.remove(hand.hand, "main", "computers", 7, [5], EDIT) == []
    assert len(hand.calls()) == 1


def test_a_policy_is_written_like_a_computer(hand: Held, tenant: Tenant) -> None:
    assert rules.add(hand.hand, "main", "policies", 9, [5], rules.EDIT["policies"]) == {1, 4, 5}
    assert rules.remove(hand.hand, "main", "policies", 9, [5], rules.EDIT["policies"]) == [5]
    assert own(tenant, "policies", 9) == {1, 4}


@pytest.mark.parametrize("odd", ["5", {"5": 1}, ["5"], [True], [5.0]])
def test_what_is_no_list_of_ids_is_not_believed(odd: Any) -> None:
    with pytest.raises(Unavailable, match="not a list of rule ids"):
        rules.ids({"assignedRuleIDs": odd}, "assignedRuleIDs", "GET x")


def test_an_answer_to_a_write_that_is_no_list_of_ids_says_nothing(hand: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reporter.sandbox.wp.assignments._answer", lambda *given: {"assignedRuleIDs": "5"})
    with pytest.raises(Uncertain, match="not a list"):
        rules.add(hand.hand, "main", "computers", 7, [5], EDIT)
