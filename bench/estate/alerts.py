"""GuardDuty and Macie: switched on everywhere, with an alert for every two hundred findings of Inspector, each."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from bench.estate.call import Call, Made
from bench.estate.identity import bucket_names
from bench.estate.size import instance_id, token

_TYPES = ("Backdoor:EC2/C&CActivity.B!DNS", "CryptoCurrency:EC2/BitcoinTool.B!DNS", "Recon:EC2/PortProbeUnprotectedPort")


def _detector(call: Call) -> str:
    return hashlib.sha256(f"{call.account} {call.region}".encode()).hexdigest()[:32]


def _iso(call: Call, ago: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(int(call.estate.now) - ago))


def _detectors(call: Call) -> Made:
    return {"detectorIds": [_detector(call)]}


def _one_detector(_: Call) -> Made:
    features = [{"name": name, "status": "ENABLED"} for name in ("CLOUD_TRAIL", "DNS_LOGS", "FLOW_LOGS", "S3_DATA_EVENTS", "RUNTIME_MONITORING")]
    return {
        "createdAt": "2024-01-01T00:00:00.000Z", "findingPublishingFrequency": "SIX_HOURS", "serviceRole": "arn:aws:iam::0:role/guardduty",
        "status": "ENABLED", "updatedAt": "2024-01-01T00:00:00.000Z", "dataSources": {}, "tags": {}, "features": features,
    }  # fmt: skip


def _warned(call: Call) -> dict[str, int]:
    """Finding's id -> instance."""
    hosts = call.estate.alerts(call.estate.instances(call.account, call.region))
    return {token(1_000_000_000 + host * 8 + at % 2): host for at, host in enumerate(hosts)}


def _guardduty(call: Call) -> Made:
    some, after = call.page(list(_warned(call)), "maxResults", 50, "nextToken")
    return {"findingIds": some, "nextToken": after}


def _guardduty_whole(call: Call) -> Made:
    warned, detector = _warned(call), _detector(call)
    return {"findings": [_warning(call, identifier, warned[identifier], detector) for identifier in call.given["findingIds"]]}


def _warning(call: Call, identifier: str, host: int, detector: str) -> dict[str, Any]:
    kind, begun, seen = _TYPES[host % 3], _iso(call, 86_400 * (2 + host % 60)), _iso(call, 3600 + host % 80_000)
    instance = {
        "instanceId": instance_id(host), "instanceType": "m5.large", "launchTime": begun, "instanceState": "running",
        "availabilityZone": f"{call.region}a",
        "imageId": "ami-0123456789abcdef0", "networkInterfaces": [{"privateIpAddress": "10.0.0.12", "subnetId": "subnet-0", "vpcId": "vpc-0"}],
        "tags": [{"key": "Name", "value": f"web-{host}"}, {"key": "Owner", "value": f"team-{host % 40}"}],
    }  # fmt: skip
    action = {"actionType": "DNS_REQUEST", "dnsRequestAction": {"domain": "c2.example.com", "protocol": "UDP", "blocked": False}}
    return {
        "accountId": call.account,
        "arn": f"arn:aws:guardduty:{call.region}:{call.account}:detector/{detector}/finding/{identifier}",
        "createdAt": begun,
        "description": f"EC2 instance {instance_id(host)} does what {kind} describes, in a text of the usual length. " * 2,
        "id": identifier,
        "partition": "aws",
        "region": call.region,
        "resource": {"resourceType": "Instance", "instanceDetails": instance},
        "schemaVersion": "2.0",
        "service": {
            "action": action, "archived": host % 11 == 0, "count": 4, "detectorId": detector, "eventFirstSeen": begun, "eventLastSeen": seen,
            "resourceRole": "TARGET", "serviceName": "guardduty", "additionalInfo": {"value": "{}", "type": "default"},
        },
        "severity": 8 if host % 3 == 0 else 5,
        "title": f"{kind} was seen",
        "type": kind,
        "updatedAt": seen,
    }  # fmt: skip


def _session(_: Call) -> Made:
    return {
        "createdAt": "2024-01-01T00:00:00Z", "findingPublishingFrequency": "FIFTEEN_MINUTES", "serviceRole": "arn:aws:iam::0:role/macie",
        "status": "ENABLED", "updatedAt": "2024-01-01T00:00:00Z",
    }  # fmt: skip


def _sensitive(call: Call) -> dict[str, int]:
    """Finding's id -> its number."""
    first = call.estate.account(call.account) * 10_000_000
    return {token(5_000_000_000 + first + number): number for number in range(call.estate.macie(call.account, call.region))}


def _macie(call: Call) -> Made:
    some, after = call.page(list(_sensitive(call)), "maxResults", 50, "nextToken")
    return {"findingIds": some, **({"nextToken": after} if after else {})}


def _macie_whole(call: Call) -> Made:
    numbers, buckets = _sensitive(call), bucket_names(call.account)
    return {"findings": [_alert(call, identifier, numbers[identifier], buckets) for identifier in call.given["findingIds"]]}


def _alert(call: Call, identifier: str, number: int, buckets: list[str]) -> dict[str, Any]:
    bucket = buckets[number % len(buckets)]
    sensitive = {"category": "PERSONAL_INFORMATION", "detections": [{"type": "NAME", "count": 12}], "totalCount": 12}
    thing = {"bucketArn": f"arn:aws:s3:::{bucket}", "key": f"2026/{number}.csv", "path": f"{bucket}/2026/{number}.csv", "size": 4096}
    return {
        "accountId": call.account,
        "archived": number % 9 == 8,
        "category": "CLASSIFICATION",
        "classificationDetails": {
            "originType": "AUTOMATED_SENSITIVE_DATA_DISCOVERY",
            "result": {"mimeType": "text/csv", "sensitiveData": [sensitive], "status": {"code": "COMPLETE"}},
        },
        "count": 1,
        "createdAt": _iso(call, 86_400 * (2 + number % 60)),
        "description": "The object holds personal information. " * 3,
        "id": identifier,
        "partition": "aws",
        "region": call.region,
        "resourcesAffected": {"s3Bucket": {"arn": f"arn:aws:s3:::{bucket}", "name": bucket}, "s3Object": thing},
        "sample": False,
        "schemaVersion": "1.0",
        "severity": {"description": ("Low", "Medium", "High")[number % 3], "score": number % 3 + 1},
        "title": "Personal information in an S3 object",
        "type": "SensitiveData:S3Object/Personal",
        "updatedAt": _iso(call, 3600 + number),
    }


ANSWERS = {
    ("guardduty", "ListDetectors"): _detectors,
    ("guardduty", "GetDetector"): _one_detector,
    ("guardduty", "ListFindings"): _guardduty,
    ("guardduty", "GetFindings"): _guardduty_whole,
    ("macie2", "GetMacieSession"): _session,
    ("macie2", "ListFindings"): _macie,
    ("macie2", "GetFindings"): _macie_whole,
}
