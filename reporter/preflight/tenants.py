"""Does each key of Workload Protection work, for how long, does its role see everything, and are the cloud accounts in step?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from reporter.clients.workload_protection import WpClient, WpReader
from reporter.core.clock import from_millis
from reporter.core.errors import ScopeProblem, Unavailable
from reporter.core.scope import TENANT_REGION, Scope, ScopeState
from reporter.core.source import Source
from reporter.doors import open_acting
from reporter.gather import read_scope
from reporter.opening import Clients
from reporter.permissions import CONNECTORS
from reporter.preflight.finding import Finding, State, fail, of_problem, ok
from reporter.schedule import Schedule
from reporter.sources import wp_roles
from reporter.tables.workload_protection import WP_ROLES

KEY_DAYS = 14
"""a key that expires sooner is to be renewed now"""
SYNC_HOURS = 24
"""a connector reads its account every few minutes; one that has not for so long does not"""
"""the right, asked by `reporter check` alone"""


def look(schedule: Schedule, clients: Clients, now: datetime) -> Iterator[Finding]:
    """Rows of each tenant by its name."""
    for tenant in sorted(schedule.workload_protection, key=lambda tenant: tenant.name):
        client = clients.wp[tenant.name]
        found = list(_key(tenant.name, client, "", now))
        yield from found
        if len(found) > 1:
            yield _connectors(f"AWS connectors of {tenant.name}", client, now)
        if tenant.act_key is not None:
            yield from _key(tenant.name, open_acting(tenant, clients), " to act with", now)


def _key(name: str, client: WpClient, use: str, now: datetime) -> Iterator[Finding]:
    """A key and its role; one row alone where they cannot be read."""
    what = f"Workload Protection {name}"
    row, rows = read_scope(Scope(name, TENANT_REGION, wp_roles.SOURCE.name), wp_roles.SOURCE, partial(_reader, client))
    if row.state is not ScopeState.OK:
        state = State.UNKNOWN if row.state is ScopeState.UNAVAILABLE else State.FAIL
        yield Finding(what + use, state, row.message, f"grant: {row.permission}" if row.permission else "the URL, and the way to it")
        return
    role = dict(zip(WP_ROLES.names, rows[WP_ROLES.name][0], strict=True))
    if role["all_computers"] and role["all_policies"]:
        yield ok(what + use, f"role {role['role_name']} sees every computer and policy")
    else:
        seen = f"role {role['role_name']} does not see every computer and policy: instances without a computer stay unknown"
        yield fail(what + use, seen, "a key whose role has all computers and all policies")
    yield _expiry(f"key{use} of {name}", role["key_expires"], now)


def _expiry(what: str, expires: datetime | None, now: datetime) -> Finding:
    if expires is None:
        return ok(what, "does not expire")
    if expires - now < timedelta(days=KEY_DAYS):
        return fail(what, f"expires {expires:%Y-%m-%d}", "make a new key, and put it where the schedule's key points to")
    return ok(what, f"expires {expires:%Y-%m-%d}")


def _connectors(what: str, client: WpClient, now: datetime) -> Finding:
    """How long ago each AWS account was last read by Workload Protection: what it has not read, it does not know."""
    try:
        answer = client.reader("check").get("/awsconnectors", right=CONNECTORS)
        listed = answer.get("awsConnectors")
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise Unavailable(f"GET /awsconnectors at tenant {client.tenant}: the answer has no list 'awsConnectors'")
        synced = {str(one.get("accountId")): _instant(one.get("lastSyncTime")) for one in listed}
    except ScopeProblem as problem:
        return of_problem(what, problem, "run check again")
    if not synced:
        return ok(what, "there is none: only computers with an agent are known")
    late = {account: at for account, at in synced.items() if at is None or now - at > timedelta(hours=SYNC_HOURS)}
    if not late:
        return ok(what, f"{len(synced)} read their account within {SYNC_HOURS} hours")
    said = ", ".join(f"{account} {f'last on {at:%Y-%m-%d %H:%M} UTC' if at else 'never'}" for account, at in sorted(late.items()))
    return fail(what, f"not in step: {said}", "the connector's role or access key in that account, then synchronise it in Workload Protection")


def _instant(millis: object) -> datetime | None:
    """Raises Unavailable for what is no instant."""
    if not (millis is None or (isinstance(millis, int) and not isinstance(millis, bool))):
        raise Unavailable(f"GET /awsconnectors: lastSyncTime is no instant: {str(millis)[:40]!r}")
    try:
        return from_millis(millis)
    except (OverflowError, ValueError, OSError) as error:
        raise Unavailable(f"GET /awsconnectors: lastSyncTime is no instant: {str(millis)[:40]!r}") from error


def _reader(client: WpClient, _: Scope, source: Source) -> WpReader:
    return client.reader(source.name)
