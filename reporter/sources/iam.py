"""IAM: roles with their trust, boundary and instance profiles, and every policy document that speaks for them."""

from __future__ import annotations

from typing import Any

from reporter.clients.aws import AwsReader
from reporter.core.answers import field, policy_document
from reporter.core.errors import Unavailable
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.aws import IAM_ROLE_POLICIES, IAM_ROLES

CALL = "iam GetAccountAuthorizationDetails"
PAGE = 1000


def fetch(reader: AwsReader) -> Rows:
    """Roles first, then the policies, so that a policy attached between the two reads is found. Raises ScopeProblem.

    A document that the answer does not hold, or that is no JSON object, is None: it could not be read, which is not the same as empty.
    """
    roles = _details(reader, "RoleDetailList", "Role")
    documents = {field(policy, "Arn", CALL): _current(policy) for policy in _details(reader, "Policies", "LocalManagedPolicy", "AWSManagedPolicy")}
    place = (reader.account, reader.region)
    return {
        IAM_ROLES.name: [place + _role(role, documents) for role in roles],
        IAM_ROLE_POLICIES.name: [place + row for role in roles for row in _policies(role, documents)],
    }


def _details(reader: AwsReader, key: str, *kinds: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reader.items("iam", "get_account_authorization_details", key, Filter=list(kinds), MaxItems=PAGE)
    return found


def _current(policy: dict[str, Any]) -> str | None:
    """The default version's document."""
    for version in policy.get("PolicyVersionList", []):
        if version.get("IsDefaultVersion"):
            return policy_document(version.get("Document"))
    return None


def _role(role: dict[str, Any], documents: dict[str, str | None]) -> Row:
    trust = policy_document(field(role, "AssumeRolePolicyDocument", CALL))
    if trust is None:
        raise Unavailable(f"{CALL}: the trust policy of {role.get('Arn')} is no JSON object")
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") or None
    return (
        field(role, "Arn", CALL),
        field(role, "RoleName", CALL),
        field(role, "Path", CALL),
        trust,
        boundary,
        documents.get(boundary) if boundary else None,
        sorted({field(profile, "Arn", CALL) for profile in role.get("InstanceProfileList", [])}),
    )


def _policies(role: dict[str, Any], documents: dict[str, str | None]) -> list[Row]:
    arn = field(role, "Arn", CALL)
    inline = [
        (arn, f"inline:{field(policy, 'PolicyName', CALL)}", policy_document(policy.get("PolicyDocument")))
        for policy in role.get("RolePolicyList", [])
    ]
    attached = [field(policy, "PolicyArn", CALL) for policy in role.get("AttachedManagedPolicies", [])]
    return [*inline, *((arn, policy, documents.get(policy)) for policy in attached)]


SOURCE = Source(
    name="iam",
    tables=(IAM_ROLES, IAM_ROLE_POLICIES),
    permissions=("iam:GetAccountAuthorizationDetails",),
    reach=Reach.GLOBAL,
    fetch=fetch,
)
