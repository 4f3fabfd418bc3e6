"""How many calls a run makes beside the least that its questions take: `python -m bench.calls`.

A run reads an estate of bench.estate, whose server counts. The least is worked out from the sizes alone: each question of the sources is asked once
wherever it is to be asked, in the largest pages that AWS and Workload Protection give. No finding, instance or CVE has a call of its own. Computers
have one: the API shows when one was last scanned for recommendations in no other way. Those are in both numbers, and there is a line without them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.estate.run import run
from bench.estate.running import serving
from bench.estate.size import BUCKETS, Estate, Size
from bench.line import Line, show

SIZE = Size(accounts=10, instances=5000, findings=100_000)
QUICK = Size(accounts=2, regions=5, instances=500, findings=10_000)
EACH_COMPUTER = ("wp", "GET /computers/{id}/intrusionprevention/assignments")
Calls = Mapping[tuple[str, str], int]
"""(service, operation) -> how many"""


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. 1: a bar does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.calls", description="How many calls a run makes, beside the least.")
    parser.add_argument("--accounts", type=int, default=SIZE.accounts)
    parser.add_argument("--instances", type=int, default=SIZE.instances)
    parser.add_argument("--findings", type=int, default=SIZE.findings)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK.accounts} accounts, {QUICK.regions} regions, {QUICK.findings:,} findings")
    parser.add_argument("--json", action="store_true", help="a line of JSON each, and no list of operations")
    given = parser.parse_args(arguments)
    size = QUICK if given.quick else Size(given.accounts, SIZE.regions, given.instances, given.findings)
    counted, needed = counts(size)
    if not given.json:
        sys.stdout.write(f"{'service':<22} {'operation':<60} {'calls':>8} {'least':>8}\n")
        for key in sorted({*counted, *needed}):
            sys.stdout.write(f"{key[0]:<22} {key[1]:<60} {counted.get(key, 0):>8} {needed.get(key, 0):>8}\n")
    return show(lines(size, counted, needed), as_json=given.json)


def lines(size: Size, counted: Calls, needed: Calls) -> Iterator[Line]:
    """The figures: all calls, and those that no computer has of its own."""
    what = f"Calls of a run, {size.accounts} accounts x {size.regions} regions, {size.findings:,} findings"
    without = {key: count for key, count in counted.items() if key != EACH_COMPUTER}, {key: n for key, n in needed.items() if key != EACH_COMPUTER}
    for name, (ours, least) in (("; the least possible", (counted, needed)), (", none for a computer each; the least", without)):
        made, enough = sum(ours.values()), sum(least.values())
        yield Line(what + name, made, "calls", 1.05, "at most", enough, made / enough)


def counts(size: Size) -> tuple[Calls, Calls]:
    """(what a run made, what would have been enough)"""
    with serving(size) as running, tempfile.TemporaryDirectory() as folder:
        run(running, Path(folder))
        log = running.log()
    return by_operation(log), least(size)


def by_operation(log: Mapping[str, Any]) -> Calls:
    counted: Counter[tuple[str, str]] = Counter()
    for _, service, operation, count in log["calls"]:
        counted[(service, operation)] += count
    return counted


def least(size: Size) -> Calls:
    """From the sizes, and the page sizes that the services document."""
    needed: Counter[tuple[str, str]] = Counter()
    estate = Estate(size, 0)
    for account in size.ids:
        needed.update(_of_an_account())
        for region in size.places:
            needed.update(_of_a_place(estate, account, region))
    needed.update(_of_the_job(size))
    needed.update(_of_the_tenant(size, len(estate.hosts)))
    return needed


def _of_the_job(size: Size) -> dict[tuple[str, str], int]:
    """The caller's own, and the organisation's: twenty accounts a page."""
    return {
        ("sts", "GetCallerIdentity"): 1,
        ("sts", "AssumeRole"): size.accounts,
        ("organizations", "DescribeOrganization"): 1,
        ("organizations", "ListRoots"): 1,
        ("organizations", "ListAccountsForParent"): _pages(size.accounts + 1, 20),
        ("organizations", "ListOrganizationalUnitsForParent"): 1,
    }


def _of_an_account() -> dict[tuple[str, str], int]:
    return {
        ("sts", "GetCallerIdentity"): 1,
        ("ec2", "DescribeRegions"): 1,
        ("iam", "GetAccountAuthorizationDetails"): 1,
        ("cloudfront", "ListDistributions"): 1,
        ("wafv2", "ListWebACLs"): 1,
        ("wafv2", "ListAvailableManagedRuleGroups"): 1,
        ("s3", "ListBuckets"): 1,
        ("s3control", "GetPublicAccessBlock"): 1,
        **{("s3", f"GetBucket{part}"): BUCKETS for part in ("Policy", "PublicAccessBlock", "OwnershipControls", "Encryption", "Acl")},
    }


def _of_a_place(estate: Estate, account: str, region: str) -> dict[tuple[str, str], int]:
    """One account and region. Page sizes: the API reference of each operation."""
    hosts = estate.instances(account, region)
    count, findings = len(hosts), len(estate.findings(account, region)[0])
    warned, sensitive = len(estate.alerts(hosts)), estate.macie(account, region)
    described = ("ConfigurationRecorders", "ConfigurationRecorderStatus", "DeliveryChannels", "DeliveryChannelStatus", "ConfigRules")
    return {
        ("ec2", "DescribeInstances"): _pages(count, 1000),
        ("ec2", "DescribeNetworkInterfaces"): _pages(count, 1000),
        ("autoscaling", "DescribeAutoScalingGroups"): 1,
        ("ecs", "ListClusters"): 1,
        ("elb", "DescribeLoadBalancers"): 1,
        ("elbv2", "DescribeLoadBalancers"): 1,
        ("elbv2", "DescribeTargetGroups"): 1,
        ("wafv2", "ListWebACLs"): 1,
        ("wafv2", "ListAvailableManagedRuleGroups"): 1,
        ("guardduty", "ListDetectors"): 1,
        ("guardduty", "GetDetector"): 1,
        ("guardduty", "ListFindings"): _pages(warned, 50),
        ("guardduty", "GetFindings"): _portions(warned, 50),
        ("inspector2", "BatchGetAccountStatus"): 1,
        ("inspector2", "ListFindings"): _pages(findings, 100),
        ("inspector2", "ListCoverage"): _pages(count, 200),
        ("inspector2", "ListCoverageStatistics"): 1,
        ("macie2", "GetMacieSession"): 1,
        ("macie2", "ListFindings"): _pages(sensitive, 50),
        ("macie2", "GetFindings"): _portions(sensitive, 50),
        **{("config", f"Describe{what}"): 1 for what in described},
        ("config", "DescribeComplianceByConfigRule"): 1,
        ("config", "GetComplianceDetailsByConfigRule"): _pages(count, 100),  # of the one rule of the reporter's own
        ("config", "GetDiscoveredResourceCounts"): 1,
        ("config", "ListDiscoveredResources"): _pages(count, 100),
    }


def _of_the_tenant(size: Size, computers: int) -> dict[tuple[str, str], int]:
    """Pages of 5,000; the API tells the end of a list only by an empty page."""
    return {
        ("wp", "GET /apikeys/current"): 1,
        ("wp", "GET /roles/1"): 1,
        ("wp", "POST /computers/search"): _portions(computers, 5000) + 1,
        ("wp", "POST /policies/search"): _portions(size.policies, 5000) + 1,
        ("wp", "POST /intrusionpreventionrules/search"): _portions(size.rules, 5000) + 1,
        ("wp", "POST /applicationtypes/search"): 2,
        ("wp", "GET /policies/{id}/intrusionprevention/rules"): size.policies,
        EACH_COMPUTER: computers,
    }


def _portions(count: int, most: int) -> int:
    return -(-count // most)


def _pages(count: int, most: int) -> int:
    """An empty list is a page too."""
    return max(_portions(count, most), 1)


if __name__ == "__main__":
    sys.exit(main())
