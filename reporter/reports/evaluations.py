"""Results -> AWS Config evaluations, kept as JSON lines until Config asks for them.

PASS is COMPLIANT, FAIL is NON_COMPLIANT, NOT_APPLICABLE is itself; a waived FAIL stays NON_COMPLIANT and says so. A COMPLIANT never outlives its
evidence: where Config holds an evaluation and ours is UNKNOWN now (or is none at all, because the instances could not be listed or the instance left
the scope), it is retired with NOT_APPLICABLE and the cause; where it holds none, nothing is sent. An instance that Config still knows and EC2 no
longer has gets NOT_APPLICABLE. Source: PutEvaluations (annotation of 1 to 256 characters).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import pandas as pd

from reporter.core.clock import iso
from reporter.core.result import Status
from reporter.core.world import World
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import CONFIG_COMPLIANCE

Key: TypeAlias = tuple[str, str, str, str]
"""account, region, rule, instance"""
Said: TypeAlias = tuple[Status, str]

INSTANCE = "AWS::EC2::Instance"
POPULATION = "*"
"""resource of a result that stands for instances that could not be listed"""
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
    held = _held(world)
    said = {**_without_result(results, world, held), **_of_results(results, world)}
    for key in sorted(said):
        status, text = said[key]
        compliance = _COMPLIANCE.get(status)
        if compliance is None:
            if key not in held:
                continue
            compliance, text = ("NOT_APPLICABLE" if unknown == "retire" else "NON_COMPLIANT"), f"UNKNOWN: {text}"
        yield _row(world, key, compliance, text, seal)


def _of_results(results: pd.DataFrame, world: World) -> dict[Key, Said]:
    ours = results[results["check_id"].isin(CHECKS) & (results["resource"] != POPULATION)]
    said: dict[Key, Said] = {}
    columns = (ours[name] for name in ("check_id", "account", "region", "resource", "status", "reason", "waiver"))
    for check, account, region, resource, status, reason, waiver in zip(*columns, strict=True):
        rule = rule_name(world.settings.config_rule_prefix, check)
        said[account, region, rule, resource] = (Status(status), f"waived ({waiver}): {reason}" if status == Status.WAIVED else reason)
    return said


def _without_result(results: pd.DataFrame, world: World, held: set[Key]) -> dict[Key, Said]:
    """What to say of evaluations that Config holds, should there be no result for them in this run."""
    instances = world.table(EC2_INSTANCES)
    alive = set(zip(instances["account"], instances["region"], instances["instance_id"], strict=True))
    whole = results[(results["resource"] == POPULATION) & results["check_id"].isin(CHECKS)]
    rules = (rule_name(world.settings.config_rule_prefix, check) for check in whole["check_id"])
    causes = dict(zip(zip(whole["account"], whole["region"], rules, strict=True), whole["reason"], strict=True))
    said: dict[Key, Said] = {}
    for account, region, rule, resource in held:
        listed = world.read("ec2", account, region)
        if listed and (account, region, resource) not in alive:
            said[account, region, rule, resource] = (Status.NOT_APPLICABLE, "the instance no longer exists")
        else:
            cause = "the instance is not in the scope of this report" if listed else "the instances here were not read"
            said[account, region, rule, resource] = (Status.UNKNOWN, causes.get((account, region, rule), cause))
    return said


def _held(world: World) -> set[Key]:
    """What Config holds for our rules today."""
    ours = {rule_name(world.settings.config_rule_prefix, check) for check in CHECKS}
    held = world.table(CONFIG_COMPLIANCE)
    held = held[(held["resource_type"] == INSTANCE) & held["rule"].isin(ours)]
    return set(zip(held["account"], held["region"], held["rule"], held["resource_id"], strict=True))


def _row(world: World, key: Key, compliance: str, text: str, seal: str) -> dict[str, Any]:
    account, region, rule, resource = key
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
