"""What joins and checks look at: tables, what could be read, the settings, the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

import pandas as pd

from reporter.core.ledger import Ledger
from reporter.core.scope import GLOBAL, TENANT_REGION, Scope, ScopeState
from reporter.core.settings import Settings
from reporter.core.table import Table

Made = TypeVar("Made")


@dataclass(frozen=True)
class World:
    """Everything a pure stage is given. Source tables first; each join adds the tables it makes."""

    tables: Mapping[str, pd.DataFrame]
    ledger: Ledger
    settings: Settings
    now: datetime
    _made: dict[Callable[..., Any], Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def once(self, make: Callable[[World], Made]) -> Made:
        """make(world), made once for all who ask for it; with further tables it is another world, and made anew. Nobody changes what it returns."""
        if make not in self._made:
            self._made[make] = make(self)
        made: Made = self._made[make]
        return made

    def table(self, table: Table) -> pd.DataFrame:
        """The frame of a declared table; empty in declared form where nothing was read."""
        frame = self.tables.get(table.name)
        return table.frame() if frame is None else frame

    def with_tables(self, made: Mapping[str, pd.DataFrame]) -> World:
        return replace(self, tables={**self.tables, **made})

    def state(self, source: str, account: str, region: str) -> ScopeState | None:
        """State of the scope that holds `source` for this account and region (its global scope if it has only that one); None: not planned."""
        for place in (region, GLOBAL):
            row = self.ledger.row(Scope(account, place, source))
            if row is not None:
                return row.state
        return None

    def read(self, source: str, account: str, region: str) -> bool:
        """True where that scope was read to its end."""
        return self.state(source, account, region) is ScopeState.OK

    def tenant_read(self, tenant: str, source: str) -> bool:
        return self.state(source, tenant, TENANT_REGION) is ScopeState.OK
