"""Conditions, and the organisation's control policies."""

from __future__ import annotations

from typing import Any

from reporter.joins.reach.truth import Reach
from tests.joins.reach.vectors import (
    BUCKET,
    CONDITIONAL,
    FULL,
    GET,
    NO,
    OBJECTS,
    READ,
    ROLE,
    UNREAD,
    YES,
    A,
    B,
    C,
    Vector,
    against,
    allow,
    deny,
    to,
    when,
)

V = Vector
OURS = "o-exampleorgid"
S3_OFF = deny("s3:*")
EVERYONE = {**deny("s3:*"), "Principal": "*"}
OUTSIDERS = {**EVERYONE, **when("StringNotEqualsIfExists", "aws:PrincipalOrgID", OURS)}
TWO_CONDITIONS = {"IpAddress": {"aws:SourceIp": "192.0.2.1"}, "StringEquals": {"aws:PrincipalAccount": B}}


def elsewhere(region: str) -> Any:
    """A control policy that denies every region but one."""
    return [FULL, deny("*", **when("StringNotEquals", "aws:RequestedRegion", region))]


def sparing(roles: str) -> Any:
    """A control policy that denies S3 to all roles but these."""
    return [FULL, deny("s3:*", **when("ArnNotLike", "aws:PrincipalArn", roles))]


def given(name: str, expected: Reach, operator: str, key: str, *values: Any, **more: Any) -> Vector:
    """The one statement that allows has this condition."""
    return V(f"allow if {name}", expected, (allow(GET, OBJECTS, **when(operator, key, *values)),), **more)


def unless(name: str, expected: Reach, operator: str, key: str, *values: Any, **more: Any) -> Vector:
    """All is allowed; the bucket policy's one denial has this condition."""
    return V(f"deny if {name}", expected, (FULL,), against("*", **when(operator, key, *values)), **more)


CASES = (
    # decided
    given("the role's account", YES, "StringEquals", "aws:PrincipalAccount", A),
    given("another account", NO, "StringEquals", "aws:PrincipalAccount", B, C),
    given("one of several values", YES, "StringEquals", "AWS:principalaccount", B, A),
    given("not another account", YES, "StringNotEquals", "aws:PrincipalAccount", B),
    given("none of several values", NO, "StringNotEquals", "aws:PrincipalAccount", B, A),
    given("a number instead of a text", YES, "StringEquals", "aws:PrincipalAccount", int(A)),
    given("the role's type", YES, "StringEquals", "aws:PrincipalType", "AssumedRole"),
    given("the type, ignoring case", YES, "StringEqualsIgnoreCase", "aws:PrincipalType", "assumedROLE"),
    given("not the type, ignoring case", NO, "StringNotEqualsIgnoreCase", "aws:PrincipalType", "assumedROLE"),
    given("equals knows no wildcards", NO, "StringEquals", "aws:PrincipalType", "Assumed*"),
    given("like knows wildcards", YES, "StringLike", "aws:PrincipalType", "Assumed*"),
    given("not like", NO, "StringNotLike", "aws:PrincipalType", "Assumed*"),
    given("the role's ARN", YES, "ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{A}:role/app/*"),
    given("an ARN of fewer parts", NO, "ArnLike", "aws:PrincipalArn", "*"),
    given("not the role's ARN", NO, "ArnNotEquals", "aws:PrincipalArn", ROLE),
    given("not another ARN", YES, "ArnNotLike", "aws:PrincipalArn", f"arn:aws:iam::{B}:*"),
    given("the resource's account", YES, "StringEquals", "aws:ResourceAccount", A),
    given("the resource's account, in S3's words", NO, "StringEquals", "s3:ResourceAccount", B),
    given("the account of both is the same", YES, "StringEquals", "aws:ResourceAccount", "${aws:PrincipalAccount}"),
    given("the bucket's region", YES, "StringEquals", "aws:RequestedRegion", "eu-central-1"),
    given("another region", NO, "StringEquals", "aws:RequestedRegion", "us-east-1"),
    given("TLS", YES, "Bool", "aws:SecureTransport", "true"),
    given("TLS as a boolean", YES, "Bool", "aws:SecureTransport", True),
    given("no TLS", NO, "Bool", "aws:SecureTransport", "false"),
    given("the organisation", YES, "StringEquals", "aws:PrincipalOrgID", OURS, organization=OURS),
    given("another organisation", NO, "StringEquals", "aws:PrincipalOrgID", "o-other", organization=OURS),
    given("an organisation, and there is none", NO, "StringEquals", "aws:PrincipalOrgID", OURS, organization=""),
    given("no such path, and there is no organisation", NO, "ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{OURS}/*", organization=""),
    given("the bucket's organisation is the role's", YES, "StringEquals", "aws:ResourceOrgID", "${aws:PrincipalOrgID}", organization=OURS),
    given("a region that is not known", CONDITIONAL, "StringEquals", "aws:RequestedRegion", "us-east-1", region=None),
    given("a service in between", NO, "Bool", "aws:ViaAWSService", "true"),
    # missing keys
    given("a key that roles do not carry", NO, "StringEquals", "aws:username", "anna"),
    given("it is not somebody", YES, "StringNotEquals", "aws:username", "anna"),
    given("it is, if it exists", YES, "StringEqualsIfExists", "aws:username", "anna"),
    given("all values, of none", YES, "ForAllValues:StringEquals", "aws:username", "anna"),
    given("any value, of none", NO, "ForAnyValue:StringEquals", "aws:username", "anna"),
    given("any value not, of none", NO, "ForAnyValue:StringNotEquals", "aws:username", "anna"),
    given("a number that is not carried", NO, "NumericLessThanEquals", "s3:max-keys", 10),
    given("the key is missing", YES, "Null", "aws:username", "true"),
    given("the key is not missing", NO, "Null", "aws:username", "false"),
    given("a known key is not missing", YES, "Null", "aws:PrincipalAccount", "false"),
    given("listing's prefix, on an object", NO, "StringLike", "s3:prefix", "home/*"),
    # sets
    given("all of the values", YES, "ForAllValues:StringEquals", "aws:PrincipalAccount", A, B),
    given("any of the values", YES, "ForAnyValue:StringLike", "aws:PrincipalAccount", "1111*"),
    given("all not", NO, "ForAllValues:StringNotEquals", "aws:PrincipalAccount", A),
    # open
    given("an address", CONDITIONAL, "IpAddress", "aws:SourceIp", "192.0.2.0/24"),
    given("a VPC endpoint", CONDITIONAL, "StringEquals", "aws:SourceVpce", "vpce-1"),
    given("MFA", CONDITIONAL, "Bool", "aws:MultiFactorAuthPresent", "true"),
    given("MFA, if it exists", CONDITIONAL, "BoolIfExists", "aws:MultiFactorAuthPresent", "true"),
    given("a tag of the role", CONDITIONAL, "StringEquals", "aws:PrincipalTag/team", "payments"),
    given("a tag of the object", CONDITIONAL, "StringEquals", "s3:ExistingObjectTag/class", "public"),
    given("a time", CONDITIONAL, "DateLessThan", "aws:CurrentTime", "2027-01-01T00:00:00Z"),
    given("an organisation that is not known", CONDITIONAL, "StringEquals", "aws:PrincipalOrgID", OURS),
    given("an open key is missing", CONDITIONAL, "Null", "aws:SourceVpce", "true"),
    given("the account is a tag's value", CONDITIONAL, "StringEquals", "aws:PrincipalAccount", "${aws:PrincipalTag/home}"),
    given("the ARN is a tag's value", CONDITIONAL, "ArnLike", "aws:PrincipalArn", "${aws:PrincipalTag/self}"),
    given("the type is a tag's value that cannot fit", NO, "StringLike", "aws:PrincipalType", "x${aws:PrincipalTag/t}"),
    given("an operator nobody knows", CONDITIONAL, "StringSmells", "aws:PrincipalAccount", A),
    given("a quantifier nobody knows", CONDITIONAL, "ForMostValues:StringEquals", "aws:PrincipalAccount", A),
    given("numbers of a key that is text", CONDITIONAL, "NumericEquals", "aws:PrincipalAccount", A),
    V(
        "an open condition and one that fails",
        NO,
        (allow(Condition=TWO_CONDITIONS),),
    ),
    V("an open condition beside a grant without", YES, (READ, allow(**when("Bool", "aws:MultiFactorAuthPresent", "true")))),
    # denials with conditions
    unless("no TLS", YES, "Bool", "aws:SecureTransport", "false"),
    unless("not from one VPC endpoint", CONDITIONAL, "StringNotEquals", "aws:SourceVpce", "vpce-1"),
    unless("not from one address", CONDITIONAL, "NotIpAddress", "aws:SourceIp", "192.0.2.0/24"),
    unless("not this role", YES, "ArnNotEquals", "aws:PrincipalArn", ROLE),
    unless("not another role", NO, "ArnNotEquals", "aws:PrincipalArn", f"{ROLE}2"),
    unless("not our organisation", YES, "StringNotEquals", "aws:PrincipalOrgID", OURS, organization=OURS),
    unless("not an organisation, and there is none", NO, "StringNotEquals", "aws:PrincipalOrgID", OURS, organization=""),
    unless("no encryption is asked for", CONDITIONAL, "Null", "s3:x-amz-server-side-encryption", "true"),
    # service control policies
    V("every level allows", YES, (FULL,), scps=[[FULL], [FULL], [FULL]]),
    V("one level denies", NO, (FULL,), scps=[[FULL], [FULL, S3_OFF], [FULL]]),
    V("one level allows no S3", NO, (FULL,), scps=[[FULL], [allow("ec2:*")], [FULL]]),
    V("a level allows by its second policy", YES, (FULL,), scps=[[allow("ec2:*"), allow("s3:*")]]),
    V("control policies grant nothing", NO, (), scps=[[FULL]]),
    V("control policies limit a grant of the bucket too", NO, (), to(ROLE), scps=[[FULL], [S3_OFF, FULL]]),
    V("control policies of the role's account count across accounts", NO, (READ,), to(ROLE), owner=B, scps=[[S3_OFF, FULL]]),
    V(
        "a control policy denies another region",
        YES,
        (FULL,),
        scps=[elsewhere("eu-central-1")],
    ),
    V("a control policy denies our region", NO, (FULL,), scps=[elsewhere("us-east-1")]),
    V(
        "a control policy spares roles by name",
        YES,
        (FULL,),
        scps=[sparing("arn:aws:iam::*:role/app/*")],
    ),
    V("a control policy hangs on a tag", CONDITIONAL, (FULL,), scps=[[FULL, deny("*", **when("StringEquals", "aws:PrincipalTag/x", "y"))]]),
    V("a control policy denies some objects", YES, (FULL,), scps=[[FULL, deny("*", f"{BUCKET}/a*")]]),
    V("a level could not be read", CONDITIONAL, (FULL,), scps=[[FULL], [UNREAD]]),
    V("an unread level does not open what is shut", NO, (), scps=[[UNREAD]]),
    V("service-linked roles are not limited", YES, (FULL,), scps=[[S3_OFF]], rcps=(EVERYONE,), service_linked=True),
    # resource control policies
    V("the bucket's account denies", NO, (FULL,), rcps=(EVERYONE,)),
    V("the bucket's account denies, across accounts", NO, (READ,), to(ROLE), owner=B, rcps=(EVERYONE,)),
    V(
        "the bucket's account denies outsiders, we are inside",
        YES,
        (READ,),
        to(ROLE),
        owner=B,
        organization=OURS,
        rcps=(OUTSIDERS,),
    ),
    V(
        "the bucket's account denies outsiders, which we may be",
        CONDITIONAL,
        (READ,),
        to(ROLE),
        owner=B,
        rcps=(OUTSIDERS,),
    ),
    V("resource control policies could not be read", CONDITIONAL, (FULL,), rcps=(UNREAD,)),
    V("resource control policies allow all", YES, (FULL,), rcps=(FULL,)),
)
