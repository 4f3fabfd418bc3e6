"""Does a working Workload Protection agent with a policy stand before each instance?

Why: an instance that no agent watches has none of the protection that the rest of this report counts on, and nobody sees what happens on it.

Limits: an instance without a computer is only called unmanaged where every tenant was read with a key that sees all computers. Stopped
instances are not judged, and neither are those younger than `grace_minutes`.

Source: EC2 DescribeInstances joined with the computers of Workload Protection on account and instance id; states as in the design, section 3.
"""

from __future__ import annotations

import pandas as pd

from reporter.core.check import Check
from reporter.core.result import Severity, Status
from reporter.core.verdicts import AGENT_NEEDS, Case, agent_cases, first_case, verdicts, when
from reporter.core.world import World
from reporter.tables.joined import INSTANCES


def judge(world: World) -> pd.DataFrame:
    """One row per instance in scope."""
    instances = world.table(INSTANCES)
    protection = instances["protection"]
    cases: list[Case] = [
        *agent_cases(world, instances),
        (protection == "inactive", Status.FAIL, "the agent is inactive, not supported, or was never activated"),
        (protection == "offline", Status.FAIL, "the agent is offline; last contact " + when(instances["last_contact"])),
        (protection == "no_policy", Status.FAIL, "the agent is active, but no policy is assigned"),
        (protection == "protected", Status.PASS, "the agent is active, with a policy"),
    ]
    status, reason = first_case(instances, cases)
    return verdicts(instances, resource="instance_id", status=status, reason=reason, observed=protection, expected="protected")


CHECK = Check(
    id="instance_protected",
    title="Instance protected by Trend agent",
    severity=Severity.CRITICAL,
    population=("ec2",),
    needs=AGENT_NEEDS,
    judge=judge,
)
