"""Which EC2 instances and container hosts are behind a load balancer, and what of that could not be seen.

A target group of kind *instance* names instances; *ip* names addresses, which belong to a network interface of an instance or to a task with its own
interface; *alb* leads on to that load balancer; *lambda* leads to no instance. What an Auto Scaling group or an ECS service registers counts as well,
so that a target that is just being replaced is not missed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from reporter.core.world import World
from reporter.joins.hosts import task_hosts
from reporter.joins.records import records
from reporter.tables.aws import (
    EC2_AUTO_SCALING_GROUPS,
    EC2_NETWORK_INTERFACES,
    ECS_SERVICES,
    LOAD_BALANCERS,
    TARGET_GROUPS,
    TARGETS,
)

Place = tuple[str, str, str]
"""account, region, and a target group's ARN or a classic load balancer's name"""
Machine = tuple[str, str]
"""account, instance id"""


class Behind:
    """Everything needed to follow a load balancer to its machines, looked up once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._targets: dict[Place, list[str]] = defaultdict(list)
        for target in records(world.table(TARGETS)):
            self._targets[target.account, target.region, target.behind].append(target.target_id)
        self._groups: dict[str, list[tuple[str, str, str, str, str | None]]] = defaultdict(list)
        for group in records(world.table(TARGET_GROUPS)):
            for arn in group.load_balancer_arns:
                self._groups[arn].append((group.account, group.region, group.arn, group.target_type, group.vpc_id))
        self._balancers = {balancer.arn: balancer for balancer in records(world.table(LOAD_BALANCERS)) if balancer.arn}
        tasks = records(task_hosts(world))
        self._addresses = {
            (interface.account, interface.region, interface.vpc_id, address): interface.instance_id
            for interface in records(world.table(EC2_NETWORK_INTERFACES))
            if interface.instance_id
            for address in interface.private_ips
        }
        self._task_addresses = {(task.account, task.region, address): task.instance_id for task in tasks for address in task.private_ips}
        self._registered = _registered(world, tasks)

    def machines(self, balancer: object, depth: int = 0) -> set[Machine]:
        """Machines behind a load balancer (a record of LOAD_BALANCERS)."""
        account, region, arn, name = (getattr(balancer, field) for field in ("account", "region", "arn", "name"))
        if not arn:
            return {(account, target) for target in self._targets[account, region, name]} | self._registered[account, region, name]
        found: set[Machine] = set()
        for owner, place, group, kind, vpc in self._groups[arn]:
            targets = self._targets[owner, place, group]
            found |= self._registered[owner, place, group]
            if kind == "instance":
                found |= {(owner, target) for target in targets}
            elif kind == "ip":
                found |= self._at_addresses(owner, place, vpc, targets)
            elif kind == "alb" and depth == 0:
                for target in targets:
                    if target in self._balancers:
                        found |= self.machines(self._balancers[target], depth + 1)
        return found

    def _at_addresses(self, account: str, region: str, vpc: str | None, addresses: Iterable[str]) -> set[Machine]:
        found: set[Machine] = set()
        for address in addresses:
            instance = self._addresses.get((account, region, vpc, address)) or self._task_addresses.get((account, region, address))
            if instance:
                found.add((account, instance))
        return found

    def unseen(self, account: str, region: str) -> str:
        """Why machines behind a load balancer here may be hidden; "" if everything was read."""
        unread = [source for source in ("ec2", "ecs", "elb") if not self._world.read(source, account, region)]
        return f"{' and '.join(unread)} in {account} {region} could not be read" if unread else ""


def _registered(world: World, tasks: list[Any]) -> dict[Place, set[Machine]]:
    """What ECS services and Auto Scaling groups register with target groups and classic load balancers."""
    by_service: dict[tuple[str, str], set[Machine]] = defaultdict(set)
    for task in tasks:
        by_service[task.cluster_arn, task.service_name or ""].add((task.account, task.instance_id))
    registered: dict[Place, set[Machine]] = defaultdict(set)
    for service in records(world.table(ECS_SERVICES)):
        for name in (*service.target_group_arns, *service.load_balancer_names):
            registered[service.account, service.region, name] |= by_service.get((service.cluster_arn, service.service_name), set())
    for scaling in records(world.table(EC2_AUTO_SCALING_GROUPS)):
        for name in (*scaling.target_group_arns, *scaling.load_balancer_names):
            registered[scaling.account, scaling.region, name] |= {(scaling.account, instance) for instance in scaling.instance_ids}
    return registered
