"""What a report shows: the facts of the run and its tables, ready to be laid out. Reports read nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from reporter.core.check import Check
from reporter.core.expiry import last_day
from reporter.core.language import ENGLISH, SOURCE, Language, language
from reporter.core.order import plain_frame
from reporter.core.recipient import Recipient
from reporter.core.result import ROLL_UP, Severity, Status
from reporter.core.scope import ScopeState
from reporter.core.settings import OwnersSettings
from reporter.core.table import Table
from reporter.tables.controls import CONTROLS
from reporter.tables.joined import (
    ACTIONS,
    BUCKET_ACCESS,
    CHANGES,
    EXCEPTIONS,
    FINDINGS,
    INSTANCES,
    RESULTS,
    SCOPES,
    TREND,
    VIRTUAL_PATCHES,
    WEB_ENTRIES,
)

PROTECTIONS = ("unknown", "unmanaged", "inactive", "offline", "no_policy", "protected")
PATCH_STATES = (
    "prevented",
    "detect_only",
    "assigned_not_effective",
    "available",
    "generic_only",
    "no_rule",
    "unprotected",
    "unknown",
    "not_running",
)
ACTION_STATES = ("failed", "pending", "applied", "verified", "undone", "approved", "planned", "skipped")
ENTRY_STATES = ("covered", "count_only", "missing_rules", "missing_acl", "unknown", "not_applicable")
CHANGE_KINDS = ("waiver_expired", "reopened", "new", "newly_unknown", "gone", "newly_waived", "known_again", "fixed")
"""worst first; each change is of one kind (history/changes.py says which)"""
CAUSES = ("world", "rule", "exception", "reading", "")
"""why a result changed; empty: it cannot be told, and compared_notes says why"""
CONTROL_STATUSES = ("FAIL", "NO_AUTOMATED_EVIDENCE", "UNKNOWN", "WAIVED", "PASS", "NOT_APPLICABLE")
WORST_FIRST = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


@dataclass(frozen=True)
class View:
    """One run, as reports see it. `endpoint_override`: set where AWS calls did not go to AWS; stamped on every output."""

    run_id: str
    kind: str
    chain: str
    now: datetime
    version: str
    endpoint_override: str
    tenants: tuple[str, ...]
    checks: tuple[Check, ...]
    tables: Mapping[str, pd.DataFrame]
    plan: Mapping[str, Any]
    evaluations: Sequence[Mapping[str, Any]]
    owners: OwnersSettings
    excluded: int = 0
    held_back: Sequence[str] = ()
    actions: Sequence[Mapping[str, Any]] = ()
    """rows of actions.jsonl"""
    recipients: Sequence[Recipient] = ()
    """who gets a mail of it"""
    languages: tuple[str, ...] = (SOURCE,)
    """codes of the languages that this run is reported in"""
    language: Language = ENGLISH
    """the one that this view is read in"""
    exports: frozenset[str] = frozenset()
    """records of other systems that are written: asff, ocsf, oscal"""
    export_all: bool = False
    """they hold what passed too, not only what fails, is unknown or is accepted"""
    self_test: Mapping[str, Any] = field(default_factory=dict)
    """what the engine answered to a question whose answer is known"""
    compared_with: str = ""
    """id of the run that changes() compares with; empty: there is none"""
    compared_notes: Sequence[str] = ()
    """what a reader of changes() must know: why there is nothing to compare with, or why no cause can be told"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", {name: plain_frame(frame) for name, frame in self.tables.items()})

    def in_each_language(self) -> Iterator[View]:
        """This view, once for each language of the run."""
        return (replace(self, language=language(code)) for code in self.languages)

    def file(self, name: str) -> str:
        """A file's name in this language: the run's first language has the plain name, report.html, another its code in it, report.de.html."""
        if self.language.code == self.languages[0]:
            return name
        stem, _, ending = name.rpartition(".")
        return f"{stem}.{self.language.code}.{ending}"

    def table(self, table: Table) -> pd.DataFrame:
        found = self.tables.get(table.name)
        return table.frame() if found is None else found

    @property
    def results(self) -> pd.DataFrame:
        return self.table(RESULTS)

    @property
    def scopes(self) -> pd.DataFrame:
        return self.table(SCOPES)

    def by_status(self) -> dict[str, int]:
        """Status -> results, every status named."""
        return _counts(self.results["status"], [status.value for status in Status])

    def by_scope_state(self) -> dict[str, int]:
        return _counts(self.scopes["state"], [state.value for state in ScopeState])

    def by_protection(self) -> dict[str, int]:
        return _counts(self.table(INSTANCES)["protection"], PROTECTIONS)

    def by_patch_state(self) -> dict[str, int]:
        return _counts(self.table(VIRTUAL_PATCHES)["state"], PATCH_STATES)

    def by_entry_state(self) -> dict[str, int]:
        return _counts(self.table(WEB_ENTRIES)["state"], ENTRY_STATES)

    def by_decision(self) -> dict[str, int]:
        return _counts(self.table(BUCKET_ACCESS)["decision"], ("allowed", "conditional"))

    def by_finding_source(self) -> dict[str, int]:
        findings = self.table(FINDINGS).drop_duplicates(["source", "finding_id"])
        return _counts(findings["source"], ("guardduty", "inspector", "macie"))

    def by_action(self) -> dict[str, dict[str, int]]:
        """Action -> state -> rows, only those there are."""
        counted: dict[str, dict[str, int]] = {}
        for row in self.actions:
            states = counted.setdefault(str(row["action"]), {})
            states[str(row["state"])] = states.get(str(row["state"]), 0) + 1
        return {action: dict(sorted(states.items())) for action, states in sorted(counted.items())}

    def by_action_state(self) -> dict[str, int]:
        """State -> rows of all actions, every state named."""
        return _counts(self.table(ACTIONS)["state"], ACTION_STATES)

    def controls(self) -> pd.DataFrame:
        """CONTROLS of the frameworks that the schedule names, framework by framework."""
        return self.table(CONTROLS)

    def by_framework(self) -> dict[str, dict[str, int]]:
        """Framework -> status (NO_AUTOMATED_EVIDENCE among them) -> controls, every status named."""
        controls = self.controls()
        return {str(name): _counts(rows["status"], CONTROL_STATUSES) for name, rows in controls.groupby("framework", observed=True, sort=True)}

    def check_rows(self) -> list[tuple[Check, str, dict[str, int]]]:
        """Each check with its rolled-up status ("" where it judged nothing) and its counts by status."""
        counted = self.results.groupby(["check_id", "status"], observed=True).size().to_dict() if len(self.results) else {}
        rows = []
        for check in self.checks:
            counts = {status.value: int(counted.get((check.id, status.value), 0)) for status in Status}
            worst = next((status.value for status in ROLL_UP if counts[status.value]), "")
            rows.append((check, worst, counts))
        return rows

    def failures(self) -> pd.DataFrame:
        """FAIL rows, worst and oldest first."""
        failed = self.results[self.results["status"] == Status.FAIL.value]
        rank = failed["severity"].map({severity.value: place for place, severity in enumerate(WORST_FIRST)})
        order = failed.assign(rank=rank).sort_values(["rank", "first_seen", "check_id", "account", "region", "resource"], kind="stable")
        return order.drop(columns="rank").reset_index(drop=True)

    def changes(self) -> pd.DataFrame:
        """CHANGES since the scheduled run before, worst kind first, then severity, then key. Empty in the first run: see compared_with."""
        return changes_worst_first(self.table(CHANGES))

    def by_change(self) -> dict[str, int]:
        """Kind of change -> changes, every kind named, worst first."""
        return _counts(self.table(CHANGES)["change"], CHANGE_KINDS)

    def by_change_and_cause(self) -> dict[str, dict[str, int]]:
        """Kind of change -> cause -> changes, all named; the cause "" is one that cannot be told."""
        rows = self.table(CHANGES)
        causes = rows["cause"].astype("object").where(rows["cause"].notna(), "")
        return {kind: _counts(causes[rows["change"] == kind], CAUSES) for kind in CHANGE_KINDS}

    def trend(self) -> pd.DataFrame:
        """TREND: one row for each of the last 30 scheduled runs, oldest first, this run last."""
        return self.table(TREND).sort_values(["at", "run"], kind="stable").reset_index(drop=True)

    def overdue(self) -> pd.DataFrame:
        """failures() whose due date has passed, the longest overdue first."""
        failed = self.failures()
        return failed[(failed["due"] < pd.Timestamp(self.now)).fillna(value=False)].sort_values("due", kind="stable").reset_index(drop=True)

    def by_status_without_exceptions(self) -> dict[str, int]:
        """by_status() as it would be had nobody accepted a failure: what is WAIVED counts as FAIL."""
        counts = self.by_status()
        return {**counts, Status.FAIL.value: counts[Status.FAIL.value] + counts[Status.WAIVED.value], Status.WAIVED.value: 0}

    def exceptions(self) -> pd.DataFrame:
        """EXCEPTIONS with `days_left` (0: today is the last day; below 0: ran out; empty: its last day is no date), soonest first."""
        rows, today = self.table(EXCEPTIONS), self.now.date()
        ends = [last_day(text) for text in rows["expires"]]
        left = pd.Series([None if end is None else (end - today).days for end in ends], index=rows.index, dtype="Int64")
        order = rows.assign(days_left=left).sort_values(["days_left", *EXCEPTIONS.key], kind="stable", na_position="first")
        return order.reset_index(drop=True)

    def exceptions_due(self, days: int = 14) -> pd.DataFrame:
        """Those exceptions() that end within so many days or have run out."""
        rows = self.exceptions()
        return rows[(rows["days_left"] <= days).fillna(value=False)].reset_index(drop=True)

    def unread(self) -> pd.DataFrame:
        """Scopes that are not ok, worst first."""
        rank = {
            state.value: place for place, state in enumerate((ScopeState.DENIED, ScopeState.UNAVAILABLE, ScopeState.NOT_ENABLED, ScopeState.SKIPPED))
        }
        rows = self.scopes[self.scopes["state"].isin(rank)]
        order = rows.assign(rank=rows["state"].map(rank)).sort_values(["rank", "account", "region", "source"], kind="stable")
        return order.drop(columns="rank").reset_index(drop=True)


@dataclass(frozen=True)
class Report:
    """The shape every file in reports/ has: view -> files below a folder. Declared at the end of its file as REPORT.

    `localised`: it is written for people, once in each language of the run. What is not, is the record: never translated.
    """

    name: str
    about: str
    write: Callable[[Path, View], None]
    localised: bool = False

    def write_all(self, folder: Path, view: View) -> None:
        """Its files for every language of the run."""
        for seen in view.in_each_language() if self.localised else (view,):
            self.write(folder, seen)


def changes_worst_first(rows: pd.DataFrame) -> pd.DataFrame:
    """CHANGES in the order in which people read them."""
    ranks = {
        "kind": rows["change"].map({kind: place for place, kind in enumerate(CHANGE_KINDS)}),
        "rank": rows["severity"].map({severity.value: place for place, severity in enumerate(WORST_FIRST)}),
    }
    order = rows.assign(**ranks).sort_values(["kind", "rank", *CHANGES.key], kind="stable")
    return order.drop(columns=list(ranks)).reset_index(drop=True)


def _counts(values: pd.Series, names: Sequence[str]) -> dict[str, int]:
    found = values.value_counts().to_dict()
    return {name: int(found.get(name, 0)) for name in names}
