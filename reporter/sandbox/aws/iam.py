"""IAM: account authorization details in pages, and AWS's own policies known when they are asked for."""

from __future__ import annotations

import functools
import json
from typing import Any

import moto.backends
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy

from reporter.sandbox.aws.extend import Call, Extension, Handler
from reporter.sandbox.aws.paging import page

LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
OF_AWS = ":iam::aws:policy/"


def get_account_authorization_details(call: Call) -> dict[str, Any]:
    """One page over all four lists together, as AWS cuts it. `Policies` are the account's own and those of AWS that are in use."""
    result = call.original().result
    rows = [(name, item) for name in LISTS for item in result[name]]
    asked = call.params.get("MaxItems")
    part, marker = page(rows, call.params.get("Marker"), int(asked) if asked else None, most=1000, default=100, error="InvalidInput")
    lists = {name: [item for kind, item in part if kind == name] for name in LISTS}
    return {**lists, "IsTruncated": marker is not None, "Marker": marker}


@functools.cache
def policies_of_aws() -> dict[str, tuple[str, dict[str, Any]]]:
    """AWS's managed policies by the end of their ARN (path and name): 1,400 of them, parsed once for all accounts."""
    data: dict[str, dict[str, Any]] = json.loads(aws_managed_policies_data)
    return {item["Path"].lstrip("/") + name: (name, item) for name, item in data.items()}


def knowing(member: str) -> Handler:
    """An operation that names a policy: AWS's own one is put where moto looks for it, if it is not there yet."""

    def answered(call: Call) -> Any:
        learn(call.account, str(call.params.get(member) or ""))
        return call.original()

    return answered


def learn(account: str, arn: str) -> None:
    get_backend: Any = moto.backends.get_backend
    backend = get_backend("iam")[account]["aws"]
    if OF_AWS not in arn or arn in backend.managed_policies:
        return
    known = policies_of_aws().get(arn.split(OF_AWS)[1])
    if known is not None:
        policy = AWSManagedPolicy.from_data(known[0], account, "aws", known[1])
        backend.aws_managed_policies.append(policy)
        backend.managed_policies[policy.arn] = policy


NAMING = {
    "AttachRolePolicy": "PolicyArn",
    "AttachUserPolicy": "PolicyArn",
    "AttachGroupPolicy": "PolicyArn",
    "GetPolicy": "PolicyArn",
    "GetPolicyVersion": "PolicyArn",
    "ListPolicyVersions": "PolicyArn",
    "PutRolePermissionsBoundary": "PermissionsBoundary",
    "PutUserPermissionsBoundary": "PermissionsBoundary",
    "CreateRole": "PermissionsBoundary",
}

EXTENSION = Extension(
    service="iam",
    operations={
        "GetAccountAuthorizationDetails": get_account_authorization_details,
        **{operation: knowing(member) for operation, member in NAMING.items()},
    },
)
