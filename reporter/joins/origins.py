"""Where the origins of a CloudFront distribution lead: to load balancers of any account, to instances by their public name, or out of sight.

A load balancer that no account of this run has shown is *hidden*: something may stand behind it. A name of the owner's own (app.example.com) or of
another service (a bucket) leads to no load balancer and no instance that this run can name; what such a name points to is not looked up.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from reporter.core.records import records
from reporter.core.world import World
from reporter.joins.behind import Machine
from reporter.tables.aws import DISTRIBUTIONS, EC2_INSTANCES, LOAD_BALANCERS

_BALANCER = re.compile(r"\.elb\.([a-z0-9-]+\.)?amazonaws\.com(\.cn)?$")
_INSTANCE = re.compile(r"^ec2-(\d+)-(\d+)-(\d+)-(\d+)\.([a-z0-9-]+\.)?compute(-1)?\.amazonaws\.com(\.cn)?$")


@dataclass(frozen=True)
class Led:
    """What the origins of one distribution lead to: load balancers (records), machines, hidden load balancers and other names."""

    balancers: tuple[Any, ...]
    machines: frozenset[Machine]
    hidden: tuple[str, ...]
    foreign: tuple[str, ...]


class Origins:
    """Names of load balancers and public addresses of instances, looked up once."""

    def __init__(self, world: World) -> None:
        self._balancers = {_plain(balancer.dns_name): balancer for balancer in records(world.table(LOAD_BALANCERS)) if balancer.dns_name}
        machines = records(world.table(EC2_INSTANCES))
        self._instances = {machine.public_ip: (machine.account, machine.instance_id) for machine in machines if machine.public_ip}
        self.before: dict[tuple[str, str, str, str], list[Any]] = defaultdict(list)
        """(account, region, type, name) of a load balancer -> enabled distributions (records) before it, by ARN"""
        for distribution in sorted(records(world.table(DISTRIBUTIONS)), key=lambda one: str(one.arn)):
            for balancer in self.of(distribution).balancers if distribution.enabled else ():
                self.before[key(balancer)].append(distribution)

    def of(self, distribution: Any) -> Led:
        """Follow every origin of a record of DISTRIBUTIONS."""
        balancers, machines, hidden, foreign = {}, set(), [], []
        for name in map(_plain, distribution.origin_domains):
            instance = _INSTANCE.match(name)
            if name in self._balancers:
                balancers[key(self._balancers[name])] = self._balancers[name]
            elif _BALANCER.search(name):
                hidden.append(name)
            elif instance and (machine := self._instances.get(".".join(instance.groups()[:4]))):
                machines.add(machine)
            else:
                foreign.append(name)
        return Led(tuple(balancers[name] for name in sorted(balancers)), frozenset(machines), tuple(sorted(hidden)), tuple(sorted(foreign)))


def key(balancer: Any) -> tuple[str, str, str, str]:
    """What identifies a record of LOAD_BALANCERS."""
    return (balancer.account, balancer.region, balancer.type, balancer.name)


def _plain(name: str) -> str:
    return name.lower().rstrip(".").removeprefix("dualstack.")
