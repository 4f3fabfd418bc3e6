"""The population as an auditor counts it: every instance that EC2 named, in scope or not, and every computer that stands for none of them."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from reporter.core.records import records
from reporter.core.table import Row
from reporter.core.world import World
from reporter.joins.computers import match
from reporter.joins.hosts import INSTANCE
from reporter.joins.owners import in_scope, read_tags, tag_value
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.evidence import POPULATION
from reporter.tables.findings import INSPECTOR_FINDINGS
from reporter.tables.workload_protection import WP_COMPUTERS, WP_RECOMMENDATIONS

NO_REGION = "-"


def join(world: World) -> dict[str, pd.DataFrame]:
    """Source tables -> population."""
    machines, computers = world.table(EC2_INSTANCES), world.table(WP_COMPUTERS)
    matched = match(machines, computers)
    taken = {*matched.best.values(), *(position for some in matched.others.values() for position in some)}
    listed, scans, observed = records(computers), _scans(world), _observed(world)
    rows: list[Row] = []
    for position, machine in enumerate(records(machines)):
        best = matched.best.get(position)
        twins = [listed[other] for other in matched.others.get(position, ())]
        rows.append(_instance(world, machine, None if best is None else listed[best], twins, scans, observed))
    rows += [_alone(computer, scans) for position, computer in enumerate(listed) if position not in taken]
    return {POPULATION.name: POPULATION.sort(POPULATION.frame(rows))}


def _instance(world: World, machine: Any, computer: Any, twins: list[Any], scans: dict[Any, Any], observed: dict[Any, Any]) -> Row:
    tags, settings = read_tags(machine.tags), world.settings
    inside = in_scope(tags, settings.scope)
    shown = {"Name", settings.owners.tag, *([settings.scope.tag] if settings.scope else ())}
    folded = {name.casefold() for name in shown}
    kept = {name: value for name, value in tags.items() if name.casefold() in folded}
    kind = "excluded" if not inside else "ec2_only" if computer is None else "matched"
    return (
        machine.account,
        machine.region,
        machine.instance_id,
        kind,
        machine.launch_time,
        machine.state,
        json.dumps(kept, sort_keys=True, ensure_ascii=False),
        tag_value(tags, settings.owners.tag),
        inside,
        *((None,) * 3 if computer is None else (computer.tenant, computer.computer_id, _joined_on(computer))),
        sorted(f"{twin.tenant}/{twin.computer_id}" for twin in twins),
        *_dates(computer, scans),
        observed.get((machine.account, machine.region, machine.instance_id)),
    )


def _alone(computer: Any, scans: dict[Any, Any]) -> Row:
    """A computer that stands for no instance that was read."""
    named = computer.instance_id.lower() if computer.instance_id else None
    place = (computer.account, NO_REGION, named, "wp_only")
    return (*place, None, None, None, None, None, computer.tenant, computer.computer_id, None, (), *_dates(computer, scans), None)


def _joined_on(computer: Any) -> str:
    return "account_and_instance_id" if computer.account else "instance_id"


def _dates(computer: Any, scans: dict[Any, Any]) -> Row:
    if computer is None:
        return (None, None, None)
    return (computer.last_contact, computer.last_integrity_scan, scans.get((computer.tenant, computer.computer_id)))


def _scans(world: World) -> dict[Any, Any]:
    return {(scan.tenant, scan.computer_id): scan.last_scan for scan in records(world.table(WP_RECOMMENDATIONS))}


def _observed(world: World) -> dict[Any, Any]:
    """(account, region, instance id) -> newest observation of a finding on it."""
    findings = world.table(INSPECTOR_FINDINGS)
    on = findings[(findings["resource_type"] == INSTANCE) & findings["last_observed"].notna()]
    return dict(on.groupby(["account", "region", "resource_id"], observed=True)["last_observed"].max().items())
