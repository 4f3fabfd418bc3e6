from __future__ import annotations

from typing import Any

import pytest

from .conftest import OTHER, Door
from .samples import macie_finding


@pytest.fixture
def macie(aws: Door) -> Any:
    aws.seed("macie2", "session", [{"status": "ENABLED"}])
    return aws.client("macie2")


@pytest.mark.parametrize(("operation", "more"), [("get_macie_session", {}), ("list_findings", {}), ("get_findings", {"findingIds": ["1"]})])
def test_everything_is_denied_until_macie_is_enabled(aws: Door, operation: str, more: dict[str, Any]) -> None:
    client = aws.client("macie2")
    with pytest.raises(client.exceptions.AccessDeniedException, match="Macie is not enabled"):
        getattr(client, operation)(**more)


def test_enable_pause_disable(aws: Door) -> None:
    client = aws.client("macie2")
    client.enable_macie(findingPublishingFrequency="ONE_HOUR")
    session = client.get_macie_session()
    assert (session["status"], session["findingPublishingFrequency"]) == ("ENABLED", "ONE_HOUR")
    with pytest.raises(client.exceptions.ConflictException):
        client.enable_macie()
    client.update_macie_session(status="PAUSED")
    assert client.get_macie_session()["status"] == "PAUSED"
    client.disable_macie()
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.get_macie_session()


def test_findings_come_in_pages_of_fifty(aws: Door, macie: Any) -> None:
    aws.seed("macie2", "findings", [macie_finding(i) for i in range(70)])
    assert [len(page["findingIds"]) for page in macie.get_paginator("list_findings").paginate()] == [50, 20]


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        ({"archived": {"eq": ["false"]}}, [1]),
        ({"severity.description": {"eq": ["High"]}}, [1]),
        ({"severity.description": {"neq": ["High"]}}, [2]),
        ({"category": {"eqExactMatch": ["POLICY"]}}, [1, 2]),
        ({"resourcesAffected.s3Bucket.name": {"eq": ["ledger"]}}, [1, 2]),
        ({"updatedAt": {"gte": 1796083200000}}, [2]),
        ({"updatedAt": {"lt": 1796083200000}}, [1]),
    ],
)
def test_criteria_select(aws: Door, macie: Any, criterion: dict[str, Any], expected: list[int]) -> None:
    low = macie_finding(2, severity={"description": "Low", "score": 1}, updatedAt="2026-12-02T00:00:00Z", archived=True)
    aws.seed("macie2", "findings", [macie_finding(1), low])
    found = macie.list_findings(findingCriteria={"criterion": criterion})["findingIds"]
    assert found == [f"{number:032x}" for number in expected]


def test_findings_come_whole_and_sorted(aws: Door, macie: Any) -> None:
    aws.seed("macie2", "findings", [macie_finding(1), macie_finding(2, updatedAt="2026-12-02T00:00:00Z")])
    ids = [f"{1:032x}", f"{2:032x}", "unknown"]
    found = macie.get_findings(findingIds=ids, sortCriteria={"attributeName": "updatedAt", "orderBy": "DESC"})["findings"]
    assert [finding["id"] for finding in found] == ids[1::-1]
    assert found[0]["updatedAt"].isoformat() == "2026-12-02T00:00:00+00:00"
    assert found[0]["resourcesAffected"] == {"s3Bucket": {"arn": "arn:aws:s3:::ledger", "name": "ledger"}}


def test_more_than_fifty_ids_are_refused(macie: Any) -> None:
    with pytest.raises(macie.exceptions.ValidationException):
        macie.get_findings(findingIds=["1"] * 51)


def test_a_status_macie_does_not_have_is_refused(aws: Door) -> None:
    assert aws.refused_seed("macie2", "session", [{"status": "ON"}]) == "items[0].status"


def test_an_administrator_sees_its_members_and_their_findings(aws: Door, macie: Any) -> None:
    aws.seed("macie2", "findings", [macie_finding(1)])
    for number, account in ((2, OTHER), (3, "777788889999")):
        aws.seed("macie2", "findings", [macie_finding(number, accountId=account)], account=account)
    members = [{"accountId": OTHER, "relationshipStatus": "Paused"}, {"accountId": "777788889999", "relationshipStatus": "Removed"}]
    aws.seed("macie2", "members", members)
    assert macie.list_members()["members"] == members[:1]
    assert macie.list_members(onlyAssociated="false", maxResults=1)["members"] == members[:1]
    assert [len(page["members"]) for page in macie.get_paginator("list_members").paginate(onlyAssociated="false", maxResults=1)] == [1, 1]
    ids = macie.list_findings()["findingIds"]
    assert [one["accountId"] for one in macie.get_findings(findingIds=ids)["findings"]] == ["123456789012", OTHER]


def test_a_member_without_a_relationship_is_refused(aws: Door) -> None:
    assert aws.refused_seed("macie2", "members", [{"accountId": OTHER}]) == "items[0].relationshipStatus"
