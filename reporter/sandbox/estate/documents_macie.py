"""Macie findings in their full form, as boto3 gives them."""

from __future__ import annotations

from typing import Any

from reporter.core.clock import iso
from reporter.sandbox.estate.spec import Estate, MacieFinding

_SCORES = {"Low": 1, "Medium": 2, "High": 3}


def macie_document(finding: MacieFinding, estate: Estate) -> dict[str, Any]:
    """A Finding of GetFindings."""
    bucket = next(b for b in estate.buckets if b.key == finding.bucket)
    resources: dict[str, Any] = {"s3Bucket": {"arn": bucket.arn, "name": bucket.name}}
    document: dict[str, Any] = {
        "accountId": finding.place.account,
        "archived": finding.archived,
        "category": finding.category,
        "count": 1,
        "createdAt": iso(finding.created),
        "description": "An example.",
        "id": finding.finding_id,
        "partition": "aws",
        "region": finding.place.region,
        "resourcesAffected": resources,
        "sample": finding.sample,
        "schemaVersion": "1.0",
        "severity": {"description": finding.severity, "score": _SCORES[finding.severity]},
        "title": f"{finding.type.split('/')[-1]} in an S3 bucket",
        "type": finding.type,
        "updatedAt": iso(finding.updated),
    }
    if finding.category == "CLASSIFICATION":
        resources["s3Object"] = {"bucketArn": bucket.arn, "key": "2026/customers.csv", "path": f"{bucket.name}/2026/customers.csv", "size": 4096}
        sensitive = {"category": "PERSONAL_INFORMATION", "detections": [{"type": "NAME", "count": 12}], "totalCount": 12}
        document["classificationDetails"] = {
            "originType": "AUTOMATED_SENSITIVE_DATA_DISCOVERY",
            "result": {"mimeType": "text/csv", "sensitiveData": [sensitive], "status": {"code": "COMPLETE"}},
        }
    else:
        action = {"api": "PutBucketPolicy", "apiServiceName": "s3.amazonaws.com"}
        document["policyDetails"] = {"action": {"actionType": "AWS_API_CALL", "apiCallDetails": action}}
    return document
