"""Results -> OCSF Compliance Finding (class 2003) as JSON lines, for a data lake or a SIEM that reads files.

FAIL and WAIVED are Fail; a waived one's status is Suppressed, and its exception is named. UNKNOWN is Unknown, with the cause: never a pass. What
this run saw first is created, what stood before is updated, what was put right since the scheduled run before is closed. Security Hub takes no OCSF
in: this is a file. Source: https://schema.ocsf.io/1.8.0/classes/compliance_finding
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from reporter.core.clock import iso, parse
from reporter.core.result import Severity, Status
from reporter.reports.exported import NAME, POPULATION, PRODUCT, Row, cut, identifier, requirements, sentence, thing, titles, to_export
from reporter.reports.view import Report, View
from reporter.tables.joined import CHANGES

FILE = "ocsf.jsonl"
VERSION = "1.8.0"
CATEGORY, CLASS = 2, 2003
CREATE, UPDATE, CLOSE = 1, 2, 3
LONGEST = 2048

_ACTIVITY = {CREATE: "Create", UPDATE: "Update", CLOSE: "Close"}
_COMPLIANCE = {
    Status.PASS.value: (1, "Pass"),
    Status.FAIL.value: (3, "Fail"),
    Status.WAIVED.value: (3, "Fail"),
    Status.UNKNOWN.value: (0, "Unknown"),
    Status.NOT_APPLICABLE.value: (99, Status.NOT_APPLICABLE.value),
}
_SEVERITY = {
    Severity.LOW.value: (2, "Low"),
    Severity.MEDIUM.value: (3, "Medium"),
    Severity.HIGH.value: (4, "High"),
    Severity.CRITICAL.value: (5, "Critical"),
}
_INFORMATIONAL = (1, "Informational")
_NEW, _SUPPRESSED, _RESOLVED = (1, "New"), (3, "Suppressed"), (4, "Resolved")


def events(view: View) -> Iterator[dict[str, Any]]:
    """By check, account, region and resource: the rows that are exported, then what was put right since the run before."""
    make = _Maker(view)
    for row in to_export(view):
        yield make.event(row, CREATE if row.first_seen in (None, make.now) else UPDATE)
    for row in _mended(view):
        yield make.event(row, CLOSE)


class _Maker:
    """What all events of a run share."""

    def __init__(self, view: View) -> None:
        self.now = iso(view.now)
        self._view, self._millis, self._titles = view, _millis(self.now), titles(view)
        self._controls = {
            check: {
                "requirements": [f"{framework} {control}" for framework, control in given],
                "standards": list(dict.fromkeys(framework for framework, _ in given)),
            }
            for check, given in requirements(view).items()
        }
        self._metadata = {
            "version": VERSION,
            "profiles": ["cloud"],
            "product": {"name": NAME, "uid": PRODUCT, "vendor_name": NAME, "version": view.version},
            "correlation_uid": view.run_id,
            "logged_time": self._millis,
        }

    def event(self, row: Row, activity: int) -> dict[str, Any]:
        passes = row.status in (Status.PASS.value, Status.NOT_APPLICABLE.value)
        severity_id, severity = _INFORMATIONAL if passes else _SEVERITY[row.severity]
        status_id, status = _RESOLVED if passes else _SUPPRESSED if row.status == Status.WAIVED.value else _NEW
        title, about = self._titles.get(row.check_id, row.check_id), sentence(row, LONGEST)
        said: dict[str, Any] = {
            "activity_id": activity,
            "activity_name": _ACTIVITY[activity],
            "category_uid": CATEGORY,
            "category_name": "Findings",
            "class_uid": CLASS,
            "class_name": "Compliance Finding",
            "type_uid": CLASS * 100 + activity,
            "time": self._millis,
            "severity_id": severity_id,
            "severity": severity,
            "status_id": status_id,
            "status": status,
            "message": about,
            "metadata": self._metadata if row.in_aws else {**self._metadata, "profiles": []},
            "finding_info": self._info(row, title, about),
            "compliance": self._compliance(row),
            "resources": [self._resource(row)],
        }
        if row.in_aws:
            said["cloud"] = {"provider": "AWS", "account": {"uid": row.account}, "region": thing(row.account, row.region, row.resource).region}
        said["unmapped"] = self._unmapped(row)
        return said

    def _info(self, row: Row, title: str, about: str) -> dict[str, Any]:
        said: dict[str, Any] = {
            "uid": identifier(self._view.chain, row.check_id, row.account, row.region, row.resource),
            "title": cut(title, 256),
            "desc": about,
            "types": [row.check_id],
            "modified_time": self._millis,
        }
        if row.first_seen:
            said["created_time"] = said["first_seen_time"] = _millis(row.first_seen)
        if row.status != Status.UNKNOWN.value:
            said["last_seen_time"] = self._millis
        return said

    def _compliance(self, row: Row) -> dict[str, Any]:
        status_id, status = _COMPLIANCE[row.status]
        said: dict[str, Any] = {"control": row.check_id, "status_id": status_id, "status": status}
        if row.status != Status.PASS.value and row.reason:
            said["status_detail"] = cut(row.reason, LONGEST)
        return {**said, **self._controls.get(row.check_id, {})}

    def _resource(self, row: Row) -> dict[str, Any]:
        if not row.in_aws:
            return {"uid": cut(row.resource, 512), "type": "Other"}
        about = thing(row.account, row.region, row.resource)
        said: dict[str, Any] = {"uid": about.id, "type": about.cloudformation, "region": about.region, "cloud_partition": about.partition}
        if row.resource not in (POPULATION, about.id):
            said["name"] = cut(row.resource, 512)
        if row.owner:
            said["owner"] = {"name": cut(row.owner, 256)}
        return said

    def _unmapped(self, row: Row) -> dict[str, str]:
        view = self._view
        given = {
            "status": row.status,
            "region": row.region,
            "resource": row.resource,
            "waiver": row.waiver,
            "due": row.due,
            "chain": view.chain,
            "run": view.run_id,
            "endpoint_override": view.endpoint_override,
        }
        return {key: cut(value, LONGEST) for key, value in given.items() if value}


def _mended(view: View) -> Iterator[Row]:
    """What failed in the scheduled run before and is put right: PASS or NOT_APPLICABLE, whichever it is now; the latter where it no longer exists."""
    changes = view.table(CHANGES)
    changes = changes[changes["change"] == "fixed"].sort_values(list(CHANGES.key), kind="stable")
    if view.export_all:
        changes = changes[changes["now"].isna()]  # the others have a row of their own
    for row in changes.to_dict("records"):
        now = Status.NOT_APPLICABLE.value if pd.isna(row["now"]) else str(row["now"])
        owner = None if pd.isna(row["owner"]) else str(row["owner"])
        key = (row["check_id"], row["account"], row["region"], row["resource"])
        yield Row(*key, now, row["severity"], row["reason"], "", "", owner, None, None, None, unread=False)


def _millis(instant: str) -> int:
    return int(parse(instant).timestamp() * 1000)


def write(folder: Path, view: View) -> None:
    """One event a line."""
    if "ocsf" not in view.exports:
        return
    encode = msgspec.json.Encoder().encode
    with (folder / FILE).open("wb") as stream:
        for event in events(view):
            stream.write(encode(event) + b"\n")


REPORT = Report("ocsf", "results as OCSF compliance findings", write)
