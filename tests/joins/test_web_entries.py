from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from reporter.core.scope import GLOBAL, ScopeState
from reporter.core.settings import RuleGroupName, Settings, TagScope, WafSettings
from reporter.core.world import World
from reporter.joins import instances, web_entries
from reporter.tables.aws import EC2_INSTANCES, MANAGED_RULE_GROUPS
from reporter.tables.joined import WEB_ENTRIES
from reporter.tables.workload_protection import WP_APPLICATION_TYPES, WP_COMPUTERS, WP_POLICIES, WP_RULES
from tests.joins.made import HOSTILE, MAIN, R2, A, B, R, computer, denied, machine, only, permuted, row, tenant_denied, world
from tests.joins.made_web import (
    ACL,
    ALB,
    EDGE_ACL,
    alb,
    alb_name,
    attached,
    balancer,
    behind,
    classic,
    distribution,
    group,
    nlb,
    target_group,
    targets,
    web_acl,
)

I1, I2 = "i-0000000000000001", "i-0000000000000002"
SERVER, APPLICATION = ("Vendor", "ServerRules"), ("Vendor", "AppRules")
AWS = ("AWS", "CommonRules")
WAF = WafSettings(
    web_server=(RuleGroupName(vendor=SERVER[0], name=SERVER[1]), RuleGroupName(vendor=AWS[0], name=AWS[1])),
    web_application=(RuleGroupName(vendor=APPLICATION[0], name=APPLICATION[1]),),
)
SETTINGS = Settings(tenants=(MAIN,), waf=WAF)


def offer(*names: tuple[str, str], region: str = R, account: str = A) -> tuple[Any, ...]:
    return (MANAGED_RULE_GROUPS, [row(MANAGED_RULE_GROUPS, account=account, region=region, vendor=vendor, name=name) for vendor, name in names])


TYPES = (
    (
        WP_APPLICATION_TYPES,
        [
            row(WP_APPLICATION_TYPES, application_type_id=n, name=t)
            for n, t in enumerate(["WEB SERVER IIS", "Web Application Common", "Web Client Common"])
        ],
    ),
    (WP_RULES, [row(WP_RULES, rule_id=10 + n, application_type_id=n) for n in range(3)] + [row(WP_RULES, rule_id=19)]),
)
OFFERED = (offer(SERVER, AWS, APPLICATION), offer(SERVER, AWS, APPLICATION, region=GLOBAL))


def entries(*rows: Any, rules: tuple[int, ...] = (10,), more: tuple[Any, ...] = OFFERED, **options: Any) -> pd.DataFrame:
    """One protected machine whose policy has these IPS rules, and whatever a test puts before it."""
    machines = (EC2_INSTANCES, [machine(I1)])
    protected = (WP_POLICIES, [row(WP_POLICIES, policy_id=9, name="Linux", ips_rule_ids=rules)]), (WP_COMPUTERS, [computer(7, I1)])
    return joined(world(machines, *protected, *TYPES, *more, *rows, **{"settings": SETTINGS, **options}))


def joined(made: World) -> pd.DataFrame:
    return web_entries.join(made.with_tables(instances.join(made)))[WEB_ENTRIES.name]


def test_an_empty_world_gives_an_empty_declared_table() -> None:
    assert web_entries.join(world())[WEB_ENTRIES.name].equals(WEB_ENTRIES.frame())


def test_a_covered_load_balancer_names_its_acl_its_instances_its_policies_and_groups() -> None:
    found = only(entries(*alb(I1), attached(), *web_acl(group(*SERVER), group("AWS", "Ip", "count"), managed_by="terraform")))
    assert (found.account, found.region, found.entry, found.type, found.internet_facing) == (A, R, ALB, "alb", True)
    assert (found.web_acl, found.instances, found.policies, found.managed_by) == (ACL, (I1,), ("Linux",), "terraform")
    assert (found.wanted_sets, found.wanted_groups) == (("web_server",), ("Vendor:ServerRules",))
    assert found.present_groups == ("AWS:Ip (count)", "Vendor:ServerRules (block)")
    assert (found.state, found.reason) == ("covered", "a rule group for everything that is wanted is there and blocks")


BOTH = (10, 11)
NARROWED = group(*SERVER, narrowed=True)


@pytest.mark.parametrize(
    ("rules", "groups", "state", "wanted", "reason"),
    [
        ((10,), [group(*SERVER)], "covered", ["Vendor:ServerRules"], "a rule group for everything that is wanted is there and blocks"),
        ((10,), [group(*AWS)], "covered", ["Vendor:ServerRules"], "a rule group for everything that is wanted is there and blocks"),
        ((10,), [group(*SERVER, "count"), group(*AWS)], "covered", ["Vendor:ServerRules"], "a rule group for everything"),
        ((10,), [group(*SERVER, "count"), group(*SERVER, priority=2)], "covered", ["Vendor:ServerRules"], "a rule group for everything"),
        ((10,), [group(*SERVER), group(*SERVER, "count", priority=2)], "covered", ["Vendor:ServerRules"], "a rule group for everything"),
        ((10,), [NARROWED], "covered", ["Vendor:ServerRules"], "narrowed by a scope-down statement or an override: Vendor:ServerRules"),
        ((10,), [group(*SERVER), group("AWS", "Ip", narrowed=True)], "covered", ["Vendor:ServerRules"], "there and blocks"),
        ((10,), [group(*SERVER, "count")], "count_only", ["Vendor:ServerRules"], "only counts, stops nothing: Vendor:ServerRules"),
        ((10,), [], "missing_rules", ["Vendor:ServerRules"], "not in the web ACL: Vendor:ServerRules"),
        ((10,), [group(*SERVER, kind="rule_group")], "missing_rules", ["Vendor:ServerRules"], "not in the web ACL"),
        (BOTH, [group(*SERVER, "count")], "missing_rules", ["Vendor:AppRules", "Vendor:ServerRules"], "not in the web ACL: Vendor:AppRules"),
        (BOTH, [group(*SERVER), group(*APPLICATION)], "covered", ["Vendor:AppRules", "Vendor:ServerRules"], "there and blocks"),
        ((12, 19, 77), [], "covered", [], "a web ACL is there; no IPS rule asks for a group"),
        ((), [], "covered", [], "a web ACL is there; no IPS rule asks for a group"),
    ],
)
def test_the_state_of_an_attached_acl_is_that_of_the_wanted_groups(
    rules: tuple[int, ...], groups: list[dict[str, Any]], state: str, wanted: list[str], reason: str
) -> None:
    found = only(entries(*alb(I1), attached(), *web_acl(*groups), rules=rules))
    assert (found.state, list(found.wanted_groups)) == (state, wanted)
    assert reason in found.reason


def test_the_first_group_on_offer_is_wanted() -> None:
    found = only(entries(*alb(I1), attached(), *web_acl(), more=(offer(AWS), offer(SERVER, region=R2), offer(SERVER, account=B))))
    assert (found.state, found.wanted_groups) == ("missing_rules", ("AWS:CommonRules",))


def test_a_set_with_no_group_on_offer_is_missing_and_names_no_group() -> None:
    found = only(entries(*alb(I1), attached(), *web_acl(), more=()))
    assert (found.state, found.wanted_groups) == ("missing_rules", ())
    assert found.reason == "not in the web ACL: a group for web_server (none of the setting's is on offer)"


def test_a_group_that_is_there_satisfies_although_it_is_no_longer_on_offer() -> None:
    found = only(entries(*alb(I1), attached(), *web_acl(group(*AWS)), more=()))
    assert (found.state, found.wanted_groups) == ("covered", ("AWS:CommonRules",))


def test_rules_on_the_computer_alone_ask_too() -> None:
    found = only(
        entries(*alb(I1, I2), (EC2_INSTANCES, [machine(I2)]), (WP_COMPUTERS, [computer(8, I2, policy_id=None, ips_rule_ids=(11,))]), rules=())
    )
    assert found.wanted_sets == ("web_application",)


def test_an_unmanaged_instance_asks_for_nothing() -> None:
    found = only(entries(*alb(I2), (EC2_INSTANCES, [machine(I2)]), attached(), *web_acl()))
    assert (found.state, found.policies, found.wanted_sets) == ("covered", (), ())


@pytest.mark.parametrize(
    ("rows", "state", "reason"),
    [
        ((*alb(I1), attached(), *web_acl()), "missing_rules", "not in the web ACL"),
        (alb(I1), "missing_acl", "no web ACL of its own"),
        ((*alb(I1, scheme="internal"), attached(), *web_acl()), "not_applicable", "internal"),
        (alb(), "not_applicable", "no EC2 instance or container host is behind it"),
        (alb("i-gone"), "not_applicable", "only instances that are gone or outside the schedule's scope are behind it"),
        (alb(I1, type="network", arn="arn:nlb"), "not_applicable", "a network load balancer cannot carry a web ACL"),
        (classic(I1), "missing_acl", "it cannot carry a web ACL, and no distribution is before it"),
        (classic(I1, scheme="internal"), "not_applicable", "internal"),
        (classic(), "not_applicable", "no EC2 instance or container host is behind it"),
        ((*alb(I1), attached("arn:aws:wafv2:eu-central-1:999999999999:regional/webacl/x/1")), "unknown", "could not be read"),
        ((*alb(I1), attached("odd")), "unknown", "could not be read"),
        ((*alb(I1), attached()), "unknown", "the web ACL is not among those that were read"),
    ],
)
def test_the_state_of_a_load_balancer_is_the_first_that_holds(rows: tuple[Any, ...], state: str, reason: str) -> None:
    found = only(entries(*rows))
    assert found.state == state
    assert reason in found.reason


ATTACHED = (*alb(I1), attached(), *web_acl())


@pytest.mark.parametrize(
    ("rows", "unread", "state", "reason"),
    [
        (ATTACHED, denied(A, R, "ec2"), "unknown", f"ec2 in {A} {R} could not be read"),
        (ATTACHED, denied(A, R, "ecs") | denied(A, R, "elb"), "unknown", f"ecs and elb in {A} {R} could not be read"),
        (alb(), denied(A, R, "ecs"), "unknown", f"ecs in {A} {R} could not be read"),
        (alb(I1, scheme="internal"), denied(A, R, "ecs"), "not_applicable", "internal"),
        (alb(I1), denied(A, R, "waf"), "unknown", f"waf in {A} {R} could not be read"),
        ((*alb(I1), attached()), denied(A, R, "waf"), "unknown", f"({A} {R}) could not be read"),
        (alb(), denied(A, R, "waf"), "not_applicable", "no EC2 instance"),
        (ATTACHED, tenant_denied("wp_policies"), "unknown", "wp_policies of tenant main could not be read"),
        (ATTACHED, tenant_denied("wp_rules"), "unknown", "wp_rules of tenant main could not be read"),
        (alb(I1), tenant_denied("wp_rules"), "missing_acl", "no web ACL of its own"),
        (
            classic(I1),
            denied(B, GLOBAL, "cloudfront"),
            "unknown",
            f"cloudfront in {B} global could not be read, so a distribution before it may be hidden",
        ),
        (classic(I1), {(B, GLOBAL, "cloudfront"): ScopeState.SKIPPED}, "missing_acl", "no distribution is before it"),
        (classic(I1), denied(A, GLOBAL, "waf"), "missing_acl", "no distribution is before it"),
        (ATTACHED, denied(A, R2, "ec2"), "missing_rules", "not in the web ACL"),
    ],
)
def test_what_was_not_read_makes_an_entry_unknown_only_where_it_matters(rows: Any, unread: dict[Any, ScopeState], state: str, reason: str) -> None:
    found = only(entries(*rows, unread=unread))
    assert found.state == state
    assert reason in found.reason


def test_an_instance_whose_protection_is_unknown_leaves_the_wanted_groups_unknown() -> None:
    found = only(entries(*alb(I1, I2), (EC2_INSTANCES, [machine(I2)]), attached(), *web_acl(), unread=tenant_denied("wp_computers")))
    assert (found.state, found.reason) == ("unknown", f"the protection of {I2} is not known")


def test_instances_outside_the_scope_tag_are_not_behind_an_entry() -> None:
    scope = SETTINGS.model_copy(update={"scope": TagScope(tag="Environment", values=("cde",))})
    found = only(entries(*alb(I1), settings=scope))
    assert (found.state, found.instances) == ("not_applicable", ())


EDGE = (*alb(I1), *web_acl(group(*SERVER), arn=EDGE_ACL, region=GLOBAL))


def edge(found: pd.DataFrame) -> Any:
    return only(found[found["type"] == "cloudfront"])


@pytest.mark.parametrize(
    ("rows", "state", "reason"),
    [
        ((*EDGE, distribution("E1", alb_name(), web_acl=EDGE_ACL)), "covered", "there and blocks"),
        ((*EDGE, distribution("E1", f"dualstack.{alb_name()}".upper() + ".", web_acl=EDGE_ACL)), "covered", "there and blocks"),
        ((*EDGE, distribution("E1", alb_name())), "missing_acl", "no web ACL"),
        (
            (*EDGE, distribution("E1", alb_name(), web_acl="0a1b2c3d")),
            "missing_acl",
            "its web ACL 0a1b2c3d is of WAF Classic, which is no longer evaluated",
        ),
        ((*EDGE, distribution("E1", alb_name(), enabled=False)), "not_applicable", "the distribution is switched off"),
        ((distribution("E1", "pay.s3.amazonaws.com"),), "not_applicable", "no EC2 instance or container host is behind it"),
        ((distribution("E1", "app.example.com"),), "not_applicable", "its origin app.example.com leads to none that this run can name"),
        ((distribution("E1"),), "not_applicable", "no EC2 instance or container host is behind it"),
        ((*EDGE, distribution("E1", "app.example.com", alb_name())), "missing_acl", "no web ACL"),
        (
            (distribution("E1", "gone-1.eu-central-1.elb.amazonaws.com"),),
            "unknown",
            "gone-1.eu-central-1.elb.amazonaws.com is a load balancer that was not",
        ),
        ((distribution("E1", "gone-1.elb.eu-central-1.amazonaws.com"),), "unknown", "was not seen in any account that was read"),
        ((distribution("E1", "gone-1.cn-north-1.elb.amazonaws.com.cn"),), "unknown", "was not seen in any account that was read"),
        ((distribution("E1", "gone-1.eu-central-1.elb.amazonaws.com", enabled=False),), "not_applicable", "the distribution is switched off"),
    ],
)
def test_a_distribution_is_followed_to_the_load_balancers_behind_its_origins(rows: tuple[Any, ...], state: str, reason: str) -> None:
    found = edge(entries(*rows))
    assert (found.account, found.region, found.internet_facing, found.state) == (A, GLOBAL, True, state)
    assert reason in found.reason


@pytest.mark.parametrize("name", ["ec2-203-0-113-9.eu-central-1.compute.amazonaws.com", "ec2-203-0-113-9.compute-1.amazonaws.com"])
def test_a_distribution_may_lead_to_an_instance_itself(name: str) -> None:
    found = edge(entries((EC2_INSTANCES, [machine(I2, public_ip="203.0.113.9")]), distribution("E1", name)))
    assert (found.state, found.instances) == ("missing_acl", (I2,))


def test_the_public_name_of_an_instance_that_is_gone_leads_nowhere() -> None:
    assert edge(entries(distribution("E1", "ec2-203-0-113-9.eu-central-1.compute.amazonaws.com"))).state == "not_applicable"


def test_an_origin_behind_which_not_all_was_read_makes_a_distribution_unknown() -> None:
    found = edge(entries(*EDGE, distribution("E1", alb_name()), unread=denied(A, R, "ecs")))
    assert (found.state, found.reason) == ("unknown", f"ecs in {A} {R} could not be read")


def test_a_distribution_before_a_load_balancer_of_another_account_has_its_instances() -> None:
    other = (
        *balancer(account=B),
        target_group("tg", "instance", account=B),
        targets("tg", "i-9", account=B),
        (EC2_INSTANCES, [machine("i-9", account=B)]),
    )
    assert edge(entries(*other, distribution("E1", alb_name()))).instances == ("i-9",)


def test_a_load_balancer_without_its_own_acl_is_missing_even_behind_a_covered_distribution() -> None:
    found = entries(*EDGE, distribution("E1", alb_name(), web_acl=EDGE_ACL))
    assert dict(zip(found["type"], found["state"], strict=True)) == {"alb": "missing_acl", "cloudfront": "covered"}


@pytest.mark.parametrize(
    ("before", "state", "acl", "reason"),
    [
        ([("E1", EDGE_ACL, True)], "covered", EDGE_ACL, "there and blocks"),
        ([("E1", EDGE_ACL, False)], "missing_acl", None, "it cannot carry a web ACL, and no distribution is before it"),
        ([("E1", None, True)], "missing_acl", None, "distribution E1 before it: no web ACL"),
        ([("E1", "0a1b2c3d", True)], "missing_acl", None, "distribution E1 before it: its web ACL 0a1b2c3d is of WAF Classic"),
    ],
)
def test_a_classic_load_balancer_is_covered_by_a_distribution_before_it_only(before: list[Any], state: str, acl: str | None, reason: str) -> None:
    distributions = [distribution(name, "old-1.eu-central-1.elb.amazonaws.com", web_acl=held, enabled=on) for name, held, on in before]
    found = entries(*classic(I1), *web_acl(group(*SERVER), arn=EDGE_ACL, region=GLOBAL), *distributions)
    mine = only(found[found["type"] == "classic_elb"])
    assert (mine.entry, mine.state, mine.web_acl, mine.wanted_groups) == ("old", state, acl, ("Vendor:ServerRules",))
    assert reason in mine.reason


FULL, COUNTING, BARE, GONE = (EDGE_ACL.replace("edge", name) for name in ("full", "counting", "bare", "gone"))
NO_ACL, RULES, COUNTS, UNSEEN, GOOD = None, BARE, COUNTING, GONE, FULL
SAID = {
    NO_ACL: "no web ACL",
    RULES: "not in the web ACL: Vendor:ServerRules",
    COUNTS: "only counts, stops nothing: Vendor:ServerRules",
    UNSEEN: "the web ACL is not among those that were read",
    GOOD: "a rule group for everything that is wanted is there and blocks",
}
EDGES = (
    *web_acl(group(*SERVER), arn=FULL, region=GLOBAL, managed_by="terraform"),
    *web_acl(group(*SERVER, "count"), arn=COUNTING, region=GLOBAL, managed_by="cloudformation"),
    *web_acl(arn=BARE, region=GLOBAL),
)


def classic_behind(*acls: str | None, **options: Any) -> Any:
    """The classic load balancer behind distributions E0, E1, ... with these web ACLs."""
    before = [distribution(f"E{number}", "old-1.eu-central-1.elb.amazonaws.com", web_acl=acl) for number, acl in enumerate(acls)]
    found = entries(*classic(I1), *EDGES, *before, **options)
    return only(found[found["type"] == "classic_elb"])


@pytest.mark.parametrize(
    ("acls", "state", "worst"),
    [
        ((NO_ACL, RULES, COUNTS, UNSEEN, GOOD), "missing_acl", [0]),
        ((RULES, COUNTS, UNSEEN, GOOD), "missing_rules", [0]),
        ((COUNTS, UNSEEN, GOOD), "count_only", [0]),
        ((UNSEEN, GOOD), "unknown", [0]),
        ((GOOD, UNSEEN, NO_ACL), "missing_acl", [2]),
        ((GOOD, NO_ACL), "missing_acl", [1]),
        ((GOOD, COUNTS, COUNTS), "count_only", [1, 2]),
        ((GOOD, GOOD), "covered", [0, 1]),
    ],
)
def test_a_classic_load_balancer_is_as_bad_as_the_worst_distribution_before_it(acls: tuple[str | None, ...], state: str, worst: list[int]) -> None:
    mine = classic_behind(*acls)
    reason = "; ".join(f"distribution E{number} before it: {SAID[acls[number]]}" for number in worst)
    assert (mine.state, mine.reason) == (state, reason)
    assert mine.web_acl == ";".join(sorted({acl for acl in acls if acl}))
    assert mine.wanted_groups == ("Vendor:ServerRules",)


def test_groups_and_owners_of_all_the_web_acls_before_a_classic_load_balancer_are_named() -> None:
    mine = classic_behind(FULL, COUNTING, BARE, None)
    assert mine.present_groups == ("Vendor:ServerRules (block)", "Vendor:ServerRules (count)")
    assert mine.managed_by == "cloudformation;terraform"


@pytest.mark.parametrize(
    ("acls", "state"),
    [((GOOD,), "unknown"), ((COUNTS,), "count_only"), ((NO_ACL, GOOD), "missing_acl"), ((RULES,), "missing_rules"), ((), "unknown")],
)
def test_where_another_distribution_may_be_hidden_none_is_covered_and_a_known_hole_stays_one(acls: tuple[str | None, ...], state: str) -> None:
    mine = classic_behind(*acls, unread=denied(B, GLOBAL, "cloudfront"))
    assert mine.state == state
    hidden = f"cloudfront in {B} global could not be read, so a distribution before it may be hidden"
    assert (mine.reason == hidden) == (state == "unknown")


def test_groups_wanted_of_a_distribution_are_those_on_offer_in_its_own_account() -> None:
    before = distribution("E1", "old-1.eu-central-1.elb.amazonaws.com", account=B)
    found = entries(*classic(I1), before, more=(offer(SERVER, region=GLOBAL), offer(AWS, region=GLOBAL, account=B)))
    assert only(found[found["type"] == "classic_elb"]).wanted_groups == ("AWS:CommonRules",)


def test_gateway_load_balancers_are_no_way_in_from_the_web() -> None:
    assert entries(*balancer(type="gateway")).empty


def test_hostile_texts_pass_through_as_they_are() -> None:
    rows = (*classic(I1, name=HOSTILE, dns_name=HOSTILE), distribution(HOSTILE, HOSTILE), *web_acl(group(HOSTILE, HOSTILE)))
    found = entries(*rows)
    assert set(found["type"]) == {"classic_elb", "cloudfront"}
    assert HOSTILE in set(found["entry"])


def test_the_order_of_rows_changes_nothing() -> None:
    made = world(
        (EC2_INSTANCES, [machine(I1), machine(I2)]),
        (WP_COMPUTERS, [computer(7, I1), computer(8, I2, ips_rule_ids=(11,))]),
        (WP_POLICIES, [row(WP_POLICIES, policy_id=9, name="Linux", ips_rule_ids=(10,))]),
        *TYPES,
        *OFFERED,
        *alb(I1, I2),
        *classic(I1),
        *nlb(),
        attached(),
        *web_acl(group(*SERVER), group(*APPLICATION, "count")),
        *web_acl(arn=EDGE_ACL, region=GLOBAL),
        distribution("E1", "old-1.eu-central-1.elb.amazonaws.com", web_acl=EDGE_ACL),
        distribution("E2", "old-1.eu-central-1.elb.amazonaws.com", alb_name(), "b.example.com", "a.example.com"),
        settings=SETTINGS,
    )
    expected = joined(made)
    assert len(expected) == 5
    assert all(joined(permuted(made, seed)).equals(expected) for seed in range(5))


def test_every_load_balancer_and_distribution_is_one_row() -> None:
    found = entries(*alb(I1), *classic(I1), *nlb(), distribution("E1", "a"), distribution("E2", "a"))
    assert sorted(found["type"]) == ["alb", "classic_elb", "cloudfront", "cloudfront", "nlb"]
    assert behind(found, "nlb") == ()
