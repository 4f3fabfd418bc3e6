"""Whom a statement of a bucket policy speaks of."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reporter.joins.reach.policy import Statement
from reporter.joins.reach.subject import Role
from reporter.joins.reach.truth import Truth

_ACCOUNT = re.compile(r"(?:arn:aws[a-z-]*:iam::)?([0-9]{12})(?::root)?")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/.+")
_SESSION = re.compile(r"arn:aws[a-z-]*:sts::([0-9]{12}):assumed-role/([^/]+)/(.+)")


@dataclass(frozen=True)
class Named:
    """How a statement names a role session: through its account (which only delegates), by the role's ARN, or directly: the session
    itself, or everybody."""

    account: Truth = Truth.NO
    role: Truth = Truth.NO
    direct: Truth = Truth.NO

    @property
    def at_all(self) -> Truth:
        return max(self.account, self.role, self.direct)


EVERYBODY = Named(direct=Truth.YES)


def named(statement: Statement, role: Role, session: str | None) -> Named:
    """Principal and NotPrincipal of a statement against a role; services and federated users are never a role."""
    account = by_role = direct = everybody = Truth.NO
    for kind, value in statement.principals:
        if kind == "CanonicalUser":
            account = max(account, Truth.of(None if role.canonical_id is None else value == role.canonical_id))
        elif kind == "AWS" and value == "*":
            everybody = Truth.YES
        elif kind == "AWS":
            account = max(account, _is_account(value, role))
            by_role = max(by_role, _is_role(value, role))
            direct = max(direct, _is_session(value, role, session))
    if not statement.not_principals:
        return Named(account, by_role, max(direct, everybody))
    return Named(direct=_not_listed(statement, role, everybody, account, max(by_role, direct)))


def admits(statement: Statement, account: str) -> bool:
    """Cheap, and never wrongly False: could the statement speak of anybody in this account?"""
    if statement.not_principals:
        return True
    return any(kind == "CanonicalUser" or (kind == "AWS" and (value == "*" or account in value)) for kind, value in statement.principals)


def _not_listed(statement: Statement, role: Role, everybody: Truth, account: Truth, itself: Truth) -> Truth:
    """AWS validates the account, then the role: one listed without the other may or may not be spared. A denial with NotPrincipal always
    meets a role that has a permissions boundary."""
    if role.boundary is not None and not statement.allows:
        return Truth.YES
    if everybody:
        return Truth.NO
    if account is Truth.YES and itself is Truth.YES:
        return Truth.NO
    return Truth.YES if max(account, itself) is Truth.NO else Truth.OPEN


def _is_account(value: str, role: Role) -> Truth:
    found = _ACCOUNT.fullmatch(value)
    return Truth.of(found is not None and found[1] == role.account)


def _is_role(value: str, role: Role) -> Truth:
    if role.arn:
        return Truth.of(value == role.arn)
    found = _ROLE.fullmatch(value)
    return Truth.OPEN if found is not None and found[1] == role.account else Truth.NO


def _is_session(value: str, role: Role, session: str | None) -> Truth:
    found = _SESSION.fullmatch(value)
    if found is None or found[1] != role.account or (role.arn and found[2] != role.name):
        return Truth.NO
    return Truth.of(None if session is None or not role.arn else found[3] == session)
