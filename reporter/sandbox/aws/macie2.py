"""Macie: off until it is enabled, and findings and members, which moto does not have. An administrator sees its members' findings too."""

from __future__ import annotations

from typing import Any

from reporter.sandbox.aws.conformance import NotConforming, conform, expect
from reporter.sandbox.aws.criteria import in_order, matches
from reporter.sandbox.aws.extend import Call, Extension, entries_answer, refuse
from reporter.sandbox.aws.paging import page
from reporter.sandbox.aws.store import STORE

ERROR = "ValidationException"
SESSION = "session"
STATUSES = ("ENABLED", "PAUSED", "DISABLED")
CURRENT = frozenset({"Enabled", "Paused"})
BEGINNING = "2024-01-01T00:00:00.000Z"


def require_enabled(call: Call) -> dict[str, Any]:
    session: dict[str, Any] = call.shelf(SESSION)
    if session.get("status", "DISABLED") == "DISABLED":
        raise refuse("AccessDeniedException", "Macie is not enabled.")
    return session


def get_macie_session(call: Call) -> dict[str, Any]:
    session = require_enabled(call)
    role = f"arn:aws:iam::{call.account}:role/aws-service-role/macie.amazonaws.com/AWSServiceRoleForAmazonMacie"
    return {
        "createdAt": BEGINNING,
        "updatedAt": BEGINNING,
        "findingPublishingFrequency": session.get("frequency") or "FIFTEEN_MINUTES",
        "serviceRole": role,
        "status": session["status"],
    }


def enable_macie(call: Call) -> dict[str, Any]:
    session = call.shelf(SESSION)
    if session.get("status", "DISABLED") != "DISABLED":
        raise refuse("ConflictException", "Macie has already been enabled.")
    session.update(status=call.params.get("status") or "ENABLED", frequency=call.params.get("findingPublishingFrequency"))
    return {}


def update_macie_session(call: Call) -> dict[str, Any]:
    session = require_enabled(call)
    changed = {"status": call.params.get("status"), "frequency": call.params.get("findingPublishingFrequency")}
    session.update({key: value for key, value in changed.items() if value})
    return {}


def disable_macie(call: Call) -> dict[str, Any]:
    require_enabled(call)
    call.shelf(SESSION).clear()
    call.shelf("findings").clear()
    return {}


def shelves(call: Call) -> list[dict[str, Any]]:
    """The account's own findings, then those of its members."""
    members = [entry.wire for entry in call.shelf("members").values()]
    seen = [member["accountId"] for member in members if member["relationshipStatus"] in CURRENT]
    return [STORE.shelf("macie2", "findings", account, call.region) for account in (call.account, *seen)]


def list_members(call: Call) -> Any:
    require_enabled(call)
    everybody = str(call.params.get("onlyAssociated") or "true").lower() == "false"
    members = [entry for entry in call.shelf("members").values() if everybody or entry.wire["relationshipStatus"] in CURRENT]
    part, token = page(members, call.params.get("nextToken"), call.params.get("maxResults"), most=25, error=ERROR)
    return entries_answer("members", part, nextToken=token)


def list_findings(call: Call) -> dict[str, Any]:
    require_enabled(call)
    criterion = (call.params.get("findingCriteria") or {}).get("criterion") or {}
    found = [entry for shelf in shelves(call) for entry in shelf.values() if matches(entry.wire, criterion, error=ERROR)]
    found = in_order(found, call.params.get("sortCriteria"), lambda entry: entry.wire)
    part, token = page(found, call.params.get("nextToken"), call.params.get("maxResults"), most=50, error=ERROR)
    return {"findingIds": [entry.wire["id"] for entry in part], "nextToken": token}


def get_findings(call: Call) -> Any:
    require_enabled(call)
    ids = call.params["findingIds"]
    if len(ids) > 50:
        raise refuse(ERROR, f"The request has {len(ids)} finding ids; at most 50 are allowed.")
    known = {identifier: entry for shelf in shelves(call) for identifier, entry in shelf.items()}
    found = [known[identifier] for identifier in ids if identifier in known]
    return entries_answer("findings", in_order(found, call.params.get("sortCriteria"), lambda entry: entry.wire))


def seed_findings(account: str, region: str, items: list[Any]) -> None:
    entries = [conform("macie2", "Finding", item, f"items[{i}]") for i, item in enumerate(items)]
    STORE.shelf("macie2", "findings", account, region).update({entry.wire["id"]: entry for entry in entries})


def seed_members(account: str, region: str, items: list[Any]) -> None:
    """An account and its relationship are needed."""
    for i, item in enumerate(items):
        entry = conform("macie2", "Member", item, f"items[{i}]")
        for name in ("accountId", "relationshipStatus"):
            if not entry.wire.get(name):
                raise NotConforming(f"items[{i}].{name}", "a member has it")
        STORE.shelf("macie2", "members", account, region)[entry.wire["accountId"]] = entry


def seed_session(account: str, region: str, items: list[Any]) -> None:
    for i, item in enumerate(items):
        status = expect(item, dict, f"items[{i}]").get("status")
        if status not in STATUSES or set(item) != {"status"}:
            raise NotConforming(f"items[{i}].status", f"expected only a status, one of {', '.join(STATUSES)}")
        STORE.shelf("macie2", SESSION, account, region).update(status=status)


EXTENSION = Extension(
    service="macie2",
    operations={
        "GetMacieSession": get_macie_session,
        "EnableMacie": enable_macie,
        "UpdateMacieSession": update_macie_session,
        "DisableMacie": disable_macie,
        "ListFindings": list_findings,
        "GetFindings": get_findings,
        "ListMembers": list_members,
    },
    kinds={"findings": seed_findings, "members": seed_members, "session": seed_session},
)
