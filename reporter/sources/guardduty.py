"""GuardDuty: the detector and every finding of one account and region, archived and sample ones included.

An administrator's detector also holds its members' findings: only this account's own are read here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reporter.clients.aws import AwsReader
from reporter.clients.guardduty_findings import named_resources
from reporter.core.answers import chunks, field
from reporter.core.clock import parse
from reporter.core.errors import NotEnabled, Unavailable
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.findings import GUARDDUTY_DETECTORS, GUARDDUTY_FINDINGS

PAGE = 50
SAMPLE_INSTANCE = "i-99999999"
"""The instance that CreateSampleFindings names; it never exists."""
_STEPS = ((9, "CRITICAL"), (7, "HIGH"), (4, "MEDIUM"))
_CALL = "guardduty GetFindings"


def fetch(reader: AwsReader) -> Rows:
    """The enabled detector and all findings of the account. Raises ScopeProblem: no detector, or only suspended ones -> NotEnabled."""
    identifiers = sorted(reader.items("guardduty", "list_detectors", "DetectorIds", MaxResults=PAGE))
    where = f"{reader.account} {reader.region}"
    if not identifiers:
        raise NotEnabled(f"GuardDuty has no detector in {where}")
    detectors = {identifier: reader.call("guardduty", "get_detector", DetectorId=identifier) for identifier in identifiers}
    enabled = [identifier for identifier in identifiers if field(detectors[identifier], "Status", "guardduty GetDetector") == "ENABLED"]
    if not enabled:
        raise NotEnabled(f"GuardDuty's detector {identifiers[0]} in {where} is suspended")
    detector = enabled[0]  # AWS allows one a region
    found = _findings(reader, detector)
    place = (reader.account, reader.region)
    return {
        GUARDDUTY_DETECTORS.name: [(*place, detector, "ENABLED", _features(detectors[detector]))],
        GUARDDUTY_FINDINGS.name: [place + _finding(finding) for finding in found],
    }


def _features(detector: dict[str, Any]) -> list[str]:
    return sorted({str(feature.get("Name")) for feature in detector.get("Features", []) if feature.get("Status") == "ENABLED"})


def _findings(reader: AwsReader, detector: str) -> list[dict[str, Any]]:
    """GetFindings leaves out what expired since it was listed: that is no error, unless nothing at all of a page came."""
    own = {"Criterion": {"accountId": {"Equals": [reader.account]}}}
    identifiers = dict.fromkeys(reader.items("guardduty", "list_findings", "FindingIds", DetectorId=detector, FindingCriteria=own, MaxResults=PAGE))

    def details(page: Sequence[str]) -> list[dict[str, Any]]:
        asked = set(page)
        answer = reader.call("guardduty", "get_findings", DetectorId=detector, FindingIds=list(page))
        found = [finding for finding in answer.get("Findings", []) if finding.get("Id") in asked]
        if not found:
            raise Unavailable(f"{_CALL} in {reader.account} {reader.region}: broken answer: none of {len(asked)} listed findings came")
        return found

    pages = reader.map(details, chunks(list(identifiers), PAGE))
    by_id = {finding["Id"]: finding for page in pages for finding in page}
    return [finding for finding in by_id.values() if field(finding, "AccountId", _CALL) == reader.account]


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
    permissions=("guardduty:ListDetectors", "guardduty:GetDetector", "guardduty:ListFindings", "guardduty:GetFindings"),
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
