"""The two ends of a question: the role that asks, the bucket that is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from reporter.joins.reach.policy import Policy
from reporter.joins.reach.truth import Truth

ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
"""What is asked for: reading, writing, deleting objects."""


@dataclass(frozen=True, eq=False)
class Role:
    """A role and everything that limits it.

    `arn` empty: it stands for whoever there is in an account whose IAM could not be read. `boundary` None: it has none.
    `scps`: service control policies, level by level from the root to the account; empty: none apply. `canonical_id`: its account's, as
    ACLs name it; None: not known. `organization`: id; None: not known; empty: it is in none. `service_linked`: control policies do not touch it.
    """

    account: str
    arn: str
    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    scps: tuple[tuple[Policy, ...], ...] = ()
    canonical_id: str | None = None
    organization: str | None = None
    service_linked: bool = False

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True, eq=False)
class Bucket:
    """A bucket and everything that guards it.

    `rcps`: resource control policies of its account, all levels together. `acl_grants`: 'PERMISSION grantee'; None: not read.
    `kms_key`: default encryption key as S3 names it; None: no SSE-KMS, if `encryption_read`.
    """

    name: str
    arn: str
    account: str
    policy: Policy
    region: str | None = None
    rcps: tuple[Policy, ...] = ()
    restrict_public: Truth = Truth.NO
    ignore_public_acls: Truth = Truth.NO
    acls_count: Truth = Truth.NO
    acl_grants: tuple[str, ...] | None = field(default=())
    kms_key: str | None = None
    encryption_read: bool = True
    organization: str | None = None

    @property
    def objects(self) -> str:
        """What the ARN of each of its objects begins with."""
        return f"{self.arn}/"


@dataclass(frozen=True, eq=False)
class Request:
    """May this role do this action on some object of this bucket? `session`: the role session's name; None: any."""

    role: Role
    bucket: Bucket
    action: str
    session: str | None = None
