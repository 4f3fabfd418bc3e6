"""Pours the organisation, roles, their policies and the buckets."""

from __future__ import annotations

import json
from typing import Any

from reporter.sandbox.estate.cloud import Cloud
from reporter.sandbox.estate.spec import Bucket, Estate, Role

_ENDPOINT = "vpce-0123456789abcdef0"
_OBJECTS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _trust(service: str) -> str:
    return _document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def pour_organization(cloud: Cloud, estate: Estate) -> None:
    """The first account manages; the last one stands in the unit whose SCP denies S3."""
    management = estate.accounts[0]
    names = ("management", "shop", "data", "restricted")
    organizations = cloud.client("organizations", management, "us-east-1")
    organizations.create_organization(FeatureSet="ALL")
    members = [{"Id": a, "Name": n, "Email": f"{n}@example.com"} for a, n in zip(estate.accounts[1:], names[1:], strict=False)]
    cloud.seed("organizations", "accounts", management, "global", members)
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    unit = organizations.create_organizational_unit(ParentId=root, Name="restricted")["OrganizationalUnit"]["Id"]
    organizations.move_account(AccountId=estate.restricted_account, SourceParentId=root, DestinationParentId=unit)
    denial = _document({"Sid": "NoS3", "Effect": "Deny", "Action": "s3:*", "Resource": "*"})
    policy = organizations.create_policy(Content=denial, Description="No S3 here", Name="no-s3", Type="SERVICE_CONTROL_POLICY")
    organizations.attach_policy(PolicyId=policy["Policy"]["PolicySummary"]["Id"], TargetId=unit)


def pour_roles(cloud: Cloud, estate: Estate) -> None:
    """Roles, inline and attached policies, boundaries, instance profiles; the reporter's own role in each account."""
    names = {bucket.key: bucket.name for bucket in estate.buckets}
    for account in estate.accounts:
        iam = cloud.client("iam", account, "us-east-1")
        cloud.seed("iam", "aws_policies", account, "global", [_AWS_READ_ONLY])
        managed = {name: _policy(iam, name, statement) for name, statement in _MANAGED.items()}
        iam.create_role(RoleName="reporter-read", AssumeRolePolicyDocument=_trust("ecs-tasks.amazonaws.com"))
        for role in (r for r in estate.roles if r.account == account):
            _role(iam, role, managed, [names[key] for key in role.buckets])


_MANAGED: dict[str, dict[str, Any]] = {
    "estate-everything-s3": {"Sid": "AllOfS3", "Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    "estate-all-but-iam": {"Sid": "AllButIam", "Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"},
    "estate-boundary-compute": {"Effect": "Allow", "Action": ["ec2:*", "logs:*"], "Resource": "*"},
    "estate-boundary-read": {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*", "logs:*"], "Resource": "*"},
}
_READ_ONLY = "AmazonS3ReadOnlyAccess"
_READING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*", "s3:Describe*"], "Resource": "*"}]}
_AWS_READ_ONLY = {"PolicyName": _READ_ONLY, "Document": _READING, "CreateDate": "2015-02-06T18:40:58+00:00"}
_BOUNDARIES = {"bounded_out": "estate-boundary-compute", "bounded_read": "estate-boundary-read"}
_ATTACHED = {"all": "estate-everything-s3", "not_action": "estate-all-but-iam"} | dict.fromkeys((*_BOUNDARIES, "deny_one"), "estate-everything-s3")


def _policy(iam: Any, name: str, statement: dict[str, Any]) -> str:
    return str(iam.create_policy(PolicyName=name, PolicyDocument=_document(statement))["Policy"]["Arn"])


def _role(iam: Any, role: Role, managed: dict[str, str], buckets: list[str]) -> None:
    boundary = {"PermissionsBoundary": managed[_BOUNDARIES[role.grant]]} if role.grant in _BOUNDARIES else {}
    service = "ec2.amazonaws.com" if role.profile else "ecs-tasks.amazonaws.com"
    iam.create_role(RoleName=role.name, AssumeRolePolicyDocument=_trust(service), **boundary)
    logs = _document({"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"})
    iam.put_role_policy(RoleName=role.name, PolicyName="logs", PolicyDocument=logs)
    if role.grant in _ATTACHED:
        iam.attach_role_policy(RoleName=role.name, PolicyArn=managed[_ATTACHED[role.grant]])
    if role.grant == "aws_read_only":
        iam.attach_role_policy(RoleName=role.name, PolicyArn=f"arn:aws:iam::aws:policy/{_READ_ONLY}")
    objects = [f"arn:aws:s3:::{name}/*" for name in buckets]
    read: dict[str, Any] = {"Sid": "Objects", "Effect": "Allow", "Action": "s3:GetObject", "Resource": objects}
    statement = {
        "one": read,
        "conditional_one": {**read, "Condition": {"StringEquals": {"aws:SourceVpce": _ENDPOINT}}},
        "deny_one": {"Sid": "Never", "Effect": "Deny", "Action": "s3:*", "Resource": objects},
    }.get(role.grant)
    if statement and objects:
        iam.put_role_policy(RoleName=role.name, PolicyName="buckets", PolicyDocument=_document(statement))
    if role.profile:
        iam.create_instance_profile(InstanceProfileName=role.name)
        iam.add_role_to_instance_profile(InstanceProfileName=role.name, RoleName=role.name)


def pour_buckets(cloud: Cloud, estate: Estate) -> None:
    """Buckets with policy, public access block, ownership and, on some, a KMS key."""
    roles = {role.key: role for role in estate.roles}
    for bucket in estate.buckets:
        s3 = cloud.at("s3", bucket.place)
        where = {} if bucket.place.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": bucket.place.region}}
        s3.create_bucket(Bucket=bucket.name, ObjectOwnership="BucketOwnerEnforced", **where)
        s3.put_bucket_ownership_controls(Bucket=bucket.name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
        if bucket.blocked:
            block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
            s3.put_public_access_block(Bucket=bucket.name, PublicAccessBlockConfiguration=block)
        if bucket.kms:
            _encrypt(cloud, s3, bucket)
        statement = _bucket_statement(bucket, roles.get(bucket.role or ""))
        if statement:
            s3.put_bucket_policy(Bucket=bucket.name, Policy=_document(statement))


def _encrypt(cloud: Cloud, s3: Any, bucket: Bucket) -> None:
    if bucket.place not in cloud.ids.kms_keys:
        cloud.ids.kms_keys[bucket.place] = cloud.at("kms", bucket.place).create_key()["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": cloud.ids.kms_keys[bucket.place]}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    s3.put_bucket_encryption(Bucket=bucket.name, ServerSideEncryptionConfiguration=rules)


def _bucket_statement(bucket: Bucket, role: Role | None) -> dict[str, Any] | None:
    both = {"Resource": [bucket.arn, f"{bucket.arn}/*"]}
    allow = {"Sid": "Named", "Effect": "Allow", "Action": _OBJECTS, "Resource": f"{bucket.arn}/*"}
    everyone = {"Sid": "Guard", "Effect": "Deny", "Principal": "*", "Action": "s3:*", **both}
    named = {"AWS": role.arn if role else ""}
    root = f"arn:aws:iam::{role.account if role else ''}:root"
    statements: dict[str, dict[str, Any]] = {
        "public": {"Sid": "Public", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{bucket.arn}/*"},
        "deny_vpce": {**everyone, "Condition": {"StringNotEquals": {"aws:SourceVpce": _ENDPOINT}}},
        "deny_insecure": {**everyone, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        "allow_role": {**allow, "Principal": named},
        "allow_root": {**allow, "Principal": {"AWS": root}},
        "allow_conditional": {**allow, "Principal": named, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
        "deny_role": {"Sid": "Never", "Effect": "Deny", "Principal": named, "Action": "s3:*", **both},
        "deny_others": {"Sid": "OnlyOne", "Effect": "Deny", "NotPrincipal": {"AWS": [named["AWS"], root]}, "Action": "s3:*", **both},
    }
    return statements.get(bucket.policy)
