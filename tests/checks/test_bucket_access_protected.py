"""bucket_access_protected: who can reach an alerted bucket, and whether they are protected."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from reporter.checks.bucket_access_protected import CHECK, judge
from reporter.core.world import World
from reporter.judge import judge as judge_all
from reporter.tables.findings import MACIE_FINDINGS
from reporter.tables.joined import BUCKET_ACCESS, INSTANCES
from tests.checks.worlds import DENIED, I1, I2, R2, A, B, R, ago, instance, only, rows, unmanaged, world

BUCKET = "arn:aws:s3:::cards"


def alert(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "account": A,
        "region": R,
        "finding_id": "m",
        "type": "SensitiveData:S3Object/Financial",
        "category": "CLASSIFICATION",
        "severity": "HIGH",
    }
    base |= {"bucket_name": "cards", "bucket_arn": BUCKET, "sample": False, "archived": False, "created_at": ago(days=1), "updated_at": ago(days=1)}
    return base | changes


def path(instance_id: str | None = I1, /, **changes: Any) -> dict[str, Any]:
    base = {
        "bucket": BUCKET,
        "account": A,
        "role_arn": f"arn:aws:iam::{A}:role/app",
        "instance_id": instance_id,
        "via": "instance_profile",
        "allowed_by": "inline:read, statement 1",
        "decision": "allowed",
        "protection": "protected",
        "region": R,
        "instance_account": A,
        "instance_region": R,
    }
    if instance_id is None:
        base |= {"via": None, "protection": None, "instance_account": None, "instance_region": None}
    return base | changes


def seen(*paths: dict[str, Any], alerts: tuple[dict[str, Any], ...] = (), hosts: tuple[dict[str, Any], ...] = (), **more: Any) -> World:
    tables = (
        (MACIE_FINDINGS, rows(MACIE_FINDINGS, *(alerts or (alert(),)))),
        (BUCKET_ACCESS, rows(BUCKET_ACCESS, *paths)),
        (INSTANCES, rows(INSTANCES, *(hosts or (instance(), instance(I2))))),
    )
    return world(*tables, **more)


def test_protected_instances_pass() -> None:
    row = only(judge(seen(path(), path(I2, decision="allowed"))))
    assert (row["resource"], row["account"], row["region"], row["status"]) == (BUCKET, A, R, "PASS")
    assert row["reason"] == "2 instances can reach it, all protected"


def test_a_bucket_that_no_instance_can_reach_passes() -> None:
    assert only(judge(seen()))["reason"] == "no running instance can reach it through its role"


@pytest.mark.parametrize("protection", ["unmanaged", "inactive", "offline", "no_policy"])
def test_an_unprotected_instance_fails(protection: str) -> None:
    row = only(judge(seen(path(), path(I2, protection=protection))))
    assert (row["status"], row["severity"], row["reason"]) == ("FAIL", "HIGH", f"1 unprotected instance can reach it: {I2}")
    assert row["observed"] == "1 unprotected, 0 open, 1 protected"


def test_three_instances_are_named_and_the_rest_counted() -> None:
    row = only(judge(seen(*(path(f"i-{n}", protection="unmanaged") for n in range(5)))))
    assert row["reason"].endswith(": i-0, i-1, i-2 and 2 more")


def test_an_instance_on_two_paths_is_counted_once() -> None:
    row = only(judge(seen(path(protection="offline"), path(protection="offline", via="task_role"))))
    assert row["observed"].startswith("1 unprotected")


@pytest.mark.parametrize("changes", [{"decision": "conditional"}, {"protection": "unknown"}, {"protection": None}])
def test_an_open_path_is_unknown(changes: dict[str, Any]) -> None:
    assert only(judge(seen(path(**changes))))["status"] == "UNKNOWN"


def test_a_fail_is_stronger_than_an_open_path() -> None:
    assert only(judge(seen(path(decision="conditional"), path(I2, protection="unmanaged"))))["status"] == "FAIL"


def test_a_stopped_instance_reaches_nothing() -> None:
    assert only(judge(seen(path(protection="offline"), hosts=(instance(state="stopped"),))))["status"] == "PASS"


def test_an_instance_in_its_grace_period_is_unknown() -> None:
    assert only(judge(seen(path(protection="unmanaged"), hosts=(unmanaged(launch_time=ago(minutes=5)),))))["status"] == "UNKNOWN"


def test_a_young_instance_that_is_protected_already_passes() -> None:
    assert only(judge(seen(path(), hosts=(instance(launch_time=ago(minutes=5)),))))["status"] == "PASS"


@pytest.mark.parametrize("decision", ["allowed", "conditional"])
def test_a_role_that_nothing_runs_as_does_not_count(decision: str) -> None:
    assert only(judge(seen(path(None, decision=decision))))["status"] == "PASS"


def test_a_whole_account_that_may_reach_it_is_unknown() -> None:
    row = only(judge(seen(path(None, decision="conditional", role_arn=f"arn:aws:iam::{B}:root"))))
    assert row["status"] == "UNKNOWN"
    assert row["reason"].endswith(f"instances that run as arn:aws:iam::{B}:root")


def test_a_role_of_another_account_whose_instances_were_not_read_is_unknown() -> None:
    foreign = path(None, role_arn=f"arn:aws:iam::{B}:role/app")
    assert only(judge(seen(foreign, accounts=(A, B))))["status"] == "PASS"
    assert only(judge(seen(foreign, accounts=(A, B), changed={("ec2", B, R): DENIED})))["status"] == "UNKNOWN"


@pytest.mark.parametrize("flag", ["archived", "sample"])
def test_archived_and_sample_alerts_ask_nothing(flag: str) -> None:
    assert judge(seen(alerts=(alert(**{flag: True}),))).empty


def test_two_alerts_on_a_bucket_are_one_row_with_the_worse_severity() -> None:
    row = only(judge(seen(path(protection="unmanaged"), alerts=(alert(severity="LOW"), alert(finding_id="n", severity="MEDIUM")))))
    assert row["severity"] == "MEDIUM"


def test_an_alert_with_a_bare_bucket_name_is_judged_by_its_arn() -> None:
    assert only(judge(seen(path(), alerts=(alert(bucket_arn=None),))))["resource"] == BUCKET


def test_an_alert_that_names_no_bucket_has_no_row() -> None:
    assert judge(seen(alerts=(alert(bucket_arn=None, bucket_name=None),))).empty


@pytest.mark.parametrize(
    "place", [("s3", A, "global"), ("iam", A, "global"), ("ec2", A, R2), ("ecs", A, R2), ("wp_computers", "main", "-"), ("macie", A, R)]
)
def test_whatever_was_not_read_makes_the_bucket_unknown(place: tuple[str, str, str]) -> None:
    result = judge_all(seen(path(protection="unmanaged"), regions=(R, R2), changed={place: DENIED}), [CHECK])
    assert set(result["status"]) == {"UNKNOWN"}


def test_permuted_rows_give_equal_results() -> None:
    many = [path(f"i-{n}", protection=("unmanaged", "protected")[n % 2]) for n in range(6)]
    results = [judge_all(seen(*order), [CHECK]) for order in (many, many[::-1])]
    pd.testing.assert_frame_equal(*results)
