from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import HOME, OTHER, REGION, Door

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
INSTANCE = "AWS::EC2::Instance"


def rule(client: Any, name: str) -> None:
    source = {"Owner": "AWS", "SourceIdentifier": "EC2_INSTANCE_MANAGED_BY_SSM"}
    client.put_config_rule(ConfigRule={"ConfigRuleName": name, "Source": source})


@pytest.fixture
def config(aws: Door) -> Any:
    client = aws.client("config")
    rule(client, "agent-active")
    return client


def token(aws: Door, client: Any, name: str = "agent-active") -> str:
    client.start_config_rules_evaluation(ConfigRuleNames=[name])
    minted = [row for row in aws.control("GET", "/sandbox/config/tokens").json() if row["rule"] == name]
    text: str = minted[-1]["token"]
    return text


def evaluation(resource: str = "i-1", verdict: str = "COMPLIANT", at: datetime = NOON, **more: Any) -> dict[str, Any]:
    return {"ComplianceResourceType": INSTANCE, "ComplianceResourceId": resource, "ComplianceType": verdict, "OrderingTimestamp": at, **more}


def held(client: Any, name: str = "agent-active") -> dict[str, str]:
    pages = client.get_paginator("get_compliance_details_by_config_rule").paginate(ConfigRuleName=name)
    rows = [row for page in pages for row in page["EvaluationResults"]]
    return {row["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ResourceId"]: row["ComplianceType"] for row in rows}


def test_a_started_rule_mints_a_token_that_takes_evaluations(aws: Door, config: Any) -> None:
    answer = config.put_evaluations(ResultToken=token(aws, config), Evaluations=[evaluation(Annotation="seen"), evaluation("i-2", "NON_COMPLIANT")])
    assert answer["FailedEvaluations"] == []
    assert held(config) == {"i-1": "COMPLIANT", "i-2": "NON_COMPLIANT"}
    row = config.get_compliance_details_by_config_rule(ConfigRuleName="agent-active", ComplianceTypes=["COMPLIANT"])["EvaluationResults"]
    assert [(r["Annotation"], r["EvaluationResultIdentifier"]["OrderingTimestamp"]) for r in row] == [("seen", NOON)]


def test_one_token_serves_several_calls_and_none_at_all(aws: Door, config: Any) -> None:
    minted = token(aws, config)
    config.put_evaluations(ResultToken=minted, Evaluations=[evaluation("i-1")])
    config.put_evaluations(ResultToken=minted, Evaluations=[])
    config.put_evaluations(ResultToken=minted, Evaluations=[evaluation("i-2")])
    assert held(config) == {"i-1": "COMPLIANT", "i-2": "COMPLIANT"}


def test_an_older_evaluation_never_replaces_a_newer_one(aws: Door, config: Any) -> None:
    minted = token(aws, config)
    config.put_evaluations(ResultToken=minted, Evaluations=[evaluation(verdict="NON_COMPLIANT", at=NOON)])
    config.put_evaluations(ResultToken=minted, Evaluations=[evaluation(at=NOON - timedelta(hours=1))])
    config.put_evaluations(ResultToken=minted, Evaluations=[evaluation(verdict="NOT_APPLICABLE", at=NOON - timedelta(hours=1))])
    assert held(config) == {"i-1": "NON_COMPLIANT"}


def test_not_applicable_takes_the_resource_off_the_rule(aws: Door, config: Any) -> None:
    minted = token(aws, config)
    config.put_evaluations(ResultToken=minted, Evaluations=[evaluation("i-1"), evaluation("i-2")])
    config.put_evaluations(ResultToken=minted, Evaluations=[evaluation("i-1", "NOT_APPLICABLE", NOON + timedelta(1))])
    assert held(config) == {"i-2": "COMPLIANT"}


def test_a_made_up_token_is_refused_and_another_accounts_too(aws: Door, config: Any) -> None:
    there = aws.client("config", key=aws.assumed(OTHER))
    rule(there, "agent-active")
    for minted in ("made-up", token(aws, there)):
        with pytest.raises(config.exceptions.InvalidResultTokenException):
            config.put_evaluations(ResultToken=minted, Evaluations=[evaluation()])
    assert held(config) == {}


def test_test_mode_checks_but_stores_nothing(config: Any) -> None:
    assert config.put_evaluations(ResultToken="TESTMODE", TestMode=True, Evaluations=[evaluation()])["FailedEvaluations"] == []
    assert held(config) == {}
    with pytest.raises(ClientError, match="ValidationException"):
        config.put_evaluations(ResultToken="TESTMODE", TestMode=True, Evaluations=[evaluation(verdict="BOGUS")])


@pytest.mark.parametrize(
    ("evaluations", "code"),
    [
        ([evaluation(str(i)) for i in range(101)], "ValidationException"),
        ([evaluation(Annotation="x" * 257)], "ValidationException"),
        ([evaluation(verdict="BOGUS")], "ValidationException"),
        ([evaluation(verdict="INSUFFICIENT_DATA")], "InvalidParameterValueException"),
        ([{**evaluation(), "ComplianceResourceType": "AWS::Toaster::Slot"}], "InvalidParameterValueException"),
        (None, "InvalidParameterValueException"),
    ],
)
def test_what_aws_does_not_take_is_refused_and_nothing_is_stored(aws: Door, config: Any, evaluations: Any, code: str) -> None:
    more = {} if evaluations is None else {"Evaluations": evaluations}
    with pytest.raises(ClientError, match=code):
        config.put_evaluations(ResultToken=token(aws, config), **more)
    assert held(config) == {}


def test_account_level_evaluations_are_taken(aws: Door, config: Any) -> None:
    account = {**evaluation("123456789012"), "ComplianceResourceType": "AWS::::Account", "Annotation": "x" * 256}
    config.put_evaluations(ResultToken=token(aws, config), Evaluations=[account])
    assert held(config) == {"123456789012": "COMPLIANT"}


def test_a_rule_starts_once_a_minute(config: Any) -> None:
    config.start_config_rules_evaluation(ConfigRuleNames=["agent-active"])
    with pytest.raises(config.exceptions.LimitExceededException):
        config.start_config_rules_evaluation(ConfigRuleNames=["agent-active"])


def test_unknown_rules_and_too_many_names_are_refused(config: Any) -> None:
    for call in (config.start_config_rules_evaluation, config.describe_compliance_by_config_rule, config.describe_config_rule_evaluation_status):
        with pytest.raises(config.exceptions.NoSuchConfigRuleException):
            call(ConfigRuleNames=["nothing"])
        with pytest.raises(ClientError, match="ValidationException"):
            call(ConfigRuleNames=["agent-active"] * 26)
    with pytest.raises(config.exceptions.NoSuchConfigRuleException):
        config.get_compliance_details_by_config_rule(ConfigRuleName="nothing")


def test_compliance_sums_up_by_rule(aws: Door, config: Any) -> None:
    rule(config, "quiet")
    config.put_evaluations(ResultToken=token(aws, config), Evaluations=[evaluation(f"i-{i}", "NON_COMPLIANT") for i in range(30)])
    rows = {row["ConfigRuleName"]: row["Compliance"] for row in config.describe_compliance_by_config_rule()["ComplianceByConfigRules"]}
    assert rows["quiet"] == {"ComplianceType": "INSUFFICIENT_DATA"}
    assert rows["agent-active"]["ComplianceContributorCount"] == {"CappedCount": 25, "CapExceeded": True}
    only = config.describe_compliance_by_config_rule(ComplianceTypes=["NON_COMPLIANT"])["ComplianceByConfigRules"]
    assert [row["ConfigRuleName"] for row in only] == ["agent-active"]
    summary = config.get_compliance_summary_by_config_rule()["ComplianceSummary"]
    assert (summary["NonCompliantResourceCount"]["CappedCount"], summary["CompliantResourceCount"]["CappedCount"]) == (1, 0)


def test_details_come_in_pages(aws: Door, config: Any) -> None:
    config.put_evaluations(ResultToken=token(aws, config), Evaluations=[evaluation(f"i-{i}") for i in range(25)])
    first = config.get_compliance_details_by_config_rule(ConfigRuleName="agent-active")
    assert len(first["EvaluationResults"]) == 10
    assert len(held(config)) == 25
    with pytest.raises(ClientError, match="InvalidNextToken"):
        config.get_compliance_details_by_config_rule(ConfigRuleName="agent-active", NextToken="made-up")


def test_compliance_by_resource(aws: Door, config: Any) -> None:
    rule(config, "second")
    aws.seed(
        "config",
        "compliance",
        [
            {
                "ConfigRuleName": name,
                "ResourceType": INSTANCE,
                "ResourceId": "i-1",
                "ComplianceType": verdict,
                "OrderingTimestamp": "2026-11-24T00:00:00Z",
            }
            for name, verdict in (("agent-active", "COMPLIANT"), ("second", "NON_COMPLIANT"))
        ],
    )
    rows = config.describe_compliance_by_resource(ResourceType=INSTANCE)["ComplianceByResources"]
    assert [(row["ResourceId"], row["Compliance"]["ComplianceType"]) for row in rows] == [("i-1", "NON_COMPLIANT")]
    details = config.get_compliance_details_by_resource(ResourceType=INSTANCE, ResourceId="i-1")["EvaluationResults"]
    assert sorted(row["ComplianceType"] for row in details) == ["COMPLIANT", "NON_COMPLIANT"]
    assert config.get_compliance_details_by_resource(ResourceType=INSTANCE, ResourceId="i-2")["EvaluationResults"] == []


def test_a_rule_whose_resources_all_comply_is_compliant(aws: Door, config: Any) -> None:
    config.put_evaluations(ResultToken=token(aws, config), Evaluations=[evaluation("i-1"), evaluation("i-2")])
    rows = config.describe_compliance_by_config_rule()["ComplianceByConfigRules"]
    assert [row["Compliance"] for row in rows] == [{"ComplianceType": "COMPLIANT"}]


def test_a_process_check_takes_an_external_evaluation(config: Any) -> None:
    source = {"Owner": "AWS", "SourceIdentifier": "AWS_CONFIG_PROCESS_CHECK"}
    config.put_config_rule(ConfigRule={"ConfigRuleName": "process", "Source": source})
    account = {**evaluation("123456789012", "NON_COMPLIANT"), "ComplianceResourceType": "AWS::::Account"}
    config.put_external_evaluation(ConfigRuleName="process", ExternalEvaluation=account)
    assert held(config, "process") == {"123456789012": "NON_COMPLIANT"}


def test_only_a_process_check_takes_external_evaluations(config: Any) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        config.put_external_evaluation(ConfigRuleName="agent-active", ExternalEvaluation=evaluation())


def test_evaluation_status_tells_when_a_rule_ran(aws: Door, config: Any) -> None:
    before = config.describe_config_rule_evaluation_status()["ConfigRulesEvaluationStatus"][0]
    assert (before["FirstEvaluationStarted"], "LastSuccessfulInvocationTime" in before) == (False, False)
    config.put_evaluations(ResultToken=token(aws, config), Evaluations=[evaluation()])
    after = config.describe_config_rule_evaluation_status(ConfigRuleNames=["agent-active"])["ConfigRulesEvaluationStatus"][0]
    assert {"LastSuccessfulInvocationTime", "LastSuccessfulEvaluationTime"} <= set(after)


def test_a_recording_recorder_has_delivered(aws: Door) -> None:
    client = aws.client("config")
    aws.client("s3", region="us-east-1").create_bucket(Bucket="config-history")
    client.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": "arn:aws:iam::123456789012:role/config"})
    client.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "config-history"})
    assert client.describe_configuration_recorder_status()["ConfigurationRecordersStatus"][0]["recording"] is False
    client.start_configuration_recorder(ConfigurationRecorderName="default")
    status = client.describe_configuration_recorder_status()["ConfigurationRecordersStatus"][0]
    assert (status["recording"], status["lastStatus"]) == (True, "SUCCESS")
    channel = client.describe_delivery_channel_status()["DeliveryChannelsStatus"][0]
    assert (channel["name"], channel["configHistoryDeliveryInfo"]["lastStatus"]) == ("default", "SUCCESS")
    with pytest.raises(client.exceptions.NoSuchDeliveryChannelException):
        client.describe_delivery_channel_status(DeliveryChannelNames=["nothing"])


GOOD = {
    "ConfigRuleName": "agent-active",
    "ResourceType": INSTANCE,
    "ResourceId": "i-1",
    "ComplianceType": "COMPLIANT",
    "OrderingTimestamp": "2026-11-24T00:00:00Z",
}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"ConfigRuleName": "nothing"}, "items[0].ConfigRuleName"),
        ({"ComplianceType": "INSUFFICIENT_DATA"}, "items[0].ComplianceType"),
        ({"OrderingTimestamp": None}, "items[0].OrderingTimestamp"),
        ({"OrderingTimestamp": "noon"}, "items[0].OrderingTimestamp"),
        ({"ResourceId": 1}, "items[0].ResourceId"),
        ({"Colour": "red"}, "items[0].Colour"),
    ],
)
def test_a_seed_that_makes_no_sense_is_refused(aws: Door, config: Any, change: dict[str, Any], path: str) -> None:
    assert aws.refused_seed("config", "compliance", [{**GOOD, **change}]) == path


def custom(client: Any, aws: Door, name: str, *messages: str) -> None:
    """A rule that a function answers, asked by these messages."""
    trust = '{"Version":"2012-10-17","Statement":[]}'
    role = aws.client("iam").create_role(RoleName="rules", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    code = {"ZipFile": b"PK\x05\x06" + bytes(18)}
    made = aws.client("lambda").create_function(FunctionName="rules", Runtime="python3.12", Handler="h.h", Role=role, Code=code)
    details = [{"EventSource": "aws.config", "MessageType": message} for message in messages]
    source = {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": made["FunctionArn"], "SourceDetails": details}
    parameters = '{"agent_max_age": "24h"}'
    client.put_config_rule(ConfigRule={"ConfigRuleName": name, "Source": source, "InputParameters": parameters})


def launched(aws: Door) -> str:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Owner", "Value": "payments"}]}]
    made = aws.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, TagSpecifications=tags)
    return str(made["Instances"][0]["InstanceId"])


def test_a_started_rule_sends_what_its_triggers_say(aws: Door) -> None:
    client = aws.client("config")
    instance = launched(aws)
    custom(client, aws, "both", "ScheduledNotification", "ConfigurationItemChangeNotification", "OversizedConfigurationItemChangeNotification")
    client.start_config_rules_evaluation(ConfigRuleNames=["both"])
    events = aws.control("GET", "/sandbox/config/events").json()
    invoking = [json.loads(event["invokingEvent"]) for event in events]
    assert [said["messageType"] for said in invoking] == ["ScheduledNotification", "ConfigurationItemChangeNotification"]
    item = invoking[1]["configurationItem"]
    assert (item["resourceId"], item["configurationItemStatus"], item["tags"]) == (instance, "OK", {"Owner": "payments"})
    assert {event["ruleParameters"] for event in events} == {'{"agent_max_age": "24h"}'}
    for event in events:
        client.put_evaluations(ResultToken=event["resultToken"], Evaluations=[evaluation(instance)])
    assert held(client, "both") == {instance: "COMPLIANT"}


def test_an_oversized_item_is_a_summary_and_its_history_is_whole(aws: Door, config: Any) -> None:
    instance = launched(aws)
    body = {
        "account": HOME,
        "region": REGION,
        "rule": "agent-active",
        "message": "OversizedConfigurationItemChangeNotification",
        "resource": instance,
    }
    said = json.loads(aws.control("POST", "/sandbox/config/ask", body).json()["invokingEvent"])["configurationItemSummary"]
    assert said["resourceId"] == instance
    assert "tags" not in said
    (item,) = config.get_resource_config_history(resourceType=INSTANCE, resourceId=instance, limit=1)["configurationItems"]
    assert (item["configurationItemStatus"], item["tags"]) == ("OK", {"Owner": "payments"})
    aws.client("ec2").terminate_instances(InstanceIds=[instance])
    (item,) = config.get_resource_config_history(resourceType=INSTANCE, resourceId=instance, limit=1)["configurationItems"]
    assert item["configurationItemStatus"] == "ResourceDeleted"
    with pytest.raises(ClientError, match="ResourceNotDiscoveredException"):
        config.get_resource_config_history(resourceType=INSTANCE, resourceId="i-none")


def test_an_evaluation_may_fail_and_be_taken_later(aws: Door, config: Any) -> None:
    minted = token(aws, config)
    aws.seed("config", "failing", [{"ResourceId": "i-2", "Times": 1}])
    sent = [evaluation("i-1"), evaluation("i-2")]
    failed = config.put_evaluations(ResultToken=minted, Evaluations=sent)["FailedEvaluations"]
    assert [item["ComplianceResourceId"] for item in failed] == ["i-2"]
    assert held(config) == {"i-1": "COMPLIANT"}
    assert config.put_evaluations(ResultToken=minted, Evaluations=failed)["FailedEvaluations"] == []
    assert held(config) == {"i-1": "COMPLIANT", "i-2": "COMPLIANT"}


def test_instances_are_counted_while_they_live_and_listed_with_their_end(aws: Door, config: Any) -> None:
    ec2 = aws.client("ec2")
    made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=3, MaxCount=3)["Instances"]
    gone, *living = sorted(instance["InstanceId"] for instance in made)
    ec2.terminate_instances(InstanceIds=[gone])
    counted = config.get_discovered_resource_counts(resourceTypes=[INSTANCE])
    assert counted["totalDiscoveredResources"] == 2
    assert [row["resourceId"] for row in config.list_discovered_resources(resourceType=INSTANCE)["resourceIdentifiers"]] == living
    pages = [config.list_discovered_resources(resourceType=INSTANCE, includeDeletedResources=True, limit=2)]
    pages.append(config.list_discovered_resources(resourceType=INSTANCE, includeDeletedResources=True, limit=2, nextToken=pages[0]["nextToken"]))
    ended = {row["resourceId"]: row.get("resourceDeletionTime") for page in pages for row in page["resourceIdentifiers"]}
    assert [name for name, at in ended.items() if at is not None] == [gone]
    again = config.list_discovered_resources(resourceType=INSTANCE, includeDeletedResources=True)["resourceIdentifiers"]
    assert {row["resourceId"]: row.get("resourceDeletionTime") for row in again} == ended
