"""Load balancers: targets in other states than healthy."""

from __future__ import annotations

from typing import Any

from reporter.sandbox.aws.conformance import NotConforming, expect
from reporter.sandbox.aws.extend import Call, Extension
from reporter.sandbox.aws.store import STORE

STATES = ("initial", "healthy", "unhealthy", "unhealthy.draining", "unused", "draining", "unavailable")


def describe_target_health(call: Call) -> Any:
    answer = call.original()
    seeded = STORE.shelf("elb", "target_health", call.account, call.region)
    for health in answer.result["TargetHealthDescriptions"]:
        state = seeded.get(f"{call.params['TargetGroupArn']} {health.instance_id}")
        if state:
            health.status = state
    return answer


def describe_load_balancers(call: Call) -> Any:
    """Scheme is internet-facing unless given; moto leaves it out then."""
    answer = call.original()
    for balancer in answer.result["LoadBalancers"]:
        balancer.scheme = balancer.scheme or "internet-facing"
    return answer


EXTENSION = Extension(service="elbv2", operations={"DescribeTargetHealth": describe_target_health, "DescribeLoadBalancers": describe_load_balancers})


def seed_target_health(account: str, region: str, items: list[Any]) -> None:
    shelf = STORE.shelf("elb", "target_health", account, region)
    for i, item in enumerate(items):
        keys = ("target_group_arn", "target_id", "state")
        group, target, state = (expect(expect(item, dict, f"items[{i}]").get(key), str, f"items[{i}].{key}") for key in keys)
        if state not in STATES:
            raise NotConforming(f"items[{i}].state", f"none of {', '.join(STATES)}")
        shelf[f"{group} {target}"] = state
