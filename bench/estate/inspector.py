"""Inspector: package findings of the size and form of real ones (2.7 KB), and what it covers: every instance."""

from __future__ import annotations

import json
from functools import lru_cache

from bench.estate.call import Call, Made
from bench.estate.size import ADVISORIES, CVES, SEVERITIES, Estate, cve, instance_id, token

_OWN = (
    b'{"awsAccountId":"%(account)b","findingArn":"arn:aws:inspector2:%(region)b:%(account)b:finding/%(token)b",'
    b'"firstObservedAt":%(first)d.123,"lastObservedAt":%(last)d.123,"updatedAt":%(last)d.123,'
)
_EVERY_SECONDS = 7


@lru_cache(maxsize=CVES + ADVISORIES)
def _kind(name: str, related: tuple[str, ...], number: int, now: int) -> bytes:
    """What all findings of one vulnerability share, between their own part and their host's."""
    package = {
        "arch": "X86_64", "epoch": 0, "fixedInVersion": "0:1.2.4-2.amzn2", "name": f"library-{number % 900}", "packageManager": "OS",
        "release": "1.amzn2",
        "remediation": f"yum update library-{number % 900}", "version": "1.2.3",
    }  # fmt: skip
    vector = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"
    severity = SEVERITIES[number % 4]
    seen = now - 86_400 * (400 + number % 900)
    shared = {
        "description": f"{name}: a made-up flaw in a library that handles text from elsewhere lets whoever sends it read what it should not. " * 4,
        "epss": {"score": 0.00042},
        "exploitAvailable": "YES" if number % 7 == 0 else "NO",
        "exploitabilityDetails": {"lastKnownExploitAt": seen},
        "fixAvailable": "NO" if number % 5 == 0 else "YES",
        "inspectorScore": 7.8,
        "inspectorScoreDetails": {
            "adjustedCvss": {"adjustments": [], "cvssSource": "NVD", "score": 7.8, "scoreSource": "NVD", "scoringVector": vector, "version": "3.1"}
        },
        "packageVulnerabilityDetails": {
            "cvss": [
                {"baseScore": 7.8, "scoringVector": vector, "source": "NVD", "version": "3.1"},
                {"baseScore": 4.6, "scoringVector": "AV:L/AC:L/Au:N/C:P/I:P/A:P", "source": "NVD", "version": "2.0"},
            ],
            "referenceUrls": [f"https://nvd.example.com/vuln/detail/{name}", f"https://errata.example.com/{name}"],
            "relatedVulnerabilities": list(related),
            "source": "NVD",
            "sourceUrl": f"https://nvd.example.com/vuln/detail/{name}",
            "vendorCreatedAt": seen,
            "vendorSeverity": severity,
            "vendorUpdatedAt": seen + 86_400,
            "vulnerabilityId": name,
            "vulnerablePackages": [package, {**package, "name": f"{package['name']}-dev"}] if number % 3 == 0 else [package],
        },
        "remediation": {"recommendation": {"text": "None Provided"}},
        "severity": severity,
        "status": "ACTIVE",
        "title": f"{name} - library-{number % 900}",
        "type": "PACKAGE_VULNERABILITY",
    }
    return json.dumps(shared, separators=(",", ":")).encode()[1:-1] + b',"resources":['


@lru_cache(maxsize=4096)
def _host(number: int, account: str, region: str, owner: int, launched: int) -> bytes:
    """The one resource of a finding, and its end."""
    details = {
        "iamInstanceProfileArn": f"arn:aws:iam::{account}:instance-profile/web", "imageId": "ami-0123456789abcdef0", "ipV4Addresses": ["10.0.0.12"],
        "ipV6Addresses": [], "keyName": "web", "launchedAt": launched, "platform": "AMAZON_LINUX_2", "subnetId": "subnet-0123456789abcdef0",
        "type": "m5.large", "vpcId": "vpc-0123456789abcdef0",
    }  # fmt: skip
    resource = {
        "details": {"awsEc2Instance": details}, "id": instance_id(number), "partition": "aws", "region": region,
        "tags": {"Name": f"web-{number}", "Owner": f"team-{owner}"}, "type": "AWS_EC2_INSTANCE",
    }  # fmt: skip
    return json.dumps(resource, separators=(",", ":")).encode() + b"]}"


def _rendered(estate: Estate, kind: int) -> bytes:
    if kind < CVES:
        number = int(estate.names[kind])
        return _kind(cve(number), (), number, int(estate.now))
    related = tuple(sorted(cve(int(estate.names[(kind * 31 + step) % CVES])) for step in range(3)))
    return _kind(f"GHSA-{kind:04}-aaaa-bbbb", related, kind, int(estate.now))


def _findings(call: Call) -> Made:
    estate, now = call.estate, int(call.estate.now)
    numbers, hosts = estate.findings(call.account, call.region)
    some, after = call.page(numbers, "maxResults", 100, "nextToken")
    first = int(call.given.get("nextToken") or 0)
    account, region = call.account.encode(), call.region.encode()
    rendered: list[bytes] = []
    for number, host in zip(some, hosts[first : first + len(some)], strict=True):
        began = now - 86_400 - number * _EVERY_SECONDS % (200 * 86_400)
        values = {b"account": account, b"region": region, b"token": token(number).encode(), b"first": began, b"last": now - 3600 - number % 80_000}
        own = _host(host, call.account, call.region, int(estate.owner[host]), now - int(estate.days[host]) * 86_400)
        rendered.append(_OWN % values + _rendered(estate, int(estate.kinds[number])) + own)
    return b'{"findings":[' + b",".join(rendered) + (b'],"nextToken":"%b"}' % after.encode() if after else b"]}")


def _coverage(call: Call) -> Made:
    hosts, after = call.page(call.estate.instances(call.account, call.region), "maxResults", 200, "nextToken")
    covered = [
        {
            "accountId": call.account,
            "lastScannedAt": int(call.estate.now) - 3600,
            "resourceId": instance_id(host),
            "resourceMetadata": {"ec2": {"amiId": "ami-0123456789abcdef0", "platform": "LINUX", "tags": {"Name": f"web-{host}"}}},
            "resourceType": "AWS_EC2_INSTANCE",
            "scanMode": "EC2_SSM_AGENT_BASED",
            "scanStatus": {"reason": "SUCCESSFUL", "statusCode": "ACTIVE"},
            "scanType": "PACKAGE",
        }
        for host in hosts
    ]
    return {"coveredResources": covered, **({"nextToken": after} if after else {})}


def _counts(call: Call) -> Made:
    count = len(call.estate.instances(call.account, call.region))
    return {"countsByGroup": [{"count": count, "groupKey": call.account}] if count else [], "totalCounts": count}


def _status(call: Call) -> Made:
    on = {"status": "ENABLED", "errorCode": "ALREADY_ENABLED", "errorMessage": ""}
    return {
        "accounts": [
            {"accountId": account, "resourceState": {"ec2": on, "ecr": on, "lambda": on}, "state": on}
            for account in call.given.get("accountIds", [call.account])
        ],
        "failedAccounts": [],
    }


ANSWERS = {
    ("inspector2", "ListFindings"): _findings,
    ("inspector2", "ListCoverage"): _coverage,
    ("inspector2", "ListCoverageStatistics"): _counts,
    ("inspector2", "BatchGetAccountStatus"): _status,
}
