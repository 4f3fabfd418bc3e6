"""GuardDuty: findings and members, which moto does not have."""

from __future__ import annotations

from collections import Counter
from typing import Any

from reporter.sandbox.aws.conformance import Entry, conform
from reporter.sandbox.aws.criteria import in_order, matches
from reporter.sandbox.aws.extend import Call, Extension, entries_answer, refuse
from reporter.sandbox.aws.paging import page
from reporter.sandbox.aws.store import STORE

ERROR = "BadRequestException"
PAGE = 50


def require_detector(call: Call) -> None:
    if call.params["DetectorId"] not in call.backend.detectors:
        raise refuse(ERROR, "The request is rejected because the input detectorId is not owned by the current account.")


def list_detectors(call: Call) -> dict[str, Any]:
    ids, token = page(list(call.backend.detectors), call.params.get("NextToken"), call.params.get("MaxResults"), most=PAGE, error=ERROR)
    return {"DetectorIds": ids, "NextToken": token}


def selected(call: Call) -> list[Entry]:
    criterion = (call.params.get("FindingCriteria") or {}).get("Criterion") or {}
    return [entry for entry in call.shelf("findings").values() if matches(entry.wire, criterion, error=ERROR)]


def list_findings(call: Call) -> dict[str, Any]:
    require_detector(call)
    found = in_order(selected(call), call.params.get("SortCriteria"), lambda entry: entry.wire)
    part, token = page(found, call.params.get("NextToken"), call.params.get("MaxResults"), most=PAGE, error=ERROR)
    return {"FindingIds": [entry.wire["id"] for entry in part], "NextToken": token or ""}


def asked_ids(call: Call) -> list[str]:
    require_detector(call)
    ids: list[str] = call.params["FindingIds"]
    if len(ids) > PAGE:
        raise refuse(ERROR, f"The request is rejected because {len(ids)} finding ids are more than the allowed {PAGE}.")
    return ids


def get_findings(call: Call) -> Any:
    shelf = call.shelf("findings")
    found = [shelf[identifier] for identifier in asked_ids(call) if identifier in shelf]
    return entries_answer("findings", in_order(found, call.params.get("SortCriteria"), lambda entry: entry.wire))


def get_findings_statistics(call: Call) -> dict[str, Any]:
    require_detector(call)
    counts = Counter(str(float(entry.wire["severity"])) for entry in selected(call))
    return {"FindingStatistics": {"CountBySeverity": dict(sorted(counts.items()))}}


def archive(call: Call, archived: bool) -> dict[str, Any]:
    shelf = call.shelf("findings")
    for identifier in asked_ids(call):
        if identifier in shelf:
            wire = shelf[identifier].wire
            shelf[identifier] = Entry.of({**wire, "service": {**(wire.get("service") or {}), "archived": archived}})
    return {}


def archive_findings(call: Call) -> dict[str, Any]:
    return archive(call, archived=True)


def unarchive_findings(call: Call) -> dict[str, Any]:
    return archive(call, archived=False)


def list_members(call: Call) -> Any:
    require_detector(call)
    members = list(call.shelf("members").values())
    part, token = page(members, call.params.get("NextToken"), call.params.get("MaxResults"), most=PAGE, error=ERROR)
    return entries_answer("members", part, nextToken=token)


def seed_findings(account: str, region: str, items: list[Any]) -> None:
    entries = [conform("guardduty", "Finding", item, f"items[{i}]") for i, item in enumerate(items)]
    STORE.shelf("guardduty", "findings", account, region).update({entry.wire["id"]: entry for entry in entries})


def seed_members(account: str, region: str, items: list[Any]) -> None:
    entries = [conform("guardduty", "Member", item, f"items[{i}]") for i, item in enumerate(items)]
    STORE.shelf("guardduty", "members", account, region).update({entry.wire["accountId"]: entry for entry in entries})


EXTENSION = Extension(
    service="guardduty",
    operations={
        "ListDetectors": list_detectors,
        "ListFindings": list_findings,
        "GetFindings": get_findings,
        "GetFindingsStatistics": get_findings_statistics,
        "ArchiveFindings": archive_findings,
        "UnarchiveFindings": unarchive_findings,
        "ListMembers": list_members,
    },
    kinds={"findings": seed_findings, "members": seed_members},
)
