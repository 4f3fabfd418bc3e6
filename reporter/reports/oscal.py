"""Results -> OSCAL assessment results: a finding for each control that checks speak of, an observation for each check and each result that is open.

A finding rests on the observations of its checks, and each result's observation is part of its check's. OSCAL knows only satisfied and not-satisfied.
FAIL, UNKNOWN and WAIVED controls are not-satisfied, and the finding's `status` says which; UNKNOWN has the reason `other`, never `fail`. A failure
that was accepted is a risk with an approved deviation. Controls without automated evidence are excluded from what was reviewed, not passed. Ids are
UUID version 5 of the run, the check and the resource: the same run has the same bytes. Text from the world is escaped where OSCAL reads Markdown.
Source: https://pages.nist.gov/OSCAL/ (assessment results, 1.2.x)
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from reporter.core.clock import iso
from reporter.core.result import Status
from reporter.reports.exported import NAME, PRODUCT, Row, cut, sentence, thing, titles, to_export
from reporter.reports.view import Report, View

Json: TypeAlias = dict[str, Any]

FILE = "oscal.json"
VERSION = "1.2.1"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:{PRODUCT}:oscal")
OWN = f"urn:{PRODUCT}"
"""namespace of our own properties"""
LONGEST = 2048

_MARKUP = re.compile(r"([\\`*_{}\[\]<>~^\"!|#&$])")
_STATE = {Status.PASS.value: ("satisfied", "pass"), Status.FAIL.value: ("not-satisfied", "fail")}
_OTHER = ("not-satisfied", "other")
_JUDGED = (Status.PASS.value, Status.FAIL.value, Status.UNKNOWN.value, Status.WAIVED.value)
_REMARKS = {
    Status.UNKNOWN.value: "Not known: something that the checks of this control need could not be read. It counts as a deviation until it is read.",
    Status.WAIVED.value: "Failures were accepted by named exceptions; nothing was put right.",
}


def assessment_results(view: View) -> Json:
    """The document."""
    named = _Ids(view.run_id)
    observed = list(to_export(view))
    name = titles(view)
    observations = [_observation(named, row, view) for row in observed]
    judging = [(check, worst, counts) for check, worst, counts in view.check_rows() if worst]
    checked = [_check_observation(named, check.title, check.id, worst, counts, view) for check, worst, counts in judging]
    spoken = {check.id for check, _, _ in judging}
    controls = view.controls().sort_values(["framework", "control_id"], kind="stable").to_dict("records")
    judged = [control for control in controls if control["status"] in _JUDGED]
    plan = named("assessment-plan")
    result: Json = {
        "uuid": named("result"),
        "title": f"Run {markup(view.run_id)}",
        "description": "What automated checks of workloads and their protection showed. A check supports a control; people assess it.",
        "start": iso(view.now),
        "props": _props(run=view.run_id, chain=view.chain, kind=view.kind, **{"endpoint-override": view.endpoint_override}),
        "local-definitions": {"inventory-items": _inventory(named, observed)},
        "reviewed-controls": _reviewed(controls),
        "observations": [*checked, *observations],
        "risks": [_risk(named, row, name) for row in observed if row.status == Status.WAIVED.value],
        "findings": [_finding(named, control, spoken) for control in judged],
    }
    if not result["local-definitions"]["inventory-items"]:
        del result["local-definitions"]
    return {
        "assessment-results": {
            "uuid": named("document"),
            "metadata": {
                "title": f"{NAME}: {markup(view.run_id)}",
                "last-modified": iso(view.now),
                "version": cut(view.version, 64) or "0",
                "oscal-version": VERSION,
                "props": _props(generator=PRODUCT),
            },
            "import-ap": {"href": f"#{plan}", "remarks": "There is no assessment plan in OSCAL: the schedule in run.json says what is looked at."},
            "results": [{key: value for key, value in result.items() if value}],
            "back-matter": {"resources": [_plan(plan)]},
        }
    }


class _Ids:
    """UUIDs of a run, by name."""

    def __init__(self, run: str) -> None:
        self._space = uuid.uuid5(NAMESPACE, run)

    def __call__(self, *name: str) -> str:
        return str(uuid.uuid5(self._space, "\0".join(name)))

    def of(self, kind: str, row: Row) -> str:
        return self(kind, row.check_id, row.account, row.region, row.resource)

    def item(self, row: Row) -> str:
        return self("item", row.account, row.region, row.resource)


def _check_observation(named: _Ids, title: str, check: str, worst: str, counts: Mapping[str, int], view: View) -> Json:
    """What a check showed in all."""
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return {
        "uuid": named("check", check),
        "title": markup(cut(title, 256)),
        "description": markup(f"Results: {said}."),
        "props": _props(check=check, status=worst, **{status.lower().replace("_", "-"): str(count) for status, count in counts.items()}),
        "methods": ["TEST-AUTOMATED"],
        "types": ["control-objective"],
        "relevant-evidence": [{"href": "results.csv", "description": "The record of this run: every row of this check."}],
        "collected": iso(view.now),
    }


def _observation(named: _Ids, row: Row, view: View) -> Json:
    return {
        "uuid": named.of("observation", row),
        "description": markup(sentence(row, LONGEST)),
        "props": _props(
            check=row.check_id, status=row.status, severity=row.severity, due=row.due, waiver=row.waiver, **{"first-seen": row.first_seen}
        ),
        "links": [{"href": f"#{named('check', row.check_id)}", "rel": "part-of"}],
        "methods": ["TEST-AUTOMATED"],
        "subjects": [{"subject-uuid": named.item(row), "type": "inventory-item"}],
        "collected": iso(view.now),
    }


def _inventory(named: _Ids, rows: Iterable[Row]) -> list[Json]:
    """What the observations are about, each once."""
    found: dict[str, Json] = {}
    for row in rows:
        key = named.item(row)
        if key not in found:
            about = thing(row.account, row.region, row.resource) if row.in_aws else None
            found[key] = {
                "uuid": key,
                "description": markup(cut(row.resource, LONGEST) or "-"),
                "props": _props(
                    **{"asset-id": about.id if about else row.resource, "asset-type": "AWS resource" if about else "other"},
                    account=row.account,
                    region=row.region,
                    resource=row.resource,
                    type=about.cloudformation if about else "",
                    owner=row.owner,
                ),
            }
    return [found[key] for key in found]


def _risk(named: _Ids, row: Row, name: Mapping[str, str]) -> Json:
    return {
        "uuid": named.of("risk", row),
        "title": markup(cut(f"Accepted: {name.get(row.check_id, row.check_id)}", 256)),
        "description": markup(sentence(row, LONGEST)),
        "statement": markup(cut(f"Accepted by exception {row.waiver or '(not named)'}; what failed was not put right.", LONGEST)),
        "props": _props(check=row.check_id, waiver=row.waiver),
        "status": "deviation-approved",
        "related-observations": [{"observation-uuid": named.of("observation", row)}],
    }


def _finding(named: _Ids, control: Mapping[str, Any], spoken: Collection[str]) -> Json:
    framework, own, status = str(control["framework"]), str(control["control_id"]), str(control["status"])
    state, reason = _STATE.get(status, _OTHER)
    outcome: Json = {"state": state, "reason": reason}
    if status in _REMARKS:
        outcome["remarks"] = _REMARKS[status]
    said: Json = {
        "uuid": named("finding", framework, own),
        "title": markup(cut(f"{framework} {own}: {control['title']}", 256)),
        "description": f"{control['failing']} failing and {control['unknown']} unknown results of: {markup(', '.join(control['checks']))}.",
        "props": _props(
            framework=framework,
            status=status,
            confidence=control["confidence"],
            failing=str(control["failing"]),
            unknown=str(control["unknown"]),
            **{"control-id": own},
        ),
        "target": {"type": "objective-id", "target-id": token(framework, own), "title": markup(cut(f"{framework} {own}", 256)), "status": outcome},
    }
    related = [{"observation-uuid": named("check", check)} for check in control["checks"] if check in spoken]
    return {**said, **({"related-observations": related} if related else {})}


def _reviewed(controls: Sequence[Mapping[str, Any]]) -> Json:
    """Controls that checks speak of, and those that none does."""
    seen = [{"control-id": token(control["framework"], control["control_id"])} for control in controls if control["status"] in _JUDGED]
    unseen = [{"control-id": token(control["framework"], control["control_id"])} for control in controls if control["status"] not in _JUDGED]
    chosen: Json = {"include-controls": seen} if seen else {"include-all": {}}
    chosen |= {"exclude-controls": unseen} if unseen else {}
    chosen["remarks"] = "Excluded controls have no automated evidence in this run, or nothing that they apply to: they were not reviewed."
    return {"control-selections": [chosen]}


def _plan(plan: str) -> Json:
    text = (
        "No assessment plan was written in OSCAL. Checks, thresholds, accounts and regions are those of the schedule, kept in run.json of this run."
    )
    return {"uuid": plan, "title": "Assessment plan: the schedule", "description": text}


def _props(**given: str | None) -> list[Json]:
    """Properties that have a value; each is one line."""
    lines = ((name, cut(value, LONGEST)) for name, value in given.items() if value)
    return [{"name": name, "ns": OWN, "value": line} for name, line in lines if line]


@lru_cache(maxsize=4096)
def token(framework: str, control: str) -> str:
    """A control's id as a name that OSCAL takes: pci_dss_4.0.1_5.2.1."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{framework}_{control}").strip("_").lower()
    return name if re.match(r"[a-z]", name) else f"_{name}"


@lru_cache(maxsize=65536)
def markup(text: str) -> str:
    """Text in which nothing is Markdown; never empty."""
    return _MARKUP.sub(r"\\\1", text) or "-"


def write(folder: Path, view: View) -> None:
    """One document."""
    if "oscal" in view.exports:
        (folder / FILE).write_bytes(msgspec.json.encode(assessment_results(view)) + b"\n")


REPORT = Report("oscal", "results as OSCAL assessment results", write)
