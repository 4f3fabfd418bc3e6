"""Any web edge: one row in is one row out, whatever it says, and no state is claimed without what it rests on."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reporter.core.scope import GLOBAL
from reporter.core.world import World
from reporter.joins import instances, web_entries
from reporter.tables.aws import DISTRIBUTIONS, EC2_INSTANCES, LOAD_BALANCERS, TARGET_GROUPS, TARGETS, WEB_ACL_ASSOCIATIONS, WEB_ACL_RULES, WEB_ACLS
from reporter.tables.joined import WEB_ENTRIES
from reporter.tables.workload_protection import WP_APPLICATION_TYPES, WP_COMPUTERS, WP_POLICIES, WP_RULES
from tests.examples import examples
from tests.joins.made import HOSTILE, A, B, R, computer, denied, machine, permuted, policy, row, rule, tenant_denied, world
from tests.joins.made_web import ACL, EDGE_ACL, group

ARNS = tuple(f"arn:aws:elasticloadbalancing:{R}:{A}:loadbalancer/app/lb{number}/0" for number in range(4))
NAMES = tuple(f"lb{number}-1.{R}.elb.amazonaws.com" for number in range(4))
MACHINES = ("i-0000000000000001", "i-0000000000000002", "i-gone")
ACLS = (None, ACL, EDGE_ACL, "arn:aws:wafv2:eu-central-1:999999999999:regional/webacl/x/1", "0a1b2c3d", HOSTILE, "arn:")
STATES = {"covered", "count_only", "missing_rules", "missing_acl", "not_applicable", "unknown"}
WANTED = group("AWS", "AWSManagedRulesCommonRuleSet")
UNREAD = ({}, {}, {}, *(denied(A, R, source) for source in ("ec2", "ecs", "elb", "waf")), denied(B, GLOBAL, "cloudfront"), tenant_denied("wp_rules"))


@st.composite
def worlds(draw: Any) -> World:
    """Up to four load balancers of any type, each with targets of any kind, and up to three distributions before them."""
    kinds = [draw(st.sampled_from(["application", "network", "classic", "gateway"])) for _ in range(draw(st.integers(0, 4)))]
    balancers, groups, targets, associations = [], [], [], []
    for number, kind in enumerate(kinds):
        arn, name = (None if kind == "classic" else ARNS[number]), f"lb{number}"
        scheme = draw(st.sampled_from(["internet-facing", "internet-facing", "internal", HOSTILE]))
        balancers.append(row(LOAD_BALANCERS, arn=arn, name=name, type=kind, scheme=scheme, dns_name=draw(st.sampled_from([NAMES[number], None]))))
        if arn:
            target_type = draw(st.sampled_from(["instance", "ip", "lambda", "alb", HOSTILE]))
            groups.append(row(TARGET_GROUPS, arn=f"tg{number}", target_type=target_type, load_balancer_arns=(arn,), vpc_id="vpc-1"))
        held = draw(st.sets(st.sampled_from([*MACHINES, "10.0.0.1", *ARNS, HOSTILE]), max_size=3))
        targets += [row(TARGETS, behind=f"tg{number}" if arn else name, target_id=target) for target in sorted(held)]
        acl = draw(st.sampled_from(ACLS))
        if arn and acl:
            associations.append(row(WEB_ACL_ASSOCIATIONS, resource_arn=arn, web_acl_arn=acl))
    origins = st.lists(st.sampled_from([*NAMES, f"dualstack.{NAMES[0]}", "app.example.com", HOSTILE]), max_size=3)
    distributions = [
        row(
            DISTRIBUTIONS,
            region=GLOBAL,
            arn=f"arn:aws:cloudfront::{A}:distribution/E{number}",
            enabled=draw(st.booleans()),
            web_acl=draw(st.sampled_from(ACLS)),
            origin_domains=tuple(draw(origins)),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    rules = [
        row(WEB_ACL_RULES, region=region, web_acl_arn=arn, **{**WANTED, "mode": draw(st.sampled_from(["block", "count", HOSTILE]))})
        for arn, region in ((ACL, R), (EDGE_ACL, GLOBAL))
        if draw(st.booleans())
    ]
    made = world(
        (EC2_INSTANCES, [machine(MACHINES[0], private_ip="10.0.0.1"), machine(MACHINES[1])]),
        (WP_COMPUTERS, [computer(7, MACHINES[0])]),
        (WP_POLICIES, [policy(11)]),
        (WP_RULES, [rule(11, application_type_id=3)]),
        (WP_APPLICATION_TYPES, [row(WP_APPLICATION_TYPES, application_type_id=3, name=draw(st.sampled_from(["Web Server", "Mail"])))]),
        (LOAD_BALANCERS, balancers),
        (TARGET_GROUPS, groups),
        (TARGETS, targets),
        (WEB_ACL_ASSOCIATIONS, associations),
        (DISTRIBUTIONS, distributions),
        (WEB_ACLS, [row(WEB_ACLS, arn=ACL), row(WEB_ACLS, region=GLOBAL, arn=EDGE_ACL)]),
        (WEB_ACL_RULES, rules),
        unread=draw(st.sampled_from(UNREAD)),
    )
    return made.with_tables(instances.join(made))


@examples(15)
@given(worlds())
def test_every_entry_is_one_row_in_any_order_of_rows(made: World) -> None:
    found = web_entries.join(made)[WEB_ENTRIES.name]
    balancers, distributions = made.table(LOAD_BALANCERS), made.table(DISTRIBUTIONS)
    ways_in = balancers[balancers["type"] != "gateway"]
    assert sorted(found["entry"]) == sorted([*ways_in["arn"].where(ways_in["arn"].notna(), ways_in["name"]), *distributions["arn"]])
    assert web_entries.join(permuted(made))[WEB_ENTRIES.name].equals(found)


@examples(15)
@given(worlds())
def test_no_state_is_claimed_without_what_it_rests_on(made: World) -> None:
    for entry in web_entries.join(made)[WEB_ENTRIES.name].itertuples(index=False):
        assert entry.state in STATES
        assert entry.reason
        acls = set((entry.web_acl or "").split(";")) - {""}
        if entry.state == "covered":
            assert acls
            assert acls <= {ACL, EDGE_ACL}
        if entry.state in ("count_only", "missing_rules"):
            assert acls & {ACL, EDGE_ACL}
        if entry.state == "missing_acl":
            assert not acls or entry.type == "classic_elb"
        if entry.state in ("covered", "count_only", "missing_rules", "missing_acl"):
            assert entry.internet_facing
            assert entry.instances
        if entry.state == "covered" and entry.wanted_groups:
            assert "AWS:AWSManagedRulesCommonRuleSet (block)" in entry.present_groups
