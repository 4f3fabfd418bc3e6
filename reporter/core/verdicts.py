"""How a check says what it found: vectorised, first case that holds; and when an instance can be judged at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from reporter.core.check import VERDICTS, Need, Span
from reporter.core.result import Severity, Status
from reporter.core.wording import counted
from reporter.core.world import World

Case: TypeAlias = tuple[pd.Series, Status, Any]
"""Where it holds, the status, and the reason (a text, or a series of texts)."""

AGENT_NEEDS = (Need("wp_computers"), Need("wp_roles", Span.ABSENT))
"""What every question about an instance's agent depends on."""

RESTING = frozenset({"stopped", "stopping", "shutting-down", "terminated"})
"""Power states in which no agent runs."""

_WORST_FIRST = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
_RANKS = {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 2, "UNTRIAGED": 2, "LOW": 3, "INFORMATIONAL": 3}


def first_case(frame: pd.DataFrame, cases: Sequence[Case]) -> tuple[pd.Series, pd.Series]:
    """Status and reason of each row: the first case that holds. A row for which none holds is UNKNOWN."""
    status = np.full(len(frame), Status.UNKNOWN.value, dtype=object)
    reason = np.full(len(frame), "no rule of this check applies to what was read", dtype=object)
    left = np.arange(len(frame))
    for holds, verdict, because in cases:
        mask = (holds.fillna(value=False) if holds.hasnans else holds).to_numpy(dtype=bool)[left]
        rows, left = left[mask], left[~mask]
        status[rows] = verdict.value
        reason[rows] = because.to_numpy(dtype=object)[rows] if isinstance(because, pd.Series) else because
    return pd.Series(status, index=frame.index, dtype="object"), pd.Series(reason, index=frame.index, dtype="object")


def verdicts(
    frame: pd.DataFrame, *, resource: str, status: Any, reason: Any, observed: Any, expected: Any, severity: Any = None, due: Any = None
) -> pd.DataFrame:
    """Rows with account, region and (where they have them) tenant and owner -> VERDICTS. Missing observations become empty text."""
    made = pd.DataFrame(index=frame.index)
    for column in ("account", "region", "tenant", "owner"):
        made[column] = frame[column] if column in frame.columns else None
    made["resource"] = frame[resource]
    made["status"], made["severity"], made["reason"] = status, severity, reason
    made["observed"], made["expected"], made["due"] = observed, expected, due
    for column in ("observed", "expected"):
        made[column] = words(made[column])
    return VERDICTS.conform(made)


def seen_on(instances: pd.DataFrame, observed: pd.Series) -> pd.Series:
    """What was observed of each instance's agent: that there is no computer, where there is none; nothing, where that is not known."""
    protection = instances["protection"]
    return words(observed).mask(protection == "unmanaged", "no computer").mask(protection == "unknown", "")


def resting(instances: pd.DataFrame) -> pd.Series:
    """Instances that do not run: nothing can be said of their agents."""
    return instances["state"].isin(RESTING)


def young(world: World, instances: pd.DataFrame) -> pd.Series:
    """Instances launched within the grace period: an agent may still be installing."""
    earliest = world.now - timedelta(minutes=world.settings.checks.grace_minutes)
    return (instances["launch_time"] > earliest).fillna(value=False)


def agent_cases(world: World, instances: pd.DataFrame) -> list[Case]:
    """The cases that come before any question about an instance's agent."""
    grace = world.settings.checks.grace_minutes
    return [
        (resting(instances), Status.NOT_APPLICABLE, "the instance is " + instances["state"] + ": no agent runs"),
        (young(world, instances), Status.UNKNOWN, f"launched less than {counted(grace, 'minute', 'minutes')} ago: the agent may still be installing"),
        (
            instances["protection"] == "unknown",
            Status.UNKNOWN,
            "no computer was found, and Workload Protection was not read whole (a tenant unread, or its role narrowed)",
        ),
        (instances["protection"] == "unmanaged", Status.FAIL, "no Workload Protection computer stands for this instance: it is unmanaged"),
    ]


def severity_rank(severities: pd.Series) -> pd.Series:
    """AWS's severity words -> 0 (CRITICAL) .. 3 (LOW); words we do not know count as MEDIUM."""
    return severities.map(_RANKS).fillna(_RANKS["MEDIUM"]).astype("int64")


def severity_of_rank(ranks: pd.Series) -> pd.Series:
    """The inverse: rank -> one of the four severities a result has."""
    return ranks.map({rank: severity.value for rank, severity in enumerate(_WORST_FIRST)})


def when(instants: pd.Series) -> pd.Series:
    """Instants -> ISO 8601 with Z; missing ones -> "never"."""
    texts = np.datetime_as_string(instants.dt.tz_localize(None).to_numpy(dtype="datetime64[s]")).astype(object) + "Z"
    return pd.Series(texts, index=instants.index, dtype="object").where(instants.notna(), "never")


def words(texts: pd.Series) -> pd.Series:
    """Texts with missing ones empty."""
    return texts.astype("object").where(texts.notna(), "")


def digits(numbers: pd.Series) -> pd.Series:
    """Whole numbers -> texts that can be put together with other texts (pandas keeps its own text type apart from objects)."""
    return numbers.astype("int64").astype(str).astype("object")


def quantities(numbers: pd.Series, one: str, many: str) -> pd.Series:
    """Whole numbers with what is counted, as texts: `one` after a 1, else `many`."""
    return digits(numbers) + " " + pd.Series(one, index=numbers.index, dtype="object").where(numbers == 1, many)
