from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from reporter.core.settings import OwnersSettings, Settings, TagScope
from reporter.joins import population
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.evidence import POPULATION
from reporter.tables.findings import INSPECTOR_FINDINGS
from reporter.tables.workload_protection import WP_COMPUTERS, WP_RECOMMENDATIONS
from tests.joins.made import HOSTILE, MAIN, NOW, A, R, computer, machine, permuted, row, world

I1, I2 = "i-0000000000000001", "i-0000000000000002"


def rows(*tables: Any, **more: Any) -> list[dict[str, Any]]:
    frame = population.join(world(*tables, **more))[POPULATION.name].astype(object)
    found: list[dict[str, Any]] = frame.where(frame.notna(), None).to_dict("records")
    return found


def test_every_instance_and_every_computer_is_there_once() -> None:
    scope = Settings(tenants=(MAIN,), scope=TagScope(tag="Env", values=("cde",)))
    machines = [machine(I1, tags='{"Env": "cde"}'), machine(I2, tags='{"Env": "cde"}'), machine("i-out", tags="{}")]
    computers = [computer(7, I1), computer(8, I1, has_agent=False), computer(9, "I-GONE"), computer(10, None, account=None)]
    found = rows((EC2_INSTANCES, machines), (WP_COMPUTERS, computers), settings=scope)
    assert sorted((str(one["instance_id"]), one["kind"], one["in_scope"]) for one in found) == [
        ("None", "wp_only", None),
        (I1, "matched", True),
        (I2, "ec2_only", True),
        ("i-gone", "wp_only", None),
        ("i-out", "excluded", False),
    ]
    (matched,) = [one for one in found if one["kind"] == "matched"]
    assert (matched["computer_id"], matched["duplicates"], matched["joined_on"]) == (7, ("main/8",), "account_and_instance_id")


def test_a_computer_that_names_no_account_is_joined_on_the_instance_id_alone() -> None:
    (one,) = rows((EC2_INSTANCES, [machine(I1)]), (WP_COMPUTERS, [computer(7, I1, account=None)]))
    assert (one["kind"], one["joined_on"]) == ("matched", "instance_id")


def test_only_the_name_the_owner_and_the_scope_are_shown_of_the_tags() -> None:
    settings = Settings(tenants=(MAIN,), owners=OwnersSettings(tag="Owner"), scope=TagScope(tag="Env", values=("cde",)))
    tags = '{"Name": "web", "owner": "payments", "Env": "cde", "Password": "hunter2"}'
    (one,) = rows((EC2_INSTANCES, [machine(I1, tags=tags)]), settings=settings)
    assert (one["tags"], one["owner"]) == ('{"Env": "cde", "Name": "web", "owner": "payments"}', "payments")


def test_it_says_how_old_what_is_known_of_an_instance_is() -> None:
    old = NOW - timedelta(days=2)
    finding = row(INSPECTOR_FINDINGS, arn="f", resource_type="AWS_EC2_INSTANCE", resource_id=I1, last_observed=old)
    older = row(INSPECTOR_FINDINGS, arn="g", resource_type="AWS_EC2_INSTANCE", resource_id=I1, last_observed=old - timedelta(days=1))
    scan = row(WP_RECOMMENDATIONS, computer_id=7, last_scan=old)
    (one,) = rows(
        (EC2_INSTANCES, [machine(I1)]), (WP_COMPUTERS, [computer(7, I1)]), (WP_RECOMMENDATIONS, [scan]), (INSPECTOR_FINDINGS, [finding, older])
    )
    assert (one["last_contact"], one["last_recommendation_scan"], one["last_observed"]) == (NOW - timedelta(minutes=5), old, old)


@pytest.mark.parametrize("text", [HOSTILE, ""])
def test_what_the_world_calls_its_things_changes_nothing_and_the_order_of_rows_neither(text: str) -> None:
    made = world((EC2_INSTANCES, [machine(I1), machine(I2)]), (WP_COMPUTERS, [computer(7, text or None, account=A), computer(8, I2)]))
    first, again = (population.join(one)[POPULATION.name] for one in (made, permuted(made)))
    pd.testing.assert_frame_equal(first, again)
    assert set(first["region"]) == {R, "-"}
