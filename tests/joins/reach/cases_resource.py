"""Bucket policies, ACLs, public access blocks and keys: what the bucket's side says."""

from __future__ import annotations

from typing import Any

from reporter.joins.reach.truth import Truth
from tests.joins.reach.vectors import (
    BUCKET,
    CONDITIONAL,
    DELETE,
    EVERYBODY,
    FULL,
    GET,
    KEY,
    NO,
    OTHER_ROLE,
    PUT,
    READ,
    ROLE,
    ROOT,
    SESSION,
    UNREAD,
    YES,
    A,
    B,
    C,
    Vector,
    against,
    all_but,
    allow,
    deny,
    to,
    when,
)

V = Vector
INSTANCE = "i-0000000000000001"
SERVICE = {"Service": "ec2.amazonaws.com"}
EC2_ONLY = allow("ec2:*")
OURS = "o-exampleorgid"
WRITE = (f"WRITE {EVERYBODY}",)
ON = Truth.YES


def through(service: str) -> dict[str, Any]:
    """The key may be used, but only when this service asks for it."""
    return allow("kms:*", KEY, **when("StringEquals", "kms:ViaService", f"{service}.eu-central-1.amazonaws.com"))


def public(operator: str, key: str, value: str) -> dict[str, Any]:
    """Everybody may read, with one condition."""
    return to("*", **when(operator, key, value))


CASES = (
    # the same account: union
    V("grant to the role's ARN", YES, (), to(ROLE)),
    V("grant to the account only delegates", NO, (), to(ROOT)),
    V("grant to the account's number only delegates", NO, (), to(A)),
    V("grant to another role", NO, (), to(OTHER_ROLE)),
    V("grant to everybody", YES, (), to("*")),
    V("grant to everybody, written the long way", YES, (), to({"AWS": "*"})),
    V("grant to a service is none to a role", NO, (), to(SERVICE)),
    V("grant to a federation is none to a role", NO, (), to({"Federated": "cognito-identity.amazonaws.com"})),
    V("grant to everybody with the role's ARN as condition", YES, (), to("*", **when("ArnEquals", "aws:PrincipalArn", ROLE))),
    V("grant to everybody with another ARN as condition", NO, (), to("*", **when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/x*"))),
    V("a boundary does not cap a grant to everybody", YES, (), to("*", **when("ArnEquals", "aws:PrincipalArn", ROLE)), boundary=EC2_ONLY),
    V("grant to the role's session, whichever it is", CONDITIONAL, (), to(SESSION)),
    V("grant to this very session", YES, (), to(SESSION), session=INSTANCE),
    V("grant to another session", NO, (), to(SESSION), session="i-0000000000000002"),
    V("a boundary does not cap a grant to the session", YES, (), to(SESSION), session=INSTANCE, boundary=EC2_ONLY),
    V("a principal with a wildcard names nobody", NO, (), to(f"arn:aws:iam::{A}:role/app/*")),
    V("identity and bucket policy on different keys", YES, (allow(GET, f"{BUCKET}/a/*"),), to(ROLE, GET, f"{BUCKET}/b/*")),
    V("the bucket policy denies the role", NO, (FULL,), against(ROLE)),
    V("the bucket policy denies the account", NO, (FULL,), against(ROOT)),
    V("the bucket policy denies the session", CONDITIONAL, (FULL,), against(SESSION)),
    V("the bucket policy denies another role", YES, (FULL,), against(OTHER_ROLE)),
    V("the bucket policy denies on the bucket, not its objects", YES, (FULL,), against("*", "s3:*", BUCKET)),
    V("the bucket policy could not be read", CONDITIONAL, (READ,), UNREAD),
    V("nobody knows what an unread bucket policy grants", CONDITIONAL, (), UNREAD),
    V("a bucket policy without principal is malformed", CONDITIONAL, (READ,), allow()),
    V("a bucket policy whose principal is a number", CONDITIONAL, (READ,), {**allow(), "Principal": 7}),
    V("a denial beside an unread statement", NO, (READ,), [against("*"), "?"]),
    # NotPrincipal
    V("Deny with NotPrincipal of somebody else", NO, (FULL,), all_but(OTHER_ROLE, f"arn:aws:iam::{B}:root")),
    V("Deny with NotPrincipal of role and account", YES, (FULL,), all_but(ROLE, ROOT)),
    V("Deny with NotPrincipal of the role, not its account", CONDITIONAL, (FULL,), all_but(ROLE)),
    V("Deny with NotPrincipal of the account only", CONDITIONAL, (FULL,), all_but(ROOT)),
    V("Deny with NotPrincipal of everybody", YES, (FULL,), all_but("*")),
    V("Deny with NotPrincipal always meets a boundary", NO, (FULL,), all_but(ROLE, ROOT), boundary=FULL),
    V("Allow with NotPrincipal of somebody else", YES, (), all_but(OTHER_ROLE, effect="Allow")),
    V("Allow with NotPrincipal of role and account", NO, (), all_but(ROLE, ROOT, effect="Allow")),
    # across accounts: intersection
    V("both sides allow", YES, (READ,), to(ROLE), owner=B),
    V("both sides allow, the bucket's by account", YES, (READ,), to(ROOT), owner=B),
    V("both sides allow, the bucket's by everybody", YES, (READ,), to("*"), owner=B),
    V("only the role's side", NO, (FULL,), (), owner=B),
    V("only the bucket's side", NO, (), to(ROLE), owner=B),
    V("the bucket lets another account in", NO, (FULL,), to(f"arn:aws:iam::{C}:root"), owner=B),
    V("the sides share no action", NO, (allow(PUT),), to(ROLE, GET), owner=B),
    V("the sides share no key", NO, (allow(GET, f"{BUCKET}/a/*"),), to(ROLE, GET, f"{BUCKET}/b/*"), owner=B),
    V("the sides share some keys", YES, (allow(GET, f"{BUCKET}/*.csv"),), to(ROLE, GET, f"{BUCKET}/b/*"), owner=B),
    V("the boundary caps across accounts, whoever is named", NO, (READ,), to(SESSION), owner=B, session=INSTANCE, boundary=EC2_ONLY),
    V("the other account's policy could not be read", CONDITIONAL, (READ,), UNREAD, owner=B),
    V("the other account names a canonical id, ours", YES, (READ,), to({"CanonicalUser": "c0ffee"}), owner=B),
    V("the other account names a canonical id, not ours", NO, (READ,), to({"CanonicalUser": "bad"}), owner=B),
    V("the other account names a canonical id, ours is not known", CONDITIONAL, (READ,), to({"CanonicalUser": "x"}), owner=B, canonical=None),
    V("our IAM could not be read, the bucket names a role of ours", CONDITIONAL, (UNREAD,), to(ROLE), owner=B, anybody=True),
    V("our IAM could not be read, the bucket names nobody of ours", NO, (UNREAD,), to(f"arn:aws:iam::{C}:root"), owner=B, anybody=True),
    V("our IAM could not be read, the bucket names a session of ours", CONDITIONAL, (UNREAD,), to(SESSION), owner=B, anybody=True),
    # RestrictPublicBuckets
    V("a public policy, restricted, across accounts", NO, (READ,), to("*"), owner=B, restrict=ON),
    V("a public policy, restricted, inside the account", YES, (READ,), to("*"), restrict=ON),
    V("a restriction shuts the named account out too", NO, (READ,), [to("*", PUT), to(ROLE)], owner=B, restrict=ON),
    V("a policy that is not public is not restricted", YES, (READ,), to(ROLE), owner=B, restrict=ON),
    V(
        "one VPC endpoint makes it not public",
        CONDITIONAL,
        (READ,),
        public("StringEquals", "aws:SourceVpce", "vpce-1"),
        owner=B,
        restrict=ON,
    ),
    V("any VPC endpoint leaves it public", NO, (READ,), public("StringLike", "aws:SourceVpce", "*"), owner=B, restrict=ON),
    V(
        "a narrow address makes it not public",
        CONDITIONAL,
        (READ,),
        public("IpAddress", "aws:SourceIp", "192.0.2.0/24"),
        owner=B,
        restrict=ON,
    ),
    V("half the internet leaves it public", NO, (READ,), public("IpAddress", "aws:SourceIp", "0.0.0.0/1"), owner=B, restrict=ON),
    V("a narrow IPv6 address too", CONDITIONAL, (READ,), public("IpAddress", "aws:SourceIp", "2001:db8::/48"), owner=B, restrict=ON),
    V("a wide but private address too", CONDITIONAL, (READ,), public("IpAddress", "aws:SourceIp", "172.16.0.0/12"), owner=B, restrict=ON),
    V("an address that is none leaves it public", NO, (READ,), public("IpAddress", "aws:SourceIp", "here"), owner=B, restrict=ON),
    V("it is not known whether it is restricted", CONDITIONAL, (READ,), to("*"), owner=B, restrict=Truth.OPEN),
    V(
        "one organisation makes it not public",
        YES,
        (READ,),
        public("StringEquals", "aws:PrincipalOrgID", OURS),
        owner=B,
        restrict=ON,
        organization=OURS,
    ),
    V(
        "whether an account as condition is public is open",
        CONDITIONAL,
        (READ,),
        public("StringEquals", "aws:PrincipalAccount", A),
        owner=B,
        restrict=ON,
    ),
    # ACLs
    V("ACL lets everybody write", YES, (), action=PUT, acls=ON, grants=WRITE),
    V("ACL lets everybody write, across accounts with identity", YES, (FULL,), action=PUT, acls=ON, grants=WRITE, owner=B),
    V("ACL lets everybody write, across accounts without identity", NO, (READ,), action=PUT, acls=ON, grants=WRITE, owner=B),
    V("ACL for everybody is ignored", NO, (), action=PUT, acls=ON, grants=WRITE, ignore_acls=ON),
    V("it is not known whether the ACL is ignored", CONDITIONAL, (), action=PUT, acls=ON, grants=WRITE, ignore_acls=Truth.OPEN),
    V("ACLs are off", NO, (), action=PUT, grants=WRITE),
    V("it is not known whether ACLs are off", CONDITIONAL, (), action=PUT, acls=Truth.OPEN, grants=WRITE),
    V("a bucket's ACL does not let read objects", NO, (), acls=ON, grants=(f"READ {EVERYBODY}", f"FULL_CONTROL {EVERYBODY}")),
    V("an ACL lets delete own objects only", CONDITIONAL, (), action=DELETE, acls=ON, grants=WRITE),
    V("READ of an ACL does not let write", NO, (), action=PUT, acls=ON, grants=(f"READ {EVERYBODY}",)),
    V("ACL grants our account", YES, (FULL,), action=PUT, acls=ON, grants=("WRITE c0ffee",), owner=B),
    V("ACL grants another account", NO, (FULL,), action=PUT, acls=ON, grants=("WRITE bad",), owner=B),
    V("ACL grants somebody, our id is not known", CONDITIONAL, (FULL,), action=PUT, acls=ON, grants=("WRITE x",), owner=B, canonical=None),
    V("the bucket owner's own grant only delegates", NO, (), action=PUT, acls=ON, grants=("FULL_CONTROL c0ffee",)),
    V("the ACL could not be read", CONDITIONAL, (FULL,), action=PUT, acls=ON, grants=None, owner=B),
    V("log delivery is no role", NO, (FULL,), action=PUT, acls=ON, grants=("WRITE http://acs.amazonaws.com/groups/s3/LogDelivery",), owner=B),
    # SSE-KMS
    V("the role may use the key", YES, (READ, allow("kms:Decrypt", KEY)), kms=KEY),
    V("the role may use the key by an alias only the bucket knows", CONDITIONAL, (READ, allow("kms:Decrypt", KEY)), kms="alias/invoices"),
    V("the role may use every key", YES, (READ, allow("kms:*")), kms="alias/invoices"),
    V("the role may use the key by its bare id", YES, (READ, allow("kms:Decrypt", KEY)), kms="0a1b2c3d"),
    V("the role's policies do not name the key", CONDITIONAL, (READ,), kms=KEY),
    V("the role's policies name another key", CONDITIONAL, (READ, allow("kms:Decrypt", f"{KEY}9")), kms=KEY),
    V("the key is denied, other objects may not be under it", CONDITIONAL, (FULL, deny("kms:*", KEY)), kms=KEY),
    V(
        "the key may be used through S3 only",
        YES,
        (READ, through("s3")),
        kms=KEY,
    ),
    V(
        "the key may be used through EC2 only",
        CONDITIONAL,
        (READ, through("ec2")),
        kms=KEY,
    ),
    V("writing needs a data key", CONDITIONAL, (allow([PUT, "kms:Decrypt"]),), action=PUT, kms=KEY),
    V("writing with a data key", YES, (allow([PUT, "kms:GenerateDataKey"]),), action=PUT, kms=KEY),
    V("deleting needs no key", YES, (allow(DELETE),), action=DELETE, kms=KEY),
    V("the key of another account", CONDITIONAL, (FULL,), kms=KEY.replace(A, B)),
    V("the bucket's region, and so its key, is not known", CONDITIONAL, (READ, allow("kms:*", KEY)), kms="0a1b2c3d", region=None),
    V("S3's own key", YES, (READ,), kms=f"arn:aws:kms:eu-central-1:{A}:alias/aws/s3"),
    V("S3's own key of another account", CONDITIONAL, (FULL,), to(ROLE), owner=B, kms=f"arn:aws:kms:eu-central-1:{B}:alias/aws/s3"),
    V("the boundary knows no KMS", CONDITIONAL, (FULL,), kms=KEY, boundary=allow("s3:*")),
    V("a key does not open what is shut", NO, (allow("kms:*"),), kms=KEY),
    V("the default encryption could not be read", CONDITIONAL, (FULL,), encryption_read=False),
)
