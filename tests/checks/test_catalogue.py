"""What holds for every check: the list, the pages, the empty world, the order of rows, and the cases that come before any agent question."""

from __future__ import annotations

import pandas as pd
import pytest

from reporter.core.check import Check
from reporter.core.settings import ChecksSettings
from reporter.judge import discover, judge
from reporter.tables.joined import INSTANCES
from tests.checks.worlds import DENIED, I1, I2, ago, instance, only, rows, unmanaged, world, world_of_instances

AGENT_QUESTIONS = [
    "instance_protected",
    "agent_online",
    "policy_assigned",
    "instance_clear",
    "recommendation_scan_recent",
    "integrity_scan_recent",
    "anti_malware_active",
    "intrusion_prevention_active",
    "integrity_monitoring_active",
    "log_inspection_active",
    "firewall_active",
    "application_control_active",
    "web_reputation_active",
    "activity_monitoring_active",
]
OTHERS = [
    "device_control_active",
    "vulnerability_covered",
    "patch_outstanding",
    "guardduty_finding_handled",
    "bucket_access_protected",
    "web_acl_associated",
    "managed_rules_match",
    "config_recorder_on",
    "guardduty_enabled",
    "inspector_enabled",
    "macie_enabled",
    "exceptions_valid",
    "evidence_sealed",
]
CHECKS = {check.id: check for check in discover()}
ALL_MODULES = ChecksSettings(
    required_modules=(
        "anti_malware",
        "web_reputation",
        "activity_monitoring",
        "firewall",
        "intrusion_prevention",
        "integrity_monitoring",
        "log_inspection",
        "application_control",
    )
)


def test_the_27_checks_are_found_by_walking_the_folder() -> None:
    assert list(CHECKS) == sorted(AGENT_QUESTIONS + OTHERS)
    assert len(CHECKS) == 27


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
def test_every_check_carries_its_page(check: Check) -> None:
    assert check.about.split("\n\n")[0].endswith("?")
    assert [part.split(":")[0] for part in check.about.split("\n\n")[1:]] == ["Why", "Limits", "Source"]


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
def test_where_nothing_was_planned_there_is_nothing_to_pass_or_fail(check: Check) -> None:
    result = judge(world(accounts=(), tenants=()), [check])
    assert set(result["status"]) <= {"NOT_APPLICABLE"}


@pytest.mark.parametrize("check", AGENT_QUESTIONS)
@pytest.mark.parametrize("state", ["stopped", "stopping"])
def test_an_instance_that_does_not_run_is_not_applicable(check: str, state: str) -> None:
    row = only(CHECKS[check].judge(world_of_instances(instance(state=state, protection="offline"), checks=ALL_MODULES)))
    assert row["status"] == "NOT_APPLICABLE"
    assert state in row["reason"]


@pytest.mark.parametrize("check", AGENT_QUESTIONS)
def test_an_instance_in_its_grace_period_is_unknown(check: str) -> None:
    assert only(CHECKS[check].judge(world_of_instances(unmanaged(launch_time=ago(minutes=59)), checks=ALL_MODULES)))["status"] == "UNKNOWN"


@pytest.mark.parametrize("check", AGENT_QUESTIONS)
def test_after_its_grace_period_an_unmanaged_instance_fails(check: str) -> None:
    row = only(CHECKS[check].judge(world_of_instances(unmanaged(launch_time=ago(minutes=61)), checks=ALL_MODULES)))
    assert (row["status"], row["owner"]) == ("FAIL", "payments")


@pytest.mark.parametrize("check", AGENT_QUESTIONS)
def test_an_instance_whose_launch_is_not_known_is_not_young(check: str) -> None:
    assert only(CHECKS[check].judge(world_of_instances(unmanaged(launch_time=None), checks=ALL_MODULES)))["status"] == "FAIL"


@pytest.mark.parametrize("check", AGENT_QUESTIONS)
def test_an_instance_whose_protection_is_not_known_is_unknown(check: str) -> None:
    row = only(CHECKS[check].judge(world_of_instances(unmanaged(protection="unknown"), checks=ALL_MODULES)))
    assert row["status"] == "UNKNOWN"


@pytest.mark.parametrize("check", AGENT_QUESTIONS)
def test_an_instance_as_it_should_be_passes(check: str) -> None:
    row = only(judge(world_of_instances(instance(), checks=ALL_MODULES), [CHECKS[check]]))
    assert (row["status"], row["severity"]) == ("PASS", CHECKS[check].severity)


@pytest.mark.parametrize("check", AGENT_QUESTIONS)
def test_an_inactive_agent_fails_where_its_work_is_asked_for(check: str) -> None:
    row = only(CHECKS[check].judge(world_of_instances(instance(protection="inactive", agent_status="inactive"), checks=ALL_MODULES)))
    assert row["status"] == ("PASS" if check == "policy_assigned" else "FAIL")


@pytest.mark.parametrize("check", AGENT_QUESTIONS)
def test_a_tenant_that_was_not_read_makes_it_unknown_and_empties_what_was_seen(check: str) -> None:
    seen = world_of_instances(instance(), checks=ALL_MODULES, changed={("wp_computers", "main", "-"): DENIED})
    row = only(judge(seen, [CHECKS[check]]))
    assert (row["status"], row["observed"]) == ("UNKNOWN", "")
    assert "grant service:ListThings" in row["reason"]


@pytest.mark.parametrize("check", AGENT_QUESTIONS)
def test_a_role_that_was_not_read_matters_only_where_no_computer_was_found(check: str) -> None:
    seen = world_of_instances(instance(), unmanaged(I2), checks=ALL_MODULES, changed={("wp_roles", "main", "-"): DENIED})
    assert list(judge(seen, [CHECKS[check]])["status"]) == ["PASS", "UNKNOWN"]


@pytest.mark.parametrize("check", [*AGENT_QUESTIONS, "vulnerability_covered", "patch_outstanding"])
def test_permuted_rows_give_equal_results(check: str) -> None:
    frame = rows(INSTANCES, instance(I1), unmanaged(I2), instance("i-3", state="stopped"), instance("i-4", protection="offline"))
    backwards = frame.iloc[::-1]
    results = [judge(world((INSTANCES, order), checks=ALL_MODULES), [CHECKS[check]]) for order in (frame, backwards)]
    pd.testing.assert_frame_equal(*results)
