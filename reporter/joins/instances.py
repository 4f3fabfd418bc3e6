"""Every EC2 instance in scope and the protection before it (design sections 3 and 5).

Instances are joined to WP computers on (account, instance id); several computers are normal (computers.py). An instance without a computer is
`unmanaged` only if every tenant was read to its end with a key that sees every computer; else it is `unknown`. The names of policies come from
wp_policies: where that was not read the name is empty, and the instance is no less protected.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from reporter.core.modules import MODULES
from reporter.core.records import records
from reporter.core.table import Row
from reporter.core.world import World
from reporter.joins.computers import match
from reporter.joins.owners import in_scope, read_tags, tag_value
from reporter.joins.protection import UNKNOWN, UNMANAGED, conditions, module_word, protection
from reporter.tables.aws import EC2_INSTANCES, ECS_CONTAINER_INSTANCES
from reporter.tables.joined import EXCLUDED_INSTANCES, INSTANCES
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES, WP_RECOMMENDATIONS, WP_ROLES


def join(world: World) -> dict[str, pd.DataFrame]:
    """Source tables -> instances, and excluded_instances: how many were left out by the scope tag, by account and region."""
    machines = world.table(EC2_INSTANCES)
    tags = [read_tags(text) for text in machines["tags"]]
    inside = [in_scope(found, world.settings.scope) for found in tags]
    excluded = Counter((account, region) for account, region, kept in zip(machines["account"], machines["region"], inside, strict=True) if not kept)
    computers = world.table(WP_COMPUTERS)
    # matched before the scope tag is applied: a computer without an account must see every instance that bears its id
    matched = match(machines, computers)
    reader = _Reader(world, records(computers))
    rows = [
        reader.row(machine, tags[position], matched.best.get(position), matched.others.get(position, ()))
        for position, machine in enumerate(records(machines))
        if inside[position]
    ]
    return {
        INSTANCES.name: INSTANCES.sort(INSTANCES.frame(rows)),
        EXCLUDED_INSTANCES.name: EXCLUDED_INSTANCES.sort(EXCLUDED_INSTANCES.frame((*place, count) for place, count in excluded.items())),
    }


def tenant_sees_all(world: World, tenant: str) -> bool:
    """Whether a computer that this tenant does not show is truly absent: computers read, and the key's role seen and not narrowed."""
    if not (world.tenant_read(tenant, "wp_computers") and world.tenant_read(tenant, "wp_roles")):
        return False
    roles = world.table(WP_ROLES)
    mine = roles.loc[roles["tenant"] == tenant, "all_computers"]
    return len(mine) > 0 and bool(mine.fillna(False).all())


class _Reader:
    """Lookups that every row needs, made once."""

    def __init__(self, world: World, computers: list[Any]) -> None:
        self.world, self.computers = world, computers
        self.without = UNMANAGED if all(tenant_sees_all(world, tenant) for tenant in world.settings.tenants) else UNKNOWN
        policies = world.table(WP_POLICIES)
        self.policies = dict(zip(zip(policies["tenant"], policies["policy_id"], strict=True), policies["name"], strict=True))
        scans = records(world.table(WP_RECOMMENDATIONS))
        self.scans = {(scan.tenant, scan.computer_id): (scan.last_scan, scan.scan_status) for scan in scans}
        hosts = records(world.table(ECS_CONTAINER_INSTANCES))
        first = sorted(hosts, key=lambda host: (host.status != "ACTIVE", host.cluster_arn), reverse=True)  # the last one written wins
        self.clusters = {(host.account, host.region, host.instance_id): host.cluster_arn for host in first}

    def row(self, machine: Any, tags: dict[str, str], best: int | None, others: tuple[int, ...]) -> Row:
        """One row of INSTANCES."""
        computer = None if best is None else self.computers[best]
        owner = tag_value(tags, self.world.settings.owners.tag)
        cluster = self.clusters.get((machine.account, machine.region, machine.instance_id))
        power = (machine.state, machine.launch_time, tag_value(tags, "Name"), machine.instance_profile_arn)
        place = (machine.account, machine.region, machine.instance_id, cluster, owner)
        if computer is None:
            nothing = (None,) * len(MODULES)
            return (*place, self.without, None, None, (), None, *nothing, None, None, *power, None, (), None, None, None, None, (), *nothing)
        now, max_age = self.world.now, self.world.settings.checks.agent_max_age
        twins = tuple(sorted((self.computers[other].computer_id, self.computers[other].tenant) for other in others))
        last_scan, scan_status = self.scans.get((computer.tenant, computer.computer_id), (None, None))
        return (
            *place,
            protection(computer, now, max_age),
            computer.computer_id,
            self.policies.get((computer.tenant, computer.policy_id)),
            tuple(number for number, _ in twins),
            computer.last_contact,
            *(module_word(getattr(computer, f"{module}_state"), getattr(computer, f"{module}_status")) for module in MODULES),
            computer.tenant,
            computer.policy_id,
            *power,
            computer.agent_status,
            computer.agent_messages,
            computer.last_integrity_scan,
            last_scan,
            scan_status,
            len(computer.ips_rule_ids),
            conditions(computer, twins, now, max_age),
            *(getattr(computer, f"{module}_message") for module in MODULES),
        )
