"""Worlds in which roles reach alerted buckets, or do not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.scope import GLOBAL, Scope, ScopeState
from reporter.core.settings import Settings
from reporter.core.table import Table
from reporter.core.world import World
from reporter.joins import bucket_access
from reporter.tables.aws import (
    IAM_ROLE_POLICIES,
    IAM_ROLES,
    ORGANIZATION_ACCOUNTS,
    ORGANIZATION_POLICIES,
    S3_ACCOUNTS,
    S3_BUCKETS,
)
from reporter.tables.findings import MACIE_FINDINGS
from reporter.tables.joined import BUCKET_ACCESS, INSTANCES
from tests.joins.made import NOW, A, B, R, row

C = "777788889999"
I1, I2 = "i-0000000000000001", "i-0000000000000002"
BUCKET = "arn:aws:s3:::invoices"
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*", "Sid": "Read"}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*", "Sid": "All"}
BY_READ = "identity policy inline:app, statement Read"

Rows = tuple[Table, list[tuple[Any, ...]]]


def document(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def arn(name: str, account: str = A) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def profile(name: str, account: str = A) -> str:
    return f"arn:aws:iam::{account}:instance-profile/{name}"


def role(name: str = "web", *statements: Any, account: str = A, unread: bool = False, **values: Any) -> list[Rows]:
    """A role in an instance profile of its own name, with one inline policy of these statements."""
    defaults = {"account": account, "region": GLOBAL, "role_arn": arn(name, account), "name": name, "path": "/", "trust": "{}"}
    made: list[Rows] = [(IAM_ROLES, [row(IAM_ROLES, **{**defaults, "instance_profile_arns": (profile(name, account),), **values})])]
    if statements or unread:
        text = None if unread else document(*statements)
        policy = row(IAM_ROLE_POLICIES, account=account, region=GLOBAL, role_arn=arn(name, account), policy="inline:app", document=text)
        made.append((IAM_ROLE_POLICIES, [policy]))
    return made


def bucket(name: str = "invoices", *statements: Any, account: str = A, **values: Any) -> Rows:
    policy = document(*statements) if statements else None
    defaults = {"account": account, "region": GLOBAL, "name": name, "arn": f"arn:aws:s3:::{name}", "bucket_region": R, "policy": policy}
    return S3_BUCKETS, [row(S3_BUCKETS, **{**defaults, "ownership": "BucketOwnerEnforced", **values})]


def alert(name: str = "invoices", finding: str = "f1", **values: Any) -> Rows:
    defaults = {"finding_id": finding, "bucket_name": name, "bucket_arn": f"arn:aws:s3:::{name}"}
    return MACIE_FINDINGS, [row(MACIE_FINDINGS, **{**defaults, **values})]


def instance(instance_id: str = I1, name: str | None = "web", **values: Any) -> Rows:
    account = values.get("account", A)
    defaults = {"instance_id": instance_id, "protection": "protected", "instance_profile_arn": name and profile(name, account), "owner": "payments"}
    return INSTANCES, [row(INSTANCES, **{**defaults, **values})]


def world(
    *rows: Rows | list[Rows], unread: Mapping[tuple[str, str], ScopeState] | None = None, organizations: ScopeState | None = ScopeState.OK
) -> World:
    """Accounts A and B, all of it read but for `unread`: (account, source) -> state."""
    states = {Scope(account, GLOBAL, source): ScopeState.OK for account in (A, B) for source in ("iam", "s3")}
    states |= {Scope(account, GLOBAL, source): state for (account, source), state in (unread or {}).items()}
    if organizations is not None:
        states[Scope(A, GLOBAL, "organizations")] = organizations
    ledger = Ledger(states)
    for scope, state in states.items():
        ledger.record(LedgerRow(scope, state))
    found: dict[str, list[tuple[Any, ...]]] = {}
    tables: dict[str, Table] = {}
    account_rows = [row(S3_ACCOUNTS, account=account, region=GLOBAL, restrict_public_buckets=False, ignore_public_acls=False) for account in (A, B)]
    for table, listed in [part for given in (*rows, (S3_ACCOUNTS, account_rows)) for part in (given if isinstance(given, list) else [given])]:
        tables[table.name] = table
        found.setdefault(table.name, []).extend(listed)
    return World({name: tables[name].frame(listed) for name, listed in found.items()}, ledger, Settings(), NOW)


def joined(*rows: Rows | list[Rows], **more: Any) -> pd.DataFrame:
    return bucket_access.join(world(*rows, **more))[BUCKET_ACCESS.name]


def organization(*policies: tuple[str, str, Any], members: tuple[str, ...] = (A,), management: str = C) -> list[Rows]:
    """Accounts below r-1 and ou-1, the management account below r-1; policies: (kind, target, statement)."""
    accounts = [
        row(ORGANIZATION_ACCOUNTS, region=GLOBAL, id=one, path=("r-1", "ou-1", one), management=one == management) for one in (*members, management)
    ]
    kinds = {"SCP": "SERVICE_CONTROL_POLICY", "RCP": "RESOURCE_CONTROL_POLICY", "TAG": "TAG_POLICY"}
    controls = [
        row(ORGANIZATION_POLICIES, region=GLOBAL, policy_id=f"p-{n}", kind=kinds[kind], name=f"P{n}", target_id=target, document=document(statement))
        for n, (kind, target, statement) in enumerate(policies, 1)
    ]
    return [(ORGANIZATION_ACCOUNTS, accounts), (ORGANIZATION_POLICIES, controls)]
