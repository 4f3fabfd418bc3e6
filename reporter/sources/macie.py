"""Macie: the session and every finding of one account and region, archived and sample ones included.

An administrator's list also holds its members' findings: only this account's own are read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reporter.clients.aws import AwsReader
from reporter.core.answers import chunks, field
from reporter.core.errors import Denied, NotEnabled, Unavailable
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.findings import MACIE_FINDINGS, MACIE_SESSIONS

PAGE = 50
_CALL = "macie2 GetFindings"


def fetch(reader: AwsReader) -> Rows:
    """The session and all findings of the account. Raises ScopeProblem: off, or paused (nothing new is found) -> NotEnabled."""
    status = _status(reader)
    if status != "ENABLED":
        raise NotEnabled(f"Macie is {status.lower()} in {reader.account} {reader.region}")
    place = (reader.account, reader.region)
    return {MACIE_SESSIONS.name: [(*place, status)], MACIE_FINDINGS.name: [place + _finding(finding) for finding in _findings(reader)]}


def _status(reader: AwsReader) -> str:
    """Macie says that it is off with the code of a refusal; only its words tell the two apart."""
    try:
        return str(field(reader.call("macie2", "get_macie_session"), "status", "macie2 GetMacieSession"))
    except Denied as refusal:
        if "macie is not enabled" in refusal.message.lower():
            raise NotEnabled(f"Macie is not enabled in {reader.account} {reader.region}") from refusal
        raise


def _findings(reader: AwsReader) -> list[dict[str, Any]]:
    """GetFindings leaves out what expired since it was listed: that is no error, unless nothing at all of a page came."""
    own = {"criterion": {"accountId": {"eq": [reader.account]}}}
    identifiers = dict.fromkeys(reader.items("macie2", "list_findings", "findingIds", findingCriteria=own, maxResults=PAGE))

    def details(page: Sequence[str]) -> list[dict[str, Any]]:
        asked = set(page)
        answer = reader.call("macie2", "get_findings", findingIds=list(page))
        found = [finding for finding in answer.get("findings", []) if finding.get("id") in asked]
        if not found:
            raise Unavailable(f"{_CALL} in {reader.account} {reader.region}: broken answer: none of {len(asked)} listed findings came")
        return found

    pages = reader.map(details, chunks(list(identifiers), PAGE))
    by_id = {finding["id"]: finding for page in pages for finding in page}
    return [finding for finding in by_id.values() if field(finding, "accountId", _CALL) == reader.account]


def _finding(finding: dict[str, Any]) -> Row:
    affected = finding.get("resourcesAffected", {})
    bucket = affected.get("s3Bucket", {})
    return (
        finding["id"],
        field(finding, "type", _CALL),
        field(finding, "category", _CALL),
        field(finding.get("severity", {}), "description", _CALL).upper(),
        finding.get("title"),
        bucket.get("name"),
        bucket.get("arn") or affected.get("s3Object", {}).get("bucketArn"),
        bool(finding.get("sample", False)),
        bool(finding.get("archived", False)),
        field(finding, "createdAt", _CALL),
        field(finding, "updatedAt", _CALL),
    )


SOURCE = Source(
    name="macie",
    tables=(MACIE_SESSIONS, MACIE_FINDINGS),
    permissions=("macie2:GetMacieSession", "macie2:ListFindings", "macie2:GetFindings"),
    reach=Reach.REGIONAL,
    fetch=fetch,
    redacts=(
        "findings[].classificationDetails.detailedResultsLocation",
        "findings[].classificationDetails.result.customDataIdentifiers.detections[].occurrences",
        "findings[].classificationDetails.result.sensitiveData[].detections[].occurrences",
        "findings[].description",
        "findings[].policyDetails",
        "findings[].resourcesAffected.s3Bucket.owner",
        "findings[].resourcesAffected.s3Object",
    ),
)
