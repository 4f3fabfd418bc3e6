from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from reporter.sandbox.estate.draw import SIZES, draw
from reporter.sandbox.estate.profiles import PROFILES
from reporter.sandbox.estate.spec import Estate, Protection

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)


@pytest.fixture(scope="module", params=["small", "demo"])
def estate(request: pytest.FixtureRequest) -> Estate:
    return draw(1, request.param, NOW)


def test_the_same_seed_size_and_instant_draw_the_same_estate(estate: Estate) -> None:
    assert draw(1, estate.size, NOW) == estate


def test_another_seed_draws_another_estate(estate: Estate) -> None:
    assert draw(2, estate.size, NOW) != estate


def test_another_instant_moves_every_time_with_it() -> None:
    later = draw(1, "small", NOW + timedelta(days=3))
    assert [f.updated - timedelta(days=3) for f in later.guardduty] == [f.updated for f in draw(1, "small", NOW).guardduty]


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(KeyError):
        draw(1, "huge", NOW)


def test_every_size_has_every_pitfall_of_hosts(estate: Estate) -> None:
    assert {instance.profile for instance in estate.instances} == set(PROFILES)


def test_every_size_has_every_protection(estate: Estate) -> None:
    assert {instance.protection for instance in estate.instances} == set(Protection)


def test_numbers_are_those_of_the_size(estate: Estate) -> None:
    plan = SIZES[estate.size]
    assert len(estate.instances) == plan.accounts * len(plan.regions) * plan.hosts
    assert (len(estate.guardduty), len(estate.inspector)) == (plan.guardduty, plan.inspector)
    assert len(estate.macie) == plan.macie


def test_the_demo_has_300_instances_and_5000_findings() -> None:
    demo = draw(1, "demo", NOW)
    assert len(demo.instances) == 300
    assert len(demo.guardduty) + len(demo.inspector) + len(demo.macie) == 5000
    assert len(demo.buckets) >= 60


def test_findings_stand_only_where_their_service_is_on(estate: Estate) -> None:
    assert all(estate.services[f.place].guardduty for f in estate.guardduty)
    assert all(estate.services[f.place].inspector for f in estate.inspector)
    assert all(estate.services[f.place].macie for f in estate.macie)


def test_each_service_is_off_somewhere(estate: Estate) -> None:
    services = estate.services.values()
    assert {"recording", "stopped", "absent"} == {s.recorder for s in services}
    assert not all(s.guardduty for s in services)
    assert not all(s.inspector for s in services)
    assert not all(s.macie for s in services)


def test_guardduty_findings_are_of_every_kind(estate: Estate) -> None:
    kinds = {"instance", "ecs_task", "ecs_cluster", "container", "sequence", "s3", "access_key"}
    assert {finding.kind for finding in estate.guardduty} == kinds
    assert any(finding.sample for finding in estate.guardduty)
    assert any(finding.archived for finding in estate.guardduty)


def test_inspector_findings_are_of_every_kind(estate: Estate) -> None:
    findings = estate.inspector
    assert {f.type for f in findings} == {"PACKAGE_VULNERABILITY", "NETWORK_REACHABILITY"}
    assert {"UNTRIAGED", "CRITICAL", "HIGH", "MEDIUM", "LOW"} <= {f.severity for f in findings}
    assert {f.fix for f in findings} == {"YES", "NO", "PARTIAL"}
    assert any(f.related for f in findings)
    assert any(f.cves[0].startswith("ALAS") for f in findings)
    assert not all(f.scored for f in findings)
    assert any(f.image for f in findings)
    assert any(f.function for f in findings)


def test_no_host_has_two_findings_of_one_cve_in_small() -> None:
    pairs = Counter((f.instance, cve) for f in draw(1, "small", NOW).inspector if f.instance and f.vulnerability for cve in f.cves)
    assert max(pairs.values()) == 1


def test_ids_of_findings_are_unique(estate: Estate) -> None:
    ids = [f.finding_id for f in estate.guardduty] + [f.finding_id for f in estate.macie] + [f.arn for f in estate.inspector]
    assert len(set(ids)) == len(ids)


def test_a_second_tenant_holds_the_last_account_with_other_rule_ids() -> None:
    estate = draw(1, "small", NOW, tenants=2)
    main, subsidiary = estate.tenants
    accounts = {estate.hosts[c.instance].place.account for c in subsidiary.computers if c.instance}
    assert accounts == {estate.accounts[-1]}
    assert main.rule_ids != subsidiary.rule_ids
    assert main.rule_ids.keys() == subsidiary.rule_ids.keys()


def test_computer_ids_are_unique_in_a_tenant(estate: Estate) -> None:
    for tenant in estate.tenants:
        ids = [computer.computer_id for computer in tenant.computers]
        assert len(set(ids)) == len(ids)


def test_containers_come_in_every_way_they_run(estate: Estate) -> None:
    assert {task.mode for task in estate.tasks} == {"bridge", "awsvpc", "fargate"}
    assert max(Counter(task.host for task in estate.tasks if task.host).values()) > 1
    used = {image for task in estate.tasks for image in task.images}
    assert {image.key for image in estate.images} - used
    assert any(len({task.host for task in estate.tasks if image in task.images}) > 1 for image in used)


def test_web_entries_are_meant_for_every_state(estate: Estate) -> None:
    states = {balancer.state for balancer in estate.load_balancers} | {distribution.state for distribution in estate.distributions}
    assert {"covered", "count_only", "missing_rules", "missing_acl", "not_applicable"} <= states


def test_load_balancers_forward_to_targets_of_every_kind(estate: Estate) -> None:
    kinds = {balancer.target for balancer in estate.load_balancers}
    assert kinds == {"instance", "ip_instance", "ip_task", "lambda", "alb", "auto_scaling", "none"}


def test_a_classic_load_balancer_is_as_open_as_the_most_open_distribution_before_it(estate: Estate) -> None:
    assert {balancer.key: balancer.state for balancer in estate.load_balancers if balancer.kind == "classic"} == {
        "old-cdn": "covered",
        "old-bare": "missing_acl",
        "old-naked": "missing_acl",
        "old-inner": "not_applicable",
        "old-twice": "missing_acl",
        "old-mixed": "count_only",
    }
