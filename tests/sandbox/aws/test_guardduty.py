from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import OTHER, REGION, Door
from .samples import guardduty_finding


@pytest.fixture
def guardduty(aws: Door) -> tuple[Any, str]:
    client = aws.client("guardduty")
    return client, client.create_detector(Enable=True)["DetectorId"]


def test_findings_come_in_pages_of_fifty(aws: Door, guardduty: tuple[Any, str]) -> None:
    client, detector = guardduty
    aws.seed("guardduty", "findings", [guardduty_finding(i) for i in range(120)])
    pages = [page["FindingIds"] for page in client.get_paginator("list_findings").paginate(DetectorId=detector)]
    assert [len(page) for page in pages] == [50, 50, 20]
    assert len({identifier for page in pages for identifier in page}) == 120


def test_a_finding_comes_back_as_it_was_seeded(aws: Door, guardduty: tuple[Any, str]) -> None:
    client, detector = guardduty
    aws.seed("guardduty", "findings", [guardduty_finding(7)])
    assert client.get_findings(DetectorId=detector, FindingIds=[f"{7:032x}", "unknown"])["Findings"] == [guardduty_finding(7)]


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        ({"service.archived": {"Equals": ["false"]}}, [1, 2]),
        ({"service.archived": {"Equals": ["true"]}}, [3]),
        ({"severity": {"GreaterThanOrEqual": 7}}, [2, 3]),
        ({"severity": {"Gt": 7}}, [3]),
        ({"updatedAt": {"GreaterThanOrEqual": 1796083200000}}, [3]),
        ({"type": {"NotEquals": ["UnauthorizedAccess:EC2/SSHBruteForce"]}}, [2]),
        ({"type": {"Matches": ["Backdoor:*"]}}, [2]),
        ({"type": {"NotMatches": ["Backdoor:*"]}}, [1, 3]),
        ({"resource.instanceDetails.instanceId": {"Equals": [f"i-{1:017x}"]}}, [1]),
        ({"severity": {"LessThan": 9, "GreaterThan": 5}}, [2]),
        ({"severity": {"LessThanOrEqual": 5}}, [1]),
        ({"resource.noSuchField": {"Equals": ["x"]}}, []),
    ],
)
def test_criteria_select(aws: Door, guardduty: tuple[Any, str], criterion: dict[str, Any], expected: list[int]) -> None:
    client, detector = guardduty
    first, second = guardduty_finding(1), guardduty_finding(2, Severity=7.0, Type="Backdoor:EC2/C&CActivity.B!DNS")
    third = guardduty_finding(3, Severity=9.5, UpdatedAt="2026-12-01T00:00:00.000Z", Service={"Archived": True})
    aws.seed("guardduty", "findings", [first, second, third])
    found = client.list_findings(DetectorId=detector, FindingCriteria={"Criterion": criterion})["FindingIds"]
    assert found == [f"{number:032x}" for number in expected]


def test_findings_are_sorted_as_asked(aws: Door, guardduty: tuple[Any, str]) -> None:
    client, detector = guardduty
    aws.seed("guardduty", "findings", [guardduty_finding(i, Severity=float(s)) for i, s in ((1, 4), (2, 9), (3, 2))])
    found = client.list_findings(DetectorId=detector, SortCriteria={"AttributeName": "severity", "OrderBy": "DESC"})["FindingIds"]
    assert [int(identifier, 16) for identifier in found] == [2, 1, 3]


def test_archiving_shows_in_the_finding(aws: Door, guardduty: tuple[Any, str]) -> None:
    client, detector = guardduty
    aws.seed("guardduty", "findings", [guardduty_finding(1)])
    client.archive_findings(DetectorId=detector, FindingIds=[f"{1:032x}", "unknown"])
    assert client.get_findings(DetectorId=detector, FindingIds=[f"{1:032x}"])["Findings"][0]["Service"]["Archived"] is True
    client.unarchive_findings(DetectorId=detector, FindingIds=[f"{1:032x}"])
    assert client.get_findings(DetectorId=detector, FindingIds=[f"{1:032x}"])["Findings"][0]["Service"]["Archived"] is False


def test_statistics_count_by_severity(aws: Door, guardduty: tuple[Any, str]) -> None:
    client, detector = guardduty
    aws.seed("guardduty", "findings", [guardduty_finding(1), guardduty_finding(2), guardduty_finding(3, Severity=8.0)])
    answer = client.get_findings_statistics(DetectorId=detector, FindingStatisticTypes=["COUNT_BY_SEVERITY"])
    assert answer["FindingStatistics"]["CountBySeverity"] == {"5.0": 2, "8.0": 1}


def test_members_are_listed(aws: Door, guardduty: tuple[Any, str]) -> None:
    client, detector = guardduty
    member = {
        "AccountId": OTHER,
        "Email": "payments@example.com",
        "MasterId": "123456789012",
        "RelationshipStatus": "Enabled",
        "UpdatedAt": "2026-01-01T00:00:00.000Z",
    }
    aws.seed("guardduty", "members", [member])
    assert client.list_members(DetectorId=detector)["Members"] == [member]


@pytest.mark.parametrize("operation", ["list_findings", "get_findings", "list_members", "archive_findings"])
def test_a_detector_that_is_not_ours_is_refused(aws: Door, operation: str) -> None:
    more = {"FindingIds": ["1"]} if operation in {"get_findings", "archive_findings"} else {}
    with pytest.raises(aws.client("guardduty").exceptions.BadRequestException):
        getattr(aws.client("guardduty"), operation)(DetectorId="0" * 32, **more)


def test_more_than_fifty_ids_are_refused(guardduty: tuple[Any, str]) -> None:
    client, detector = guardduty
    with pytest.raises(ClientError, match="BadRequestException"):
        client.get_findings(DetectorId=detector, FindingIds=["1"] * 51)


def test_a_page_token_of_somebody_else_is_refused(guardduty: tuple[Any, str]) -> None:
    client, detector = guardduty
    for token in ("nonsense", "c2FuZGJveDp4", "é"):
        with pytest.raises(ClientError, match="BadRequestException"):
            client.list_findings(DetectorId=detector, NextToken=token)


def test_a_page_larger_than_allowed_is_refused(guardduty: tuple[Any, str]) -> None:
    client, detector = guardduty
    with pytest.raises(ClientError, match="BadRequestException"):
        client.list_findings(DetectorId=detector, MaxResults=51)


def test_two_accounts_do_not_see_each_other(aws: Door, guardduty: tuple[Any, str]) -> None:
    client, detector = guardduty
    aws.seed("guardduty", "findings", [guardduty_finding(1)])
    there = aws.client("guardduty", key=aws.assumed(OTHER))
    assert there.list_detectors()["DetectorIds"] == []
    other = there.create_detector(Enable=True)["DetectorId"]
    assert there.list_findings(DetectorId=other)["FindingIds"] == []
    aws.seed("guardduty", "findings", [guardduty_finding(9)], account=OTHER)
    assert there.list_findings(DetectorId=other)["FindingIds"] == [f"{9:032x}"]
    assert client.list_findings(DetectorId=detector)["FindingIds"] == [f"{1:032x}"]


def test_two_regions_do_not_see_each_other(aws: Door, guardduty: tuple[Any, str]) -> None:
    assert aws.client("guardduty", region="us-east-1").list_detectors()["DetectorIds"] == []
    assert aws.client("guardduty", region=REGION).list_detectors()["DetectorIds"] == [guardduty[1]]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"Colour": "red"}, "items[0].Colour"),
        ({"Severity": "5"}, "items[0].Severity"),
        ({"Severity": True}, "items[0].Severity"),
        ({"Id": 5}, "items[0].Id"),
        ({"Id": None}, "items[0].Id"),
        ({"Resource": {"InstanceDetails": {"InstanceId": 1}}}, "items[0].Resource.InstanceDetails.InstanceId"),
        ({"Resource": {"InstanceDetails": {"Tags": {"Key": "a"}}}}, "items[0].Resource.InstanceDetails.Tags"),
        ({"Resource": []}, "items[0].Resource"),
        ({"Service": {"Archived": "no"}}, "items[0].Service.Archived"),
    ],
)
def test_a_finding_aws_would_not_send_is_refused_with_its_path(aws: Door, change: dict[str, Any], path: str) -> None:
    assert aws.refused_seed("guardduty", "findings", [guardduty_finding(1, **change)]) == path


def test_an_administrator_sees_its_enabled_members_and_their_findings(aws: Door, guardduty: tuple[Any, str]) -> None:
    client, detector = guardduty
    features = [{"Name": "RUNTIME_MONITORING", "Status": "ENABLED"}]
    theirs = aws.client("guardduty", key=aws.assumed(OTHER)).create_detector(Enable=True, Features=features)["DetectorId"]
    aws.seed("guardduty", "findings", [guardduty_finding(1)])
    aws.seed("guardduty", "findings", [guardduty_finding(2, AccountId=OTHER)], account=OTHER)
    aws.seed("guardduty", "members", [{"AccountId": OTHER, "RelationshipStatus": "Enabled"}])
    assert [member["DetectorId"] for member in client.list_members(DetectorId=detector)["Members"]] == [theirs]
    ids = client.list_findings(DetectorId=detector)["FindingIds"]
    assert [one["AccountId"] for one in client.get_findings(DetectorId=detector, FindingIds=ids)["Findings"]] == ["123456789012", OTHER]
    told = client.get_member_detectors(DetectorId=detector, AccountIds=[OTHER, "777788889999"])
    assert [(one["AccountId"], one["Features"][0]["Name"]) for one in told["MemberDataSourceConfigurations"]] == [(OTHER, "RUNTIME_MONITORING")]
    assert [one["AccountId"] for one in told["UnprocessedAccounts"]] == ["777788889999"]


def test_a_removed_member_is_listed_only_when_all_are_asked_for_and_its_findings_are_not(aws: Door, guardduty: tuple[Any, str]) -> None:
    client, detector = guardduty
    aws.seed("guardduty", "findings", [guardduty_finding(2, AccountId=OTHER)], account=OTHER)
    aws.seed("guardduty", "members", [{"AccountId": OTHER, "RelationshipStatus": "Removed"}])
    assert client.list_members(DetectorId=detector)["Members"] == []
    assert [one["AccountId"] for one in client.list_members(DetectorId=detector, OnlyAssociated="false")["Members"]] == [OTHER]
    assert client.list_findings(DetectorId=detector)["FindingIds"] == []
