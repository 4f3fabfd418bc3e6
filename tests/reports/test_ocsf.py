"""Results as OCSF compliance findings: every event is one by the schema that OCSF publishes, and says no more than the result does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from reporter.reports import ocsf
from reporter.reports.view import View
from reporter.tables.joined import CHANGES, RESULTS
from tests.reports.views import HOSTILE, NOW, A, I, R, hostile, row, view

BEFORE = datetime(2026, 11, 1, 3, tzinfo=UTC)


@cache
def validator(profiles: tuple[str, ...], version: str = ocsf.VERSION) -> Any:
    """OCSF's own schema of the class, from a copy that is installed with the tests."""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version)).get_class_schema("compliance_finding", list(profiles))
    return jsonschema_rs.validator_for(schema)


def problems(event: dict[str, Any]) -> list[str]:
    told = json.loads(json.dumps(event))
    return [error.message for error in validator(tuple(event["metadata"]["profiles"])).iter_errors(told)]


def result(**changes: Any) -> tuple[Any, ...]:
    given = {"resource": I, "reason": "the firewall is off", "observed": "off", "expected": "on", "owner": "payments", "waiver": None, "due": None}
    return row(RESULTS, **{**given, "unread": False, **changes})


def seen(results: Iterable[tuple[Any, ...]], changes: Iterable[tuple[Any, ...]] = ()) -> View:
    tables = {RESULTS.name: RESULTS.frame(results), CHANGES.name: CHANGES.frame(changes)}
    return view(tables, exports=frozenset({"ocsf"}))


def only(found: View) -> dict[str, Any]:
    (event,) = ocsf.events(found)
    assert problems(event) == []
    return event


@pytest.mark.parametrize(
    ("status", "compliance", "workflow", "severity"),
    [("FAIL", (3, "Fail"), 1, 3), ("UNKNOWN", (0, "Unknown"), 1, 3), ("WAIVED", (3, "Fail"), 3, 3), ("PASS", (1, "Pass"), 4, 1)],
)
def test_each_status_is_told_as_what_it_is(status: str, compliance: tuple[int, str], workflow: int, severity: int) -> None:
    event = only(replace(seen([result(status=status)]), export_all=True))
    assert (event["compliance"]["status_id"], event["compliance"]["status"]) == compliance
    assert (event["status_id"], event["severity_id"]) == (workflow, severity)
    assert ("last_seen_time" in event["finding_info"]) == (status != "UNKNOWN")
    assert event["resources"][0]["uid"] == f"arn:aws:ec2:{R}:{A}:instance/{I}"
    assert event["cloud"] == {"provider": "AWS", "account": {"uid": A}, "region": R}


def test_an_event_of_the_schema_before_is_one_too() -> None:
    event = json.loads(json.dumps(only(seen([result()]))))
    assert list(validator(("cloud",), "1.5.0").iter_errors(event)) == []


def test_what_this_run_saw_first_is_created_and_what_stood_before_is_updated() -> None:
    assert only(seen([result(first_seen=NOW)]))["type_uid"] == 200301
    assert only(seen([result(first_seen=BEFORE)]))["type_uid"] == 200302


@pytest.mark.parametrize(("now", "compliance"), [("PASS", 1), (None, 99)])
def test_what_was_put_right_since_the_run_before_is_closed_under_the_same_id(now: str | None, compliance: int) -> None:
    mended = row(CHANGES, check_id="firewall_active", resource=I, change="fixed", was="FAIL", now=now, severity="MEDIUM", owner=None)
    event = only(seen([], [mended]))
    assert (event["type_uid"], event["status_id"], event["compliance"]["status_id"]) == (200303, 4, compliance)
    assert event["finding_info"]["uid"] == only(seen([result()]))["finding_info"]["uid"]


def test_what_was_only_not_read_is_not_closed() -> None:
    gone = row(CHANGES, check_id="firewall_active", resource=I, change="gone", was="FAIL", now=None, severity="MEDIUM", owner=None)
    assert list(ocsf.events(seen([], [gone]))) == []


def test_what_belongs_to_no_account_has_no_cloud() -> None:
    event = only(seen([result(account="-", region="-", resource="schedule.yaml")]))
    assert "cloud" not in event
    assert event["metadata"]["profiles"] == []


def test_every_event_is_one_by_ocsfs_schema_however_hostile_its_texts(tmp_path: Path) -> None:
    ocsf.write(tmp_path, replace(hostile(), exports=frozenset({"ocsf"})))
    lines = (tmp_path / ocsf.FILE).read_text(encoding="utf-8").split("\n")
    events = [json.loads(line) for line in lines[:-1]]
    assert len(events) == len(HOSTILE)
    assert [problem for event in events for problem in problems(event)] == []
    assert max(len(line) for line in lines) < 40_000


def test_the_schema_sees_what_is_wrong() -> None:
    event = only(seen([result()]))
    assert problems({**event, "severity_id": 42}) != []
    assert problems({key: value for key, value in event.items() if key != "compliance"}) != []


def test_the_same_results_are_the_same_bytes_in_whatever_order_they_come(tmp_path: Path) -> None:
    rows = [result(resource=f"i-{number:017x}") for number in range(9)]
    told = [b"".join(json.dumps(event).encode() for event in ocsf.events(seen(some))) for some in (rows, rows[::-1])]
    assert told[0] == told[1]


def test_a_run_that_does_not_ask_for_it_has_no_file(tmp_path: Path) -> None:
    ocsf.write(tmp_path, view())
    assert list(tmp_path.iterdir()) == []
