"""AWS Config: evaluations with result tokens and limits, and reading compliance; moto only pretends to take them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import moto.backends
from botocore.utils import parse_timestamp
from moto.config.models import MANAGED_RULES_CONSTRAINTS
from moto.core.utils import get_service_model, utcnow

from reporter.sandbox.aws.config_compliance import Evaluation, compliance, keep, shelf
from reporter.sandbox.aws.config_notifications import get_resource_config_history, start, tokens
from reporter.sandbox.aws.conformance import NotConforming, expect
from reporter.sandbox.aws.extend import Call, Extension, refuse
from reporter.sandbox.aws.paging import page
from reporter.sandbox.aws.store import STORE

SENT = ("COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE")
PAUSE = timedelta(minutes=1)
PROCESS_CHECK = "AWS_CONFIG_PROCESS_CHECK"


def invalid(message: str) -> Exception:
    return refuse("ValidationException", message)


def resource_types() -> set[str]:
    shape: Any = get_service_model("config").shape_for("ResourceType")
    return {*shape.enum, "AWS::::Account"}


def rule_names(call: Call) -> list[str]:
    """The rules asked for, or all; an unknown one is refused."""
    asked = call.params.get("ConfigRuleNames") or []
    if len(asked) > 25:
        raise invalid("At most 25 Config rule names may be given.")
    for name in asked:
        require_rule(call, name)
    return asked or sorted(call.backend.config_rules)


def require_rule(call: Call, name: str) -> Any:
    rule = call.backend.config_rules.get(name)
    if rule is None:
        raise refuse("NoSuchConfigRuleException", f"The ConfigRule '{name}' provided in the request is invalid. Please check the configRule name")
    return rule


def of_rule(call: Call, name: str) -> list[Evaluation]:
    return [evaluation for evaluation in shelf(call.account, call.region).values() if evaluation.rule == name]


def checked(rule: str, item: dict[str, Any]) -> Evaluation:
    """One evaluation as sent. Raises what AWS answers to one it does not take."""
    if item["ComplianceResourceType"] not in resource_types():
        raise refuse("InvalidParameterValueException", f"The resource type {item['ComplianceResourceType']} is not supported by Config.")
    if item["ComplianceType"] == "INSUFFICIENT_DATA":
        raise refuse("InvalidParameterValueException", "INSUFFICIENT_DATA cannot be sent as an evaluation.")
    if item["ComplianceType"] not in SENT:
        raise invalid(f"Value '{item['ComplianceType']}' at 'complianceType' failed to satisfy constraint: enum value set {SENT}")
    annotation = item.get("Annotation")
    if annotation is not None and not 1 <= len(annotation) <= 256:
        raise invalid("Value at 'annotation' failed to satisfy constraint: Member must have length between 1 and 256")
    ordering = item["OrderingTimestamp"]
    return Evaluation(rule, item["ComplianceResourceType"], item["ComplianceResourceId"], item["ComplianceType"], annotation, ordering, utcnow())


def put_evaluations(call: Call) -> dict[str, Any]:
    items = call.params.get("Evaluations")
    if items is None:
        raise refuse("InvalidParameterValueException", "The Evaluations object in your request cannot be null.")
    if len(items) > 100:
        raise invalid("Value at 'evaluations' failed to satisfy constraint: Member must have length less than or equal to 100")
    token = tokens().get(call.params["ResultToken"])
    if call.params.get("TestMode"):
        for item in items:
            checked("", item)
        return {"FailedEvaluations": []}
    if token is None or (token["account"], token["region"]) != (call.account, call.region):
        raise refuse("InvalidResultTokenException", "The result token provided in the request is invalid.")
    evaluations = [checked(token["rule"], item) for item in items]
    failed = [item for item in items if fails(call, item["ComplianceResourceId"])]
    for evaluation in evaluations:
        if evaluation.resource_id not in {item["ComplianceResourceId"] for item in failed}:
            keep(shelf(call.account, call.region), evaluation)
    call.shelf("runs").setdefault(token["rule"], {})["evaluated"] = utcnow()
    return {"FailedEvaluations": failed}


def fails(call: Call, resource: str) -> bool:
    """Whether Config does not take an evaluation of this resource now; each time counts."""
    left = call.shelf("failing")
    if not left.get(resource):
        return False
    left[resource] -= 1
    return True


def seed_failing(account: str, region: str, items: list[Any]) -> None:
    """How often evaluations of a resource come back as failed."""
    for i, item in enumerate(items):
        expect(item, dict, f"items[{i}]")
        resource, times = expect(item.get("ResourceId"), str, f"items[{i}].ResourceId"), expect(item.get("Times"), int, f"items[{i}].Times")
        STORE.shelf("config", "failing", account, region)[resource] = times


def put_external_evaluation(call: Call) -> dict[str, Any]:
    rule = require_rule(call, call.params["ConfigRuleName"])
    if rule.source.source_identifier != PROCESS_CHECK:
        raise refuse("InvalidParameterValueException", "Only process checks take external evaluations.")
    keep(shelf(call.account, call.region), checked(rule.config_rule_name, call.params["ExternalEvaluation"]))
    return {}


def start_config_rules_evaluation(call: Call) -> dict[str, Any]:
    """Sends each rule's function what Config would send it, with a fresh result token."""
    names, now = rule_names(call), utcnow()
    runs = call.shelf("runs")
    for name in names:
        started: datetime | None = runs.get(name, {}).get("started")
        if started is not None and now - started < PAUSE:
            raise refuse("LimitExceededException", f"The rule {name} was started less than a minute ago.")
    for name in names:
        runs.setdefault(name, {})["started"] = now
        start(call.account, call.region, require_rule(call, name))
    return {}


def types_asked(call: Call) -> Callable[[str], bool]:
    asked = set(call.params.get("ComplianceTypes") or [])
    return lambda kind: not asked or kind in asked


def next_page(call: Call, items: list[Any], *, most: int, default: int) -> tuple[Any, str | None]:
    limit = call.params.get("Limit") or None
    return page(items, call.params.get("NextToken"), limit, most=most, default=default, error="InvalidNextTokenException")


def describe_compliance_by_config_rule(call: Call) -> dict[str, Any]:
    wanted = types_asked(call)
    rows: list[dict[str, Any]] = [{"ConfigRuleName": name, "Compliance": compliance(of_rule(call, name))} for name in rule_names(call)]
    part, token = next_page(call, [row for row in rows if wanted(row["Compliance"]["ComplianceType"])], most=25, default=25)
    return {"ComplianceByConfigRules": part, "NextToken": token}


def get_compliance_details_by_config_rule(call: Call) -> dict[str, Any]:
    require_rule(call, call.params["ConfigRuleName"])
    wanted = types_asked(call)
    rows = [evaluation for evaluation in of_rule(call, call.params["ConfigRuleName"]) if wanted(evaluation.compliance)]
    part, token = next_page(call, rows, most=100, default=10)
    return {"EvaluationResults": [row.answer() for row in part], "NextToken": token}


def by_resource(call: Call) -> dict[tuple[str, str], list[Evaluation]]:
    found: dict[tuple[str, str], list[Evaluation]] = {}
    for evaluation in shelf(call.account, call.region).values():
        if call.params.get("ResourceType") in {None, evaluation.resource_type} and call.params.get("ResourceId") in {None, evaluation.resource_id}:
            found.setdefault((evaluation.resource_type, evaluation.resource_id), []).append(evaluation)
    return found


def describe_compliance_by_resource(call: Call) -> dict[str, Any]:
    wanted = types_asked(call)
    found = sorted(by_resource(call).items())
    rows: list[dict[str, Any]] = [{"ResourceType": kind, "ResourceId": name, "Compliance": compliance(held)} for (kind, name), held in found]
    part, token = next_page(call, [row for row in rows if wanted(row["Compliance"]["ComplianceType"])], most=100, default=10)
    return {"ComplianceByResources": part, "NextToken": token}


def get_compliance_details_by_resource(call: Call) -> dict[str, Any]:
    wanted = types_asked(call)
    rows = [evaluation for held in by_resource(call).values() for evaluation in held if wanted(evaluation.compliance)]
    part, token = next_page(call, rows, most=100, default=100)
    return {"EvaluationResults": [row.answer() for row in part], "NextToken": token}


def get_compliance_summary_by_config_rule(call: Call) -> dict[str, Any]:
    kinds = [compliance(of_rule(call, name))["ComplianceType"] for name in rule_names(call)]
    counts = {
        f"{name}ResourceCount": {"CappedCount": min(kinds.count(kind), 25), "CapExceeded": kinds.count(kind) > 25}
        for name, kind in (("Compliant", "COMPLIANT"), ("NonCompliant", "NON_COMPLIANT"))
    }
    return {"ComplianceSummary": {**counts, "ComplianceSummaryTimestamp": utcnow()}}


def describe_config_rule_evaluation_status(call: Call) -> dict[str, Any]:
    rows = []
    for name in rule_names(call):
        rule, run = require_rule(call, name), call.shelf("runs").get(name, {})
        row = {"ConfigRuleName": name, "ConfigRuleArn": rule.config_rule_arn, "ConfigRuleId": rule.config_rule_id}
        row["FirstEvaluationStarted"] = bool(run)
        times = {"LastSuccessfulInvocationTime": run.get("started"), "LastSuccessfulEvaluationTime": run.get("evaluated")}
        rows.append(row | {key: value for key, value in times.items() if value is not None})
    part, token = next_page(call, rows, most=150, default=150)
    return {"ConfigRulesEvaluationStatus": part, "NextToken": token}


def describe_delivery_channel_status(call: Call) -> dict[str, Any]:
    asked = call.params.get("DeliveryChannelNames") or list(call.backend.delivery_channels)
    for name in asked:
        if name not in call.backend.delivery_channels:
            raise refuse("NoSuchDeliveryChannelException", f"Cannot find delivery channel with specified name '{name}'.")
    delivered = {"lastStatus": "SUCCESS"}
    rows = [{"name": name, "configHistoryDeliveryInfo": delivered, "configStreamDeliveryInfo": delivered} for name in asked]
    return {"DeliveryChannelsStatus": rows}


def describe_configuration_recorder_status(call: Call) -> Any:
    """A recorder that records has delivered: moto leaves it PENDING for ever."""
    answer = json.loads(call.original())
    for status in answer["ConfigurationRecordersStatus"]:
        if status.get("recording") and status.get("lastStatus") == "PENDING":
            status["lastStatus"] = "SUCCESS"
    return json.dumps(answer)


def know_process_checks() -> None:
    """Rules for process checks, which AWS makes through a conformance pack; here PutConfigRule takes them."""
    MANAGED_RULES_CONSTRAINTS[PROCESS_CHECK] = {"Parameters": []}


SEEDED = {"ConfigRuleName", "ResourceType", "ResourceId", "ComplianceType", "Annotation", "OrderingTimestamp"}


def seed_compliance(account: str, region: str, items: list[Any]) -> None:
    get_backend: Any = moto.backends.get_backend
    rules = get_backend("config")[account][region].config_rules
    for i, item in enumerate(items):
        unknown = sorted(set(expect(item, dict, f"items[{i}]")) - SEEDED)
        if unknown:
            raise NotConforming(f"items[{i}].{unknown[0]}", "no such key")
        texts = {key: expect(item.get(key), str, f"items[{i}].{key}") for key in sorted(SEEDED - {"Annotation", "OrderingTimestamp"})}
        if texts["ConfigRuleName"] not in rules:
            raise NotConforming(f"items[{i}].ConfigRuleName", f"{account} has no Config rule {texts['ConfigRuleName']!r} in {region}; put it first")
        if texts["ComplianceType"] not in SENT:
            raise NotConforming(f"items[{i}].ComplianceType", f"none of {', '.join(SENT)}")
        try:
            ordering = parse_timestamp(item.get("OrderingTimestamp")).replace(tzinfo=None)
        except (ValueError, TypeError) as problem:
            raise NotConforming(f"items[{i}].OrderingTimestamp", "no time") from problem
        note = item.get("Annotation")
        names = (texts["ConfigRuleName"], texts["ResourceType"], texts["ResourceId"], texts["ComplianceType"])
        keep(shelf(account, region), Evaluation(*names, note, ordering, ordering))


INSTANCE = "AWS::EC2::Instance"


def instances(call: Call) -> list[tuple[str, bool]]:
    """(id, whether it lives) of the instances of the account and region, terminated ones too, in the order of their ids."""
    get_backend: Any = moto.backends.get_backend
    found = get_backend("ec2")[call.account][call.region].all_instances()
    return sorted((instance.id, instance._state.name != "terminated") for instance in found)  # noqa: SLF001  # moto has no other name for it


def get_discovered_resource_counts(call: Call) -> dict[str, Any]:
    """Only instances are known."""
    asked = call.params.get("resourceTypes") or [INSTANCE]
    living = sum(lives for _, lives in instances(call)) if INSTANCE in asked else 0
    return {"totalDiscoveredResources": living, "resourceCounts": [{"resourceType": INSTANCE, "count": living}] if living else []}


def list_discovered_resources(call: Call) -> Any:
    if call.params["resourceType"] != INSTANCE:
        return call.original()
    gone, ended = call.params.get("includeDeletedResources") or False, call.shelf("ended")
    rows = [
        {"resourceType": INSTANCE, "resourceId": name, "resourceDeletionTime": None if lives else ended.setdefault(name, utcnow())}
        for name, lives in instances(call)
        if gone or lives
    ]
    part, token = page(rows, call.params.get("nextToken"), call.params.get("limit") or None, most=100, default=100, error="InvalidNextTokenException")
    return {"resourceIdentifiers": part, "nextToken": token}


EXTENSION = Extension(
    service="config",
    operations={
        "PutEvaluations": put_evaluations,
        "PutExternalEvaluation": put_external_evaluation,
        "StartConfigRulesEvaluation": start_config_rules_evaluation,
        "DescribeComplianceByConfigRule": describe_compliance_by_config_rule,
        "GetComplianceDetailsByConfigRule": get_compliance_details_by_config_rule,
        "DescribeComplianceByResource": describe_compliance_by_resource,
        "GetComplianceDetailsByResource": get_compliance_details_by_resource,
        "GetComplianceSummaryByConfigRule": get_compliance_summary_by_config_rule,
        "GetResourceConfigHistory": get_resource_config_history,
        "DescribeConfigRuleEvaluationStatus": describe_config_rule_evaluation_status,
        "GetDiscoveredResourceCounts": get_discovered_resource_counts,
        "ListDiscoveredResources": list_discovered_resources,
        "DescribeDeliveryChannelStatus": describe_delivery_channel_status,
        "DescribeConfigurationRecorderStatus": describe_configuration_recorder_status,
    },
    kinds={"compliance": seed_compliance, "failing": seed_failing},
    patch=know_process_checks,
)
