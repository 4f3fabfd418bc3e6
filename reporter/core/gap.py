"""How long a schedule is silent at most: the longest time between two of its runs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from datetime import date, timedelta

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_NAMES = {
    name: number
    for names in ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", "SUN MON TUE WED THU FRI SAT")
    for number, name in enumerate(names.split(), 1)
}
_SEEN = 800
"""days that are looked at: two years, one of them a leap year's turn"""
_FIRST = date(2027, 1, 1)


def longest_gap(expression: str) -> timedelta | None:
    """EventBridge Scheduler's cron(…) or rate(…). None: it may be longer than a month, or cannot be told (L, W and #)."""
    rate = _RATE.fullmatch(expression)
    if rate:
        return timedelta(**{f"{rate[2]}s": int(rate[1])})
    minutes, hours, days, months, weekdays, _ = expression.removeprefix("cron(").removesuffix(")").upper().split(" ")
    if re.search(r"[LW#]", f"{days} {re.sub('[A-Z]{3}', '', weekdays)}"):
        return None
    times = [timedelta(hours=hour, minutes=minute) for hour in sorted(_values(hours, 0, 23)) for minute in sorted(_values(minutes, 0, 59))]
    of_month, of_year, of_week = _values(days, 1, 31), _values(months, 1, 12), _values(weekdays, 1, 7)
    dates = [_FIRST + timedelta(days=number) for number in range(_SEEN)]
    running = [day for day in dates if day.month in of_year and day.day in of_month and day.isoweekday() % 7 + 1 in of_week]
    if len(running) < 2:
        return None
    between = max(later - earlier for earlier, later in itertools.pairwise(running)) - (times[-1] - times[0])
    within = max((later - earlier for earlier, later in itertools.pairwise(times)), default=timedelta())
    return max(between, within)


def _values(field: str, lowest: int, highest: int) -> set[int]:
    return {number for part in field.split(",") for number in _part(part, lowest, highest)}


def _part(part: str, lowest: int, highest: int) -> Iterable[int]:
    """`*`, `?`, `5`, `MON-FRI`, `0/15`, `1-9/2`."""
    span, _, step = part.partition("/")
    first, _, last = span.partition("-")
    if span in ("*", "?"):
        start, end = lowest, highest
    else:
        start = _number(first)
        end = _number(last) if last else (highest if step else start)
    return range(start, end + 1, int(step or 1))


def _number(text: str) -> int:
    return _NAMES[text] if text in _NAMES else int(text)
