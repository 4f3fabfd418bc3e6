"""GuardDuty: the detector and every finding of one account and region, archived and sample ones included.

An administrator's detector also holds its members' findings: only this account's own are read here. A delegated administrator is read once for
itself and all its members; what it knows of a member's detector comes from ListMembers and GetMemberDetectors. An account that is no member
is read with its own role.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from reporter.clients.aws import AwsReader
from reporter.clients.aws_parts import Part, known, outcome
from reporter.clients.guardduty_findings import named_resources
from reporter.core.answers import chunks, field
from reporter.core.clock import parse
from reporter.core.errors import NotEnabled, ScopeProblem, Unavailable
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.findings import GUARDDUTY_DETECTORS, GUARDDUTY_FINDINGS

PAGE = 50
SAMPLE_INSTANCE = "i-99999999"
"""The instance that CreateSampleFindings names; it never exists."""
_STEPS = ((9, "CRITICAL"), (7, "HIGH"), (4, "MEDIUM"))
_CALL = "guardduty GetFindings"
_FOUNDATIONAL = {"CloudTrail": "CLOUD_TRAIL", "DNSLogs": "DNS_LOGS", "FlowLogs": "FLOW_LOGS"}


_Detector = tuple[str, list[str]]
"""(id, enabled features) of a detector that is on"""


def fetch(reader: AwsReader) -> Rows:
    """The enabled detector and all findings of the account. Raises ScopeProblem: no detector, or only suspended ones -> NotEnabled."""
    return reader.part(_read)


def _read(reader: AwsReader) -> dict[str, Part]:
    own = _detector(reader)
    found = _findings(reader, own[0])
    members = outcome(lambda: _members(reader, own[0]))

    def part(account: str) -> Rows:
        detector = own if account == reader.account else known(known(members)[account])
        rows = [(account, reader.region, *known(row)) for row in found.get(account, [])]
        place = (account, reader.region)
        return {GUARDDUTY_DETECTORS.name: [(*place, detector[0], "ENABLED", detector[1])], GUARDDUTY_FINDINGS.name: rows}

    return {account: outcome(partial(part, account)) for account in reader.accounts}


def _detector(reader: AwsReader) -> _Detector:
    """The account's own."""
    identifiers = sorted(reader.items("guardduty", "list_detectors", "DetectorIds", MaxResults=PAGE))
    where = f"{reader.account} {reader.region}"
    if not identifiers:
        raise NotEnabled(f"GuardDuty has no detector in {where}")
    detectors = {identifier: reader.call("guardduty", "get_detector", DetectorId=identifier) for identifier in identifiers}
    enabled = [identifier for identifier in identifiers if field(detectors[identifier], "Status", "guardduty GetDetector") == "ENABLED"]
    if not enabled:
        raise NotEnabled(f"GuardDuty's detector {identifiers[0]} in {where} is suspended")
    return enabled[0], _features(detectors[enabled[0]])  # AWS allows one a region


def _features(detector: dict[str, Any]) -> list[str]:
    return sorted({str(feature.get("Name")) for feature in detector.get("Features", []) if feature.get("Status") == "ENABLED"})


def _members(reader: AwsReader, detector: str) -> dict[str, _Detector | ScopeProblem]:
    """Every member's detector, as the administrator knows it."""
    if not reader.members:
        return {}
    what = "guardduty ListMembers"
    everybody = reader.items("guardduty", "list_members", "Members", DetectorId=detector, MaxResults=PAGE, OnlyAssociated="false")
    listed = {field(member, "AccountId", what): member for member in everybody}
    status = {account: str(field(listed[account], "RelationshipStatus", what)) for account in reader.members if account in listed}
    enabled = [account for account in sorted(status) if status[account].lower() == "enabled"]
    settings = {account: found for page in chunks(enabled, PAGE) for account, found in _settings(reader, detector, page).items()}

    def one(account: str) -> _Detector:
        if account not in settings:
            raise reader.no_member(account, f"its relationship is {status[account]}" if account in status else "ListMembers does not name it")
        return field(listed[account], "DetectorId", what), known(settings[account])

    return {account: outcome(partial(one, account)) for account in reader.members}


def _settings(reader: AwsReader, detector: str, accounts: list[str]) -> dict[str, list[str] | ScopeProblem]:
    """Member -> features that are enabled. The foundational ones, which every detector has, are told only as data sources."""
    answer = reader.call("guardduty", "get_member_detectors", DetectorId=detector, AccountIds=accounts)
    told = {one.get("AccountId"): one for one in answer.get("MemberDataSourceConfigurations", [])}
    refused = {one.get("AccountId"): one.get("Result") for one in answer.get("UnprocessedAccounts", [])}
    where = f"guardduty:GetMemberDetectors in {reader.account} {reader.region}"
    found: dict[str, list[str] | ScopeProblem] = {}
    for account in accounts:
        if account in told:
            sources = told[account].get("DataSources", {})
            foundational = {name for source, name in _FOUNDATIONAL.items() if sources.get(source, {}).get("Status") == "ENABLED"}
            found[account] = sorted({*_features(told[account]), *foundational})
        else:
            found[account] = Unavailable(f"{where}: not told for {account}: {str(refused.get(account, 'broken answer'))[:300]}")
    return found


def _findings(reader: AwsReader, detector: str) -> dict[str, list[Row | ScopeProblem]]:
    """Account -> its findings, without the place. GetFindings leaves out what expired since it was listed: that is no error, unless nothing
    at all of a page came."""
    own: dict[str, Any] = {} if reader.members else {"FindingCriteria": {"Criterion": {"accountId": {"Equals": [reader.account]}, **_one(reader)}}}
    identifiers = dict.fromkeys(reader.items("guardduty", "list_findings", "FindingIds", DetectorId=detector, MaxResults=PAGE, **own))
    wanted = set(reader.accounts)

    def details(page: Sequence[str]) -> list[tuple[str, str, Row | ScopeProblem]]:
        asked = set(page)
        answer = reader.call("guardduty", "get_findings", DetectorId=detector, FindingIds=list(page))
        found = [finding for finding in answer.get("Findings", []) if finding.get("Id") in asked]
        if not found:
            raise Unavailable(f"{_CALL} in {reader.account} {reader.region}: broken answer: none of {len(asked)} listed findings came")
        owned = ((finding, field(finding, "AccountId", _CALL)) for finding in found)
        return [(finding["Id"], account, outcome(partial(_finding, finding))) for finding, account in owned if account in wanted]

    pages = reader.map(details, chunks(list(identifiers), PAGE))
    by_id = {identifier: (account, row) for page in pages for identifier, account, row in page}
    by_account: dict[str, list[Row | ScopeProblem]] = {}
    for account, row in by_id.values():
        by_account.setdefault(account, []).append(row)
    return by_account


def _one(reader: AwsReader) -> dict[str, Any]:
    """Narrows the list to the finding that is asked about."""
    return {"id": {"Equals": [reader.finding]}} if reader.finding else {}


def _finding(finding: dict[str, Any]) -> Row:
    service = finding.get("Service", {})
    resource = finding.get("Resource", {})
    sample = _sample(service)
    named = named_resources(resource, service)
    score = float(field(finding, "Severity", _CALL))
    return (
        finding["Id"],
        field(finding, "Arn", _CALL),
        field(finding, "Type", _CALL),
        next((word for least, word in _STEPS if score >= least), "LOW"),
        score,
        finding.get("Title"),
        resource.get("ResourceType"),
        sorted(named.instances - {SAMPLE_INSTANCE} if sample else named.instances),
        sorted(named.clusters),
        sorted(named.tasks),
        sample,
        bool(service.get("Archived", False)),
        _time(finding, "CreatedAt"),
        _time(finding, "UpdatedAt"),
    )


def _sample(service: dict[str, Any]) -> bool:
    """boto3's model has no `sample`; it survives as JSON text in AdditionalInfo.Value."""
    try:
        value = json.loads(service.get("AdditionalInfo", {}).get("Value", ""))
    except ValueError:
        return False
    return isinstance(value, dict) and value.get("sample") is True


def _time(finding: dict[str, Any], name: str) -> datetime:
    text = field(finding, name, _CALL)
    try:
        return parse(text)
    except ValueError as error:
        raise Unavailable(f"{_CALL}: {name} is no instant: {str(text)[:40]!r}") from error


SOURCE = Source(
    name="guardduty",
    tables=(GUARDDUTY_DETECTORS, GUARDDUTY_FINDINGS),
    permissions=(
        "guardduty:ListDetectors",
        "guardduty:GetDetector",
        "guardduty:ListFindings",
        "guardduty:GetFindings",
        "guardduty:ListMembers",
        "guardduty:GetMemberDetectors",
    ),
    reach=Reach.REGIONAL,
    fetch=fetch,
    redacts=(
        "findings[].description",
        "findings[].resource.accessKeyDetails",
        "findings[].resource.kubernetesDetails.kubernetesUserDetails",
        "findings[].resource.rdsDbUserDetails",
        "findings[].service.action",
        "findings[].service.detection.anomaly",
        "findings[].service.detection.sequence.actors",
        "findings[].service.detection.sequence.description",
        "findings[].service.detection.sequence.endpoints",
        "findings[].service.detection.sequence.signals[].description",
        "findings[].service.ebsVolumeScanDetails",
        "findings[].service.runtimeDetails",
    ),
)
