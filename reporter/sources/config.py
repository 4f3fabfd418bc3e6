"""AWS Config of one account and region: whether it records and delivers, its rules, what it holds for this reporter's own rules.

And which instances it knows: a second count of the population, and what lived between two runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reporter.clients.aws import AwsReader
from reporter.clients.aws_parts import outcome
from reporter.core.answers import field
from reporter.core.errors import NotEnabled, ScopeProblem, Unavailable
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.evidence import CONFIG_INSTANCES, COUNTS
from reporter.tables.findings import CONFIG_COMPLIANCE, CONFIG_RECORDERS, CONFIG_RULES

PAGE = 100
INSTANCE = "AWS::EC2::Instance"
MOST_PAGES = 100
"""pages of instances that are read; where many were deleted there can be more"""
NOT_APPLICABLE = "NOT_APPLICABLE"
_WORDS = {"NOTAPPLICABLE": NOT_APPLICABLE}
_WORST_FIRST = ("FAILURE", "SUCCESS", NOT_APPLICABLE)


def fetch(reader: AwsReader) -> Rows:
    """Recorders, rules and own compliance. Raises ScopeProblem: no recorder -> NotEnabled. A stopped recorder is a row that says so."""
    recorders = [r for r in reader.items("config", "describe_configuration_recorders", "ConfigurationRecorders") if not _of_a_service(r)]
    if not recorders:
        raise NotEnabled(f"AWS Config has no recorder in {reader.account} {reader.region}")
    states = reader.items("config", "describe_configuration_recorder_status", "ConfigurationRecordersStatus")
    channels = reader.items("config", "describe_delivery_channels", "DeliveryChannels")
    deliveries = reader.items("config", "describe_delivery_channel_status", "DeliveryChannelsStatus")
    rules = reader.items("config", "describe_config_rules", "ConfigRules")
    compliance = reader.items("config", "describe_compliance_by_config_rule", "ComplianceByConfigRules")
    by_rule = {entry.get("ConfigRuleName"): entry.get("Compliance", {}).get("ComplianceType") for entry in compliance}
    own = sorted(name for rule in rules if (name := _rule_name(rule)).startswith(reader.rule_prefix))
    place = (reader.account, reader.region)
    delivery = (len(channels), _delivery(deliveries))
    by_name = {state.get("name"): state for state in states}
    return {
        CONFIG_RECORDERS.name: [place + _recorder(recorder, by_name) + delivery for recorder in recorders],
        CONFIG_RULES.name: [place + _rule(rule, by_rule.get(_rule_name(rule))) for rule in rules],
        **_instances(reader, recorders, by_name),
        CONFIG_COMPLIANCE.name: [row for rows in reader.map(lambda rule: _compliance(reader, rule), own) for row in rows],
    }


def _of_a_service(recorder: dict[str, Any]) -> bool:
    """An AWS service's own recorder does not record for the account."""
    return bool(recorder.get("servicePrincipal"))


def _recorder(recorder: dict[str, Any], states: dict[str | None, dict[str, Any]]) -> Row:
    name = field(recorder, "name", "config DescribeConfigurationRecorders")
    state = states.get(name, {})
    return (
        name,
        bool(field(state, "recording", "config DescribeConfigurationRecorderStatus")),
        bool(recorder.get("recordingGroup", {}).get("allSupported", False)),
        _word(state.get("lastStatus")),
    )


def _instances(reader: AwsReader, recorders: Iterable[dict[str, Any]], states: dict[str | None, dict[str, Any]]) -> Rows:
    """How many instances Config counts, and which it has seen. What it does not answer is said there, and takes nothing from the rest."""
    place = (reader.account, reader.region)
    if reader.only:
        return {}
    if not any(states.get(recorder.get("name"), {}).get("recording") and _records_instances(recorder) for recorder in recorders):
        why = "AWS Config records no instances here"
        return {COUNTS.name: [(*place, "config", None, why)], CONFIG_INSTANCES.name: [(*place, "*", None, why)]}
    counted = outcome(lambda: _counted(reader))
    count = (None, _why(counted)) if isinstance(counted, ScopeProblem) else (counted, None)
    listed = outcome(lambda: _listed(reader))
    seen = [("*", None, _why(listed))] if isinstance(listed, ScopeProblem) else listed
    return {COUNTS.name: [(*place, "config", *count)], CONFIG_INSTANCES.name: [place + row for row in seen]}


def _records_instances(recorder: dict[str, Any]) -> bool:
    group = recorder.get("recordingGroup", {})
    if INSTANCE in group.get("exclusionByResourceTypes", {}).get("resourceTypes", []):
        return False
    return bool(group.get("allSupported")) or INSTANCE in group.get("resourceTypes", []) or "exclusionByResourceTypes" in group


def _counted(reader: AwsReader) -> int:
    answer = reader.call("config", "get_discovered_resource_counts", resourceTypes=[INSTANCE])
    return int(field(answer, "totalDiscoveredResources", "config GetDiscoveredResourceCounts"))


def _listed(reader: AwsReader) -> list[Row]:
    """(instance id, when it was deleted, None), and a row `*` that says so where there is more than is read."""
    what = "config ListDiscoveredResources"
    rows: dict[str, Row] = {}
    going_on: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        answer = reader.call("config", "list_discovered_resources", resourceType=INSTANCE, includeDeletedResources=True, limit=PAGE, **going_on)
        if not isinstance(answer.get("resourceIdentifiers"), list):
            raise Unavailable(f"{what}: broken page: it has no resourceIdentifiers")
        for resource in answer["resourceIdentifiers"]:
            name = field(resource, "resourceId", what).lower()
            rows[name] = (name, resource.get("resourceDeletionTime"), None)
        if not answer.get("nextToken"):
            return list(rows.values())
        going_on = {"nextToken": answer["nextToken"]}
    return [*rows.values(), ("*", None, f"more than {MOST_PAGES * PAGE} instances: the rest was not read")]


def _why(problem: ScopeProblem) -> str:
    return f"{problem.message}; grant {problem.permission}" if problem.permission else problem.message


def _delivery(deliveries: Iterable[dict[str, Any]]) -> str | None:
    """Outcome of the last delivery of the configuration history; of several channels the worst."""
    found = {_word(delivery.get("configHistoryDeliveryInfo", {}).get("lastStatus")) for delivery in deliveries}
    return next((word for word in _WORST_FIRST if word in found), None)


def _word(text: str | None) -> str | None:
    word = text.upper() if text else None
    return _WORDS.get(word, word) if word else None


def _rule_name(rule: dict[str, Any]) -> str:
    return str(field(rule, "ConfigRuleName", "config DescribeConfigRules"))


def _rule(rule: dict[str, Any], compliance: str | None) -> Row:
    what = "config DescribeConfigRules"
    source = rule.get("Source", {})
    return (
        _rule_name(rule),
        field(rule, "ConfigRuleArn", what),
        field(source, "Owner", what),
        source.get("SourceIdentifier"),
        field(rule, "ConfigRuleState", what),
        compliance,
    )


def _compliance(reader: AwsReader, rule: str) -> list[Row]:
    what = "config GetComplianceDetailsByConfigRule"
    results = reader.items(
        "config",
        "get_compliance_details_by_config_rule",
        "EvaluationResults",
        absent=("NoSuchConfigRuleException",),  # deleted since it was listed
        ConfigRuleName=rule,
        ComplianceTypes=["COMPLIANT", "NON_COMPLIANT"],
        Limit=PAGE,
    )
    rows: dict[tuple[str, str], Row] = {}
    for result in results:
        qualifier = result.get("EvaluationResultIdentifier", {}).get("EvaluationResultQualifier", {})
        if qualifier.get("EvaluationMode") == "PROACTIVE":  # a trial of something that does not exist yet
            continue
        key = (field(qualifier, "ResourceType", what), field(qualifier, "ResourceId", what))
        instant = result.get("EvaluationResultIdentifier", {}).get("OrderingTimestamp")
        rows[key] = (reader.account, reader.region, rule, *key, field(result, "ComplianceType", what), result.get("Annotation"), instant)
    return list(rows.values())


SOURCE = Source(
    name="config",
    tables=(CONFIG_RECORDERS, CONFIG_RULES, CONFIG_COMPLIANCE, COUNTS, CONFIG_INSTANCES),
    permissions=(
        "config:DescribeConfigurationRecorders",
        "config:DescribeConfigurationRecorderStatus",
        "config:DescribeDeliveryChannels",
        "config:DescribeDeliveryChannelStatus",
        "config:DescribeConfigRules",
        "config:DescribeComplianceByConfigRule",
        "config:GetComplianceDetailsByConfigRule",
        "config:GetDiscoveredResourceCounts",
        "config:ListDiscoveredResources",
    ),
    reach=Reach.REGIONAL,
    fetch=fetch,
)
