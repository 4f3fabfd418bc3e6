"""Law 1, over every source and every way in which the world can fail to answer.

For each: the scope gets exactly one ledger row with the cause (and the permission, where it is a refusal); every check that needs the scope is
UNKNOWN there, none is PASS or FAIL; nothing elsewhere turns into another PASS or FAIL.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
import yaml

from reporter.core.check import Check, Need, Span
from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.result import Status
from reporter.core.scope import GLOBAL, TENANT_REGION, Scope, ScopeState
from reporter.core.table import Rows
from reporter.core.world import World
from reporter.gather import discover, read_scope
from reporter.joining import join
from reporter.judge import discover as discover_checks
from reporter.judge import judge
from reporter.opening import Opener, open_clients
from reporter.schedule import Schedule, parse
from reporter.scopes import plan_scopes
from tests.whole.conftest import NOW, Served
from tests.whole.table import PROPERTY

pytestmark = pytest.mark.xdist_group("whole")

SERVICES = {
    "cloudfront": "cloudfront",
    "config": "config",
    "ec2": "ec2",
    "ecs": "ecs",
    "elb": "elbv2",
    "guardduty": "guardduty",
    "iam": "iam",
    "inspector": "inspector2",
    "macie": "macie2",
    "organizations": "organizations",
    "s3": "s3",
    "waf": "wafv2",
}
PATHS = {
    "wp_computers": "/api/computers/search",
    "wp_policies": "/api/policies",
    "wp_recommendations": "/api/computers",
    "wp_roles": "/api/apikeys",
    "wp_rules": "/api/intrusionpreventionrules",
}
EXPECTED = {
    "access_denied": ScopeState.DENIED,
    "expired": ScopeState.DENIED,
    "malformed": ScopeState.UNAVAILABLE,
    "reset": ScopeState.UNAVAILABLE,
    "throttle": ScopeState.UNAVAILABLE,
    "timeout": ScopeState.UNAVAILABLE,
    "truncated": ScopeState.UNAVAILABLE,
    "not_enabled": ScopeState.NOT_ENABLED,
}
OWN_CHECK = {"config": "config_recorder_on", "guardduty": "guardduty_enabled", "inspector": "inspector_enabled", "macie": "macie_enabled"}
FAULTS = [fault for fault in EXPECTED if fault != "not_enabled"]
MATRIX = [(source, fault) for source in (*SERVICES, *PATHS) for fault in FAULTS] + [(source, "not_enabled") for source in OWN_CHECK]
KEY = ["check_id", "resource", "account", "region"]


class Estate:
    """The estate as read without a fault, scope by scope, and its results."""

    def __init__(self, served: Served) -> None:
        self.schedule: Schedule = parse(_impatient(served.schedule), "the sandbox's schedule")
        self.sources = {source.name: source for source in discover()}
        clients = open_clients(self.schedule)
        self.plan = plan_scopes(self.schedule, self.sources.values(), clients)
        self.open = Opener(clients, self.plan, self.schedule.settings().config_rule_prefix, NOW)
        self.healthy = {scope: read_scope(scope, source, self.open) for scope, source in (*self.plan.aws, *self.plan.tenants)}
        self.results = self.judge({})

    def judge(self, instead: dict[Scope, tuple[LedgerRow, Rows]]) -> pd.DataFrame:
        """Join and judge everything that was read, with some scopes read anew."""
        read = {**self.healthy, **instead}
        ledger = Ledger(self.plan.all())
        for row in (*self.plan.settled, *(row for row, _ in read.values())):
            ledger.record(row)
        ledger.close()
        tables = {
            table.name: table.frame(row for _, rows in read.values() for row in rows.get(table.name, ()))
            for source in self.sources.values()
            for table in source.tables
        }
        return judge(join(World(tables, ledger, self.schedule.settings(), NOW)), discover_checks())

    def victim(self, source: str) -> Scope:
        """The scope of a source that has most rows: there a fault matters most."""
        scopes = [scope for scope, (row, _) in self.healthy.items() if scope.source == source and row.state is ScopeState.OK]
        return max(scopes, key=lambda scope: (self.healthy[scope][0].rows, scope))


def _impatient(schedule: str) -> str:
    """The sandbox's schedule with little patience, so that a fault shows in a second."""
    value = yaml.safe_load(schedule)
    value["aws"].update(max_attempts=2, read_timeout=0.6, connect_timeout=2)
    for tenant in value["workload_protection"]:
        tenant.update(patience=0.0, timeout=0.6, calls_per_minute=100_000)
    return str(yaml.safe_dump(value))


@pytest.fixture(scope="module")
def estate(served: Served) -> Estate:
    served.forget()
    healthy = Estate(served)
    unread = [row for row, _ in healthy.healthy.values() if row.state in (ScopeState.DENIED, ScopeState.UNAVAILABLE)]
    assert not unread, "the estate is healthy before faults"
    return healthy


def test_every_source_is_in_the_matrix() -> None:
    assert {source.name for source in discover()} == {*SERVICES, *PATHS}


@pytest.mark.parametrize(("source", "fault"), MATRIX, ids=str)
def test_what_cannot_be_read_is_unknown_and_nothing_else_changes(
    source: str, fault: str, estate: Estate, served: Served, record_property: Callable[[str, object], None]
) -> None:
    victim = estate.victim(source)
    if source in SERVICES:
        region = None if victim.region == GLOBAL else victim.region
        served.break_aws(service=SERVICES[source], operation=None, account=victim.account, region=region, fault=fault, times=None)
    else:
        served.break_wp(path=PATHS[source], fault=fault, times=None)

    row, rows = read_scope(victim, estate.sources[source], estate.open)
    results = estate.judge({victim: (row, rows)})

    assert (row.scope, row.state) == (victim, EXPECTED[fault]), row.message
    assert row.message
    assert not rows
    assert bool(row.permission) or fault != "access_denied"
    _assert_law(estate, results, victim, fault)
    unknown = results[(results["status"] == Status.UNKNOWN) & ((results["account"] == victim.account) | (victim.region == TENANT_REGION))]
    record_property(PROPERTY, (source, fault, f"{row.state.value} {len(unknown)}"))


def _assert_law(estate: Estate, results: pd.DataFrame, victim: Scope, fault: str) -> None:
    before = estate.results.set_index(KEY)["status"]
    checks = {check.id: check for check in discover_checks()}
    wrong: list[str] = []
    for check_id, resource, account, region, status in results[[*KEY, "status"]].itertuples(index=False, name=None):
        check = checks[check_id]
        was = before.get((check_id, resource, account, region))
        if fault == "not_enabled" and check_id == OWN_CHECK[victim.source] and (account, region) == (victim.account, victim.region):
            good = status == Status.FAIL
        elif _touched(estate, check, victim, account, region):
            good = status == Status.UNKNOWN or (status == Status.NOT_APPLICABLE and was in (Status.NOT_APPLICABLE, None))
        else:
            good = status in (was, Status.UNKNOWN)
        if not good:
            wrong.append(f"{check_id} {resource} {account} {region}: was {was}, is {status}")
    assert not wrong, "\n".join(wrong[:20])
    for check in checks.values():
        if victim.source in check.population and not (fault == "not_enabled" and check.own_service == victim.source):
            here = results[(results["check_id"] == check.id) & (results["account"] == victim.account) & (results["region"] == victim.region)]
            assert "*" in set(here["resource"]), f"{check.id}: no row says that the population could not be read"


def _touched(estate: Estate, check: Check, victim: Scope, account: str, region: str) -> bool:
    """Does a row of this check in this account and region rest on the victim? Said by the declared needs, in the words of the design."""
    needs = [*(Need(name) for name in check.population), *check.needs]
    spans = {need.span for need in needs if need.source == victim.source}
    if not spans or (check.own_service == victim.source and (account, region) != (victim.account, victim.region)):
        return False
    if victim.region == TENANT_REGION:
        return Span.HERE in spans  # one tenant: every computer is in it, and whoever has none may be
    if account != victim.account:
        return False
    population_elsewhere = victim.source in check.population and all(need.source != victim.source for need in check.needs)
    if population_elsewhere and region != victim.region and len(check.population) > 1:
        return False
    if Span.ACCOUNT in spans or region == victim.region:
        return True
    has_its_own = Scope(account, region, victim.source) in {scope for scope, _ in estate.plan.aws}
    return not has_its_own and GLOBAL in (victim.region, region)
