"""Is a bucket policy public, in S3's sense, and does a public access block therefore shut other accounts out?"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from reporter.joins.reach.policy import Policy, Statement
from reporter.joins.reach.says import YES, Says
from reporter.joins.reach.subject import Bucket
from reporter.joins.reach.truth import Truth

_NARROWING = frozenset(
    {
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:sourceaccount",
        "aws:principalorgid",
        "aws:userid",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)
"""Keys with which a fixed value makes a statement non-public, by the S3 User Guide."""

_UNSURE = frozenset({"aws:principalarn", "aws:principalaccount", "aws:principalorgpaths"})
"""They fix a principal too, but the guide does not name them."""

_EQUAL = frozenset({"StringEquals", "StringLike", "StringEqualsIgnoreCase", "ArnEquals", "ArnLike"})
_PRIVATE = tuple(ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


@lru_cache(maxsize=16_384)
def public(policy: Policy) -> Truth:
    """A policy is public if one of its statements lets everybody in and no fixed value narrows that."""
    found = Truth.OPEN if policy.unreadable else Truth.NO
    return max([found, *(_public(statement) for statement in policy.statements if statement.allows)])


def restriction(bucket: Bucket) -> Says:
    """RestrictPublicBuckets: while the policy is public, nothing in it counts for other accounts."""
    blocked = min(bucket.restrict_public, public(bucket.policy))
    if blocked is Truth.NO:
        return YES
    if blocked is Truth.YES:
        return Says(Truth.NO, (), ("RestrictPublicBuckets shuts other accounts out while the bucket policy is public",))
    return Says(Truth.OPEN, (), ("it is not known whether RestrictPublicBuckets shuts other accounts out",))


def _public(statement: Statement) -> Truth:
    everybody = statement.not_principals or ("AWS", "*") in statement.principals
    if not everybody:
        return Truth.NO
    truth = Truth.YES
    for operator, key, values in statement.conditions:
        truth = min(truth, _left_public(operator, key.lower(), values))
    return truth


def _left_public(operator: str, key: str, values: tuple[str, ...]) -> Truth:
    if key == "aws:sourceip" and operator == "IpAddress":
        return Truth.of(not all(_narrow(value) for value in values))
    if operator in _EQUAL and key in _NARROWING | _UNSURE and not any(c in value for value in values for c in "*?$"):
        return Truth.NO if key in _NARROWING else Truth.OPEN
    return Truth.YES


def _narrow(text: str) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    if isinstance(network, ipaddress.IPv6Network):
        return network.prefixlen >= 32
    return network.prefixlen >= 8 or any(network.subnet_of(private) for private in _PRIVATE if isinstance(private, ipaddress.IPv4Network))
