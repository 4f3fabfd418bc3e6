"""STS: roles that refuse to be assumed, and sessions that end."""

from __future__ import annotations

from typing import Any

import moto.iam.models
from moto.core.errors import COMMON_ERROR_CODES
from moto.core.utils import utcnow
from moto.sts.models import STSBackend

from reporter.sandbox.aws.conformance import expect
from reporter.sandbox.aws.extend import Call, Extension, refuse
from reporter.sandbox.aws.sessions import SESSIONS, Session
from reporter.sandbox.aws.store import STORE

REFUSED = "refused_roles"


def assume_role(call: Call) -> Any:
    role = call.params["RoleArn"]
    if any(role in shelf for _, _, shelf in STORE.shelves("sts", REFUSED)):
        caller = call.response.backend.get_caller_identity(call.response.get_access_key(), call.region)[1]
        raise refuse("AccessDenied", f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}")
    return call.original()


def seed_refused_roles(account: str, region: str, items: list[Any]) -> None:
    STORE.shelf("sts", REFUSED, account, region).update({expect(item, str, f"items[{i}]"): True for i, item in enumerate(items)})


def remember_sessions() -> None:
    """moto finds the account of a key by walking all accounts; a session is looked up directly."""
    COMMON_ERROR_CODES.append("AccessDenied")  # not in the model of STS, so moto would warn of it
    backend: Any = STSBackend
    assume, account_of = backend.assume_role, moto.iam.models.get_account_id_from

    def assume_and_remember(self: Any, *args: Any, **kwargs: Any) -> Any:
        role = assume(self, *args, **kwargs)
        SESSIONS[role.access_key_id] = Session(role.account_id, role.role_arn, role.session_token, role.expiration)
        return role

    def account_of_key(access_key: str) -> Any:
        session = SESSIONS.get(access_key)
        return session.account if session else account_of(access_key)

    backend.assume_role = assume_and_remember
    moto.iam.models.get_account_id_from = account_of_key


def credential_problem(access_key: str, token: str) -> str:
    """Why temporary credentials are refused (`expired`, `unknown`); empty when they are good. Long-lived keys are always good."""
    if not access_key.startswith("ASIA"):
        return ""
    session = SESSIONS.get(access_key)
    if session is None or session.token != token:
        return "unknown"
    return "expired" if session.expires <= utcnow() else ""


EXTENSION = Extension(service="sts", operations={"AssumeRole": assume_role}, kinds={REFUSED: seed_refused_roles}, patch=remember_sessions)
