"""reporter/sources/inspector.py where the schedule has Inspector write a report, instead of listing findings."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
import requests

from reporter.clients import inspector_report
from reporter.clients.aws import AwsClients, AwsReader
from reporter.clients.aws_raw import RawAnswer
from reporter.core.errors import Denied, ScopeProblem, Unavailable
from reporter.core.export import ExportTo
from reporter.core.table import Rows
from reporter.sandbox.aws import AwsSandbox
from reporter.sources.inspector import SOURCE
from tests.clients.aws_server import Answer, AwsServer, Request, error, page, server
from tests.sources.read_findings import ACCOUNT, NOW, OTHER, REGION, read
from tests.sources.test_inspector import INSTANCE, finding, serve

__all__ = ["server"]

CREATE, STATUS, LIST, BUCKET = "POST /reporting/create", "POST /reporting/status/get", "POST /findings/list", "GET /acme-inspector"
FILE = "inspector/a.json"
TO = ExportTo("acme-inspector", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/abcd", "inspector", 60)
NEVER = error("ResourceNotFoundException", "no report", 404)


def fetch(raw: list[RawAnswer] | None = None, to: ExportTo | None = TO, **about: Any) -> tuple[Rows, AwsReader]:
    keep = [] if raw is None else raw
    reader = AwsClients(max_attempts=1, read_timeout=5, raw=keep.append).reader(ACCOUNT, REGION, SOURCE.name, None, None, NOW)
    reader.export = to
    for name, value in about.items():
        setattr(reader, name, value)
    return SOURCE.fetch(reader), reader


def listed(*sizes: int) -> Answer:
    contents = "".join(f'<Contents><Key>inspector/{n}.json</Key><ETag>"e{n}"</ETag><Size>{size}</Size></Contents>' for n, size in enumerate(sizes))
    return Answer(f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>".encode(), content_type="application/xml")


def ranged(body: bytes) -> Any:
    def part(request: Request) -> Answer:
        first, last = (int(number) for number in request.headers["range"].removeprefix("bytes=").split("-"))
        return Answer(body[first : last + 1], 206, "binary/octet-stream")

    return part


def export(server: AwsServer, *bodies: bytes) -> None:
    serve(server)
    server.on(STATUS, NEVER, page(status="IN_PROGRESS"), page(status="SUCCEEDED"))
    server.on(CREATE, page(reportId="r-1"))
    server.on(BUCKET, listed(*map(len, bodies)))
    for number, body in enumerate(bodies):
        server.on(f"GET /acme-inspector/inspector/{number}.json", ranged(body))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def test_a_report_gives_the_rows_of_the_list_and_is_kept_in_parts(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspector_report, "PART", 900)
    findings = [finding(f"f{number}", resources=[{**INSTANCE, "id": f"i-{number}"}]) for number in range(5)]
    serve(server, *findings)
    as_listed = read(SOURCE)["inspector_findings"]
    body = json.dumps({"findings": [{**one, "firstObservedAt": "Nov 23, 2026, 10:00:00 AM"} for one in findings]}).encode()
    export(server, body)
    raw: list[RawAnswer] = []
    server.requests.clear()
    rows, reader = fetch(raw)
    table = next(table for table in SOURCE.tables if table.name == "inspector_findings")
    again = [tuple(row[name] for name in table.names) for row in as_listed]
    assert table.sort(table.frame(rows[table.name])).to_dict("records") == table.sort(table.frame(again)).to_dict("records")
    kept = [answer for answer in raw if answer.operation == "GetObject"]
    assert b"".join(answer.body for answer in kept) == body
    assert [answer.file.endswith("GetObject.json.zst") for answer in kept] == [True] * len(kept)
    assert len(kept) == -(-len(body) // 900)
    assert server.asked(LIST) == []
    asked = server.asked(CREATE)[0].json
    assert asked["filterCriteria"]["findingStatus"] == [{"comparison": "EQUALS", "value": "ACTIVE"}]
    assert asked["s3Destination"]["keyPrefix"].startswith(f"inspector/{ACCOUNT}/{REGION}/")
    assert reader.calls == len(server.requests)
    assert all(request.headers["if-match"] == '"e0"' for request in server.asked("GET /acme-inspector/inspector/0.json"))


def test_a_part_that_breaks_off_is_asked_for_again(server: AwsServer) -> None:
    body = json.dumps({"findings": [finding()]}).encode()
    export(server, body)
    server.on("GET /acme-inspector/inspector/0.json", Answer(body, 206, fault="cut"), ranged(body))
    assert len(fetch()[0]["inspector_findings"]) == 1


def test_no_findings_is_no_failure(server: AwsServer) -> None:
    export(server)
    server.on(STATUS, NEVER, page(status="FAILED", errorCode="NO_FINDINGS_FOUND", errorMessage="none"))
    assert len(fetch()[0]["inspector_findings"]) == 0


@pytest.mark.parametrize(
    ("key", "answers", "problem", "said"),
    [
        (STATUS, (NEVER, page(status="FAILED", errorCode="INVALID_PERMISSIONS", errorMessage="no")), Unavailable, "INVALID_PERMISSIONS"),
        (STATUS, (NEVER, page(status="CANCELLED")), Unavailable, "CANCELLED"),
        (STATUS, (NEVER, page(status="SOMETHING_NEW")), Unavailable, "SOMETHING_NEW"),
        (STATUS, (page(status="IN_PROGRESS"),), Unavailable, "another report is under way"),
        (STATUS, (NEVER, page(status="IN_PROGRESS")), Unavailable, "not done within 1 s"),
        (STATUS, (error("AccessDeniedException", "no", 403),), Denied, "GetFindingsReportStatus"),
        (CREATE, (error("AccessDeniedException", "no", 403),), Denied, "CreateFindingsReport"),
        (CREATE, (page(),), Unavailable, "reportId"),
        (BUCKET, (listed(),), Unavailable, "nothing lies in"),
        (BUCKET, (Answer(b"<Error><Code>AccessDenied</Code></Error>", 403, "application/xml"),), Denied, "ListObjectsV2"),
        ("GET /acme-inspector/inspector/0.json", (Answer(b"<Error><Code>PreconditionFailed</Code></Error>", 412),), Unavailable, "GetObject"),
        ("GET /acme-inspector/inspector/0.json", (Answer(b'{"findings": [{"findingArn": 1}', 206),), Unavailable, "broken report"),
    ],
)
def test_what_cannot_be_read_is_a_reason_and_never_an_empty_list(
    server: AwsServer, key: str, answers: tuple[Answer, ...], problem: type[ScopeProblem], said: str
) -> None:
    export(server, b'{"findings": [{"findingArn": 1}]}')
    server.on(key, *answers)
    with pytest.raises(problem, match=said):
        fetch(to=replace(TO, patience=1) if b"IN_PROGRESS" in answers[-1].body else TO)


@pytest.mark.parametrize("about", [{"only": ("i-1",)}, {"finding": "arn:x"}])
def test_a_question_about_one_thing_makes_no_report(server: AwsServer, about: dict[str, Any]) -> None:
    serve(server, finding())
    fetch(**about)
    assert server.asked(CREATE) == []


def test_the_sandbox_writes_what_it_lists(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also an administrator's, which holds its members'; also where the bucket is another account's."""
    del server  # its environment alone
    with AwsSandbox() as sandbox:
        requests.post(f"{sandbox.endpoint}/moto-api/reset", timeout=20)  # other tests' sandboxes in this process are doors to the same AWS
        monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "SANDBOX0" + ACCOUNT)
        seed(sandbox.endpoint, "sts", "access_keys", ["SANDBOX0" + ACCOUNT], "global")
        make: Any = boto3.client
        make("s3", REGION).create_bucket(Bucket=TO.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        seed(sandbox.endpoint, "inspector2", "status", [{"ec2": "ENABLED"}])
        findings = [{**finding(f"f{number}"), "description": "x"} for number in range(3)]
        findings[1]["packageVulnerabilityDetails"] = {"source": "NVD", "vulnerabilityId": "CVE-2026-1", "vulnerablePackages": []}
        for one in (findings[0], findings[2]):
            del one["packageVulnerabilityDetails"]
        seed(sandbox.endpoint, "inspector2", "findings", findings)
        (as_listed, _), (as_exported, _) = fetch(to=None), fetch()
        assert len(as_exported["inspector_findings"]) == 3
        assert sorted(map(str, as_listed["inspector_findings"])) == sorted(map(str, as_exported["inspector_findings"]))
        wrong = ExportTo("nowhere", TO.key_arn, "x", 5)
        with pytest.raises(Unavailable, match="BUCKET_NOT_FOUND"):
            fetch(to=wrong)
        requests.post(f"{sandbox.endpoint}/moto-api/reset", timeout=20)


def seed(endpoint: str, service: str, kind: str, items: list[Any], region: str = REGION) -> None:
    body = {"service": service, "kind": kind, "account": ACCOUNT, "region": region, "items": items}
    answer = requests.post(f"{endpoint}/sandbox/seed", json=body, timeout=20)
    assert answer.ok, answer.text


def test_members_come_with_their_administrators_report(server: AwsServer) -> None:
    body = json.dumps({"findings": [finding("f1"), finding("f2", awsAccountId=OTHER)]}).encode()
    export(server, body)
    server.on("POST /members/list", page(members=[{"accountId": OTHER, "relationshipStatus": "ENABLED"}]))
    known = [{"accountId": one, "state": {"status": "ENABLED"}, "resourceState": {}} for one in (ACCOUNT, OTHER)]
    server.on("POST /status/batch/get", page(accounts=known, failedAccounts=[]))
    rows, reader = fetch(members=(OTHER,))
    assert len(rows["inspector_findings"]) == 1
    assert len(reader.part_of(OTHER, lambda _: {})["inspector_findings"]) == 1
