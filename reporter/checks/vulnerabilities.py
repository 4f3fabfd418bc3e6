"""Is each CVE that Inspector found on an instance shielded by an effective rule, and is its patch installed within its deadline?

Why: a patch takes time, and an intrusion prevention rule that blocks exactly this CVE can bridge it; but the shield has a deadline, and so has
the patch. Two checks keep the two apart: a virtual patch is not a patch, and `patch_outstanding` is never satisfied by one.

Limits: the deadlines are `shield_days` and `patch_days` in schedule.yaml, counted from Inspector's first observation. What Inspector does not
scan is UNKNOWN, not clean. An image that runs on no host is listed as NOT_APPLICABLE. Many CVEs can have no rule at all (local and kernel
flaws): then only the patch helps.

Source: active package findings and coverage of Inspector, ECS tasks by image digest, intrusion prevention rules effective on the computer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.check import VERDICTS, Check, Need
from reporter.core.order import coded, looked_up, ordered, packed, places, plain_frame
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
    order: np.ndarray
    """rows by host, then CVE, then as they come"""
    pairs: np.ndarray
    """where, in that order, each host and CVE begins"""
    pair_host: np.ndarray
    """the host of each of those"""
    instances: pd.DataFrame
    """INSTANCES, with whether Inspector scans each and why not"""
    at: np.ndarray
    """where each of them stands in `hosts`; -1: it has no CVE"""

    def limits(self, days: Days) -> np.ndarray:
        """Days allowed for each row."""
        severity = self.frame["severity"].cat
        allowed = np.array([days.of(word) for word in severity.categories], dtype=np.int32)
        return np.asarray(allowed[severity.codes.to_numpy()])


def shielded(world: World) -> pd.DataFrame:
    """One row per instance in scope: its CVEs and the rules that stand before them."""
    patches = world.once(_on_hosts)
    limits, state = patches.limits(world.settings.checks.shield_days), patches.frame["state"]
    kinds = np.where(patches.age > limits, np.int8(_LATE), np.int8(_WITHIN))
    kinds[(state == "unknown").to_numpy()] = _UNKNOWN
    kinds[(state == "prevented").to_numpy()] = _SHIELDED
    hosts = _counted(patches, kinds, limits)
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
    patches = world.once(_on_hosts)
    limits = patches.limits(world.settings.checks.patch_days)
    hosts = _counted(patches, np.where(patches.age > limits, np.int8(_LATE), np.int8(_WITHIN)), limits)
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


def _on_hosts(world: World) -> _Patches:
    patches = world.table(VIRTUAL_PATCHES)[["instance_id", "cve", "severity", "state", "age_days", "first_observed"]]
    there = patches["instance_id"].notna()
    patches = patches if there.all() else patches.loc[there]
    texts = {name: coded(patches[name]) for name in ("instance_id", "cve", "severity", "state")}
    hosts, cves = texts["instance_id"].cat, texts["cve"].cat
    order, pairs = ordered(packed([hosts.codes.to_numpy(), cves.codes.to_numpy()]))
    host, instances = hosts.codes.to_numpy(), world.table(INSTANCES)
    return _Patches(
        frame=patches.assign(**texts),
        host=host,
        hosts=hosts.categories,
        age=patches["age_days"].to_numpy(dtype=np.int32),
        order=order,
        pairs=pairs,
        pair_host=host[order[pairs]],
        instances=_with_coverage(world, instances.copy()),
        at=places(hosts.categories, instances["instance_id"]),
    )


def _counted(patches: _Patches, kinds: np.ndarray, limits: np.ndarray) -> pd.DataFrame:
    """The instances with, for each: CVEs by kind (a CVE counts once, in its worst), and the worst late one."""
    width = len(_COUNTS)
    worst = np.minimum.reduceat(kinds[patches.order], patches.pairs) if len(kinds) else kinds
    slots = patches.pair_host.astype(np.int64) * width + worst
    counts = np.bincount(slots, minlength=(len(patches.hosts) + 1) * width).reshape(-1, width)  # the last host is that of those without a CVE
    named = {name: counts[patches.at, number] for number, name in _COUNTS.items()}
    hosts = patches.instances.assign(**named, cves=counts.sum(axis=1)[patches.at])
    return hosts.assign(**_worst_late(patches, kinds == _LATE, limits))


def _worst_late(patches: _Patches, late: np.ndarray, limits: np.ndarray) -> dict[str, Any]:
    """For each instance with a late one: the worst of them in words, its severity, and by when the first was due."""
    severity, cve, state = (patches.frame[name].cat for name in ("severity", "cve", "state"))
    by_severity = severity_rank(pd.Series(severity.categories)).to_numpy(dtype=np.int8)
    rank = by_severity[severity.codes.to_numpy()] if len(late) else severity.codes.to_numpy()
    keys = packed([~late, rank, -patches.age, cve.codes.to_numpy(), state.codes.to_numpy()])
    chosen = _least(patches, keys)
    chosen = chosen[late[chosen]]
    first = plain_frame(patches.frame.take(chosen))
    text = first["severity"] + " " + first["cve"] + ", " + first["state"] + ", outstanding for " + quantities(first["age_days"], "day", "days")
    due, some = np.full(len(patches.hosts), np.iinfo(np.int64).max), np.flatnonzero(late)
    observed = patches.frame["first_observed"].dt.tz_localize(None).to_numpy().view(np.int64)[some]
    np.minimum.at(due, patches.host[some], observed + limits[some].astype(np.int64) * _DAY)
    of_host = np.full(len(patches.hosts), -1, dtype=np.int64)
    of_host[patches.host[chosen]] = np.arange(len(chosen))
    at = looked_up(of_host, patches.at, -1)
    by_when = looked_up(due[patches.host[chosen]].view("datetime64[us]"), at, np.datetime64("NaT"))
    severities = severity_of_rank(pd.Series(rank[chosen])).to_numpy(dtype=object)
    return {
        "worst": looked_up(text.to_numpy(dtype=object), at, ""),
        "row_severity": looked_up(severities, at, None),
        "due": pd.DatetimeIndex(by_when).tz_localize("UTC"),
    }


def _least(patches: _Patches, keys: np.ndarray) -> np.ndarray:
    """The row of each host with the least key, host by host; of several the first."""
    if not len(keys):
        return np.array([], dtype=np.int64)
    starts = patches.pairs[np.append(True, patches.pair_host[1:] != patches.pair_host[:-1])]
    keys = keys[patches.order]
    least = np.minimum.reduceat(keys, starts)
    counts = np.diff(np.append(starts, len(keys)))
    same = np.flatnonzero(keys == np.repeat(least, counts))
    group = np.repeat(np.arange(len(starts)), counts)[same] if len(same) != len(starts) else np.arange(len(starts))
    return np.asarray(patches.order[same[np.append(True, group[1:] != group[:-1])]])


def _with_coverage(world: World, hosts: pd.DataFrame) -> pd.DataFrame:
    coverage = world.table(INSPECTOR_COVERAGE)
    packages = coverage.loc[(coverage["resource_type"] == "AWS_EC2_INSTANCE") & (coverage["scan_type"] == "PACKAGE")]
    hosts["scanned"] = hosts["instance_id"].isin(packages.loc[packages["scan_status"] == "ACTIVE", "resource_id"])
    unscanned = packages.loc[packages["resource_id"].isin(hosts.loc[~hosts["scanned"], "instance_id"])]
    reasons = unscanned.assign(why=unscanned["reason"].fillna(unscanned["scan_status"])).sort_values("why").drop_duplicates("resource_id")
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
