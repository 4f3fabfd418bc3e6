from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from reporter.core.settings import OwnersSettings, Settings, TagScope
from reporter.joins import instances
from reporter.tables.aws import EC2_INSTANCES, ECS_CONTAINER_INSTANCES
from reporter.tables.joined import EXCLUDED_INSTANCES, INSTANCES
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES, WP_RECOMMENDATIONS, WP_ROLES
from tests.joins.made import HOSTILE, MAIN, NOW, R2, A, B, R, cluster_arn, computer, denied, host, machine, only, permuted, row, tenant_denied, world

I1, I2 = "i-0000000000000001", "i-0000000000000002"
LINUX = (WP_POLICIES, [row(WP_POLICIES, policy_id=9, name="Linux")])


def joined(*rows: Any, **more: Any) -> pd.DataFrame:
    return instances.join(world((EC2_INSTANCES, [machine(I1)]), LINUX, *rows, **more))[INSTANCES.name]


def with_computer(*, tables: tuple[Any, ...] = (), more: dict[str, Any] | None = None, **changes: Any) -> Any:
    return only(joined((WP_COMPUTERS, [computer(7, I1, **changes)]), *tables, **(more or {})))


def test_an_empty_world_gives_empty_declared_tables() -> None:
    made = instances.join(world())
    assert made[INSTANCES.name].equals(INSTANCES.frame())
    assert made[EXCLUDED_INSTANCES.name].equals(EXCLUDED_INSTANCES.frame())


OLD = NOW - timedelta(hours=25)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "protected"),
        ({"agent_status": "warning"}, "protected"),
        ({"agent_status": "inactive"}, "inactive"),
        ({"agent_status": "not-supported"}, "inactive"),
        ({"has_agent": False}, "inactive"),
        ({"agent_status": "inactive", "last_contact": OLD, "policy_id": None}, "inactive"),
        ({"agent_status": "error"}, "offline"),
        ({"agent_messages": ("Managed (OFFLINE)",)}, "offline"),
        ({"last_contact": OLD}, "offline"),
        ({"last_contact": None}, "offline"),
        ({"last_contact": NOW - timedelta(hours=24)}, "protected"),
        ({"last_contact": NOW + timedelta(hours=1)}, "protected"),
        ({"agent_status": "error", "policy_id": None}, "offline"),
        ({"policy_id": None}, "no_policy"),
        ({"agent_status": "warning", "policy_id": None}, "no_policy"),
        ({"agent_status": "quarantined"}, "unknown"),
        ({"agent_status": None}, "unknown"),
        ({"agent_status": "quarantined", "has_agent": False}, "inactive"),
        ({"agent_status": "quarantined", "last_contact": OLD}, "offline"),
    ],
)
def test_protection_is_the_first_state_that_holds(changes: dict[str, Any], expected: str) -> None:
    assert with_computer(**changes).protection == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "unmanaged"),
        ({"unread": tenant_denied("wp_computers")}, "unknown"),
        ({"unread": tenant_denied("wp_roles")}, "unknown"),
        ({"unread": tenant_denied("wp_rules")}, "unmanaged"),
        ({"roles": False}, "unknown"),
        ({"settings": Settings(tenants=())}, "unmanaged"),
        ({"settings": Settings(tenants=(MAIN, "other")), "unread": tenant_denied("wp_computers", "other")}, "unknown"),
    ],
)
def test_an_instance_without_a_computer_is_unmanaged_only_if_every_tenant_shows_all(more: dict[str, Any], expected: str) -> None:
    assert only(joined(**more)).protection == expected


@pytest.mark.parametrize("sees_all", [False, None])
def test_a_narrowed_role_makes_an_instance_without_computer_unknown(sees_all: bool | None) -> None:
    assert only(joined((WP_ROLES, [row(WP_ROLES, all_computers=sees_all)]))).protection == "unknown"


def test_a_computer_that_was_found_counts_although_another_tenant_is_unread() -> None:
    both = Settings(tenants=(MAIN, "other"))
    found = with_computer(more={"settings": both, "unread": tenant_denied("wp_computers", "other")})
    assert (found.protection, found.tenant) == ("protected", MAIN)


def test_an_unread_policy_list_leaves_the_name_empty_and_the_protection_as_it_is() -> None:
    made = instances.join(world((EC2_INSTANCES, [machine(I1)]), (WP_COMPUTERS, [computer(7, I1)]), unread=tenant_denied("wp_policies")))
    found = only(made[INSTANCES.name])
    assert (found.protection, found.policy, found.policy_id) == ("protected", None, 9)


def test_a_computer_of_another_account_does_not_match() -> None:
    assert with_computer(account=B).protection == "unmanaged"


def test_instance_ids_of_computers_match_whatever_their_case() -> None:
    assert only(joined((WP_COMPUTERS, [computer(7, I1.upper())]))).protection == "protected"


def test_a_computer_without_account_matches_the_only_instance_of_that_id() -> None:
    assert with_computer(account=None, summary="no_connector").computer_id == 7


def test_a_computer_without_account_matches_no_instance_when_two_have_its_id() -> None:
    rows = (EC2_INSTANCES, [machine(I1, account=B)]), (WP_COMPUTERS, [computer(7, I1, account=None)])
    assert list(joined(*rows)["protection"]) == ["unmanaged", "unmanaged"]


def test_a_computer_without_account_sees_instances_outside_the_scope_tag_too() -> None:
    outside = (EC2_INSTANCES, [machine(I2, tags='{"Env":"cde"}'), machine(I2, account=B)])
    scope = Settings(tenants=(MAIN,), scope=TagScope(tag="Env", values=("cde",)))
    assert only(joined(outside, (WP_COMPUTERS, [computer(7, I2, account=None)]), settings=scope)).protection == "unmanaged"


def test_a_computer_without_instance_id_matches_nothing() -> None:
    assert only(joined((WP_COMPUTERS, [computer(7, None, account=None)]))).protection == "unmanaged"


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"agent_status": "active", "has_agent": False}, {"agent_status": "warning", "has_agent": True}),
        ({"agent_status": "error", "has_agent": True}, {"agent_status": "error", "has_agent": False}),
        ({"last_contact": NOW}, {"last_contact": NOW - timedelta(hours=1)}),
        ({"last_contact": NOW}, {"last_contact": None}),
        ({"agent_status": "active", "last_contact": OLD}, {"agent_status": "inactive", "last_contact": NOW}),
    ],
)
def test_of_several_computers_the_best_stands_for_the_instance(better: dict[str, Any], worse: dict[str, Any]) -> None:
    found = only(joined((WP_COMPUTERS, [computer(5, I1, **better), computer(8, I1, **worse), computer(8, I2)])))
    assert (found.computer_id, found.duplicates) == (5, (8,))
    assert any("further computers for this instance: 8 (main)" in condition for condition in found.conditions)


def test_of_equal_computers_the_highest_id_stands_for_the_instance() -> None:
    found = only(joined((WP_COMPUTERS, [computer(5, I1), computer(8, I1), computer(6, I1)])))
    assert (found.computer_id, found.duplicates) == (8, (5, 6))


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        ("prevent", "active", "prevent"),
        ("detect", "warning", "detect"),
        ("off", "inactive", "off"),
        ("off", None, "off"),
        ("prevent", "inactive", "inactive"),
        ("prevent", "error", "inactive"),
        ("prevent", "not-supported", "inactive"),
        (None, "active", None),
        ("prevent", None, None),
        ("prevent", "resting", None),
    ],
)
def test_a_module_column_says_what_the_agent_does_not_what_the_policy_wants(state: str | None, status: str | None, expected: str | None) -> None:
    found = with_computer(intrusion_prevention_state=state, intrusion_prevention_status=status, intrusion_prevention_message="Off, 2 rules")
    assert (found.intrusion_prevention, found.intrusion_prevention_message) == (expected, "Off, 2 rules")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ()),
        ({"agent_status": "warning", "agent_messages": ("Multiple Warnings", "x")}, ("agent in warning: Multiple Warnings; x",)),
        ({"agent_status": "error", "agent_messages": ()}, ("agent in error",)),
        ({"agent_messages": ("Offline",)}, ("agent offline: Offline",)),
        (
            {"intrusion_prevention_status": "inactive", "intrusion_prevention_message": "Off"},
            ("intrusion_prevention is set to prevent but does not run: Off",),
        ),
        ({"intrusion_prevention_status": "warning"}, ("intrusion_prevention runs with a warning",)),
        ({"update_status": "error", "update_message": "no relay"}, ("security update in error: no relay",)),
        ({"update_status": "active"}, ()),
        ({"last_contact": OLD}, ("last contact 2026-11-23T02:00:00Z",)),
        ({"last_contact": None}, ("agent was never in contact",)),
        ({"last_contact": None, "has_agent": False}, ()),
    ],
)
def test_conditions_are_derived_from_agent_and_module_status(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert with_computer(**changes).conditions == expected


def test_an_instance_names_its_owner_its_cluster_its_scans_and_its_rules() -> None:
    scans = (WP_RECOMMENDATIONS, [row(WP_RECOMMENDATIONS, computer_id=7, scan_status="valid", last_scan=NOW)])
    machines = (EC2_INSTANCES, [machine(I2, tags='{"Name":"web-2","Owner":"payments"}', launch_time=NOW, instance_profile_arn="arn:p")])
    hosts = (ECS_CONTAINER_INSTANCES, [host(1, I2)])
    found = joined(machines, hosts, scans, (WP_COMPUTERS, [computer(7, I2, ips_rule_ids=(1, 2), last_integrity_scan=NOW)]))
    second = only(found[found["instance_id"] == I2])
    assert (second.owner, second.name, second.ecs_cluster, second.policy) == ("payments", "web-2", cluster_arn(), "Linux")
    assert (second.ips_rules, second.recommendation_status, second.last_recommendation_scan) == (2, "valid", pd.Timestamp(NOW))
    assert (second.last_integrity_scan, second.launch_time, second.instance_profile_arn) == (pd.Timestamp(NOW), pd.Timestamp(NOW), "arn:p")


def test_an_active_registration_names_the_cluster_before_a_draining_one() -> None:
    hosts = (ECS_CONTAINER_INSTANCES, [host(1, I1, "aaa", status="DRAINING"), host(2, I1, "bbb"), host(3, I1, "ccc")])
    assert only(joined(hosts)).ecs_cluster == cluster_arn("bbb")


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        ('{"Team":"a"}', "a"),
        ('{"TEAM":"b"}', "b"),
        ('{"TEAM":"b","Team":"a"}', "a"),
        ('{"Team":" ","team":"c"}', "c"),
        ('{"Team":""}', None),
        ("{}", None),
    ],
)
def test_the_owner_is_the_exact_tag_then_one_that_differs_in_case(tags: str, owner: str | None) -> None:
    made = world((EC2_INSTANCES, [machine(I1, tags=tags)]), settings=Settings(owners=OwnersSettings(tag="Team")))
    assert only(instances.join(made)[INSTANCES.name]).owner == owner


def test_tags_that_are_no_object_are_a_defect_of_the_source() -> None:
    with pytest.raises(ValueError, match="tags are not a JSON object"):
        instances.join(world((EC2_INSTANCES, [machine(I1, tags="[]")])))


def test_instances_outside_the_scope_tag_are_counted_by_account_and_region() -> None:
    machines = [
        machine(I1, tags='{"Environment":"cde"}'),
        machine(I2, tags='{"Environment":"dev"}'),
        machine("i-3", tags='{"environment":"cde"}'),
        machine("i-4", account=B, region=R2),
    ]
    settings = Settings(scope=TagScope(tag="Environment", values=("cde", "pci")))
    made = instances.join(world((EC2_INSTANCES, machines), settings=settings))
    assert list(made[INSTANCES.name]["instance_id"]) == [I1]
    excluded = made[EXCLUDED_INSTANCES.name]
    assert excluded.equals(EXCLUDED_INSTANCES.frame([(A, R, 2), (B, R2, 1)]))


def test_hostile_texts_pass_through_as_they_are() -> None:
    found = with_computer(
        tables=((WP_POLICIES, [row(WP_POLICIES, policy_id=4, name=HOSTILE)]),),
        policy_id=4,
        agent_status="warning",
        agent_messages=(HOSTILE,),
        intrusion_prevention_message=HOSTILE,
    )
    assert (found.policy, found.agent_messages, found.intrusion_prevention_message) == (HOSTILE, (HOSTILE,), HOSTILE)


def test_the_order_of_rows_changes_nothing() -> None:
    made = world(
        (EC2_INSTANCES, [machine(I1), machine(I2), machine(I1, account=B), machine("i-9", region=R2)]),
        (WP_COMPUTERS, [computer(number, instance) for number, instance in enumerate([I1, I1, I2, I2, I1, None])]),
        (WP_COMPUTERS, [computer(4, I1, tenant="other"), computer(9, "i-9", account=None)]),
        (ECS_CONTAINER_INSTANCES, [host(1, I1, "a"), host(2, I1, "b")]),
        LINUX,
        unread=denied(A, R, "ecs"),
    )
    expected = instances.join(made)
    for seed in range(5):
        found = instances.join(permuted(made, seed))
        assert all(found[name].equals(expected[name]) for name in expected)
