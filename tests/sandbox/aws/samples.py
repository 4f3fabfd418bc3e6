"""Objects in the form boto3 gives them, as small as AWS sends them."""

from __future__ import annotations

from typing import Any


def guardduty_finding(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "AccountId": "123456789012",
        "Arn": f"arn:aws:guardduty:eu-central-1:123456789012:detector/d/finding/{number:032x}",
        "CreatedAt": "2026-11-20T10:00:00.000Z",
        "Id": f"{number:032x}",
        "Region": "eu-central-1",
        "Resource": {"ResourceType": "Instance", "InstanceDetails": {"InstanceId": f"i-{number:017x}"}},
        "SchemaVersion": "2.0",
        "Service": {"Archived": False, "Action": {}},
        "Severity": 5.0,
        "Type": "UnauthorizedAccess:EC2/SSHBruteForce",
        "UpdatedAt": "2026-11-21T10:00:00.000Z",
        **changes,
    }


def inspector_finding(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "awsAccountId": "123456789012",
        "description": "A vulnerable package",
        "findingArn": f"arn:aws:inspector2:eu-central-1:123456789012:finding/{number:032x}",
        "firstObservedAt": "2026-11-01T00:00:00Z",
        "lastObservedAt": "2026-11-20T00:00:00Z",
        "updatedAt": 1795132800,
        "packageVulnerabilityDetails": {"source": "NVD", "vulnerabilityId": f"CVE-2026-{number:04}", "vulnerablePackages": []},
        "remediation": {"recommendation": {"text": "None Provided"}},
        "resources": [{"id": f"i-{number:017x}", "type": "AWS_EC2_INSTANCE", "region": "eu-central-1", "tags": {"Owner": "payments"}}],
        "severity": "HIGH",
        "status": "ACTIVE",
        "title": f"CVE-2026-{number:04} - openssl",
        "type": "PACKAGE_VULNERABILITY",
        **changes,
    }


def macie_finding(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "accountId": "123456789012",
        "archived": False,
        "category": "POLICY",
        "createdAt": "2026-11-20T10:00:00Z",
        "id": f"{number:032x}",
        "region": "eu-central-1",
        "resourcesAffected": {"s3Bucket": {"arn": "arn:aws:s3:::ledger", "name": "ledger"}},
        "sample": False,
        "severity": {"description": "High", "score": 3},
        "type": "Policy:IAMUser/S3BucketPublic",
        "updatedAt": "2026-11-21T10:00:00Z",
        **changes,
    }


VISIBILITY = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}


def managed_rule(name: str = "AWSManagedRulesPHPRuleSet", priority: int = 1, vendor: str = "AWS") -> dict[str, Any]:
    return {
        "Name": name,
        "Priority": priority,
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": vendor, "Name": name}},
        "OverrideAction": {"Count": {}},
        "VisibilityConfig": VISIBILITY,
    }


def distribution_config(reference: str = "one", web_acl: str = "") -> dict[str, Any]:
    return {
        "CallerReference": reference,
        "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "lb.example.com", "CustomOriginConfig": ORIGIN}]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "MinTTL": 0, "ForwardedValues": FORWARDED},
        "Comment": "",
        "Enabled": True,
        "WebACLId": web_acl,
    }


ORIGIN = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
FORWARDED = {"QueryString": False, "Cookies": {"Forward": "none"}}
