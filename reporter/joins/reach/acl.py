"""What a bucket's access control list adds. It says nothing of reading objects: that is in the ACLs of the objects, which are not read."""

from __future__ import annotations

from collections.abc import Iterator

from reporter.joins.reach.says import YES, Says, both
from reporter.joins.reach.subject import Bucket, Role
from reporter.joins.reach.truth import Truth

_GROUPS = {
    "http://acs.amazonaws.com/groups/global/AllUsers": "everybody",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers": "every AWS account",
}


def grants(role: Role, bucket: Bucket, action: str) -> Iterator[Says]:
    """Grants to write. To a group they let a role of the bucket's own account in too; to an account they delegate to it."""
    if action == "s3:GetObject" or bucket.acls_count is Truth.NO:
        return
    same = role.account == bucket.account
    counts = YES if bucket.acls_count is Truth.YES else Says(Truth.OPEN, (), ("it is not known whether the bucket's ACL counts",))
    if bucket.acl_grants is None:
        yield Says(Truth.OPEN, (), ("the bucket's ACL could not be read",))
        return
    for grant in bucket.acl_grants:
        permission, _, grantee = grant.partition(" ")
        if permission not in ("WRITE", "FULL_CONTROL"):
            continue
        group = _GROUPS.get(grantee)
        if group is not None:
            yield both(_to(action, permission, group), _not_ignored(bucket), counts)
        elif not same and "/" not in grantee and role.canonical_id in (None, grantee):
            known = YES if role.canonical_id else Says(Truth.OPEN, (), (f"whether the ACL's grantee {grantee} is account {role.account}",))
            yield both(_to(action, permission, f"account {role.account}"), known, counts)


def _to(action: str, permission: str, whom: str) -> Says:
    label = f"bucket ACL, {permission} for {whom}"
    if action == "s3:DeleteObject":
        return Says(Truth.OPEN, (label,), (f"{label} lets it delete only objects that it owns",))
    return Says(Truth.YES, (label,))


def _not_ignored(bucket: Bucket) -> Says:
    truth = bucket.ignore_public_acls.negated()
    return Says(truth, (), {Truth.NO: ("IgnorePublicAcls",), Truth.OPEN: ("it is not known whether IgnorePublicAcls is on",)}.get(truth, ()))
