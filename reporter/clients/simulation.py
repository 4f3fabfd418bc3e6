"""What a role's policies allow, without a call being made: IAM's own simulation.

It knows the role's policies, its boundary and the organisation's service control policies; policies of buckets and keys it does not know.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reporter.clients.aws import AwsReader
from reporter.core.answers import field
from reporter.core.permission import By, Permission
from reporter.core.scope import GLOBAL

_WHAT = "iam SimulatePrincipalPolicy"
_SESSION = re.compile(r"(arn:[a-z-]+):sts::(\d{12}):assumed-role/([^/]+)/.+")


def principal_of(arn: str) -> str:
    """ARN of the caller -> of the role or user whose policies count. Of a session the role's path is not told, so it is taken to be none."""
    session = _SESSION.fullmatch(arn)
    return f"{session[1]}:iam::{session[2]}:role/{session[3]}" if session else arn.replace(":sts:", ":iam:", 1)


def not_allowed(reader: AwsReader, principal: str, statements: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Action of the statements -> why it is not allowed; empty: all are. Raises Denied, Unavailable."""
    found: dict[str, str] = {}
    for statement in statements:
        resource = statement["Resource"][0]
        results = reader.items(
            "iam",
            "simulate_principal_policy",
            "EvaluationResults",
            region=GLOBAL,
            PolicySourceArn=principal,
            ActionNames=list(statement["Action"]),
            ResourceArns=[resource],
            ContextEntries=_context(reader.account, statement.get("Condition", {})),
        )
        for result in results:
            if field(result, "EvalDecision", _WHAT) != "allowed":
                found[field(result, "EvalActionName", _WHAT)] = _why(result)
    return found


def _context(account: str, conditions: Mapping[str, Mapping[str, Sequence[str]]]) -> list[dict[str, Any]]:
    """A call that meets the conditions."""
    values = {key: values[0] for keys in conditions.values() for key, values in keys.items()}
    own = {key: value.replace("${aws:PrincipalAccount}", account) for key, value in values.items()}
    return [{"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"} for key, value in sorted(own.items())]


def _why(result: Mapping[str, Any]) -> str:
    if result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations") is False:
        return "a service control policy denies it"
    if result.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary") is False:
        return "the permissions boundary denies it"
    return "a policy denies it" if result["EvalDecision"] == "explicitDeny" else "no policy allows it"


PERMISSIONS = (Permission(By.READ, "SimulateOwnPolicies", ("iam:SimulatePrincipalPolicy",)),)
"""asked by `reporter check` alone"""
