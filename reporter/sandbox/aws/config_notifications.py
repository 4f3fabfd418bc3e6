"""What AWS Config sends to the function behind a rule, each with a result token of its own; and the configuration items of instances.

Events as in https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_example-events.html. No function runs here: a test
takes the events at `GET /sandbox/config/events` and hands them to the handler.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import moto.backends
from moto.core.utils import utcnow
from moto.moto_api._internal import mock_random

from reporter.sandbox.aws.conformance import NotConforming, expect
from reporter.sandbox.aws.extend import Call, refuse
from reporter.sandbox.aws.store import STORE

INSTANCE = "AWS::EC2::Instance"
SCHEDULED = "ScheduledNotification"
CHANGED = "ConfigurationItemChangeNotification"
OVERSIZED = "OversizedConfigurationItemChangeNotification"
MESSAGES = (SCHEDULED, CHANGED, OVERSIZED)
_SUMMARY = ("configuration", "tags", "relationships", "relatedEvents", "supplementaryConfiguration")
"""what the summary of an oversized item lacks"""


def tokens() -> dict[str, dict[str, str]]:
    """Result tokens by themselves; in one place for all accounts, because tests read them at `GET /sandbox/config/tokens`."""
    return STORE.shelf("config", "tokens", "", "")


def sent() -> dict[str, dict[str, Any]]:
    """Events that were sent, by their token."""
    return STORE.shelf("config", "events", "", "")


def backend(service: str, account: str, region: str) -> Any:
    get_backend: Any = moto.backends.get_backend
    return get_backend(service)[account][region]


def start(account: str, region: str, rule: Any) -> None:
    """What Config sends when a rule is started: one event, or for a rule that changes trigger one for each instance it knows."""
    details = rule.source.source_details or []
    messages = {detail.message_type for detail in details}
    if SCHEDULED in messages or not details:
        send(account, region, rule, {"awsAccountId": account, "notificationCreationTime": stamp(utcnow()), "messageType": SCHEDULED})
    if CHANGED in messages:
        for item in items(account, region):
            send(account, region, rule, {"configurationItem": item, "messageType": CHANGED})


def ask(body: Any) -> dict[str, Any]:
    """`POST /sandbox/config/ask`: the event of one notification. Raises NotConforming."""
    expect(body, dict, "body")
    account, region, name, message = (expect(body.get(key), str, key) for key in ("account", "region", "rule", "message"))
    rule = backend("config", account, region).config_rules.get(name)
    if rule is None:
        raise NotConforming("rule", f"{account} has no Config rule {name!r} in {region}")
    if message not in MESSAGES:
        raise NotConforming("message", f"none of {', '.join(MESSAGES)}")
    left = bool(body.get("left_scope"))
    if message == SCHEDULED:
        created = body.get("created") or stamp(utcnow())
        return send(account, region, rule, {"awsAccountId": account, "notificationCreationTime": created, "messageType": SCHEDULED}, left=left)
    resource = expect(body.get("resource"), str, "resource")
    known = next((item for item in items(account, region) if item["resourceId"] == resource), None)
    changed = {"configurationItemCaptureTime": stamp(utcnow()), **expect(body.get("item", {}), dict, "item")}
    item = {**(known or blank(account, region, resource)), **changed}
    if message == CHANGED:
        return send(account, region, rule, {"configurationItem": item, "messageType": CHANGED}, left=left)
    summary = {"changeType": "UPDATE", **{key: value for key, value in item.items() if key not in _SUMMARY}}
    return send(account, region, rule, {"configurationItemSummary": summary, "messageType": OVERSIZED}, left=left)


def send(account: str, region: str, rule: Any, invoking: dict[str, Any], *, left: bool = False) -> dict[str, Any]:
    """One event with a fresh token."""
    token = f"sandbox-{mock_random.uuid4()}"
    tokens()[token] = {"token": token, "account": account, "region": region, "rule": rule.config_rule_name, "at": stamp(utcnow())}
    event = {
        "version": "1.0",
        "invokingEvent": json.dumps({"recordVersion": "1.0", "notificationCreationTime": stamp(utcnow()), **invoking}),
        "ruleParameters": rule.input_parameters or "{}",
        "resultToken": token,
        "eventLeftScope": left,
        "executionRoleArn": f"arn:aws:iam::{account}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
        "configRuleArn": rule.config_rule_arn,
        "configRuleName": rule.config_rule_name,
        "configRuleId": rule.config_rule_id,
        "accountId": account,
    }
    sent()[token] = event
    return event


def stamp(instant: datetime) -> str:
    """2026-11-24T03:00:00.000Z, as Config writes it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def blank(account: str, region: str, resource: str) -> dict[str, Any]:
    """An item of an instance that EC2 no longer has."""
    return {
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": stamp(utcnow()),
        "configurationItemStatus": "ResourceDeleted",
        "configurationStateId": 0,
        "awsAccountId": account,
        "resourceType": INSTANCE,
        "resourceId": resource,
        "ARN": f"arn:aws:ec2:{region}:{account}:instance/{resource}",
        "awsRegion": region,
        "availabilityZone": f"{region}a",
        "resourceCreationTime": None,
        "tags": {},
        "configuration": None,
        "relationships": [],
    }


def items(account: str, region: str) -> Iterator[dict[str, Any]]:
    """The newest item of every instance there, captured when it was launched."""
    for instance in backend("ec2", account, region).all_instances():
        gone = instance._state.name == "terminated"  # noqa: SLF001  # moto has no other name for it
        told = {
            "configurationItemCaptureTime": stamp(utcnow() if gone else instance.launch_time),
            "configurationItemStatus": "ResourceDeleted" if gone else "OK",
            "tags": {tag["key"]: tag["value"] for tag in instance.get_tags()},
            "configuration": None if gone else {"instanceId": instance.id, "instanceType": instance.instance_type},
        }
        yield blank(account, region, instance.id) | told


def get_resource_config_history(call: Call) -> Any:
    """Of instances the newest item, as recorded at `laterTime`; what moto knows of other kinds."""
    if call.params["resourceType"] != INSTANCE:
        return call.original()
    found = [item for item in items(call.account, call.region) if item["resourceId"] == call.params["resourceId"]]
    if not found:
        raise refuse(
            "ResourceNotDiscoveredException", f"Resource {call.params['resourceId']} of resourceType {INSTANCE} is unknown or not discovered"
        )
    item = found[0]
    history = {
        "version": item["configurationItemVersion"],
        "accountId": item["awsAccountId"],
        "configurationItemCaptureTime": call.params.get("laterTime") or utcnow(),
        "configurationStateId": "0",
        "arn": item["ARN"],
        "configuration": json.dumps(item["configuration"]),
        **{key: item[key] for key in ("configurationItemStatus", "resourceType", "resourceId", "awsRegion", "availabilityZone", "tags")},
    }
    return {"configurationItems": [history]}
