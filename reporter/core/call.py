"""One call at the wire: what was asked, and what came back. Written down for every call, refused and broken ones too."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from reporter.core.answers import canonical

_TOKENS = frozenset({"NextToken", "nextToken", "NextMarker", "Marker"})
"""Where a page begins is told by its number."""
_SECRET = frozenset({"ExternalId"})
_REQUEST_IDS = ("x-amzn-requestid", "x-amz-request-id", "x-request-id")


@dataclass(slots=True)
class Call:
    """One call that a scope (account, region, source) made.

    `at`: region that was called. `listing`: number of the list it is a page of, in its scope; `page` from 1; `items`: elements of the page; `last`:
    no further page was announced (None: not known). `attempts`: sends, 0 where it was never sent. `status`, `request_id`, `date` (the server's
    clock), `answered` (ours): of the last answer. `error`: why it gave nothing. `raw`: where the answer is kept. `order`: place among the calls of
    its scope, the same whatever the threads do. `throttled`: how many of the sends were answered with "slow down".
    """

    account: str
    region: str
    source: str
    service: str
    operation: str
    at: str
    parameters: str
    listing: tuple[int, ...]
    order: tuple[int, ...]
    page: int = 1
    items: int | None = None
    last: bool | None = None
    attempts: int = 0
    status: int | None = None
    request_id: str | None = None
    date: datetime | None = None
    answered: datetime | None = None
    error: str | None = None
    raw: str | None = None
    throttled: int = 0

    def answer(self, status: int, headers: Mapping[str, str], at: datetime) -> None:
        """Note what an answer's head says. `headers`: names in small letters, or in any."""
        self.status, self.answered = status, at
        self.request_id = next((headers[name][:200] for name in _REQUEST_IDS if headers.get(name)), None)
        self.date = _instant(headers.get("date"))

    @property
    def scope(self) -> str:
        return scope_name(self.source, self.account, self.region)


CallLog = Callable[[Call], None]
"""Is given each call when it is made, from several threads; what comes of it is filled in later."""


def unlogged(_: Call) -> None:
    """The log of nobody."""


def scope_name(source: str, account: str, region: str) -> str:
    """How a scope is called in ids of calls."""
    return f"{source}/{account or '-'}/{region}"


def asked(parameters: Mapping[str, Any]) -> str:
    """Parameters as JSON, without page tokens and without what may be a secret."""
    return canonical({name: _plain(value) for name, value in parameters.items() if name not in _TOKENS | _SECRET})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _instant(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None


@dataclass
class Place:
    """Where calls are numbered: a scope, or one item of what it reads in threads. Safe to share."""

    within: tuple[int, ...] = ()
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def next(self) -> tuple[int, ...]:
        return (*self.within, next(self._numbers))


class Calls:
    """Every call of a run."""

    def __init__(self) -> None:
        self._calls: dict[str, list[Call]] = {}
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> None:
        with self._lock:
            self._calls.setdefault(call.scope, []).append(call)

    def of(self, source: str, account: str, region: str) -> list[Call]:
        """Those of one scope."""
        with self._lock:
            return list(self._calls.get(scope_name(source, account, region), ()))

    def __iter__(self) -> Iterator[Call]:
        with self._lock:
            return iter([call for calls in self._calls.values() for call in calls])

    def sent(self) -> tuple[int, int]:
        """(requests that were sent, those of them that were answered with "slow down")."""
        calls = list(self)
        return sum(call.attempts for call in calls), sum(call.throttled for call in calls)

    def rows(self) -> Iterable[tuple[Any, ...]]:
        """Rows of the table queries: scope by scope, in the order of the calls."""
        listed = sorted(self, key=lambda call: (call.scope, call.order, call.service, call.operation, call.parameters))
        for scope, calls in itertools.groupby(listed, key=lambda call: call.scope):
            first: dict[tuple[int, ...], str] = {}
            for number, call in enumerate(calls):
                name = f"{scope}/{number:06d}"
                yield _row(name, first.setdefault(call.listing, name), call)


def _row(name: str, listing: str, call: Call) -> tuple[Any, ...]:
    return (
        name,
        call.account,
        call.region,
        call.source,
        call.service,
        call.operation,
        call.at,
        call.parameters,
        listing,
        call.page,
        call.items,
        call.last,
        call.attempts,
        call.status,
        call.request_id,
        call.date,
        call.answered,
        call.error,
        call.raw,
    )
