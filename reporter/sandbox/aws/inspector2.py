"""Inspector: findings, reports of them and coverage with filters and pages, which moto only queues; off until it is enabled.

An administrator sees its enabled members' findings, coverage and clusters too. Members are seeded, or associated as moto has it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from moto.moto_api._internal import mock_random
from moto.s3.models import s3_backends

from reporter.sandbox.aws.conformance import Entry, NotConforming, conform, expect
from reporter.sandbox.aws.criteria import values_at
from reporter.sandbox.aws.extend import Call, Extension, entries_answer, refuse
from reporter.sandbox.aws.inspector2_filters import COVERAGE_FIELDS, FINDING_FIELDS, satisfies, sort_findings
from reporter.sandbox.aws.paging import page
from reporter.sandbox.aws.store import STORE

TYPES = ("ec2", "ecr", "lambda", "lambdaCode", "codeRepository")
NOT_ASSOCIATED = frozenset({"CREATED", "REMOVED", "RESIGNED", "DELETED"})


def statuses(account: str, region: str) -> dict[str, Any]:
    return STORE.shelf("inspector2", "status", account, region)


def is_enabled(account: str, region: str) -> bool:
    return any(status not in {"DISABLED", "DISABLING"} for status in statuses(account, region).values())


def require_enabled(call: Call) -> None:
    if not is_enabled(call.account, call.region):
        raise refuse("AccessDeniedException", f"Invoking account does not have access to {call.operation}: Inspector is not enabled.")


def members(call: Call) -> dict[str, Entry]:
    """Account -> its membership, whatever became of it."""
    associated = {member.account_id: Entry.of(member.to_json()) for member in call.backend.list_members()}
    return {**associated, **call.shelf("members")}


def seen(call: Call) -> list[str]:
    """The account itself, then its enabled members."""
    return [call.account, *(account for account, member in members(call).items() if member.wire["relationshipStatus"] == "ENABLED")]


def shelves(call: Call, kind: str) -> list[dict[str, Any]]:
    return [STORE.shelf("inspector2", kind, account, call.region) for account in seen(call)]


def list_members(call: Call) -> Any:
    require_enabled(call)
    everybody = call.params.get("onlyAssociated") is False
    found = [entry for entry in members(call).values() if everybody or entry.wire["relationshipStatus"] not in NOT_ASSOCIATED]
    part, token = page(found, call.params.get("nextToken"), call.params.get("maxResults"), most=50)
    return entries_answer("members", part, nextToken=token)


def list_findings(call: Call) -> Any:
    require_enabled(call)
    criteria = call.params.get("filterCriteria") or {}
    entries = (entry for shelf in shelves(call, "findings") for entry in shelf.values())
    found = [entry for entry in entries if satisfies(entry.wire, criteria, FINDING_FIELDS)]
    found = sort_findings(found, call.params.get("sortCriteria"))
    part, token = page(found, call.params.get("nextToken"), call.params.get("maxResults"), most=100)
    return entries_answer("findings", part, nextToken=token)


def create_findings_report(call: Call) -> dict[str, Any]:
    """Written at once, as one JSON file: a report here is done before anybody asks for it."""
    require_enabled(call)
    if call.params["reportFormat"] != "JSON":
        raise refuse("ValidationException", "The sandbox writes reports as JSON only.")
    identifier = str(mock_random.uuid4())
    criteria, to = call.params.get("filterCriteria") or ACTIVE, call.params["s3Destination"]
    entries = (entry for shelf in shelves(call, "findings") for entry in shelf.values())
    found = [entry.wire for entry in entries if satisfies(entry.wire, criteria, FINDING_FIELDS)]
    holder = bucket_holder(to["bucketName"])
    wrong = unexportable(call.region, to, holder) or ("" if found else "NO_FINDINGS_FOUND")
    if not wrong:
        name = "/".join(part for part in (to.get("keyPrefix", "").strip("/"), f"{identifier}.json") if part)
        holder.put_object(to["bucketName"], name, json.dumps({"findings": found}).encode())
    status = {"status": "FAILED", "errorCode": wrong, "errorMessage": "See the error code."} if wrong else {"status": "SUCCEEDED"}
    call.shelf("reports")[identifier] = {"reportId": identifier, **status, "destination": dict(to), "filterCriteria": criteria}
    return {"reportId": identifier}


def get_findings_report_status(call: Call) -> dict[str, Any]:
    """Of the report that is named, or of the last one."""
    reports, wanted = call.shelf("reports"), call.params.get("reportId")
    found: dict[str, Any] | None = reports.get(wanted) if wanted else next(reversed(reports.values()), None)
    if found is None:
        raise refuse("ResourceNotFoundException", "There is no such report.")
    return found


ACTIVE = {"findingStatus": [{"comparison": "EQUALS", "value": "ACTIVE"}]}


def unexportable(region: str, to: Mapping[str, Any], holder: Any) -> str:
    """Inspector's error code for a place that it cannot write to; "" where it can."""
    if holder is None:
        return "BUCKET_NOT_FOUND"
    if holder.buckets[to["bucketName"]].region_name != region:
        return "INCOMPATIBLE_BUCKET_REGION"
    return "" if to["kmsKeyArn"].split(":")[2:4] == ["kms", region] else "MALFORMED_KMS_KEY"


def bucket_holder(name: str) -> Any:
    """moto's S3 of the account whose bucket it is: Inspector writes into any that allows it. None: there is no such bucket."""
    return next((s3_backends[account]["aws"] for account in s3_backends if name in s3_backends[account]["aws"].buckets), None)


def list_coverage(call: Call) -> Any:
    require_enabled(call)
    part, token = page(covered(call), call.params.get("nextToken"), call.params.get("maxResults"), most=200)
    return entries_answer("coveredResources", part, nextToken=token)


def covered(call: Call) -> list[Entry]:
    criteria = call.params.get("filterCriteria") or {}
    return [entry for shelf in shelves(call, "coverage") for entry in shelf.values() if satisfies(entry.wire, criteria, COVERAGE_FIELDS)]


GROUPS = {
    "SCAN_STATUS_CODE": "scanStatus.statusCode",
    "SCAN_STATUS_REASON": "scanStatus.reason",
    "ACCOUNT_ID": "accountId",
    "RESOURCE_TYPE": "resourceType",
    "ECR_REPOSITORY_NAME": "resourceMetadata.ecrRepository.name",
}


def list_coverage_statistics(call: Call) -> dict[str, Any]:
    require_enabled(call)
    rows = covered(call)
    answer: dict[str, Any] = {"totalCounts": len(rows)}
    group = call.params.get("groupBy")
    if group:
        counts = Counter(str(value) for entry in rows for value in values_at(entry.wire, GROUPS[group])[:1])
        answer["countsByGroup"] = [{"count": count, "groupKey": key} for key, count in sorted(counts.items())]
    return answer


def get_clusters_for_image(call: Call) -> Any:
    require_enabled(call)
    clusters = [entry for shelf in shelves(call, "image_clusters") for entry in shelf.get(call.params["filter"]["resourceId"], [])]
    part, token = page(clusters, call.params.get("nextToken"), call.params.get("maxResults"), most=100)
    return entries_answer("cluster", part, nextToken=token)


def account_state(account: str, region: str) -> dict[str, Any]:
    known = statuses(account, region)
    resources = {name: {"status": known.get(name, "DISABLED"), "errorCode": "ALREADY_ENABLED", "errorMessage": ""} for name in TYPES}
    status = "ENABLED" if is_enabled(account, region) else "DISABLED"
    return {"accountId": account, "state": {"status": status, "errorCode": "ALREADY_ENABLED", "errorMessage": ""}, "resourceState": resources}


def batch_get_account_status(call: Call) -> dict[str, Any]:
    """Of the account itself and its members; every other account fails."""
    accounts = call.params.get("accountIds") or [call.account]
    if len(accounts) > 100:
        raise refuse("ValidationException", "At most 100 account ids may be asked for at once.")
    known = {call.account, *members(call)}
    denied = {"errorCode": "ACCESS_DENIED", "errorMessage": "The account is not a member."}
    return {
        "accounts": [account_state(account, call.region) for account in accounts if account in known],
        "failedAccounts": [{"accountId": account, **denied} for account in accounts if account not in known],
    }


def switch(call: Call, status: str) -> dict[str, Any]:
    names = {name.upper().replace("_", ""): name for name in TYPES}
    wanted = [names[kind.replace("_", "")] for kind in call.params.get("resourceTypes") or ("EC2", "ECR")]
    answer = []
    for account in call.params.get("accountIds") or [call.account]:
        statuses(account, call.region).update(dict.fromkeys(wanted, status))
        state = account_state(account, call.region)
        flat = {name: state["resourceState"][name]["status"] for name in TYPES}
        answer.append({"accountId": account, "status": state["state"]["status"], "resourceStatus": flat})
    return {"accounts": answer, "failedAccounts": []}


def enable(call: Call) -> dict[str, Any]:
    return switch(call, "ENABLED")


def disable(call: Call) -> dict[str, Any]:
    return switch(call, "DISABLED")


def seed_findings(account: str, region: str, items: list[Any]) -> None:
    entries = [conform("inspector2", "Finding", item, f"items[{i}]") for i, item in enumerate(items)]
    STORE.shelf("inspector2", "findings", account, region).update({entry.wire["findingArn"]: entry for entry in entries})


def seed_coverage(account: str, region: str, items: list[Any]) -> None:
    entries = [conform("inspector2", "CoveredResource", item, f"items[{i}]") for i, item in enumerate(items)]
    keys = [f"{entry.wire['accountId']} {entry.wire['resourceId']} {entry.wire['scanType']}" for entry in entries]
    STORE.shelf("inspector2", "coverage", account, region).update(zip(keys, entries, strict=True))


def seed_image_clusters(account: str, region: str, items: list[Any]) -> None:
    shelf = STORE.shelf("inspector2", "image_clusters", account, region)
    for i, item in enumerate(items):
        image = expect(expect(item, dict, f"items[{i}]").get("imageResourceId"), str, f"items[{i}].imageResourceId")
        clusters = expect(item.get("clusters"), list, f"items[{i}].clusters")
        shelf[image] = [conform("inspector2", "ClusterInformation", c, f"items[{i}].clusters[{j}]") for j, c in enumerate(clusters)]


def seed_members(account: str, region: str, items: list[Any]) -> None:
    """An account and its relationship are needed."""
    for i, item in enumerate(items):
        entry = conform("inspector2", "Member", item, f"items[{i}]")
        for name in ("accountId", "relationshipStatus"):
            if not entry.wire.get(name):
                raise NotConforming(f"items[{i}].{name}", "a member has it")
        STORE.shelf("inspector2", "members", account, region)[entry.wire["accountId"]] = entry


STATUSES = ("ENABLING", "ENABLED", "DISABLING", "DISABLED", "SUSPENDING", "SUSPENDED")


def seed_status(account: str, region: str, items: list[Any]) -> None:
    for i, item in enumerate(items):
        for name, status in expect(item, dict, f"items[{i}]").items():
            if name not in TYPES or status not in STATUSES:
                raise NotConforming(f"items[{i}].{name}", f"expected {', '.join(TYPES)} with one of {', '.join(STATUSES)}")
        statuses(account, region).update(item)


EXTENSION = Extension(
    service="inspector2",
    operations={
        "ListFindings": list_findings,
        "CreateFindingsReport": create_findings_report,
        "GetFindingsReportStatus": get_findings_report_status,
        "ListCoverage": list_coverage,
        "ListCoverageStatistics": list_coverage_statistics,
        "ListMembers": list_members,
        "GetClustersForImage": get_clusters_for_image,
        "BatchGetAccountStatus": batch_get_account_status,
        "Enable": enable,
        "Disable": disable,
    },
    kinds={
        "findings": seed_findings,
        "coverage": seed_coverage,
        "image_clusters": seed_image_clusters,
        "members": seed_members,
        "status": seed_status,
    },
)
