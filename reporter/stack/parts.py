"""The small words of a CloudFormation template, and what the three templates call the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Resources: TypeAlias = dict[str, Json]

NAME = "reporter"
"""of the cluster, the function, the event bus and the repository of images"""
JOB_ROLE = f"{NAME}-job"
FORWARD_ROLE = f"{NAME}-forward"
FUNCTION_LOG = f"/aws/lambda/{NAME}"
SCHEDULE = "/etc/reporter/schedule.yaml"
"""where the image holds the schedule that this was printed from"""
FINDINGS: Mapping[str, Json] = {
    "GuardDuty": {"source": ["aws.guardduty"], "detail-type": ["GuardDuty Finding"]},
    "Inspector": {"source": ["aws.inspector2"], "detail-type": ["Inspector2 Finding"]},
    "Macie": {"source": ["aws.macie"], "detail-type": ["Macie Finding"]},
}
"""events that the function answers to"""
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""how long CloudWatch Logs can keep a log: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""


def ref(name: str) -> Json:
    return {"Ref": name}


def att(name: str, attribute: str) -> Json:
    return {"Fn::GetAtt": [name, attribute]}


def sub(text: str) -> Json:
    return {"Fn::Sub": text}


def resource(kind: str, properties: Mapping[str, Any], **more: Any) -> Json:
    """One resource; `more`: Condition, DependsOn. Members that are None are left out."""
    said = {name: value for name, value in properties.items() if value is not None}
    return {"Type": f"AWS::{kind}", **more, "Properties": said}


def kept(kind: str, properties: Mapping[str, Any], **more: Any) -> Json:
    """A resource that stays when the stack goes: evidence, and what reads it."""
    return resource(kind, properties, DeletionPolicy="Retain", UpdateReplacePolicy="Retain", **more)


def policy(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: Sequence[str], resources: Any, **more: Any) -> Json:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources, **more}


def assumed_by(service: str, *, own_account: bool = True) -> Json:
    """A trust statement; `own_account`: only where the service acts for this account."""
    said: Json = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {**said, "Condition": {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}}} if own_account else said


def logical(*words: str) -> str:
    """A logical id out of names: letters and digits."""
    return "".join(part[0].upper() + part[1:] for word in words for part in re.split(r"[^A-Za-z0-9]+", word) if part)


def log_group(name: str, days: int) -> Json:
    """Kept at least as long as packs are, where CloudWatch Logs can."""
    return kept("Logs::LogGroup", {"LogGroupName": name, "RetentionInDays": next((one for one in LOG_DAYS if one >= days), LOG_DAYS[-1])})


def managed(documents: Iterable[Json], about: str, **more: Any) -> Iterable[Json]:
    """Policies as printed by `reporter permissions`, each a resource; those that allow nothing are none."""
    for document in documents:
        if document["Statement"]:
            yield resource("IAM::ManagedPolicy", {"Description": about, "PolicyDocument": document}, **more)
