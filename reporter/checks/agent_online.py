"""Is the agent of each instance online, and was it heard from recently?

Why: an agent that does not report may have been stopped on purpose, and what Workload Protection shows of it is old news.

Limits: "recently" is `agent_max_age`, set in schedule.yaml. The time of last contact is the manager's, which knows nothing of an agent
that works on without being able to report.

Source: computerStatus.agentStatus, agentStatusMessages and lastAgentCommunication of the computer that stands for the instance.
"""

from __future__ import annotations

import pandas as pd

from reporter.core.check import Check
from reporter.core.result import Severity, Status
from reporter.core.verdicts import AGENT_NEEDS, Case, agent_cases, first_case, seen_on, verdicts, when, words
from reporter.core.world import World
from reporter.tables.joined import INSTANCES


def judge(world: World) -> pd.DataFrame:
    """One row per instance in scope."""
    instances = world.table(INSTANCES)
    protection, contact = instances["protection"], when(instances["last_contact"])
    cases: list[Case] = [
        *agent_cases(world, instances),
        (protection == "inactive", Status.FAIL, "the agent is inactive, not supported, or was never activated; last contact " + contact),
        (protection == "offline", Status.FAIL, "the agent is offline; last contact " + contact),
        (protection.isin(["no_policy", "protected"]), Status.PASS, "the agent is online; last contact " + contact),
    ]
    status, reason = first_case(instances, cases)
    observed = seen_on(instances, "agent " + words(instances["agent_status"]) + ", last contact " + contact)
    hours = world.settings.checks.agent_max_age.total_seconds() / 3600
    expected = f"agent online, heard from within {hours:g} {'hour' if hours == 1 else 'hours'}"
    return verdicts(instances, resource="instance_id", status=status, reason=reason, observed=observed, expected=expected)


CHECK = Check(
    id="agent_online",
    title="Agent online and heard from recently",
    severity=Severity.HIGH,
    population=("ec2",),
    needs=AGENT_NEEDS,
    judge=judge,
)
