"""Can each account be read, and acted on, with the roles that the schedule names, and may they do what it needs?"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from reporter.clients.aws import AwsClients
from reporter.clients.simulation import not_allowed, principal_of
from reporter.core.errors import ReporterError, ScopeProblem
from reporter.core.permission import By
from reporter.core.scope import GLOBAL
from reporter.opening import Clients
from reporter.permissions import statements
from reporter.preflight import services
from reporter.preflight.finding import Finding, fail, of_problem, ok
from reporter.schedule import Schedule
from reporter.scopes import Access, ScopePlan, plan_scopes
from reporter.sources import guardduty

THREADS = 8
"""accounts looked at at once"""
_ASSUME = "let the role trust the job, with the external id of the schedule, and let the job assume it (sts:AssumeRole)"


def look(schedule: Schedule, clients: Clients) -> Iterator[Finding]:
    """Rows of the caller, then of each account by its id."""
    if clients.aws.endpoint_override:
        yield ok("AWS endpoint", f"overridden: calls go to {clients.aws.endpoint_override}, every output will say so")
    try:
        plan = plan_scopes(schedule, (guardduty.SOURCE,), clients)  # one regional source: its scopes are the accounts and regions
    except ReporterError as error:
        yield fail("AWS", error.what, error.fix)
        return
    yield ok("AWS caller", f"account {plan.caller}")
    with ThreadPoolExecutor(THREADS) as threads:
        for found in threads.map(partial(_account, schedule, clients.aws, plan), sorted(plan.access)):
            yield from found


def _account(schedule: Schedule, aws: AwsClients, plan: ScopePlan, account: str) -> list[Finding]:
    access = plan.access[account]
    regions = [scope.region for scope, _ in plan.aws if scope.account == account]
    row, arn = _assumed(aws, access, f"account {account}")
    acting = _acting(schedule, account, access.external_id)
    act_row, _ = _assumed(aws, acting, f"act role in {account}") if acting else (None, "")
    found = [row, *([act_row] if act_row else [])]
    if not row.bad:
        found += [
            fail(f"regions of {account}", asked.message, f"grant {asked.permission}")
            for asked in plan.settled
            if asked.scope.account == account and asked.permission
        ]
        found.append(_allowed(schedule, aws, access, access.role or principal_of(arn), By.READ))
        found += services.look(schedule, aws, access, regions)
    if acting and acting.role and not row.bad and act_row and not act_row.bad:
        found.append(_allowed(schedule, aws, access, acting.role, By.ACT))
    return found


def _acting(schedule: Schedule, account: str, external_id: str | None) -> Access | None:
    """How an account is acted on, where the schedule names a role for it."""
    organization = schedule.aws.organization
    if organization is not None:
        return Access(account, f"arn:aws:iam::{account}:role/{organization.act_role}", external_id) if organization.act_role else None
    role = next((known.act_role for known in schedule.aws.accounts if known.id == account), None)
    return Access(account, role, external_id) if role else None


def _assumed(aws: AwsClients, access: Access, what: str) -> tuple[Finding, str]:
    """The row, and the ARN that the credentials have."""
    try:
        identity = aws.identity(access.account, access.role, access.external_id)
    except ScopeProblem as problem:
        if problem.permission == "sts:AssumeRole":
            return fail(what, problem.message, _ASSUME), ""
        return of_problem(what, problem, _ASSUME), ""
    if identity["account"] == access.account:
        return ok(what, identity["arn"]), identity["arn"]
    return fail(what, f"the credentials belong to account {identity['account']}", "give the account a role of its own"), ""


def _allowed(schedule: Schedule, aws: AwsClients, access: Access, principal: str, by: By) -> Finding:
    """What `reporter permissions` prints, against the policies that the role really has."""
    what = f"permissions to {by.value} in {access.account}"
    if principal.endswith(":root"):
        return ok(what, "the account's root: no policy of the account narrows it")
    wanted = statements(schedule, by)
    reader = aws.reader(access.account, GLOBAL, "check", access.role, access.external_id)
    try:
        lacking = not_allowed(reader, principal, wanted)
    except ScopeProblem as problem:
        return of_problem(what, problem, f"look whether {principal} is there; without it nothing says what the credentials may do")
    if not lacking:
        return ok(what, f"{principal} may do all {len({action for said in wanted for action in said['Action']})} actions")
    said = ", ".join(f"{action} ({why})" for action, why in sorted(lacking.items()))
    return fail(what, f"{principal} may not: {said}", f"grant them: reporter permissions --{by.value}")
