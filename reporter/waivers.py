"""Exceptions: an accepted FAIL is shown as WAIVED, for at most 366 days. Nothing else can be waived."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

import pandas as pd

from reporter.core.errors import ScheduleError
from reporter.core.expiry import LONGEST_DAYS, last_day, refusal
from reporter.core.result import Status
from reporter.core.settings import ExceptionRule


def refuse_too_long(exceptions: Sequence[ExceptionRule], today: date) -> None:
    """Raises ScheduleError for an exception that ends too far ahead: it would waive nothing. One that has run out is no error: its FAIL says so."""
    for rule in exceptions:
        last = last_day(rule.expires)
        if last and (last - today).days > LONGEST_DAYS:
            raise ScheduleError(
                f"exception {rule.ticket} for {rule.check} ends on {rule.expires}, more than {LONGEST_DAYS} days ahead",
                where="exceptions",
                fix=f"expires: {(today + timedelta(days=LONGEST_DAYS)).isoformat()} at the latest",
                meanwhile="nothing was read, written or sent",
            )


def refuse_unknown(exceptions: Sequence[ExceptionRule], checks: Collection[str]) -> None:
    """Raises ScheduleError for an exception of a check that there is not: it would waive nothing, and nobody would hear of it."""
    for rule in exceptions:
        if rule.check not in checks:
            close = difflib.get_close_matches(rule.check, checks, n=1)
            raise ScheduleError(
                f"exception {rule.ticket} is for a check that there is not: {rule.check}",
                where="exceptions",
                fix=f"did you mean {close[0]}?" if close else f"one of: {', '.join(sorted(checks))}",
                meanwhile="nothing was read, written or sent",
            )


def waive(rows: pd.DataFrame, exceptions: Sequence[ExceptionRule], now: datetime) -> pd.DataFrame:
    """FAIL rows whose check and resource are exactly those of a valid exception -> WAIVED, with `waiver` "TICKET until DATE".

    An exception that is expired, too long or without a readable date never waives; the row's reason says so.
    """
    rows["waiver"] = None
    failing = rows.index[rows["status"] == Status.FAIL.value]
    if not exceptions or not len(failing):
        return rows
    by_key: dict[tuple[str, str], list[ExceptionRule]] = {}
    for rule in exceptions:
        by_key.setdefault((rule.check, rule.resource), []).append(rule)
    keys = pd.MultiIndex.from_frame(rows.loc[failing, ["check_id", "resource"]])
    for index in failing[keys.isin(list(by_key))]:
        rules = by_key[(str(rows.at[index, "check_id"]), str(rows.at[index, "resource"]))]
        _apply(rows, index, sorted(rules, key=lambda rule: (last_day(rule.expires) or date.min, rule.ticket)), now.date())
    return rows


def _apply(rows: pd.DataFrame, index: int, rules: Sequence[ExceptionRule], today: date) -> None:
    valid = [rule for rule in rules if not refusal(rule.expires, today)]
    if valid:
        longest = valid[-1]
        rows.at[index, "status"] = Status.WAIVED.value
        rows.at[index, "waiver"] = f"{longest.ticket} until {longest.expires}"
        rows.at[index, "reason"] = f"{rows.at[index, 'reason']}; accepted: {longest.reason}"
        return
    last = rules[-1]
    day = last_day(last.expires)
    why = f"ran out on {last.expires}" if day and day < today else f"does not waive this: {refusal(last.expires, today)}"
    rows.at[index, "reason"] = f"{rows.at[index, 'reason']}; the exception {last.ticket} {why}"
