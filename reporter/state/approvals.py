"""Approvals: a person bound to a plan's hash, with the identity the call was made under. Written once; the first one stands."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from reporter.clients.store import Store
from reporter.core.clock import parse
from reporter.core.errors import ReporterError

FOLDER = "approvals/"


@dataclass(frozen=True)
class Approval:
    """`by`: the name that was given; `identity`: the caller's ARN at STS; `self_approved`: it is the job's own identity."""

    plan: str
    run: str
    by: str
    identity: str
    at: str
    expires: str
    self_approved: bool

    def valid(self, now: datetime) -> bool:
        return parse(self.at) <= now < parse(self.expires)


def approve(store: Store, approval: Approval) -> Approval:
    """Keep it. Returns the approval that stands: an earlier one of the same plan, where there is one. Raises ReporterError."""
    store.create(_name(approval.plan), json.dumps(asdict(approval), ensure_ascii=False).encode())
    standing = approval_of(store, approval.plan)
    assert standing is not None  # noqa: S101  # it was just written
    return standing


def approval_of(store: Store, plan: str) -> Approval | None:
    """The approval of a plan, by its hash. Raises ReporterError for one that cannot be read."""
    data = store.read(_name(plan))
    if data is None:
        return None
    try:
        found = Approval(**json.loads(data))
        if {type(value) for name, value in asdict(found).items() if name != "self_approved"} != {str} or type(found.self_approved) is not bool:
            raise TypeError("not an approval")
        parse(found.at), parse(found.expires)
    except (ValueError, TypeError) as error:
        raise ReporterError("the approval cannot be read", where=f"{store.where}/{_name(plan)}", fix="approve a fresh plan") from error
    if found.plan != plan:
        raise ReporterError("the approval is of another plan", where=f"{store.where}/{_name(plan)}", fix="approve a fresh plan")
    return found


def same_identity(one: str, other: str) -> bool:
    """Whether two ARNs are the same user or role; the name of a role's session makes no difference."""
    return bool(one) and _principal(one) == _principal(other)


def _principal(arn: str) -> str:
    head, _, rest = arn.partition(":assumed-role/")
    return f"{head}:{rest.split('/')[0]}" if rest else arn


def _name(plan: str) -> str:
    return f"{FOLDER}{plan}.json"
