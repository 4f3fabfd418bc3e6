"""Inspector: findings and coverage with filters and pages, which moto only queues; off until it is enabled."""

from __future__ import annotations

from collections import Counter
from typing import Any

from reporter.sandbox.aws.conformance import Entry, NotConforming, conform, expect
from reporter.sandbox.aws.criteria import values_at
from reporter.sandbox.aws.extend import Call, Extension, entries_answer, refuse
from reporter.sandbox.aws.inspector2_filters import COVERAGE_FIELDS, FINDING_FIELDS, satisfies, sort_findings
from reporter.sandbox.aws.paging import page
from reporter.sandbox.aws.store import STORE

TYPES = ("ec2", "ecr", "lambda", "lambdaCode", "codeRepository")


def statuses(account: str, region: str) -> dict[str, Any]:
    return STORE.shelf("inspector2", "status", account, region)


def is_enabled(account: str, region: str) -> bool:
    return any(status not in {"DISABLED", "DISABLING"} for status in statuses(account, region).values())


def require_enabled(call: Call) -> None:
    if not is_enabled(call.account, call.region):
        raise refuse("AccessDeniedException", f"Invoking account does not have access to {call.operation}: Inspector is not enabled.")


def list_findings(call: Call) -> Any:
    require_enabled(call)
    criteria = call.params.get("filterCriteria") or {}
    found = [entry for entry in call.shelf("findings").values() if satisfies(entry.wire, criteria, FINDING_FIELDS)]
    found = sort_findings(found, call.params.get("sortCriteria"))
    part, token = page(found, call.params.get("nextToken"), call.params.get("maxResults"), most=100)
    return entries_answer("findings", part, nextToken=token)


def list_coverage(call: Call) -> Any:
    require_enabled(call)
    part, token = page(covered(call), call.params.get("nextToken"), call.params.get("maxResults"), most=200)
    return entries_answer("coveredResources", part, nextToken=token)


def covered(call: Call) -> list[Entry]:
    criteria = call.params.get("filterCriteria") or {}
    return [entry for entry in call.shelf("coverage").values() if satisfies(entry.wire, criteria, COVERAGE_FIELDS)]


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
    clusters = call.shelf("image_clusters").get(call.params["filter"]["resourceId"], [])
    part, token = page(clusters, call.params.get("nextToken"), call.params.get("maxResults"), most=100)
    return entries_answer("cluster", part, nextToken=token)


def account_state(account: str, region: str) -> dict[str, Any]:
    known = statuses(account, region)
    resources = {name: {"status": known.get(name, "DISABLED"), "errorCode": "ALREADY_ENABLED", "errorMessage": ""} for name in TYPES}
    status = "ENABLED" if is_enabled(account, region) else "DISABLED"
    return {"accountId": account, "state": {"status": status, "errorCode": "ALREADY_ENABLED", "errorMessage": ""}, "resourceState": resources}


def batch_get_account_status(call: Call) -> dict[str, Any]:
    accounts = call.params.get("accountIds") or [call.account]
    if len(accounts) > 100:
        raise refuse("ValidationException", "At most 100 account ids may be asked for at once.")
    return {"accounts": [account_state(account, call.region) for account in accounts], "failedAccounts": []}


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
        "ListCoverage": list_coverage,
        "ListCoverageStatistics": list_coverage_statistics,
        "GetClustersForImage": get_clusters_for_image,
        "BatchGetAccountStatus": batch_get_account_status,
        "Enable": enable,
        "Disable": disable,
    },
    kinds={"findings": seed_findings, "coverage": seed_coverage, "image_clusters": seed_image_clusters, "status": seed_status},
)
