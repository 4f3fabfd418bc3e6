from __future__ import annotations

from datetime import timedelta
from typing import Any

from reporter.joins import between_runs
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.evidence import BETWEEN_RUNS, CONFIG_INSTANCES, EC2_TERMINATED, PREVIOUS_POPULATION
from tests.joins.made import NOW, A, R, denied, machine, row, world

BEFORE = NOW - timedelta(days=1)
I1, I2, I3 = "i-0000000000000001", "i-0000000000000002", "i-0000000000000003"


def events(*tables: Any, unread: Any = None) -> dict[str, tuple[str, str]]:
    """Instance id -> (event, explanation), of account A in region R."""
    made = between_runs.join(world(*tables, unread=unread))[BETWEEN_RUNS.name]
    here = made[(made["account"] == A) & (made["region"] == R)]
    return {one.instance_id: (one.event, one.explanation) for one in here.itertuples()}


def earlier(*names: str) -> tuple[Any, ...]:
    return (PREVIOUS_POPULATION, [row(PREVIOUS_POPULATION, instance_id=name, read_at=BEFORE) for name in ("*", *names)])


def test_who_came_and_who_went_is_named() -> None:
    machines = [machine(I1, launch_time=BEFORE), machine(I2, launch_time=NOW), machine(I3, launch_time=BEFORE - timedelta(days=9))]
    found = events((EC2_INSTANCES, machines), earlier(I1, "i-old"))
    assert {name: event for name, (event, _) in found.items() if name != "*"} == {I2: "launched", I3: "appeared", "i-old": "gone"}


def test_who_was_in_neither_run_is_told_by_ec2_or_by_config() -> None:
    terminated = [row(EC2_TERMINATED, instance_id=I1, launch_time=NOW), row(EC2_TERMINATED, instance_id="i-long", launch_time=BEFORE)]
    seen = [row(CONFIG_INSTANCES, instance_id=I2, deleted_at=NOW), row(CONFIG_INSTANCES, instance_id=I3, deleted_at=BEFORE - timedelta(days=9))]
    found = events((EC2_TERMINATED, terminated), (CONFIG_INSTANCES, seen), earlier())
    assert found[I1] == ("came_and_went", "in neither run: EC2 still names it as terminated")
    assert found[I2] == ("came_and_went", "in neither run: AWS Config saw its end")
    assert {I3, "i-long"}.isdisjoint(found)


def test_where_config_is_not_read_to_its_end_the_rest_is_said_not_to_be_known() -> None:
    cut = [row(CONFIG_INSTANCES, instance_id="*", message="more than 10000 instances")]
    event, why = events((CONFIG_INSTANCES, cut), earlier())["*"]
    assert (event, "came and went" in why) == ("unknown", True)


def test_without_an_earlier_run_or_where_it_was_not_read_it_is_unknown() -> None:
    assert events((EC2_INSTANCES, [machine(I1)])) == {"*": ("unknown", "no earlier run that read this account and region is here to compare with")}
    ((event, why),) = events(earlier(I1), unread=denied(A, R, "ec2")).values()
    assert (event, "could not be read" in why) == ("unknown", True)
