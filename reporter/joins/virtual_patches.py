"""Virtual patches: one row per active package finding of Inspector, host it is on, and CVE (design sections 3 and 5).

A finding whose id is no CVE stands for its related CVEs, or is one `no_rule` row under the vendor's own id. An image on no host is `not_running`.
Nothing is dropped on either side: a finding on an instance that EC2 does not know is `unknown`. Not rows here: findings on Lambda functions and on
other things that no agent can stand on, and hosts outside the schedule's scope tag, which are counted as excluded.

A rule that is set to detect on one single computer is not seen (the API shows it one call a computer): such a host is shown as its policy has it.

A virtual patch is not a patch: `age_days` says since how many whole days the patch is outstanding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.world import World
from reporter.joins.cves import Vulnerabilities, vulnerabilities
from reporter.joins.frames import assemble, in_key_order, positions, taken
from reporter.joins.hosts import IMAGE, INSTANCE, located, unseen_hosts
from reporter.joins.records import records
from reporter.joins.shields import Said, Setup, setup_of, shields
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import INSPECTOR_FINDINGS
from reporter.tables.joined import INSTANCES, VIRTUAL_PATCHES
from reporter.tables.workload_protection import WP_COMPUTERS

_UNPROTECTED = ("unmanaged", "inactive")
_IMAGE = ["account", "region", "resource_id", "image_digest"]


def join(world: World) -> dict[str, pd.DataFrame]:
    """Source tables and instances -> virtual_patches."""
    findings = package_findings(world)
    places = _inside(world, located(world, findings))
    found = vulnerabilities(findings)
    at_finding = places["row"].to_numpy(dtype=np.int64)
    times = found.count[at_finding]
    place = np.repeat(np.arange(len(places)), times)
    nth = np.arange(len(place)) - np.repeat(np.cumsum(times) - times, times)
    code = found.code[found.start[at_finding][place] + nth]
    said, words = _said(world, findings, places, place, code, found)
    row, at = at_finding[place], places["at"].to_numpy(dtype=np.int64)[place]
    instances, mine = world.table(INSTANCES), findings.take(row)
    image = np.where(mine["resource_type"].to_numpy() == IMAGE, mine["resource_id"].to_numpy(dtype=object), None)
    age = (pd.Timestamp(world.now) - mine["first_observed"].reset_index(drop=True)).dt.days.clip(lower=0).astype("Int64")
    frame = assemble(
        VIRTUAL_PATCHES,
        {
            **{name: places[name].to_numpy(dtype=object)[place] for name in ("account", "region", "instance_id")},
            **{name: mine[name] for name in ("severity", "first_observed", "title", "fix_available", "exploit_available", "packages")},
            **{name: taken(instances[name], at) for name in ("policy", "owner", "tenant")},
            **{name: _objects([word[part] for word in words])[said] for part, name in enumerate(("state", "rule_identifiers", "reason"))},
            "image": image,
            "cve": found.names[code],
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
    """Places without the hosts that are outside the scope tag; `at`: where the host stands in instances, -1 if it does not."""
    machines, instances = world.table(EC2_INSTANCES), world.table(INSTANCES)
    machine, instance = (positions(frame, places["account"], places["instance_id"]) for frame in (machines, instances))
    return places.assign(at=instance)[(machine < 0) | (instance >= 0)].reset_index(drop=True)


def _said(
    world: World, findings: pd.DataFrame, places: pd.DataFrame, place: np.ndarray, code: np.ndarray, found: Vulnerabilities
) -> tuple[np.ndarray, list[Said]]:
    """For each (place[i], code[i]) a code into the list of what is said of it."""
    whole, setups, words = _whole(world, findings, places)
    said, named = whole[place], found.is_cve[code]
    hosted = places["instance_id"].notna().to_numpy()[place]
    said[hosted & ~named] = len(words)
    words = [*words, ("no_rule", (), "the finding names no CVE, and IPS rules are known by CVE")]
    ruled = np.flatnonzero(said < 0)
    judged, more = shields(world, setups, -1 - said[ruled], code[ruled], found.names)
    said[ruled] = judged + len(words)
    return said, words + more


def _whole(world: World, findings: pd.DataFrame, places: pd.DataFrame) -> tuple[np.ndarray, list[Setup], list[Said]]:
    """For each place: a code into the list of what is said of it whatever the CVE; or, where the rules decide, -1 - the number of its setup."""
    words: dict[Said, int] = {}

    def say(said: Said) -> int:
        return words.setdefault(said, len(words))

    at, whole = places["at"].to_numpy(dtype=np.int64), np.zeros(len(places), dtype=np.int64)
    hosted = places["instance_id"].notna().to_numpy()
    strange = np.flatnonzero(hosted & (at < 0))
    whole[strange] = [say(_stranger(world, account, region)) for account, region in places.loc[strange, ["account", "region"]].to_numpy()]
    homeless = np.flatnonzero(~hosted)
    whole[homeless] = [say(said) for said in _homeless(world, findings.take(places["row"].to_numpy(dtype=np.int64)[homeless]))]
    used, which = np.unique(at[at >= 0], return_inverse=True)
    computers = {(computer.tenant, computer.computer_id): computer for computer in records(world.table(WP_COMPUTERS))}
    setups: dict[Setup, int] = {}
    codes = np.zeros(len(used), dtype=np.int64)
    for number, instance in enumerate(records(world.table(INSTANCES).take(used))):
        computer = computers.get((instance.tenant, instance.computer_id))
        said = _of_instance(world, instance, computer)
        codes[number] = say(said) if said else -1 - setups.setdefault(setup_of(instance, computer), len(setups))
    whole[at >= 0] = codes[which]
    return whole, list(setups), list(words)


def _of_instance(world: World, instance: Any, computer: Any | None) -> Said | None:
    """What holds for every CVE on an instance, before any rule is looked at."""
    if instance.protection == "unknown":
        return ("unknown", (), "the protection of the instance is not known")
    if instance.protection in _UNPROTECTED:
        return ("unprotected", (), f"the instance is {instance.protection}")
    unread = [source for source in ("wp_rules", "wp_policies") if not world.tenant_read(instance.tenant, source)]
    if unread:
        return ("unknown", (), f"{' and '.join(unread)} of tenant {instance.tenant} could not be read")
    return None if computer is not None else ("unknown", (), "its computer is not among those read")


def _homeless(world: World, findings: pd.DataFrame) -> Sequence[Said]:
    """For findings of images without a host: not running, or (where hosts may be hidden) unknown. An image is looked at once."""
    codes = findings.groupby(_IMAGE, sort=False, dropna=False).ngroup()
    first = findings.drop_duplicates(_IMAGE)
    causes = unseen_hosts(world, first)
    return [
        ("unknown", (), causes[code]) if causes[code] else ("not_running", (), "no running task on a container host has this image") for code in codes
    ]


def _stranger(world: World, account: str, region: str) -> Said:
    """An instance that a finding or a container instance names and the instances table does not have."""
    read = world.read("ec2", account, region)
    return ("unknown", (), "EC2 does not know the instance" if read else f"EC2 in {account} {region} was not read")


def _objects(values: Sequence[Any]) -> np.ndarray:
    boxed = np.empty(len(values), dtype=object)
    boxed[:] = values
    return boxed
