from __future__ import annotations

from typing import Any

import pytest

from reporter.core.records import records
from reporter.core.scope import GLOBAL
from reporter.core.settings import RuleGroupName, Settings, WafSettings
from reporter.joins.web_rules import WebRules, unread_acl
from reporter.tables.aws import MANAGED_RULE_GROUPS
from reporter.tables.joined import INSTANCES
from reporter.tables.workload_protection import WP_APPLICATION_TYPES, WP_COMPUTERS, WP_POLICIES, WP_RULES
from tests.joins.made import HOSTILE, MAIN, R2, A, B, R, computer, denied, policy, row, rule, tenant_denied, world
from tests.joins.made_web import ACL, EDGE_ACL, group, web_acl

FIRST, SECOND, OTHER = ("Vendor", "First"), ("AWS", "Second"), ("AWS", "Other")
SETTINGS = Settings(
    tenants=(MAIN,),
    waf=WafSettings(
        web_server=tuple(RuleGroupName(vendor=vendor, name=name) for vendor, name in (FIRST, SECOND)),
        web_application=(),
    ),
)


def offer(*groups: tuple[str, str], **values: Any) -> Any:
    return (MANAGED_RULE_GROUPS, [row(MANAGED_RULE_GROUPS, vendor=vendor, name=name, **values) for vendor, name in groups])


def rules(*rows: Any, **more: Any) -> WebRules:
    return WebRules(world(*rows, **{"settings": SETTINGS, **more}))


def instance(**values: Any) -> Any:
    made = {"protection": "protected", "tenant": MAIN, "policy_id": 9, "computer_id": 7, "instance_id": "i-1", **values}
    return records(INSTANCES.frame([row(INSTANCES, state="running", **made)]))[0]


def catalogue(name: str, **values: Any) -> tuple[Any, ...]:
    """One rule, id 11, of an application type of this name."""
    return (
        (WP_APPLICATION_TYPES, [row(WP_APPLICATION_TYPES, application_type_id=3, name=name, **values)]),
        (WP_RULES, [rule(11, application_type_id=3, **values)]),
    )


@pytest.mark.parametrize(
    ("name", "sets"),
    [
        ("Web Server Common", ("web_server",)),
        ("web server apache ", ("web_server",)),
        ("  WEB SERVER IIS", ("web_server",)),
        ("Web Application Common", ("web_application",)),
        ("Web Application PHP Based", ("web_application",)),
        ("Web Client Common", ()),
        ("Common Web Server", ()),
        ("DNS Server", ()),
        ("", ()),
        (HOSTILE, ()),
    ],
)
def test_the_beginning_of_an_application_types_name_says_which_set_is_asked_for(name: str, sets: tuple[str, ...]) -> None:
    assert rules(*catalogue(name), (WP_POLICIES, [policy(11)])).sets_of([instance()]) == (sets, "")


@pytest.mark.parametrize(
    ("on_policy", "on_agent", "sets"), [((11,), (), ("web_server",)), ((), (11,), ("web_server",)), ((), (), ()), ((77,), (78,), ())]
)
def test_rules_of_the_policy_and_of_the_computer_both_ask(on_policy: tuple[int, ...], on_agent: tuple[int, ...], sets: tuple[str, ...]) -> None:
    rows = (WP_POLICIES, [policy(*on_policy)]), (WP_COMPUTERS, [computer(7, "i-1", ips_rule_ids=on_agent)])
    assert rules(*catalogue("Web Server"), *rows).sets_of([instance()]) == (sets, "")


def test_rules_of_another_tenant_ask_for_nothing_here() -> None:
    assert rules(*catalogue("Web Server", tenant="other"), (WP_POLICIES, [policy(11)])).sets_of([instance()]) == ((), "")


def test_all_instances_ask_together_and_each_set_once() -> None:
    types = [row(WP_APPLICATION_TYPES, application_type_id=n, name=name) for n, name in ((1, "Web Server"), (2, "Web Application"))]
    made = rules(
        (WP_APPLICATION_TYPES, types),
        (WP_RULES, [rule(11, application_type_id=1), rule(12, application_type_id=2)]),
        (WP_POLICIES, [policy(11), policy(12, 11, policy_id=8)]),
    )
    several = [instance(), instance(instance_id="i-2", policy_id=8), instance(instance_id="i-3")]
    assert made.sets_of(several) == (("web_application", "web_server"), "")
    assert made.sets_of(reversed(several)) == made.sets_of(several)


@pytest.mark.parametrize(
    ("changes", "unread", "cause"),
    [
        ({"protection": "unknown"}, {}, "the protection of i-1 is not known"),
        ({}, tenant_denied("wp_policies"), "wp_policies of tenant main could not be read"),
        ({}, tenant_denied("wp_rules"), "wp_rules of tenant main could not be read"),
        ({}, tenant_denied("wp_rules") | tenant_denied("wp_policies"), "wp_policies and wp_rules of tenant main could not be read"),
        ({"protection": "unmanaged", "tenant": None}, tenant_denied("wp_rules"), ""),
    ],
)
def test_what_an_instance_asks_for_may_be_unknown(changes: dict[str, Any], unread: dict[Any, Any], cause: str) -> None:
    assert rules(unread=unread).sets_of([instance(**changes)]) == ((), cause)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ((offer(FIRST, SECOND),), "Vendor:First"),
        ((offer(SECOND, FIRST),), "Vendor:First"),
        ((offer(SECOND, OTHER),), "AWS:Second"),
        ((offer(OTHER),), None),
        ((), None),
        ((offer(FIRST, region=R2), offer(FIRST, account=B), offer(FIRST, region=GLOBAL)), None),
    ],
)
def test_the_first_of_the_settings_groups_that_is_on_offer_here_is_wanted(rows: tuple[Any, ...], wanted: str | None) -> None:
    assert rules(*rows).wanted("web_server", A, R) == wanted


@pytest.mark.parametrize(
    ("groups", "state", "weak"),
    [
        ([], "missing_rules", False),
        ([group(*OTHER)], "missing_rules", False),
        ([group(*FIRST)], "covered", False),
        ([group(*SECOND)], "covered", False),
        ([group(*FIRST, "count")], "count_only", False),
        ([group(*FIRST, "count"), group(*SECOND, "count", priority=2)], "count_only", False),
        ([group(*FIRST, "count"), group(*SECOND, priority=2)], "covered", False),
        ([group(*FIRST, "count"), group(*FIRST, priority=2)], "covered", False),
        ([group(*FIRST, narrowed=True)], "covered", True),
        ([group(*FIRST, "count", narrowed=True)], "count_only", True),
        ([group(*FIRST), group(*OTHER, narrowed=True, priority=2)], "covered", False),
        ([group(*FIRST, position="first")], "covered", False),
        ([group(*FIRST, kind="other")], "missing_rules", False),
        ([group(FIRST[0].lower(), FIRST[1])], "missing_rules", False),
        ([group("", "")], "missing_rules", False),
    ],
)
def test_only_a_wanted_group_that_blocks_covers(groups: list[dict[str, Any]], state: str, weak: bool) -> None:
    for order in (groups, groups[::-1]):
        found, wanted, reason = rules(offer(FIRST, SECOND), *web_acl(*order)).state(ACL, ("web_server",))
        assert (found, wanted) == (state, ("Vendor:First",))
        assert ("narrowed by a scope-down statement or an override" in reason) == weak


def test_the_same_group_once_narrow_and_once_whole_is_not_narrowed() -> None:
    twice = group(*FIRST, narrowed=True), group(*FIRST, priority=2)
    for order in (twice, twice[::-1]):
        state, _, reason = rules(offer(FIRST), *web_acl(*order)).state(ACL, ("web_server",))
        assert (state, "narrowed" in reason) == ("covered", False)


def test_a_group_that_blocks_narrowly_and_counts_widely_is_narrowed() -> None:
    twice = group(*FIRST, narrowed=True), group(*FIRST, "count", priority=2)
    for order in (twice, twice[::-1]):
        state, _, reason = rules(offer(FIRST), *web_acl(*order)).state(ACL, ("web_server",))
        assert (state, "narrowed" in reason) == ("covered", True)


def test_a_set_for_which_the_schedule_names_no_group_asks_for_nothing_and_says_so() -> None:
    found = rules(*web_acl()).state(ACL, ("web_application",))
    assert found == ("covered", (), "a web ACL is there; the schedule names no rule group for web_application")


def test_nothing_asked_for_is_covered_by_any_web_acl() -> None:
    assert rules(*web_acl()).state(ACL, ()) == ("covered", (), "a web ACL is there; no IPS rule asks for a group")


def test_groups_present_are_named_with_their_mode_in_order() -> None:
    made = rules(*web_acl(group(*SECOND, "count"), group(*FIRST), group(*OTHER, kind="other")))
    assert made.acls[ACL].present() == ["AWS:Second (count)", "Vendor:First (block)"]


def test_offers_of_the_place_of_the_web_acl_count_for_it() -> None:
    made = rules(offer(FIRST), offer(SECOND, region=GLOBAL), *web_acl(arn=EDGE_ACL, region=GLOBAL))
    assert made.state(EDGE_ACL, ("web_server",))[1] == ("AWS:Second",)


@pytest.mark.parametrize(
    ("arn", "unread", "reason"),
    [
        (ACL, {}, "the web ACL is not among those that were read"),
        (ACL, denied(A, R, "waf"), f"the web ACL's account and region ({A} {R}) could not be read"),
        (EDGE_ACL, {}, "the web ACL is not among those that were read"),
        (EDGE_ACL, denied(A, GLOBAL, "waf"), f"the web ACL's account and region ({A} global) could not be read"),
        (EDGE_ACL, denied(A, R2, "waf"), "the web ACL is not among those that were read"),
        (ACL.replace(A, "999999999999"), {}, f"the web ACL's account and region (999999999999 {R}) could not be read"),
    ],
)
def test_a_web_acl_that_is_not_there_is_explained(arn: str, unread: dict[Any, Any], reason: str) -> None:
    assert unread_acl(world(unread=unread), arn) == reason


@pytest.mark.parametrize("arn", ["", "odd", HOSTILE, ":::::", "arn:aws:wafv2"])
def test_a_malformed_web_acl_arn_is_explained_too(arn: str) -> None:
    assert "could not be read" in unread_acl(world(), arn)
