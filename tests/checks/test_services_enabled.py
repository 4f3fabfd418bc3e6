"""config_recorder_on, guardduty_enabled, inspector_enabled, macie_enabled."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from reporter.checks.services_enabled import CHECKS, root
from reporter.core.check import Check
from reporter.core.table import Table
from reporter.judge import judge
from reporter.tables.aws import S3_BUCKETS
from reporter.tables.findings import CONFIG_RECORDERS, GUARDDUTY_DETECTORS, INSPECTOR_STATUS, MACIE_SESSIONS
from tests.checks.worlds import DENIED, OFF, R2, SKIPPED, THROTTLED, A, B, Change, R, only, rows, world

HERE = {"account": A, "region": R}
ROOT = f"arn:aws:iam::{A}:root"
ID = {check.id: check for check in CHECKS}
TABLES: dict[str, Table] = {
    "config_recorder_on": CONFIG_RECORDERS,
    "guardduty_enabled": GUARDDUTY_DETECTORS,
    "inspector_enabled": INSPECTOR_STATUS,
    "macie_enabled": MACIE_SESSIONS,
}
GOOD: dict[str, dict[str, Any]] = {
    "config_recorder_on": {
        "name": "default",
        "recording": True,
        "all_supported": True,
        "last_status": "SUCCESS",
        "delivery_channels": 1,
        "delivery_status": "SUCCESS",
    },
    "guardduty_enabled": {"detector_id": "d", "status": "ENABLED", "features": ()},
    "inspector_enabled": {"ec2": "ENABLED", "ecr": "ENABLED", "lambda_": "ENABLED"},
    "macie_enabled": {"status": "ENABLED"},
}


def bucket(region: str | None = R) -> dict[str, Any]:
    name = f"in-{region}"
    return {"account": A, "region": "global", "name": name, "arn": f"arn:aws:s3:::{name}", "bucket_region": region, "acl_grants": (), "unread": ()}


def said(name: str, *items: dict[str, Any], buckets: tuple[dict[str, Any], ...] = (bucket(),), **more: Any) -> pd.DataFrame:
    table = TABLES[name]
    frame = rows(table, *(HERE | item for item in items))
    return judge(world((table, frame), (S3_BUCKETS, rows(S3_BUCKETS, *buckets)), **more), [ID[name]])


@pytest.mark.parametrize("name", ID)
def test_a_service_that_works_passes_for_the_account_in_that_region(name: str) -> None:
    row = only(said(name, GOOD[name]))
    assert (row["resource"], row["account"], row["region"], row["status"]) == (ROOT, A, R, "PASS")


@pytest.mark.parametrize("name", ID)
def test_a_service_that_is_off_fails_once(name: str) -> None:
    row = only(said(name, changed={(ID[name].own_service, A, R): OFF}))
    assert (row["resource"], row["status"]) == (ROOT, "FAIL")


@pytest.mark.parametrize("name", ID)
def test_a_service_that_was_read_and_has_no_state_fails(name: str) -> None:
    assert only(said(name))["status"] == "FAIL"


@pytest.mark.parametrize("name", ID)
@pytest.mark.parametrize("change", [DENIED, THROTTLED])
def test_a_service_that_could_not_be_read_is_one_unknown_row(name: str, change: Change) -> None:
    row = only(said(name, changed={(ID[name].own_service, A, R): change}))
    assert (row["resource"], row["status"]) == ("*", "UNKNOWN")


@pytest.mark.parametrize("name", ID)
def test_a_skipped_region_is_not_judged(name: str) -> None:
    result = said(name, GOOD[name], regions=(R, R2), changed={(ID[name].own_service, A, R2): SKIPPED})
    assert list(result["region"]) == [R]


@pytest.mark.parametrize("name", [name for name in ID if name != "macie_enabled"])
def test_every_account_and_region_has_its_row(name: str) -> None:
    result = said(name, GOOD[name], regions=(R, R2), accounts=(A, B))
    assert sorted(result["status"]) == ["FAIL", "FAIL", "FAIL", "PASS"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"recording": False}, "does not record"),
        ({"all_supported": False}, "does not record all supported types"),
        ({"last_status": "FAILURE"}, "failed last time"),
        ({"delivery_channels": 0}, "has no delivery channel"),
        ({"delivery_status": "FAILURE"}, "could not deliver last time"),
    ],
)
def test_a_recorder_that_does_not_work_fails_and_says_what(fault: dict[str, Any], words: str) -> None:
    row = only(said("config_recorder_on", GOOD["config_recorder_on"] | fault))
    assert (row["status"], row["reason"]) == ("FAIL", f"recorder default {words}")


@pytest.mark.parametrize(
    "quiet", [{"last_status": "PENDING"}, {"last_status": None}, {"delivery_status": None}, {"delivery_status": "NOT_APPLICABLE"}]
)
def test_a_recorder_that_has_just_started_passes(quiet: dict[str, Any]) -> None:
    assert only(said("config_recorder_on", GOOD["config_recorder_on"] | quiet))["status"] == "PASS"


def test_one_recorder_that_works_is_enough() -> None:
    second = GOOD["config_recorder_on"] | {"name": "other", "recording": False}
    assert only(said("config_recorder_on", second, GOOD["config_recorder_on"]))["status"] == "PASS"


def test_a_suspended_detector_fails() -> None:
    row = only(said("guardduty_enabled", GOOD["guardduty_enabled"] | {"status": "DISABLED"}))
    assert (row["status"], row["observed"]) == ("FAIL", "detector DISABLED")


@pytest.mark.parametrize(("column", "name"), [("ec2", "EC2"), ("ecr", "ECR"), ("lambda_", "Lambda")])
@pytest.mark.parametrize("state", ["DISABLED", "SUSPENDED", "ENABLING"])
def test_inspector_fails_naming_what_it_does_not_scan(column: str, name: str, state: str) -> None:
    row = only(said("inspector_enabled", GOOD["inspector_enabled"] | {column: state}))
    assert (row["status"], row["reason"]) == ("FAIL", f"Inspector does not scan {name}")
    assert f"{name} {state}" in row["observed"]


def test_what_inspector_does_not_tell_is_unknown() -> None:
    row = only(said("inspector_enabled", GOOD["inspector_enabled"] | {"ecr": None}))
    assert (row["status"], row["reason"]) == ("UNKNOWN", "Inspector does not say whether it scans ECR")


def test_a_paused_macie_fails() -> None:
    row = only(said("macie_enabled", {"status": "PAUSED"}))
    assert (row["status"], row["reason"]) == ("FAIL", "Macie is paused")


@pytest.mark.parametrize("change", [{}, {("macie", A, R): OFF}])
def test_macie_is_not_asked_for_where_there_is_no_bucket(change: dict[tuple[str, str, str], Change]) -> None:
    assert only(said("macie_enabled", buckets=(bucket(R2),), changed=change))["status"] == "NOT_APPLICABLE"


def test_a_bucket_somewhere_unknown_may_be_here() -> None:
    assert only(said("macie_enabled", buckets=(bucket(None),)))["status"] == "FAIL"


def test_buckets_that_were_not_read_are_not_no_buckets() -> None:
    assert only(said("macie_enabled", buckets=(), changed={("s3", A, "global"): DENIED, ("macie", A, R): OFF}))["status"] == "UNKNOWN"


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-central-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("global", "aws")]
)
def test_the_account_is_named_in_its_partition(region: str, partition: str) -> None:
    assert root(A, region) == f"arn:{partition}:iam::{A}:root"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
def test_each_is_its_services_own_check(check: Check) -> None:
    assert check.population == (check.own_service,)
