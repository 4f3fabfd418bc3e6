"""Is each CVE that Inspector found on an instance shielded by an effective rule, and is its patch installed within its deadline?

Why: a patch takes time, and an intrusion prevention rule that blocks exactly this CVE can bridge it; but the shield has a deadline, and so has
the patch. Two checks keep the two apart: a virtual patch is not a patch, and `patch_outstanding` is never satisfied by one.

Limits: the deadlines are `shield_days` and `patch_days` in schedule.yaml, counted from Inspector's first observation. What Inspector does not
scan is UNKNOWN, not clean. An image that runs on no host is listed as NOT_APPLICABLE. Many CVEs can have no rule at all (local and kernel
flaws): then only the patch helps.

Source: active package findings and coverage of Inspector, ECS tasks by image digest, intrusion prevention rules effective on the computer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reporter.core.check import VERDICTS, Check, Need
from reporter.core.order import coded, places, plain_frame
from reporter.core.result import Severity, Status
from reporter.core.settings import Days
from reporter.core.verdicts import AGENT_NEEDS, Case, digits, first_case, quantities, resting, severity_of_rank, severity_rank, verdicts
from reporter.core.world import World
from reporter.tables.findings import INSPECTOR_COVERAGE
from reporter.tables.joined import INSTANCES, VIRTUAL_PATCHES

_LATE, _UNKNOWN, _WITHIN, _SHIELDED = range(4)
_COUNTS = {_LATE: "late", _UNKNOWN: "unknown", _WITHIN: "within", _SHIELDED: "shielded"}
_DAY = 86_400_000_000
"""in microseconds"""


@dataclass(frozen=True)
class _Patches:
    """Virtual patches on hosts: codes into their categories' texts, and numbers. There may be millions."""

    frame: pd.DataFrame
    host: np.ndarray
    hosts: pd.Index
    age: np.ndarray
    limit: np.ndarray
    """days allowed"""

    @property
    def late(self) -> np.ndarray:
        return np.asarray(self.age > self.limit)


def shielded(world: World) -> pd.DataFrame:
    """One row per instance in scope: its CVEs and the rules that stand before them."""
    patches = _on_hosts(world, world.settings.checks.shield_days)
    state = patches.frame["state"]
    kinds = np.where(patches.late, _LATE, _WITHIN).astype(np.int8)
    kinds[(state == "unknown").to_numpy()] = _UNKNOWN
    kinds[(state == "prevented").to_numpy()] = _SHIELDED
    hosts = _counted(world, patches, kinds)
    outstanding = "; a virtual patch is not a patch: " + quantities(hosts["cves"], "patch outstanding", "patches outstanding")
    failing = (
        quantities(hosts["late"], "CVE is not shielded within its deadline", "CVEs are not shielded within their deadline")
        + ", worst: "
        + hosts["worst"]
        + outstanding
    )
    passing = quantities(hosts["shielded"], "CVE shielded", "CVEs shielded") + ", " + digits(hosts["within"]) + " within deadline" + outstanding
    unknown = "for " + quantities(hosts["unknown"], "CVE", "CVEs") + " it is not known whether a rule is effective" + outstanding
    cases: list[Case] = [
        (resting(hosts), Status.NOT_APPLICABLE, "the instance is " + hosts["state"] + ": nothing to shield until it runs" + outstanding),
        (hosts["late"] > 0, Status.FAIL, failing),
        (hosts["unknown"] > 0, Status.UNKNOWN, unknown),
        (~hosts["scanned"], Status.UNKNOWN, "not scanned by Inspector: " + hosts["unscanned"] + outstanding),
        (hosts["scanned"], Status.PASS, passing),
    ]
    return _said(hosts, cases, "every CVE shielded by an exact rule in prevent mode, or within its deadline")


def patched(world: World) -> pd.DataFrame:
    """One row per instance in scope, and one per image that runs on none."""
    patches = _on_hosts(world, world.settings.checks.patch_days)
    hosts = _counted(world, patches, np.where(patches.late, _LATE, _WITHIN).astype(np.int8))
    failing = digits(hosts["late"]) + " of " + quantities(hosts["cves"], "outstanding patch", "outstanding patches") + " past the deadline, worst: "
    failing += hosts["worst"]
    cases: list[Case] = [
        (hosts["late"] > 0, Status.FAIL, failing + "; a virtual patch does not count"),
        (~hosts["scanned"] & resting(hosts), Status.NOT_APPLICABLE, "the instance is " + hosts["state"] + ": Inspector does not scan it"),
        (~hosts["scanned"], Status.UNKNOWN, "not scanned by Inspector: " + hosts["unscanned"]),
        (
            hosts["cves"] > 0,
            Status.PASS,
            quantities(hosts["cves"], "patch outstanding, all within their deadline", "patches outstanding, all within their deadline"),
        ),
        (hosts["cves"] == 0, Status.PASS, "Inspector scans it and reports no vulnerable package"),
    ]
    said = _said(hosts, cases, "every patch installed within its deadline")
    images = _images(world)
    return said if images.empty else pd.concat([said, images], ignore_index=True)


def _on_hosts(world: World, days: Days) -> _Patches:
    patches = world.table(VIRTUAL_PATCHES)[["instance_id", "cve", "severity", "state", "age_days", "first_observed"]]
    there = patches["instance_id"].notna()
    patches = patches if there.all() else patches.loc[there]
    texts = {name: coded(patches[name]) for name in ("instance_id", "cve", "severity", "state")}
    hosts, severities = texts["instance_id"].cat, texts["severity"].cat
    limits = np.array([days.of(severity) for severity in severities.categories], dtype=np.int64)
    age = patches["age_days"].to_numpy(dtype=np.int64)
    return _Patches(patches.assign(**texts), hosts.codes.to_numpy(), hosts.categories, age, limits[severities.codes.to_numpy()])


def _counted(world: World, patches: _Patches, kinds: np.ndarray) -> pd.DataFrame:
    """INSTANCES with, for each: CVEs by kind (a CVE counts once, in its worst), the worst late one, and whether Inspector scans it."""
    cve, width = patches.frame["cve"].cat, len(_COUNTS)
    pairs = patches.host.astype(np.int64) * max(len(cve.categories), 1) + cve.codes.to_numpy()
    ordered = np.sort(pairs * width + kinds)  # CVEs of a host together, the worst kind first
    pair = ordered // width
    worst = ordered[np.append(True, pair[1:] != pair[:-1])[: len(pair)]]
    slots = worst // (width * max(len(cve.categories), 1)) * width + worst % width
    counts = np.bincount(slots, minlength=(len(patches.hosts) + 1) * width).reshape(-1, width)  # the last one is that of hosts without a CVE
    instances = world.table(INSTANCES)
    at = places(patches.hosts, instances["instance_id"])
    hosts = instances.assign(**{name: counts[at, number] for number, name in _COUNTS.items()}, cves=counts.sum(axis=1)[at])
    hosts = hosts.merge(_worst_late(patches, kinds), on="instance_id", how="left", validate="many_to_one")
    hosts["worst"] = hosts["worst"].fillna("")
    return _with_coverage(world, hosts)


def _worst_late(patches: _Patches, kinds: np.ndarray) -> pd.DataFrame:
    """For each host with a late one: the worst of them in words, its severity, and by when the first was due."""
    late = np.flatnonzero(kinds == _LATE)
    severity, cve, state = (patches.frame[name].cat for name in ("severity", "cve", "state"))
    by_severity = severity_rank(pd.Series(severity.categories)).to_numpy()
    rank = by_severity[severity.codes.to_numpy()[late]] if len(late) else late
    host, age = patches.host[late], patches.age[late]
    chosen = _least(host, len(patches.hosts), [rank, -age, cve.codes.to_numpy()[late], state.codes.to_numpy()[late], late])
    first = plain_frame(patches.frame.take(late[chosen]))
    text = first["severity"] + " " + first["cve"] + ", " + first["state"] + ", outstanding for " + quantities(first["age_days"], "day", "days")
    observed = patches.frame["first_observed"].dt.tz_localize(None).to_numpy().astype(np.int64)[late]
    due = np.full(len(patches.hosts), np.iinfo(np.int64).max)
    np.minimum.at(due, host, observed + patches.limit[late] * _DAY)
    by_when = pd.Series(due[host[chosen]].astype("datetime64[us]"), index=first.index).dt.tz_localize("UTC")
    severities = severity_of_rank(pd.Series(rank[chosen], index=first.index))
    return pd.DataFrame({"instance_id": first["instance_id"], "worst": text.astype("object"), "row_severity": severities, "due": by_when})


def _least(group: np.ndarray, groups: int, keys: Sequence[np.ndarray]) -> np.ndarray:
    """Positions of the least row of each group, by the first key, then the second and so on; the last key tells all rows apart."""
    left = np.arange(len(group))
    for key in keys:
        least = np.full(groups, np.iinfo(np.int64).max)
        np.minimum.at(least, group[left], key[left].astype(np.int64))
        left = left[key[left] == least[group[left]]]
    return left


def _with_coverage(world: World, hosts: pd.DataFrame) -> pd.DataFrame:
    coverage = world.table(INSPECTOR_COVERAGE)
    packages = coverage.loc[(coverage["resource_type"] == "AWS_EC2_INSTANCE") & (coverage["scan_type"] == "PACKAGE")]
    hosts["scanned"] = hosts["instance_id"].isin(packages.loc[packages["scan_status"] == "ACTIVE", "resource_id"])
    reasons = packages.assign(why=packages["reason"].fillna(packages["scan_status"])).sort_values("why").drop_duplicates("resource_id")
    why = hosts["instance_id"].map(reasons.set_index("resource_id")["why"])
    hosts["unscanned"] = why.astype("object").where(why.notna(), "Inspector does not list it")
    return hosts


def _said(hosts: pd.DataFrame, cases: list[Case], expected: str) -> pd.DataFrame:
    status, reason = first_case(hosts, cases)
    observed = quantities(hosts["cves"], "CVE", "CVEs")
    failed = status == Status.FAIL.value
    severity, due = hosts["row_severity"].where(failed, None), hosts["due"].where(failed)
    return verdicts(hosts, resource="instance_id", status=status, reason=reason, observed=observed, expected=expected, severity=severity, due=due)


def _images(world: World) -> pd.DataFrame:
    """Images that run on no host (not applicable), or of which it is not known where they run."""
    patches = world.table(VIRTUAL_PATCHES)
    loose = plain_frame(patches.loc[patches["instance_id"].isna()].copy())
    if loose.empty:
        return VERDICTS.frame()
    loose["resource"] = loose["image"].fillna(loose["finding_arn"])
    loose["open"] = loose["state"] != "not_running"
    images = loose.groupby(["resource", "account", "region"], sort=True).agg(open=("open", "max"), cves=("cve", "nunique")).reset_index()
    patches_text = quantities(images["cves"], "patch outstanding", "patches outstanding")
    cases: list[Case] = [
        (images["open"], Status.UNKNOWN, "it is not known where this image runs; " + patches_text),
        (~images["open"], Status.NOT_APPLICABLE, "the image runs on no host now; " + patches_text),
    ]
    status, reason = first_case(images, cases)
    observed = quantities(images["cves"], "CVE", "CVEs")
    return verdicts(
        images, resource="resource", status=status, reason=reason, observed=observed, expected="every patch installed within its deadline"
    )


CHECKS = (
    Check(
        id="vulnerability_covered",
        title="Each Inspector CVE is shielded by an effective IPS rule, or its gap is within deadline",
        severity=Severity.HIGH,
        population=("ec2",),
        needs=(Need("inspector"), *AGENT_NEEDS, Need("wp_policies"), Need("wp_rules"), Need("ecs")),
        judge=shielded,
    ),
    Check(
        id="patch_outstanding",
        title="Each Inspector finding is patched within its deadline (a virtual patch does not count)",
        severity=Severity.HIGH,
        population=("ec2",),
        needs=(Need("inspector"), Need("ecs")),
        judge=patched,
    ),
)
