"""The shape every file in sources/ has: world -> rows of declared tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reporter.core.scope import Reach
from reporter.core.table import Rows, Table


@dataclass(frozen=True)
class Source:
    """One system that is read. Declared at the end of its file as SOURCE.

    `fetch(reader)` gets a reader of the client that fits `reach` (clients/aws.py or clients/workload_protection.py), bound to one
    scope, and returns rows for each of `tables`. It raises core.errors.ScopeProblem (Denied, Unavailable, NotEnabled).
    `permissions`: IAM actions, or WP rights for tenant sources. `redacts`: dotted paths removed from raw answers before they are stored
    (`[]` for every element of a list).
    """

    name: str
    tables: tuple[Table, ...]
    permissions: tuple[str, ...]
    reach: Reach
    fetch: Callable[[Any], Rows]
    redacts: tuple[str, ...] = field(default=())
    also_global: bool = False
    """A regional source that is planned once more per account with region `global` (WAF: the CLOUDFRONT scope)."""
