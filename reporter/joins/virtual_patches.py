"""Virtual patches: one row per active package finding of Inspector, host it is on, and CVE (design sections 3 and 5).

A finding whose id is no CVE stands for its related CVEs, or is one `no_rule` row under the vendor's own id. An image on no host is `not_running`.
Nothing is dropped on either side: a finding on an instance that EC2 does not know is `unknown`. Not rows here: findings on Lambda functions and on
other things that no agent can stand on, and hosts outside the schedule's scope tag, which are counted as excluded.

A rule that is set to detect on one single computer is not seen (the API shows it one call a computer): such a host is shown as its policy has it.

A virtual patch is not a patch: `age_days` says since how many whole days the patch is outstanding.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.world import World
from reporter.joins.frames import assemble, in_key_order, positions, taken
from reporter.joins.hosts import IMAGE, INSTANCE, located, unseen_hosts
from reporter.joins.records import records
from reporter.joins.shields import Catalogue, Shield, signature
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import INSPECTOR_FINDINGS
from reporter.tables.joined import INSTANCES, VIRTUAL_PATCHES
from reporter.tables.workload_protection import WP_COMPUTERS

_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
_UNPROTECTED = ("unmanaged", "inactive")


def join(world: World) -> dict[str, pd.DataFrame]:
    """Source tables and instances -> virtual_patches."""
    findings = package_findings(world)
    places = _inside(world, located(world, findings))
    cves = [_cves(finding) for finding in records(findings[["vulnerability_id", "related_ids", "title"]])]
    per_place = np.array([len(cves[row]) for row in places["row"]], dtype=np.int64)
    place = np.repeat(np.arange(len(places)), per_place)
    named = [pair for row in places["row"] for pair in cves[row]]
    at_finding = places["row"].to_numpy(dtype=np.int64)[place]
    mine = findings.take(at_finding)
    ids = np.array([cve for cve, _ in named], dtype=object)
    known = np.array([is_cve for _, is_cve in named], dtype=bool)
    spot = places.take(place)
    instances = world.table(INSTANCES)
    at = positions(instances, spot["account"], spot["instance_id"])
    shields = _shields(world, findings, spot, at, ids, known)
    age = (pd.Timestamp(world.now) - mine["first_observed"].reset_index(drop=True)).dt.days.astype("Int64")
    image = np.where(mine["resource_type"].to_numpy() == IMAGE, mine["resource_id"].to_numpy(dtype=object), None)
    frame = assemble(
        VIRTUAL_PATCHES,
        {
            **{name: spot[name].to_numpy(dtype=object) for name in ("account", "region", "instance_id")},
            **{name: mine[name] for name in ("severity", "first_observed", "title", "fix_available", "exploit_available", "packages")},
            **{name: taken(instances[name], at) for name in ("policy", "owner", "tenant")},
            "image": image,
            "cve": ids,
            "state": _objects([shield.state for shield in shields]),
            "rule_identifiers": _objects([shield.identifiers for shield in shields]),
            "reason": _objects([shield.reason for shield in shields]),
            "finding_arn": mine["arn"],
            "age_days": age,
        },
    )
    return {VIRTUAL_PATCHES.name: in_key_order(VIRTUAL_PATCHES, frame)}


def package_findings(world: World) -> pd.DataFrame:
    """Package findings on instances and images, numbered from 0."""
    findings = world.table(INSPECTOR_FINDINGS)
    kept = (findings["type"] == "PACKAGE_VULNERABILITY") & findings["resource_type"].isin([INSTANCE, IMAGE])
    return findings[kept].reset_index(drop=True)


def _inside(world: World, places: pd.DataFrame) -> pd.DataFrame:
    """Places without the hosts that are outside the scope tag."""
    machines, instances = world.table(EC2_INSTANCES), world.table(INSTANCES)
    machine, instance = (positions(frame, places["account"], places["instance_id"]) for frame in (machines, instances))
    return places[(machine < 0) | (instance >= 0)].reset_index(drop=True)


def _cves(finding: Any) -> list[tuple[str, bool]]:
    """The CVEs a finding stands for, each True; or its own id once, False."""
    own = (finding.vulnerability_id or "").strip().upper()
    if _CVE.fullmatch(own):
        return [(own, True)]
    related = sorted({text for item in finding.related_ids if _CVE.fullmatch(text := item.strip().upper())})
    return [(cve, True) for cve in related] or [(finding.vulnerability_id or finding.title or "no id", False)]


def _shields(world: World, findings: pd.DataFrame, spot: pd.DataFrame, at: np.ndarray, ids: np.ndarray, known: np.ndarray) -> list[Shield]:
    """The shield of each row. Hosts that look alike to every rule are judged once per CVE."""
    homeless = _homeless(world, findings)
    hosts = _hosts(world)
    catalogue = Catalogue(world)
    judged: dict[tuple[Any, str], Shield] = {}
    shields = []
    columns = (spot["row"], spot["account"], spot["region"], spot["instance_id"], at, ids, known)
    for row, account, region, instance, position, cve, is_cve in zip(*columns, strict=True):
        host = hosts[position] if position >= 0 else homeless[row] if instance is None else _stranger(world, account, region)
        if isinstance(host, Shield):
            shields.append(host)
        elif not is_cve:
            shields.append(Shield("no_rule", (), "the finding names no CVE, and IPS rules are known by CVE"))
        else:
            found = judged.get((host, cve))
            if found is None:
                found = judged[host, cve] = catalogue.shield(host, cve)
            shields.append(found)
    return shields


def _hosts(world: World) -> list[Any]:
    """For each instance: its signature, or the shield that holds for every CVE on it."""
    computers = {(computer.tenant, computer.computer_id): computer for computer in records(world.table(WP_COMPUTERS))}
    alike: dict[Any, Any] = {}
    hosts = []
    for instance in records(world.table(INSTANCES)):
        whole = _whole(world, instance)
        if whole is None:
            own = signature(instance, computers.get((instance.tenant, instance.computer_id)))
            hosts.append(alike.setdefault(own, own))
        else:
            hosts.append(whole)
    return hosts


def _whole(world: World, instance: Any) -> Shield | None:
    """What holds for every CVE on an instance, before any rule is looked at."""
    if instance.protection == "unknown":
        return Shield("unknown", (), "the protection of the instance is not known")
    if instance.protection in _UNPROTECTED:
        return Shield("unprotected", (), f"the instance is {instance.protection}")
    unread = [source for source in ("wp_rules", "wp_policies") if not world.tenant_read(instance.tenant or "", source)]
    return Shield("unknown", (), f"{' and '.join(unread)} of tenant {instance.tenant} could not be read") if unread else None


def _homeless(world: World, findings: pd.DataFrame) -> list[Shield]:
    """For each finding, what holds where no host is known: not running, or (where hosts may be hidden) unknown."""
    images = (findings["resource_type"] == IMAGE).to_numpy()
    shields = [Shield("not_running", (), "no running task has this image") for _ in range(len(findings))]
    for row, cause in zip(np.flatnonzero(images), unseen_hosts(world, findings[images]), strict=True):
        if cause:
            shields[row] = Shield("unknown", (), cause)
    return shields


def _stranger(world: World, account: str, region: str) -> Shield:
    """An instance that a finding or a container instance names and the instances table does not have."""
    read = world.read("ec2", account, region)
    return Shield("unknown", (), "EC2 does not know the instance" if read else f"EC2 in {account} {region} was not read")


def _objects(values: list[Any]) -> np.ndarray:
    boxed = np.empty(len(values), dtype=object)
    boxed[:] = values
    return boxed
