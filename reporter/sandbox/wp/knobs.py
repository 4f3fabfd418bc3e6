"""What can be turned on this server, and its clock. Where the vendor's behaviour is not confirmed, a knob has both answers."""

from __future__ import annotations

import time
from typing import Any, Literal

import msgspec


class Knobs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of one server; `POST /sandbox/settings` changes any of them. Delays are seconds of the server's clock."""

    now: int | None = None
    """The server's clock in milliseconds since the epoch; null: this machine's clock."""
    clock_runs: bool = True
    """A clock that was set goes on from there; false: it stands still until it is set again."""
    seed: int = 0
    """Shuffles the order of answers that are not sorted by id."""
    delete_status: Literal[200, 204] = 200
    bad_key_status: Literal[401, 403] = 401
    large_page: Literal["clamp", "400"] = "clamp"
    """What becomes of maxItems over 5000."""
    rate_limit: int = 500
    """Calls of one key that are processed within the window."""
    rate_window: float = 60.0
    rate_now: float | None = None
    """The rate window's clock in seconds; null: this machine's monotonic clock."""
    retry_after: bool = False
    """Answer 429 with a Retry-After header."""
    scan_delay: float = 2.0
    policy_delay: float = 1.0
    task_removal_delay: float = 0.0
    """How long a run-once task stays after its scan finished."""
    offline_scans: Literal["never", "completes"] = "never"
    scan_date: Literal["int", "string"] = "int"
    """Type of lastRecommendationScanDate."""
    overrides_id: Literal["with", "without"] = "with"
    """Whether answers with overrides=true carry the ID."""
    error_body: Literal["json", "html", "empty"] = "json"
    trailing_slash: bool = True
    case_sensitive_search: bool = False
    unknown_rule: Literal[400, 404] = 400
    """Answer to an assignment of a rule id that does not exist."""
    recommendations_per_scan: int = 3
    """How many rules the first scan of a computer recommends when nothing was seeded for it."""
    check_answers: bool = False
    """Check every answer against the derived schemas; what does not fit is listed at /sandbox/violations."""


def changed(knobs: Knobs, changes: dict[str, Any]) -> Knobs:
    """The knobs with these changes. Raises msgspec.ValidationError on an unknown name or a wrong value."""
    return msgspec.convert({**msgspec.to_builtins(knobs), **changes}, Knobs)


class Clock:
    """The server's own time in milliseconds: this machine's, or one that was set."""

    def __init__(self) -> None:
        self._base: int | None = None
        self._set_at = 0.0
        self._runs = True

    def set(self, now: int | None, *, runs: bool) -> None:
        self._base, self._set_at, self._runs = now, time.monotonic(), runs

    def now(self) -> int:
        if self._base is None:
            return time.time_ns() // 1_000_000
        return self._base + (int((time.monotonic() - self._set_at) * 1000) if self._runs else 0)
