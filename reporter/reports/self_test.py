"""self_test.json: the engine's answer to a question whose answer is known, and whether every check has all its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from reporter.core.check import Check
from reporter.core.scope import ScopeState
from reporter.reports.view import Report, View
from reporter.tables.joined import INSTANCES, WEB_ENTRIES

_PLACE = ["account", "region"]
_NEVER_COVERED = "nlb"
"""a network load balancer is listed, and no check asks about it: it can carry no web ACL"""
_POPULATIONS = {("ec2",): (INSTANCES, "instance_id"), ("elb", "cloudfront"): (WEB_ENTRIES, "entry")}


def rows_complete(view: View) -> list[dict[str, Any]]:
    """For each check: how many things it is asked about, how many of them have a row or stand in a place that could not be read, and what lacks one.

    `population` is None where the results themselves say what there is (findings, buckets, packs).
    """
    by_check = {str(name): rows for name, rows in view.results.groupby("check_id", observed=True)}
    return [_complete(check, view, by_check.get(check.id, view.results.iloc[:0])) for check in view.checks]


def _complete(check: Check, view: View, rows: pd.DataFrame) -> dict[str, Any]:
    asked = _asked(check, view)
    said: dict[str, Any] = {"check": check.id, "rows": len(rows), "unread_places": int((rows["resource"] == "*").sum())}
    if asked is None:
        return {**said, "population": None, "missing": None}
    keys = list(asked.columns)
    answered = pd.MultiIndex.from_frame(rows[keys].astype("object"))
    lacking = asked[~pd.MultiIndex.from_frame(asked.astype("object")).isin(answered)]
    unread = pd.MultiIndex.from_frame(rows.loc[rows["resource"] == "*", _PLACE].astype("object"))
    missing = lacking[~pd.MultiIndex.from_frame(lacking[_PLACE].astype("object")).isin(unread)]
    return {**said, "population": len(asked), "missing": len(missing)}


def _asked(check: Check, view: View) -> pd.DataFrame | None:
    """What the check is asked about, by the columns of results that name it."""
    if check.own_service:
        scopes = view.scopes
        read = scopes[(scopes["source"] == check.own_service) & (scopes["state"] != ScopeState.SKIPPED.value)]
        return read[_PLACE].drop_duplicates()
    found = _POPULATIONS.get(check.population)
    if found is None:
        return None
    table, name = found
    things = view.table(table)
    if table is WEB_ENTRIES:
        things = things[things["type"] != _NEVER_COVERED]
    return things[[*_PLACE, name]].rename(columns={name: "resource"})


def passed(view: View, rows: Iterable[Mapping[str, Any]]) -> bool:
    """The known answer was given, and nothing lacks its row. `rows`: rows_complete(view)."""
    return bool(view.self_test.get("passed")) and not any(one["missing"] for one in rows)


def write(folder: Path, view: View) -> None:
    """self_test.json."""
    rows = rows_complete(view)
    said = {"passed": passed(view, rows), "known_answer": view.self_test or None, "rows": rows}
    (folder / "self_test.json").write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


REPORT = Report("self_test", "a known answer, and whether every check has all its rows", write)
