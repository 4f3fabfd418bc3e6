from __future__ import annotations

import pytest

from reporter.actions.recommendation_scan import ACTION
from reporter.core.action import Stale
from reporter.core.change import ActionState
from tests.actions.fleet import Fleet, ago, computer, finding, millis, plan, recommended
from tests.clients.wp_sandbox import Tenant, tenant

__all__ = ["tenant"]


@pytest.fixture
def fleet(tenant: Tenant) -> Fleet:
    tenant.seed("assignments", recommended(1))
    return Fleet.of(tenant, computer(1))


def test_the_task_scans_for_recommendations(fleet: Fleet) -> None:
    fleet.turn(task_removal_delay=60)
    fleet.apply(ACTION, plan(ACTION, fleet.world([finding(1)]))[0])
    (task,) = fleet.tasks
    assert task["type"] == "scan-for-recommendations"
    assert task["scanForRecommendationsTaskParameters"] == {"computerFilter": {"type": "computer", "computerID": 1}}


@pytest.mark.parametrize("integrity", [{"state": "off"}, {}])
def test_integrity_monitoring_is_not_needed(fleet: Fleet, tenant: Tenant, integrity: dict[str, str]) -> None:
    tenant.seed("computers", computer(1, integrityMonitoring=integrity))
    (change,) = plan(ACTION, fleet.world([finding(1)]))
    assert change.held == ""
    assert fleet.apply(ACTION, change).state is ActionState.PENDING


@pytest.mark.parametrize(("status", "held"), [("none", False), ("out-of-date", False), ("unknown", True), ("", True)])
def test_a_computer_of_which_nothing_is_said_is_held(fleet: Fleet, tenant: Tenant, status: str, held: bool) -> None:
    tenant.seed("assignments", {"computerID": 1, "recommendationScanStatus": status})
    (change,) = plan(ACTION, fleet.world([finding(1)]))
    assert (change.held == "Workload Protection does not say whether it was ever scanned for recommendations") is held


def test_a_scan_whose_result_is_not_valid_is_not_confirmed(fleet: Fleet) -> None:
    (change,) = plan(ACTION, fleet.world([finding(1)]))
    outcome = fleet.apply(ACTION, change)
    fleet.at(seconds=3)
    fleet.tasks  # noqa: B018  # the scan finishes
    fleet.state.recommendations[1]["recommendationScanStatus"] = "out-of-date"
    assert fleet.verify(ACTION, change, outcome.delta).state is ActionState.PENDING
    fleet.state.recommendations[1]["recommendationScanStatus"] = "valid"
    assert fleet.verify(ACTION, change, outcome.delta).state is ActionState.VERIFIED


def test_a_date_in_the_form_of_text_is_a_date(fleet: Fleet) -> None:
    fleet.turn(scan_date="string")
    (change,) = plan(ACTION, fleet.world([finding(1)]))
    outcome = fleet.apply(ACTION, change)
    fleet.at(seconds=3)
    assert fleet.verify(ACTION, change, outcome.delta).state is ActionState.VERIFIED


def test_assignments_that_are_gone_make_the_plan_stale(fleet: Fleet, tenant: Tenant) -> None:
    (change,) = plan(ACTION, fleet.world([finding(1)]))
    fleet.fault("not_enabled", "/computers/1/intrusionprevention", method="GET")
    with pytest.raises(Stale, match="a computer is gone"):
        fleet.apply(ACTION, change)


def test_the_date_in_the_plan_is_the_date_that_is_re_read_to_the_second(fleet: Fleet, tenant: Tenant) -> None:
    tenant.seed("assignments", recommended(1, lastRecommendationScanDate=millis(ago(days=2)) + 999))
    (change,) = plan(ACTION, fleet.world([finding(1)]))
    assert fleet.apply(ACTION, change).state is ActionState.PENDING
