"""instance_protected, agent_online, policy_assigned, instance_clear, device_control_active."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reporter.checks import agent_online, device_control_active, instance_clear, instance_protected, policy_assigned
from reporter.core.settings import ChecksSettings
from reporter.judge import judge
from tests.checks.worlds import DENIED, OFF, R2, SKIPPED, A, R, ago, instance, only, unmanaged, world, world_of_instances


@pytest.mark.parametrize(
    ("protection", "words"),
    [("inactive", "never activated"), ("offline", "last contact 2026-11-22T03:00:00Z"), ("no_policy", "no policy")],
)
def test_an_instance_that_is_not_protected_fails_and_says_why(protection: str, words: str) -> None:
    row = only(instance_protected.judge(world_of_instances(instance(protection=protection, last_contact=ago(days=2)))))
    assert (row["status"], row["observed"], row["expected"]) == ("FAIL", protection, "protected")
    assert words in row["reason"]


def test_a_protection_word_that_is_not_known_here_is_unknown() -> None:
    assert only(instance_protected.judge(world_of_instances(instance(protection="half"))))["status"] == "UNKNOWN"


def test_an_offline_agent_fails() -> None:
    row = only(agent_online.judge(world_of_instances(instance(protection="offline", agent_status="error", last_contact=None))))
    assert (row["status"], row["observed"]) == ("FAIL", "agent error, last contact never")
    assert row["expected"] == "agent online, heard from within 24 hours"


def test_an_agent_without_a_policy_is_online() -> None:
    assert only(agent_online.judge(world_of_instances(instance(protection="no_policy"))))["status"] == "PASS"


def test_the_longest_silence_is_the_schedules() -> None:
    settings = ChecksSettings(agent_max_age=timedelta(minutes=90))
    assert "1.5 hours" in only(agent_online.judge(world_of_instances(instance(), checks=settings)))["expected"]


def test_without_a_computer_nothing_was_observed_of_an_agent() -> None:
    assert only(agent_online.judge(world_of_instances(unmanaged())))["observed"] == "no computer"


@pytest.mark.parametrize(
    ("required", "policy", "status"),
    [
        ((), "Linux", "PASS"),
        (("Linux", "Windows"), "Linux", "PASS"),
        (("Windows",), "Linux", "FAIL"),
        (("linux",), "Linux", "FAIL"),
    ],
)
def test_the_policy_must_be_one_of_those_required(required: tuple[str, ...], policy: str, status: str) -> None:
    settings = ChecksSettings(required_policies=required)
    row = only(policy_assigned.judge(world_of_instances(instance(policy=policy), checks=settings)))
    assert (row["status"], row["observed"]) == (status, policy)


def test_no_policy_fails() -> None:
    row = only(policy_assigned.judge(world_of_instances(instance(protection="no_policy", policy=None, policy_id=None))))
    assert (row["status"], row["reason"], row["observed"]) == ("FAIL", "no policy is assigned", "no policy")


def test_a_policy_without_a_name_is_unknown() -> None:
    assert only(policy_assigned.judge(world_of_instances(instance(policy=None))))["status"] == "UNKNOWN"


def test_policies_that_were_not_read_are_unknown() -> None:
    seen = world_of_instances(instance(policy=None), changed={("wp_policies", "main", "-"): DENIED})
    assert only(judge(seen, [policy_assigned.CHECK]))["reason"].startswith("wp_policies of tenant main could not be read")


def test_conditions_fail_and_are_labelled_as_derived() -> None:
    row = only(instance_clear.judge(world_of_instances(instance(conditions=("agent in error", "update failed")))))
    assert (row["status"], row["observed"]) == ("FAIL", "agent in error; update failed")
    assert row["reason"] == "2 conditions need attention (derived, Workload Protection v1 has no alert call): agent in error; update failed"


def test_device_control_has_no_automated_evidence() -> None:
    row = only(judge(world(), [device_control_active.CHECK]))
    assert (row["resource"], row["account"], row["region"], row["status"]) == ("*", A, R, "UNKNOWN")
    assert row["reason"].startswith("no automated evidence")


@pytest.mark.parametrize("change", [DENIED, OFF])
def test_device_control_says_once_where_instances_could_not_be_read(change: tuple[object, str, str]) -> None:
    row = only(judge(world(changed={("ec2", A, R): change}), [device_control_active.CHECK]))  # type: ignore[dict-item]
    assert row["reason"].startswith("ec2 in")


def test_device_control_says_nothing_of_skipped_regions() -> None:
    assert len(judge(world(changed={("ec2", A, R2): SKIPPED}, regions=(R, R2)), [device_control_active.CHECK])) == 1


def test_nothing_is_observed_where_it_is_not_known_whether_there_is_a_computer() -> None:
    seen = world_of_instances(instance(protection="unknown", computer_id=None, agent_status=None, last_contact=None))
    for check in (agent_online, instance_clear, policy_assigned):
        row = only(check.judge(seen))
        assert (row["status"], row["observed"]) == ("UNKNOWN", "")


def test_a_clear_instance_is_observed_without_a_condition() -> None:
    assert only(instance_clear.judge(world_of_instances(instance())))["observed"] == "no condition"
