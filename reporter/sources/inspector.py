"""Inspector: what it scans, active findings and coverage of one account and region, and the clusters that run an image with a finding.

A delegated administrator's lists also hold its members' entries: only this account's own are read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from reporter.clients.aws import AwsReader
from reporter.clients.inspector_findings import Finding, Instant, Resource
from reporter.core.answers import field
from reporter.core.clock import parse
from reporter.core.errors import Denied, NotEnabled, Unavailable
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.findings import INSPECTOR_COVERAGE, INSPECTOR_FINDINGS, INSPECTOR_IMAGE_CLUSTERS, INSPECTOR_STATUS

PAGE = 100
COVERAGE_PAGE = 200
INSTANCE = "AWS_EC2_INSTANCE"
IMAGE = "AWS_ECR_CONTAINER_IMAGE"
_DIGEST = re.compile(r"sha256:[0-9a-fA-F]+")
_LIST = "inspector2 ListFindings"


def fetch(reader: AwsReader) -> Rows:
    """All four tables. Raises ScopeProblem: NotEnabled where the account's status is DISABLED or SUSPENDED."""
    status = _status(reader)
    findings = reader.items("inspector2", "list_findings", "findings", filterCriteria=_own(reader, "awsAccountId", active=True), maxResults=PAGE)
    covered = reader.items("inspector2", "list_coverage", "coveredResources", filterCriteria=_own(reader, "accountId"), maxResults=COVERAGE_PAGE)
    rows = _finding_rows(reader, findings)
    images = sorted({row[9] for row in rows if row[8] == IMAGE})
    clusters = reader.map(lambda image: _clusters(reader, image), images)
    return {
        INSPECTOR_STATUS.name: [status],
        INSPECTOR_FINDINGS.name: rows,
        INSPECTOR_COVERAGE.name: _coverage_rows(reader, covered),
        INSPECTOR_IMAGE_CLUSTERS.name: [row for found in clusters for row in found],
    }


def _own(reader: AwsReader, name: str, *, active: bool = False) -> dict[str, Any]:
    criteria = {name: [{"comparison": "EQUALS", "value": reader.account}]}
    if active:
        criteria["findingStatus"] = [{"comparison": "EQUALS", "value": "ACTIVE"}]
    return criteria


def _status(reader: AwsReader) -> Row:
    answer = reader.call("inspector2", "batch_get_account_status", accountIds=[reader.account])
    where = f"inspector2:BatchGetAccountStatus in {reader.account} {reader.region}"
    for refused in answer.get("failedAccounts", []):
        if refused.get("accountId") == reader.account:
            code, message = refused.get("errorCode", ""), refused.get("errorMessage", "")
            if "DENIED" in code:
                raise Denied(f"{where}: {code}: {message}", permission="inspector2:BatchGetAccountStatus")
            raise Unavailable(f"{where}: {code}: {message}")
    account = next((entry for entry in answer.get("accounts", []) if entry.get("accountId") == reader.account), None)
    if account is None:
        raise Unavailable(f"{where}: broken answer: it does not name the account")
    status = field(account.get("state", {}), "status", where)
    if status in ("DISABLED", "SUSPENDED"):
        raise NotEnabled(f"Inspector is {status.lower()} in {reader.account} {reader.region}")
    parts = account.get("resourceState", {})
    return (reader.account, reader.region, *(parts.get(name, {}).get("status") for name in ("ec2", "ecr", "lambda")))


def _finding_rows(reader: AwsReader, findings: Iterable[Finding]) -> list[Row]:
    """One row per finding and resource; where a list that changes under the reader shows one twice, the later stands."""
    rows: dict[tuple[str, str], Row] = {}
    for finding in findings:
        if finding.awsAccountId not in (None, reader.account) or finding.status not in (None, "ACTIVE"):
            continue
        if not finding.resources:
            raise Unavailable(f"{_LIST}: a finding without resources: {finding.findingArn[:200]}")
        package = finding.packageVulnerabilityDetails
        first = _instant(finding.firstObservedAt)
        last = _instant(finding.lastObservedAt)
        if first is None:
            raise Unavailable(f"{_LIST}: a finding without firstObservedAt: {finding.findingArn[:200]}")
        before = (
            reader.account,
            reader.region,
            finding.findingArn,
            finding.type,
            finding.severity.upper(),
            finding.title,
            _identifier(package.vulnerabilityId) if package and package.vulnerabilityId else None,
            sorted({_identifier(other) for other in package.relatedVulnerabilities or ()} if package else ()),
        )
        after = (
            finding.inspectorScore,
            None if finding.exploitAvailable is None else finding.exploitAvailable == "YES",
            finding.fixAvailable,
            sorted({f"{p.name or ''} {p.version or ''}".strip() for p in package.vulnerablePackages or ()} if package else ()),
            first,
            last,
            _instant(finding.updatedAt) or last or first,
        )
        for resource in finding.resources:
            identifier = _resource_id(resource.type, resource.id)
            rows[(finding.findingArn, identifier)] = (*before, resource.type, identifier, _digest(resource), *after)
    return list(rows.values())


def _identifier(text: str) -> str:
    """CVE ids upper-cased; a vendor's own id as it is."""
    plain = text.strip()
    return plain.upper() if plain.lower().startswith("cve-") else plain


def _resource_id(kind: str, identifier: str) -> str:
    return identifier.lower() if kind == INSTANCE else identifier


def _digest(resource: Resource) -> str | None:
    if resource.type != IMAGE:
        return None
    image = resource.details.awsEcrContainerImage if resource.details else None
    match = _DIGEST.search(resource.id) or _DIGEST.search((image.imageHash if image else None) or "")
    return match[0].lower() if match else None


def _instant(value: Instant) -> datetime | None:
    if value is None:
        return None
    try:
        return parse(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Unavailable(f"{_LIST}: no instant: {str(value)[:40]!r}") from error


def _coverage_rows(reader: AwsReader, covered: Iterable[dict[str, Any]]) -> list[Row]:
    rows: dict[tuple[str, str, str], Row] = {}
    what = "inspector2 ListCoverage"
    for resource in covered:
        if field(resource, "accountId", what) != reader.account:
            continue
        kind, scan = field(resource, "resourceType", what), field(resource, "scanType", what)
        identifier = _resource_id(kind, field(resource, "resourceId", what))
        status = resource.get("scanStatus", {})
        rows[(kind, identifier, scan)] = (
            reader.account,
            reader.region,
            kind,
            identifier,
            scan,
            field(status, "statusCode", what),
            status.get("reason"),
        )
    return list(rows.values())


def _clusters(reader: AwsReader, image: str) -> list[Row]:
    """Where Inspector saw the image: needed for images whose digest no ECS task shows."""
    found = reader.items("inspector2", "get_clusters_for_image", "cluster", filter={"resourceId": image})
    running: dict[tuple[str, str | None], int | None] = {}
    for cluster in found:
        arn = field(cluster, "clusterArn", "inspector2 GetClustersForImage")
        for details in cluster.get("clusterDetails") or [{}]:
            definition = details.get("clusterMetadata", {}).get("awsEcsMetadataDetails", {}).get("taskDefinitionArn")
            units, before = details.get("runningUnitCount"), running.get((arn, definition))
            running[(arn, definition)] = before if units is None else units + (before or 0)
    return [(reader.account, reader.region, image, arn, definition, units) for (arn, definition), units in running.items()]


SOURCE = Source(
    name="inspector",
    tables=(INSPECTOR_STATUS, INSPECTOR_FINDINGS, INSPECTOR_COVERAGE, INSPECTOR_IMAGE_CLUSTERS),
    permissions=(
        "inspector2:BatchGetAccountStatus",
        "inspector2:ListFindings",
        "inspector2:ListCoverage",
        "inspector2:GetClustersForImage",
    ),
    reach=Reach.REGIONAL,
    fetch=fetch,
)
