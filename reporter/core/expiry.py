"""How long an exception may hold."""

from __future__ import annotations

from datetime import date

LONGEST_DAYS = 366


def last_day(expires: str) -> date | None:
    """YYYY-MM-DD -> the last day on which the exception holds; None for text that is no date."""
    try:
        return date.fromisoformat(expires)
    except ValueError:
        return None


def refusal(expires: str, today: date) -> str:
    """Why an exception with this last day does not hold today; "" where it does."""
    last = last_day(expires)
    if last is None:
        return f"its expiry {expires!r} is no date"
    if last < today:
        return f"it expired on {expires}"
    if (last - today).days > LONGEST_DAYS:
        return f"it ends more than {LONGEST_DAYS} days ahead"
    return ""
