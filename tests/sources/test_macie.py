"""reporter/sources/macie.py against scripted answers."""

from __future__ import annotations

from typing import Any

import pytest

from reporter.clients.aws_raw import RawAnswer
from reporter.core.errors import NotEnabled, Unavailable
from reporter.sources.macie import SOURCE
from tests.clients.aws_server import Answer, AwsServer, error, page, server
from tests.sources.read_findings import ACCOUNT, FAULTS, INSTANT, OTHER, REGION, STAMP, check_fault, read

__all__ = ["server"]

SESSION, LIST, GET = "GET /macie", "POST /findings", "POST /findings/describe"


def finding(identifier: str = "f1", **changes: Any) -> dict[str, Any]:
    detection = {"count": 1, "type": "CREDIT_CARD_NUMBER", "occurrences": {"cells": [{"cellReference": "A7"}]}}
    return {
        "id": identifier,
        "accountId": ACCOUNT,
        "archived": False,
        "category": "CLASSIFICATION",
        "createdAt": STAMP,
        "updatedAt": STAMP,
        "description": "in customers/alice.csv",
        "sample": False,
        "severity": {"score": 3, "description": "High"},
        "title": "The S3 object contains credit card numbers",
        "type": "SensitiveData:S3Object/Financial",
        "classificationDetails": {
            "detailedResultsLocation": "s3://results/alice",
            "jobId": None,
            "result": {"sensitiveData": [{"category": "FINANCIAL_INFORMATION", "detections": [detection]}], "status": {"code": "COMPLETE"}},
        },
        "policyDetails": {"actor": {"userIdentity": {"iamUser": {"userName": "alice"}}, "ipAddressDetails": {"ipAddressV4": "198.51.100.7"}}},
        "resourcesAffected": {
            "s3Bucket": {"name": "customers", "arn": "arn:aws:s3:::customers", "owner": {"displayName": "alice", "id": "c"}},
            "s3Object": {"key": "customers/alice.csv", "bucketArn": "arn:aws:s3:::customers"},
        },
        **changes,
    }


def serve(server: AwsServer, *findings: dict[str, Any], status: str = "ENABLED") -> None:
    server.on(SESSION, page(status=status))
    server.on(LIST, page(findingIds=[one["id"] for one in findings], nextToken=None))
    by_id = {one["id"]: one for one in findings}
    server.on(GET, lambda request: page(findings=[by_id[i] for i in request.json["findingIds"] if i in by_id]))


def only(server: AwsServer, **changes: Any) -> dict[str, Any]:
    serve(server, finding(**changes))
    rows = read(SOURCE)["macie_findings"]
    assert len(rows) == 1
    return rows[0]


def test_a_finding_becomes_a_row(server: AwsServer) -> None:
    assert only(server) == {
        "account": ACCOUNT,
        "region": REGION,
        "finding_id": "f1",
        "type": "SensitiveData:S3Object/Financial",
        "category": "CLASSIFICATION",
        "severity": "HIGH",
        "title": "The S3 object contains credit card numbers",
        "bucket_name": "customers",
        "bucket_arn": "arn:aws:s3:::customers",
        "sample": False,
        "archived": False,
        "created_at": INSTANT,
        "updated_at": INSTANT,
    }


def test_archived_and_sample_findings_are_listed(server: AwsServer) -> None:
    serve(server, finding("f1", archived=True), finding("f2", sample=True))
    assert [(row["archived"], row["sample"]) for row in read(SOURCE)["macie_findings"]] == [(True, False), (False, True)]
    assert server.asked(LIST)[0].json["findingCriteria"] == {"criterion": {"accountId": {"eq": [ACCOUNT]}}}


def test_a_bucket_that_is_only_named_by_its_object_is_known_by_arn(server: AwsServer) -> None:
    row = only(server, resourcesAffected={"s3Object": {"bucketArn": "arn:aws:s3:::customers"}})
    assert (row["bucket_name"], row["bucket_arn"]) == (None, "arn:aws:s3:::customers")


def test_an_enabled_session_without_findings_is_a_row_of_its_own(server: AwsServer) -> None:
    serve(server)
    assert read(SOURCE) == {"macie_sessions": [{"account": ACCOUNT, "region": REGION, "status": "ENABLED"}], "macie_findings": []}


def test_macie_that_is_not_enabled_says_so_with_a_refusals_code(server: AwsServer) -> None:
    server.on(SESSION, error("AccessDeniedException", "Macie is not enabled.", 403))
    with pytest.raises(NotEnabled, match=f"Macie is not enabled in {ACCOUNT} {REGION}"):
        read(SOURCE)


def test_a_paused_session_is_not_enabled(server: AwsServer) -> None:
    serve(server, status="PAUSED")
    with pytest.raises(NotEnabled, match="paused"):
        read(SOURCE)


def test_all_pages_of_ids_are_fetched_fifty_at_a_time(server: AwsServer) -> None:
    findings = [finding(f"f{number:03}") for number in range(70)]
    serve(server, *findings)
    ids = [one["id"] for one in findings]
    server.on(LIST, page(findingIds=ids[:50], nextToken="2"), page(findingIds=ids[50:]))
    assert [row["finding_id"] for row in read(SOURCE)["macie_findings"]] == ids
    assert sorted(len(request.json["findingIds"]) for request in server.asked(GET)) == [20, 50]


def test_a_members_finding_is_left_to_the_members_own_scope(server: AwsServer) -> None:
    serve(server, finding("f1"), finding("f2", accountId=OTHER))
    assert [row["finding_id"] for row in read(SOURCE)["macie_findings"]] == ["f1"]


def test_a_whole_page_that_does_not_come_is_a_broken_answer(server: AwsServer) -> None:
    serve(server)
    server.on(LIST, page(findingIds=["f1"]))
    with pytest.raises(Unavailable, match="none of 1 listed findings came"):
        read(SOURCE)


@pytest.mark.parametrize("changes", [{"updatedAt": "yesterday"}, {"createdAt": None}, {"severity": None}, {"type": ""}, {"accountId": None}])
def test_a_finding_without_its_essentials_is_a_broken_answer(server: AwsServer, changes: dict[str, Any]) -> None:
    serve(server, finding(**changes))
    with pytest.raises(Unavailable):
        read(SOURCE)


def test_object_keys_identities_and_occurrences_never_reach_the_record(server: AwsServer) -> None:
    serve(server, finding())
    kept: list[RawAnswer] = []
    read(SOURCE, raw=kept)
    stored = b"".join(answer.body for answer in kept)
    assert not any(secret in stored for secret in (b"alice", b"198.51.100.7", b"A7"))
    assert b"CREDIT_CARD_NUMBER" in stored


@FAULTS
@pytest.mark.parametrize("key", [SESSION, LIST, GET])
def test_a_call_that_fails_makes_the_scope_unread(server: AwsServer, key: str, answer: Answer, problem: type[Exception]) -> None:
    serve(server, finding())
    check_fault(server, SOURCE, key, answer, problem)
