"""Elastic Load Balancing: application, network, gateway and classic load balancers, and what is registered behind them."""

from __future__ import annotations

from typing import Any

from reporter.clients.aws import AwsReader
from reporter.core.answers import field
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.aws import LOAD_BALANCERS, TARGET_GROUPS, TARGETS

PAGE = 400


def fetch(reader: AwsReader) -> Rows:
    """Load balancers of both generations, target groups, and targets with their health (v2 only). Raises ScopeProblem."""
    balancers = reader.items("elbv2", "describe_load_balancers", "LoadBalancers", PageSize=PAGE)
    groups = reader.items("elbv2", "describe_target_groups", "TargetGroups", PageSize=PAGE)
    classic = reader.items("elb", "describe_load_balancers", "LoadBalancerDescriptions", PageSize=PAGE)
    targets = [row for rows in reader.map(lambda group: _targets(reader, group), groups) for row in rows]
    targets += [row for balancer in classic for row in _classic_targets(balancer)]
    place = (reader.account, reader.region)
    return {
        LOAD_BALANCERS.name: [place + row for row in [*map(_balancer, balancers), *map(_classic, classic)]],
        TARGET_GROUPS.name: [place + _group(group) for group in groups],
        TARGETS.name: [place + row for row in targets],
    }


def _balancer(balancer: dict[str, Any]) -> Row:
    call = "elbv2 DescribeLoadBalancers"
    return (
        field(balancer, "LoadBalancerArn", call),
        field(balancer, "LoadBalancerName", call),
        field(balancer, "Type", call),
        balancer.get("Scheme") or "internet-facing",  # what AWS makes of a load balancer created without a scheme
        _dns(balancer),
        balancer.get("VpcId") or None,
    )


def _classic(balancer: dict[str, Any]) -> Row:
    return (
        None,
        field(balancer, "LoadBalancerName", "elb DescribeLoadBalancers"),
        "classic",
        balancer.get("Scheme") or "internet-facing",
        _dns(balancer),
        balancer.get("VPCId") or None,
    )


def _dns(balancer: dict[str, Any]) -> str | None:
    name: str = balancer.get("DNSName") or ""
    return name.lower() or None


def _group(group: dict[str, Any]) -> Row:
    call = "elbv2 DescribeTargetGroups"
    return (
        field(group, "TargetGroupArn", call),
        field(group, "TargetType", call),
        sorted(group.get("LoadBalancerArns", [])),
        group.get("VpcId") or None,
    )


def _targets(reader: AwsReader, group: dict[str, Any]) -> list[Row]:
    """Targets of one group; none where the group has been deleted meanwhile."""
    call = "elbv2 DescribeTargetHealth"
    arn = field(group, "TargetGroupArn", "elbv2 DescribeTargetGroups")
    found = reader.items("elbv2", "describe_target_health", "TargetHealthDescriptions", absent=("TargetGroupNotFound",), TargetGroupArn=arn)
    rows: list[Row] = []
    for entry in found:
        target = field(entry, "Target", call)
        target_id: str = field(target, "Id", call)
        if group.get("TargetType") == "instance":
            target_id = target_id.lower()
        rows.append((arn, target_id, target.get("Port"), entry.get("TargetHealth", {}).get("State")))
    return rows


def _classic_targets(balancer: dict[str, Any]) -> list[Row]:
    call = "elb DescribeLoadBalancers"
    name = field(balancer, "LoadBalancerName", call)
    return [(name, field(instance, "InstanceId", call).lower(), None, None) for instance in balancer.get("Instances", [])]


SOURCE = Source(
    name="elb",
    tables=(LOAD_BALANCERS, TARGET_GROUPS, TARGETS),
    permissions=(
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
    ),
    reach=Reach.REGIONAL,
    fetch=fetch,
)
