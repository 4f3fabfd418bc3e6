"""Gather: world -> tables and ledger. The only stage that reads the world; it reads every planned scope and settles each with one ledger row."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

import pandas as pd

import reporter.sources
from reporter.core.errors import ScopeProblem
from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.parts import Parts
from reporter.core.scope import Scope, ScopeState
from reporter.core.source import Source
from reporter.core.table import Rows
from reporter.evidence.unfinished import Settled
from reporter.scopes import ScopePlan

T = TypeVar("T")

THREADS = 24
"""scopes read at once; each client keeps its own budget per account and service, and per tenant"""


class Reader(Protocol):
    """What the gatherer needs of a client's reader: its counts."""

    @property
    def calls(self) -> int: ...

    @property
    def retries(self) -> int: ...


OpenReader = Callable[[Scope, Source], Any]
"""A scope and its source -> a reader. Raises ScopeProblem where the scope cannot even be opened (an account that cannot be assumed)."""

Progress = Callable[[LedgerRow], None]
Keep = Callable[[LedgerRow, Rows], None]

PULSE_SECONDS = 0.25
"""how often a gatherer that waits looks whether it is to stop"""


@dataclass(frozen=True)
class Gathered:
    """Every source table in declared form, and the closed ledger."""

    tables: Mapping[str, pd.DataFrame]
    ledger: Ledger


def discover() -> tuple[Source, ...]:
    """Every file in sources/ that declares SOURCE, by name."""
    found: list[Source] = []
    for module in pkgutil.iter_modules(reporter.sources.__path__):
        source = getattr(importlib.import_module(f"reporter.sources.{module.name}"), "SOURCE", None)
        if isinstance(source, Source):
            found.append(source)
    return tuple(sorted(found, key=lambda source: source.name))


def gather(
    plan: ScopePlan,
    open_reader: OpenReader,
    progress: Progress,
    *,
    known: Mapping[Scope, Settled] | None = None,
    keep: Keep = lambda _row, _rows: None,
    pulse: Callable[[], None] = lambda: None,
) -> Gathered:
    """Read every planned scope in threads, but those that are `known`. `progress` is told each row as it is settled.

    `keep` is given what was read, scope by scope. `pulse` is called all the time: what it raises ends the gathering, and nobody waits for the calls
    that are under way.
    """
    ledger, known = Ledger(plan.all()), known or {}
    parts = {table.name: Parts(table) for source in plan.sources for table in source.tables}

    def settle(row: LedgerRow, read: Rows) -> None:
        ledger.record(row)
        progress(row)
        for name, some in read.items():
            parts[name].add(row.scope, some)

    for row in plan.settled:
        settle(row, {})
    for scope, _ in _widest_first(plan):
        if scope in known:
            settle(known[scope].row, known[scope].rows)
    threads = ThreadPoolExecutor(THREADS)
    try:
        wanted = [(scope, source) for scope, source in _widest_first(plan) if scope not in known]
        done: SimpleQueue[Future[tuple[LedgerRow, Rows]]] = SimpleQueue()  # to wait for all of them together costs each time what they are many
        for scope, source in wanted:
            threads.submit(read_scope, scope, source, open_reader).add_done_callback(done.put)
        for _ in wanted:
            ledger_row, read = _next(done, pulse).result()
            keep(ledger_row, read)
            settle(ledger_row, read)
    except BaseException:
        threads.shutdown(wait=False, cancel_futures=True)
        raise
    threads.shutdown()
    ledger.close()
    return Gathered({name: part.frame() for name, part in parts.items()}, ledger)


def read_scope(scope: Scope, source: Source, open_reader: OpenReader) -> tuple[LedgerRow, Rows]:
    """One scope -> its ledger row and rows. Never raises: what could not be read is a row, and a scope that broke half-way gives no rows at all."""
    began = time.monotonic()
    reader: Reader | None = None
    rows: Rows = {}
    state, message, permission = ScopeState.OK, "", ""
    try:
        reader = open_reader(scope, source)
        rows = source.fetch(reader)
        unknown = rows.keys() - {table.name for table in source.tables}
        if unknown:
            raise ValueError(f"rows of undeclared tables: {sorted(unknown)}")
        for table in source.tables:
            table.check(rows.get(table.name, ()))
    except ScopeProblem as problem:
        state, message, permission, rows = problem.state, problem.message, problem.permission, {}
    except Exception as error:  # noqa: BLE001  # the one place: an answer no code foresaw becomes a ledger row, so that nothing reads as a pass
        state, rows = ScopeState.UNAVAILABLE, {}
        message = f"the answer could not be understood: {type(error).__name__}: {error}"[:300]
    row = LedgerRow(
        scope,
        state,
        rows=sum(len(some) for some in rows.values()),
        calls=reader.calls if reader else 0,
        retries=reader.retries if reader else 0,
        seconds=round(time.monotonic() - began, 3),
        message=message,
        permission=permission,
    )
    return row, rows


def _next(done: SimpleQueue[Future[T]], pulse: Callable[[], None]) -> Future[T]:
    """The next that is done; `pulse` is called meanwhile."""
    while True:
        pulse()
        with contextlib.suppress(Empty):
            return done.get(timeout=PULSE_SECONDS)


def _widest_first(plan: ScopePlan) -> Iterable[tuple[Scope, Source]]:
    """Tenants and global services first: they take longest, and the others fill the gaps."""
    return (*plan.tenants, *sorted(plan.aws, key=lambda item: (item[0].region != "global", item[0])))
