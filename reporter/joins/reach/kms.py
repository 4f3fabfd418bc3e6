"""SSE-KMS: whether the bucket's default key keeps a role from its objects. KMS's key policies are not read, so this never shuts, it leaves open."""

from __future__ import annotations

import re

from reporter.joins.reach import context
from reporter.joins.reach.lines import Target
from reporter.joins.reach.says import YES, Says
from reporter.joins.reach.subject import Bucket, Request, Role
from reporter.joins.reach.truth import Truth

NEEDS = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}
"""What an action on an object under the key needs besides; deleting needs nothing."""

_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]*:([0-9]{12}):(key|alias)/.+")


def key_of(bucket: Bucket) -> tuple[str, Target]:
    """Account of the default key, and its ARN as far as it is known: an alias or a bare id is a key of the bucket's account."""
    given = bucket.kms_key or ""
    found = _ARN.fullmatch(given)
    if found is not None and found[2] == "key":
        return found[1], Target(given, whole=True)
    account = found[1] if found is not None else bucket.account
    keys = f"{bucket.arn.split(':s3:')[0]}:kms:{bucket.region or '*'}:{account}:key/"
    whole = bucket.region is not None and re.fullmatch(r"[0-9a-zA-Z-]+", given) is not None
    return account, Target(keys + given if whole else keys, whole=whole)


def question(request: Request) -> tuple[str, Target, context.Context] | None:
    """What has to be asked of the role's own policies, or None: no key stands in the way."""
    bucket, role = request.bucket, request.role
    needed = NEEDS.get(request.action)
    if not bucket.kms_key or needed is None:
        return None
    if bucket.kms_key.endswith("alias/aws/s3") and role.account == bucket.account:
        return None
    account, target = key_of(bucket)
    return needed, target, context.of_key(role, bucket, account)


def verdict(role: Role, bucket: Bucket, needed: str, own: Says) -> Says:
    """`own`: what the role's own policies and their limits say of `needed`."""
    account, _ = key_of(bucket)
    if own.truth is Truth.YES and account == role.account:
        return YES
    if own.truth is Truth.NO:
        return Says(Truth.OPEN, (), (f"{needed} on the bucket's key is not allowed by the role's own policies, key policy not read",))
    return Says(Truth.OPEN, (), (*own.because, f"key policy not read ({needed})"))
