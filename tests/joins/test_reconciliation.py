from __future__ import annotations

from typing import Any

from reporter.joins import population, reconciliation
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.evidence import CONFIG_INSTANCES, COUNTS, RECONCILIATION
from reporter.tables.findings import INSPECTOR_COVERAGE
from reporter.tables.workload_protection import WP_COMPUTERS
from tests.joins.made import MAIN, NOW, A, R, computer, denied, machine, row, tenant_denied, world

I1, I2, I3 = "i-0000000000000001", "i-0000000000000002", "i-0000000000000003"


def count(name: str, items: int | None, message: str | None = None, **place: str) -> tuple[Any, ...]:
    return row(COUNTS, counted=name, items=items, message=message, **{"account": A, "region": R, **place})


def lines(*tables: Any, unread: Any = None) -> dict[tuple[str, str], dict[str, Any]]:
    """(line, instance id) -> its row, of account A in region R, and of the tenant."""
    made = world(*tables, unread=unread)
    made = made.with_tables(population.join(made))
    frame = reconciliation.join(made)[RECONCILIATION.name].astype(object)
    kept: list[dict[str, Any]] = frame.where(frame.notna(), None).to_dict("records")
    return {(one["line"], one["instance_id"] or ""): one for one in kept if (one["account"], one["region"]) in {(A, R), (MAIN, "-")}}


def told(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["items"], one["against"], one["state"]


def test_instances_add_up_to_their_parts_and_computers_to_theirs() -> None:
    found = lines((EC2_INSTANCES, [machine(I1), machine(I2)]), (WP_COMPUTERS, [computer(7, I1), computer(8, I1), computer(9, "i-gone")]))
    assert told(found["ec2", ""]) == (2, 2, "equal")
    assert found["ec2", ""]["explanation"] == "matched 1 + ec2_only 1 + excluded 0"
    assert told(found["wp", ""]) == (3, 3, "equal")
    assert found["wp", ""]["explanation"] == "stand for instances 2 + wp_only 1"


def test_each_instance_that_inspector_does_not_cover_or_alone_knows_is_a_line() -> None:
    covered = [row(INSPECTOR_COVERAGE, resource_type="AWS_EC2_INSTANCE", resource_id=name, scan_type="PACKAGE") for name in (I2, I3)]
    found = lines((EC2_INSTANCES, [machine(I1), machine(I2)]), (INSPECTOR_COVERAGE, covered), (COUNTS, [count("inspector", 2)]))
    assert told(found["inspector", ""]) == (2, 2, "equal")
    assert told(found["inspector", I1]) == (1, 0, "difference")
    assert told(found["inspector", I3]) == (0, 1, "difference")
    assert told(found["inspector_list", ""]) == (2, 2, "equal")


def test_a_list_that_is_shorter_than_the_services_own_count_is_not_explained() -> None:
    found = lines((COUNTS, [count("inspector", 5), count("wp", 3, account=MAIN, region="-")]), (WP_COMPUTERS, [computer(7, I1)]))
    assert told(found["inspector_list", ""]) == (0, 5, "unexplained")
    assert told(found["wp_again", ""]) == (1, 3, "unexplained")


def test_config_is_explained_where_its_list_is_whole_and_not_explained_where_it_is_cut() -> None:
    known = [row(CONFIG_INSTANCES, instance_id=I1), row(CONFIG_INSTANCES, instance_id=I3, deleted_at=NOW)]
    tables = ((EC2_INSTANCES, [machine(I1), machine(I2)]), (COUNTS, [count("config", 1)]))
    whole = lines(*tables, (CONFIG_INSTANCES, known))
    assert (told(whole["config", ""]), told(whole["config", I2])) == ((2, 1, "explained"), (1, 0, "difference"))
    cut = lines(*tables, (CONFIG_INSTANCES, [*known, row(CONFIG_INSTANCES, instance_id="*", message="more than is read")]))
    assert told(cut["config", ""]) == (2, 1, "unexplained")
    assert cut["config", ""]["explanation"].endswith("its list: more than is read")


def test_a_count_of_config_that_was_not_read_is_unknown() -> None:
    for unread, tables in ((denied(A, R, "config"), [count("config", 1)]), ({}, [count("config", None, "off")]), ({}, [])):
        found = lines((EC2_INSTANCES, [machine(I1)]), (COUNTS, tables), unread=unread)
        assert told(found["config", ""]) == (1, None, "unknown")


def test_what_was_not_read_is_unknown_and_says_why() -> None:
    unread = {**denied(A, R, "ec2"), **tenant_denied("wp_computers")}
    found = lines(unread=unread)
    assert {key: told(one) for key, one in found.items()} == dict.fromkeys(found, (None, None, "unknown"))
    assert len(found) == 6
    assert all("could not be read" in one["explanation"] for one in found.values())


def test_a_second_count_that_was_refused_is_unknown_and_says_why() -> None:
    found = lines((COUNTS, [count("inspector", None, "refused"), count("wp", None, "broken", account=MAIN, region="-")]))
    assert (found["inspector_list", ""]["state"], found["inspector_list", ""]["explanation"]) == ("unknown", "refused")
    assert (found["wp_again", ""]["state"], found["wp_again", ""]["explanation"]) == ("unknown", "broken")
