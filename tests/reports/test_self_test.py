from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from reporter.core.check import Check
from reporter.core.result import Severity
from reporter.core.table import Tables
from reporter.reports import limitations
from reporter.reports.self_test import REPORT, rows_complete
from reporter.reports.view import View
from reporter.tables.evidence import BETWEEN_RUNS, QUERIES, RECONCILIATION
from reporter.tables.joined import INSTANCES, RESULTS, SCOPES, WEB_ENTRIES
from tests.reports.views import R, row, view

ONLINE = Check("agent_online", "Agent online", Severity.HIGH, ("ec2",), (), lambda _: RESULTS.frame())
ENTRIES = Check("web_acl_associated", "Web ACL", Severity.HIGH, ("elb", "cloudfront"), (), lambda _: RESULTS.frame())
ENABLED = Check("macie_enabled", "Macie", Severity.HIGH, ("macie",), (), lambda _: RESULTS.frame(), own_service="macie")
FINDINGS = Check("guardduty_finding_handled", "Handled", Severity.HIGH, ("guardduty",), (), lambda _: RESULTS.frame())


def small(check: Check, *resources: str, **more: Tables) -> View:
    tables = {
        INSTANCES.name: INSTANCES.frame([row(INSTANCES, instance_id="i-1"), row(INSTANCES, instance_id="i-2")]),
        WEB_ENTRIES.name: WEB_ENTRIES.frame([row(WEB_ENTRIES, entry="arn:1"), row(WEB_ENTRIES, entry="arn:2", type="nlb")]),
        SCOPES.name: SCOPES.frame([row(SCOPES, source="macie", state="ok"), row(SCOPES, source="macie", region="us-east-1", state="skipped")]),
        RESULTS.name: RESULTS.frame(row(RESULTS, check_id=check.id, resource=name, status="PASS") for name in resources),
    }
    return view({**tables, **more}, checks=(check,), self_test={"passed": True})


def told(seen: View) -> dict[str, Any]:
    (one,) = rows_complete(seen)
    return one


def test_each_instance_has_a_row_or_lacks_one() -> None:
    assert told(small(ONLINE, "i-1", "i-2")) == {"check": "agent_online", "rows": 2, "unread_places": 0, "population": 2, "missing": 0}
    assert told(small(ONLINE, "i-1"))["missing"] == 1
    assert told(small(ONLINE))["missing"] == 2


def test_what_stands_in_a_place_that_could_not_be_read_lacks_nothing() -> None:
    assert told(small(ONLINE, "*")) == {"check": "agent_online", "rows": 1, "unread_places": 1, "population": 2, "missing": 0}


def test_entries_services_and_what_only_the_results_know() -> None:
    assert (told(small(ENTRIES, "arn:1"))["missing"], told(small(ENTRIES))["missing"]) == (0, 1)
    assert (told(small(ENABLED, "macie"))["population"], told(small(ENABLED, "macie"))["missing"]) == (1, 0)
    assert told(small(ENABLED))["missing"] == 1
    assert told(small(FINDINGS, "a"))["population"] is None


def test_a_network_load_balancer_is_asked_about_by_no_check() -> None:
    assert told(small(ENTRIES, "arn:1"))["population"] == 1


def test_it_passes_only_if_the_known_answer_was_given_and_nothing_lacks_its_row(tmp_path: Path) -> None:
    whole = small(ONLINE, "i-1", "i-2")
    for seen, passed in ((whole, True), (small(ONLINE, "i-1"), False), (replace(whole, self_test={"passed": False}), False)):
        REPORT.write(tmp_path, seen)
        assert json.loads((tmp_path / "self_test.json").read_text(encoding="utf-8"))["passed"] is passed


def test_both_texts_of_limits_count_what_is_not_known_and_name_a_self_test_that_failed(tmp_path: Path) -> None:
    tables = {
        RECONCILIATION.name: RECONCILIATION.frame(row(RECONCILIATION, line=state, state=state) for state in ("unknown", "equal", "unexplained")),
        BETWEEN_RUNS.name: BETWEEN_RUNS.frame([row(BETWEEN_RUNS, event="unknown"), row(BETWEEN_RUNS, event="gone", region=R)]),
        QUERIES.name: QUERIES.frame([row(QUERIES, error=None), row(QUERIES, "b")]),
    }
    limitations.REPORT.write(tmp_path, replace(small(ONLINE, "i-1"), tables={**small(ONLINE, "i-1").tables, **tables}, held_back=("caf\u00e9\nx",)))
    english, german = ((tmp_path / name).read_bytes() for name in ("limitations.txt", "GRENZEN.txt"))
    text = english.decode("ascii")
    for part in (
        "1 counts have no second count, 1 differ",
        "in 1 places",
        "NOT PASSED",
        "1 things",
        "2 are in queries.jsonl, 1 of them",
        "- caf\\xe9 x\n",
    ):
        assert part in text
    assert "NICHT BESTANDEN" in german.decode("utf-8")
    assert text.count("\n- ") == german.decode("utf-8").count("\n- ")


def test_an_empty_run_has_its_limits_too(tmp_path: Path) -> None:
    limitations.REPORT.write(tmp_path, view({}, checks=()))
    assert "NOT PASSED" in (tmp_path / "limitations.txt").read_text(encoding="ascii")
