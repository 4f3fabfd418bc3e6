"""reporter/sources/config.py against scripted answers."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from reporter.core.errors import Denied, NotEnabled, Unavailable
from reporter.sources.config import SOURCE
from tests.clients.aws_server import Answer, AwsServer, Request, error, page, server
from tests.sources.read_findings import ACCOUNT, EPOCH, FAULTS, INSTANT, REGION, check_fault, read

__all__ = ["server"]

SECOND = ("GetDiscoveredResourceCounts", "ListDiscoveredResources")
"""a second count of the instances: what it does not answer takes nothing from the rest"""
DETAILS = "GetComplianceDetailsByConfigRule"
OWN = "reporter-instance-protected"
ARN = f"arn:aws:config:{REGION}:{ACCOUNT}:config-rule/config-rule-"


def rule(name: str, number: int) -> dict[str, Any]:
    source = {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"}
    return {"ConfigRuleName": name, "ConfigRuleArn": f"{ARN}{number}", "Source": source, "ConfigRuleState": "ACTIVE"}


def result(identifier: str, compliance: str = "NON_COMPLIANT", **qualifier: str) -> dict[str, Any]:
    named = {"ConfigRuleName": OWN, "ResourceType": "AWS::EC2::Instance", "ResourceId": identifier, **qualifier}
    return {
        "EvaluationResultIdentifier": {"EvaluationResultQualifier": named, "OrderingTimestamp": EPOCH},
        "ComplianceType": compliance,
        "Annotation": "no agent",
    }


def serve(server: AwsServer) -> None:
    server.on("DescribeConfigurationRecorders", page(ConfigurationRecorders=[{"name": "default", "recordingGroup": {"allSupported": True}}]))
    server.on(
        "DescribeConfigurationRecorderStatus", page(ConfigurationRecordersStatus=[{"name": "default", "recording": True, "lastStatus": "Success"}])
    )
    server.on("DescribeDeliveryChannels", page(DeliveryChannels=[{"name": "default"}]))
    server.on("DescribeDeliveryChannelStatus", page(DeliveryChannelsStatus=[delivered("Success")]))
    server.on("DescribeConfigRules", page(ConfigRules=[rule(OWN, 1), rule("cloudtrail-enabled", 2)]))
    compliance = [{"ConfigRuleName": OWN, "Compliance": {"ComplianceType": "NON_COMPLIANT"}}]
    server.on("DescribeComplianceByConfigRule", page(ComplianceByConfigRules=compliance))
    server.on(DETAILS, page(EvaluationResults=[result("i-1")]))
    server.on("GetDiscoveredResourceCounts", page(totalDiscoveredResources=2))
    known: list[dict[str, Any]] = [{"resourceId": "i-0AB"}, {"resourceId": "i-0cd", "resourceDeletionTime": EPOCH}]
    server.on("ListDiscoveredResources", page(resourceIdentifiers=known[:1], nextToken="2"), page(resourceIdentifiers=known[1:]))


def delivered(status: str) -> dict[str, Any]:
    return {"name": "default", "configHistoryDeliveryInfo": {"lastStatus": status}}


def test_a_recorder_is_a_row_with_its_state_and_delivery(server: AwsServer) -> None:
    serve(server)
    assert read(SOURCE)["config_recorders"] == [
        {
            "account": ACCOUNT,
            "region": REGION,
            "name": "default",
            "recording": True,
            "all_supported": True,
            "last_status": "SUCCESS",
            "delivery_channels": 1,
            "delivery_status": "SUCCESS",
        }
    ]


def test_no_recorder_is_not_enabled(server: AwsServer) -> None:
    server.on("DescribeConfigurationRecorders", page(ConfigurationRecorders=[]))
    with pytest.raises(NotEnabled, match=f"no recorder in {ACCOUNT} {REGION}"):
        read(SOURCE)


def test_an_aws_services_own_recorder_is_no_recorder_of_the_account(server: AwsServer) -> None:
    server.on("DescribeConfigurationRecorders", page(ConfigurationRecorders=[{"name": "x", "servicePrincipal": "cloudwatch.amazonaws.com"}]))
    with pytest.raises(NotEnabled):
        read(SOURCE)


def test_a_stopped_recorder_is_a_row_that_says_so(server: AwsServer) -> None:
    serve(server)
    server.on("DescribeConfigurationRecorders", page(ConfigurationRecorders=[{"name": "default"}]))
    server.on("DescribeConfigurationRecorderStatus", page(ConfigurationRecordersStatus=[{"name": "default", "recording": False}]))
    row = read(SOURCE)["config_recorders"][0]
    assert (row["recording"], row["all_supported"], row["last_status"]) == (False, False, None)


def test_a_recorder_whose_state_is_missing_is_broken_not_stopped(server: AwsServer) -> None:
    serve(server)
    server.on("DescribeConfigurationRecorderStatus", page(ConfigurationRecordersStatus=[]))
    with pytest.raises(Unavailable, match="recording"):
        read(SOURCE)


@pytest.mark.parametrize(
    ("statuses", "word"),
    [([], None), (["Failure", "Success"], "FAILURE"), (["Not_Applicable"], "NOT_APPLICABLE"), (["Not_Applicable", "Success"], "SUCCESS")],
)
def test_the_worst_delivery_counts(server: AwsServer, statuses: list[str], word: str | None) -> None:
    serve(server)
    server.on("DescribeDeliveryChannelStatus", page(DeliveryChannelsStatus=[delivered(status) for status in statuses]))
    assert read(SOURCE)["config_recorders"][0]["delivery_status"] == word


def test_rules_are_rows_with_the_compliance_that_config_holds(server: AwsServer) -> None:
    serve(server)
    rows = read(SOURCE)["config_rules"]
    assert [(row["name"], row["owner"], row["state"], row["compliance"]) for row in rows] == [
        ("cloudtrail-enabled", "CUSTOM_LAMBDA", "ACTIVE", None),
        (OWN, "CUSTOM_LAMBDA", "ACTIVE", "NON_COMPLIANT"),
    ]


def test_two_pages_of_rules_are_read(server: AwsServer) -> None:
    serve(server)
    server.on("DescribeConfigRules", page(ConfigRules=[rule("a", 1)], NextToken="2"), page(ConfigRules=[rule("b", 2)]))
    assert [row["name"] for row in read(SOURCE)["config_rules"]] == ["a", "b"]


def test_details_are_asked_for_own_rules_only_and_read_to_the_end(server: AwsServer) -> None:
    serve(server)
    server.on(DETAILS, page(EvaluationResults=[result("i-1")], NextToken="2"), page(EvaluationResults=[result("i-2", "COMPLIANT")]))
    rows = read(SOURCE)["config_compliance"]
    assert [(row["rule"], row["resource_id"], row["compliance"]) for row in rows] == [(OWN, "i-1", "NON_COMPLIANT"), (OWN, "i-2", "COMPLIANT")]
    assert (rows[0]["annotation"], rows[0]["ordering_timestamp"]) == ("no agent", INSTANT)
    assert {request.json["ConfigRuleName"] for request in server.asked(DETAILS)} == {OWN}


def test_a_proactive_evaluation_is_no_compliance_of_a_resource(server: AwsServer) -> None:
    serve(server)
    server.on(DETAILS, page(EvaluationResults=[result("i-1", EvaluationMode="PROACTIVE"), result("i-2", EvaluationMode="DETECTIVE")]))
    assert [row["resource_id"] for row in read(SOURCE)["config_compliance"]] == ["i-2"]


def test_a_rule_that_is_deleted_meanwhile_has_no_compliance(server: AwsServer) -> None:
    serve(server)
    server.on(DETAILS, error("NoSuchConfigRuleException"))
    assert read(SOURCE)["config_compliance"] == []


def test_no_rules_are_no_rows(server: AwsServer) -> None:
    serve(server)
    server.on("DescribeConfigRules", page(ConfigRules=[]))
    server.on("DescribeComplianceByConfigRule", page(ComplianceByConfigRules=[]))
    tables = read(SOURCE)
    assert (tables["config_rules"], tables["config_compliance"]) == ([], [])


@FAULTS
@pytest.mark.parametrize("key", [key for permission in SOURCE.permissions if (key := permission.removeprefix("config:")) not in SECOND])
def test_a_call_that_fails_makes_the_scope_unread(server: AwsServer, key: str, answer: Answer, problem: type[Exception]) -> None:
    serve(server)
    check_fault(server, SOURCE, key, answer, problem)


def test_instances_that_config_knows_are_counted_and_listed_with_their_end(server: AwsServer) -> None:
    serve(server)
    tables = read(SOURCE)
    assert tables["counts"] == [{"account": ACCOUNT, "region": REGION, "counted": "config", "items": 2, "message": None}]
    assert [row["instance_id"] for row in tables["config_instances"]] == ["i-0ab", "i-0cd"]
    assert (pd.isna(tables["config_instances"][0]["deleted_at"]), tables["config_instances"][1]["deleted_at"]) == (True, INSTANT)
    asked = server.asked("ListDiscoveredResources")
    assert asked[0].json == {"resourceType": "AWS::EC2::Instance", "includeDeletedResources": True, "limit": 100}


@FAULTS
@pytest.mark.parametrize("key", SECOND)
def test_a_second_count_that_fails_is_said_and_takes_nothing_from_the_rest(
    server: AwsServer, key: str, answer: Answer, problem: type[Exception]
) -> None:
    del problem
    serve(server)
    server.on(key, answer)
    tables = read(SOURCE)
    (row,) = tables["counts"] if key == SECOND[0] else tables["config_instances"]
    assert row["message"]
    assert row.get("items") is None
    assert row.get("instance_id", "*") == "*"
    assert len(tables["config_recorders"]) == 1


@pytest.mark.parametrize("group", [{"allSupported": False}, {"exclusionByResourceTypes": {"resourceTypes": ["AWS::EC2::Instance"]}}])
def test_a_recorder_that_does_not_record_instances_counts_none(server: AwsServer, group: dict[str, Any]) -> None:
    serve(server)
    server.on("DescribeConfigurationRecorders", page(ConfigurationRecorders=[{"name": "default", "recordingGroup": group}]))
    (row,) = read(SOURCE)["counts"]
    assert (row["items"], row["message"]) == (None, "AWS Config records no instances here")


def test_a_denied_second_page_makes_the_scope_unread(server: AwsServer) -> None:
    serve(server)
    server.on("DescribeConfigRules", _first_page_only)
    with pytest.raises(Denied, match="DescribeConfigRules"):
        read(SOURCE)


def _first_page_only(request: Request) -> Answer:
    return error("AccessDeniedException", status=400) if "NextToken" in request.json else page(ConfigRules=[rule(OWN, 1)], NextToken="2")
