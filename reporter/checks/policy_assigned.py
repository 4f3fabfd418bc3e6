"""Has each instance the Workload Protection policy that it should have?

Why: the policy decides which modules run and which rules are loaded; an agent with the wrong one is protected on paper only.

Limits: `required_policies` in schedule.yaml names the policies that will do, letter by letter; where it is empty any policy passes. A policy
that is assigned may not have reached the agent yet.

Source: policyID of the computer that stands for the instance, and the name of that policy in the same tenant.
"""

from __future__ import annotations

import pandas as pd

from reporter.core.check import Check, Need
from reporter.core.result import Severity, Status
from reporter.core.verdicts import AGENT_NEEDS, Case, agent_cases, first_case, seen_on, verdicts, words
from reporter.core.world import World
from reporter.tables.joined import INSTANCES


def judge(world: World) -> pd.DataFrame:
    """One row per instance in scope."""
    instances = world.table(INSTANCES)
    wanted = world.settings.checks.required_policies
    name = instances["policy"]
    allowed = name.isin(wanted) if wanted else name.notna()
    expected = "policy " + " or ".join(wanted) if wanted else "a policy"
    cases: list[Case] = [
        *agent_cases(world, instances),
        (instances["policy_id"].isna(), Status.FAIL, "no policy is assigned"),
        (name.isna(), Status.UNKNOWN, "a policy is assigned, but its name could not be read"),
        (allowed, Status.PASS, "policy " + words(name) + " is assigned"),
        (~allowed, Status.FAIL, "policy " + words(name) + " is assigned, which is none of those that schedule.yaml requires"),
    ]
    status, reason = first_case(instances, cases)
    observed = words(name).mask(instances["policy_id"].isna(), "no policy")
    return verdicts(instances, resource="instance_id", status=status, reason=reason, observed=seen_on(instances, observed), expected=expected)


CHECK = Check(
    id="policy_assigned",
    title="Correct policy assigned",
    severity=Severity.HIGH,
    population=("ec2",),
    needs=(*AGENT_NEEDS, Need("wp_policies")),
    judge=judge,
)
