"""What the server was asked: calls by account, service and operation; how many began in each second, and how many were under way at once."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import Any


class Asked:
    """`begin` and `end` of each call; `told` what came of it."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._calls: Counter[tuple[str, str, str]] = Counter()
        self._seconds: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        self._now: Counter[tuple[str, str]] = Counter()
        self._most: Counter[tuple[str, str]] = Counter()
        self._at_once = self._most_at_once = 0
        self._unanswered: set[str] = set()
        self._first = self._last = 0.0
        self._bytes = 0
        self._cpu = time.process_time()

    def begin(self, account: str, service: str, operation: str) -> None:
        key, now = (account, service), time.time()
        self._calls[(account, service, operation)] += 1
        self._seconds[key][int(now)] += 1
        self._now[key] += 1
        self._most[key] = max(self._most[key], self._now[key])
        self._at_once += 1
        self._most_at_once = max(self._most_at_once, self._at_once)
        self._first = self._first or now

    def end(self, account: str, service: str, sent: int) -> None:
        self._now[(account, service)] -= 1
        self._at_once -= 1
        self._bytes += sent
        self._last = time.time()

    def unanswered(self, what: str) -> None:
        self._unanswered.add(what)

    def told(self) -> dict[str, Any]:
        """Everything. `calls`: account, service, operation, how many; `pace`: account, service, most at once, how many began in each second (by
        the second, seconds since the epoch); `first`, `last`: when the first call began and the last ended; `cpu`: the server's own seconds."""
        return {
            "calls": [[*key, count] for key, count in sorted(self._calls.items())],
            "pace": [[*key, self._most[key], dict(seconds)] for key, seconds in sorted(self._seconds.items())],
            "most_at_once": self._most_at_once,
            "unanswered": sorted(self._unanswered),
            "first": self._first,
            "last": self._last,
            "bytes": self._bytes,
            "cpu": time.process_time() - self._cpu,
        }
