"""Accounts x checks: how much of what was judged fails, and how much is unknown, at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reporter.core.result import Status
from reporter.reports.view import View

MOST_ACCOUNTS = 40
"""accounts with a line of their own; the rest is one line"""


@dataclass(frozen=True)
class Heat:
    """One cell. `tone`: fail-3 .. fail-1 by the share that fails, unknown, pass, or na where nothing was judged."""

    fail: int
    unknown: int
    judged: int
    tone: str


@dataclass(frozen=True)
class HeatMap:
    """Lines worst first. `lines`: (account, or how many accounts the last line stands for; cells in the order of `checks`)."""

    checks: Sequence[str]
    lines: Sequence[tuple[str, Sequence[Heat]]]
    rest: int = 0


def heat_map(view: View) -> HeatMap:
    """What every account's results come to, for each check that judged something."""
    results = view.results
    judged = results[results["status"] != Status.NOT_APPLICABLE.value]
    checks = [check.id for check in view.checks if (judged["check_id"] == check.id).any()]
    counts = judged.groupby(["account", "check_id", "status"], observed=True).size()
    counted: dict[tuple[str, str, str], int] = {(str(a), str(c), str(s)): int(n) for (a, c, s), n in counts.items()}
    accounts = sorted({account for account, _, _ in counted})
    fails = {account: sum(n for (a, _, s), n in counted.items() if a == account and s == Status.FAIL.value) for account in accounts}
    order = sorted(accounts, key=lambda account: (-fails[account], account))
    shown, rest = (order, []) if len(order) <= MOST_ACCOUNTS else (order[: MOST_ACCOUNTS - 1], order[MOST_ACCOUNTS - 1 :])
    lines = [(account, [_cell(counted, [account], check) for check in checks]) for account in shown]
    if rest:
        lines.append(("", [_cell(counted, rest, check) for check in checks]))
    return HeatMap(checks, lines, len(rest))


def _cell(counted: dict[tuple[str, str, str], int], accounts: Sequence[str], check: str) -> Heat:
    by_status = {status.value: sum(counted.get((account, check, status.value), 0) for account in accounts) for status in Status}
    judged = sum(by_status.values())
    fail, unknown = by_status[Status.FAIL.value], by_status[Status.UNKNOWN.value]
    return Heat(fail, unknown, judged, _tone(fail, unknown, judged))


def _tone(fail: int, unknown: int, judged: int) -> str:
    if not judged:
        return "na"
    if fail:
        share = fail / judged
        return "fail-3" if share > 0.5 else "fail-2" if share > 0.1 else "fail-1"
    return "unknown" if unknown else "pass"
