"""Is the evidence pack of the run before this one sealed, and does it stand in its chain?

Why: evidence that could have been changed afterwards, or from which a night could have been removed, proves nothing.

Limits: a run cannot judge its own seal, so each one judges the one before. The first run of a chain has nothing to judge. How long packs are
kept is the store's business and not seen here.

Source: SHA256SUMS, SEAL.txt and its signature of the previous run, fetched from evidence.store where this machine lacks it, and the chain's head.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from reporter.core.check import VERDICTS, Check
from reporter.core.result import Severity, Status
from reporter.core.world import World
from reporter.tables.joined import PREVIOUS_PACK

_EXPECTED = "sealed, and chained to the seal before it"
_NOWHERE = "-"


def judge(world: World) -> pd.DataFrame:
    """One row for the previous run; in a chain's first run one NOT_APPLICABLE row."""
    packs = PREVIOUS_PACK.sort(world.table(PREVIOUS_PACK))
    if packs.empty:
        return VERDICTS.frame([_row("first run", Status.NOT_APPLICABLE, "first run of this chain: there is no pack before it", "")])
    packs = packs.astype("object").where(packs.notna(), None)
    return VERDICTS.frame(_one(pack) for pack in packs.to_dict("records"))


def _one(pack: dict[str, Any]) -> tuple[Any, ...]:
    parts = {"sealed": pack["sealed"], "chained": pack["chained"]}
    observed = ", ".join(name if value else f"{name} not known" if value is None else f"not {name}" for name, value in parts.items())
    message = f": {pack['message']}" if pack["message"] else ""
    if any(value is False for value in parts.values()):
        return _row(pack["run_id"], Status.FAIL, f"the pack of the run before is {observed}{message}", observed)
    if any(value is None for value in parts.values()):
        return _row(pack["run_id"], Status.UNKNOWN, f"the pack of the run before could not be checked{message}", observed)
    return _row(pack["run_id"], Status.PASS, "the pack of the run before is sealed and stands in its chain", observed)


def _row(resource: str, status: Status, reason: str, observed: str) -> tuple[Any, ...]:
    return (resource, _NOWHERE, _NOWHERE, None, status.value, None, reason, observed, _EXPECTED, None, None)


CHECK = Check(
    id="evidence_sealed",
    title="Previous evidence pack sealed, chained, retained",
    severity=Severity.HIGH,
    population=(),
    needs=(),
    judge=judge,
    vanishes="another pack is the one before this run: this one was not looked at again",
)
