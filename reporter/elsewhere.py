"""Partitions of a run that others read: handed out to an executor, and put where they would be had they been read here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, field
from typing import Any

from reporter.clients.aws_raw import place
from reporter.core.call import Calls
from reporter.core.ledger import LedgerRow
from reporter.core.scope import Scope, ScopeState
from reporter.evidence.raw import RawFolder
from reporter.gather import Lost, Settling
from reporter.partitions import ReadPartition, Terms, partitions, read_partition
from reporter.scopes import ScopePlan


@dataclass(frozen=True)
class Workers:
    """Who reads partitions. `lost`: what it means that they are gone, or one after the other died of a partition; `gone`: whether nobody is left."""

    executor: Executor
    lost: tuple[type[BaseException], ...] = ()
    deadly: tuple[type[BaseException], ...] = ()
    gone: Callable[[], bool] = lambda: False


@dataclass
class Away:
    """The scopes of one run that workers read (gather.Elsewhere). `noted` is told what became of the workers."""

    workers: Workers
    terms: Terms
    raw: RawFolder
    calls: Calls
    noted: Callable[[str, str], None] = lambda _what, _said: None
    _futures: set[Future[Any]] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)

    @property
    def _gone(self) -> tuple[type[BaseException], ...]:
        return (CancelledError, *self.workers.lost)

    def begin(self, plan: ScopePlan, wanted: Collection[Scope]) -> Mapping[Future[Any], Sequence[Scope]]:
        begun = {}
        for partition in partitions(plan, wanted):
            try:
                future = self.workers.executor.submit(read_partition, partition, self.terms)
            except self._gone as error:  # they are gone already: the rest stays here
                self._tell(error)
                break
            begun[future] = partition.scopes
        self._futures = set(begun)
        return begun

    def received(self, done: Future[Any], scopes: Sequence[Scope]) -> Settling:
        self._futures.discard(done)
        if not done.done():
            done.cancel()
            self._tell("nobody is left who reads")
            raise Lost
        error = CancelledError() if done.cancelled() else done.exception()
        if isinstance(error, self._gone):
            self._tell(error)
            raise Lost
        if isinstance(error, self.workers.deadly):
            return _unavailable(scopes, f"every worker that read this account was lost while it did; most likely it needs more memory: {error}")
        if error is not None:
            return _unavailable(scopes, f"a worker could not read this account: {type(error).__name__}: {error}")
        return self._put(done.result())

    def gone(self) -> bool:
        return self.workers.gone()

    def stop(self) -> None:
        for future in self._futures:
            future.cancel()

    def _put(self, read: ReadPartition) -> Settling:
        for call in read.beside:
            self.calls(call)
        for scope in read.scopes:
            at = scope.row.scope
            for call in scope.calls:
                self.calls(call)
            self.raw.take(place(at.source, at.account, at.region), scope.raw)
        return [(scope.row, scope.rows) for scope in read.scopes]

    def _tell(self, why: BaseException | str) -> None:
        said = f"workers are gone ({why if isinstance(why, str) else type(why).__name__}): what they were to read is read here"
        if said not in self._told:
            self._told.add(said)
            self.noted("workers", said)


def _unavailable(scopes: Sequence[Scope], why: str) -> Settling:
    return [(LedgerRow(scope, ScopeState.UNAVAILABLE, message=why[:300]), {}) for scope in scopes]
