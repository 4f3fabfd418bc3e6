"""Results as OSCAL assessment results: a document by NIST's own schema, small, the same each time, and never a pass that was not seen."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest

from reporter.reports import oscal
from reporter.reports.view import View
from reporter.tables.controls import CONTROLS
from reporter.tables.joined import RESULTS
from tests.reports.views import A, I, R, empty, hostile, row, view

SCHEMA = Path(__file__).parent / "schemas" / "oscal_assessment-results_schema.json"


@cache
def validator() -> Any:
    """NIST's schema; its patterns use Unicode classes that Python's own regular expressions lack."""
    return jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")), validate_formats=True)


def problems(document: dict[str, Any]) -> list[str]:
    return [f"{error.instance_path}: {error.message[:200]}" for error in validator().iter_errors(json.loads(json.dumps(document)))]


def result(**changes: Any) -> tuple[Any, ...]:
    given = {"resource": I, "reason": "the firewall is off", "observed": "off", "expected": "on", "owner": "payments", "waiver": None, "due": None}
    return row(RESULTS, **{**given, "unread": False, **changes})


def control(status: str, number: str = "1.1.1") -> tuple[Any, ...]:
    given: dict[str, Any] = {"framework": "PCI DSS 4.0.1", "control_id": number, "title": "Firewalls", "status": status}
    return row(CONTROLS, **given, checks=("firewall_active",), context=(), failing=1, unknown=0)


def seen(results: Iterable[tuple[Any, ...]], controls: Iterable[tuple[Any, ...]]) -> View:
    tables = {RESULTS.name: RESULTS.frame(results), CONTROLS.name: CONTROLS.frame(controls)}
    return view(tables, exports=frozenset({"oscal"}))


def document(found: View) -> dict[str, Any]:
    """The one result of the document, which is one by NIST's schema."""
    said = oscal.assessment_results(found)
    assert problems(said) == []
    (one,) = said["assessment-results"]["results"]
    return dict(one)


def marked_up(part: Any) -> Iterator[str]:
    """Every text that OSCAL reads as Markdown."""
    if isinstance(part, list):
        for one in part:
            yield from marked_up(one)
    elif isinstance(part, dict):
        for name, one in part.items():
            if name in ("title", "description", "statement", "remarks"):
                yield one
            else:
                yield from marked_up(one)


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ("PASS", "satisfied", "pass"),
        ("FAIL", "not-satisfied", "fail"),
        ("UNKNOWN", "not-satisfied", "other"),
        ("WAIVED", "not-satisfied", "other"),
    ],
)
def test_each_control_is_one_finding_that_says_what_it_is(status: str, state: str, reason: str) -> None:
    (finding,) = document(seen([result()], [control(status)]))["findings"]
    target = finding["target"]
    assert (target["target-id"], target["status"]["state"], target["status"]["reason"]) == ("pci_dss_4.0.1_1.1.1", state, reason)
    assert {prop["name"]: prop["value"] for prop in finding["props"]}["status"] == status
    assert ("remarks" in target["status"]) == (reason == "other")


def test_a_control_without_automated_evidence_is_no_finding_but_excluded() -> None:
    one = document(seen([result()], [control("PASS"), control("NO_AUTOMATED_EVIDENCE", "2.2"), control("NOT_APPLICABLE", "3.3")]))
    (selection,) = one["reviewed-controls"]["control-selections"]
    assert [each["control-id"] for each in selection["include-controls"]] == ["pci_dss_4.0.1_1.1.1"]
    assert [each["control-id"] for each in selection["exclude-controls"]] == ["pci_dss_4.0.1_2.2", "pci_dss_4.0.1_3.3"]
    assert len(one["findings"]) == 1


def test_what_is_open_is_observed_on_the_thing_it_is_about_and_what_passes_only_in_sum() -> None:
    one = document(seen([result(), result(resource="i-0000000000000002", status="PASS")], [control("FAIL")]))
    of_check, of_result = one["observations"]
    (item,) = one["local-definitions"]["inventory-items"]
    assert of_check["description"] == "Results: 1 PASS, 1 FAIL."
    assert of_result["subjects"] == [{"subject-uuid": item["uuid"], "type": "inventory-item"}]
    assert of_result["links"] == [{"href": f"#{of_check['uuid']}", "rel": "part-of"}]
    assert one["findings"][0]["related-observations"] == [{"observation-uuid": of_check["uuid"]}]
    assert {prop["name"]: prop["value"] for prop in item["props"]}["asset-id"] == f"arn:aws:ec2:{R}:{A}:instance/{I}"


def test_an_accepted_failure_is_a_risk_with_an_approved_deviation() -> None:
    (risk,) = document(seen([result(status="WAIVED", waiver="SEC-1 until 2027-03-31")], [control("WAIVED")]))["risks"]
    assert risk["status"] == "deviation-approved"
    assert "SEC-1 until 2027-03-31" in risk["statement"]


def test_ids_are_of_version_5_each_used_once_and_the_same_in_each_writing_of_a_run(tmp_path: Path) -> None:
    rows = [result(resource=f"i-{number:017x}", check_id=check) for number in range(9) for check in ("firewall_active", "agent_online")]
    for place, some in enumerate((rows, rows[::-1])):
        (tmp_path / str(place)).mkdir()
        oscal.write(tmp_path / str(place), seen(some, [control("FAIL")]))
    first, again = ((tmp_path / str(place) / oscal.FILE).read_bytes() for place in (0, 1))
    assert first == again
    one = document(seen(rows, [control("FAIL")]))
    ids = [each["uuid"] for kind in ("observations", "findings") for each in one[kind]] + [
        i["uuid"] for i in one["local-definitions"]["inventory-items"]
    ]
    assert len(set(ids)) == len(ids) == 2 + 18 + 1 + 9
    assert {UUID(each).version for each in ids} == {5}
    assert document(replace(seen(rows, [control("FAIL")]), run_id="main-000002"))["uuid"] != one["uuid"]


@pytest.mark.parametrize("every", [False, True])
def test_the_document_is_one_by_nists_schema_however_hostile_the_texts(every: bool) -> None:
    said = oscal.assessment_results(replace(hostile(), export_all=every))
    assert problems(said) == []
    assert [text for text in marked_up(said) if re.search(r"(?<!\\)[<>*_`\[\]]", text)] == []
    assert "\u202e" not in json.dumps(said, ensure_ascii=False)


def test_a_run_without_anything_is_a_document_too() -> None:
    assert "findings" not in document(empty())


def test_nists_schema_is_the_one_that_was_published_and_sees_what_is_wrong() -> None:
    digest = hashlib.sha256(SCHEMA.read_bytes()).hexdigest()
    assert digest in (SCHEMA.parent / "README.md").read_text(encoding="utf-8")
    said = oscal.assessment_results(seen([result()], [control("FAIL")]))
    said["assessment-results"]["results"][0]["findings"][0]["target"]["status"]["state"] = "passed"
    assert problems(said) != []


def test_a_run_that_does_not_ask_for_it_has_no_file(tmp_path: Path) -> None:
    oscal.write(tmp_path, view())
    assert list(tmp_path.iterdir()) == []
