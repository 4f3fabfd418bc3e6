"""The sandbox's Security Hub refuses what AWS refuses, and keeps what belongs to its customers."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import HOME, OTHER, REGION, Door

PRODUCT = f"arn:aws:securityhub:{REGION}:{HOME}:product/{HOME}/default"


def finding(**changes: Any) -> dict[str, Any]:
    given = {
        "SchemaVersion": "2018-10-08",
        "Id": "one",
        "ProductArn": PRODUCT,
        "GeneratorId": "check",
        "AwsAccountId": HOME,
        "CreatedAt": "2026-11-24T03:00:00Z",
        "UpdatedAt": "2026-11-24T03:00:00Z",
        "Title": "A title",
        "Description": "A description",
        "FindingProviderFields": {"Severity": {"Label": "HIGH"}, "Types": ["Software and Configuration Checks"]},
        "Resources": [{"Type": "Other", "Id": "thing"}],
        "Compliance": {"Status": "FAILED"},
        "RecordState": "ACTIVE",
    }
    return {**given, **changes}


@pytest.fixture
def hub(aws: Door) -> Any:
    client = aws.client("securityhub")
    client.enable_security_hub(EnableDefaultStandards=False)
    return client


def held(hub: Any) -> dict[str, Any]:
    (one,) = hub.get_findings()["Findings"]
    return dict(one)


def test_where_it_is_off_nothing_is_taken(aws: Door) -> None:
    with pytest.raises(ClientError, match="InvalidAccessException"):
        aws.client("securityhub").batch_import_findings(Findings=[finding()])


def test_a_hundred_at_a_time(hub: Any) -> None:
    with pytest.raises(ClientError, match="between 1 and 100"):
        hub.batch_import_findings(Findings=[finding(Id=str(number)) for number in range(101)])


def test_an_enumeration_that_botocore_lets_pass_is_refused(hub: Any) -> None:
    with pytest.raises(ClientError, match="InvalidInputException"):
        hub.batch_import_findings(Findings=[finding(RecordState="CLOSED")])


@pytest.mark.parametrize(
    "changes",
    [{"AwsAccountId": OTHER}, {"ProductArn": PRODUCT.replace(HOME, OTHER)}, {"Title": "x" * 257}, {"FindingProviderFields": {}}],
    ids=["account", "product", "length", "severity"],
)
def test_one_that_is_not_taken_is_named(hub: Any, changes: dict[str, Any]) -> None:
    answer = hub.batch_import_findings(Findings=[finding(), finding(Id="two", **changes)])
    assert (answer["SuccessCount"], answer["FailedCount"]) == (1, 1)
    assert (answer["FailedFindings"][0]["Id"], answer["FailedFindings"][0]["ErrorCode"]) == ("two", "InvalidInput")


def test_an_import_updates_what_is_the_providers_and_leaves_what_is_the_customers(hub: Any) -> None:
    hub.batch_import_findings(Findings=[finding()])
    named = [{"Id": "one", "ProductArn": PRODUCT}]
    hub.batch_update_findings(FindingIdentifiers=named, Workflow={"Status": "NOTIFIED"}, Note={"Text": "seen", "UpdatedBy": "me"})
    hub.batch_import_findings(Findings=[finding(UpdatedAt="2026-11-25T03:00:00Z", Title="Another", Workflow={"Status": "NEW"})])
    one = held(hub)
    assert (one["Title"], one["Workflow"]["Status"], one["Note"]["Text"], one["Severity"]["Label"]) == ("Another", "NOTIFIED", "seen", "HIGH")
    hub.batch_import_findings(Findings=[finding(UpdatedAt="2026-11-23T03:00:00Z", Title="Older")])
    assert held(hub)["Title"] == "Another"


def test_a_finding_that_comes_back_is_new_again(hub: Any) -> None:
    hub.batch_import_findings(Findings=[finding(RecordState="ARCHIVED", Compliance={"Status": "PASSED"})])
    hub.batch_update_findings(FindingIdentifiers=[{"Id": "one", "ProductArn": PRODUCT}], Workflow={"Status": "RESOLVED"})
    hub.batch_import_findings(Findings=[finding(UpdatedAt="2026-11-25T03:00:00Z")])
    assert held(hub)["Workflow"]["Status"] == "NEW"


def test_findings_are_found_by_filter_and_an_update_of_one_that_is_not_there_is_said(hub: Any) -> None:
    hub.batch_import_findings(Findings=[finding(), finding(Id="two", RecordState="ARCHIVED")])
    active = hub.get_findings(Filters={"RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}]})["Findings"]
    assert [one["Id"] for one in active] == ["one"]
    answer = hub.batch_update_findings(FindingIdentifiers=[{"Id": "three", "ProductArn": PRODUCT}], Workflow={"Status": "RESOLVED"})
    assert answer["UnprocessedFindings"][0]["ErrorCode"] == "FindingNotFound"
