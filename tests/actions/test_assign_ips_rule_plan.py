from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.actions.assign_ips_rule import ACTION
from reporter.core.change import ActionState, Change
from reporter.core.past import Past
from reporter.core.scope import ScopeState
from reporter.core.world import World
from reporter.schedule import Actions
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import INSPECTOR_FINDINGS
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES, WP_ROLES, WP_RULES
from tests.actions import shop
from tests.actions.shop import BASE, IN_PAY, IN_WEB, IN_WEB_TOO, LOG4J, NEEDS, ON_LOG4J, ON_NEEDS, ON_STRUTS, PAY, STRUTS, WEB, asking, deed
from tests.clients.wp_sandbox import Tenant, tenant
from tests.examples import examples
from tests.joins.made import MAIN, computer, machine, package, permuted, policy, row, rule, tenant_denied, world

__all__ = ["tenant"]

CVE = "CVE-2024-0001"
I1, I2, I3 = "i-0000000000000001", "i-0000000000000002", "i-0000000000000003"


def made(
    computers: Any = None,
    policies: Any = None,
    rules: Any = None,
    findings: Any = None,
    unread: Any = None,
    roles: Any = None,
    hosts: Any = (I1, I2, I3),
) -> World:
    """Computers 1 and 2 on policy 9 and computer 3 on policy 10 below it; one finding on the first; rule 11 is for it."""
    tables: list[Any] = [
        (EC2_INSTANCES, [machine(host) for host in hosts]),
        (INSPECTOR_FINDINGS, findings or [package(1, I1, CVE)]),
        (WP_RULES, rules if rules is not None else [rule(11)]),
        (WP_POLICIES, policies if policies is not None else [policy(1, auto_requires_update=True), below()]),
        (WP_COMPUTERS, computers if computers is not None else [computer(1, I1), computer(2, I2), computer(3, I3, policy_id=10)]),
    ]
    if roles is not None:
        tables.append((WP_ROLES, roles))
    return shop.joined(world(*tables, unread=unread))


def below(policy_id: int = 10, parent: int = 9, *rules: int, **values: Any) -> Any:
    return policy(1, *rules, policy_id=policy_id, parent_id=parent, name=f"Sub {policy_id}", **values)


def plan(given: World, past: Past | None = None, chosen: Actions | None = None) -> list[Change]:
    return list(ACTION.plan(given, past or Past(), chosen or asking()))


def only(given: World, past: Past | None = None, chosen: Actions | None = None) -> Change:
    (change,) = plan(given, past, chosen)
    return change


def test_a_world_without_virtual_patches_asks_for_nothing() -> None:
    assert plan(world()) == []


def test_one_change_for_a_policy_has_all_rules_of_all_its_cves(tenant: Tenant) -> None:
    shop.seed(tenant)
    change = only(shop.read(tenant, (IN_WEB, ON_STRUTS), (IN_WEB_TOO, ON_LOG4J), (IN_WEB_TOO, ON_STRUTS), severity={ON_LOG4J: "CRITICAL"}))
    assert (change.target, change.account, change.region, change.subjects) == (f"main/policy/{WEB}", "main", "-", (f"main/policy/{WEB}",))
    assert change.after == {"assigned_too": [STRUTS, LOG4J], "identifiers": ["1000011", "1000012"], "mode": "inherit"}
    assert (change.severity, change.reason, change.held) == ("CRITICAL", "2 rules for 2 CVEs on 2 instances", "")
    assert change.facts["cves"] == [ON_STRUTS, ON_LOG4J]
    assert change.facts["instances"] == [shop.instance(IN_WEB), shop.instance(IN_WEB_TOO)]
    assert len(change.facts["findings"]) == 3


def test_the_blast_radius_has_the_computers_of_all_sub_policies(tenant: Tenant) -> None:
    shop.seed(tenant)
    change = only(shop.read(tenant, (IN_WEB, ON_STRUTS)))
    sent = shop.MILLIS - 3_599_500
    assert change.before == {
        "policy": WEB,
        "name": "Web",
        "ips_state": "prevent",
        "assigned": [shop.OLD],
        "policies": [WEB, PAY],
        "computers": [IN_WEB, IN_WEB_TOO, IN_PAY],
        "sent": {str(IN_WEB): sent, str(IN_WEB_TOO): sent, str(IN_PAY): sent},
    }
    assert {name: change.facts[name] for name in ("computers", "fleet", "percent", "sub_policies", "auto_send", "limits", "rules_after_most")} == {
        "computers": 3,
        "fleet": 4,
        "percent": 75.0,
        "sub_policies": ["Pay"],
        "auto_send": True,
        "limits": {"max_percent": 100, "max_computers": 500},
        "rules_after_most": 2,
    }


def test_what_a_rule_brings_along_is_listed_and_counted(tenant: Tenant) -> None:
    shop.seed(tenant)
    change = only(shop.read(tenant, (IN_WEB, ON_NEEDS)))
    assert change.after["assigned_too"] == [NEEDS]
    assert (change.facts["dependencies"], change.facts["dependency_rules"]) == ([shop.NEEDED, shop.DEEPER], ["1000014", "1000015"])
    assert change.facts["rules_after_most"] == 4


def test_a_rule_that_the_change_above_brings_is_not_asked_for_again_below(tenant: Tenant) -> None:
    shop.seed(tenant)
    tenant.seed("computers", shop.computer(75, BASE))
    found = shop.read(tenant, (75, ON_STRUTS), (IN_PAY, ON_STRUTS), (IN_PAY, ON_LOG4J), (IN_WEB, ON_STRUTS), severity={ON_LOG4J: "LOW"})
    changes = {change.target: change for change in plan(found)}
    assert {target: change.after["assigned_too"] for target, change in changes.items()} == {
        f"main/policy/{BASE}": [STRUTS],
        f"main/policy/{PAY}": [LOG4J],
    }
    top, low = changes[f"main/policy/{BASE}"], changes[f"main/policy/{PAY}"]
    assert top.facts["for_sub_policies"] == {"Pay": [ON_STRUTS], "Web": [ON_STRUTS]}
    assert (len(top.facts["findings"]), top.facts["instances"]) == (3, [shop.instance(number) for number in (IN_WEB, IN_PAY, 75)])
    assert (low.facts["from_above"], low.facts["cves"], low.severity) == ([STRUTS], [ON_LOG4J], "LOW")


def test_the_worst_finding_below_gives_the_severity_of_the_change_above(tenant: Tenant) -> None:
    shop.seed(tenant)
    tenant.seed("rules", shop.rule(STRUTS, ON_STRUTS, "CVE-2020-0001"))
    change = only(shop.read(tenant, (IN_WEB, ON_STRUTS), (IN_PAY, "CVE-2020-0001"), severity={ON_STRUTS: "LOW", "CVE-2020-0001": "CRITICAL"}))
    assert (change.target, change.severity, change.facts["cves"]) == (f"main/policy/{WEB}", "CRITICAL", [ON_STRUTS, "CVE-2020-0001"])


def test_a_change_above_that_is_held_brings_nothing() -> None:
    policies = [policy(1), below()]
    rules = [rule(11), rule(12, "CVE-2024-0002", identifier="1000012"), rule(13, "CVE-2024-0002", identifier="1000012")]
    findings = [package(1, I1, CVE), package(2, I1, "CVE-2024-0002"), package(3, I3, CVE)]
    changes = {change.target: change for change in plan(made(policies=policies, rules=rules, findings=findings))}
    assert changes["main/policy/9"].held == "the rule 1000012 stands for 2 rules of the tenant"
    assert (changes["main/policy/10"].held, changes["main/policy/10"].after["assigned_too"]) == ("", [11])


def test_rules_above_count_into_what_a_computer_below_would_have() -> None:
    policies = [policy(*range(1000, 1297)), below(10, 9)]
    rules = [rule(11), rule(12, "CVE-2024-0002"), rule(13, "CVE-2024-0003")]
    findings = [package(1, I1, CVE), package(2, I1, "CVE-2024-0002"), package(3, I3, "CVE-2024-0003")]
    computers = [computer(1, I1), computer(3, I3, policy_id=10, ips_rule_ids=tuple(range(1000, 1297)))]
    changes = {change.target: change for change in plan(made(computers, policies, rules, findings))}
    assert (changes["main/policy/9"].facts["rules_after_most"], changes["main/policy/9"].held) == (300, "")
    assert changes["main/policy/10"].facts["rules_after_most"] == 301
    assert changes["main/policy/10"].held == "a computer would have 301 IPS rules, over the 300 that the vendor advises"


@pytest.mark.parametrize("source", ["wp_computers", "wp_policies", "wp_rules"])
def test_nothing_is_changed_where_the_tenant_was_not_read_whole(source: str) -> None:
    given = made()
    unread = World(given.tables, world(unread=tenant_denied(source)).ledger, given.settings, given.now)
    assert only(unread).held == f"{source} of tenant main was not read"


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({"all_computers": False, "all_policies": True}, "not known to see all computers"),
        ({"all_computers": True, "all_policies": None}, "not known to see all policies"),
    ],
)
@pytest.mark.parametrize("target", ["policy", "computer"])
def test_a_key_that_may_not_see_everything_cannot_know_the_blast_radius(seen: dict[str, Any], why: str, target: str) -> None:
    change = only(made(roles=[row(WP_ROLES, tenant=MAIN, **seen)]), chosen=asking(target=target))
    assert why in change.held


def test_a_role_that_was_not_read_holds_everything() -> None:
    given = made()
    tables = {name: frame for name, frame in given.tables.items() if name != WP_ROLES.name}
    held = only(World(tables, given.ledger, given.settings, given.now)).held
    assert held.count("the blast radius cannot be read") == 2


@pytest.mark.parametrize(
    ("limits", "held"),
    [
        ({"max_percent": 66}, "2 of 3 computers use the policy or one below it, over max_percent: 66"),
        ({"max_percent": 67}, ""),
        ({"max_computers": 1}, "2 computers use the policy or one below it, over max_computers: 1"),
        ({"max_computers": 2}, ""),
    ],
)
def test_too_many_computers_hold_the_change(limits: dict[str, int], held: str) -> None:
    given = made(computers=[computer(1, I1), computer(2, I2), computer(3, I3, policy_id=20)], policies=[policy(1), policy(1, policy_id=20)])
    assert only(given, chosen=asking(**limits)).held == held


def test_a_computer_is_its_own_target_and_no_share_of_the_fleet() -> None:
    change = only(made(computers=[computer(1, I1, display_name="till", ips_rule_ids=(7,))]), chosen=asking(target="computer", max_percent=0))
    assert (change.target, change.held) == ("main/computer/1", "")
    assert {name: change.before[name] for name in ("computer", "name", "assigned", "computers", "policies")} == {
        "computer": 1,
        "name": "till",
        "assigned": [1, 7],
        "computers": [1],
        "policies": [],
    }
    assert (change.facts["limits"], change.facts["auto_send"]) == ({}, True)


def test_a_computer_has_at_most_as_many_rules_as_the_vendor_advises() -> None:
    crowded = computer(1, I1, ips_rule_ids=tuple(range(1000, 1299)))
    given = made(computers=[crowded])
    assert "would have 301 IPS rules" in only(given, chosen=asking(target="computer")).held


def test_an_instance_without_a_policy_is_held_for_itself() -> None:
    given = made(computers=[computer(1, I1, policy_id=None)])
    assert (only(given).target, only(given).held) == ("main/computer/1", "the computer has no policy, and assign_ips_rule.target is policy")
    assert only(given, chosen=asking(target="computer")).held == ""


def test_a_policy_that_is_not_among_those_read_is_held() -> None:
    given = made()
    tables = {**given.tables, WP_POLICIES.name: WP_POLICIES.frame([policy(1, policy_id=77)])}
    change = only(World(tables, given.ledger, given.settings, given.now))
    assert (change.held, change.before["name"]) == ("the policy is not among those read", "policy 9")


def test_an_identifier_that_stands_for_no_rule_is_held() -> None:
    given = made()
    tables = {**given.tables, WP_RULES.name: WP_RULES.frame([rule(77)])}
    change = only(World(tables, given.ledger, given.settings, given.now))
    assert change.held == "the rule 1000011 stands for no rules of the tenant"
    assert (change.after["assigned_too"], change.after["identifiers"], change.facts["cves"]) == ([], ["1000011"], [CVE])


def test_a_custom_rule_without_an_identifier_is_called_by_its_id() -> None:
    assert only(made(rules=[rule(11, type="custom", identifier=None)])).after == {"assigned_too": [11], "identifiers": ["id 11"], "mode": "inherit"}


def test_a_rule_that_would_bring_an_unknown_one_is_held() -> None:
    held = only(made(rules=[rule(11, depends_on=(99,))])).held
    assert held == "the rule with id 99 would come along, and the tenant's catalogue does not have it"


def test_ids_of_one_tenant_say_nothing_of_another() -> None:
    """The same identifier has another id in the other tenant, and that tenant's computers are no part of this one's fleet."""
    given = made(rules=[rule(11), rule(55, identifier="1000011", tenant="other")])
    more = {**given.tables, WP_COMPUTERS.name: WP_COMPUTERS.frame([computer(1, I1), computer(2, I2), computer(1, None, tenant="other")])}
    change = only(World(more, given.ledger, given.settings, given.now))
    assert (change.held, change.after["assigned_too"], change.facts["fleet"]) == ("", [11], 2)


def test_a_module_that_is_off_is_said_and_holds_nothing() -> None:
    change = only(made(policies=[policy(1, ips_state="off", auto_requires_update=True), below()]))
    assert change.held == ""
    assert change.reason == "1 rule for 1 CVE on 1 instance; the IPS module of the policy is off: the rules do nothing until it is on"


@pytest.mark.parametrize(
    ("here", "beneath", "says", "reason"),
    [
        (True, None, True, ""),
        (False, None, False, "; the policy is not sent by itself: send it by hand"),
        (True, False, False, "; the policy is not sent by itself: send it by hand"),
        (None, True, None, "; the policy does not say whether it is sent by itself: it may have to be sent by hand"),
    ],
)
def test_a_policy_that_is_not_sent_by_itself_is_said(here: bool | None, beneath: bool | None, says: bool | None, reason: str) -> None:
    change = only(made(policies=[policy(1, auto_requires_update=here), below(auto_requires_update=beneath)]))
    assert (change.facts["auto_send"], change.reason) == (says, f"1 rule for 1 CVE on 1 instance{reason}")


def test_a_rule_that_by_itself_only_detects_is_named() -> None:
    change = only(made(rules=[rule(11, detect_only=True)]))
    assert change.facts["detect_only_rules"] == ["1000011"]
    assert change.reason.endswith("; 1000011: by itself only detects")


@pytest.mark.parametrize("state", [None, ActionState.APPLIED, ActionState.VERIFIED, ActionState.PENDING])
def test_what_a_standing_deed_asked_for_here_is_left_out(state: ActionState | None) -> None:
    first = only(made())
    later = made(rules=[rule(11), rule(12, CVE)])
    past = Past((deed(first, state, days=-1),))
    assert plan(made(), past) == []
    assert only(later, past).after["assigned_too"] == [12]


@pytest.mark.parametrize("state", [ActionState.UNDONE, ActionState.FAILED, ActionState.SKIPPED])
def test_what_does_not_stand_is_asked_for_again(state: ActionState) -> None:
    first = only(made())
    assert only(made(), Past((deed(first, state),))).after["assigned_too"] == [11]


def test_a_rule_that_somebody_took_away_is_not_put_back() -> None:
    first = only(made())
    past = Past((deed(first, ActionState.VERIFIED, days=1),))
    again = only(made(), past)
    assert again.held == "an earlier run assigned 1000011 here, and it is there no more: somebody took it away"
    assert again.after["identifiers"] == ["1000011"]
    more = only(made(rules=[rule(11), rule(12, CVE)]), past)
    assert (more.held, more.after["assigned_too"], more.facts["taken_away"]) == ("", [12], ["1000011"])


def test_in_detect_no_rule_is_weakened_that_stands_below() -> None:
    policies = [policy(1), below(10, 9, 11)]
    held = "Sub 10, which is below it, has one of the rules already: setting it to detect here would weaken it there"
    assert only(made(policies=policies), chosen=asking(start="detect")).held == held
    assert only(made(policies=policies)).held == ""
    own = [computer(1, I1), computer(2, I2, host_name="till", ips_rule_ids=(11,))]
    assert "till, which is below it" in only(made(computers=own), chosen=asking(start="detect")).held
    assert only(made(), chosen=asking(start="detect")).after["mode"] == "detect"


def test_policies_that_are_each_others_parent_end_the_walk() -> None:
    change = only(made(policies=[policy(1, parent_id=10), below()]))
    assert change.before["policies"] == [9, 10]


def test_an_unread_other_tenant_does_not_matter() -> None:
    given = made(unread={("other", "-", "wp_policies"): ScopeState.DENIED})
    assert only(given).held == ""


def test_mode_and_limit_are_the_schedules() -> None:
    chosen = asking(mode="apply", limit=3)
    assert (ACTION.mode(chosen), ACTION.limit(chosen)) == ("apply", 3)


@examples(8)
@given(
    seed=st.integers(0, 1000),
    start=st.sampled_from(["inherit", "detect"]),
    target=st.sampled_from(["policy", "computer"]),
    asked=st.sets(st.tuples(st.sampled_from([I1, I2, I3]), st.integers(1, 4)), min_size=1),
)
def test_rows_in_another_order_give_the_same_changes(seed: int, start: str, target: str, asked: set[tuple[str, int]]) -> None:
    cves = {number: f"CVE-2024-000{number}" for number in range(1, 5)}
    rules = [rule(10 + number, cve, depends_on=(20,) if number == 2 else ()) for number, cve in cves.items()]
    findings = [package(number * 10 + int(host[-1]), host, cves[number], severity=("LOW", "HIGH")[number % 2]) for host, number in sorted(asked)]
    given = made(rules=[*rules, rule(20, "CVE-2023-0001"), rule(30, "CVE-2024-0003")], findings=findings)
    chosen = asking(start=start, target=target)
    wanted = [replace(change) for change in plan(given, chosen=chosen)]
    shuffled = shop.joined(permuted(World({name: given.tables[name] for name in given.tables}, given.ledger, given.settings, given.now), seed))
    assert wanted
    assert plan(shuffled, chosen=chosen) == wanted
    assert plan(permuted(given, seed), chosen=chosen) == wanted
