"""Results as findings of Security Hub: in its form and within its limits, under ids that last, and open only as long as they are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reporter.core.table import Table
from reporter.reports import asff
from reporter.reports.view import View
from reporter.sandbox.aws.conformance import conform
from reporter.tables.deliveries import SENT_FINDINGS
from reporter.tables.joined import HISTORY, RESULTS, SCOPES
from tests.reports.views import HOSTILE, A, I, R, hostile, row, view

CREATED = datetime(2026, 10, 1, 3, tzinfo=UTC)


def result(**changes: Any) -> tuple[Any, ...]:
    given = {"resource": I, "reason": "the firewall is off", "observed": "off", "expected": "on", "owner": "payments", "waiver": None, "due": None}
    return row(RESULTS, **{**given, "unread": False, **changes})


def scope(state: str = "ok", region: str = R, account: str = A) -> tuple[Any, ...]:
    return row(SCOPES, state=state, region=region, account=account)


def seen(results: Iterable[tuple[Any, ...]], **more: Iterable[tuple[Any, ...]]) -> View:
    tables: dict[str, pd.DataFrame] = {RESULTS.name: RESULTS.frame(results), SCOPES.name: SCOPES.frame(more.pop("scopes", [scope()]))}
    known: dict[str, Table] = {"sent": SENT_FINDINGS, "history": HISTORY}
    tables |= {known[name].name: known[name].frame(rows) for name, rows in more.items()}
    return view(tables, exports=frozenset({"asff"}))


def sent(name: str, resource: str = I, **changes: Any) -> tuple[Any, ...]:
    given = {
        "finding_id": name,
        "check_id": "firewall_active",
        "resource": resource,
        "severity": "MEDIUM",
        "created_at": CREATED,
        "suppressed": False,
    }
    return row(SENT_FINDINGS, **{**given, **changes})


def only(found: View) -> dict[str, Any]:
    (finding,) = asff.findings(found)
    return finding


def id_of(**changes: Any) -> str:
    return str(only(seen([result(**changes)]))["Id"])


def test_what_fails_is_a_finding_of_the_account_and_region_it_belongs_to() -> None:
    finding = only(seen([result()]))
    assert finding["Id"] == f"workload-compliance-reporter/main/firewall_active/{A}/{R}/{I}"
    assert finding["ProductArn"] == f"arn:aws:securityhub:{R}:{A}:product/{A}/default"
    assert finding["AwsAccountId"] == A
    assert finding["Resources"] == [{"Type": "AwsEc2Instance", "Id": f"arn:aws:ec2:{R}:{A}:instance/{I}", "Partition": "aws", "Region": R}]
    assert finding["Compliance"]["Status"] == "FAILED"
    assert finding["FindingProviderFields"]["Severity"] == {"Original": "MEDIUM", "Label": "MEDIUM"}
    assert finding["RecordState"] == "ACTIVE"
    assert finding["CreatedAt"] == finding["FirstObservedAt"] == "2026-11-01T03:00:00Z"
    assert finding["UpdatedAt"] == finding["LastObservedAt"] == "2026-11-24T03:00:00Z"
    assert "Workflow" not in finding
    assert "the firewall is off Observed: off. Expected: on." in finding["Description"]


def test_unknown_is_neither_passed_nor_failed_and_says_why() -> None:
    finding = only(seen([result(status="UNKNOWN", reason="ec2 was denied", unread=True)]))
    assert finding["Compliance"]["Status"] == "NOT_AVAILABLE"
    assert finding["Compliance"]["StatusReasons"] == [{"ReasonCode": "NOT_READ", "Description": "ec2 was denied"}]
    assert finding["RecordState"] == "ACTIVE"
    assert "LastObservedAt" not in finding


def test_an_accepted_failure_is_still_failed_and_suppressed_with_its_exception() -> None:
    finding = only(seen([result(status="WAIVED", waiver="SEC-1 until 2027-03-31")]))
    assert finding["Compliance"]["Status"] == "FAILED"
    assert finding["Workflow"] == {"Status": "SUPPRESSED"}
    assert finding["Note"]["Text"] == "Accepted: SEC-1 until 2027-03-31"
    assert finding["Description"].startswith("Accepted, not put right (SEC-1 until 2027-03-31)")


def test_an_id_lasts_from_run_to_run_and_is_one_things_alone() -> None:
    again = replace(seen([result(status="UNKNOWN")]), run_id="main-000002")
    assert only(again)["Id"] == id_of()
    ids = {id_of(), id_of(resource="i-0000000000000002"), id_of(region="us-east-1"), id_of(account="222233334444"), id_of(check_id="agent_online")}
    assert len(ids) == 5
    long = [id_of(resource=f"arn:aws:s3:::{'x' * 600}{end}") for end in "ab"]
    assert {len(name) for name in long} == {512}
    assert long[0] != long[1]


def test_what_passes_is_no_finding_unless_all_are_asked_for() -> None:
    found = seen([result(status="PASS"), result(resource="i-0000000000000002", status="NOT_APPLICABLE")])
    assert list(asff.findings(found)) == []
    finding = only(replace(found, export_all=True))
    assert (finding["Compliance"]["Status"], finding["RecordState"]) == ("PASSED", "ACTIVE")
    assert finding["FindingProviderFields"]["Severity"] == {"Original": "MEDIUM", "Label": "INFORMATIONAL"}


@pytest.mark.parametrize(("status", "compliance"), [("PASS", "PASSED"), ("NOT_APPLICABLE", "NOT_AVAILABLE")])
def test_what_was_sent_before_and_is_put_right_is_closed_under_its_id_and_its_date(status: str, compliance: str) -> None:
    finding = only(seen([result(status=status)], sent=[sent(id_of())]))
    assert (finding["Compliance"]["Status"], finding["RecordState"]) == (compliance, "ARCHIVED")
    assert (finding["Id"], finding["CreatedAt"]) == (id_of(), "2026-10-01T03:00:00Z")


def test_what_was_sent_before_and_is_no_longer_there_is_closed_and_is_no_pass() -> None:
    finding = only(seen([], sent=[sent(id_of())]))
    assert (finding["Id"], finding["RecordState"], finding["Compliance"]["Status"]) == (id_of(), "ARCHIVED", "NOT_AVAILABLE")
    conform("securityhub", "AwsSecurityFinding", finding, "finding")


@pytest.mark.parametrize(
    "unread",
    [
        {"scopes": [scope("denied")]},
        {"scopes": [scope("skipped")]},
        {"scopes": [scope(region="us-east-1")]},
        {"history": [row(HISTORY, check_id="firewall_active", resource=I, last_known="FAIL", severity="MEDIUM")]},
    ],
    ids=["denied", "outside", "another region", "undecided"],
)
def test_what_was_sent_before_and_was_not_read_this_time_is_left_as_it_is(unread: dict[str, Any]) -> None:
    assert list(asff.findings(seen([], sent=[sent(id_of())], **unread))) == []


def test_where_resources_could_not_be_listed_nothing_is_closed() -> None:
    found = seen([result(resource="*", status="UNKNOWN", unread=True)], sent=[sent(id_of())])
    finding = only(found)
    assert finding["Resources"][0] == {"Type": "AwsAccount", "Id": f"AWS::::Account:{A}", "Partition": "aws", "Region": R}


def test_what_is_global_stands_where_its_partition_keeps_it() -> None:
    arn = f"arn:aws-cn:cloudfront::{A}:distribution/E1"
    finding = only(seen([result(region="global", resource=arn)]))
    assert finding["ProductArn"].startswith("arn:aws-cn:securityhub:cn-north-1:")
    assert finding["Resources"] == [{"Type": "AwsCloudFrontDistribution", "Id": arn, "Partition": "aws-cn", "Region": "cn-north-1"}]
    assert finding["ProductFields"]["reporter/region"] == "global"


def test_what_belongs_to_no_account_of_aws_is_no_finding() -> None:
    assert list(asff.findings(seen([result(account="-", region="-", resource="schedule.yaml")]))) == []


def test_every_finding_is_one_by_botocores_shapes_and_enumerations_however_hostile_its_texts() -> None:
    for every in (False, True):
        found = list(asff.findings(replace(hostile(), export_all=every)))
        assert len(found) == len(HOSTILE)
        for place, finding in enumerate(found):
            conform("securityhub", "AwsSecurityFinding", finding, f"findings[{place}]")
            text = json.dumps(finding, ensure_ascii=False)
            assert not any(sign in text for sign in ("\u202e", "\\u0000", "\\n", "\\r"))


def test_texts_are_cut_where_a_reader_sees_it() -> None:
    finding = only(seen([result(reason="\N{GRINNING FACE}" * 20_000, observed="x" * 90_000, resource="y" * 3_000)]))
    lengths = {"Id": 512, "Title": 256, "Description": 1024}
    assert all(len(str(finding[name]).encode("utf-16-le")) // 2 <= most for name, most in lengths.items())
    assert all(len(value) <= 2048 for value in finding["ProductFields"].values())
    assert finding["Description"].endswith("…")
    assert finding["ProductFields"]["reporter/observed"].endswith("…")
    assert len(json.dumps(finding)) < 240 << 10


def test_a_control_too_many_is_counted() -> None:
    related = asff._related([("PCI DSS 4.0.1", f"{number}") for number in range(40)])
    assert (len(related), related[-1]) == (32, "… and 9 more")


def test_the_same_results_are_the_same_bytes_in_whatever_order_they_come(tmp_path: Path) -> None:
    rows = [result(resource=f"i-{number:017x}") for number in range(9)]
    written = []
    for place, some in enumerate((rows, rows[::-1])):
        folder = tmp_path / str(place)
        folder.mkdir()
        asff.write(folder, seen(some))
        written.append((folder / asff.FILE).read_bytes())
    assert written[0] == written[1]
    assert written[0].count(b"\n") == 9


def test_a_run_that_does_not_ask_for_it_has_no_file(tmp_path: Path) -> None:
    asff.write(tmp_path, view())
    assert list(tmp_path.iterdir()) == []
