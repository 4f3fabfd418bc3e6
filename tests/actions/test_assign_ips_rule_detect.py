from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from reporter.actions.assign_ips_rule import ACTION
from reporter.core.action import Held as HeldBack
from reporter.core.action import NotNeeded, Refused, Stale, Uncertain
from reporter.core.change import ActionState, Change, Outcome
from reporter.core.errors import Denied
from reporter.core.past import Deed, Past
from reporter.core.world import World
from reporter.sandbox.wp.faults import Fault
from tests.actions import shop
from tests.actions.hands import Held, held
from tests.actions.shop import (
    BASE,
    DEEPER,
    IN_OTHER,
    IN_WEB,
    LOG4J,
    MILLIS,
    NEEDED,
    NEEDS,
    OLD,
    ON_LOG4J,
    ON_NEEDS,
    ON_STRUTS,
    PAY,
    STRUTS,
    WEB,
    asking,
    deed,
    direct,
    overrides,
    writes,
)
from tests.clients.wp_sandbox import Tenant, tenant
from tests.joins.made import permuted, tenant_denied, world

__all__ = ["tenant"]

RULES = f"/policies/{WEB}/intrusionprevention/rules"
ASSIGNMENTS = f"/policies/{WEB}/intrusionprevention/assignments"
DETECT = {"detectOnly": True}


@dataclass
class Shop:
    """The tenant of tests.actions.shop, where rules start in detect, and this run's hand on it."""

    tenant: Tenant
    hand: Held

    def plan(self, *findings: tuple[int, str], past: Past | None = None, **settings: Any) -> dict[str, Change]:
        """Changes by target, as they come back from the journal."""
        return by_target(ACTION.plan(shop.read(self.tenant, *findings), past or Past(), asking(**{"start": "detect", **settings})))

    def one(self, *findings: tuple[int, str], **settings: Any) -> Change:
        (change,) = self.plan(*findings, **settings).values()
        assert change.held == ""
        return change

    def apply(self, change: Change, *, resumed: bool = False) -> Outcome:
        return ACTION.apply(change, self.hand.hand, resumed)

    def made(self, *findings: tuple[int, str], days: float = 14, state: ActionState = ActionState.VERIFIED, **settings: Any) -> Deed:
        """A change that was applied so many days ago, in detect."""
        change = self.one(*findings, **settings)
        return deed(change, state, self.apply(change).delta, days=days)

    def promotion(self, *deeds: Deed, **settings: Any) -> Change:
        (change,) = self.plan(past=Past(deeds), **settings).values()
        assert change.held == ""
        return change

    def next_run(self) -> None:
        """Another process: nothing is remembered."""
        self.hand = held(wp={"main": self.tenant.client()})

    def fault(self, **fault: Any) -> None:
        self.tenant.sandbox.state.faults.lay([msgspec.convert(fault, Fault)])

    def override(self, policy: int, rule_id: int, **values: Any) -> None:
        self.tenant.seed("rule_overrides", {"policyID": policy, "ruleID": rule_id, **values})


@pytest.fixture
def at(tenant: Tenant) -> Shop:
    shop.seed(tenant)
    return Shop(tenant, held(wp={"main": tenant.client()}))


def by_target(changes: Any) -> dict[str, Change]:
    return {change.target: Change.of(json.loads(json.dumps(change.as_json()))) for change in changes}


def test_a_rule_is_set_to_detect_before_it_is_assigned(at: Shop) -> None:
    change = at.one((IN_WEB, ON_NEEDS))
    assert change.after["mode"] == "detect"
    outcome = at.apply(change)
    assert writes(at.tenant) == [f"POST {RULES}/{NEEDS}", f"POST {RULES}/{NEEDED}", f"POST {RULES}/{DEEPER}", f"POST {ASSIGNMENTS}"]
    assert overrides(at.tenant, WEB) == {NEEDS: DETECT, NEEDED: DETECT, DEEPER: DETECT}
    assert outcome.said == "3 rules assigned, 2 of them because others need them, in detect"
    assert (outcome.delta["added"], outcome.delta["detect"]) == ([NEEDS, NEEDED, DEEPER], [NEEDS, NEEDED, DEEPER])


def test_the_sandbox_shows_an_override_of_a_rule_that_is_not_assigned(at: Shop) -> None:
    at.tenant.client().write("POST", f"{RULES}/{STRUTS}", DETECT, right="", repeatable=True)
    reader = at.tenant.reader()
    assert reader.get(f"{RULES}/{STRUTS}", right="")["detectOnly"] is True
    assert reader.get(f"{RULES}/{STRUTS}", right="", overrides="true") == {"ID": STRUTS, "detectOnly": True}
    assert [rule["ID"] for rule in reader.get(RULES, right="")["intrusionPreventionRules"]] == [OLD]


def test_undo_takes_away_the_rules_and_then_the_override(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    delta = at.apply(change).delta
    before = len(writes(at.tenant))
    assert ACTION.undo(change, delta, at.hand.hand).state is ActionState.UNDONE
    assert writes(at.tenant)[before:] == [f"DELETE {ASSIGNMENTS}/{STRUTS}", f"DELETE {RULES}/{STRUTS}"]
    assert (direct(at.tenant, WEB), overrides(at.tenant, WEB)) == (set(), {})


@pytest.mark.parametrize("others", [{"detectOnly": False}, {"detectOnly": True, "priority": "high"}])
@pytest.mark.parametrize("with_id", ["with", "without"])
def test_undo_keeps_an_override_that_others_changed(at: Shop, others: dict[str, Any], with_id: str) -> None:
    at.tenant.sandbox.state.turn({"overrides_id": with_id})
    change = at.one((IN_WEB, ON_STRUTS), (IN_WEB, ON_LOG4J))
    delta = at.apply(change).delta
    at.override(WEB, STRUTS, **others)
    ACTION.undo(change, delta, at.hand.hand)
    assert overrides(at.tenant, WEB) == {STRUTS: others}


def test_where_an_override_is_refused_before_the_assignment_nothing_is_assigned(at: Shop) -> None:
    change = at.one((IN_WEB, ON_NEEDS))
    at.fault(fault="not_enabled", path=f"{RULES}/{NEEDED}", method="POST")
    with pytest.raises(Refused, match="nothing was assigned, as the rule cannot be set to detect before"):
        at.apply(change)
    assert (direct(at.tenant, WEB), overrides(at.tenant, WEB)) == (set(), {})


@pytest.mark.parametrize(("fault", "error"), [("not_enabled", Refused), ("access_denied", Denied)])
def test_where_the_assignment_is_refused_the_overrides_are_taken_back(at: Shop, fault: str, error: type[Exception]) -> None:
    change = at.one((IN_WEB, ON_NEEDS))
    at.fault(fault=fault, path=ASSIGNMENTS, method="POST")
    with pytest.raises(error):
        at.apply(change)
    assert overrides(at.tenant, WEB) == {}


def test_settings_that_others_gave_the_rule_there_make_it_stale(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.override(WEB, STRUTS, detectOnly=False)
    with pytest.raises(Stale, match="rules have settings of their own there: 11"):
        at.apply(change)


def test_an_override_that_stood_there_before_is_not_ours(at: Shop) -> None:
    at.override(WEB, STRUTS, **DETECT)
    change = at.one((IN_WEB, ON_STRUTS))
    delta = at.apply(change).delta
    assert (delta["added"], delta["detect"]) == ([STRUTS], [])
    ACTION.undo(change, delta, at.hand.hand)
    assert overrides(at.tenant, WEB) == {STRUTS: DETECT}


def test_a_sub_policy_that_got_the_rule_in_between_holds_it(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.tenant.seed("assignments", {"policyID": PAY, "assignedRuleIDs": [STRUTS]})
    with pytest.raises(HeldBack, match="Pay, which is below it, has one of the rules already"):
        at.apply(change)


@pytest.mark.parametrize("fault", ["error", "reset"])
@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("path", [f"{RULES}/{NEEDS}", f"{RULES}/{DEEPER}", ASSIGNMENTS])
def test_a_crash_at_any_write_is_completed_without_repeating_one(at: Shop, fault: str, after: bool, path: str) -> None:
    change = at.one((IN_WEB, ON_NEEDS))
    at.fault(fault=fault, path=path, method="POST", times=1, after=after)
    with pytest.raises(Uncertain):
        at.apply(change)
    at.next_run()
    outcome = at.apply(change, resumed=True)
    assert (outcome.delta["added"], outcome.delta["detect"]) == ([NEEDS, NEEDED, DEEPER], [NEEDS, NEEDED, DEEPER])
    assert overrides(at.tenant, WEB) == {NEEDS: DETECT, NEEDED: DETECT, DEEPER: DETECT}
    assert len(writes(at.tenant)) == (4 if after else 5)
    ACTION.undo(change, outcome.delta, at.hand.hand)
    assert (direct(at.tenant, WEB), overrides(at.tenant, WEB)) == (set(), {})


def test_a_resumed_change_that_became_stale_leaves_no_override(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS))
    at.fault(fault="error", path=ASSIGNMENTS, method="POST", times=1)
    with pytest.raises(Uncertain):
        at.apply(change)
    at.tenant.seed("assignments", {"policyID": WEB, "assignedRuleIDs": [LOG4J]})
    with pytest.raises(Stale):
        at.apply(change, resumed=True)
    assert overrides(at.tenant, WEB) == {}


def test_a_computer_has_its_rule_in_detect_itself(at: Shop) -> None:
    change = at.one((IN_WEB, ON_STRUTS), target="computer")
    at.apply(change)
    assert at.tenant.sandbox.state.tenants["main"].overrides["computers", IN_WEB] == {STRUTS: DETECT}


def test_after_the_days_prevent_is_proposed(at: Shop) -> None:
    earlier = at.made((IN_WEB, ON_NEEDS), days=14)
    change = at.promotion(earlier)
    assert change.target == f"main/policy/{WEB}/promote"
    assert change.subjects == (f"main/policy/{WEB}",)
    assert (change.before["policy"], change.before["detect"]) == (WEB, [NEEDS, NEEDED, DEEPER])
    assert change.after == {"prevent": [NEEDS, NEEDED, DEEPER], "mode": "prevent"}
    assert (change.severity, change.reason) == ("HIGH", "3 rules in detect for 14 days")
    assert (change.facts["cves"], change.facts["deeds"], change.facts["since"]) == ([ON_NEEDS], [earlier.id], "2026-11-10T03:00:00Z")
    assert (change.facts["computers"], change.facts["sub_policies"]) == (3, ["Pay"])


@pytest.fixture
def both(at: Shop) -> tuple[Shop, Deed]:
    """A policy with two rules in detect since 20 days."""
    return at, at.made((IN_WEB, ON_STRUTS), (IN_WEB, ON_LOG4J), days=20)


def test_of_two_deeds_on_one_policy_one_change_is_made(at: Shop) -> None:
    first = at.made((IN_WEB, ON_STRUTS), days=30)
    second = at.made((IN_WEB, ON_LOG4J), days=16)
    other = Deed(**{**vars(second), "id": "main-000006/0001"})
    change = at.promotion(first, other)
    assert change.after["prevent"] == [STRUTS, LOG4J]
    assert (change.reason, change.facts["deeds"]) == ("2 rules in detect for 30 days", ["main-000006/0001", first.id])


@pytest.mark.parametrize(
    ("days", "state", "settings"),
    [
        (13.9, ActionState.VERIFIED, {}),
        (14, ActionState.VERIFIED, {"promote_after_days": 15}),
        (14, ActionState.PENDING, {}),
        (14, ActionState.UNDONE, {}),
        (14, ActionState.FAILED, {}),
    ],
)
def test_before_the_days_or_without_a_deed_that_stands_nothing_is_proposed(
    at: Shop, days: float, state: ActionState, settings: dict[str, Any]
) -> None:
    assert at.plan(past=Past((at.made((IN_WEB, ON_STRUTS), days=days, state=state),)), **settings) == {}


def test_rules_that_were_assigned_as_they_come_are_not_promoted(at: Shop) -> None:
    assert at.plan(past=Past((at.made((IN_WEB, ON_STRUTS), start="inherit"),))) == {}


def test_only_rules_that_are_still_in_detect_there_are_promoted(both: tuple[Shop, Deed]) -> None:
    at, earlier = both
    del at.tenant.sandbox.state.tenants["main"].overrides["policies", WEB][STRUTS]
    assert at.promotion(earlier).after["prevent"] == [LOG4J]
    at.tenant.seed("assignments", {"policyID": WEB, "assignedRuleIDs": []})
    assert at.plan(past=Past((earlier,))) == {}


def test_what_a_later_deed_promoted_is_not_promoted_again(both: tuple[Shop, Deed]) -> None:
    at, earlier = both
    promotion = at.promotion(earlier)
    assert at.plan(past=Past((earlier, deed(promotion, None, days=1)))) == {}
    assert set(at.plan(past=Past((earlier, deed(promotion, ActionState.UNDONE, days=1))))) == {promotion.target}
    assert set(at.plan(past=Past((deed(promotion, days=30), earlier)))) == {promotion.target}


@pytest.mark.parametrize(
    ("settings", "held"),
    [({"max_percent": 74}, "over max_percent: 74"), ({"max_computers": 2}, "over max_computers: 2")],
)
def test_a_promotion_has_the_same_limits(both: tuple[Shop, Deed], settings: dict[str, int], held: str) -> None:
    at, earlier = both
    (change,) = at.plan(past=Past((earlier,)), **settings).values()
    assert held in change.held


def test_a_promotion_is_held_where_the_tenant_was_not_read(both: tuple[Shop, Deed]) -> None:
    at, earlier = both
    given = shop.read(at.tenant)
    blind = World({name: frame for name, frame in given.tables.items() if name.startswith("wp_ro")}, given.ledger, given.settings, given.now)

    unread = World(blind.tables, world(unread=tenant_denied("wp_policies")).ledger, given.settings, given.now)
    (change,) = ACTION.plan(unread, Past((earlier,)), asking())
    assert (change.held, change.after["prevent"]) == ("wp_policies of tenant main was not read", [STRUTS, LOG4J])


def test_promotion_takes_the_overrides_away_and_is_seen_on_the_agents(both: tuple[Shop, Deed]) -> None:
    at, earlier = both
    at.tenant.sandbox.state.turn({"policy_delay": 30.0})
    change = at.promotion(earlier)
    before = len(writes(at.tenant))
    outcome = at.apply(change)
    assert writes(at.tenant)[before:] == [f"DELETE {RULES}/{STRUTS}", f"DELETE {RULES}/{LOG4J}"]
    assert (outcome.said, outcome.delta["prevent"], overrides(at.tenant, WEB)) == ("2 rules set to prevent", [STRUTS, LOG4J], {})
    assert ACTION.verify(change, outcome.delta, at.hand.hand).said == "not yet on 3 of 3 agents online"
    at.tenant.sandbox.state.turn({"now": MILLIS + 60_000})
    seen = ACTION.verify(change, outcome.delta, at.hand.hand)
    assert (seen.state, seen.said) == (ActionState.VERIFIED, "on 3 agents")


def test_a_rule_that_still_only_detects_is_not_verified(both: tuple[Shop, Deed]) -> None:
    at, earlier = both
    change = at.promotion(earlier)
    delta = at.apply(change).delta
    at.override(BASE, STRUTS, **DETECT)
    seen = ACTION.verify(change, delta, at.hand.hand)
    assert (seen.state, seen.said) == (ActionState.APPLIED, "still only detect, by themselves or by a policy above: 11")


def test_undo_of_a_promotion_sets_detect_again(both: tuple[Shop, Deed]) -> None:
    at, earlier = both
    change = at.promotion(earlier)
    delta = at.apply(change).delta
    undone = ACTION.undo(change, delta, at.hand.hand)
    assert (undone.state, undone.said) == (ActionState.UNDONE, "2 rules set to detect again")
    assert overrides(at.tenant, WEB) == {STRUTS: DETECT, LOG4J: DETECT}
    before = len(writes(at.tenant))
    assert ACTION.undo(change, delta, at.hand.hand).said == "2 rules set to detect again"
    assert writes(at.tenant)[before:] == []


def test_undo_of_a_promotion_keeps_what_others_made_of_it(both: tuple[Shop, Deed]) -> None:
    at, earlier = both
    change = at.promotion(earlier)
    delta = at.apply(change).delta
    at.override(WEB, STRUTS, detectOnly=False)
    at.tenant.seed("assignments", {"policyID": WEB, "assignedRuleIDs": [STRUTS]})
    undone = ACTION.undo(change, delta, at.hand.hand)
    assert undone.said == "0 rules set to detect again; left as others made them since: 11, 12"
    assert overrides(at.tenant, WEB) == {STRUTS: {"detectOnly": False}}


@pytest.mark.parametrize(
    ("since", "error"),
    [({STRUTS: {"detectOnly": False}}, Stale), ({STRUTS: None}, Stale), ({STRUTS: None, LOG4J: None}, NotNeeded)],
)
def test_a_promotion_is_made_only_of_what_is_as_we_left_it(
    both: tuple[Shop, Deed], since: dict[int, dict[str, Any] | None], error: type[Exception]
) -> None:
    at, earlier = both
    change = at.promotion(earlier)
    there = at.tenant.sandbox.state.tenants["main"].overrides["policies", WEB]
    for rule_id, values in since.items():
        there.pop(rule_id)
        if values is not None:
            there[rule_id] = values
    before = len(writes(at.tenant))
    with pytest.raises(error):
        at.apply(change)
    assert writes(at.tenant)[before:] == []


def test_a_promotion_of_a_rule_that_is_no_longer_assigned_is_stale(both: tuple[Shop, Deed]) -> None:
    at, earlier = both
    change = at.promotion(earlier)
    at.tenant.seed("assignments", {"policyID": WEB, "assignedRuleIDs": [STRUTS]})
    with pytest.raises(Stale, match="no longer assigned: 12"):
        at.apply(change)


def test_a_promotion_looks_at_the_blast_radius_again(both: tuple[Shop, Deed]) -> None:
    at, earlier = both
    change = at.promotion(earlier)
    at.next_run()
    at.tenant.seed("computers", shop.computer(IN_OTHER, PAY))
    with pytest.raises(HeldBack):
        at.apply(change)


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("rule_id", [STRUTS, LOG4J])
def test_a_promotion_that_crashed_is_completed(both: tuple[Shop, Deed], after: bool, rule_id: int) -> None:
    at, earlier = both
    change = at.promotion(earlier)
    at.fault(fault="error", path=f"{RULES}/{rule_id}", method="DELETE", times=1, after=after)
    before = len(writes(at.tenant))
    with pytest.raises(Uncertain):
        at.apply(change)
    at.next_run()
    outcome = at.apply(change, resumed=True)
    assert (outcome.delta, overrides(at.tenant, WEB)) == ({"prevent": [STRUTS, LOG4J], "sent": {}}, {})
    assert len(writes(at.tenant)[before:]) == (2 if after else 3)


def test_a_promotion_that_is_resumed_looks_at_the_blast_radius_unless_it_is_done_in_part(both: tuple[Shop, Deed]) -> None:
    at, earlier = both
    change = at.promotion(earlier)
    at.next_run()
    at.tenant.seed("computers", shop.computer(IN_OTHER, PAY))
    with pytest.raises(HeldBack):
        at.apply(change, resumed=True)
    at.tenant.fault("access_denied", path="/apikeys", times=1)
    at.next_run()
    with pytest.raises(Uncertain, match="not known what an earlier attempt did"):
        at.apply(change, resumed=True)
    at.fault(fault="error", path=f"{RULES}/{LOG4J}", method="DELETE", times=1)
    del at.tenant.sandbox.state.tenants["main"].overrides["policies", WEB][STRUTS]
    with pytest.raises(Uncertain):
        at.apply(change, resumed=True)
    assert at.apply(change, resumed=True).delta["prevent"] == [STRUTS, LOG4J]


def test_a_computer_is_promoted_for_itself(at: Shop) -> None:
    earlier = at.made((IN_WEB, ON_STRUTS), target="computer")
    at.tenant.sandbox.state.turn({"now": MILLIS + 60_000})
    change = at.promotion(earlier, max_percent=0)
    assert (change.target, change.before["computer"], change.held) == (f"main/computer/{IN_WEB}/promote", IN_WEB, "")
    at.apply(change)
    assert at.tenant.sandbox.state.tenants["main"].overrides["computers", IN_WEB] == {}
    shop.read(at.tenant)  # the policy arrives
    at.tenant.seed("computers", shop.computer(IN_WEB, WEB, (OLD,)))
    assert at.plan(past=Past((earlier,))) == {}
    del at.tenant.sandbox.state.tenants["main"].computers[IN_WEB]
    assert at.plan(past=Past((earlier,))) == {}


def test_permuted_rows_give_the_same_promotion(both: tuple[Shop, Deed]) -> None:

    at, earlier = both
    given = shop.read(at.tenant, (IN_WEB, ON_NEEDS))
    past = Past((earlier,))
    wanted = list(ACTION.plan(given, past, asking()))
    assert {change.target for change in wanted} == {f"main/policy/{WEB}", f"main/policy/{WEB}/promote"}
    assert all(list(ACTION.plan(permuted(given, number), past, asking())) == wanted for number in range(5))
