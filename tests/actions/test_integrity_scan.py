from __future__ import annotations

from typing import Any

import pytest

from reporter.actions.integrity_scan import ACTION, INACTIVE
from reporter.core.action import Stale
from reporter.core.errors import Unavailable
from tests.actions.fleet import Fleet, ago, computer, finding, millis, plan
from tests.clients.wp_sandbox import Tenant, tenant

__all__ = ["tenant"]

ON = {"agentStatus": "active"}


@pytest.fixture
def fleet(tenant: Tenant) -> Fleet:
    return Fleet.of(tenant, computer(1))


def module(fleet: Fleet, **values: Any) -> None:
    fleet.tenant.seed("computers", computer(1, integrityMonitoring={"lastIntegrityScan": millis(ago(days=2)), **values}))


@pytest.mark.parametrize(("state", "status"), [("on", "active"), ("real-time", "active"), ("on", "warning")])
def test_where_integrity_monitoring_runs_it_is_scanned(fleet: Fleet, state: str, status: str) -> None:
    module(fleet, state=state, moduleStatus={"agentStatus": status})
    (change,) = plan(ACTION, fleet.world([finding(1)]))
    assert change.held == ""
    fleet.apply(ACTION, change)
    assert len(fleet.writes()) == 1


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"state": "off"}, INACTIVE),
        ({"state": "on", "moduleStatus": {"agentStatus": "inactive"}}, INACTIVE),
        ({}, "Workload Protection does not say whether integrity monitoring runs"),
        ({"state": "on"}, "Workload Protection does not say whether integrity monitoring runs"),
    ],
)
def test_where_it_does_not_run_the_scan_is_held_with_the_reason(fleet: Fleet, values: dict[str, Any], why: str) -> None:
    module(fleet, **values)
    (change,) = plan(ACTION, fleet.world([finding(1)]))
    assert change.held == why


@pytest.mark.parametrize("values", [{"state": "off", "moduleStatus": ON}, {"state": "on", "moduleStatus": {"agentStatus": "error"}}, {}])
def test_a_module_that_was_switched_off_since_makes_the_plan_stale(fleet: Fleet, values: dict[str, Any]) -> None:
    (change,) = plan(ACTION, fleet.world([finding(1)]))
    module(fleet, **values)
    with pytest.raises(Stale, match="nothing to compare with"):
        fleet.apply(ACTION, change)
    assert fleet.writes() == []


def test_in_a_policy_the_computer_with_the_module_off_is_named(fleet: Fleet, tenant: Tenant) -> None:
    tenant.seed("computers", computer(2))
    world = fleet.world([finding(1), finding(2)])
    (change,) = ACTION.combine(plan(ACTION, world), world)
    module(fleet, state="off")
    with pytest.raises(Stale, match="computer 1: integrity monitoring"):
        fleet.apply(ACTION, change)


def test_the_task_compares_whether_or_not_a_computer_is_trusted(fleet: Fleet) -> None:
    fleet.turn(task_removal_delay=60)
    fleet.apply(ACTION, plan(ACTION, fleet.world([finding(1)]))[0])
    (task,) = fleet.tasks
    assert task["type"] == "scan-for-integrity-changes"
    assert task["scanForIntegrityChangesTaskParameters"] == {
        "computerFilter": {"type": "computer", "computerID": 1},
        "trustedComputers": "all-computers",
    }


def test_a_date_that_is_none_stops_the_change(fleet: Fleet) -> None:
    (change,) = plan(ACTION, fleet.world([finding(1)]))
    module(fleet, state="on", moduleStatus=ON, lastIntegrityScan="yesterday")
    with pytest.raises(Unavailable, match="is no date"):
        fleet.apply(ACTION, change)
