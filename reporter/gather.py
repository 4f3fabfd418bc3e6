"""Gather: world -> tables and ledger. The only stage that reads the world; it reads every planned scope and settles each with one ledger row."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

import pandas as pd

import reporter.sources
from reporter.core.errors import ScopeProblem
from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.parts import Parts
from reporter.core.scope import GLOBAL, Scope, ScopeState
from reporter.core.source import Source
from reporter.core.table import Rows
from reporter.evidence.unfinished import Settled
from reporter.scopes import ScopePlan

T = TypeVar("T")

THREADS = 96
"""scopes read at once, at most; each client keeps its own budget per account and service, and per tenant"""
ABREAST = 4
"""scopes of one account and source that are begun together: those beyond would mostly wait for their budget"""


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

Settling = Iterable[tuple[LedgerRow, Rows]]


class Elsewhere(Protocol):
    """Other processes or machines that read some of the planned scopes."""

    def begin(self, plan: ScopePlan, wanted: Collection[Scope]) -> Mapping[Future[Any], Sequence[Scope]]:
        """Have those of `wanted` read that can be read elsewhere: future -> scopes that it settles."""

    def received(self, done: Future[Any], scopes: Sequence[Scope]) -> Settling:
        """What a finished future brought: a row for each of its scopes. Raises Lost: nothing, and nothing will come."""

    def gone(self) -> bool:
        """Whether nobody is there any more who reads."""

    def stop(self) -> None:
        """Nobody wants the rest."""


class Lost(Exception):
    """Who was to read has gone: the scopes are read here."""


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
    elsewhere: Elsewhere | None = None,
) -> Gathered:
    """Read every planned scope in threads, but those that are `known`. `progress` is told each row as it is settled.

    `keep` is given what was read, scope by scope. `pulse` is called all the time: what it raises ends the gathering, and nobody waits for the calls
    that are under way. `elsewhere` reads what it can in the meantime; what it cannot, or does not bring, is read here.
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
    wanted = {scope: source for scope, source in _widest_first(plan) if scope not in known}
    with closing(_as_read(plan, wanted, open_reader, pulse, elsewhere or _Nobody())) as reading:
        for row, read in reading:
            keep(row, read)
            settle(row, read)
    ledger.close()
    return Gathered({name: part.frame() for name, part in parts.items()}, ledger)


class _Nobody:
    """Elsewhere, where nobody is."""

    def begin(self, plan: ScopePlan, wanted: Collection[Scope]) -> Mapping[Future[Any], Sequence[Scope]]:
        del plan, wanted
        return {}

    def received(self, done: Future[Any], scopes: Sequence[Scope]) -> Settling:
        del done, scopes
        raise Lost

    def gone(self) -> bool:
        return False

    def stop(self) -> None:
        pass


def _as_read(
    plan: ScopePlan, wanted: Mapping[Scope, Source], open_reader: OpenReader, pulse: Callable[[], None], elsewhere: Elsewhere
) -> Generator[tuple[LedgerRow, Rows]]:
    """Every wanted scope, as it is read here or elsewhere."""
    threads = ThreadPoolExecutor(threads_for(wanted))
    done: SimpleQueue[tuple[Future[Any], Sequence[Scope]]] = SimpleQueue()  # to wait for all of them together costs each time what they are many
    left, away = len(wanted), dict[Future[Any], Sequence[Scope]]()

    def read_here(scopes: Iterable[Scope]) -> None:
        for scope in scopes:
            threads.submit(read_scope, scope, wanted[scope], open_reader).add_done_callback(lambda one: done.put((one, ())))

    def idle() -> None:
        if away and elsewhere.gone():
            for one in away.items():
                done.put(one)

    try:
        away.update(elsewhere.begin(plan, wanted))
        taken = {scope for scopes in away.values() for scope in scopes}
        read_here(scope for scope in wanted if scope not in taken)
        for future, scopes in away.items():
            future.add_done_callback(partial(_put, done, scopes))
        while left:
            one, scopes = _next(done, pulse, idle)
            if not scopes:
                yield one.result()
                left -= 1
            elif away.pop(one, None):
                try:
                    yield from elsewhere.received(one, scopes)
                    left -= len(scopes)
                except Lost:
                    read_here(scopes)
    except BaseException:
        threads.shutdown(wait=False, cancel_futures=True)
        elsewhere.stop()
        raise
    threads.shutdown()


def _put(done: SimpleQueue[tuple[Future[T], Sequence[Scope]]], scopes: Sequence[Scope], one: Future[T]) -> None:
    done.put((one, scopes))


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


def _next(done: SimpleQueue[T], pulse: Callable[[], None], idle: Callable[[], None]) -> T:
    """The next that is done; `pulse` is called all the time, `idle` when nothing was done for a while."""
    while True:
        pulse()
        try:
            return done.get(timeout=PULSE_SECONDS)
        except Empty:
            idle()


def _widest_first(plan: ScopePlan) -> Iterable[tuple[Scope, Source]]:
    """Tenants and global services first: they take longest, and the others fill the gaps. Of each account and source a few at a time."""
    return (*plan.tenants, *abreast(plan.aws))


def abreast(scopes: Iterable[tuple[Scope, Source]]) -> list[tuple[Scope, Source]]:
    """Scopes of AWS in the order in which they are begun."""
    seen: Counter[tuple[str, str]] = Counter()
    ranked = []
    for item in sorted(scopes, key=lambda item: (item[0].region != GLOBAL, item[0])):
        of = (item[0].account, item[0].source)
        ranked.append((item[0].region != GLOBAL, seen[of] // ABREAST, item))
        seen[of] += 1
    return [item for _, _, item in sorted(ranked, key=lambda one: one[:2])]


def threads_for(scopes: Iterable[Scope]) -> int:
    """How many threads there is work for at once."""
    counts = Counter((scope.account, scope.source) for scope in scopes)
    return max(min(THREADS, sum(min(count, ABREAST) for count in counts.values())), 1)
