"""What a sealed run leaves in the Security Hub of each account and region, night after night, as the sandbox answers it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reporter.clients.aws import AwsClients
from reporter.clients.security_hub import MOST_BYTES, MOST_FINDINGS, SecurityHub, batches
from reporter.clients.store import FolderStore
from reporter.core.clock import running as clock_from
from reporter.core.errors import ReporterError
from reporter.core.permission import By
from reporter.delivery.security_hub import Hubs
from reporter.evidence.seal import Seal
from reporter.permissions import statements
from reporter.reports import asff
from reporter.state import deliveries, sent_findings
from reporter.state.deliveries import Delivery
from reporter.tables.deliveries import DELIVERIES
from reporter.tables.joined import RESULTS, SCOPES
from tests.clients.aws_server import Answer, AwsServer, aws_environment, error, page, server
from tests.evidence.pack import sealed
from tests.reports.test_asff import result, scope
from tests.reports.views import NOW, A, I, R, view
from tests.sandbox.aws.conftest import Door, aws, running
from tests.schedules import EVERYTHING, schedule

__all__ = ["aws", "running", "server"]

B = "222233334444"
J = "i-0000000000000002"
Results = Iterable[tuple[Any, ...]]


@dataclass
class Chain:
    """Nights of one chain: each is reported, sealed and published as the one after it finds it."""

    out: Path
    state: FolderStore
    client: Callable[[str, str], Any]
    door: Door
    number: int = 0
    done: list[tuple[Delivery, ...]] = field(default_factory=list)

    def night(self, results: Results, scopes: Results | None = None, *, all_of_them: bool = False) -> tuple[Delivery, ...]:
        self.number += 1
        run_id, now = f"main-{self.number:06d}", NOW + timedelta(days=self.number)
        known = sent_findings.known(self.state, "main")
        read = [scope(), scope(account=B)] if scopes is None else scopes
        tables = {RESULTS.name: RESULTS.frame(results), SCOPES.name: SCOPES.frame(read), **known.tables()}
        run = self.out / f"run-{self.number:06d}"
        run.mkdir(parents=True)
        seen = replace(view(tables, exports=frozenset({"asff"})), run_id=run_id, now=now, export_all=all_of_them)
        asff.REPORT.write(run, seen)
        sealed(run, Seal("main", self.number, run_id, now, "0.1.0"))
        self.done.append(Hubs(self.state, "main", known, clock_from(now), self.client).publish(run))
        return self.done[-1]

    def held(self, account: str = A, region: str = R) -> list[dict[str, Any]]:
        """What Security Hub holds, as its customer reads it."""
        client = self.door.client("securityhub", region, self.door.assumed(account))
        return [finding for answer in client.get_paginator("get_findings").paginate() for finding in answer["Findings"]]

    def enable(self, account: str = A, region: str = R) -> None:
        self.door.client("securityhub", region, self.door.assumed(account)).enable_security_hub(EnableDefaultStandards=False)


@pytest.fixture
def chain(aws: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    aws_environment(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    clients = AwsClients(max_attempts=1)

    def client(account: str, region: str) -> Any:
        return clients.client(account, "securityhub", region, f"arn:aws:iam::{account}:role/reporter-read")

    made = Chain(tmp_path / "out", FolderStore(tmp_path / "state"), client, aws)
    made.enable()
    aws.control("DELETE", "/sandbox/calls")
    return made


def many(count: int, **changes: Any) -> list[tuple[Any, ...]]:
    return [result(resource=f"i-{number:017x}", **changes) for number in range(count)]


def told(done: Iterable[Delivery]) -> list[tuple[str, str]]:
    return [(one.state.value, one.message) for one in done]


def states(findings: Iterable[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(one["RecordState"], one["Compliance"]["Status"], one["Workflow"]["Status"]) for one in findings}


def imports(door: Door) -> int:
    return sum(call["operation"] == "BatchImportFindings" for call in door.calls())


def test_sent_twice_there_is_the_same_number_of_findings_and_they_are_of_the_later_night(chain: Chain) -> None:
    chain.night(many(3))
    done = chain.night(many(3))
    assert told(done) == [("sent", "3 open, 0 closed")]
    assert len(chain.held()) == 3
    assert {one["UpdatedAt"] for one in chain.held()} == {"2026-11-26T03:00:00Z"}
    assert {one["CreatedAt"] for one in chain.held()} == {"2026-11-01T03:00:00Z"}


def test_what_is_put_right_is_closed_once_and_what_comes_back_is_opened_again_under_its_id(chain: Chain) -> None:
    chain.night([result()])
    assert told(chain.night([result(status="PASS")])) == [("sent", "0 open, 1 closed")]
    assert states(chain.held()) == {("ARCHIVED", "PASSED", "NEW")}
    assert chain.night([result(status="PASS")]) == ()
    chain.night([result()])
    assert states(chain.held()) == {("ACTIVE", "FAILED", "NEW")}
    assert len(chain.held()) == 1


def test_what_is_no_longer_there_is_closed_and_what_was_not_read_is_left_as_it_is(chain: Chain) -> None:
    chain.night([result(), result(resource=J)])
    assert chain.night([], [scope("denied")]) == ()
    assert states(chain.held()) == {("ACTIVE", "FAILED", "NEW")}
    chain.night([result(resource=J)])
    assert {one["Id"].rpartition("/")[2]: one["RecordState"] for one in chain.held()} == {I: "ARCHIVED", J: "ACTIVE"}


def test_an_accepted_failure_is_suppressed_and_taken_up_again_when_its_exception_ends(chain: Chain) -> None:
    chain.night([result()])
    chain.night([result(status="WAIVED", waiver="SEC-1 until 2026-11-26")])
    (held,) = chain.held()
    assert (held["Compliance"]["Status"], held["Workflow"]["Status"], held["Note"]["Text"]) == (
        "FAILED",
        "SUPPRESSED",
        "Accepted: SEC-1 until 2026-11-26",
    )
    chain.night([result()])
    assert states(chain.held()) == {("ACTIVE", "FAILED", "NEW")}


def test_an_accepted_failure_that_is_put_right_is_resolved(chain: Chain) -> None:
    chain.night([result(status="WAIVED", waiver="SEC-1 until 2026-11-26")])
    chain.night([result(status="PASS")])
    assert states(chain.held()) == {("ARCHIVED", "PASSED", "RESOLVED")}


def test_what_its_customer_made_of_a_finding_stays(chain: Chain) -> None:
    chain.night([result()])
    (held,) = chain.held()
    customer = chain.door.client("securityhub", R, chain.door.assumed(A))
    named = [{"Id": held["Id"], "ProductArn": held["ProductArn"]}]
    customer.batch_update_findings(FindingIdentifiers=named, Workflow={"Status": "NOTIFIED"}, Note={"Text": "told the team", "UpdatedBy": "secops"})
    chain.night([result(severity="HIGH")])
    (held,) = chain.held()
    assert (held["Workflow"]["Status"], held["Note"]["Text"], held["Severity"]["Label"]) == ("NOTIFIED", "told the team", "HIGH")


def test_findings_go_in_batches_of_100_to_the_account_and_region_they_belong_to(chain: Chain) -> None:
    chain.enable(B)
    chain.door.control("DELETE", "/sandbox/calls")
    done = chain.night([*many(101), result(account=B)])
    assert [(one.name, one.state.value) for one in done] == [(f"{A}_{R}", "sent"), (f"{B}_{R}", "sent")]
    assert imports(chain.door) == 3
    assert (len(chain.held()), len(chain.held(B))) == (101, 1)
    assert {call["account"] for call in chain.door.calls() if call["operation"] == "BatchImportFindings"} == {A, B}


def test_a_region_where_security_hub_is_off_is_said_and_stops_nothing(chain: Chain) -> None:
    done = chain.night([result(), result(account=B)])
    assert [one.state.value for one in done] == ["sent", "not_sent"]
    assert done[1].message.startswith(f"Security Hub is off in {B} {R}: ")
    assert done[1].message.endswith("1 findings were not sent")
    chain.enable(B)
    assert [one.state.value for one in chain.night([result(), result(account=B, status="PASS")])] == ["sent"]
    assert chain.held(B) == []


def test_a_refusal_names_the_permission_and_the_next_run_closes_nothing_that_never_arrived(chain: Chain) -> None:
    chain.door.fault("securityhub", "access_denied", operation="BatchImportFindings")
    ((state, message),) = told(chain.night([result()]))
    assert state == "refused"
    assert message.endswith("grant securityhub:BatchImportFindings")
    chain.door.control("DELETE", "/sandbox/faults")
    chain.night([result()])
    assert states(chain.held()) == {("ACTIVE", "FAILED", "NEW")}


def test_the_next_run_knows_what_became_of_it(chain: Chain) -> None:
    chain.night([result(), result(account=B)])
    known = sent_findings.known(chain.state, "main")
    rows = deliveries.tables(known.deliveries)[DELIVERIES.name]
    assert list(zip(rows["run"], rows["kind"], rows["name"], rows["state"], strict=True)) == [
        ("main-000001", "security_hub", f"{A}_{R}", "sent"),
        ("main-000001", "security_hub", f"{B}_{R}", "not_sent"),
    ]


def test_what_a_run_sent_before_it_died_is_closed_by_the_next(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    class Died(BaseException):
        """The process ends here."""

    def dies(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(sent_findings, "receive", dies)
        with pytest.raises(Died):
            chain.night([result()])
    assert states(chain.held()) == {("ACTIVE", "FAILED", "NEW")}
    known = sent_findings.known(chain.state, "main")
    assert [one.state.value for one in known.deliveries] == ["unknown"]
    chain.night([result(status="PASS")])
    assert states(chain.held()) == {("ARCHIVED", "PASSED", "NEW")}


def test_only_the_newest_nights_receipt_is_kept(chain: Chain) -> None:
    for _ in range(3):
        chain.night([result()])
    assert chain.state.names("security_hub/") == ["security_hub/main-000003.received.gz"]
    assert sent_findings.known(chain.state, "other") == sent_findings.Known()


def test_a_receipt_that_cannot_be_read_is_an_error_that_says_what_to_do(chain: Chain) -> None:
    chain.state.create("security_hub/main-000009.received.gz", b"no gzip")
    with pytest.raises(ReporterError, match="what was sent to Security Hub cannot be read"):
        sent_findings.known(chain.state, "main")


def test_all_results_can_be_sent(chain: Chain) -> None:
    chain.night([result(), result(resource=J, status="PASS")], all_of_them=True)
    assert states(chain.held()) == {("ACTIVE", "FAILED", "NEW"), ("ACTIVE", "PASSED", "NEW")}


def finding(**changes: Any) -> dict[str, Any]:
    tables = {RESULTS.name: RESULTS.frame([result()]), SCOPES.name: SCOPES.frame([scope()])}
    (made,) = asff.findings(view(tables))
    return {**made, **changes}


def hub_of(client: Any, pauses: list[float] | None = None) -> SecurityHub:
    return SecurityHub(client, f"{A} {R}", (lambda _: None) if pauses is None else pauses.append)


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"RecordState": "CLOSED"}, "RecordState: 'CLOSED' is none of ACTIVE, ARCHIVED"),
        ({"Compliance": {"Status": "BAD"}}, "Compliance.Status: 'BAD' is none of"),
        ({"FindingProviderFields": {"Severity": {"Label": "BAD"}}}, "FindingProviderFields.Severity.Label: 'BAD'"),
        ({"Resources": [{"Type": "Other", "Id": "x", "Partition": "mars"}]}, "Resources[0].Partition: 'mars'"),
        ({"Title": 7}, "Invalid type for parameter Findings[0].Title"),
        ({"ProductFields": {"a": "x" * 250_000}}, "bytes, 245760 at most"),
    ],
)
def test_a_finding_that_security_hub_would_not_take_is_not_sent_and_spoils_no_other(chain: Chain, changes: dict[str, Any], flaw: str) -> None:
    (refusal,) = hub_of(chain.client(A, R)).send([finding(Id="good"), finding(Id="bad", **changes)])
    assert (refusal.id, refusal.code) == ("bad", "InvalidInput" if "Invalid" in flaw else "NotSent")
    assert flaw in refusal.message
    assert [one["Id"] for one in chain.held()] == ["good"]


def test_a_batch_is_small_enough_for_one_call() -> None:
    large = [{"Id": str(number), "Text": "x" * 100_000} for number in range(120)]
    made = list(batches(large))
    assert [one for batch in made for one in batch] == large
    assert max(len(json.dumps(batch)) for batch in made) <= MOST_BYTES
    assert [len(batch) for batch in batches([{"Id": "x"}] * 250)] == [MOST_FINDINGS, MOST_FINDINGS, 50]


IMPORT = "POST /findings/import"


def failed(*codes: tuple[str, str]) -> Answer:
    listed = [{"Id": name, "ErrorCode": code, "ErrorMessage": "no"} for name, code in codes]
    return page(FailedCount=len(listed), SuccessCount=0, FailedFindings=listed)


def test_what_is_not_taken_for_the_moment_is_sent_again_and_what_is_wrong_is_not(server: AwsServer) -> None:
    server.on(IMPORT, failed(("a", "InternalFailure"), ("b", "InvalidInput")), failed(("a", "Throttling")), failed())
    pauses: list[float] = []
    refused = hub_of(AwsClients(max_attempts=1).client("", "securityhub", R), pauses).send([finding(Id="a"), finding(Id="b")])
    assert [(one.id, one.code) for one in refused] == [("b", "InvalidInput")]
    sent = [[one["Id"] for one in request.json["Findings"]] for request in server.requests]
    assert sent == [["a", "b"], ["a"], ["a"]]
    assert pauses == [1.0, 5.0]


def test_one_finding_that_makes_the_whole_call_invalid_is_found_and_the_others_are_sent(server: AwsServer) -> None:
    def answer(request: Any) -> Answer:
        return error("InvalidInputException", "one of them") if any(one["Id"] == "c" for one in request.json["Findings"]) else failed()

    server.on(IMPORT, answer)
    refused = hub_of(AwsClients(max_attempts=1).client("", "securityhub", R)).send([finding(Id=name) for name in "abcd"])
    assert [(one.id, one.code) for one in refused] == [("c", "InvalidInput")]


def test_the_reading_role_may_send_only_where_the_schedule_says_so() -> None:
    def granted(text: str) -> dict[str, list[str]]:
        found = statements(schedule(text), By.READ)
        return {action: one["Resource"] for one in found for action in one["Action"] if action.startswith("securityhub:")}

    without = EVERYTHING.replace("  security_hub: {}\n", "")
    assert granted(without) == {}
    assert granted(without.replace("deliver:\n", "deliver:\n  security_hub: {}\n")) == {
        "securityhub:BatchImportFindings": ["arn:aws:securityhub:*:*:product/*/default"],
        "securityhub:BatchUpdateFindings": ["arn:aws:securityhub:*:*:hub/default"],
        "securityhub:DescribeHub": ["arn:aws:securityhub:*:*:hub/default"],
    }
