"""recommendation_scan_recent and integrity_scan_recent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from reporter.checks.scans import CHECKS, integrity, recommendation
from reporter.core.settings import ChecksSettings
from reporter.core.world import World
from reporter.judge import judge as judge_all
from tests.checks.worlds import DENIED, ago, instance, only, unmanaged, world_of_instances

REQUIRED = ChecksSettings(required_modules=("integrity_monitoring",))
Judge = Callable[[World], pd.DataFrame]
BOTH: list[Any] = [
    pytest.param(recommendation, "last_recommendation_scan", id="recommendation"),
    pytest.param(integrity, "last_integrity_scan", id="integrity"),
]


@pytest.mark.parametrize(("judge", "column"), BOTH)
def test_a_scan_of_just_seven_days_ago_is_recent(judge: Judge, column: str) -> None:
    row = only(judge(world_of_instances(instance(**{column: ago(days=7)}), checks=REQUIRED)))
    assert (row["status"], row["observed"], row["expected"]) == ("PASS", "2026-11-17T03:00:00Z", "a scan within 7 days")


@pytest.mark.parametrize(("judge", "column"), BOTH)
def test_an_older_scan_fails(judge: Judge, column: str) -> None:
    assert only(judge(world_of_instances(instance(**{column: ago(days=7, seconds=1)}), checks=REQUIRED)))["status"] == "FAIL"


@pytest.mark.parametrize(("judge", "column"), BOTH)
def test_an_instance_that_was_never_scanned_fails(judge: Judge, column: str) -> None:
    row = only(judge(world_of_instances(instance(**{column: None, "recommendation_status": "none"}), checks=REQUIRED)))
    assert (row["status"], row["reason"], row["observed"]) == ("FAIL", "it was never scanned", "never")


@pytest.mark.parametrize("status", ["unknown", None])
def test_a_recommendation_scan_of_which_nothing_is_said_is_unknown(status: str | None) -> None:
    seen = world_of_instances(instance(last_recommendation_scan=None, recommendation_status=status))
    assert only(recommendation(seen))["status"] == "UNKNOWN"


def test_an_offline_agents_scan_is_judged_by_its_date() -> None:
    assert only(recommendation(world_of_instances(instance(protection="offline"))))["status"] == "PASS"


def test_an_integrity_scan_is_not_asked_for_where_the_module_is_neither_required_nor_active() -> None:
    row = only(integrity(world_of_instances(instance(integrity_monitoring="off", last_integrity_scan=None))))
    assert row["status"] == "NOT_APPLICABLE"


def test_an_integrity_scan_is_asked_for_where_the_module_is_active() -> None:
    assert only(integrity(world_of_instances(instance(last_integrity_scan=None))))["status"] == "FAIL"


def test_an_integrity_scan_is_asked_for_where_the_module_is_required() -> None:
    seen = world_of_instances(instance(integrity_monitoring="off", last_integrity_scan=None), checks=REQUIRED)
    assert only(integrity(seen))["status"] == "FAIL"


def test_an_unmanaged_instance_needs_no_integrity_scan_unless_the_module_is_required() -> None:
    assert only(integrity(world_of_instances(unmanaged())))["status"] == "NOT_APPLICABLE"
    row = only(integrity(world_of_instances(unmanaged(), checks=REQUIRED)))
    assert (row["status"], row["observed"]) == ("FAIL", "no computer")


def test_a_module_of_which_nothing_is_said_leaves_the_integrity_scan_unknown() -> None:
    assert only(integrity(world_of_instances(instance(integrity_monitoring=None))))["status"] == "UNKNOWN"


def test_an_unknown_protection_is_not_taken_for_not_required() -> None:
    assert only(integrity(world_of_instances(unmanaged(protection="unknown"))))["status"] == "UNKNOWN"


def test_an_inactive_agent_with_the_module_active_fails() -> None:
    assert only(integrity(world_of_instances(instance(protection="inactive"))))["status"] == "FAIL"


def test_recommendations_that_were_not_read_matter_for_that_scan_only() -> None:
    seen = world_of_instances(instance(), changed={("wp_recommendations", "main", "-"): DENIED})
    result = judge_all(seen, CHECKS)
    assert dict(zip(result["check_id"], result["status"], strict=True)) == {"recommendation_scan_recent": "UNKNOWN", "integrity_scan_recent": "PASS"}
