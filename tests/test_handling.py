from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reporter.aws_lambda import handler
from reporter.core import clock
from reporter.core.errors import ReporterError
from reporter.evidence.trust import Trust
from reporter.evidence.verify import verify
from reporter.finding_event import read
from reporter.sandbox.estate.cloud import Cloud
from reporter.sandbox.wp.faults import Fault
from reporter.sandbox.wp.seeds import seed
from reporter.state import events
from tests.finding_events import (
    FORMAT_A,
    FORMAT_B,
    ISO,
    Document,
    changed,
    guardduty,
    guardduty_event,
    inspector,
    inspector_event,
    macie,
    macie_event,
    of_instance,
    on_image,
    on_instance,
    reachable,
    sequence,
)
from tests.rule_estate import HOME, MEMBER, REGION, STRANGER, Estate, estate, poured

__all__ = ["estate", "poured"]

UPDATED = clock.now() - timedelta(minutes=5)
BUCKET, DIGEST, CVE = "alerts-111122223333", f"sha256:{7:064x}", "CVE-2024-6119"
APPLY = """
actions:
  recommendation_scan: {mode: apply, limit: 200, results: off}
  integrity_scan: {mode: apply, limit: 200}
  assign_ips_rule: {mode: apply, limit: 20, max_percent: 100}
  notify_owner: {mode: plan}
  wait: 0m
owners: {tag: Owner, default: secops@example.com}
"""
ROLE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
READS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}]}


@pytest.fixture(scope="module")
def found(poured: Estate) -> dict[str, tuple[Document, Document]]:
    """Findings by name, as they are listed and as the event that tells of them; poured into the sandbox."""
    good, bare = poured.ids["good"], poured.ids["bare"]
    services = {
        "instance": guardduty(1, of_instance(good), UPDATED),
        "bare": guardduty(2, of_instance(bare), UPDATED),
        "sequence": guardduty(3, {"ResourceType": "AttackSequence"}, UPDATED, sequence(good, bare)),
        "other": guardduty(4, of_instance(poured.ids["other"]), UPDATED),
        "key": guardduty(5, {"ResourceType": "AccessKey", "AccessKeyDetails": {"UserName": "operator"}}, UPDATED),
    }
    packages = {
        "package": inspector(11, on_instance(good), UPDATED, CVE),
        "image": inspector(12, on_image(DIGEST), UPDATED),
        "reachable": reachable(13, good, UPDATED),
    }
    alerts = {"alert": macie(21, BUCKET, UPDATED)}
    poured.client("guardduty").create_detector(Enable=True)
    poured.client("macie2").enable_macie()
    for service, kind, items in (
        ("guardduty", "findings", list(services.values())),
        ("inspector2", "status", [{"ec2": "ENABLED", "ecr": "ENABLED"}]),
        ("inspector2", "findings", list(packages.values())),
        ("macie2", "findings", list(alerts.values())),
    ):
        Cloud(poured.aws.endpoint).seed(service, kind, MEMBER, REGION, items)
    _pour_way_to_bucket(poured)
    poured.wp.state.turn({"scan_delay": 86400.0})  # none ends while a test looks
    main = poured.wp.state.tenants["main"]
    rule = {"ID": 50, "identifier": "1000050", "name": "OpenSSL", "type": "vulnerability", "severity": "high", "priority": "normal"}
    seed(main, "application_types", [{"ID": 3, "name": "Web Server Common", "direction": "incoming", "protocol": "tcp", "portType": "multiple"}])
    seed(main, "rules", [{**rule, "applicationTypeID": 3, "CVE": [CVE], "canBeAssignedAlone": True}])
    return {
        **{name: (one, guardduty_event(one)) for name, one in services.items()},
        **{name: (one, inspector_event(one)) for name, one in packages.items()},
        **{name: (one, macie_event(one)) for name, one in alerts.items()},
    }


def _pour_way_to_bucket(estate: Estate) -> None:
    iam, ec2 = estate.client("iam"), estate.client("ec2")
    estate.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    iam.create_role(RoleName="reads", AssumeRolePolicyDocument=json.dumps(ROLE))
    iam.put_role_policy(RoleName="reads", PolicyName="reads", PolicyDocument=json.dumps(READS))
    iam.create_instance_profile(InstanceProfileName="reads")
    iam.add_role_to_instance_profile(InstanceProfileName="reads", RoleName="reads")
    for name in ("good", "bare"):
        ec2.associate_iam_instance_profile(IamInstanceProfile={"Name": "reads"}, InstanceId=estate.ids[name])


@pytest.fixture(autouse=True)
def applying(estate: Estate, found: Any) -> None:
    """The schedule lets scans and rules be applied; nothing of an earlier test is left in Workload Protection."""
    estate.write(APPLY)
    main = estate.wp.state.tenants["main"]
    main.scheduled_tasks.clear()
    main.own["policies", 9] = set()
    seed(main, "assignments", [{"computerID": 7, "recommendationScanStatus": "none"}])
    main.computers[7]["integrityMonitoring"] = {"state": "on", "moduleStatus": {"agentStatus": "active", "agentStatusMessage": "On, 12 rules"}}
    estate.wp.state.calls.clear()


def ask(event: Document, request: str = "") -> dict[str, Any]:
    return handler(event, SimpleNamespace(aws_request_id=request))


def runs(estate: Estate) -> list[Path]:
    return sorted((estate.folder / "out").glob("run-*"))


def whole(packs: list[Path]) -> bool:
    """Whether the packs are sealed, and chained one to the other."""
    checked = verify(packs, Trust())
    return [one.words() for one in checked] == [[]] * len(packs)


def rows(run: Path, name: str) -> list[dict[str, str]]:
    with (run / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def acts(run: Path) -> dict[tuple[str, str], str]:
    """(action, target) -> state"""
    lines = [json.loads(line) for line in (run / "actions.jsonl").read_text(encoding="utf-8").splitlines()]
    return {(one["action"], one["target"]): one["state"] for one in lines}


def writes(estate: Estate) -> int:
    return sum(call["write"] for call in estate.wp.state.calls)


SCANS = {("integrity_scan", "main/computer/7"): "pending", ("recommendation_scan", "main/computer/7"): "pending"}


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("instance", SCANS),
        ("bare", {("notify_owner", "secops@example.com"): "planned"}),
        ("sequence", {**SCANS, ("notify_owner", "secops@example.com"): "planned"}),
        ("other", {}),
        ("package", {("assign_ips_rule", "main/policy/9"): "applied"}),
        ("image", {}),
        ("reachable", {}),
        ("alert", {**SCANS, ("notify_owner", "secops@example.com"): "planned"}),
    ],
)
def test_a_finding_is_handled_once_whatever_the_number_of_copies(
    estate: Estate, found: dict[str, tuple[Document, Document]], name: str, made: dict[tuple[str, str], str]
) -> None:
    event = found[name][1]
    first, before = ask(event), writes(estate)
    assert (first["outcome"], first["run"], first["incomplete"]) == ("handled", "run-000001", False)
    (run,) = runs(estate)
    assert acts(run) == made
    again = {**ask(event), "outcome": "handled"}
    copy = {**ask({**event, "id": "another", "account": HOME}), "outcome": "handled"}
    assert again == copy == first
    assert (writes(estate), runs(estate)) == (before, [run])
    said = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert (said["kind"], said["sequence"], said["finding"]["finding"]) == ("event", 1, first["finding"])
    assert whole([run])


def test_both_forms_of_inspectors_times_and_the_third_are_one_event(estate: Estate, found: dict[str, tuple[Document, Document]]) -> None:
    outcomes = [ask(inspector_event(found["reachable"][0], form))["outcome"] for form in (FORMAT_B, FORMAT_A, ISO)]
    assert outcomes == ["handled", "handled before", "handled before"]


def test_only_what_the_finding_names_is_read_and_judged(estate: Estate, found: dict[str, tuple[Document, Document]]) -> None:
    ask(found["instance"][1])
    (run,) = runs(estate)
    results = rows(run, "results.csv")
    assert {row["resource"] for row in results} == {estate.ids["good"], found["instance"][0]["Arn"]}
    assert {row["check_id"] for row in results} >= {"instance_protected", "guardduty_finding_handled", "anti_malware_active"}
    assert not {"vulnerability_covered", "guardduty_enabled", "evidence_sealed"} & {row["check_id"] for row in results}
    assert [row["instance_id"] for row in rows(run, "instances.csv")] == [estate.ids["good"]]
    assert [row["finding_id"] for row in rows(run, "findings.csv")] == [found["instance"][0]["Id"]]
    assert {row["first_seen"] for row in results} == {""}, "nobody says that it began now"
    assert not (run / "report.html").exists()
    assert "It is about one finding" in (run / "README.txt").read_text(encoding="ascii")
    assert "Er betrifft einen Befund" in (run / "LIESMICH.txt").read_text(encoding="utf-8")
    sources = [row["source"] for row in rows(run, "scopes.csv")]
    assert sources == ["ec2", "guardduty", "wp_computers", "wp_policies", "wp_recommendations", "wp_roles"]


def test_what_reads_a_bucket_is_judged_by_its_own_account_and_the_others_are_not_known(
    estate: Estate, found: dict[str, tuple[Document, Document]]
) -> None:
    text = estate.schedule.read_text(encoding="utf-8")
    estate.schedule.write_text(text.replace("  accounts: [", f'  accounts: [{{id: "{HOME}"}}, '), encoding="utf-8")
    ask(found["alert"][1])
    (run,) = runs(estate)
    (skipped,) = [row for row in rows(run, "scopes.csv") if row["state"] == "skipped" and row["account"] == HOME]
    assert (skipped["source"], skipped["message"]) == ("iam", "a single event reads its own account alone")
    (verdict,) = [row for row in rows(run, "results.csv") if row["check_id"] == "bucket_access_protected"]
    assert (verdict["status"], verdict["resource"]) == ("FAIL", f"arn:aws:s3:::{BUCKET}")
    ways = {(row["role_arn"], row["instance_id"], row["decision"]) for row in rows(run, "bucket_access.csv")}
    own = {(f"arn:aws:iam::{MEMBER}:role/reads", estate.ids[name], "allowed") for name in ("good", "bare")}
    assert ways == own | {(f"arn:aws:iam::{HOME}:root", "", "conditional")}


def test_a_tenant_that_cannot_be_read_is_unknown_and_nobody_is_told(estate: Estate, found: dict[str, tuple[Document, Document]]) -> None:
    estate.wp.state.faults.lay([Fault("access_denied", path="/computers")])
    done = ask(found["sequence"][1])
    assert (done["incomplete"], done["actions"]) == (True, {})
    (run,) = runs(estate)
    assert {row["status"] for row in rows(run, "results.csv")} <= {"UNKNOWN", "NOT_APPLICABLE"}


def test_a_later_version_of_the_finding_is_another_event(estate: Estate, found: dict[str, tuple[Document, Document]]) -> None:
    ask(found["instance"][1])
    later = changed(found["instance"][1], "detail.updatedAt", clock.iso(UPDATED + timedelta(minutes=1)))
    before = writes(estate)
    assert ask(later)["outcome"] == "handled"
    assert [path.name for path in runs(estate)] == ["run-000001", "run-000002"]
    assert writes(estate) == before, "the scans that were asked for are on their way"
    assert whole(runs(estate))


@pytest.mark.parametrize(
    ("name", "path", "value", "why"),
    [
        ("instance", "detail.service.additionalInfo", {"sample": True}, "it is a sample"),
        ("instance", "detail.service.additionalInfo", {"value": '{"sample":true}', "type": "default"}, "it is a sample"),
        ("instance", "detail.title", "[SAMPLE] The EC2 instance i-99999999 is querying a domain", "it is a sample"),
        ("instance", "detail.service.archived", True, "it is archived"),
        ("alert", "detail.sample", True, "it is a sample"),
        ("alert", "detail.archived", True, "it is archived"),
        ("package", "detail.status", "CLOSED", "it is closed"),
        ("package", "detail.status", "SUPPRESSED", "it is suppressed"),
    ],
)
def test_a_sample_or_a_closed_finding_is_said_and_never_acted_on(
    estate: Estate, found: dict[str, tuple[Document, Document]], name: str, path: str, value: Any, why: str
) -> None:
    done = ask(changed(found[name][1], path, value))
    assert (done["outcome"], done["why"].split(":")[0]) == ("closed", why)
    assert (runs(estate), estate.wp.state.calls, estate.control("GET", "calls")) == ([], [], [])


def test_a_finding_that_its_service_calls_a_sample_is_not_acted_on_whatever_the_event_says(
    estate: Estate, found: dict[str, tuple[Document, Document]]
) -> None:
    finding = guardduty(6, of_instance(estate.ids["good"]), UPDATED, {"AdditionalInfo": {"Value": '{"sample": true}', "Type": "default"}})
    Cloud(estate.aws.endpoint).seed("guardduty", "findings", MEMBER, REGION, [finding])
    event = changed(guardduty_event(finding), "detail.service.additionalInfo", {})
    assert ask(event)["outcome"] == "nothing to do"
    assert (runs(estate), writes(estate)) == ([], 0)


@pytest.mark.parametrize("change", [("detail.id", f"{99:032x}"), ("detail.region", "us-west-2")])
def test_what_is_not_listed_or_not_looked_at_starts_nothing(
    estate: Estate, found: dict[str, tuple[Document, Document]], change: tuple[str, str]
) -> None:
    event = changed(found["instance"][1], *change)
    done = ask({**event, "region": event["detail"]["region"]})
    assert done["outcome"] == ("outside" if change[0] == "detail.region" else "nothing to do")
    assert (runs(estate), estate.wp.state.calls) == ([], [])


def test_a_finding_about_no_host_starts_nothing(estate: Estate, found: dict[str, tuple[Document, Document]]) -> None:
    assert ask(found["key"][1])["outcome"] == "nothing to do"
    assert runs(estate) == []


@pytest.mark.parametrize(
    ("name", "path", "value", "words"),
    [
        ("instance", "detail.accountId", STRANGER, f"account {STRANGER} is none of those that the schedule names"),
        ("instance", "detail.accountId", "111", "the finding's account is none"),
        ("instance", "detail.id", "../../state", "the finding's id is none"),
        ("instance", "detail.id", None, "the finding's id is none"),
        ("instance", "detail.region", "eu-west-1", "name two regions"),
        ("instance", "detail.updatedAt", "yesterday", "not in the form of aws.guardduty"),
        ("instance", "detail.updatedAt", 17, "a time is no text"),
        ("instance", "detail", [], "detail is no object"),
        ("instance", "detail.service", "x", "not in the form of aws.guardduty"),
        ("instance", "account", "*", "the event's account is none"),
        ("package", "detail.awsAccountId", HOME, "name two accounts"),
        ("package", "detail.findingArn", "arn:aws:s3:::bucket", "no ARN of a finding"),
        ("alert", "detail.updatedAt", None, "a time is no text"),
        ("package", "detail-type", "Inspector2 Scan", "aws.inspector2 Inspector2 Scan"),
    ],
)
def test_a_malformed_or_foreign_event_is_an_error_for_people_and_starts_nothing(
    estate: Estate, found: dict[str, tuple[Document, Document]], name: str, path: str, value: Any, words: str
) -> None:
    with pytest.raises(ReporterError) as caught:
        ask(changed(found[name][1], path, value))
    assert words in str(caught.value)
    assert (runs(estate), estate.wp.state.calls) == ([], [])


def test_an_action_in_mode_plan_is_only_planned(estate: Estate, found: dict[str, tuple[Document, Document]]) -> None:
    estate.write()
    ask(found["instance"][1])
    (run,) = runs(estate)
    assert acts(run) == dict.fromkeys(SCANS, "planned")
    assert writes(estate) == 0


def test_a_nightly_run_goes_on_from_what_an_event_did_and_their_limits_count_together(
    estate: Estate, found: dict[str, tuple[Document, Document]]
) -> None:
    estate.write(APPLY.replace("limit: 200, results", "limit: 1, results"))
    main = estate.wp.state.tenants["main"]
    bare = {"accountID": MEMBER, "instanceID": estate.ids["bare"]}
    seed(main, "policies", [{"ID": 10, "name": "Linux Server, too"}])
    seed(main, "computers", [{**main.computers[7], "ID": 8, "policyID": 10, "ec2VirtualMachineSummary": bare}])
    try:
        ask(found["instance"][1])
        ask({"job": "nightly"})
    finally:
        del main.computers[8], main.policies[10]
    event, nightly = runs(estate)
    assert acts(event) == SCANS
    lines = [json.loads(line) for line in (nightly / "actions.jsonl").read_text(encoding="utf-8").splitlines()]
    said = {(one["action"], one["target"], one["state"]) for one in lines}
    assert ("recommendation_scan", "main/computer/7", "pending") in said, "looked at again"
    assert ("recommendation_scan", "main/computer/8", "skipped") in said, "the limit is reached"
    assert ("integrity_scan", "main/computer/8", "pending") in said


def test_an_event_between_two_nights_is_not_taken_for_the_run_before(estate: Estate, found: dict[str, tuple[Document, Document]]) -> None:
    estate.write()
    text = estate.schedule.read_text(encoding="utf-8").replace("deliver: {config_rules: {}}", "")  # its rules are started once a minute at most
    estate.schedule.write_text(text, encoding="utf-8")
    for event in ({"job": "nightly"}, found["instance"][1], {"job": "nightly"}):
        ask(event)
    first, between, last = runs(estate)
    said = [json.loads((run / "run.json").read_text(encoding="utf-8")) for run in (between, last)]
    assert [one["compared_with"] for one in said] == [None, "main-000001"]
    assert {row["first_seen"] for row in rows(between, "results.csv")} <= {row["first_seen"] for row in rows(first, "results.csv")}
    sealed = [row["status"] for row in rows(last, "results.csv") if row["check_id"] == "evidence_sealed"]
    assert sealed == ["PASS"], "the pack of the event is the one before"
    assert len(rows(first, "instances.csv")) == len(rows(last, "instances.csv")) == 2
    assert whole([first, between, last])


def test_a_right_that_is_missing_is_named_and_the_event_may_come_again(estate: Estate, found: dict[str, tuple[Document, Document]]) -> None:
    estate.control("POST", "faults", [{"service": "guardduty", "operation": "GetFindings", "fault": "access_denied"}])
    with pytest.raises(ReporterError, match="grant guardduty:GetFindings"):
        ask(found["instance"][1])
    assert runs(estate) == []
    estate.control("DELETE", "faults")
    assert ask(found["instance"][1])["run"] == "run-000001", "no number was lost"


def test_the_next_try_of_a_killed_invocation_completes_it_and_another_copy_waits(estate: Estate, found: dict[str, tuple[Document, Document]]) -> None:
    event = found["instance"][1]
    events.begin(estate.store, read(event).key, "the first", clock.now())  # and is killed
    with pytest.raises(ReporterError, match="another invocation is handling this event now"):
        ask(event, "the second")
    assert runs(estate) == []
    assert ask(event, "the first")["outcome"] == "handled"
    assert ask(event, "the second")["outcome"] == "handled before"
