"""Errors for people: what happened, where, what to change, and what the report says meanwhile."""

from __future__ import annotations

from reporter.core.scope import ScopeState


class ReporterError(Exception):
    """Something a person has to put right; shown without a traceback.

    `what` happened, `where` (file, key, account, call), `fix`: what to change, `meanwhile`: what the report says until then.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "", meanwhile: str = "") -> None:
        self.what, self.where, self.fix, self.meanwhile = what, where, fix, meanwhile
        super().__init__(what)

    def __str__(self) -> str:
        parts = [self.what]
        if self.where:
            parts.append(f"  where: {self.where}")
        if self.fix:
            parts.append(f"  change: {self.fix}")
        if self.meanwhile:
            parts.append(f"  meanwhile: {self.meanwhile}")
        return "\n".join(parts)


class ScheduleError(ReporterError):
    """schedule.yaml, or the call itself, is wrong. Nothing was read or written."""

    exit_code = 2


class Stopped(ReporterError):
    """The run was asked to stop and has: what it read is kept, and a later call goes on from there."""

    exit_code = 6


class ScopeProblem(Exception):
    """One scope could not be read; the gatherer turns it into exactly one ledger row.

    `state` is never OK. `permission` is the IAM action or WP right to grant, when the cause is a refusal.
    """

    def __init__(self, state: ScopeState, message: str, *, permission: str = "") -> None:
        self.state, self.message, self.permission = state, message, permission
        super().__init__(message)


class Denied(ScopeProblem):
    """The world refused: no right, a wrong or expired key, an account that cannot be assumed."""

    def __init__(self, message: str, *, permission: str = "") -> None:
        super().__init__(ScopeState.DENIED, message, permission=permission)


class Unavailable(ScopeProblem):
    """The world did not answer, or not in a form that can be believed: throttled out, timeout, reset, broken page."""

    def __init__(self, message: str) -> None:
        super().__init__(ScopeState.UNAVAILABLE, message)


class NotEnabled(ScopeProblem):
    """The service is switched off here. That is knowledge, not a failure to look."""

    def __init__(self, message: str) -> None:
        super().__init__(ScopeState.NOT_ENABLED, message)
