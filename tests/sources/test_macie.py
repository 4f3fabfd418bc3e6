"""reporter/sources/macie.py against scripted answers."""

from __future__ import annotations

from typing import Any

import pytest

from reporter.clients.aws_raw import RawAnswer
from reporter.core.errors import NotEnabled, Unavailable
from reporter.sources.macie import SOURCE
from tests.clients.aws_server import Answer, AwsServer, error, page, server
from tests.sources.read_findings import ACCOUNT, FAULTS, INSTANT, OTHER, REGION, STAMP, THIRD, check_fault, read, read_members

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


MEMBERS = "GET /members"


def member(account: str, status: str = "Enabled") -> dict[str, str]:
    return {"accountId": account, "relationshipStatus": status}


def test_each_member_takes_its_own_findings_of_one_list(server: AwsServer) -> None:
    serve(server, finding("f1"), finding("f2", accountId=OTHER), finding("f3", accountId="222233334444"))
    server.on(MEMBERS, page(members=[member(OTHER)], nextToken="2"), page(members=[member(THIRD)]))
    found = read_members(SOURCE, OTHER, THIRD)
    ids = {account: [row["finding_id"] for row in one["macie_findings"]] for account, one in found.items() if isinstance(one, dict)}
    assert ids == {ACCOUNT: ["f1"], OTHER: ["f2"], THIRD: []}
    theirs = found[OTHER]
    assert isinstance(theirs, dict)
    assert theirs["macie_sessions"] == [{"account": OTHER, "region": REGION, "status": "ENABLED"}]
    assert (len(server.asked(SESSION)), len(server.asked(LIST)), len(server.asked(MEMBERS))) == (1, 1, 2)
    assert "findingCriteria" not in server.asked(LIST)[0].json


def test_a_finding_of_one_member_that_cannot_be_believed_is_that_members_problem(server: AwsServer) -> None:
    serve(server, finding("f1"), finding("f2", accountId=OTHER, category=None))
    server.on(MEMBERS, page(members=[member(OTHER), member(THIRD)]))
    found = read_members(SOURCE, OTHER, THIRD)
    assert isinstance(found[OTHER], Unavailable)
    assert isinstance(found[ACCOUNT], dict)
    assert isinstance(found[THIRD], dict)


@pytest.mark.parametrize(
    "members", [[member(OTHER, status)] for status in ("Created", "Invited", "Removed", "Resigned", "RegionDisabled", "AccountSuspended")] + [[]]
)
def test_an_account_that_is_no_member_is_read_alone(server: AwsServer, members: list[dict[str, str]]) -> None:
    serve(server, finding("f1"), finding("f2", accountId=OTHER))
    server.on(MEMBERS, page(members=members))
    found = read_members(SOURCE, OTHER, alone=(OTHER,))[OTHER]
    assert isinstance(found, dict)
    assert [row["finding_id"] for row in found["macie_findings"]] == ["f2"]
    assert [request.json.get("findingCriteria") for request in server.asked(LIST)] == [None, {"criterion": {"accountId": {"eq": [OTHER]}}}]
    assert len(server.asked(MEMBERS)) == 1


def test_an_account_that_is_no_member_and_has_macie_off_is_not_enabled(server: AwsServer) -> None:
    serve(server)
    server.on(MEMBERS, page(members=[]))
    server.on(SESSION, page(status="ENABLED"), error("AccessDeniedException", "Macie is not enabled.", 403))
    found = read_members(SOURCE, OTHER, alone=(OTHER,))
    assert isinstance(found[OTHER], NotEnabled)
    assert str(found[OTHER]) == f"Macie is not enabled in {OTHER} {REGION}"
    assert isinstance(found[ACCOUNT], dict)


def test_a_member_in_which_macie_is_paused_is_not_enabled(server: AwsServer) -> None:
    serve(server)
    server.on(MEMBERS, page(members=[member(OTHER, "Paused")]))
    found = read_members(SOURCE, OTHER)[OTHER]
    assert isinstance(found, NotEnabled)
    assert found.message == f"Macie is paused in {OTHER} {REGION}"


def test_the_members_of_a_paused_administrator_are_read_alone(server: AwsServer) -> None:
    serve(server)
    server.on(SESSION, page(status="PAUSED"), page(status="ENABLED"))
    found = read_members(SOURCE, OTHER, alone=(OTHER,))
    assert isinstance(found[ACCOUNT], NotEnabled)
    assert isinstance(found[OTHER], dict)
    assert server.asked(MEMBERS) == []
