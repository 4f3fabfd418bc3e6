"""Virtual patches against an independent reading of design section 3, one finding, host, CVE and rule at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from reporter.core.order import plain_frame
from reporter.core.world import World
from reporter.joins import instances, virtual_patches
from reporter.tables.aws import EC2_INSTANCES, ECS_CONTAINER_INSTANCES, ECS_CONTAINERS, ECS_TASKS
from reporter.tables.findings import INSPECTOR_FINDINGS
from reporter.tables.joined import VIRTUAL_PATCHES
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES, WP_POLICY_RULES, WP_RULES
from tests.examples import examples
from tests.joins.made import (
    MAIN,
    NOW,
    A,
    R,
    computer,
    container,
    denied,
    host,
    machine,
    package,
    permuted,
    policy,
    row,
    rule,
    task,
    tenant_denied,
    world,
)

I1, I2, I3 = "i-0000000000000001", "i-0000000000000002", "i-0000000000000003"
DIGEST, SECOND = "sha256:" + "a" * 64, "sha256:" + "b" * 64
SENT, ASKED = NOW - timedelta(hours=2), NOW - timedelta(hours=1)


CVES = tuple(f"CVE-2024-{number:04}" for number in range(4))
HOSTS = (I1, I2, I3)
IMAGES = (DIGEST, SECOND)


@st.composite
def worlds(draw: Any) -> World:
    """Three machines, two images, up to six rules and eight findings."""
    ids = st.sets(st.integers(1, 6), max_size=5).map(lambda found: tuple(sorted(found)))
    rules = [
        rule(
            number,
            *draw(st.sets(st.sampled_from(CVES), min_size=1)),
            type=draw(st.sampled_from(["vulnerability", "smart", "info"])),
            detect_only=draw(st.booleans()),
        )
        for number in range(1, 1 + draw(st.integers(0, 6)))
    ]
    policies = [policy(*draw(ids), policy_id=number, name=f"p{number}") for number in (1, 2)]
    softened = [row(WP_POLICY_RULES, policy_id=p, rule_id=r, detect_only=draw(st.booleans())) for p in (1, 2) for r in draw(ids)]
    computers = [
        computer(
            number,
            draw(st.sampled_from(HOSTS)),
            policy_id=draw(st.sampled_from([None, 1, 2])),
            ips_rule_ids=draw(ids),
            agent_status=draw(st.sampled_from(["active", "active", "active", "inactive", "error", "odd"])),
            intrusion_prevention_state=draw(st.sampled_from(["prevent", "detect", "off", None])),
            intrusion_prevention_status=draw(st.sampled_from(["active", "active", "inactive", None])),
            last_policy_request=draw(st.sampled_from([None, ASKED])),
            last_policy_success=draw(st.sampled_from([None, SENT, NOW])),
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    places = st.sampled_from([*HOSTS, *IMAGES, "i-gone"])
    names = st.sampled_from([*CVES, "GHSA-1", "GHSA-2"])
    findings = [
        package(number, draw(places), draw(names), related_ids=draw(st.lists(st.sampled_from([*CVES, "x"]), max_size=3)))
        for number in range(draw(st.integers(0, 8)))
    ]
    containers = [container("a", draw(st.sampled_from(IMAGES))), container("b", draw(st.sampled_from(IMAGES)))]
    unread = draw(st.sampled_from([{}, {}, {}, tenant_denied("wp_rules"), tenant_denied("wp_computers"), denied(A, R, "ecs")]))
    made = world(
        (EC2_INSTANCES, [machine(found) for found in HOSTS]),
        (WP_RULES, rules),
        (WP_POLICIES, policies),
        (WP_POLICY_RULES, softened),
        (WP_COMPUTERS, computers),
        (INSPECTOR_FINDINGS, findings),
        (ECS_CONTAINER_INSTANCES, [host(1, I1), host(2, I2)]),
        (ECS_TASKS, [task("a", 1), task("b", 2)]),
        (ECS_CONTAINERS, containers),
        unread=unread,
    )
    return made.with_tables(instances.join(made))


def expected(made: World) -> list[tuple[str, str | None, str, str]]:
    """(finding, instance, CVE, state), one finding at a time."""
    found = []
    running = {name: [i for i, t in ((I1, "a"), (I2, "b")) if _image_of(made, t) == name] for name in IMAGES}
    for finding in plain_frame(made.table(INSPECTOR_FINDINGS)).itertuples(index=False):
        hosts: list[str | None] = [finding.resource_id] if finding.image_digest is None else [*running[finding.image_digest]] or [None]
        cves = [finding.vulnerability_id] if finding.vulnerability_id in CVES else sorted({c for c in finding.related_ids if c in CVES})
        found += [(finding.arn, h, c or finding.vulnerability_id, _state(made, h, c)) for h in hosts for c in (cves or [None])]
    return sorted(found, key=str)


def _image_of(made: World, name: str) -> str:
    containers = made.table(ECS_CONTAINERS)
    return str(containers.loc[containers["task_arn"].str.endswith(f"/{name}"), "image_digest"].iloc[0])


def _state(made: World, instance_id: str | None, cve: str | None) -> str:  # noqa: PLR0911  # one line for each state
    if instance_id is None:
        return "not_running" if made.read("ecs", A, R) else "unknown"
    if cve is None:
        return "no_rule"
    found = made.tables["instances"]
    here = found[found["instance_id"] == instance_id]
    if here.empty or here["protection"].iloc[0] == "unknown":
        return "unknown"
    instance = next(here.itertuples(index=False))
    if instance.protection in ("unmanaged", "inactive"):
        return "unprotected"
    if not made.tenant_read(MAIN, "wp_rules"):
        return "unknown"
    naming = [r for r in made.table(WP_RULES).itertuples(index=False) if cve in r.cves]
    exact = [r for r in naming if r.type != "info"]
    if not exact:
        return "generic_only" if naming else "no_rule"
    states = {_rule_state(made, instance, r) for r in exact}
    order = ("prevented", "detect_only", "unknown", "assigned_not_effective", "available")
    return next(state for state in order if state in states)


def _rule_state(made: World, instance: Any, one: Any) -> str:
    computers = made.table(WP_COMPUTERS)
    mine = next(computers[computers["computer_id"] == instance.computer_id].itertuples(index=False))
    policies = made.table(WP_POLICIES)
    policies = policies[policies["policy_id"].eq(instance.policy_id).fillna(False)]
    on_policy = any(one.rule_id in rules for rules in policies["ips_rule_ids"])
    if one.rule_id not in mine.ips_rule_ids:
        return "assigned_not_effective" if on_policy else "available"
    asked, sent = mine.last_policy_request, mine.last_policy_success
    pending = not pd.isna(asked) and (pd.isna(sent) or sent < asked)
    if instance.protection == "offline" or instance.intrusion_prevention in ("off", "inactive") or pending:
        return "assigned_not_effective"
    if instance.intrusion_prevention is None:
        return "unknown"
    own = made.table(WP_POLICY_RULES)
    own = own[(own["policy_id"].eq(instance.policy_id).fillna(False)) & (own["rule_id"] == one.rule_id)]
    soft = bool(own["detect_only"].iloc[0]) if len(own) else one.detect_only
    return "prevented" if instance.intrusion_prevention == "prevent" and not soft else "detect_only"


@examples(15)
@given(worlds())
def test_rows_in_are_rows_out_and_every_state_is_that_of_a_slow_reading(made: World) -> None:
    found = virtual_patches.join(made)[VIRTUAL_PATCHES.name]
    said = plain_frame(found)[["finding_arn", "instance_id", "cve", "state"]].itertuples(index=False, name=None)
    assert sorted(said, key=str) == expected(made)
    assert found.equals(VIRTUAL_PATCHES.sort(VIRTUAL_PATCHES.conform(found)))
    assert virtual_patches.join(permuted(made))[VIRTUAL_PATCHES.name].equals(found)
