"""Was each GuardDuty finding that names an instance answered by both scans, within its deadline?

Why: a finding says that somebody may be on the machine; the recommendation scan closes the doors that are open now, and the integrity scan
compares the machine with its baseline.

Limits: handled means that both scans are newer than the finding's last update. An integrity scan proves that it ran, not what it found: the
API has no integrity events, and this check claims no more. The deadline (`guardduty_days`) runs from the finding's first day, or, where both
scans were made since then, from its last update. A finding that is not late yet is NOT_APPLICABLE with its due date. Findings that name no
instance have no row.

Source: GuardDuty findings (instance, ECS and attack sequence resources), last scans of the computers that stand for the instances.
"""

from __future__ import annotations

import pandas as pd

from reporter.core.check import VERDICTS, Check, Need
from reporter.core.order import plain_frame
from reporter.core.reading import unread
from reporter.core.result import Severity, Status
from reporter.core.settings import Days
from reporter.core.verdicts import AGENT_NEEDS, digits, first_case, severity_of_rank, severity_rank, verdicts, when, words
from reporter.core.world import World
from reporter.tables.findings import GUARDDUTY_FINDINGS
from reporter.tables.joined import FINDINGS, INSTANCES

_EXPECTED = "recommendation scan and integrity scan newer than the finding's last update"
_ORDER = ("late", "unknown", "due", "handled", "gone")
_KEY = ["resource", "account", "region"]


def judge(world: World) -> pd.DataFrame:
    """One row per finding that names an instance, and one per finding on containers whose host could not be looked up."""
    pairs = _pairs(world)
    parts = [part for part in (_findings(pairs), _without_host(world, pairs)) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else VERDICTS.frame()


def _pairs(world: World) -> pd.DataFrame:
    """One row per finding and instance, with the instance's last scans and what that means for the finding."""
    findings = world.table(FINDINGS)
    wanted = (findings["source"] == "guardduty") & findings["instance_id"].notna()
    names = ["finding_id", "arn", "account", "region", "severity", "instance_id", "sample", "archived", "created_at", "updated_at", "owner"]
    pairs = plain_frame(findings.loc[wanted, names].copy())
    pairs["resource"] = pairs["arn"].fillna(pairs["finding_id"])
    columns = ["account", "instance_id", "protection", "tenant", "last_integrity_scan", "last_recommendation_scan"]
    instances = world.table(INSTANCES)[columns].drop_duplicates(["account", "instance_id"])
    pairs = pairs.merge(instances, on=["account", "instance_id"], how="left", validate="many_to_one")
    return _classed(world, pairs)


def _classed(world: World, pairs: pd.DataFrame) -> pd.DataFrame:
    both = pairs[["last_integrity_scan", "last_recommendation_scan"]].min(axis=1, skipna=False)
    created = pairs["created_at"].fillna(pairs["updated_at"])
    since = pairs["updated_at"].where((both > created).fillna(value=False), created)
    due = since + pd.to_timedelta(pairs["severity"].map(_limits(pairs, world.settings.checks.guardduty_days)).astype("int64"), unit="D")
    found = pairs["protection"].notna()
    closed = pairs["archived"].astype(bool) | pairs["sample"].astype(bool)
    handled = (both > pairs["updated_at"]).fillna(value=False)
    blind = ~found & _unread_places(world, pairs)
    unknown = blind | (found & (pairs["protection"] == "unknown"))
    late = due < pd.Timestamp(world.now)
    state = pd.Series("due", index=pairs.index, dtype="object").mask(late, "late").mask(handled, "handled").mask(unknown, "unknown")
    pairs["state"] = state.mask(~found & ~blind, "gone")
    pairs["rank"] = pairs["state"].map({name: rank for rank, name in enumerate(_ORDER)})
    pairs["due"], pairs["closed"] = due, closed
    return pairs


def _limits(pairs: pd.DataFrame, days: Days) -> dict[str, int]:
    return {severity: days.of(severity) for severity in sorted(pairs["severity"].unique())}


def _unread_places(world: World, rows: pd.DataFrame) -> pd.Series:
    """Rows in an account and region whose instances were not read: an instance that is not there may only be unseen."""
    places = rows[["account", "region"]].drop_duplicates()
    blind = {place for place in places.itertuples(index=False, name=None) if unread(world, [Need("ec2")], *place)}
    return pd.Series([place in blind for place in zip(rows["account"], rows["region"], strict=True)], index=rows.index, dtype=bool)


def _findings(pairs: pd.DataFrame) -> pd.DataFrame:
    ordered = pairs.sort_values([*_KEY, "rank", "instance_id"], kind="stable")
    grouped = ordered.groupby(_KEY, sort=False)
    rows = ordered.drop_duplicates(_KEY).copy()
    rows["others"] = rows.merge(grouped.size().rename("n").reset_index(), on=_KEY, how="left")["n"].to_numpy() - 1
    tenants = grouped["tenant"].nunique(dropna=False).rename("tenants").reset_index()
    rows["tenant"] = rows["tenant"].where(rows.merge(tenants, on=_KEY, how="left")["tenants"].to_numpy() == 1, None)
    more = (" and " + digits(rows["others"]) + " more instances").mask(rows["others"] == 1, " and 1 more instance")
    name = rows["instance_id"] + more.where(rows["others"] > 0, "")
    integrity, recommendation = when(rows["last_integrity_scan"]), when(rows["last_recommendation_scan"])
    scans = "integrity scan " + integrity + ", recommendation scan " + recommendation
    unmanaged = " (the instance is " + words(rows["protection"]) + ": it cannot be scanned)"
    stuck = unmanaged.where(rows["protection"].isin(["unmanaged", "inactive", "offline"]), "")
    due = when(rows["due"])
    status, reason = first_case(
        rows,
        [
            (rows["closed"], Status.NOT_APPLICABLE, "the finding is archived, or a sample: listed, never acted on"),
            (rows["state"] == "late", Status.FAIL, name + ": not scanned since the finding; it was due until " + due + stuck),
            (rows["state"] == "unknown", Status.UNKNOWN, name + ": the instance or its agent could not be seen"),
            (rows["state"] == "due", Status.NOT_APPLICABLE, name + ": due until " + due + stuck),
            (rows["state"] == "handled", Status.PASS, name + ": both scans are newer than the finding; that they ran does not say what they found"),
            (rows["state"] == "gone", Status.NOT_APPLICABLE, name + ": no longer exists, or is outside this report's scope"),
        ],
    )
    severity = severity_of_rank(severity_rank(rows["severity"]))
    open_until = rows["due"].where(rows["state"].isin(["late", "due"]) & ~rows["closed"])
    return verdicts(rows, resource="resource", status=status, reason=reason, observed=scans, expected=_EXPECTED, severity=severity, due=open_until)


def _without_host(world: World, pairs: pd.DataFrame) -> pd.DataFrame:
    """Open findings on ECS tasks for which no instance was found because ECS was not read there."""
    findings = world.table(GUARDDUTY_FINDINGS)
    names_container = findings["ecs_tasks"].map(len).astype("int64") > 0
    left_open = ~(findings["archived"] | findings["sample"]).astype(bool)
    loose = findings.loc[names_container & left_open & ~findings["arn"].isin(pairs["resource"])].copy()
    places = loose[["account", "region"]].drop_duplicates().itertuples(index=False, name=None)
    causes = {place: unread(world, [Need("ecs")], *place) for place in places}
    loose["cause"] = [causes[place] for place in zip(loose["account"], loose["region"], strict=True)]
    loose = loose.loc[loose["cause"] != ""]
    reason = "which host runs the containers is not known: " + loose["cause"].astype("object")
    severity = severity_of_rank(severity_rank(loose["severity"]))
    return verdicts(loose, resource="arn", status=Status.UNKNOWN.value, reason=reason, observed="", expected=_EXPECTED, severity=severity)


CHECK = Check(
    id="guardduty_finding_handled",
    title="GuardDuty findings handled",
    severity=Severity.HIGH,
    population=("guardduty",),
    needs=(Need("ec2"), *AGENT_NEEDS, Need("wp_recommendations")),
    judge=judge,
    vanishes="GuardDuty no longer lists the finding: it deletes findings after 90 days, answered or not",
)
