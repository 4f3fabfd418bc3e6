"""Is device control active on each instance?

Why: removable devices are a way in and a way out; standards ask for them to be controlled where a machine has any.

Limits: there is no automated evidence. The Workload Protection API v1 does not show device control, so this check is always UNKNOWN, once for
each account and region, and a person has to look in the console.

Source: the vendor's API description, which has no property of that name.
"""

from __future__ import annotations

import pandas as pd

from reporter.core.check import VERDICTS, Check
from reporter.core.result import Severity, Status
from reporter.core.scope import ScopeState
from reporter.core.world import World

_REASON = "no automated evidence: the Workload Protection API v1 does not show device control"


def judge(world: World) -> pd.DataFrame:
    """One row `*` per account and region whose instances were read."""
    read = [scope for scope in world.ledger.scopes_of("ec2") if world.state("ec2", scope.account, scope.region) is ScopeState.OK]
    return VERDICTS.frame(("*", scope.account, scope.region, None, Status.UNKNOWN.value, None, _REASON, "", "", None, None) for scope in read)


CHECK = Check(
    id="device_control_active",
    title="Device control active",
    severity=Severity.LOW,
    population=("ec2",),
    needs=(),
    judge=judge,
)
