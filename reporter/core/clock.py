"""Time is a parameter. All instants are timezone-aware UTC; written as ISO 8601 with Z."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The present instant, to the second. Called at the edge only."""
    return datetime.now(UTC).replace(microsecond=0)


def running(start: datetime) -> Callable[[], datetime]:
    """A clock that began at an instant and goes on from there."""
    began = time.monotonic()
    return lambda: start + timedelta(seconds=int(time.monotonic() - began))


def iso(instant: datetime) -> str:
    """2026-11-24T03:00:00Z. Raises ValueError for an instant without a zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone")
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> datetime:
    """ISO 8601 with Z or an offset -> UTC. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"an instant without a time zone: {text!r}")
    return instant.astimezone(UTC)


SERVICE_TIMES = ("%a %b %d %H:%M:%S.%f UTC %Y", "%b %d, %Y, %I:%M:%S %p")
"""`Wed Sep 04 16:59:44.356 UTC 2024` and `Mar 20, 2023, 6:08:05 PM`: how AWS's services write times in events beside ISO 8601"""


def service_time(text: str) -> datetime:
    """An instant as AWS's services write it into texts -> UTC. Raises ValueError."""
    plain = " ".join(text.split())
    if plain[:1].isalpha():
        for form in SERVICE_TIMES:
            with suppress(ValueError):
                return datetime.strptime(plain, form).replace(tzinfo=UTC)
    return parse(plain)


def from_millis(millis: float | str | None) -> datetime | None:
    """Epoch milliseconds (number or numeric string) -> UTC; None and 0 (WP's 'never') -> None."""
    if millis is None or millis in ("", 0, "0"):
        return None
    return datetime.fromtimestamp(float(millis) / 1000, UTC)
