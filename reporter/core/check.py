"""The shape every file in checks/ has: tables -> verdicts. The engine (judge.py), not the check, handles what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from reporter.core.result import Severity
from reporter.core.table import Column, Kind, Table
from reporter.core.world import World


class Span(StrEnum):
    """Which scopes of a needed source one resource depends on."""

    HERE = "here"
    """the resource's account and region; for a global source its account; for a WP source the resource's tenant, or all if it has none"""
    ACCOUNT = "account"
    """every region of the resource's account that the schedule covers"""
    ABSENT = "absent"
    """a WP source that matters only where no computer was found: then all tenants (a narrowed role hides computers)"""


@dataclass(frozen=True)
class Need:
    """A source that a check cannot do without."""

    source: str
    span: Span = Span.HERE


VERDICTS = Table(
    "verdicts",
    "What a check says, before the engine overlays what could not be read",
    ("resource", "account", "region"),
    (
        Column("resource", Kind.TEXT, "instance id, or ARN"),
        Column("account", Kind.CATEGORY, "account id"),
        Column("region", Kind.CATEGORY, "region, or global"),
        Column("tenant", Kind.CATEGORY, "WP tenant that the resource's computer is in; empty: none found", nullable=True),
        Column("status", Kind.CATEGORY, "PASS, FAIL, UNKNOWN or NOT_APPLICABLE"),
        Column("severity", Kind.CATEGORY, "severity of this row; empty: the check's own", nullable=True),
        Column("reason", Kind.TEXT, "one sentence for a person"),
        Column("observed", Kind.TEXT, "what was seen"),
        Column("expected", Kind.TEXT, "what should be seen"),
        Column("owner", Kind.CATEGORY, "owner by tag", nullable=True),
        Column("due", Kind.TIME, "by when it must be put right, where the check knows a date of its own", nullable=True),
    ),
)


@dataclass(frozen=True)
class Check:
    """One question. Declared at the end of its file as CHECK, or CHECKS for a family. The module's docstring is its page in docs/.

    `population`: the sources that say which resources exist; where one of their scopes cannot be read there is one UNKNOWN row with
    resource `*`. `needs`: every further source the answer depends on. `own_service`: this check is the one that FAILs when this source is
    `not_enabled`. `judge(world)` returns a frame of VERDICTS.
    """

    id: str
    title: str
    severity: Severity
    population: tuple[str, ...]
    needs: tuple[Need, ...]
    judge: Callable[[World], pd.DataFrame]
    own_service: str = ""
    about: str = ""
    vanishes: str = ""
    """why a row that is no longer there has not thereby been put right; empty: what it was about no longer exists"""
