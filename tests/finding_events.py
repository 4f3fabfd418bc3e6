"""Findings as the sandbox is given them and as EventBridge tells of them, in the shapes that AWS documents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reporter.core.clock import iso
from tests.rule_estate import MEMBER, REGION

Document = dict[str, Any]
FORMAT_A, FORMAT_B, ISO = "%a %b %d %H:%M:%S.000 UTC %Y", "%b %d, %Y, %I:%M:%S %p", "%Y-%m-%dT%H:%M:%S.000Z"
"""the two ways in which Inspector writes a time into an event, and the third that everybody else has"""


def envelope(source: str, kind: str, detail: Document, account: str = MEMBER, region: str = REGION, number: str = "1") -> Document:
    head = {"version": "0", "id": f"00000000-0000-0000-0000-{number:0>12}", "detail-type": kind, "source": source, "account": account}
    return {**head, "time": "2026-11-24T03:00:00Z", "region": region, "resources": [], "detail": detail}


def guardduty(number: int, resource: Document, updated: datetime, service: Document | None = None, account: str = MEMBER) -> Document:
    """As GetFindings has it."""
    finding = f"{number:032x}"
    return {
        "AccountId": account,
        "Arn": f"arn:aws:guardduty:{REGION}:{account}:detector/{1:032x}/finding/{finding}",
        "CreatedAt": iso(updated),
        "Description": "An example.",
        "Id": finding,
        "Partition": "aws",
        "Region": REGION,
        "Resource": resource,
        "SchemaVersion": "2.0",
        "Service": {"Archived": False, "Count": 1, "ResourceRole": "TARGET", "ServiceName": "guardduty", **(service or {})},
        "Severity": 8.0,
        "Title": "An example",
        "Type": "Backdoor:EC2/C&CActivity.B!DNS",
        "UpdatedAt": iso(updated),
    }


def of_instance(instance: str) -> Document:
    return {"ResourceType": "Instance", "InstanceDetails": {"InstanceId": instance}}


def sequence(*instances: str) -> Document:
    """The service part of an attack sequence over several instances."""
    parts = [
        {"Uid": f"arn:aws:ec2:{REGION}:{MEMBER}:instance/{one}", "Name": one, "ResourceType": "EC2_INSTANCE", "Data": {"Ec2Instance": {}}}
        for one in instances
    ]
    return {"Detection": {"Sequence": {"Uid": "s", "Description": "d", "Signals": [], "Resources": parts}}}


def guardduty_event(finding: Document, **more: Any) -> Document:
    """As EventBridge has it: the same names, each with a small letter first."""
    return envelope("aws.guardduty", "GuardDuty Finding", _small(finding), **more)


def inspector(number: int, resource: Document, updated: datetime, cve: str = "CVE-2024-6119") -> Document:
    """As ListFindings has it."""
    package = {"vulnerabilityId": cve, "vulnerablePackages": [{"name": "libssl3", "version": "3.0.13"}], "source": "UBUNTU_CVE", "cvss": []}
    times = {name: iso(updated) for name in ("firstObservedAt", "lastObservedAt", "updatedAt")}
    return {
        "awsAccountId": MEMBER,
        "description": "An example.",
        "findingArn": f"arn:aws:inspector2:{REGION}:{MEMBER}:finding/{number:032x}",
        "packageVulnerabilityDetails": package,
        "remediation": {"recommendation": {"text": "None Provided"}},
        "resources": [{"partition": "aws", "region": REGION, **resource}],
        "severity": "HIGH",
        "status": "ACTIVE",
        "title": f"{cve} - libssl3",
        "type": "PACKAGE_VULNERABILITY",
        **times,
    }


def reachable(number: int, instance: str, updated: datetime) -> Document:
    """A finding of Inspector that is no package's."""
    details = {"networkPath": {"steps": []}, "openPortRange": {"begin": 22, "end": 22}, "protocol": "TCP"}
    finding = inspector(number, on_instance(instance), updated)
    del finding["packageVulnerabilityDetails"]
    return {**finding, "type": "NETWORK_REACHABILITY", "title": "Port 22 is reachable", "networkReachabilityDetails": details}


def on_instance(instance: str) -> Document:
    return {"type": "AWS_EC2_INSTANCE", "id": instance, "details": {"awsEc2Instance": {"type": "t3.small"}}}


def on_image(digest: str) -> Document:
    arn = f"arn:aws:ecr:{REGION}:{MEMBER}:repository/web/{digest}"
    return {
        "type": "AWS_ECR_CONTAINER_IMAGE",
        "id": arn,
        "details": {"awsEcrContainerImage": {"imageHash": digest, "registry": MEMBER, "repositoryName": "web"}},
    }


def inspector_event(finding: Document, form: str = FORMAT_A, **more: Any) -> Document:
    times = {name: _written(finding[name], form) for name in ("firstObservedAt", "lastObservedAt", "updatedAt")}
    return envelope("aws.inspector2", "Inspector2 Finding", {**finding, **times}, **more)


def macie(number: int, bucket: str, updated: datetime) -> Document:
    """As GetFindings has it."""
    return {
        "accountId": MEMBER,
        "archived": False,
        "category": "POLICY",
        "count": 1,
        "createdAt": iso(updated),
        "description": "An example.",
        "id": f"{number:032x}",
        "partition": "aws",
        "policyDetails": {"action": {"actionType": "AWS_API_CALL", "apiCallDetails": {"api": "PutBucketPolicy"}}},
        "region": REGION,
        "resourcesAffected": {"s3Bucket": {"arn": f"arn:aws:s3:::{bucket}", "name": bucket}},
        "sample": False,
        "schemaVersion": "1.0",
        "severity": {"description": "High", "score": 3},
        "title": "The S3 bucket is publicly accessible",
        "type": "Policy:IAMUser/S3BucketPublic",
        "updatedAt": iso(updated),
    }


def macie_event(finding: Document, **more: Any) -> Document:
    return envelope("aws.macie", "Macie Finding", finding, **more)


def changed(event: Document, path: str, value: Any) -> Document:
    """The event with another value at a dotted path."""
    first, _, rest = path.partition(".")
    return {**event, first: changed(event.get(first) or {}, rest, value) if rest else value}


def _written(text: str, form: str) -> str:
    return datetime.fromisoformat(text).strftime(form)


def _small(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {f"{name[0].lower()}{name[1:]}": _small(item) for name, item in value.items()}
    return [_small(item) for item in value] if isinstance(value, list) else value
