from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import HOME, OTHER, Door
from .samples import inspector_finding

IMAGE = "arn:aws:ecr:eu-central-1:123456789012:repository/shop/sha256:" + "a" * 64


@pytest.fixture
def inspector(aws: Door) -> Any:
    aws.seed("inspector2", "status", [{"ec2": "ENABLED", "ecr": "ENABLED", "lambda": "DISABLED"}])
    return aws.client("inspector2")


def test_findings_come_in_pages_to_the_last(aws: Door, inspector: Any) -> None:
    aws.seed("inspector2", "findings", [inspector_finding(i) for i in range(250)])
    pages = [len(page["findings"]) for page in inspector.get_paginator("list_findings").paginate(PaginationConfig={"PageSize": 100})]
    assert pages == [100, 100, 50]


def test_times_come_back_as_times(aws: Door, inspector: Any) -> None:
    aws.seed("inspector2", "findings", [inspector_finding(1)])
    finding = inspector.list_findings()["findings"][0]
    assert finding["firstObservedAt"].astimezone(UTC) == datetime(2026, 11, 1, tzinfo=UTC)
    assert finding["updatedAt"].timestamp() == 1795132800


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"findingStatus": [{"comparison": "EQUALS", "value": "ACTIVE"}]}, [1, 2]),
        ({"findingStatus": [{"comparison": "NOT_EQUALS", "value": "ACTIVE"}]}, [3]),
        ({"severity": [{"comparison": "EQUALS", "value": "CRITICAL"}, {"comparison": "EQUALS", "value": "LOW"}]}, [2, 3]),
        ({"resourceId": [{"comparison": "EQUALS", "value": f"i-{1:017x}"}]}, [1]),
        ({"resourceType": [{"comparison": "EQUALS", "value": "AWS_ECR_CONTAINER_IMAGE"}]}, [2]),
        ({"title": [{"comparison": "PREFIX", "value": "CVE-2026-0003"}]}, [3]),
        ({"vulnerabilityId": [{"comparison": "EQUALS", "value": "CVE-2026-0002"}]}, [2]),
        ({"inspectorScore": [{"lowerInclusive": 7.5, "upperInclusive": 9}]}, [2]),
        ({"updatedAt": [{"startInclusive": datetime(2026, 12, 1, tzinfo=UTC)}]}, [3]),
        ({"updatedAt": [{"endInclusive": datetime(2026, 11, 30, tzinfo=UTC)}]}, [1, 2]),
        ({"resourceTags": [{"comparison": "EQUALS", "key": "Owner", "value": "payments"}]}, [1, 3]),
        ({"ecrImageHash": [{"comparison": "EQUALS", "value": "sha256:" + "a" * 64}]}, [2]),
        ({"fixAvailable": [{"comparison": "EQUALS", "value": "YES"}], "severity": [{"comparison": "EQUALS", "value": "HIGH"}]}, [1]),
    ],
)
def test_filters_select(aws: Door, inspector: Any, criteria: dict[str, Any], expected: list[int]) -> None:
    details = {
        "awsEcrContainerImage": {
            "imageHash": "sha256:" + "a" * 64,
            "registry": HOME,
            "repositoryName": "shop",
            "imageTags": ["1"],
            "pushedAt": "2026-01-01T00:00:00Z",
        }
    }
    image = [{"id": IMAGE, "type": "AWS_ECR_CONTAINER_IMAGE", "details": details}]
    aws.seed(
        "inspector2",
        "findings",
        [
            inspector_finding(1, fixAvailable="YES"),
            inspector_finding(2, severity="CRITICAL", resources=image, inspectorScore=8.1),
            inspector_finding(3, severity="LOW", status="CLOSED", updatedAt="2026-12-02T00:00:00Z", inspectorScore=2),
        ],
    )
    found = inspector.list_findings(filterCriteria=criteria)["findings"]
    assert [int(finding["findingArn"][-4:], 16) for finding in found] == expected


def test_severity_sorts_by_weight_not_by_letter(aws: Door, inspector: Any) -> None:
    aws.seed("inspector2", "findings", [inspector_finding(i, severity=s) for i, s in enumerate(("LOW", "CRITICAL", "MEDIUM"))])
    found = inspector.list_findings(sortCriteria={"field": "SEVERITY", "sortOrder": "DESC"})["findings"]
    assert [finding["severity"] for finding in found] == ["CRITICAL", "MEDIUM", "LOW"]


def test_findings_without_the_sorted_field_come_last(aws: Door, inspector: Any) -> None:
    aws.seed("inspector2", "findings", [inspector_finding(1), inspector_finding(2, inspectorScore=3), inspector_finding(3, inspectorScore=9)])
    found = inspector.list_findings(sortCriteria={"field": "INSPECTOR_SCORE", "sortOrder": "ASC"})["findings"]
    assert [finding.get("inspectorScore") for finding in found] == [3.0, 9.0, None]


def test_an_unknown_filter_is_refused_not_ignored(inspector: Any, aws: Door) -> None:
    aws.seed("inspector2", "findings", [inspector_finding(1)])
    with pytest.raises(inspector.exceptions.ValidationException, match="lambdaFunctionName"):
        inspector.list_findings(filterCriteria={"lambdaFunctionName": [{"comparison": "EQUALS", "value": "f"}]})


def test_a_page_over_a_hundred_is_refused(inspector: Any) -> None:
    with pytest.raises(inspector.exceptions.ValidationException):
        inspector.list_findings(maxResults=101)


def test_off_until_enabled(aws: Door) -> None:
    client = aws.client("inspector2")
    assert client.batch_get_account_status()["accounts"][0]["state"]["status"] == "DISABLED"
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.list_findings()
    client.enable(resourceTypes=["EC2"])
    account = client.batch_get_account_status(accountIds=[HOME])["accounts"][0]
    assert (account["state"]["status"], account["resourceState"]["ec2"]["status"], account["resourceState"]["ecr"]["status"]) == (
        "ENABLED",
        "ENABLED",
        "DISABLED",
    )
    assert client.list_findings()["findings"] == []
    client.disable(resourceTypes=["EC2"])
    assert client.batch_get_account_status()["accounts"][0]["state"]["status"] == "DISABLED"


def test_status_is_told_of_the_account_and_its_members_and_of_no_other(aws: Door, inspector: Any) -> None:
    aws.seed("inspector2", "members", [{"accountId": OTHER, "relationshipStatus": "ENABLED"}])
    told = inspector.batch_get_account_status(accountIds=[HOME, OTHER, "777788889999"])
    assert {row["accountId"]: row["state"]["status"] for row in told["accounts"]} == {HOME: "ENABLED", OTHER: "DISABLED"}
    assert [(row["accountId"], row["errorCode"]) for row in told["failedAccounts"]] == [("777788889999", "ACCESS_DENIED")]


def test_members_come_in_pages_and_those_of_the_past_only_when_all_are_asked_for(aws: Door, inspector: Any) -> None:
    now = [{"accountId": f"{number:012}", "relationshipStatus": "ENABLED"} for number in range(1, 61)]
    gone = [{"accountId": OTHER, "relationshipStatus": "REMOVED"}]
    aws.seed("inspector2", "members", [*now, *gone])
    assert [len(page["members"]) for page in inspector.get_paginator("list_members").paginate()] == [50, 10]
    assert [page["members"] for page in inspector.get_paginator("list_members").paginate(onlyAssociated=True)] == [now[:50], now[50:]]
    everybody = inspector.get_paginator("list_members").paginate(onlyAssociated=False, maxResults=50)
    assert [member for page in everybody for member in page["members"]] == [*now, *gone]


def test_a_page_of_over_fifty_members_is_refused(inspector: Any) -> None:
    with pytest.raises(inspector.exceptions.ValidationException):
        inspector.list_members(maxResults=51)


def test_members_are_those_of_one_account_and_region(aws: Door, inspector: Any) -> None:
    aws.seed("inspector2", "members", [{"accountId": OTHER, "relationshipStatus": "ENABLED"}])
    aws.seed("inspector2", "status", [{"ec2": "ENABLED"}], region="us-east-1")
    assert aws.client("inspector2", region="us-east-1").list_members()["members"] == []
    assert [member["accountId"] for member in inspector.list_members()["members"]] == [OTHER]


def test_an_account_that_was_associated_is_a_member_with_a_time(inspector: Any) -> None:
    inspector.associate_member(accountId=OTHER)
    (member,) = inspector.list_members()["members"]
    assert (member["accountId"], member["relationshipStatus"], member["delegatedAdminAccountId"]) == (OTHER, "ENABLED", HOME)
    assert isinstance(member["updatedAt"], datetime)


def test_an_administrator_sees_what_its_enabled_members_see(aws: Door, inspector: Any) -> None:
    third, cluster = "777788889999", {"clusterArn": "arn:aws:ecs:eu-central-1:111122223333:cluster/shop", "clusterDetails": []}
    for number, account in enumerate((HOME, OTHER, third)):
        aws.seed("inspector2", "findings", [inspector_finding(number, awsAccountId=account)], account=account)
        aws.seed("inspector2", "coverage", [covered(number, accountId=account)], account=account)
    aws.seed("inspector2", "image_clusters", [{"imageResourceId": IMAGE, "clusters": [cluster]}], account=OTHER)
    members = [{"accountId": OTHER, "relationshipStatus": "ENABLED"}, {"accountId": third, "relationshipStatus": "DISABLED"}]
    aws.seed("inspector2", "members", members)
    assert [finding["awsAccountId"] for finding in inspector.list_findings()["findings"]] == [HOME, OTHER]
    assert [resource["accountId"] for resource in inspector.list_coverage()["coveredResources"]] == [HOME, OTHER]
    assert inspector.get_clusters_for_image(filter={"resourceId": IMAGE})["cluster"] == [cluster]
    assert inspector.list_members()["members"] == members


def test_members_are_listed_only_where_inspector_is_on(aws: Door) -> None:
    client = aws.client("inspector2")
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.list_members()


def test_more_than_a_hundred_accounts_are_refused(inspector: Any) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        inspector.batch_get_account_status(accountIds=[HOME] * 101)


def covered(number: int, **changes: Any) -> dict[str, Any]:
    status = {"reason": "SUCCESSFUL", "statusCode": "ACTIVE"}
    return {
        "accountId": HOME,
        "resourceId": f"i-{number:017x}",
        "resourceType": "AWS_EC2_INSTANCE",
        "scanType": "PACKAGE",
        "scanStatus": status,
        **changes,
    }


def test_coverage_pages_filters_and_counts(aws: Door, inspector: Any) -> None:
    inactive = {"reason": "UNMANAGED_EC2_INSTANCE", "statusCode": "INACTIVE"}
    aws.seed("inspector2", "coverage", [*(covered(i) for i in range(210)), covered(999, scanStatus=inactive)])
    assert [len(page["coveredResources"]) for page in inspector.get_paginator("list_coverage").paginate()] == [200, 11]
    criteria = {"scanStatusCode": [{"comparison": "EQUALS", "value": "INACTIVE"}]}
    assert [row["resourceId"] for row in inspector.list_coverage(filterCriteria=criteria)["coveredResources"]] == [f"i-{999:017x}"]
    answer = inspector.list_coverage_statistics(groupBy="SCAN_STATUS_CODE")
    assert (answer["totalCounts"], answer["countsByGroup"]) == (
        211,
        [{"count": 210, "groupKey": "ACTIVE"}, {"count": 1, "groupKey": "INACTIVE"}],
    )
    assert "countsByGroup" not in inspector.list_coverage_statistics(filterCriteria=criteria)


def test_clusters_of_an_image(aws: Door, inspector: Any) -> None:
    cluster = {
        "clusterArn": "arn:aws:ecs:eu-central-1:123456789012:cluster/shop",
        "clusterDetails": [
            {
                "clusterMetadata": {"awsEcsMetadataDetails": {"detailsGroup": "service:web", "taskDefinitionArn": "arn:td"}},
                "lastInUse": "2026-11-20T00:00:00Z",
                "runningUnitCount": 2,
            }
        ],
    }
    aws.seed("inspector2", "image_clusters", [{"imageResourceId": IMAGE, "clusters": [cluster]}])
    found = inspector.get_clusters_for_image(filter={"resourceId": IMAGE})["cluster"]
    assert found[0]["clusterDetails"][0]["clusterMetadata"] == cluster["clusterDetails"][0]["clusterMetadata"]  # type: ignore[index]
    assert inspector.get_clusters_for_image(filter={"resourceId": "other"})["cluster"] == []


@pytest.mark.parametrize(
    ("kind", "item", "path"),
    [
        ("findings", inspector_finding(1, severity="AWFUL"), "items[0].severity"),
        ("findings", inspector_finding(1, updatedAt="yesterday-ish"), "items[0].updatedAt"),
        ("findings", inspector_finding(1, resources=None), "items[0].resources"),
        ("findings", inspector_finding(1, inspectorScore="9"), "items[0].inspectorScore"),
        ("members", {"accountId": OTHER}, "items[0].relationshipStatus"),
        ("members", {"accountId": OTHER, "relationshipStatus": "Enabled"}, "items[0].relationshipStatus"),
        ("status", {"ec3": "ENABLED"}, "items[0].ec3"),
        ("status", {"ec2": "ON"}, "items[0].ec2"),
        ("coverage", {"accountId": HOME}, "items[0].resourceType"),
        ("image_clusters", {"imageResourceId": IMAGE, "clusters": {}}, "items[0].clusters"),
    ],
)
def test_what_aws_would_not_send_is_refused_with_its_path(aws: Door, kind: str, item: dict[str, Any], path: str) -> None:
    assert aws.refused_seed("inspector2", kind, [item]) == path
