"""Which instances, ECS clusters and ECS tasks a GuardDuty finding names: by its details, or as resources of an attack sequence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_INSTANCE = re.compile(r"\bi-[0-9a-f]{8,17}\b", re.IGNORECASE)
_CLUSTER = re.compile(r"arn:[\w-]+:ecs:[\w-]*:\d*:cluster/\S+")
_TASK = re.compile(r"arn:[\w-]+:ecs:[\w-]*:\d*:task/\S+")


@dataclass
class Named:
    """Instance ids are lower-cased; clusters and tasks are ARNs."""

    instances: set[str] = field(default_factory=set)
    clusters: set[str] = field(default_factory=set)
    tasks: set[str] = field(default_factory=set)


def named_resources(resource: dict[str, Any], service: dict[str, Any]) -> Named:
    """All of them, whatever the finding's type is. Shapes: boto3's guardduty Resource and Service (Detection.Sequence.Resources)."""
    named = Named()
    identifier = resource.get("InstanceDetails", {}).get("InstanceId")
    if identifier:  # a container's finding has them too
        named.instances.add(identifier.lower())
    ecs = resource.get("EcsClusterDetails", {})
    _add(named.clusters, ecs.get("Arn"))
    _add(named.tasks, ecs.get("TaskDetails", {}).get("Arn"))
    for part in service.get("Detection", {}).get("Sequence", {}).get("Resources", []):
        _of_sequence(part, named)
    return named


def _of_sequence(part: dict[str, Any], named: Named) -> None:
    kind, data = part.get("ResourceType"), part.get("Data", {})
    own = (part.get("Uid"), part.get("Name"))
    if kind == "EC2_INSTANCE" or "Ec2Instance" in data:
        named.instances |= _all(_INSTANCE, own)
    if kind == "ECS_CLUSTER" or "EcsCluster" in data:
        named.clusters |= _all(_CLUSTER, own, lower=False)
    if kind == "ECS_TASK" or "EcsTask" in data:
        named.tasks |= _all(_TASK, own, lower=False)
    for group in ("EcsCluster", "AutoscalingAutoScalingGroup", "Ec2LaunchTemplate"):
        named.instances |= _all(_INSTANCE, data.get(group, {}).get("Ec2InstanceUids", []))


def _all(pattern: re.Pattern[str], texts: Iterable[str | None], *, lower: bool = True) -> set[str]:
    found = {match for text in texts if text for match in pattern.findall(text)}
    return {match.lower() for match in found} if lower else found


def _add(found: set[str], value: str | None) -> None:
    if value:
        found.add(value)
