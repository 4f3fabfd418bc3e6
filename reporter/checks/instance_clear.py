"""Is each instance clear of conditions that need attention?

Why: a module that stopped, a failed update or an agent in error is seen by nobody unless somebody looks for it.

Limits: these are derived conditions, not the manager's alerts: the Workload Protection API v1 has no alert call. They are worked out from agent
status, module status, security updates, age of the last contact and duplicate computers.

Source: computerStatus, each module's moduleStatus, securityUpdates and lastAgentCommunication of the computer.
"""

from __future__ import annotations

import pandas as pd

from reporter.core.check import Check
from reporter.core.result import Severity, Status
from reporter.core.verdicts import AGENT_NEEDS, Case, agent_cases, first_case, quantities, seen_on, verdicts
from reporter.core.world import World
from reporter.tables.joined import INSTANCES

_LABEL = "derived, Workload Protection v1 has no alert call"


def judge(world: World) -> pd.DataFrame:
    """One row per instance in scope."""
    instances = world.table(INSTANCES)
    count = instances["conditions"].map(len).astype("int64")
    observed = instances["conditions"].map("; ".join).astype("object")
    cases: list[Case] = [
        *agent_cases(world, instances),
        (instances["protection"] == "inactive", Status.FAIL, "the agent is inactive, not supported, or was never activated"),
        (count > 0, Status.FAIL, quantities(count, "condition needs attention", "conditions need attention") + " (" + _LABEL + "): " + observed),
        (count == 0, Status.PASS, f"no condition needs attention ({_LABEL})"),
    ]
    status, reason = first_case(instances, cases)
    observed = seen_on(instances, observed.mask(count == 0, "no condition"))
    return verdicts(instances, resource="instance_id", status=status, reason=reason, observed=observed, expected="no conditions")


CHECK = Check(
    id="instance_clear",
    title="Instance clear of open alerts",
    severity=Severity.MEDIUM,
    population=("ec2",),
    needs=AGENT_NEEDS,
    judge=judge,
)
