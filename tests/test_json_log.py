from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from reporter.acting import Act
from reporter.core.change import ActionState, Change
from reporter.core.ledger import LedgerRow
from reporter.core.scope import Scope, ScopeState
from reporter.core.secret import remember
from reporter.json_log import JsonLog, wanted
from reporter.run import Finished
from tests.whole.conftest import NOW

FIRST = ["at", "level", "run", "job", "account", "region", "source", "operation", "outcome", "seconds"]
PLANTED = "planted-" + "secret-of-a-tenant"
CHANGE = Change("integrity_scan", "i-1", "111122223333", "eu-central-1", "HIGH", "because", {}, {}, ("i-1",))


def told(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def run() -> list[dict[str, Any]]:
    """The lines of a small run, as it tells of itself."""
    remember(PLANTED)
    stream = io.StringIO()
    log = JsonLog(stream)
    watch = log.watch()
    watch.begun("main-000001", "nightly")
    watch.stage("plan scopes")
    watch.planned(2)
    watch.stage("gather")
    watch.settled(LedgerRow(Scope("111122223333", "us-east-1", "ec2"), ScopeState.OK, 5, 2, 1, 0.25))
    watch.settled(LedgerRow(Scope("main", "-", "wp_roles"), ScopeState.DENIED, message=f"the key {PLANTED} is refused\n\x1b[2J", permission="view"))
    watch.noted("key", f"it is not {PLANTED}")
    watch.stage("apply")
    watch.acted(Act(CHANGE, ActionState.FAILED, NOW, f"status 400: {PLANTED}"))
    log.line("mail", "refused", message=PLANTED)
    log.ended("incomplete", 3, Finished(Path("out/run-000001"), {}, {}, True, ()))
    assert PLANTED not in stream.getvalue()
    return told(stream)


def test_every_line_is_one_object_that_begins_with_the_same_members(run: list[dict[str, Any]]) -> None:
    for line in run[:-1]:
        assert list(line)[: len(FIRST)] == FIRST
        assert (line["run"], line["job"]) == ("main-000001", "nightly")
        assert line["at"].endswith("Z")
    assert "_aws" in run[-1]


def test_what_is_read_is_told_with_its_scope_its_outcome_and_its_time(run: list[dict[str, Any]]) -> None:
    good, bad = (line for line in run if line["operation"] == "gather" and line["source"])
    assert (good["account"], good["region"], good["source"], good["outcome"], good["seconds"]) == ("111122223333", "us-east-1", "ec2", "ok", 0.25)
    assert (good["level"], good["rows"], good["calls"], good["retries"]) == ("info", 5, 2, 1)
    assert (bad["level"], bad["outcome"], bad["permission"]) == ("warning", "denied", "view")


def test_a_stage_is_told_when_it_is_over_with_how_long_it_took(run: list[dict[str, Any]]) -> None:
    stages = [line for line in run[:-1] if line["outcome"] == "done"]
    assert [line["operation"] for line in stages] == ["plan scopes", "gather", "apply"]
    assert all(line["seconds"] >= 0 for line in stages)


def test_a_change_is_told_with_its_target_and_the_end_with_its_code(run: list[dict[str, Any]]) -> None:
    (change,) = (line for line in run if line["operation"] == "integrity_scan")
    assert (change["outcome"], change["target"], change["account"], change["level"]) == ("failed", "i-1", "111122223333", "warning")
    end = run[-2]
    assert (end["operation"], end["outcome"], end["exit_code"], end["folder"]) == ("run", "incomplete", 3, "out/run-000001")


def test_texts_of_the_world_do_not_steer_a_terminal_that_shows_the_log(run: list[dict[str, Any]]) -> None:
    (bad,) = (line for line in run if line.get("outcome") == "denied")
    assert "\x1b" not in bad["message"]
    assert "[secret]" in bad["message"]


def test_a_run_that_stops_says_so_of_its_stage_and_has_no_figures() -> None:
    stream = io.StringIO()
    log = JsonLog(stream)
    log.watch().stage("gather")
    log.ended("stopped", 6, message="main-000001 was stopped")
    stage, end, figures = told(stream)
    assert (stage["operation"], stage["outcome"]) == ("gather", "stopped")
    assert (end["level"], end["exit_code"], end["message"]) == ("warning", 6, "main-000001 was stopped")
    assert figures["Finished"] == 0


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "text"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "reporter"}, "json"),
        ({"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"}, "json"),
        ({"AWS_EXECUTION_ENV": "CloudShell"}, "text"),
    ],
)
def test_in_a_function_and_on_fargate_the_log_is_for_machines(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str) -> None:
    for name in ("AWS_LAMBDA_FUNCTION_NAME", "AWS_EXECUTION_ENV"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wanted() == expected
