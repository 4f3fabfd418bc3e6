"""Which EC2 instances and container hosts are behind a load balancer, and what of that could not be seen.

A target group of kind *instance* names instances; *ip* names addresses, which belong to a network interface of an instance or to a task with its own
interface; *alb* leads on to that load balancer; *lambda* leads to no instance. What an Auto Scaling group or an ECS service registers counts as well,
so that a target that is just being replaced is not missed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from reporter.core.records import records
from reporter.core.world import World
from reporter.joins.hosts import task_hosts
from reporter.tables.aws import (
    EC2_AUTO_SCALING_GROUPS,
    EC2_INSTANCES,
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
        self._groups: dict[str, list[Any]] = defaultdict(list)
        for group in records(world.table(TARGET_GROUPS)):
            for arn in group.load_balancer_arns:
                self._groups[arn].append(group)
        self._addresses = _Addresses(world)
        self._registered = _registered(world)
        self._balancers = {balancer.arn: balancer for balancer in records(world.table(LOAD_BALANCERS)) if balancer.arn}

    def machines(self, balancer: Any, *, through: bool = False) -> set[Machine]:
        """Machines behind a load balancer (a record of LOAD_BALANCERS). `through`: it was reached through another one; that goes one step only."""
        if not balancer.arn:
            place = (balancer.account, balancer.region, balancer.name)
            return {(balancer.account, target) for target in self._targets.get(place, ())} | self._registered.get(place, set())
        found: set[Machine] = set()
        for group in self._groups.get(balancer.arn, ()):
            place = (group.account, group.region, group.arn)
            targets = self._targets.get(place, ())
            found |= self._registered.get(place, set())
            if group.target_type == "instance":
                found |= {(group.account, target) for target in targets}
            elif group.target_type == "ip":
                found |= self._addresses.machines(group, targets)
            elif group.target_type == "alb" and not through:
                for target in targets:
                    if target in self._balancers:
                        found |= self.machines(self._balancers[target], through=True)
        return found

    def unseen(self, account: str, region: str) -> str:
        """Why machines behind a load balancer here may be hidden; "" if everything was read."""
        unread = [source for source in ("ec2", "ecs", "elb") if not self._world.read(source, account, region)]
        return f"{' and '.join(unread)} in {account} {region} could not be read" if unread else ""


class _Addresses:
    """Private addresses of instances and tasks. An address means something only within its VPC; ECS does not name the VPC of a task."""

    def __init__(self, world: World) -> None:
        self._instances: dict[tuple[str | None, str], Machine] = {}
        self._vpcs: dict[tuple[str, str, str], set[str | None]] = defaultdict(set)
        for machine in records(world.table(EC2_INSTANCES)):
            if machine.private_ip:
                self._instances[machine.vpc_id, machine.private_ip] = (machine.account, machine.instance_id)
        for interface in records(world.table(EC2_NETWORK_INTERFACES)):
            for address in interface.private_ips:
                self._vpcs[interface.account, interface.region, address].add(interface.vpc_id)
                if interface.instance_id:
                    self._instances[interface.vpc_id, address] = (interface.account, interface.instance_id)
        self._tasks: dict[tuple[str, str, str], set[Machine]] = defaultdict(set)
        for task in records(task_hosts(world)):
            for address in task.private_ips:
                self._tasks[task.account, task.region, address].add((task.account, task.instance_id))

    def machines(self, group: Any, addresses: Iterable[str]) -> set[Machine]:
        """Machines that have these addresses in the VPC of a target group (a record of TARGET_GROUPS)."""
        found: set[Machine] = set()
        for address in addresses:
            machine = self._instances.get((group.vpc_id, address))
            if machine:
                found.add(machine)
                continue
            place = (group.account, group.region, address)
            vpcs = self._vpcs.get(place)
            if vpcs is None or group.vpc_id in vpcs:  # not where the address is known to be of another VPC only
                found |= self._tasks.get(place, set())
        return found


def _registered(world: World) -> dict[Place, set[Machine]]:
    """What ECS services and Auto Scaling groups register with a target group or classic load balancer."""
    found: dict[Place, set[Machine]] = defaultdict(set)
    hosts: dict[tuple[str, str | None], set[Machine]] = defaultdict(set)
    for task in records(task_hosts(world)):
        hosts[task.cluster_arn, task.service_name].add((task.account, task.instance_id))
    for service in records(world.table(ECS_SERVICES)):
        for name in (*service.target_group_arns, *service.load_balancer_names):
            found[service.account, service.region, name] |= hosts.get((service.cluster_arn, service.service_name), set())
    for scaling in records(world.table(EC2_AUTO_SCALING_GROUPS)):
        for name in (*scaling.target_group_arns, *scaling.load_balancer_names):
            found[scaling.account, scaling.region, name] |= {(scaling.account, instance) for instance in scaling.instance_ids}
    return found
