"""GuardDuty: findings and members, which moto does not have. An administrator sees its enabled members' findings too."""

from __future__ import annotations

from collections import Counter
from typing import Any

import moto.backends

from reporter.sandbox.aws.conformance import Entry, conform, expect
from reporter.sandbox.aws.criteria import in_order, matches
from reporter.sandbox.aws.extend import Call, Extension, entries_answer, refuse
from reporter.sandbox.aws.paging import page
from reporter.sandbox.aws.store import STORE

ERROR = "BadRequestException"
PAGE = 50
NOT_ASSOCIATED = frozenset({"Created", "Removed", "Resigned"})


def require_detector(call: Call) -> None:
    if call.params["DetectorId"] not in call.backend.detectors:
        raise refuse(ERROR, "The request is rejected because the input detectorId is not owned by the current account.")


def list_detectors(call: Call) -> dict[str, Any]:
    ids, token = page(list(call.backend.detectors), call.params.get("NextToken"), call.params.get("MaxResults"), most=PAGE, error=ERROR)
    return {"DetectorIds": ids, "NextToken": token}


def shelves(call: Call) -> list[dict[str, Any]]:
    """The account's own findings, then those of its members."""
    members = [entry.wire for entry in call.shelf("members").values()]
    enabled = [member["accountId"] for member in members if member["relationshipStatus"] == "Enabled"]
    return [STORE.shelf("guardduty", "findings", account, call.region) for account in (call.account, *enabled)]


def selected(call: Call) -> list[Entry]:
    criterion = (call.params.get("FindingCriteria") or {}).get("Criterion") or {}
    return [entry for shelf in shelves(call) for entry in shelf.values() if matches(entry.wire, criterion, error=ERROR)]


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
    known = {identifier: entry for shelf in shelves(call) for identifier, entry in shelf.items()}
    found = [known[identifier] for identifier in asked_ids(call) if identifier in known]
    return entries_answer("findings", in_order(found, call.params.get("SortCriteria"), lambda entry: entry.wire))


def get_findings_statistics(call: Call) -> dict[str, Any]:
    require_detector(call)
    counts = Counter(str(float(entry.wire["severity"])) for entry in selected(call))
    return {"FindingStatistics": {"CountBySeverity": dict(sorted(counts.items()))}}


def archive(call: Call, archived: bool) -> dict[str, Any]:
    for identifier in asked_ids(call):
        for shelf in (shelf for shelf in shelves(call) if identifier in shelf):
            wire = shelf[identifier].wire
            shelf[identifier] = Entry.of({**wire, "service": {**(wire.get("service") or {}), "archived": archived}})
    return {}


def archive_findings(call: Call) -> dict[str, Any]:
    return archive(call, archived=True)


def unarchive_findings(call: Call) -> dict[str, Any]:
    return archive(call, archived=False)


def detectors_of(account: str, region: str) -> list[Any]:
    get_backend: Any = moto.backends.get_backend
    return list(get_backend("guardduty")[account][region].detectors.values())


def list_members(call: Call) -> Any:
    require_detector(call)
    everybody = str(call.params.get("OnlyAssociated") or "true").lower() == "false"
    found = [entry.wire for entry in call.shelf("members").values() if everybody or entry.wire["relationshipStatus"] not in NOT_ASSOCIATED]
    detectors = {wire["accountId"]: detectors_of(wire["accountId"], call.region) for wire in found}
    members = [Entry.of({**wire, "detectorId": detectors[wire["accountId"]][0].id} if detectors[wire["accountId"]] else wire) for wire in found]
    part, token = page(members, call.params.get("NextToken"), call.params.get("MaxResults"), most=PAGE, error=ERROR)
    return entries_answer("members", part, nextToken=token)


def get_member_detectors(call: Call) -> Any:
    """What moto knows of each member's own detector."""
    require_detector(call)
    known, unprocessed = [], []
    for account in call.params["AccountIds"]:
        detectors = detectors_of(account, call.region)
        if account in call.shelf("members") and detectors:
            told = detectors[0].to_json()
            known.append(Entry.of({"accountId": account, "dataSources": told["dataSources"], "features": told["features"]}))
        else:
            unprocessed.append({"accountId": account, "result": "The request is rejected because the account is not a member."})
    return entries_answer("members", known, unprocessedAccounts=unprocessed)


def seed_findings(account: str, region: str, items: list[Any]) -> None:
    entries = [conform("guardduty", "Finding", item, f"items[{i}]") for i, item in enumerate(items)]
    STORE.shelf("guardduty", "findings", account, region).update({entry.wire["id"]: entry for entry in entries})


def seed_members(account: str, region: str, items: list[Any]) -> None:
    """An account and its relationship are enough."""
    rest = {"MasterId": account, "Email": "security@example.com", "UpdatedAt": "2026-01-01T00:00:00.000Z"}
    entries = [conform("guardduty", "Member", {**rest, **expect(item, dict, f"items[{i}]")}, f"items[{i}]") for i, item in enumerate(items)]
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
        "GetMemberDetectors": get_member_detectors,
    },
    kinds={"findings": seed_findings, "members": seed_members},
)
