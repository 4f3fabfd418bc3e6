"""What is known of a request when its conditions are judged. A key that is not here is open."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from reporter.joins.reach.subject import Bucket, Role

Context: TypeAlias = Mapping[str, tuple[str, ...]]
"""Condition key in lower case -> its values; no values: the request does not carry the key."""

_ABSENT = (
    # carried by IAM users only
    "aws:username",
    # carried when an AWS service calls, or calls for somebody
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    # carried by requests that list a bucket
    "s3:prefix",
    "s3:delimiter",
    "s3:max-keys",
)


def _of_role(role: Role) -> dict[str, tuple[str, ...]]:
    known: dict[str, tuple[str, ...]] = {"aws:principalaccount": (role.account,)}
    if role.arn:
        known |= {"aws:principalarn": (role.arn,), "aws:principaltype": ("AssumedRole",), "aws:username": ()}
    if role.organization is not None:
        known["aws:principalorgid"] = _some(role.organization)
    if role.organization == "":
        known["aws:principalorgpaths"] = ()
    return known


def _some(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


@lru_cache(maxsize=64)
def of_objects(role: Role, bucket: Bucket) -> Context:
    """The role calls S3 itself, over TLS, at the bucket's region: a caller that wants to reach the object does."""
    known: dict[str, tuple[str, ...]] = dict.fromkeys(_ABSENT, ())
    known |= {
        "aws:securetransport": ("true",),
        "aws:viaawsservice": ("false",),
        "aws:principalisawsservice": ("false",),
        "aws:resourceaccount": (bucket.account,),
        "s3:resourceaccount": (bucket.account,),
    }
    if bucket.region:
        known["aws:requestedregion"] = (bucket.region,)
    if bucket.organization is not None:
        known["aws:resourceorgid"] = _some(bucket.organization)
    if not role.arn:
        del known["aws:username"]
    return known | _of_role(role)


def of_key(role: Role, bucket: Bucket, key_account: str) -> Context:
    """S3 calls KMS for the role."""
    known = {**_of_role(role), "aws:resourceaccount": (key_account,), "kms:calleraccount": (role.account,)}
    if bucket.region:
        known |= {"aws:requestedregion": (bucket.region,), "kms:viaservice": (f"s3.{bucket.region}.amazonaws.com",)}
    return known
