"""The line of figures, held against AWS's published rules of the embedded metric format (2025):
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reporter.core.change import ActionState
from reporter.core.result import Status
from reporter.metrics import NAMESPACE, embedded
from reporter.run import Finished
from reporter.stack.printed import home
from tests.schedules import ONE_ACCOUNT, schedule

AT = datetime(2026, 11, 24, 3, 20, 0, 250000, UTC)
FINISHED = Finished(
    Path("run-000001"),
    {"PASS": 7, "FAIL": 3, "UNKNOWN": 2, "WAIVED": 1, "NOT_APPLICABLE": 4},
    {"ok": 9, "denied": 2, "unavailable": 1, "not_enabled": 1, "skipped": 5},
    True,
    (),
    {"integrity_scan": {"planned": 4, "failed": 1}, "assign_ips_rule": {"planned": 2}},
    findings=30,
    calls=444,
    throttled=6,
)
UNITS = {"Seconds", "Count"}


def line(finished: Finished | None = FINISHED, job: str | None = "nightly") -> dict[str, Any]:
    said: dict[str, Any] = json.loads(json.dumps(embedded(job, 12.5, AT, finished, {"run": "main-000001"})))
    return said


@pytest.mark.parametrize("finished", [FINISHED, None])
@pytest.mark.parametrize("job", ["nightly", None])
def test_the_line_keeps_the_published_rules(finished: Finished | None, job: str | None) -> None:
    said = line(finished, job)
    assert set(said["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    assert said["_aws"]["Timestamp"] == 1795490400250
    assert len(json.dumps(said).encode()) < 256 * 1024
    (directive,) = said["_aws"]["CloudWatchMetrics"]
    assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
    assert 1 <= len(directive["Namespace"]) <= 255
    assert not directive["Namespace"].startswith("AWS/")
    ((dimension,),) = directive["Dimensions"]
    assert isinstance(said[dimension], str)
    assert 1 <= len(said[dimension]) <= 1024
    names = [metric["Name"] for metric in directive["Metrics"]]
    assert len(set(names)) == len(names) <= 100
    for metric in directive["Metrics"]:
        assert set(metric) == {"Name", "Unit"}
        assert metric["Unit"] in UNITS
        assert isinstance(said[metric["Name"]], int | float)
        assert not isinstance(said[metric["Name"]], bool)
    assert set(said) == {"_aws", "run", dimension, *names}  # every target is there, nothing is nested


def test_the_figures_of_a_run_are_counted() -> None:
    said = line()
    assert (said["Finished"], said["Duration"], said["Findings"], said["UnknownScopes"], said["Calls"], said["Throttles"]) == (1, 12.5, 30, 3, 444, 6)
    assert (said["ActionsPlanned"], said["ActionsFailed"], said["ActionsVerified"]) == (6, 1, 0)
    assert (said["ResultsPass"], said["ResultsFail"], said["ResultsUnknown"], said["ResultsNotApplicable"]) == (7, 3, 2, 4)
    assert sum(name.startswith("Actions") for name in said) == len(ActionState)
    assert sum(name.startswith("Results") for name in said) == len(Status)


def test_a_run_without_a_report_has_no_figures_that_could_be_taken_for_good_ones() -> None:
    said = line(None)
    assert {name for name in said if name[0].isupper()} == {"Finished", "Duration"}
    assert said["Finished"] == 0


def test_alarms_rest_on_metrics_that_are_there() -> None:
    """Those of the stack are AWS's own; one on ours would have to name a metric that a run writes."""
    template = home(schedule(ONE_ACCOUNT))
    alarms = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    silent = [alarm for alarm in alarms if "has left no report" in alarm["AlarmDescription"]]
    assert [(alarm["Namespace"], alarm["MetricName"]) for alarm in silent] == [("AWS/Events", "TriggeredRules")]
    ours = {metric["Name"] for metric in line()["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert [alarm["MetricName"] for alarm in alarms if alarm["Namespace"] == NAMESPACE and alarm["MetricName"] not in ours] == []
    assert {alarm["Namespace"] for alarm in alarms} <= {"AWS/Events", "AWS/SQS", NAMESPACE}
