"""Inspector: what it scans, active findings and coverage of one account and region, its own count of the instances it covers, and the
clusters that run an image with a finding.

A delegated administrator's lists also hold its members' entries: only this account's own are read here. Where the schedule says so, they are
read once for the administrator and all its members; who is one is what ListMembers says. An account that is no member, or for which Inspector is
not on at the administrator, is read with its own role. Where the schedule names a bucket for it, findings come from a report that Inspector makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from reporter.clients.aws import AwsReader
from reporter.clients.aws_parts import Part, known, outcome
from reporter.clients.inspector_findings import Finding, Instant, Resource
from reporter.clients.inspector_report import exported
from reporter.core.answers import chunks, field
from reporter.core.clock import service_time
from reporter.core.errors import Denied, NotEnabled, ScopeProblem, Unavailable
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.evidence import COUNTS
from reporter.tables.findings import INSPECTOR_COVERAGE, INSPECTOR_FINDINGS, INSPECTOR_IMAGE_CLUSTERS, INSPECTOR_STATUS

PAGE = 100
COVERAGE_PAGE = 200
STATUS_PAGE = 100
MEMBERS_PAGE = 50
INSTANCE = "AWS_EC2_INSTANCE"
IMAGE = "AWS_ECR_CONTAINER_IMAGE"
_DIGEST = re.compile(r"sha256:[0-9a-fA-F]+")
_LIST = "inspector2 ListFindings"
_COVERAGE = "inspector2 ListCoverage"


def fetch(reader: AwsReader) -> Rows:
    """All four tables. Raises ScopeProblem: NotEnabled where the account's status is DISABLED or SUSPENDED."""
    return reader.part(_read)


def _read(reader: AwsReader) -> dict[str, Part]:
    standing = _standing(reader)
    own = standing[reader.account]
    if isinstance(own, NotEnabled):
        raise own
    scanned = [account for account, row in standing.items() if not isinstance(row, ScopeProblem)]
    lists = outcome(lambda: _lists(reader)) if scanned else ({}, {})
    counted = outcome(lambda: _counts(reader)) if scanned and not (reader.only or reader.finding) else None

    def part(account: str) -> Rows:
        status = known(standing[account])
        findings, covered = known(lists)
        found = findings.pop(account, None)
        rows = found.rows() if found else []
        images = sorted({row[9] for row in rows if row[8] == IMAGE})
        clusters = reader.map(lambda image: _clusters(reader, account, image), images)
        return {
            INSPECTOR_STATUS.name: [status],
            INSPECTOR_FINDINGS.name: rows,
            INSPECTOR_COVERAGE.name: _coverage_rows(account, reader.region, covered.pop(account, [])),
            COUNTS.name: [] if counted is None else [(account, reader.region, "inspector", *_count(counted, account))],
            INSPECTOR_IMAGE_CLUSTERS.name: [row for found in clusters for row in found],
        }

    return {account: outcome(partial(part, account)) for account in reader.accounts}


def _standing(reader: AwsReader) -> dict[str, Row | ScopeProblem]:
    """Account -> its status row, or why there is none. Only the administrator and its members are asked for."""
    listed = outcome(lambda: _members(reader))
    strangers = {account: problem for account in reader.members if (problem := _stranger(reader, listed, account)) is not None}
    asked = [account for account in reader.accounts if account not in strangers]
    told = {account: row for page in chunks(asked, STATUS_PAGE) for account, row in _status(reader, page).items()}
    return {**strangers, **told}


def _members(reader: AwsReader) -> dict[str, str]:
    """Account -> its relationship with the administrator."""
    if not reader.members:
        return {}
    what = "inspector2 ListMembers"
    listed = reader.items("inspector2", "list_members", "members", onlyAssociated=True, maxResults=MEMBERS_PAGE)
    return {field(member, "accountId", what): field(member, "relationshipStatus", what) for member in listed}


def _stranger(reader: AwsReader, listed: dict[str, str] | ScopeProblem, account: str) -> ScopeProblem | None:
    """Why the administrator cannot speak for an account; None for a member."""
    if isinstance(listed, ScopeProblem):
        return listed
    relationship = listed.get(account)
    if relationship == "ENABLED":
        return None
    return reader.no_member(account, f"its relationship is {relationship}" if relationship else "ListMembers does not name it")


def _lists(reader: AwsReader) -> tuple[dict[str, _Findings], dict[str, list[dict[str, Any]]]]:
    """Active findings and coverage, each by account."""
    alone = not reader.members
    one = {"findingArn": [{"comparison": "EQUALS", "value": reader.finding}]} if reader.finding else {}
    active = {"findingStatus": [{"comparison": "EQUALS", "value": "ACTIVE"}]}
    criteria = {**_own(reader, "awsAccountId"), **one, **active} if alone else active
    findings: Iterable[Finding]
    if reader.export is not None and not (reader.only or reader.finding):
        findings = exported(reader, reader.export, criteria)
    else:
        findings = reader.each("inspector2", "list_findings", "findings", filterCriteria=criteria, maxResults=PAGE)
    by_account = {account: _Findings(account, reader.region) for account in reader.accounts}
    for finding in findings:
        owner = finding.awsAccountId or (reader.account if alone else None)
        if owner is None:
            raise Unavailable(f"{_LIST}: a finding without awsAccountId: {finding.findingArn[:200]}")
        if owner in by_account:
            by_account[owner].add(finding)
    coverage: dict[str, Any] = {"filterCriteria": _own(reader, "accountId")} if alone else {}
    covered = [] if reader.finding else reader.items("inspector2", "list_coverage", "coveredResources", maxResults=COVERAGE_PAGE, **coverage)
    covered_by: dict[str, list[dict[str, Any]]] = {}
    for resource in covered:
        covered_by.setdefault(field(resource, "accountId", _COVERAGE), []).append(resource)
    return by_account, covered_by


def _counts(reader: AwsReader) -> dict[str, int]:
    """Account -> entries of its coverage that are of instances, as Inspector counts them itself."""
    what = "inspector2 ListCoverageStatistics"
    criteria = {"resourceType": [{"comparison": "EQUALS", "value": INSTANCE}], **({} if reader.members else _own(reader, "accountId"))}
    counts = reader.items("inspector2", "list_coverage_statistics", "countsByGroup", filterCriteria=criteria, groupBy="ACCOUNT_ID")
    return {field(count, "groupKey", what): int(field(count, "count", what)) for count in counts}


def _count(counted: dict[str, int] | ScopeProblem, account: str) -> tuple[int | None, str | None]:
    """The count, or why there is none: that takes nothing from what was listed."""
    if isinstance(counted, ScopeProblem):
        return None, f"{counted.message}; grant {counted.permission}" if counted.permission else counted.message
    return counted.get(account, 0), None


def _own(reader: AwsReader, name: str) -> dict[str, Any]:
    return {name: [{"comparison": "EQUALS", "value": reader.account}]}


def _status(reader: AwsReader, accounts: list[str]) -> dict[str, Row | ScopeProblem]:
    """Account -> its row, or why it has none."""
    answer = reader.call("inspector2", "batch_get_account_status", accountIds=accounts)
    return {account: outcome(partial(_status_row, reader, answer, account)) for account in accounts}


def _status_row(reader: AwsReader, answer: dict[str, Any], identifier: str) -> Row:
    """Raises NotAMember for a member that is off or refused here: only its own answer decides."""
    where, member = f"inspector2:BatchGetAccountStatus in {reader.account} {reader.region}", identifier != reader.account
    for refused in answer.get("failedAccounts", []):
        if refused.get("accountId") == identifier:
            code, message = refused.get("errorCode", ""), refused.get("errorMessage", "")
            if member:
                raise reader.no_member(identifier, f"{code}: {message}")
            if "DENIED" in code:
                raise Denied(f"{where}: {code}: {message}", permission="inspector2:BatchGetAccountStatus")
            raise Unavailable(f"{where}: {code}: {message}")
    account = next((entry for entry in answer.get("accounts", []) if entry.get("accountId") == identifier), None)
    if account is None:
        raise Unavailable(f"{where}: broken answer: it does not name the account {identifier}")
    status = field(account.get("state", {}), "status", where)
    if status in ("DISABLED", "SUSPENDED"):
        off = f"Inspector is {status.lower()} in {identifier} {reader.region}"
        raise reader.no_member(identifier, off) if member else NotEnabled(off)
    parts = account.get("resourceState", {})
    return (identifier, reader.region, *(parts.get(name, {}).get("status") for name in ("ec2", "ecr", "lambda")))


class _Findings:
    """The rows of one account, made as its findings come: one per finding and resource; where a list that changes under the reader shows one twice,
    the later stands. What repeats is one object, so that a large account's rows are small."""

    def __init__(self, account: str, region: str) -> None:
        self._place = (account, region)
        self._rows: dict[tuple[str, str], Row] = {}
        self._broken: Unavailable | None = None
        self._texts: dict[str | None, str | None] = {}
        self._lists: dict[tuple[str, ...], list[str]] = {}

    def rows(self) -> list[Row]:
        """Raises Unavailable where one of its findings is broken."""
        if self._broken is not None:
            raise self._broken
        return list(self._rows.values())

    def add(self, finding: Finding) -> None:
        """One more. The first that is broken is the account's problem."""
        if self._broken is None and finding.status in (None, "ACTIVE"):
            try:
                self._add(finding)
            except Unavailable as problem:
                self._broken = problem

    def _add(self, finding: Finding) -> None:
        if not finding.resources:
            raise Unavailable(f"{_LIST}: a finding without resources: {finding.findingArn[:200]}")
        package = finding.packageVulnerabilityDetails
        first = _instant(finding.firstObservedAt)
        last = _instant(finding.lastObservedAt)
        if first is None:
            raise Unavailable(f"{_LIST}: a finding without firstObservedAt: {finding.findingArn[:200]}")
        before = (
            *self._place,
            finding.findingArn,
            self._one(finding.type),
            self._one(finding.severity.upper()),
            self._one(finding.title),
            self._one(_identifier(package.vulnerabilityId) if package and package.vulnerabilityId else None),
            self._list({_identifier(other) for other in package.relatedVulnerabilities or ()} if package else ()),
        )
        after = (
            finding.inspectorScore,
            None if finding.exploitAvailable is None else finding.exploitAvailable == "YES",
            self._one(finding.fixAvailable),
            self._list({f"{p.name or ''} {p.version or ''}".strip() for p in package.vulnerablePackages or ()} if package else ()),
            first,
            last,
            _instant(finding.updatedAt) or last or first,
        )
        for resource in finding.resources:
            identifier = _resource_id(resource.type, resource.id)
            row = (*before, self._one(resource.type), self._one(identifier), self._one(_digest(resource)), *after)
            self._rows[(finding.findingArn, identifier)] = row

    def _one(self, text: str | None) -> str | None:
        return self._texts.setdefault(text, text)

    def _list(self, texts: Iterable[str]) -> list[str]:
        listed = tuple(sorted(texts))
        return self._lists.setdefault(listed, list(listed))


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
        return service_time(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Unavailable(f"{_LIST}: no instant: {str(value)[:40]!r}") from error


def _coverage_rows(account: str, region: str, covered: Iterable[dict[str, Any]]) -> list[Row]:
    rows: dict[tuple[str, str, str], Row] = {}
    what = _COVERAGE
    for resource in covered:
        kind, scan = field(resource, "resourceType", what), field(resource, "scanType", what)
        identifier = _resource_id(kind, field(resource, "resourceId", what))
        status = resource.get("scanStatus", {})
        rows[(kind, identifier, scan)] = (
            account,
            region,
            kind,
            identifier,
            scan,
            field(status, "statusCode", what),
            status.get("reason"),
        )
    return list(rows.values())


def _clusters(reader: AwsReader, account: str, image: str) -> list[Row]:
    """Where Inspector saw the image: needed for images whose digest no ECS task shows."""
    found = reader.items("inspector2", "get_clusters_for_image", "cluster", filter={"resourceId": image})
    running: dict[tuple[str, str | None], int | None] = {}
    for cluster in found:
        arn = field(cluster, "clusterArn", "inspector2 GetClustersForImage")
        for details in cluster.get("clusterDetails") or [{}]:
            definition = details.get("clusterMetadata", {}).get("awsEcsMetadataDetails", {}).get("taskDefinitionArn")
            units, before = details.get("runningUnitCount"), running.get((arn, definition))
            running[(arn, definition)] = before if units is None else units + (before or 0)
    return [(account, reader.region, image, arn, definition, units) for (arn, definition), units in running.items()]


SOURCE = Source(
    name="inspector",
    tables=(INSPECTOR_STATUS, INSPECTOR_FINDINGS, INSPECTOR_COVERAGE, INSPECTOR_IMAGE_CLUSTERS, COUNTS),
    permissions=(
        "inspector2:BatchGetAccountStatus",
        "inspector2:ListFindings",
        "inspector2:ListCoverage",
        "inspector2:ListCoverageStatistics",
        "inspector2:GetClustersForImage",
        "inspector2:ListMembers",
    ),
    reach=Reach.REGIONAL,
    fetch=fetch,
)
