"""Figures of a run for CloudWatch, as one log line in its embedded metric format: no call is made, no right is needed.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reporter.core.change import ActionState
from reporter.core.result import Status
from reporter.core.scope import ScopeState
from reporter.run import Finished

NAMESPACE = "ComplianceReporter"
DIMENSION = "job"
NO_JOB = "unnamed"


def embedded(job: str | None, seconds: float, at: datetime, finished: Finished | None, more: Mapping[str, Any]) -> dict[str, Any]:
    """The line. `finished`: what the run came to; None: it left no report, only that and its duration are told. `more`: what else the line says."""
    counts = {"Finished": 0} if finished is None else {"Finished": 1, **figures(finished)}
    metrics = [{"Name": "Duration", "Unit": "Seconds"}, *({"Name": name, "Unit": "Count"} for name in counts)]
    directive = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}
    about = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return {**more, "_aws": about, DIMENSION: job or NO_JOB, "Duration": round(seconds, 3), **counts}


def figures(finished: Finished) -> dict[str, int]:
    """Metric -> count. Every state and verdict is there, so that an alarm on it always has data."""
    actions = dict.fromkeys(ActionState, 0)
    for states in finished.by_action.values():
        for state, count in states.items():
            actions[ActionState(state)] += count
    unknown = sum(finished.by_scope_state.get(state.value, 0) for state in (ScopeState.DENIED, ScopeState.UNAVAILABLE))
    return {
        "Findings": finished.findings,
        "UnknownScopes": unknown,
        "Calls": finished.calls,
        "Throttles": finished.throttled,
        **{f"Actions{_camel(state.value)}": count for state, count in actions.items()},
        **{f"Results{_camel(status.value)}": finished.by_status.get(status.value, 0) for status in Status},
    }


def _camel(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_"))
