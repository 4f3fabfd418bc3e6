"""Were the recommendation scan and the integrity scan of each instance made recently?

Why: recommendations follow the software that is installed today, and a baseline comparison only shows the changes since the last one; an old
scan answers for a machine that no longer exists in that form.

Limits: a scan's date proves that it ran, not what it found: the API has no integrity events. The integrity scan is judged where integrity
monitoring is required by schedule.yaml or active on the agent.

Source: lastRecommendationScanDate of the computer's intrusion prevention assignments; integrityMonitoring.lastIntegrityScan of the computer.
"""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from reporter.core.check import Check, Need
from reporter.core.result import Severity, Status
from reporter.core.verdicts import AGENT_NEEDS, Case, agent_cases, first_case, seen_on, verdicts, when
from reporter.core.world import World
from reporter.tables.joined import INSTANCES


def recommendation(world: World) -> pd.DataFrame:
    """One row per instance in scope."""
    instances = world.table(INSTANCES)
    unsaid = instances["last_recommendation_scan"].isna() & ~instances["recommendation_status"].isin(["none", "valid", "out-of-date"])
    cases: list[Case] = [
        *agent_cases(world, instances),
        (instances["protection"] == "inactive", Status.FAIL, "the agent is inactive: it cannot be scanned"),
        (unsaid, Status.UNKNOWN, "Workload Protection does not say whether a recommendation scan was made"),
    ]
    return _aged(world, instances, "last_recommendation_scan", world.settings.checks.recommendation_scan_max_age, cases)


def integrity(world: World) -> pd.DataFrame:
    """One row per instance in scope."""
    instances = world.table(INSTANCES)
    module, protection = instances["integrity_monitoring"], instances["protection"]
    before = agent_cases(world, instances)
    inactive = (protection == "inactive", Status.FAIL, "the agent is inactive: it cannot be scanned")
    if "integrity_monitoring" in world.settings.checks.required_modules:
        cases: list[Case] = [*before, inactive]
    else:
        unsaid = module.isna() & ~protection.isin(["unmanaged", "unknown"])
        cases = [
            *before[:-1],  # an unmanaged instance has no integrity monitoring either: not applicable, not a fail
            (unsaid, Status.UNKNOWN, "Workload Protection does not say whether integrity monitoring runs"),
            (~module.isin(["on", "real-time"]), Status.NOT_APPLICABLE, "integrity monitoring is neither required by schedule.yaml nor active"),
            inactive,
        ]
    return _aged(world, instances, "last_integrity_scan", world.settings.checks.integrity_scan_max_age, cases)


def _aged(world: World, instances: pd.DataFrame, column: str, longest: timedelta, before: list[Case]) -> pd.DataFrame:
    last, text = instances[column], when(instances[column])
    recent = (last >= pd.Timestamp(world.now - longest)).fillna(value=False)
    days = f"{longest.total_seconds() / 86400:g} {'day' if longest.total_seconds() == 86400 else 'days'}"
    cases: list[Case] = [
        *before,
        (last.isna(), Status.FAIL, "it was never scanned"),
        (~recent, Status.FAIL, "the last scan, of " + text + f", is older than {days}"),
        (recent, Status.PASS, "the last scan is of " + text + "; that it ran does not say what it found"),
    ]
    status, reason = first_case(instances, cases)
    observed = seen_on(instances, text)
    return verdicts(instances, resource="instance_id", status=status, reason=reason, observed=observed, expected=f"a scan within {days}")


CHECKS = (
    Check(
        id="recommendation_scan_recent",
        title="Recommendation scan recent",
        severity=Severity.MEDIUM,
        population=("ec2",),
        needs=(*AGENT_NEEDS, Need("wp_recommendations")),
        judge=recommendation,
    ),
    Check(
        id="integrity_scan_recent",
        title="Integrity scan recent",
        severity=Severity.MEDIUM,
        population=("ec2",),
        needs=AGENT_NEEDS,
        judge=integrity,
    ),
)
