"""The rows of each table in the order in which a reader wants them: what burns first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reporter.reports.view import ACTION_STATES, View
from reporter.tables.deliveries import DELIVERIES
from reporter.tables.joined import ACTIONS, BUCKET_ACCESS, INSTANCES, VIRTUAL_PATCHES, WEB_ENTRIES

SOON = 14
"""days before an exception ends in which it is said at the top"""
FEW = 8
"""failures of one check before those of others have had their turn"""
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "UNTRIAGED", "LOW", "INFORMATIONAL")
ENTRIES_WORST_FIRST = ("missing_acl", "missing_rules", "count_only", "unknown", "covered", "not_applicable")
OPEN_PATCHES = ("unprotected", "no_rule", "generic_only", "available", "assigned_not_effective", "detect_only", "unknown")
UNPROTECTED = ("unmanaged", "inactive", "offline", "no_policy", "unknown")


def first(view: View) -> pd.DataFrame:
    """Failures, the most severe first and of those what is due soonest; those of one check do not push all others off the page: after its first few
    it waits for the others."""
    failed = view.failures()
    rank = failed["severity"].map({severity: place for place, severity in enumerate(SEVERITIES)})
    rows = failed.assign(rank=rank).sort_values(["rank", "due"], kind="stable", na_position="last").drop(columns="rank")
    late = rows.groupby("check_id", observed=True, sort=False).cumcount() >= FEW
    return pd.concat([rows[~late], rows[late]], ignore_index=True)


def exceptions(view: View) -> pd.DataFrame:
    """The schedule's exceptions, those that ran out first, then those that end soonest."""
    rows = view.exceptions()
    left = rows["days_left"].fillna(-1)
    return rows.assign(state=np.select([left < 0, left <= SOON], ["ran_out", "ends_soon"], "in_force"))


def mails(view: View) -> pd.DataFrame:
    """What was not sent first."""
    mails = view.table(DELIVERIES)
    return mails.assign(rank=mails["state"] == "sent").sort_values(["rank", "name"], kind="stable")


def unread(view: View) -> pd.DataFrame:
    """Scopes that were not read; regions of one account that are outside the schedule are one line."""
    rows = view.unread().astype({"region": "object"})
    outside = rows["state"] == "skipped"
    grouped = rows[outside].groupby(["account", "source", "state", "message"], dropna=False, sort=True, observed=True)
    lines = grouped.agg(region=("region", tuple), permission=("permission", "first")).reset_index()
    return pd.concat([rows[~outside], lines], ignore_index=True) if len(lines) else rows


def open_patches(view: View) -> pd.DataFrame:
    patches = view.table(VIRTUAL_PATCHES)
    rows = patches[patches["state"].isin(OPEN_PATCHES)]
    rank = rows["severity"].map({severity: place for place, severity in enumerate(SEVERITIES)}).fillna(len(SEVERITIES))
    ordered = rows.assign(rank=rank).sort_values(["rank", "first_observed", "finding_arn", "instance_id", "cve"], kind="stable", na_position="last")
    return ordered.drop(columns="rank")


def paths(view: View) -> pd.DataFrame:
    """Paths to instances first, open ones before conditional ones, those without protection at the top."""
    paths = view.table(BUCKET_ACCESS)
    rank = (paths["instance_id"].isna() * 4) + ((paths["decision"] != "allowed") * 2) + (paths["protection"] == "protected")
    return paths.assign(rank=rank).sort_values("rank", kind="stable").drop(columns="rank")


def entries(view: View) -> pd.DataFrame:
    """Entries without a web ACL first, those that need none last."""
    entries = view.table(WEB_ENTRIES)
    rank = entries["state"].map({state: place for place, state in enumerate(ENTRIES_WORST_FIRST)})
    return entries.assign(rank=rank).sort_values("rank", kind="stable").drop(columns="rank")


def actions(view: View) -> pd.DataFrame:
    """What failed or waits first, then what was done, what is proposed, and what was held back; worst first in each."""
    rows = view.table(ACTIONS)
    state = rows["state"].map({state: place for place, state in enumerate(ACTION_STATES)})
    severity = rows["severity"].map({severity: place for place, severity in enumerate(SEVERITIES)}).fillna(len(SEVERITIES))
    return rows.assign(state_rank=state, rank=severity).sort_values(["state_rank", "rank", "action", "target"], kind="stable")


def unprotected(view: View) -> pd.DataFrame:
    """Instances without protection, those that run first, those without a WP computer at the top."""
    instances = view.table(INSTANCES)
    rows = instances[instances["protection"].isin(UNPROTECTED)]
    rank = rows["protection"].map({state: place for place, state in enumerate(UNPROTECTED)})
    ordered = rows.assign(stopped=rows["state"] != "running", rank=rank).sort_values(["stopped", "rank"], kind="stable")
    return ordered.drop(columns=["stopped", "rank"])
