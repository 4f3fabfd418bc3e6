"""The ledger: every scope is planned before the run, and has exactly one row after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reporter.core.scope import Scope, ScopeState


@dataclass(frozen=True)
class LedgerRow:
    """What became of one scope. `seconds` is wall time, the only column that differs between equal runs."""

    scope: Scope
    state: ScopeState
    rows: int = 0
    calls: int = 0
    retries: int = 0
    seconds: float = 0.0
    message: str = ""
    permission: str = ""


class LedgerMismatch(Exception):
    """Planned and recorded scopes do not add up: a defect of the program, never of the world."""


class Ledger:
    """Planned scopes on one side, one row for each on the other."""

    def __init__(self, planned: Iterable[Scope]) -> None:
        self._planned = frozenset(planned)
        self._rows: dict[Scope, LedgerRow] = {}
        self._of_source: dict[str, list[Scope]] = {}
        for scope in sorted(self._planned):
            self._of_source.setdefault(scope.source, []).append(scope)

    @property
    def planned(self) -> frozenset[Scope]:
        return self._planned

    def record(self, row: LedgerRow) -> None:
        """Keep the row of one planned scope. Raises LedgerMismatch for an unplanned or a second row."""
        if row.scope not in self._planned:
            raise LedgerMismatch(f"unplanned scope: {row.scope}")
        if row.scope in self._rows:
            raise LedgerMismatch(f"second row for scope: {row.scope}")
        self._rows[row.scope] = row

    def close(self) -> None:
        """Raise LedgerMismatch unless every planned scope has its row."""
        missing = self._planned - self._rows.keys()
        if missing:
            raise LedgerMismatch(f"no row for {len(missing)} planned scopes, first: {min(missing)}")

    def __iter__(self) -> Iterator[LedgerRow]:
        return iter(sorted(self._rows.values(), key=lambda row: row.scope))

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, scope: Scope) -> LedgerRow | None:
        return self._rows.get(scope)

    def scopes_of(self, source: str) -> tuple[Scope, ...]:
        """Planned scopes of one source, sorted."""
        return tuple(self._of_source.get(source, ()))

    def unread(self) -> tuple[LedgerRow, ...]:
        """Rows that make the run incomplete (exit code 3)."""
        return tuple(row for row in self if row.state in (ScopeState.DENIED, ScopeState.UNAVAILABLE))
