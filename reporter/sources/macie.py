"""Macie: the session and every finding of one account and region, archived and sample ones included.

An administrator's list also holds its members' findings: only this account's own are read here. A delegated administrator is read once for itself
and all its members; whether Macie is on in a member is what ListMembers says. An account that is no member is read with its own role.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from reporter.clients.aws import AwsReader
from reporter.clients.aws_parts import Part, known, outcome
from reporter.core.answers import chunks, field
from reporter.core.errors import Denied, NotEnabled, ScopeProblem, Unavailable
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.findings import MACIE_FINDINGS, MACIE_SESSIONS

PAGE = 50
MEMBERS_PAGE = 25
_CALL = "macie2 GetFindings"


def fetch(reader: AwsReader) -> Rows:
    """The session and all findings of the account. Raises ScopeProblem: off, or paused (nothing new is found) -> NotEnabled."""
    return reader.part(_read)


def _read(reader: AwsReader) -> dict[str, Part]:
    own = _status(reader)
    if own != "ENABLED":
        raise NotEnabled(f"Macie is {own.lower()} in {reader.account} {reader.region}")
    found = _findings(reader)
    members = outcome(lambda: _members(reader))

    def part(account: str) -> Rows:
        if account != reader.account:
            _check_member(reader, known(members), account)
        place = (account, reader.region)
        return {MACIE_SESSIONS.name: [(*place, "ENABLED")], MACIE_FINDINGS.name: [place + known(row) for row in found.get(account, [])]}

    return {account: outcome(partial(part, account)) for account in reader.accounts}


def _members(reader: AwsReader) -> dict[str, str]:
    """Account -> its relationship with the administrator."""
    if not reader.members:
        return {}
    what = "macie2 ListMembers"
    listed = reader.items("macie2", "list_members", "members", maxResults=MEMBERS_PAGE, onlyAssociated="false")
    return {field(member, "accountId", what): field(member, "relationshipStatus", what) for member in listed}


def _check_member(reader: AwsReader, members: dict[str, str], account: str) -> None:
    """Raises NotEnabled where Macie is paused in a member, NotAMember where it is none."""
    if account not in members:
        raise reader.no_member(account, "ListMembers does not name it")
    status = members[account].lower()
    if status == "paused":
        raise NotEnabled(f"Macie is paused in {account} {reader.region}")
    if status != "enabled":
        raise reader.no_member(account, f"its relationship is {members[account]}")


def _status(reader: AwsReader) -> str:
    """Macie says that it is off with the code of a refusal; only its words tell the two apart."""
    try:
        return str(field(reader.call("macie2", "get_macie_session"), "status", "macie2 GetMacieSession"))
    except Denied as refusal:
        if "macie is not enabled" in refusal.message.lower():
            raise NotEnabled(f"Macie is not enabled in {reader.account} {reader.region}") from refusal
        raise


def _findings(reader: AwsReader) -> dict[str, list[Row | ScopeProblem]]:
    """Account -> its findings, without the place. GetFindings leaves out what expired since it was listed: that is no error, unless nothing
    at all of a page came."""
    one = {"id": {"eq": [reader.finding]}} if reader.finding else {}
    own: dict[str, Any] = {} if reader.members else {"findingCriteria": {"criterion": {"accountId": {"eq": [reader.account]}, **one}}}
    identifiers = dict.fromkeys(reader.items("macie2", "list_findings", "findingIds", maxResults=PAGE, **own))
    wanted = set(reader.accounts)

    def details(page: Sequence[str]) -> list[tuple[str, str, Row | ScopeProblem]]:
        asked = set(page)
        answer = reader.call("macie2", "get_findings", findingIds=list(page))
        found = [finding for finding in answer.get("findings", []) if finding.get("id") in asked]
        if not found:
            raise Unavailable(f"{_CALL} in {reader.account} {reader.region}: broken answer: none of {len(asked)} listed findings came")
        owned = ((finding, field(finding, "accountId", _CALL)) for finding in found)
        return [(finding["id"], account, outcome(partial(_finding, finding))) for finding, account in owned if account in wanted]

    pages = reader.map(details, chunks(list(identifiers), PAGE))
    by_id = {identifier: (account, row) for page in pages for identifier, account, row in page}
    by_account: dict[str, list[Row | ScopeProblem]] = {}
    for account, row in by_id.values():
        by_account.setdefault(account, []).append(row)
    return by_account


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
    permissions=("macie2:GetMacieSession", "macie2:ListFindings", "macie2:GetFindings", "macie2:ListMembers"),
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
