"""Is each CVE that Inspector found on an instance shielded by an effective rule, and is its patch installed within its deadline?

Why: a patch takes time, and an intrusion prevention rule that blocks exactly this CVE can bridge it; but the shield has a deadline, and so has
the patch. Two checks keep the two apart: a virtual patch is not a patch, and `patch_outstanding` is never satisfied by one.

Limits: the deadlines are `shield_days` and `patch_days` in schedule.yaml, counted from Inspector's first observation. What Inspector does not
scan is UNKNOWN, not clean. An image that runs on no host is listed as NOT_APPLICABLE. Many CVEs can have no rule at all (local and kernel
flaws): then only the patch helps.

Source: active package findings and coverage of Inspector, ECS tasks by image digest, intrusion prevention rules effective on the computer.
"""

from __future__ import annotations

import pandas as pd

from reporter.core.check import VERDICTS, Check, Need
from reporter.core.result import Severity, Status
from reporter.core.settings import Days
from reporter.core.verdicts import AGENT_NEEDS, Case, digits, first_case, quantities, resting, severity_of_rank, severity_rank, verdicts
from reporter.core.world import World
from reporter.tables.findings import INSPECTOR_COVERAGE
from reporter.tables.joined import INSTANCES, VIRTUAL_PATCHES

_LATE, _UNKNOWN, _WITHIN, _SHIELDED = range(4)
_COUNTS = {_LATE: "late", _UNKNOWN: "unknown", _WITHIN: "within", _SHIELDED: "shielded"}


def shielded(world: World) -> pd.DataFrame:
    """One row per instance in scope: its CVEs and the rules that stand before them."""
    patches = _on_hosts(world)
    late = _overdue(patches, world.settings.checks.shield_days)
    patches["due"] = _due(patches, world.settings.checks.shield_days)
    patches["class"] = _WITHIN
    patches["class"] = (
        patches["class"].mask(late, _LATE).mask(patches["state"] == "unknown", _UNKNOWN).mask(patches["state"] == "prevented", _SHIELDED)
    )
    hosts = _counted(world, patches)
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
    patches = _on_hosts(world)
    late = _overdue(patches, world.settings.checks.patch_days)
    patches["due"] = _due(patches, world.settings.checks.patch_days)
    patches["class"] = pd.Series(_WITHIN, index=patches.index).mask(late, _LATE)
    hosts = _counted(world, patches)
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


def _on_hosts(world: World) -> pd.DataFrame:
    patches = world.table(VIRTUAL_PATCHES)
    return patches.loc[patches["instance_id"].notna(), ["instance_id", "cve", "severity", "state", "age_days", "first_observed"]].copy()


def _overdue(patches: pd.DataFrame, days: Days) -> pd.Series:
    return patches["age_days"].astype("int64") > _limits(patches, days)


def _due(patches: pd.DataFrame, days: Days) -> pd.Series:
    return patches["first_observed"] + pd.to_timedelta(_limits(patches, days), unit="D")


def _limits(patches: pd.DataFrame, days: Days) -> pd.Series:
    limits = {severity: days.of(severity) for severity in sorted(patches["severity"].unique())}
    return patches["severity"].map(limits).astype("int64")


def _counted(world: World, patches: pd.DataFrame) -> pd.DataFrame:
    """INSTANCES with, for each: CVEs by class (a CVE counts once, in its worst), the worst late one, and whether Inspector scans it."""
    worst = patches.groupby(["instance_id", "cve"], sort=False)["class"].min().reset_index()
    counts = worst.groupby(["instance_id", "class"], sort=False).size().unstack(fill_value=0).reindex(columns=list(_COUNTS), fill_value=0)
    counts = counts.rename(columns=_COUNTS)
    counts["cves"] = counts.sum(axis=1)
    hosts = world.table(INSTANCES).merge(counts, left_on="instance_id", right_index=True, how="left", validate="many_to_one")
    for name in counts.columns:
        hosts[name] = hosts[name].fillna(0).astype("int64")
    hosts = hosts.merge(_worst_late(patches), on="instance_id", how="left", validate="many_to_one")
    hosts["worst"] = hosts["worst"].fillna("")
    return _with_coverage(world, hosts)


def _worst_late(patches: pd.DataFrame) -> pd.DataFrame:
    late = patches.loc[patches["class"] == _LATE].assign(rank=lambda frame: severity_rank(frame["severity"]))
    first = late.sort_values(["instance_id", "rank", "age_days", "cve", "state"], ascending=[True, True, False, True, True], kind="stable")
    first = first.drop_duplicates("instance_id")
    text = first["severity"] + " " + first["cve"] + ", " + first["state"] + ", outstanding for " + quantities(first["age_days"], "day", "days")
    due = late.groupby("instance_id", sort=False)["due"].min().reindex(first["instance_id"]).to_numpy()
    due = pd.Series(pd.to_datetime(due, utc=True), index=first.index)
    columns = {"instance_id": first["instance_id"], "worst": text.astype("object"), "row_severity": severity_of_rank(first["rank"]), "due": due}
    return pd.DataFrame(columns)


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
    loose = patches.loc[patches["instance_id"].isna()].copy()
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
