"""The words in which decision vectors are written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reporter.joins.reach.decide import Decision, decide
from reporter.joins.reach.policy import Policy, parse
from reporter.joins.reach.subject import Bucket, Request, Role
from reporter.joins.reach.truth import Reach, Truth

A, B, C = "111122223333", "444455556666", "777788889999"
ACCOUNTS = (A, B)
ROLE = f"arn:aws:iam::{A}:role/app/web"
SESSION = f"arn:aws:sts::{A}:assumed-role/web/i-0000000000000001"
ROOT = f"arn:aws:iam::{A}:root"
OTHER_ROLE = f"arn:aws:iam::{A}:role/other"
BUCKET = "arn:aws:s3:::invoices"
OBJECTS = f"{BUCKET}/*"
GET, PUT, DELETE = "s3:GetObject", "s3:PutObject", "s3:DeleteObject"
EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"
KEY = f"arn:aws:kms:eu-central-1:{A}:key/0a1b2c3d"
YES, CONDITIONAL, NO = Reach.YES, Reach.CONDITIONAL, Reach.NO

Document = Any
UNREAD = None
"""A document that could not be read."""


def allow(action: Any = "s3:*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "s3:*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def to(principal: Any, action: Any = GET, resource: Any = OBJECTS, **more: Any) -> dict[str, Any]:
    """Allow in a bucket policy; `principal` an AWS principal, or a whole element."""
    return {**allow(action, resource, **more), "Principal": _principal(principal)}


def against(principal: Any, action: Any = "s3:*", resource: Any = OBJECTS, **more: Any) -> dict[str, Any]:
    """Deny in a bucket policy."""
    return {**deny(action, resource, **more), "Principal": _principal(principal)}


def all_but(*principals: str, effect: str = "Deny", action: Any = "s3:*") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": OBJECTS, "NotPrincipal": {"AWS": list(principals)}}


def when(operator: str, key: str, *values: Any) -> dict[str, Any]:
    """The element Condition, as a keyword argument of a statement."""
    return {"Condition": {operator: {key: values[0] if len(values) == 1 else list(values)}}}


def _principal(given: Any) -> Any:
    return given if given == "*" or isinstance(given, dict) else {"AWS": given}


def without(statement: dict[str, Any], element: str, **more: Any) -> dict[str, Any]:
    return {**{name: value for name, value in statement.items() if name != element}, **more}


def text(document: Document, version: str = "2012-10-17") -> str | None:
    """Statements (one, or a list), or a raw text, or UNREAD -> document text."""
    if document is None or isinstance(document, str):
        return document
    return json.dumps({"Version": version, "Statement": document})


FULL = allow("*", "*")
READ = allow(GET, OBJECTS)


@dataclass(frozen=True)
class Vector:
    """One request and what AWS would answer. The role is ROLE in account A; `owner`: the bucket's account."""

    name: str
    expected: Reach
    identity: tuple[Document, ...] = ()
    policy: Document = ()
    boundary: Document = ()
    scps: Sequence[Sequence[Document]] = ()
    rcps: tuple[Document, ...] = ()
    owner: str = A
    action: str = GET
    restrict: Truth = Truth.NO
    ignore_acls: Truth = Truth.NO
    acls: Truth = Truth.NO
    grants: tuple[str, ...] | None = ()
    kms: str | None = None
    encryption_read: bool = True
    canonical: str | None = "c0ffee"
    organization: str | None = None
    session: str | None = None
    region: str | None = "eu-central-1"
    service_linked: bool = False
    version: str = "2012-10-17"
    anybody: bool = False


def request(vector: Vector) -> Request:
    def one(name: str, document: Document) -> Policy:
        return parse(name, text(document, vector.version))

    role = Role(
        account=A,
        arn="" if vector.anybody else ROLE,
        identity=tuple(one(f"identity policy {n}", document) for n, document in enumerate(vector.identity, 1)),
        boundary=None if vector.boundary == () else one("permissions boundary", vector.boundary),
        scps=tuple(tuple(one(f"SCP {level}.{n}", document) for n, document in enumerate(found, 1)) for level, found in enumerate(vector.scps, 1)),
        canonical_id=vector.canonical,
        organization=vector.organization,
        service_linked=vector.service_linked,
    )
    written = Policy("bucket policy") if vector.policy == () else parse("bucket policy", text(vector.policy, vector.version), resource_based=True)
    bucket = Bucket(
        name="invoices",
        arn=BUCKET,
        account=vector.owner,
        policy=written,
        region=vector.region,
        rcps=tuple(one(f"RCP {n}", document) for n, document in enumerate(vector.rcps, 1)),
        restrict_public=vector.restrict,
        ignore_public_acls=vector.ignore_acls,
        acls_count=vector.acls,
        acl_grants=vector.grants,
        kms_key=vector.kms,
        encryption_read=vector.encryption_read,
        organization=vector.organization,
    )
    return Request(role, bucket, vector.action, vector.session)


def decided(vector: Vector) -> Decision:
    return decide(request(vector))
