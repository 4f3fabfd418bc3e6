from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from reporter.actions.assign_ips_rule import ACTION
from reporter.core.action import Held as HeldBack
from reporter.core.action import NotNeeded, Stale, Uncertain
from reporter.core.change import ActionState, Change, Json, Outcome
from reporter.core.errors import Denied, Unavailable
from reporter.core.past import Past
from reporter.sandbox.wp.faults import Fault
from tests.actions import shop
from tests.actions.hands import Held, held
from tests.actions.shop import (
    BASE,
    DEEPER,
    IN_OTHER,
    IN_PAY,
    IN_WEB,
    IN_WEB_TOO,
    LOG4J,
    MILLIS,
    NEEDED,
    NEEDS,
    OLD,
    ON_LOG4J,
    ON_NEEDS,
    ON_STRUTS,
    OTHER,
    PAY,
    STRUTS,
    WEB,
    asking,
    direct,
    writes,
)
from tests.clients.wp_sandbox import KEY, Tenant, tenant

__all__ = ["tenant"]

ASSIGN = f"POST /policies/{WEB}/intrusionprevention/assignments"
ASSIGNMENTS = f"/policies/{WEB}/intrusionprevention/assignments"


@dataclass
class Shop:
    """The tenant of tests.actions.shop, and this run's hand on it."""

    tenant: Tenant
    hand: Held

    def plan(self, *findings: tuple[int, str], **settings: Any) -> dict[str, Change]:
        """Changes by target, as they come back from the journal."""
        changes = ACTION.plan(shop.read(self.tenant, *findings), Past(), asking(**settings))
        return {change.target: Change.of(json.loads(json.dumps(change.as_json()))) for change in changes}

    def one(self, *findings: tuple[int, str], **settings: Any) -> Change:
        (change,) = self.plan(*findings, **settings).values()
        assert change.held == ""
        return change

    def apply(self, change: Change, *, resumed: bool = False) -> Outcome:
        return ACTION.apply(change, self.hand.hand, resumed)

    def verify(self, change: Change, delta: Json) -> Outcome:
        return ACTION.verify(change, delta, self.hand.hand)

    def undo(self, change: Change, delta: Json) -> Outcome:
        return ACTION.undo(change, delta, self.hand.hand)

    def next_run(self, **client: Any) -> None:
        """Another process: nothing is remembered."""
        self.hand = held(wp={"main": self.tenant.client(**client)})

    def somebody_assigns(self, policy: int, *rule_ids: int) -> None:
        self.tenant.client().write(
            "POST", f"/policies/{policy}/intrusionprevention/assignments", {"ruleIDs": list(rule_ids)}, right="", repeatable=True
        )

    def later(self, seconds: int = 60) -> None:
        self.tenant.sandbox.state.turn({"now": MILLIS + seconds * 1000})

    def role(self, **changes: Any) -> None:
        self.tenant.seed("roles", {"ID": 1, "name": "Reporter", "allComputers": True, "allPolicies": True, **changes})


@pytest.fixture
def at(tenant: Tenant) -> Shop:
    shop.seed(tenant)
    return Shop(tenant, held(wp={"main": tenant.client()}))


def test_only_the_new_rules_are_sent_and_what_came_along_is_known(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS), (IN_WEB_TOO, ON_NEEDS))
    outcome = at.apply(change)
    assert at.hand.journal[0] == ("call", {"tenant": "main", "call": ASSIGN, "body": {"ruleIDs": [STRUTS, NEEDS]}})
    assert direct(at.tenant, WEB) == {STRUTS, NEEDS, NEEDED, DEEPER}
    assert outcome.state is ActionState.APPLIED
    assert outcome.said == "4 rules assigned, 2 of them because others need them"
    assert (outcome.delta["added"], outcome.delta["detect"]) == ([STRUTS, NEEDS, NEEDED, DEEPER], [])


def test_it_is_verified_once_the_rules_are_on_the_agents(at: Shop) -> None:
    at.tenant.sandbox.state.turn({"policy_delay": 30.0})
    change = at.one((IN_WEB, ON_STRUTS))
    delta = at.apply(change).delta
    waiting = at.verify(change, delta)
    assert (waiting.state, waiting.said) == (ActionState.APPLIED, "not yet on 3 of 3 agents online")
    at.later()
    seen = at.verify(change, delta)
    assert (seen.state, seen.said, seen.delta) == (ActionState.VERIFIED, "on 3 agents", delta)


def test_a_sending_before_the_change_proves_nothing(at: Shop) -> None:
    """An agent that lists the rules, and whose policy was not sent since, is not counted."""
    change = at.one((IN_WEB, ON_STRUTS))
    at.tenant.sandbox.state.turn({"policy_delay": 600.0})
    delta = at.apply(change).delta
    for number, policy in ((IN_WEB, WEB), (IN_WEB_TOO, WEB), (IN_PAY, PAY)):
        at.tenant.seed("computers", shop.computer(number, policy, (OLD, STRUTS)))
    assert at.verify(change, delta).state is ActionState.APPLIED
    assert at.verify(change, {**delta, "sent": {}}).said == "not yet on 3 of 3 agents online"


def test_offline_agents_are_counted_and_not_waited_for(at: Shop) -> None:
    at.tenant.seed("computers", shop.computer(IN_PAY, PAY, computerStatus={"agentStatus": "error", "agentStatusMessages": ["Offline"]}))
    at.tenant.seed("computers", shop.computer(IN_WEB_TOO, WEB, computerStatus={"agentStatus": "warning", "agentStatusMessages": ["Offline"]}))
    change = at.one((IN_WEB, ON_STRUTS))
    seen = at.verify(change, at.apply(change).delta)
    assert (seen.state, seen.said) == (ActionState.VERIFIED, "on 1 agent; 2 computers offline, to take it later")


def test_without_an_agent_online_it_stays_applied(at: Shop) -> None:
    change = at.one((IN_PAY, ON_STRUTS))
    at.tenant.seed("computers", shop.computer(IN_PAY, PAY, computerStatus={"agentStatus": "inactive"}))
    seen = at.verify(change, at.apply(change).delta)
    assert (seen.state, seen.said) == (ActionState.APPLIED, "none of 1 computer is online to take it")


def test_with_the_module_off_it_stays_applied(at: Shop) -> None:
    at.tenant.seed("computers", shop.computer(IN_PAY, PAY, intrusionPrevention={"state": "off", "ruleIDs": [OLD]}))
    change = at.one((IN_PAY, ON_STRUTS))
    seen = at.verify(change, at.apply(change).delta)
    assert (seen.state, seen.said) == (ActionState.APPLIED, "sent, but without effect on 1 computer: the IPS module is off there")


def test_a_computer_that_is_gone_or_uses_another_policy_is_not_waited_for(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    delta = at.apply(change).delta
    del at.tenant.sandbox.state.tenants["main"].computers[IN_PAY]
    at.tenant.seed("computers", shop.computer(IN_WEB_TOO, OTHER))
    assert at.verify(change, delta).said == "on 1 agent"


def test_many_computers_are_searched_for_in_pages(at: Shop) -> None:
    at.tenant.seed("computers", *(shop.computer(number, WEB) for number in range(100, 120)))
    change = at.one((IN_WEB, ON_STRUTS))
    delta = at.apply(change).delta
    before = len(at.tenant.sandbox.state.calls)
    assert at.verify(change, delta).said == "on 23 agents"
    asked = at.tenant.sandbox.state.calls[before:]
    assert {call["path"] for call in asked} == {"/computers/search"}
    assert len(asked) == 2


def test_applied_again_it_is_not_needed_and_nothing_is_written(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.apply(change)
    at.next_run()
    with pytest.raises(NotNeeded):
        at.apply(change)
    assert writes(at.tenant) == [ASSIGN]


@pytest.mark.parametrize(
    ("elsewhere", "why"),
    [
        ((WEB, LOG4J), "rules were assigned since: 12"),
        ((BASE, LOG4J), "rules were assigned since: 12"),
        ((WEB, STRUTS), "rules were assigned since: 11"),
    ],
)
def test_rules_that_somebody_assigned_in_between_make_it_stale(at: Shop, elsewhere: tuple[int, int], why: str) -> None:
    change = at.one((IN_WEB, ON_STRUTS), (IN_WEB, ON_NEEDS))
    at.somebody_assigns(*elsewhere)
    with pytest.raises(Stale, match=why):
        at.apply(change)
    assert at.hand.calls() == []


def test_rules_that_somebody_took_away_in_between_make_it_stale(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.tenant.seed("assignments", {"policyID": BASE, "assignedRuleIDs": []})
    with pytest.raises(Stale, match="rules were taken away since: 1"):
        at.apply(change)


def test_a_rule_that_brings_along_more_than_planned_makes_it_stale(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.tenant.seed("rules", shop.rule(STRUTS, ON_STRUTS, needs=(DEEPER,)))
    with pytest.raises(Stale, match="bring along more than was planned: 15"):
        at.apply(change)


@pytest.mark.parametrize("target", ["policy", "computer"])
def test_what_is_gone_makes_it_stale(at: Shop, target: str) -> None:
    change = at.one((IN_PAY, ON_STRUTS), target=target)
    del at.tenant.sandbox.state.tenants["main"].computers[IN_PAY]
    del at.tenant.sandbox.state.tenants["main"].policies[PAY]
    with pytest.raises(Stale, match=f"the {target} is gone"):
        at.apply(change)
    assert at.undo(change, {"added": [STRUTS], "detect": []}).said == f"nothing to take back: the {target} is gone"


def test_what_cannot_be_read_is_not_gone(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.tenant.fault("error", path=ASSIGNMENTS, times=1)
    with pytest.raises(Unavailable):
        at.apply(change)
    at.role(allPolicies=False, policyIDs=[])
    with pytest.raises(Unavailable, match="404"):
        at.undo(change, {"added": [STRUTS], "detect": []})


def test_another_computer_on_the_policy_holds_it(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.tenant.seed("computers", shop.computer(IN_OTHER, PAY))
    with pytest.raises(HeldBack, match="computers use the policy or one below it that did not when it was planned: 74"):
        at.apply(change)
    assert at.hand.calls() == []


def test_a_fleet_that_shrank_holds_it(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS), max_percent=75)
    del at.tenant.sandbox.state.tenants["main"].computers[IN_OTHER]
    with pytest.raises(HeldBack, match="3 of 3 computers use the policy or one below it, over max_percent: 75"):
        at.apply(change)


def test_a_role_that_was_narrowed_holds_it(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.role(allComputers=False, computerIDs=[IN_WEB])
    with pytest.raises(HeldBack, match="the key of tenant main does not see all computers and policies"):
        at.apply(change)


@pytest.mark.parametrize(("fault", "path"), [("access_denied", "/apikeys"), ("error", "/computers/search"), ("not_enabled", "/policies/search")])
def test_a_blast_radius_that_cannot_be_read_holds_it(at: Shop, fault: str, path: str) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.tenant.fault(fault, path=path)
    with pytest.raises(HeldBack, match="the blast radius cannot be read"):
        at.apply(change)
    assert at.hand.calls() == []


def test_a_key_without_a_role_holds_it(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.tenant.seed("api_key", {"key": KEY, "roleID": "?"})
    with pytest.raises(HeldBack, match="names no role"):
        at.apply(change)


@pytest.mark.parametrize("first", [WEB, PAY])
def test_a_policy_and_one_below_it_in_one_plan_whichever_comes_first(at: Shop, first: int) -> None:
    changes = at.plan((IN_WEB, ON_STRUTS), (IN_PAY, ON_STRUTS), (IN_PAY, ON_LOG4J))
    assert set(changes) == {f"main/policy/{WEB}", f"main/policy/{PAY}"}
    order = sorted(changes.values(), key=lambda change: change.before["policy"] != first)
    deltas: dict[int, Json] = {}
    for second, change in enumerate(order):
        at.later(second)
        deltas[change.before["policy"]] = at.apply(change).delta
    assert (direct(at.tenant, WEB), direct(at.tenant, PAY)) == ({STRUTS}, {LOG4J})
    assert {policy: delta["added"] for policy, delta in deltas.items()} == {WEB: [STRUTS], PAY: [LOG4J]}
    at.later()
    assert {at.verify(change, deltas[change.before["policy"]]).state for change in order} == {ActionState.VERIFIED}
    for change in order:
        at.undo(change, deltas[change.before["policy"]])
    assert (direct(at.tenant, WEB), direct(at.tenant, PAY)) == (set(), set())


def test_what_the_policy_above_was_to_bring_comes_along_where_it_is_first(at: Shop) -> None:
    """The rule that both need is taken back from where it came to stand."""
    at.tenant.seed("rules", shop.rule(LOG4J, ON_LOG4J, needs=(NEEDED,)))
    changes = at.plan((IN_WEB, ON_NEEDS), (IN_PAY, ON_LOG4J))
    below = changes[f"main/policy/{PAY}"]
    assert below.facts["dependencies"] == []
    delta = at.apply(below).delta
    assert delta["added"] == [LOG4J, NEEDED, DEEPER]
    at.undo(below, delta)
    assert direct(at.tenant, PAY) == set()


def test_undo_restores_what_was_there(at: Shop) -> None:
    at.tenant.seed("assignments", {"policyID": WEB, "assignedRuleIDs": [LOG4J]})
    change = at.one((IN_WEB, ON_NEEDS))
    delta = at.apply(change).delta
    at.next_run()
    undone = at.undo(change, delta)
    assert (undone.state, undone.said) == (ActionState.UNDONE, "3 rules taken away")
    assert direct(at.tenant, WEB) == {LOG4J}
    assert at.undo(change, delta).state is ActionState.UNDONE
    assert direct(at.tenant, WEB) == {LOG4J}


def test_undo_keeps_what_others_assigned_since(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    delta = at.apply(change).delta
    at.somebody_assigns(WEB, LOG4J)
    at.undo(change, delta)
    assert direct(at.tenant, WEB) == {LOG4J}


def test_undo_keeps_what_a_later_rule_of_others_needs(at: Shop) -> None:
    at.tenant.seed("rules", shop.rule(30, needs=(DEEPER,)))
    change = at.one((IN_WEB, ON_NEEDS))
    delta = at.apply(change).delta
    at.somebody_assigns(WEB, 30)
    undone = at.undo(change, delta)
    assert undone.said == "2 rules taken away; kept, because a rule that stays needs it: 15"
    assert direct(at.tenant, WEB) == {30, DEEPER}


def test_undo_keeps_what_a_rule_of_a_sub_policy_or_computer_needs(at: Shop) -> None:
    at.tenant.seed("rules", shop.rule(30, needs=(DEEPER,)), shop.rule(31, needs=(NEEDED,)), shop.rule(32, needs=(NEEDS,)))
    change = at.one((IN_WEB, ON_NEEDS))
    delta = at.apply(change).delta
    at.somebody_assigns(PAY, 30)
    at.next_run()
    assert at.undo(change, delta).said == "2 rules taken away; kept, because a rule that stays needs it: 15"
    at.somebody_assigns(WEB, NEEDS)
    at.tenant.seed("assignments", {"computerID": IN_WEB, "assignedRuleIDs": [31]})
    at.tenant.seed("computers", shop.computer(IN_WEB, WEB, (OLD, NEEDS, NEEDED, DEEPER, 31)), shop.computer(IN_WEB_TOO, WEB, (OLD, 32)))
    at.next_run()
    assert at.undo(change, delta).said == "1 rule taken away; kept, because a rule that stays needs it: 14, 15"
    assert direct(at.tenant, WEB) == {NEEDED, DEEPER}


def test_a_computer_gets_its_rules_itself(at: Shop) -> None:
    change = at.one((IN_WEB, ON_NEEDS), target="computer")
    delta = at.apply(change).delta
    own = at.tenant.sandbox.state.tenants["main"].own
    assert own["computers", IN_WEB] == {NEEDS, NEEDED, DEEPER}
    assert direct(at.tenant, WEB) == set()
    at.later()
    assert at.verify(change, delta).said == "on 1 agent"
    assert at.undo(change, delta).said == "3 rules taken away"
    assert own["computers", IN_WEB] == set()


def test_an_agent_that_lags_behind_its_policy_is_no_reason_to_wait(at: Shop) -> None:
    """What the policy will bring with the next sending counts as assigned already."""
    at.tenant.seed("computers", shop.computer(IN_WEB, WEB, ()))
    change = at.one((IN_WEB, ON_STRUTS), target="computer")
    assert change.before["assigned"] == [OLD]
    assert at.apply(change).delta["added"] == [STRUTS]


@pytest.mark.parametrize("fault", ["error", "reset", "malformed", "truncated"])
def test_a_write_that_took_effect_and_was_not_answered_is_found(at: Shop, fault: str) -> None:
    change = at.one((IN_WEB, ON_NEEDS))
    at.tenant.sandbox.state.faults.lay([msgspec.convert({"fault": fault, "path": ASSIGNMENTS, "method": "POST", "times": 1, "after": True}, Fault)])
    with pytest.raises(Uncertain):
        at.apply(change)
    found = at.apply(change, resumed=True)
    assert (found.state, found.said) == (ActionState.APPLIED, "3 rules assigned")
    assert (found.delta["added"], found.delta["sent"]) == ([NEEDS, NEEDED, DEEPER], {})
    assert writes(at.tenant) == [ASSIGN]
    at.later()
    assert at.verify(change, found.delta).state is ActionState.VERIFIED


def test_a_write_that_did_not_take_effect_is_made_when_resumed(at: Shop) -> None:
    change = at.one((IN_WEB, ON_NEEDS))
    at.tenant.fault("error", path=ASSIGNMENTS, times=2)
    with pytest.raises(Uncertain):
        at.apply(change, resumed=True)
    at.tenant.sandbox.state.faults.lift()
    at.next_run()
    made = at.apply(change, resumed=True)
    assert (made.delta["added"], made.delta["sent"]) == ([NEEDS, NEEDED, DEEPER], {})


def test_a_resumed_change_does_not_claim_what_is_not_its_own(at: Shop) -> None:
    """Both the change and the policy above have the rule now: only what is assigned directly is taken back."""
    change = at.one((IN_WEB, ON_STRUTS))
    at.somebody_assigns(BASE, STRUTS)
    found = at.apply(change, resumed=True)
    assert found.delta["added"] == []
    at.undo(change, found.delta)
    assert direct(at.tenant, BASE) == {OLD, STRUTS}


def test_a_resumed_change_that_cannot_be_looked_at_stays_uncertain(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.tenant.fault("access_denied", path="/apikeys")
    with pytest.raises(Uncertain, match="not known what an earlier attempt did"):
        at.apply(change, resumed=True)
    assert at.hand.calls() == []


def test_a_resumed_change_is_stale_too(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.somebody_assigns(WEB, LOG4J)
    with pytest.raises(Stale):
        at.apply(change, resumed=True)


def test_a_key_that_may_not_edit_is_denied_by_the_right(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.role(rights={"platformRights": {"policyRights": {"canEditPolicyProperties": False}}})
    with pytest.raises(Denied) as denied:
        at.apply(change)
    assert denied.value.permission == "platformRights.policyRights.canEditPolicyProperties"
    assert denied.value.permission in ACTION.rights


def test_a_rule_that_is_withdrawn_fails_the_change_before_anything_is_written(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    gone = replace(change, after={**change.after, "assigned_too": [STRUTS, 404]})
    with pytest.raises(Unavailable, match="/intrusionpreventionrules/404"):
        at.apply(gone)
    assert direct(at.tenant, WEB) == set()


def test_every_read_of_a_run_is_shared(at: Shop) -> None:
    """Two policies, one look at the role, at the policies and at the computers."""
    changes = at.plan((IN_WEB, ON_STRUTS), (IN_OTHER, ON_LOG4J))
    at.tenant.sandbox.state.calls.clear()
    for change in changes.values():
        at.apply(change)
    paths = at.tenant.paths()
    assert (paths.count("/apikeys/current"), paths.count("/policies/search"), paths.count("/computers/search")) == (1, 2, 2)
