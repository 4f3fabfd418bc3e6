"""Results -> AWS Config evaluations, kept as JSON lines until Config asks for them.

PASS is COMPLIANT, FAIL is NON_COMPLIANT, NOT_APPLICABLE is itself; a waived FAIL stays NON_COMPLIANT and says so. A COMPLIANT never outlives its
evidence: where Config holds an evaluation and ours is UNKNOWN now, it is retired with NOT_APPLICABLE and the cause; where it holds none, nothing is
sent. An instance that Config still knows and EC2 no longer has gets NOT_APPLICABLE. Source: PutEvaluations (annotation of 1 to 256 characters).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from reporter.core.clock import iso
from reporter.core.result import Status
from reporter.core.world import World
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import CONFIG_COMPLIANCE

INSTANCE = "AWS::EC2::Instance"
LONGEST_ANNOTATION = 256
CHECKS = (
    "activity_monitoring_active",
    "anti_malware_active",
    "application_control_active",
    "firewall_active",
    "instance_clear",
    "instance_protected",
    "integrity_monitoring_active",
    "intrusion_prevention_active",
    "log_inspection_active",
    "policy_assigned",
    "web_reputation_active",
)
"""per instance: protected by the named policy; each protection module active; clear of alerts"""

_COMPLIANCE = {
    Status.PASS: "COMPLIANT",
    Status.FAIL: "NON_COMPLIANT",
    Status.WAIVED: "NON_COMPLIANT",
    Status.NOT_APPLICABLE: "NOT_APPLICABLE",
}


def rule_name(prefix: str, check_id: str) -> str:
    """Name of the AWS Config rule that stands for a check."""
    return prefix + check_id.replace("_", "-")


def evaluations(results: pd.DataFrame, world: World, *, unknown: str, seal: str) -> Iterator[Mapping[str, Any]]:
    """Evaluations sorted by account, region, rule and resource. `unknown`: retire or non_compliant; `seal`: hash of the previous seal, or empty."""
    rows = [*_of_results(results, world, unknown, seal), *_of_deleted(world, seal)]
    yield from sorted(rows, key=lambda row: (row["account"], row["region"], row["rule"], row["resource_id"]))


def _of_results(results: pd.DataFrame, world: World, unknown: str, seal: str) -> Iterator[dict[str, Any]]:
    held = _held(world)
    ours = results[results["check_id"].isin(CHECKS) & (results["resource"] != "*")]
    columns = (ours[name] for name in ("check_id", "account", "region", "resource", "status", "reason", "waiver"))
    for check, account, region, resource, status, reason, waiver in zip(*columns, strict=True):
        rule = rule_name(world.settings.config_rule_prefix, check)
        text = f"waived ({waiver}): {reason}" if status == Status.WAIVED else reason
        compliance = _COMPLIANCE.get(Status(status))
        if compliance is None:
            if (account, region, rule, resource) not in held:
                continue
            compliance, text = ("NOT_APPLICABLE" if unknown == "retire" else "NON_COMPLIANT"), f"UNKNOWN: {reason}"
        yield _row(world, account, region, rule, resource, compliance, text, seal)


def _of_deleted(world: World, seal: str) -> Iterator[dict[str, Any]]:
    instances = world.table(EC2_INSTANCES)
    alive = set(zip(instances["account"], instances["region"], instances["instance_id"], strict=True))
    for account, region, rule, resource in sorted(_held(world)):
        if (account, region, resource) not in alive and world.read("ec2", account, region):
            yield _row(world, account, region, rule, resource, "NOT_APPLICABLE", "the instance no longer exists", seal)


def _held(world: World) -> set[tuple[str, str, str, str]]:
    """What Config holds for our rules today: account, region, rule, instance."""
    held = world.table(CONFIG_COMPLIANCE)
    held = held[held["resource_type"] == INSTANCE]
    return set(zip(held["account"], held["region"], held["rule"], held["resource_id"], strict=True))


def _row(world: World, account: str, region: str, rule: str, resource: str, compliance: str, text: str, seal: str) -> dict[str, Any]:
    return {
        "account": account,
        "region": region,
        "rule": rule,
        "resource_type": INSTANCE,
        "resource_id": resource,
        "compliance": compliance,
        "annotation": annotation(text, seal),
        "ordering_timestamp": iso(world.now),
    }


def annotation(text: str, seal: str) -> str:
    """1 to 256 characters: the reason, cut if need be, and the first half of the previous seal's hash."""
    tail = f" [seal {seal[:32]}]" if seal else ""
    room = LONGEST_ANNOTATION - len(tail)
    body = text or "no reason given"
    return (body if len(body) <= room else body[: room - 1] + "…") + tail
