"""Are AWS Config, GuardDuty, Inspector and Macie switched on, and do they really work, in every account and region that is looked at?

Why: a service that is off finds nothing, and an empty list of findings from it looks like a clean account.

Limits: regions that schedule.yaml leaves out are in the ledger as skipped and not judged here. Macie is asked for only where the account has a
bucket in the region.

Source: configuration recorders, their delivery channels and status; GuardDuty detectors; Inspector's account status; Macie's session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd

from reporter.core.check import VERDICTS, Check, Need
from reporter.core.result import Severity, Status
from reporter.core.scope import ScopeState
from reporter.core.table import Table
from reporter.core.world import World
from reporter.tables.aws import S3_BUCKETS
from reporter.tables.findings import CONFIG_RECORDERS, GUARDDUTY_DETECTORS, INSPECTOR_STATUS, MACIE_SESSIONS

Answer = tuple[Status, str, str]
"""Status, reason, what was seen."""

Rows = list[Mapping[str, object]]

Question = Callable[[Rows, str, str], Answer]
"""Rows of the service's table for one account and region -> answer."""


def judge(source: str, table: Table, expected: str, question: Callable[[World], Question], world: World) -> pd.DataFrame:
    """One row per planned scope of the service that was read or is off; the engine adds those that could not be read."""
    answer = question(world)
    frame = world.table(table)
    frame = frame.astype("object").where(frame.notna(), None)
    found = {place: list(rows.to_dict("records")) for place, rows in frame.groupby(["account", "region"], sort=True)}
    made = []
    for scope in world.ledger.scopes_of(source):
        state = world.state(source, scope.account, scope.region)
        if state not in (ScopeState.OK, ScopeState.NOT_ENABLED):
            continue
        rows = found.get((scope.account, scope.region), []) if state is ScopeState.OK else []
        status, reason, observed = answer(rows, scope.account, scope.region)
        place = (root(scope.account, scope.region), scope.account, scope.region)
        made.append((*place, None, status.value, None, reason, observed, expected, None, None))
    return VERDICTS.frame(made)


def root(account: str, region: str) -> str:
    """ARN that stands for the account, in the region's partition."""
    partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")
    return f"arn:{partition}:iam::{account}:root"


def _config(rows: Rows, account: str, region: str) -> Answer:
    del account, region
    if not rows:
        return Status.FAIL, "there is no configuration recorder", "no recorder"
    faults = {str(row["name"]): _recorder_faults(row) for row in rows}
    working = sorted(name for name, found in faults.items() if not found)
    if working:
        return Status.PASS, f"recorder {working[0]} records all supported types and delivers them", f"recorder {working[0]}"
    said = "; ".join(f"recorder {name} {', '.join(found)}" for name, found in sorted(faults.items()))
    return Status.FAIL, said, "1 recorder" if len(rows) == 1 else f"{len(rows)} recorders"


def _recorder_faults(row: Mapping[str, object]) -> list[str]:
    channels = row["delivery_channels"]
    tests = {
        "does not record": not row["recording"],
        "does not record all supported types": not row["all_supported"],
        "failed last time": row["last_status"] == "FAILURE",
        "has no delivery channel": channels == 0,
        "could not deliver last time": row["delivery_status"] == "FAILURE",
    }
    return [fault for fault, holds in tests.items() if holds]


def _guardduty(rows: Rows, account: str, region: str) -> Answer:
    del account, region
    if not rows:
        return Status.FAIL, "there is no GuardDuty detector", "no detector"
    seen = ", ".join(sorted(f"detector {row['status']}" for row in rows))
    if any(row["status"] == "ENABLED" for row in rows):
        return Status.PASS, "GuardDuty is enabled", seen
    return Status.FAIL, "there is a GuardDuty detector, but it is not enabled", seen


def _inspector(rows: Rows, account: str, region: str) -> Answer:
    del account, region
    if not rows:
        return Status.FAIL, "Inspector is not enabled", "not enabled"
    state = {name: rows[0][column] for name, column in (("EC2", "ec2"), ("ECR", "ecr"), ("Lambda", "lambda_"))}
    seen = ", ".join(f"{name} {value or 'not told'}" for name, value in state.items())
    off = [name for name, value in state.items() if value not in ("ENABLED", None)]
    if off:
        return Status.FAIL, f"Inspector does not scan {', '.join(off)}", seen
    untold = [name for name, value in state.items() if value is None]
    if untold:
        return Status.UNKNOWN, f"Inspector does not say whether it scans {', '.join(untold)}", seen
    return Status.PASS, "Inspector scans EC2, ECR and Lambda", seen


def _macie(world: World) -> Question:
    buckets = world.table(S3_BUCKETS)
    places = set(zip(buckets["account"], buckets["bucket_region"].fillna(""), strict=True))

    def answer(rows: Rows, account: str, region: str) -> Answer:
        if world.read("s3", account, region) and not places & {(account, region), (account, "")}:
            return Status.NOT_APPLICABLE, "the account has no bucket in this region", "no bucket"
        if not rows:
            return Status.FAIL, "Macie is not enabled", "not enabled"
        status = str(rows[0]["status"])
        if status == "ENABLED":
            return Status.PASS, "Macie is enabled", status
        return Status.FAIL, f"Macie is {status.lower()}", status

    return answer


def _alone(answer: Question) -> Callable[[World], Question]:
    """A question that needs nothing but the service's own table."""
    return lambda _: answer


def _check(
    name: str,
    title: str,
    severity: Severity,
    source: str,
    table: Table,
    question: Callable[[World], Question],
    needs: tuple[Need, ...] = (),
) -> Check:
    return Check(
        id=name,
        title=title,
        severity=severity,
        population=(source,),
        needs=needs,
        judge=partial(judge, source, table, title, question),
        own_service=source,
    )


CHECKS = (
    _check("config_recorder_on", "AWS Config recorder on, all types, delivering", Severity.MEDIUM, "config", CONFIG_RECORDERS, _alone(_config)),
    _check("guardduty_enabled", "GuardDuty enabled in every region", Severity.HIGH, "guardduty", GUARDDUTY_DETECTORS, _alone(_guardduty)),
    _check(
        "inspector_enabled", "Inspector enabled in every region (EC2, ECR, Lambda)", Severity.HIGH, "inspector", INSPECTOR_STATUS, _alone(_inspector)
    ),
    _check("macie_enabled", "Macie enabled in every region with S3 data", Severity.MEDIUM, "macie", MACIE_SESSIONS, _macie, (Need("s3"),)),
)
