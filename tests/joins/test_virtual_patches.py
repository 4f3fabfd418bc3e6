from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reporter.core.order import plain_frame
from reporter.core.settings import Settings, TagScope
from reporter.joins import instances, virtual_patches
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import INSPECTOR_FINDINGS
from reporter.tables.joined import VIRTUAL_PATCHES
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES, WP_POLICY_RULES, WP_RULES
from tests.joins.made import (
    HOSTILE,
    MAIN,
    NOW,
    A,
    B,
    R,
    computer,
    denied,
    machine,
    only,
    package,
    patched,
    patches,
    policy,
    row,
    rule,
    tenant_denied,
    world,
)

I1, I2, I3 = "i-0000000000000001", "i-0000000000000002", "i-0000000000000003"
CVE, OTHER = "CVE-2024-0001", "CVE-2024-0002"
DIGEST, SECOND = "sha256:" + "a" * 64, "sha256:" + "b" * 64
EXACT = 11


def shield(
    rules: Any = (), on_policy: tuple[int, ...] = (), on_agent: tuple[int, ...] = (), policy_rules: Any = (), more: Any = None, **changes: Any
) -> Any:
    """The one row of one CVE on one machine."""
    tables = (
        (INSPECTOR_FINDINGS, [package(1, I1, CVE)]),
        (WP_RULES, rules),
        (WP_POLICIES, [policy(*on_policy)]),
        (WP_POLICY_RULES, policy_rules),
        (WP_COMPUTERS, [computer(7, I1, ips_rule_ids=on_agent, **changes)]),
    )
    return only(patched(*tables, **(more or {})))


def test_an_empty_world_gives_an_empty_declared_table() -> None:
    assert plain_frame(virtual_patches.join(world())[VIRTUAL_PATCHES.name]).equals(plain_frame(VIRTUAL_PATCHES.frame()))


def test_a_row_says_all_of_finding_host_and_policy() -> None:
    finding = package(1, I1, CVE, title="openssl", fix_available="YES", exploit_available=True, packages=("openssl 3.0",), severity="CRITICAL")
    machines = (EC2_INSTANCES, [machine(I2), machine(I1, tags='{"Owner":"payments"}')])
    made = world(
        machines,
        (INSPECTOR_FINDINGS, [finding]),
        (WP_RULES, [rule()]),
        (WP_POLICIES, [policy(EXACT)]),
        (WP_COMPUTERS, [computer(7, I1, ips_rule_ids=(EXACT,))]),
    )
    found = only(patches(made))
    assert (found.account, found.region, found.instance_id, found.image, found.cve) == (A, R, I1, None, CVE)
    assert (found.state, found.rule_identifiers, found.policy, found.tenant, found.owner) == ("prevented", ("1000011",), "Linux", MAIN, "payments")
    assert (found.severity, found.title, found.fix_available, found.exploit_available, found.packages) == (
        "CRITICAL",
        "openssl",
        "YES",
        True,
        ("openssl 3.0",),
    )
    assert (found.age_days, found.finding_arn) == (40, f"arn:aws:inspector2:{R}:{A}:finding/0001")


SENT, ASKED = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
OFF = {"intrusion_prevention_state": "off", "intrusion_prevention_status": "inactive"}
DETECTS = {"intrusion_prevention_state": "detect"}
STOPPED = {"intrusion_prevention_status": "inactive"}
OFFLINE = {"agent_status": "error"}
SOFT = row(WP_POLICY_RULES, policy_id=9, rule_id=EXACT, detect_only=True)
HARD = row(WP_POLICY_RULES, policy_id=9, rule_id=EXACT, detect_only=False)
LESS = "effective on the agent, in prevent mode; further exact rules for this CVE that do less: "
PREVENTS = "effective on the agent, in prevent mode"
EFFECTIVE: dict[str, Any] = {"rules": [rule()], "on_policy": (EXACT,), "on_agent": (EXACT,)}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        (EFFECTIVE, "prevented"),
        (EFFECTIVE | {"intrusion_prevention_status": "warning"}, "prevented"),
        (EFFECTIVE | {"policy_id": None}, "prevented"),
        (EFFECTIVE | {"last_policy_request": SENT, "last_policy_success": SENT}, "prevented"),
        (EFFECTIVE | {"rules": [rule(type="smart")]}, "prevented"),
        (EFFECTIVE | {"rules": [rule(type="custom", identifier=None)]}, "prevented"),
        (EFFECTIVE | {"rules": [rule(type="exploit")], "policy_rules": [HARD]}, "prevented"),
        (EFFECTIVE | {"rules": [rule(detect_only=True)], "policy_rules": [HARD]}, "prevented"),
        (EFFECTIVE | {"rules": [rule(EXACT, *(f"CVE-2020-{n:04}" for n in range(9)), CVE)]}, "prevented"),
        (EFFECTIVE | DETECTS, "detect_only"),
        (EFFECTIVE | {"rules": [rule(detect_only=True)]}, "detect_only"),
        (EFFECTIVE | {"policy_rules": [SOFT]}, "detect_only"),
        (EFFECTIVE | OFF, "assigned_not_effective"),
        (EFFECTIVE | STOPPED, "assigned_not_effective"),
        (EFFECTIVE | OFFLINE, "assigned_not_effective"),
        (EFFECTIVE | {"last_policy_request": ASKED, "last_policy_success": SENT}, "assigned_not_effective"),
        (EFFECTIVE | {"last_policy_request": ASKED}, "assigned_not_effective"),
        (EFFECTIVE | {"on_agent": ()}, "assigned_not_effective"),
        (EFFECTIVE | DETECTS | OFFLINE, "assigned_not_effective"),
        (EFFECTIVE | {"on_agent": (), "policy_id": None}, "available"),
        (EFFECTIVE | {"on_agent": (), "on_policy": ()}, "available"),
        (EFFECTIVE | {"on_agent": (), "on_policy": ()} | OFFLINE, "available"),
        (EFFECTIVE | {"rules": [rule(type="info")]}, "generic_only"),
        (EFFECTIVE | {"rules": [rule(type="a newer word")]}, "generic_only"),
        (EFFECTIVE | {"rules": [rule(EXACT, *(f"CVE-2020-{n:04}" for n in range(10)), CVE)]}, "generic_only"),
        (EFFECTIVE | {"rules": [rule(type="hidden"), rule(12)]}, "available"),
        (EFFECTIVE | {"rules": [rule(EXACT, OTHER)]}, "no_rule"),
        (EFFECTIVE | {"rules": [rule(tenant="other")]}, "no_rule"),
        ({}, "no_rule"),
        (EFFECTIVE | {"agent_status": "inactive"}, "unprotected"),
        (EFFECTIVE | {"has_agent": False}, "unprotected"),
        (EFFECTIVE | {"account": B}, "unprotected"),
        (EFFECTIVE | {"agent_status": "inactive", "more": {"unread": tenant_denied("wp_rules")}}, "unprotected"),
        (EFFECTIVE | {"agent_status": "a newer word"}, "unknown"),
        (EFFECTIVE | {"more": {"unread": tenant_denied("wp_rules")}}, "unknown"),
        (EFFECTIVE | {"more": {"unread": tenant_denied("wp_policies")}}, "unknown"),
        (EFFECTIVE | {"account": B, "more": {"unread": tenant_denied("wp_computers")}}, "unknown"),
        (EFFECTIVE | {"intrusion_prevention_state": None}, "unknown"),
        (EFFECTIVE | {"intrusion_prevention_status": None}, "unknown"),
        (EFFECTIVE | {"intrusion_prevention_status": None, "on_agent": ()}, "assigned_not_effective"),
        (EFFECTIVE | {"intrusion_prevention_status": None, "on_agent": (), "on_policy": ()}, "available"),
        (EFFECTIVE | {"intrusion_prevention_status": None} | OFFLINE, "assigned_not_effective"),
    ],
)
def test_the_state_is_the_first_that_holds(changes: dict[str, Any], state: str) -> None:
    assert shield(**changes).state == state


@pytest.mark.parametrize(
    ("changes", "identifiers", "reason"),
    [
        (EFFECTIVE | {"rules": [rule(), rule(12), rule(13)]}, ("1000011",), LESS + "1000012, 1000013"),
        (EFFECTIVE | {"rules": [rule(), rule(12)], "on_agent": (12, EXACT)}, ("1000011", "1000012"), PREVENTS),
        (EFFECTIVE | {"rules": [rule(), rule(12, detect_only=True)], "on_agent": (12, EXACT)}, ("1000011",), LESS + "1000012"),
        (EFFECTIVE | {"rules": [rule(), rule(12, type="info")]}, ("1000011",), PREVENTS),
        (EFFECTIVE | {"on_agent": ()}, ("1000011",), "assigned to the policy, not yet on the agent"),
        (EFFECTIVE | OFFLINE, ("1000011",), "assigned, but the agent is offline"),
        (EFFECTIVE | OFF, ("1000011",), "assigned, but the IPS module is not running (off)"),
        (EFFECTIVE | STOPPED, ("1000011",), "assigned, but the IPS module is not running (inactive)"),
        (EFFECTIVE | {"last_policy_request": ASKED}, ("1000011",), "assigned, but the policy was not yet sent to the agent"),
        ({"rules": [rule(12), rule(EXACT, identifier=None)]}, ("1000012", "id 11"), "an exact rule exists and is not assigned"),
        ({"rules": [rule(type="info"), rule(12, type="policy")]}, ("1000011", "1000012"), "only rules that are not exact name this CVE"),
        ({}, (), "no IPS rule names this CVE"),
    ],
)
def test_a_row_names_the_rules_its_state_rests_on_and_the_missing_siblings(
    changes: dict[str, Any], identifiers: tuple[str, ...], reason: str
) -> None:
    found = shield(**changes)
    assert (found.rule_identifiers, found.reason) == (identifiers, reason)


def test_more_rules_than_fit_one_integer_are_told_apart() -> None:
    many = [rule(number) for number in range(100, 125)]
    tables = (WP_RULES, many), (WP_POLICIES, [policy()]), (INSPECTOR_FINDINGS, [package(1, I1, CVE), package(2, I2, CVE), package(3, I3, CVE)])
    computers = [computer(7, I1, ips_rule_ids=(124,)), computer(8, I2, ips_rule_ids=(123,)), computer(9, I3, ips_rule_ids=(123,))]
    found = patched((EC2_INSTANCES, [machine(I2), machine(I3)]), (WP_COMPUTERS, computers), *tables)
    assert list(found["rule_identifiers"]) == [("1000124",), ("1000123",), ("1000123",)]


def test_setups_that_are_looked_at_one_by_one_give_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reporter.joins.shields.AT_ONCE", 0)
    assert shield(**EFFECTIVE, policy_rules=[HARD]).state == "prevented"
    assert shield(**(EFFECTIVE | {"on_agent": (12,), "on_policy": ()})).state == "available"


def test_rules_are_looked_up_in_the_tenant_of_the_computer() -> None:
    both = Settings(tenants=(MAIN, "other"))
    tables = (
        (EC2_INSTANCES, [machine(I2)]),
        (INSPECTOR_FINDINGS, [package(1, I1, CVE), package(2, I2, CVE)]),
        (WP_RULES, [rule(), rule(12, tenant="other"), rule(EXACT, OTHER, tenant="other")]),
        (WP_POLICIES, [policy(), policy(tenant="other")]),
        (WP_COMPUTERS, [computer(7, I1, ips_rule_ids=(EXACT,)), computer(7, I2, ips_rule_ids=(EXACT,), tenant="other")]),
    )
    found = patched(*tables, settings=both)
    assert list(zip(found["state"], found["rule_identifiers"], strict=True)) == [("prevented", ("1000011",)), ("available", ("1000012",))]
    unread = patched(*tables, settings=both, unread=tenant_denied("wp_rules", "other"))
    assert list(unread["state"]) == ["prevented", "unknown"]


@pytest.mark.parametrize(
    ("own", "related", "cves"),
    [
        (CVE, (OTHER,), [CVE]),
        (" cve-2024-0001\u00a0", (), [CVE]),
        ("ALAS2-2024-1", (OTHER, CVE, "GHSA-1", f" {CVE.lower()}"), [CVE, OTHER]),
        ("ALAS2-2024-1", (), ["ALAS2-2024-1"]),
        ("CVE-24-1", ("CVE-2024-1",), ["CVE-24-1"]),
        (None, (CVE,), [CVE]),
        (None, (), ["a title"]),
    ],
)
def test_a_finding_stands_for_its_cve_else_the_related_ones_else_its_own_id(own: str | None, related: tuple[str, ...], cves: list[str]) -> None:
    found = patched((INSPECTOR_FINDINGS, [package(1, I1, own, related_ids=related, title="a title")]))
    assert list(found["cve"]) == cves


def test_a_finding_without_id_and_title_keeps_its_row() -> None:
    assert only(patched((INSPECTOR_FINDINGS, [package(1, I1, None)]))).cve == "no id"


@pytest.mark.parametrize("more", [{}, {"unread": tenant_denied("wp_computers")}])
def test_a_finding_without_any_cve_is_no_rule_whatever_protects_the_host(more: dict[str, Any]) -> None:
    found = only(patched((INSPECTOR_FINDINGS, [package(1, I1, "GHSA-1")]), **more))
    assert (found.state, found.reason) == ("no_rule", "the finding names no CVE, and IPS rules are known by CVE")


@pytest.mark.parametrize(
    ("more", "reason"), [({}, "EC2 does not know the instance"), ({"unread": denied(A, R, "ec2")}, f"EC2 in {A} {R} was not read")]
)
def test_an_instance_that_ec2_does_not_list_is_unknown(more: dict[str, Any], reason: str) -> None:
    found = only(patched((INSPECTOR_FINDINGS, [package(1, "i-gone", CVE)]), **more))
    assert (found.instance_id, found.state, found.reason, found.tenant) == ("i-gone", "unknown", reason, None)


def test_instances_outside_the_scope_tag_have_no_rows() -> None:
    machines = (EC2_INSTANCES, [machine(I2, tags='{"Environment":"cde"}')])
    findings = (INSPECTOR_FINDINGS, [package(1, I1, CVE), package(2, I2, CVE)])
    found = patched(machines, findings, settings=Settings(tenants=(MAIN,), scope=TagScope(tag="Environment", values=("cde",))))
    assert list(found["instance_id"]) == [I2]


def test_only_package_findings_on_instances_and_images_are_rows() -> None:
    findings = [
        package(1, I1, CVE),
        package(2, I1, CVE, type="NETWORK_REACHABILITY"),
        package(3, I1, CVE, type="CODE_VULNERABILITY"),
        package(4, "arn:aws:lambda:f", CVE, resource_type="AWS_LAMBDA_FUNCTION"),
    ]
    assert list(patched((INSPECTOR_FINDINGS, findings))["finding_arn"].str[-4:]) == ["0001"]


@pytest.mark.parametrize(("since", "days"), [(timedelta(0), 0), (timedelta(days=1), 1), (timedelta(hours=47), 1), (timedelta(hours=-30), 0)])
def test_the_patch_is_outstanding_for_whole_days(since: timedelta, days: int) -> None:
    found = only(patched((INSPECTOR_FINDINGS, [package(1, I1, CVE, first_observed=NOW - since)])))
    assert found.age_days == days


def test_an_instance_whose_computer_is_not_among_those_read_is_unknown() -> None:
    made = world((EC2_INSTANCES, [machine(I1)]), (WP_COMPUTERS, [computer(7, I1)]), (INSPECTOR_FINDINGS, [package(1, I1, CVE)]))
    without = made.with_tables(instances.join(made)).with_tables({WP_COMPUTERS.name: WP_COMPUTERS.frame()})
    assert only(virtual_patches.join(without)[VIRTUAL_PATCHES.name]).state == "unknown"


def test_hostile_texts_pass_through_as_they_are() -> None:
    tables = (
        (WP_RULES, [rule(identifier=HOSTILE, name=HOSTILE, type="custom")]),
        (WP_COMPUTERS, [computer(7, I1)]),
        (WP_POLICIES, [policy(name=HOSTILE)]),
    )
    found = patched(*tables, (INSPECTOR_FINDINGS, [package(1, I1, HOSTILE), package(2, I1, CVE, title=HOSTILE)]))
    assert list(found["cve"]) == [HOSTILE, CVE]
    assert (found["title"][1], found["policy"][1], found["rule_identifiers"][1]) == (HOSTILE, HOSTILE, (HOSTILE,))
