"""guardduty_finding_handled: both scans newer than the finding, and until when."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from reporter.checks.guardduty_finding_handled import CHECK, judge
from reporter.core.world import World
from reporter.judge import judge as judge_all
from reporter.tables.findings import GUARDDUTY_FINDINGS
from reporter.tables.joined import FINDINGS, INSTANCES
from tests.checks.worlds import DENIED, I1, I2, THROTTLED, A, B, R, ago, instance, only, rows, unmanaged, world

ARN = "arn:aws:guardduty:eu-central-1:111122223333:detector/d/finding/f"


def finding(**changes: Any) -> dict[str, Any]:
    base = {
        "source": "guardduty",
        "finding_id": "f",
        "arn": ARN,
        "account": A,
        "region": R,
        "type": "Backdoor:EC2/C&CActivity.B",
        "severity": "HIGH",
        "resource": I1,
        "instance_id": I1,
        "sample": False,
        "archived": False,
        "created_at": ago(days=3),
        "updated_at": ago(days=3),
        "tenant": "main",
    }
    return base | changes


def scanned(instance_id: str = I1, /, **changes: Any) -> dict[str, Any]:
    return instance(instance_id, **({"last_integrity_scan": ago(days=2), "last_recommendation_scan": ago(days=2)} | changes))


def seen(*findings: dict[str, Any], hosts: tuple[dict[str, Any], ...] = (), **more: Any) -> World:
    return world((FINDINGS, rows(FINDINGS, *findings)), (INSTANCES, rows(INSTANCES, *hosts)), **more)


def test_both_scans_newer_than_the_finding_pass_and_claim_no_more() -> None:
    row = only(judge(seen(finding(), hosts=(scanned(),))))
    assert (row["status"], row["resource"], row["severity"], row["tenant"]) == ("PASS", ARN, "HIGH", "main")
    assert "does not say what they found" in row["reason"]
    assert row["observed"] == "integrity scan 2026-11-22T03:00:00Z, recommendation scan 2026-11-22T03:00:00Z"


@pytest.mark.parametrize("column", ["last_integrity_scan", "last_recommendation_scan"])
@pytest.mark.parametrize("at", [ago(days=3), ago(days=9), None])
def test_one_scan_that_is_not_newer_is_not_handled(column: str, at: Any) -> None:
    row = only(judge(seen(finding(), hosts=(scanned(I1, **{column: at}),))))
    assert (row["status"], row["reason"]) == ("FAIL", f"{I1}: not scanned since the finding; it was due until 2026-11-22T03:00:00Z")


def test_before_its_deadline_a_finding_is_not_applicable_with_its_due_date() -> None:
    row = only(judge(seen(finding(severity="MEDIUM"), hosts=(scanned(I1, last_integrity_scan=None),))))
    assert (row["status"], row["reason"]) == ("NOT_APPLICABLE", f"{I1}: due until 2026-11-28T03:00:00Z")


def test_a_finding_that_is_updated_again_and_again_still_comes_due() -> None:
    assert only(judge(seen(finding(updated_at=ago(hours=1)), hosts=(scanned(I1, last_integrity_scan=None),))))["status"] == "FAIL"


def test_an_update_after_both_scans_starts_the_deadline_again() -> None:
    assert only(judge(seen(finding(updated_at=ago(hours=1)), hosts=(scanned(),))))["status"] == "NOT_APPLICABLE"


def test_a_finding_without_a_first_day_is_counted_from_its_update() -> None:
    assert (
        only(judge(seen(finding(created_at=None, updated_at=ago(hours=1)), hosts=(scanned(I1, last_integrity_scan=None),))))["status"]
        == "NOT_APPLICABLE"
    )


@pytest.mark.parametrize("flag", ["archived", "sample"])
def test_archived_and_sample_findings_are_listed_and_not_judged(flag: str) -> None:
    assert only(judge(seen(finding(**{flag: True}), hosts=(unmanaged(),))))["status"] == "NOT_APPLICABLE"


@pytest.mark.parametrize("protection", ["unmanaged", "inactive", "offline"])
def test_an_instance_that_cannot_be_scanned_fails_past_the_deadline(protection: str) -> None:
    row = only(judge(seen(finding(), hosts=(unmanaged(protection=protection),))))
    assert row["status"] == "FAIL"
    assert row["reason"].endswith(f"(the instance is {protection}: it cannot be scanned)")


def test_an_instance_of_unknown_protection_is_unknown() -> None:
    assert only(judge(seen(finding(), hosts=(unmanaged(protection="unknown"),))))["status"] == "UNKNOWN"


def test_an_instance_that_is_gone_is_not_applicable() -> None:
    row = only(judge_all(seen(finding(tenant=None)), [CHECK]))
    assert row["status"] == "NOT_APPLICABLE"
    assert "no longer exists" in row["reason"]


def test_an_instance_that_could_not_be_looked_for_is_not_called_gone() -> None:
    row = only(judge_all(seen(finding(tenant=None), changed={("ec2", A, R): DENIED}), [CHECK]))
    assert (row["status"], row["reason"]) == ("UNKNOWN", "ec2 in 111122223333 eu-central-1 could not be read: AccessDenied; grant service:ListThings")


@pytest.mark.parametrize(
    ("second", "status"),
    [
        (scanned(I2), "PASS"),
        (unmanaged(I2), "FAIL"),
        (unmanaged(I2, protection="unknown"), "UNKNOWN"),
        (scanned(I2, account=B), "PASS"),
    ],
)
def test_a_finding_on_two_instances_takes_the_worse_answer(second: dict[str, Any], status: str) -> None:
    row = only(judge(seen(finding(), finding(instance_id=I2), hosts=(scanned(), second))))
    assert row["status"] == status
    assert "and 1 more instance:" in row["reason"]


@pytest.mark.parametrize(("tenant", "kept"), [("main", "main"), ("other", None), (None, None)])
def test_the_tenant_is_named_where_all_instances_are_in_one(tenant: str | None, kept: str | None) -> None:
    row = only(judge(seen(finding(), finding(instance_id=I2), hosts=(scanned(), scanned(I2, tenant=tenant)))))
    assert row["tenant"] == kept


def test_a_finding_that_names_no_instance_has_no_row() -> None:
    assert judge(seen(finding(instance_id=None))).empty


def test_other_services_findings_have_no_row() -> None:
    assert judge(seen(finding(source="inspector"), hosts=(scanned(),))).empty


def test_a_finding_without_an_arn_goes_by_its_id() -> None:
    assert only(judge(seen(finding(arn=None), hosts=(scanned(),))))["resource"] == "f"


def container_finding(**changes: Any) -> pd.DataFrame:
    base = {
        "account": A,
        "region": R,
        "finding_id": "f",
        "arn": ARN,
        "type": "t",
        "severity": "CRITICAL",
        "score": 9.0,
        "sample": False,
        "archived": False,
    }
    base |= {"instance_ids": (), "ecs_clusters": (), "ecs_tasks": ("arn:task/1",), "created_at": ago(days=1), "updated_at": ago(days=1)}
    return rows(GUARDDUTY_FINDINGS, base | changes)


def test_a_container_whose_host_could_not_be_looked_up_is_unknown() -> None:
    row = only(judge(world((GUARDDUTY_FINDINGS, container_finding()), changed={("ecs", A, R): THROTTLED})))
    assert (row["resource"], row["status"], row["severity"]) == (ARN, "UNKNOWN", "CRITICAL")
    assert "ecs in 111122223333 eu-central-1 could not be read" in row["reason"]


@pytest.mark.parametrize("changes", [{"archived": True}, {"sample": True}, {"ecs_tasks": ()}])
def test_closed_findings_and_those_on_no_task_need_no_host(changes: dict[str, Any]) -> None:
    assert judge(world((GUARDDUTY_FINDINGS, container_finding(**changes)), changed={("ecs", A, R): THROTTLED})).empty


def test_a_container_without_an_instance_has_no_row_where_ecs_was_read() -> None:
    assert judge(world((GUARDDUTY_FINDINGS, container_finding()))).empty


def test_permuted_rows_give_equal_results() -> None:
    many = [finding(finding_id=f"f{n % 3}", arn=f"{ARN}{n % 3}", instance_id=(I1, I2)[n // 3]) for n in range(6)]
    hosts = (scanned(), unmanaged(I2))
    results = [judge_all(seen(*order, hosts=hosts), [CHECK]) for order in (many, many[::-1])]
    pd.testing.assert_frame_equal(*results)


def test_an_open_finding_has_its_due_date_whether_or_not_it_is_late_and_a_closed_one_has_none() -> None:
    unscanned = scanned(I1, last_integrity_scan=None)
    assert only(judge(seen(finding(), hosts=(unscanned,))))["due"] == ago(days=2)
    assert only(judge(seen(finding(severity="MEDIUM"), hosts=(unscanned,))))["due"] == ago(days=-4)
    assert pd.isna(only(judge(seen(finding(archived=True), hosts=(unscanned,))))["due"])
    assert pd.isna(only(judge(seen(finding(), hosts=(scanned(),))))["due"])
