"""The declared tables -> roles and buckets, with the control policies above them. What could not be read becomes a policy that says so."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from reporter.core.scope import GLOBAL, ScopeState
from reporter.core.world import World
from reporter.joins.reach.policy import Policy, parse
from reporter.joins.reach.subject import Bucket, Role
from reporter.joins.reach.truth import Truth
from reporter.tables.aws import IAM_ROLE_POLICIES, IAM_ROLES, ORGANIZATION_ACCOUNTS, ORGANIZATION_POLICIES, S3_ACCOUNTS, S3_BUCKETS

_SCP = "SERVICE_CONTROL_POLICY"
_RCP = "RESOURCE_CONTROL_POLICY"
_UNREAD = "could not be read"


@dataclass(frozen=True)
class Readings:
    """What a world holds of roles, buckets and organisation."""

    world: World

    def roles(self) -> list[Role]:
        """Every role that was read, by ARN."""
        identity: dict[str, list[Policy]] = defaultdict(list)
        for row in self.world.table(IAM_ROLE_POLICIES).itertuples():
            identity[row.role_arn].append(parse(f"identity policy {row.policy}", _text(row.document)))
        found = [
            Role(
                account=row.account,
                arn=row.role_arn,
                identity=tuple(identity[row.role_arn]),
                boundary=parse("permissions boundary", _text(row.boundary)) if _text(row.boundary_arn) else None,
                scps=self.scps(row.account),
                canonical_id=self._canonical.get(row.account),
                organization=None if self._in_organization else "",
                service_linked=row.path.startswith("/aws-service-role/"),
            )
            for row in self.world.table(IAM_ROLES).itertuples()
        ]
        return sorted(found, key=lambda role: role.arn)

    def unread_accounts(self) -> list[Role]:
        """Accounts of the schedule whose IAM could not be read, each as a role that may be anybody there."""
        accounts = sorted({scope.account for scope in self.world.ledger.scopes_of("iam")})
        unread = [account for account in accounts if not self.world.read("iam", account, GLOBAL)]
        return [self.anybody(account, (Policy(f"IAM of account {account}", unreadable=_UNREAD),)) for account in unread]

    def anybody(self, account: str, identity: tuple[Policy, ...] = ()) -> Role:
        """Whoever there is in an account."""
        return Role(
            account=account,
            arn="",
            identity=identity,
            scps=self.scps(account),
            canonical_id=self._canonical.get(account),
            organization=None if self._in_organization else "",
        )

    def bucket(self, name: str, arn: str, account: str) -> Bucket:
        """A bucket by name; where it was not read, nothing is known of what guards it."""
        row = self._buckets.get(name)
        if row is None:
            return Bucket(
                name,
                arn,
                account,
                Policy("bucket policy", unreadable=_UNREAD),
                rcps=self.rcps(account),
                restrict_public=Truth.OPEN,
                ignore_public_acls=Truth.OPEN,
                acls_count=Truth.OPEN,
                acl_grants=None,
            )
        unread = set(row.unread)
        document = _text(row.policy)
        absent = document is None and "policy" not in unread
        return Bucket(
            name,
            arn,
            row.account,
            Policy("bucket policy") if absent else parse("bucket policy", None if "policy" in unread else document, resource_based=True),
            region=_text(row.bucket_region),
            rcps=self.rcps(row.account),
            restrict_public=self._blocks(row, unread, "restrict_public_buckets"),
            ignore_public_acls=self._blocks(row, unread, "ignore_public_acls"),
            acls_count=Truth.OPEN if "ownership" in unread else Truth.of(_text(row.ownership) != "BucketOwnerEnforced"),
            acl_grants=None if "acl" in unread else tuple(row.acl_grants),
            kms_key=_text(row.kms_key_arn),
            encryption_read="encryption" not in unread,
            organization=None if self._in_organization else "",
        )

    def scps(self, account: str) -> tuple[tuple[Policy, ...], ...]:
        """Service control policies above an account, root first. AWS lets no level be without one while they are in use: a level without
        was not read. Where the caller's account is in no organisation, the schedule's other accounts are taken to be in none."""
        if not self._organization_read:
            return ((Policy("service control policies", unreadable=_UNREAD),),)
        if not self._in_organization:
            return ()
        path = self._paths.get(account)
        if path is None:
            return ((Policy(f"service control policies of account {account}", unreadable=f"{_UNREAD}: it is not in the caller's organisation"),),)
        if not path or not any(kind == _SCP for kind, _ in self._controls):
            return ()
        return tuple(
            tuple(self._controls.get((_SCP, target), ())) or (Policy(f"service control policies of {target}", unreadable=_UNREAD),) for target in path
        )

    def rcps(self, account: str) -> tuple[Policy, ...]:
        """Resource control policies above an account. AWS's own, which allows everything, cannot be detached: only denials count."""
        if not self._organization_read:
            return (Policy("resource control policies", unreadable=_UNREAD),)
        if not self._in_organization:
            return ()
        path = self._paths.get(account)
        if path is None:
            return (Policy(f"resource control policies of account {account}", unreadable=f"{_UNREAD}: it is not in the caller's organisation"),)
        return tuple(policy for target in path for policy in self._controls.get((_RCP, target), ()))

    @cached_property
    def _organization_read(self) -> bool:
        rows = [self.world.ledger.row(scope) for scope in self.world.ledger.scopes_of("organizations")]
        return any(row is not None and row.state in (ScopeState.OK, ScopeState.NOT_ENABLED) for row in rows)

    @cached_property
    def _in_organization(self) -> bool:
        return not self._organization_read or bool(self._paths)

    @cached_property
    def _paths(self) -> dict[str, tuple[str, ...]]:
        """Account -> targets above it, itself last; none above the management account, which no control policy touches."""
        rows = self.world.table(ORGANIZATION_ACCOUNTS).itertuples()
        return {row.id: () if row.management else tuple(row.path) for row in rows}

    @cached_property
    def _controls(self) -> dict[tuple[str, str], list[Policy]]:
        names = {_SCP: "service control policy", _RCP: "resource control policy"}
        found: dict[tuple[str, str], list[Policy]] = defaultdict(list)
        for row in self.world.table(ORGANIZATION_POLICIES).itertuples():
            if row.kind in names:
                found[row.kind, row.target_id].append(parse(f"{names[row.kind]} {row.name}", _text(row.document)))
        return dict(found)

    @cached_property
    def _canonical(self) -> dict[str, str]:
        rows = self.world.table(S3_ACCOUNTS).itertuples()
        return {row.account: row.canonical_id for row in rows if _text(row.canonical_id)}

    @cached_property
    def _buckets(self) -> dict[str, Any]:
        return {row.name: row for row in self.world.table(S3_BUCKETS).itertuples()}

    @cached_property
    def _accounts(self) -> dict[str, Any]:
        return {row.account: row for row in self.world.table(S3_ACCOUNTS).itertuples()}

    def _blocks(self, row: Any, unread: set[str], setting: str) -> Truth:
        """Bucket or account: the stricter counts. An account's setting that is missing was not read."""
        own = getattr(row, setting)
        of_bucket = Truth.OPEN if "public_access_block" in unread else Truth.of(not pd.isna(own) and bool(own))
        account = self._accounts.get(row.account)
        theirs = pd.NA if account is None else getattr(account, setting)
        return max(of_bucket, Truth.of(None if pd.isna(theirs) else bool(theirs)))


def _text(value: Any) -> str | None:
    """A text, or None for what is missing or empty."""
    return value if isinstance(value, str) and value else None
