"""vulnerability_covered and patch_outstanding: what is shielded, what is patched, and that the two are not the same."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from reporter.checks.vulnerabilities import CHECKS, patched, shielded
from reporter.core.settings import ChecksSettings, Days
from reporter.core.world import World
from reporter.judge import judge
from reporter.tables.findings import INSPECTOR_COVERAGE
from reporter.tables.joined import INSTANCES, VIRTUAL_PATCHES
from tests.checks.worlds import DENIED, I1, I2, THROTTLED, A, Change, R, ago, instance, only, rows, statuses, unmanaged, world

IMAGE = "arn:aws:ecr:eu-central-1:111122223333:repository/shop/sha256:aa"
UNSHIELDED = ["available", "detect_only", "assigned_not_effective", "generic_only", "no_rule", "unprotected"]
SCANNED = {"account": A, "region": R, "resource_type": "AWS_EC2_INSTANCE", "resource_id": I1, "scan_type": "PACKAGE", "scan_status": "ACTIVE"}


def patch(state: str = "available", age_days: int = 1, cve: str = "CVE-2021-44228", severity: str = "HIGH", **changes: Any) -> dict[str, Any]:
    base = {
        "account": A,
        "region": R,
        "instance_id": I1,
        "cve": cve,
        "severity": severity,
        "state": state,
        "finding_arn": f"arn:finding/{cve}",
        "first_observed": ago(days=age_days),
        "age_days": age_days,
        "reason": "",
        "tenant": "main",
    }
    return base | changes


def seen(*patches: dict[str, Any], host: dict[str, Any] | None = None, coverage: tuple[dict[str, Any], ...] = (SCANNED,), **more: Any) -> World:
    tables = (
        (INSTANCES, rows(INSTANCES, host or instance())),
        (VIRTUAL_PATCHES, rows(VIRTUAL_PATCHES, *patches)),
        (INSPECTOR_COVERAGE, rows(INSPECTOR_COVERAGE, *coverage)),
    )
    return world(*tables, **more)


def test_shielded_and_within_deadline_pass_and_both_are_counted() -> None:
    row = only(shielded(seen(patch("prevented", 400), patch("available", 14, "CVE-2022-1"))))
    assert row["status"] == "PASS"
    assert row["reason"] == "1 CVE shielded, 1 within deadline; a virtual patch is not a patch: 2 patches outstanding"


def test_an_instance_without_a_cve_passes() -> None:
    assert {only(judge_(seen()))["status"] for judge_ in (shielded, patched)} == {"PASS"}


@pytest.mark.parametrize("state", UNSHIELDED)
def test_a_gap_past_its_deadline_fails(state: str) -> None:
    row = only(shielded(seen(patch(state, 15), patch("prevented", 15, "CVE-2022-1"))))
    assert (row["status"], row["severity"]) == ("FAIL", "HIGH")
    assert f"HIGH CVE-2021-44228, {state}, outstanding for 15 days" in row["reason"]
    assert row["reason"].endswith("a virtual patch is not a patch: 2 patches outstanding")


@pytest.mark.parametrize("state", UNSHIELDED)
def test_a_gap_on_its_last_day_passes(state: str) -> None:
    assert only(shielded(seen(patch(state, 14))))["status"] == "PASS"


@pytest.mark.parametrize(("severity", "word"), [("CRITICAL", "CRITICAL"), ("INFORMATIONAL", "LOW"), ("UNTRIAGED", "MEDIUM"), ("ODD", "MEDIUM")])
def test_the_rows_severity_is_that_of_the_worst_gap(severity: str, word: str) -> None:
    assert only(shielded(seen(patch("no_rule", 400, severity=severity))))["severity"] == word


def test_the_worst_gap_is_the_most_severe_not_the_oldest() -> None:
    row = only(
        shielded(seen(patch("no_rule", 900, "CVE-2020-1", "LOW"), patch("no_rule", 20, "CVE-2022-9", "CRITICAL"), patch("no_rule", 16, "CVE-1-1")))
    )
    assert row["severity"] == "CRITICAL"
    assert "3 CVEs are not shielded within their deadline, worst: CRITICAL CVE-2022-9" in row["reason"]


def test_a_cve_in_two_findings_counts_once_in_its_worst_state() -> None:
    row = only(shielded(seen(patch("prevented", 20), patch("available", 20, finding_arn="arn:finding/other"))))
    assert row["status"] == "FAIL"
    assert row["reason"].startswith("1 CVE is not shielded")
    assert row["reason"].endswith("1 patch outstanding")


def test_an_unknown_rule_is_unknown_and_a_fail_is_stronger() -> None:
    assert only(shielded(seen(patch("unknown", 1))))["status"] == "UNKNOWN"
    assert only(shielded(seen(patch("unknown", 1), patch("no_rule", 99, "CVE-2022-1"))))["status"] == "FAIL"


@pytest.mark.parametrize(
    ("coverage", "why"),
    [
        ((), "Inspector does not list it"),
        ((SCANNED | {"scan_status": "INACTIVE", "reason": "UNMANAGED_EC2_INSTANCE"},), "UNMANAGED_EC2_INSTANCE"),
        ((SCANNED | {"scan_status": "INACTIVE"},), "INACTIVE"),
        ((SCANNED | {"scan_type": "NETWORK"},), "Inspector does not list it"),
    ],
)
@pytest.mark.parametrize("ask", [shielded, patched])
def test_what_inspector_does_not_scan_is_unknown_not_clean(ask: Any, coverage: tuple[dict[str, Any], ...], why: str) -> None:
    row = only(ask(seen(coverage=coverage)))
    assert row["status"] == "UNKNOWN"
    assert row["reason"].startswith(f"not scanned by Inspector: {why}")


def test_one_active_scan_is_enough() -> None:
    twice = (SCANNED | {"scan_status": "INACTIVE", "reason": "NO_INVENTORY", "region": "us-east-1"}, SCANNED)
    assert only(shielded(seen(coverage=twice)))["status"] == "PASS"


@pytest.mark.parametrize("ask", [shielded, patched])
def test_a_known_gap_fails_even_where_inspector_stopped_scanning(ask: Any) -> None:
    assert only(ask(seen(patch("no_rule", 400), coverage=())))["status"] == "FAIL"


def test_a_stopped_instance_needs_no_shield_but_its_patches_stay_outstanding() -> None:
    stopped = seen(patch("assigned_not_effective", 400), host=instance(state="stopped"))
    assert only(shielded(stopped))["status"] == "NOT_APPLICABLE"
    assert only(patched(stopped))["status"] == "FAIL"


def test_a_stopped_instance_that_inspector_leaves_out_is_not_applicable() -> None:
    assert only(patched(seen(host=instance(state="stopped"), coverage=())))["status"] == "NOT_APPLICABLE"


@pytest.mark.parametrize("state", [*UNSHIELDED, "prevented", "unknown"])
def test_a_patch_past_its_deadline_fails_whatever_stands_before_it(state: str) -> None:
    row = only(patched(seen(patch(state, 31), patch(state, 30, "CVE-2022-1"))))
    assert row["status"] == "FAIL"
    assert row["reason"].startswith("1 of 2 outstanding patches past the deadline, worst: HIGH CVE-2021-44228")
    assert row["reason"].endswith("a virtual patch does not count")


def test_patches_within_their_deadline_pass() -> None:
    row = only(patched(seen(patch("prevented", 30))))
    assert (row["status"], row["reason"], row["observed"]) == ("PASS", "1 patch outstanding, all within their deadline", "1 CVE")


def test_deadlines_are_the_schedules() -> None:
    days = Days(critical=0, high=0, medium=0, low=0)
    settings = ChecksSettings(shield_days=days, patch_days=days)
    assert {only(ask(seen(patch("no_rule", 1), checks=settings)))["status"] for ask in (shielded, patched)} == {"FAIL"}


def test_an_unmanaged_instance_fails_only_past_the_deadline() -> None:
    assert only(shielded(seen(patch("unprotected", 1, tenant=None), host=unmanaged())))["status"] == "PASS"


def test_an_image_that_runs_nowhere_is_not_applicable() -> None:
    found = statuses(
        patched(seen(patch("not_running", 400, instance_id=None, image=IMAGE), patch("not_running", 9, "CVE-2-2", instance_id=None, image=IMAGE)))
    )
    assert found == {I1: "PASS", IMAGE: "NOT_APPLICABLE"}


def test_an_image_of_which_it_is_not_known_where_it_runs_is_unknown() -> None:
    assert statuses(patched(seen(patch("unknown", 1, instance_id=None, image=IMAGE))))[IMAGE] == "UNKNOWN"


def test_a_finding_without_image_and_instance_keeps_its_row() -> None:
    assert "arn:finding/CVE-2021-44228" in statuses(patched(seen(patch("unknown", 1, instance_id=None))))


def test_an_image_on_a_host_counts_for_the_host_wherever_its_registry_is() -> None:
    assert only(shielded(seen(patch("no_rule", 99, account="444455556666", region="us-east-1", image=IMAGE))))["status"] == "FAIL"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
@pytest.mark.parametrize(("source", "change"), [("inspector", DENIED), ("ecs", THROTTLED)])
def test_a_source_that_was_not_read_makes_the_instance_unknown(check: Any, source: str, change: Change) -> None:
    row = only(judge(seen(patch("no_rule", 400), changed={(source, A, R): change}), [check]))
    assert (row["status"], row["observed"]) == ("UNKNOWN", "")


@pytest.mark.parametrize("source", ["wp_computers", "wp_policies", "wp_rules"])
def test_workload_protection_matters_for_the_shield_and_not_for_the_patch(source: str) -> None:
    result = judge(seen(patch("no_rule", 400), changed={(source, "main", "-"): DENIED}), CHECKS)
    assert dict(zip(result["check_id"], result["status"], strict=True)) == {"vulnerability_covered": "UNKNOWN", "patch_outstanding": "FAIL"}


def test_permuted_findings_give_equal_results() -> None:
    many = [patch(UNSHIELDED[n % 6], 10 * n, f"CVE-2022-{n % 5}", instance_id=(I1, I2)[n % 2], finding_arn=f"arn:{n}") for n in range(20)]
    results = [judge(seen(*order), CHECKS) for order in (many, many[::-1])]
    pd.testing.assert_frame_equal(*results)


def test_what_is_late_was_due_when_the_first_late_deadline_passed() -> None:
    late = [patch("available", 40, "CVE-1"), patch("available", 200, "CVE-2", "LOW"), patch("available", 1, "CVE-3")]
    assert only(shielded(seen(*late)))["due"] == ago(days=110)
    assert only(patched(seen(*late)))["due"] == ago(days=20)
    assert pd.isna(only(patched(seen(patch("available", 1))))["due"])
