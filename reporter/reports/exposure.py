"""Where it burns: hosts by what stands open on them, how easily it is used, who can reach them, and what protects them.

An order to work in, not a measurement of risk. Every open package vulnerability of a host counts by its severity (critical 8, high 4, medium 2, low
and unrated 1), twice where an exploit is known, and not at all where a rule prevents it; a rule that only detects halves it. The sum of a host counts
three times where the internet can reach it through an entry that is not covered, twice where the entry is covered or where nobody could say, and half
as much again where no working agent protects the host. All four factors are shown beside the order.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from reporter.core.table import Column, Kind, Table
from reporter.reports.view import View
from reporter.tables.aws import ACCOUNT, REGION
from reporter.tables.joined import INSTANCES, VIRTUAL_PATCHES, WEB_ENTRIES

SEVERITY = {"CRITICAL": 8, "HIGH": 4, "MEDIUM": 2}
SHIELD = {"prevented": 0.0, "detect_only": 0.5}
REACH = {"open": 3.0, "covered": 2.0, "unknown": 2.0, "none": 1.0}
UNPROTECTED = 1.5
_OPEN = frozenset({"missing_acl", "missing_rules", "count_only"})

EXPOSURE = Table(
    "exposure",
    "Hosts with something open, in the order to work in: severity x exploit x reach x protection",
    ("account", "region", "instance_id"),
    (
        ACCOUNT,
        REGION,
        Column("instance_id", Kind.TEXT, "lower-cased instance id"),
        Column("name", Kind.TEXT, "Name tag", nullable=True),
        Column("owner", Kind.CATEGORY, "value of the owner tag; empty: untagged", nullable=True),
        Column("score", Kind.NUMBER, "what the order rests on; it has no unit"),
        Column("worst", Kind.CATEGORY, "highest severity that is open"),
        Column("open", Kind.INTEGER, "open package vulnerabilities that no rule prevents"),
        Column("exploits", Kind.INTEGER, "of those, with a known exploit"),
        Column("assignable", Kind.INTEGER, "of those, a rule exists and is not assigned"),
        Column("reach", Kind.CATEGORY, "open, covered, unknown, none: whether the internet can reach it through a web entry"),
        Column("protection", Kind.CATEGORY, "protection of the instance"),
        Column("oldest_days", Kind.INTEGER, "patch outstanding since this many days, at most"),
    ),
)


def exposure(view: View) -> pd.DataFrame:
    """Hosts with something open, worst first: a frame of EXPOSURE in that order."""
    patches = view.table(VIRTUAL_PATCHES)
    patches = patches[patches["instance_id"].notna() & ~patches["state"].isin(["prevented", "not_running"])]
    if not len(patches):
        return EXPOSURE.frame()
    severity = patches["severity"].map(SEVERITY).fillna(1).to_numpy(dtype=float)
    exploit = patches["exploit_available"].fillna(value=False).to_numpy(dtype=bool)
    shield = patches["state"].map(SHIELD).fillna(1.0).to_numpy(dtype=float)
    rows = pd.DataFrame(
        {
            "account": patches["account"].to_numpy(),
            "region": patches["region"].to_numpy(),
            "instance_id": patches["instance_id"].to_numpy(),
            "score": severity * np.where(exploit, 2, 1) * shield,
            "rank": np.select([patches["severity"] == name for name in ("CRITICAL", "HIGH", "MEDIUM")], [0, 1, 2], 3),
            "exploits": exploit.astype(int),
            "assignable": (patches["state"] == "available").to_numpy(dtype=int),
            "oldest_days": patches["age_days"].fillna(0).to_numpy(dtype=np.int64),
        }
    )
    key = ["account", "region", "instance_id"]
    hosts = rows.groupby(key, observed=True, sort=False).agg(
        score=("score", "sum"),
        rank=("rank", "min"),
        open=("score", "size"),
        exploits=("exploits", "sum"),
        assignable=("assignable", "sum"),
        oldest_days=("oldest_days", "max"),
    )
    hosts = hosts.reset_index().merge(view.table(INSTANCES)[[*key, "name", "owner", "protection"]], on=key, how="left")
    hosts["protection"] = hosts["protection"].fillna("unknown")
    reached = reaches(view)
    hosts["reach"] = [reached.get(instance, "none") for instance in hosts["instance_id"]]
    hosts["score"] *= hosts["reach"].map(REACH) * np.where(hosts["protection"] == "protected", 1.0, UNPROTECTED)
    hosts["worst"] = hosts["rank"].map({0: "CRITICAL", 1: "HIGH", 2: "MEDIUM", 3: "LOW"})
    found = EXPOSURE.conform(hosts.round({"score": 1}))
    return found.sort_values(["score", *key], ascending=[False, True, True, True], kind="stable").reset_index(drop=True)


def reaches(view: View) -> dict[str, str]:
    """Instance behind an internet-facing web entry -> open, unknown or covered: the worst of its entries."""
    entries = view.table(WEB_ENTRIES)
    facing = entries[entries["internet_facing"].fillna(value=False).astype(bool)]
    found: dict[str, str] = {}
    order = ("open", "unknown", "covered")
    for state, behind, kind in zip(facing["state"], facing["instances"], facing["type"], strict=True):
        way = "open" if state in _OPEN or kind == "nlb" else "covered" if state == "covered" else "unknown"
        if state == "not_applicable" and kind != "nlb":
            continue
        for instance in behind:
            found[instance] = min(way, found.get(instance, way), key=order.index)
    return found
