"""Filter and sort criteria of Inspector. A filter the sandbox does not know is refused, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from reporter.sandbox.aws.conformance import Entry
from reporter.sandbox.aws.criteria import as_text, values_at
from reporter.sandbox.aws.extend import refuse

EC2 = "resources.details.awsEc2Instance."
ECR = "resources.details.awsEcrContainerImage."
PACKAGE = "packageVulnerabilityDetails."

FINDING_FIELDS = {
    **{name: name for name in ("findingArn", "awsAccountId", "severity", "title", "inspectorScore", "fixAvailable", "exploitAvailable")},
    **{name: name for name in ("firstObservedAt", "lastObservedAt", "updatedAt")},
    "findingStatus": "status",
    "findingType": "type",
    "resourceId": "resources.id",
    "resourceType": "resources.type",
    "resourceTags": "resources.tags",
    "epssScore": "epss.score",
    "vulnerabilityId": PACKAGE + "vulnerabilityId",
    "vulnerabilitySource": PACKAGE + "source",
    "vendorSeverity": PACKAGE + "vendorSeverity",
    "relatedVulnerabilities": PACKAGE + "relatedVulnerabilities",
    "ec2InstanceImageId": EC2 + "imageId",
    "ec2InstanceVpcId": EC2 + "vpcId",
    "ec2InstanceSubnetId": EC2 + "subnetId",
    "ecrImageHash": ECR + "imageHash",
    "ecrImageRepositoryName": ECR + "repositoryName",
    "ecrImageRegistry": ECR + "registry",
    "ecrImageTags": ECR + "imageTags",
    "ecrImagePushedAt": ECR + "pushedAt",
    "ecrImageInUseCount": ECR + "inUseCount",
    "ecrImageLastInUseAt": ECR + "lastInUseAt",
}

COVERAGE_FIELDS = {
    **{name: name for name in ("accountId", "resourceId", "resourceType", "scanType", "scanMode", "lastScannedAt")},
    "scanStatusCode": "scanStatus.statusCode",
    "scanStatusReason": "scanStatus.reason",
    "ecrRepositoryName": "resourceMetadata.ecrRepository.name",
    "ecrImageTags": "resourceMetadata.ecrImage.tags",
    "ec2InstanceTags": "resourceMetadata.ec2.tags",
}

SEVERITIES = ("UNTRIAGED", "INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL")


def satisfies(wire: Mapping[str, Any], criteria: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
    """All filters hold. Within one filter its positive conditions are joined by OR, its negative ones by AND, as AWS does."""
    for name, conditions in criteria.items():
        if name not in fields:
            raise refuse("ValidationException", f"The filter {name} is not known to the sandbox.")
        found = values_at(wire, fields[name])
        positive = [c for c in conditions if not str(c.get("comparison", "")).startswith("NOT_")]
        negative = [c for c in conditions if str(c.get("comparison", "")).startswith("NOT_")]
        if positive and not any(holds(found, condition) for condition in positive):
            return False
        if not all(holds(found, condition) for condition in negative):
            return False
    return True


def holds(found: list[Any], condition: Mapping[str, Any]) -> bool:
    """One StringFilter, MapFilter, NumberFilter or DateFilter."""
    comparison: str | None = condition.get("comparison")
    if comparison is None:
        return any(within(value, condition) for value in found)
    if "key" in condition:
        wanted = condition.get("value")
        return any(condition["key"] in tags and wanted in {None, tags[condition["key"]]} for tags in found)
    texts, sought = [as_text(value) for value in found], str(condition["value"])
    if comparison == "PREFIX":
        return any(text.startswith(sought) for text in texts)
    present: bool = sought in texts
    return present == (comparison == "EQUALS")


def within(value: Any, condition: Mapping[str, Any]) -> bool:
    bounds = [condition.get(name) for name in ("lowerInclusive", "startInclusive", "upperInclusive", "endInclusive")]
    low = [epoch(bound) for bound in bounds[:2] if bound is not None]
    high = [epoch(bound) for bound in bounds[2:] if bound is not None]
    return all(value >= bound for bound in low) and all(value <= bound for bound in high)


def epoch(bound: Any) -> float:
    """Times in a request arrive as naive UTC from moto's parser; stored ones are epoch seconds."""
    return bound.replace(tzinfo=UTC).timestamp() if isinstance(bound, datetime) else float(bound)


SORT_FIELDS = {
    "AWS_ACCOUNT_ID": "awsAccountId",
    "FINDING_TYPE": "type",
    "SEVERITY": "severity",
    "FIRST_OBSERVED_AT": "firstObservedAt",
    "LAST_OBSERVED_AT": "lastObservedAt",
    "FINDING_STATUS": "status",
    "RESOURCE_TYPE": "resources.type",
    "ECR_IMAGE_PUSHED_AT": ECR + "pushedAt",
    "ECR_IMAGE_REPOSITORY_NAME": ECR + "repositoryName",
    "ECR_IMAGE_REGISTRY": ECR + "registry",
    "NETWORK_PROTOCOL": "networkReachabilityDetails.protocol",
    "COMPONENT_TYPE": PACKAGE + "vulnerablePackages.packageManager",
    "VULNERABILITY_ID": PACKAGE + "vulnerabilityId",
    "VULNERABILITY_SOURCE": PACKAGE + "source",
    "INSPECTOR_SCORE": "inspectorScore",
    "VENDOR_SEVERITY": PACKAGE + "vendorSeverity",
    "EPSS_SCORE": "epss.score",
}


def sort_findings(entries: list[Entry], criteria: Mapping[str, Any] | None) -> list[Entry]:
    """In the order asked for; in the order seeded without one. Findings without the field come last."""
    if not criteria:
        return entries
    field = criteria["field"]

    def key(entry: Entry) -> Any:
        value = values_at(entry.wire, SORT_FIELDS[field])[0]
        return SEVERITIES.index(value) if field == "SEVERITY" else value

    having = [entry for entry in entries if values_at(entry.wire, SORT_FIELDS[field])]
    lacking = [entry for entry in entries if not values_at(entry.wire, SORT_FIELDS[field])]
    return sorted(having, key=key, reverse=criteria["sortOrder"] == "DESC") + lacking
