"""Organizations: accounts with their place in the tree, and the service and resource control policies with their targets.

A caller that is in no organisation has no rows, and that is an answer.
"""

from __future__ import annotations

from typing import Any

from reporter.clients.aws import AwsReader
from reporter.core.answers import field, policy_document
from reporter.core.errors import Unavailable
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.aws import ORGANIZATION_ACCOUNTS, ORGANIZATION_POLICIES

KINDS = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
_NONE = ("AWSOrganizationsNotInUseException",)


def fetch(reader: AwsReader) -> Rows:
    """Both tables. Raises ScopeProblem."""
    answer = reader.call("organizations", "describe_organization", absent=_NONE)
    if not answer:
        return {ORGANIZATION_ACCOUNTS.name: [], ORGANIZATION_POLICIES.name: []}
    what = "organizations DescribeOrganization"
    management = field(field(answer, "Organization", what), "MasterAccountId", what)
    roots = reader.items("organizations", "list_roots", "Roots")
    enabled = {kind.get("Type") for root in roots for kind in root.get("PolicyTypes", []) if kind.get("Status") == "ENABLED"}
    policies = [
        (kind, summary)
        for kind in KINDS
        if kind in enabled
        for summary in reader.items("organizations", "list_policies", "Policies", absent=("PolicyTypeNotEnabledException",), Filter=kind)
    ]
    place = (reader.account, reader.region)
    return {
        ORGANIZATION_ACCOUNTS.name: [place + row for row in _accounts(reader, roots, management)],
        ORGANIZATION_POLICIES.name: [place + row for rows in reader.map(lambda policy: _policy(reader, *policy), policies) for row in rows],
    }


def _accounts(reader: AwsReader, roots: list[dict[str, Any]], management: str) -> list[Row]:
    """The tree level by level: two lists for each root and organisational unit, which is fewer calls than one for each account."""
    level: list[tuple[str, ...]] = [(field(root, "Id", "organizations ListRoots"),) for root in roots]
    rows: list[Row] = []
    seen: set[str] = set()
    while level:
        seen.update(path[-1] for path in level)
        below = reader.map(lambda path: _children(reader, path[-1]), level)
        for path, (accounts, _) in zip(level, below, strict=True):
            rows.extend(_account(account, path, management) for account in accounts)
        level = [(*path, unit) for path, (_, units) in zip(level, below, strict=True) for unit in units if unit not in seen]
    return rows


def _children(reader: AwsReader, parent: str) -> tuple[list[dict[str, Any]], list[str]]:
    accounts = reader.items("organizations", "list_accounts_for_parent", "Accounts", ParentId=parent)
    units = reader.items("organizations", "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=parent)
    return accounts, [field(unit, "Id", "organizations ListOrganizationalUnitsForParent") for unit in units]


def _account(account: dict[str, Any], path: tuple[str, ...], management: str) -> Row:
    what = "organizations ListAccountsForParent"
    identifier = field(account, "Id", what)
    return (
        identifier,
        account.get("Name") or "",
        account.get("State") or field(account, "Status", what),  # State takes the place of Status
        identifier == management,
        [*path, identifier],
    )


def _policy(reader: AwsReader, kind: str, summary: dict[str, Any]) -> list[Row]:
    identifier = field(summary, "Id", "organizations ListPolicies")
    targets = reader.items("organizations", "list_targets_for_policy", "Targets", PolicyId=identifier)
    if not targets:
        return []
    content = reader.call("organizations", "describe_policy", PolicyId=identifier).get("Policy", {}).get("Content")
    document = policy_document(content)
    if document is None:
        raise Unavailable(f"organizations DescribePolicy: the document of {identifier} is no JSON object")
    what = "organizations ListTargetsForPolicy"
    return [(identifier, kind, summary.get("Name") or "", field(target, "TargetId", what), document) for target in targets]


SOURCE = Source(
    name="organizations",
    tables=(ORGANIZATION_ACCOUNTS, ORGANIZATION_POLICIES),
    permissions=(
        "organizations:DescribeOrganization",
        "organizations:ListRoots",
        "organizations:ListOrganizationalUnitsForParent",
        "organizations:ListAccountsForParent",
        "organizations:ListPolicies",
        "organizations:DescribePolicy",
        "organizations:ListTargetsForPolicy",
    ),
    reach=Reach.ORGANIZATION,
    fetch=fetch,
)
