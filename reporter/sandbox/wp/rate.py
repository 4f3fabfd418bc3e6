"""The rate limit: at most so many calls of one key within the window. Refused calls do not count."""

from __future__ import annotations

import math
import time
from collections import deque

from reporter.sandbox.wp.call import Refused
from reporter.sandbox.wp.knobs import Knobs


class Rate:
    """Times of the calls that were processed, a key at a time."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}

    def pass_or_refuse(self, key: str, knobs: Knobs) -> None:
        """Raises Refused(429) while the key's rate is at its limit."""
        now = time.monotonic() if knobs.rate_now is None else knobs.rate_now
        times = self._times.setdefault(key, deque())
        while times and times[0] <= now - knobs.rate_window:
            times.popleft()
        if len(times) >= knobs.rate_limit:
            raise too_many(knobs, math.ceil(times[0] + knobs.rate_window - now) if times else math.ceil(knobs.rate_window))
        times.append(now)


def too_many(knobs: Knobs, seconds: int) -> Refused:
    return Refused(429, "Too many API requests", {"Retry-After": str(max(seconds, 1))} if knobs.retry_after else None)
