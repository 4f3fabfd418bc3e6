"""Results -> findings in AWS Security Hub's format (ASFF), as JSON lines; deliver.security_hub sends what stands here.

One finding for a check, resource, account and region, under an id that lasts. FAIL is FAILED. WAIVED is FAILED too, because nothing was put right:
its workflow is SUPPRESSED, with a note that names the exception. UNKNOWN is NOT_AVAILABLE with the cause: never a pass and never a fail. What was
sent before and passes now is PASSED and archived; what no longer exists is archived. What was sent before and was not read this time is left as
it is. A result that belongs to no account of AWS (the chain itself, a tenant) is no finding.
Source: https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from reporter.core.clock import iso
from reporter.core.result import Status
from reporter.core.scope import ScopeState
from reporter.reports.exported import (
    NAME,
    POPULATION,
    PRODUCT,
    Row,
    cut,
    identifier,
    instants,
    requirements,
    rows,
    sentence,
    thing,
    titles,
    to_export,
)
from reporter.reports.view import Report, View
from reporter.tables.deliveries import SENT_FINDINGS
from reporter.tables.joined import HISTORY

FILE = "asff.jsonl"
SCHEMA = "2018-10-08"
TYPE = "Software and Configuration Checks/Industry and Regulatory Standards"
TYPES = dict.fromkeys(("vulnerability_covered", "patch_outstanding"), "Software and Configuration Checks/Vulnerabilities/CVE")
MOST_REQUIREMENTS = 32

_COMPLIANCE = {Status.PASS.value: "PASSED", Status.FAIL.value: "FAILED", Status.WAIVED.value: "FAILED"}
_GONE = "It no longer exists, is out of the report's scope, or is no longer checked."


def findings(view: View) -> Iterator[dict[str, Any]]:
    """By check, account, region and resource: what is open (or all), then what was sent before and is closed now."""
    make = _Maker(view)
    sent = {row["finding_id"]: row for row in _sent(view)}
    for row in rows(view) if sent else to_export(view):
        if row.in_aws:
            name = make.id(row)
            before = sent.pop(name, None)
            if row.is_open or before or (view.export_all and row.status == Status.PASS.value):
                yield make.finding(row, name, before)
    for name, before in sorted(sent.items()):
        if make.vanished(before):
            yield make.closed(name, before)


class _Maker:
    """What all findings of a run share."""

    def __init__(self, view: View) -> None:
        self._view, self._now = view, iso(view.now)
        self._titles, self._requirements = titles(view), {check: _related(given) for check, given in requirements(view).items()}
        results, scopes, history = view.results, view.scopes, view.table(HISTORY)
        hidden = results[results["resource"] == POPULATION]
        self._hidden = set(zip(hidden["check_id"], hidden["account"], strict=True))
        read = scopes[scopes["state"] == ScopeState.OK.value]
        self._read = set(zip(read["account"], read["region"], strict=True))
        kept = history[history["last_known"].notna()]
        self._undecided = set(zip(*(kept[name] for name in ("check_id", "account", "region", "resource")), strict=True))

    def id(self, row: Row) -> str:
        return identifier(self._view.chain, row.check_id, row.account, row.region, row.resource)

    def finding(self, row: Row, name: str, before: Mapping[str, Any] | None) -> dict[str, Any]:
        created = before["created_at"] if before else row.first_seen or self._now
        known = row.status not in (Status.UNKNOWN.value, Status.NOT_APPLICABLE.value)
        compliance: dict[str, Any] = {"Status": _COMPLIANCE.get(row.status, "NOT_AVAILABLE")}
        if not known:
            code = "NOT_APPLICABLE" if row.status == Status.NOT_APPLICABLE.value else "NOT_READ" if row.unread else "NOT_KNOWN"
            compliance["StatusReasons"] = [{"ReasonCode": code, "Description": cut(row.reason or "no reason given", 1024)}]
        said = self._common(row, name, created, compliance, sentence(row, 1024))
        said["FindingProviderFields"]["Severity"]["Label"] = row.severity if row.is_open else "INFORMATIONAL"
        said["LastObservedAt"] = self._now if known else None
        stays = row.is_open or (self._view.export_all and row.status == Status.PASS.value)
        said["RecordState"] = "ACTIVE" if stays else "ARCHIVED"
        if row.status == Status.WAIVED.value:
            said["Workflow"] = {"Status": "SUPPRESSED"}
            said["Note"] = {"Text": cut(f"Accepted: {row.waiver or 'no exception named'}", 512), "UpdatedBy": PRODUCT, "UpdatedAt": self._now}
        return {key: value for key, value in said.items() if value is not None}

    def closed(self, name: str, before: Mapping[str, Any]) -> dict[str, Any]:
        """A finding that was sent and has no result any more."""
        texts = {**dict.fromkeys(Row._fields, ""), **{key: before[key] for key in ("check_id", "account", "region", "resource", "severity")}}
        row = Row(**{**texts, "owner": None, "first_seen": None, "waiver": None, "due": None, "unread": False})
        compliance = {"Status": "NOT_AVAILABLE", "StatusReasons": [{"ReasonCode": "NO_LONGER_THERE", "Description": _GONE}]}
        said = self._common(row, name, before["created_at"], compliance, _GONE)
        said["FindingProviderFields"]["Severity"]["Label"] = "INFORMATIONAL"
        return {**said, "RecordState": "ARCHIVED"}

    def vanished(self, before: Mapping[str, Any]) -> bool:
        """Is it known that what was sent is no longer there? Not where its resources were not listed, nor where its place was not read."""
        check, account, region, resource = (str(before[key]) for key in ("check_id", "account", "region", "resource"))
        if (check, account) in self._hidden or (check, account, region, resource) in self._undecided:
            return False
        return (account, region) in self._read

    def _common(self, row: Row, name: str, created: str, compliance: dict[str, Any], description: str) -> dict[str, Any]:
        about = thing(row.account, row.region, row.resource)
        related = self._requirements.get(row.check_id)
        return {
            "SchemaVersion": SCHEMA,
            "Id": name,
            "ProductArn": f"arn:{about.partition}:securityhub:{about.region}:{row.account}:product/{row.account}/default",
            "ProductName": NAME,
            "GeneratorId": f"{PRODUCT}/{row.check_id}",
            "AwsAccountId": row.account,
            "FirstObservedAt": created,
            "CreatedAt": created,
            "UpdatedAt": self._now,
            "Title": cut(self._titles.get(row.check_id, row.check_id), 256),
            "Description": description,
            "FindingProviderFields": {"Severity": {"Original": row.severity}, "Types": [TYPES.get(row.check_id, TYPE)]},
            "ProductFields": self._fields(row),
            "Resources": [{"Type": about.asff, "Id": about.id, "Partition": about.partition, "Region": about.region}],
            "Compliance": {**compliance, **({"RelatedRequirements": related} if related else {})},
        }

    def _fields(self, row: Row) -> dict[str, str]:
        view = self._view
        given = {
            "chain": view.chain,
            "run": view.run_id,
            "check": row.check_id,
            "region": row.region,
            "resource": row.resource,
            "status": row.status,
            "observed": row.observed,
            "expected": row.expected,
            "owner": row.owner,
            "waiver": row.waiver,
            "due": row.due,
            "endpoint_override": view.endpoint_override,
        }
        return {f"reporter/{key}": cut(value, 1024) for key, value in given.items() if value}


def _related(given: list[tuple[str, str]]) -> list[str]:
    said = [cut(f"{framework} {control}", 64) for framework, control in given]
    return said if len(said) <= MOST_REQUIREMENTS else [*said[: MOST_REQUIREMENTS - 1], f"… and {len(said) - MOST_REQUIREMENTS + 1} more"]


def _sent(view: View) -> list[dict[str, Any]]:
    frame = view.table(SENT_FINDINGS)
    return [{**row, "created_at": at} for row, at in zip(frame.to_dict("records"), instants(frame["created_at"]), strict=True)]


def write(folder: Path, view: View) -> None:
    """One finding a line."""
    if "asff" not in view.exports:
        return
    encode = msgspec.json.Encoder().encode
    with (folder / FILE).open("wb") as stream:
        for finding in findings(view):
            stream.write(encode(finding) + b"\n")


REPORT = Report("asff", "results as findings in Security Hub's format", write)
