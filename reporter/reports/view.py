"""What a report shows: the facts of the run and its tables, ready to be laid out. Reports read nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from reporter.core.check import Check
from reporter.core.language import ENGLISH, SOURCE, Language, language
from reporter.core.result import ROLL_UP, Severity, Status
from reporter.core.scope import ScopeState
from reporter.core.settings import OwnersSettings
from reporter.core.table import Table
from reporter.tables.joined import ACTIONS, BUCKET_ACCESS, FINDINGS, INSTANCES, RESULTS, SCOPES, VIRTUAL_PATCHES, WEB_ENTRIES

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
    languages: tuple[str, ...] = (SOURCE,)
    """codes of the languages that this run is reported in"""
    language: Language = ENGLISH
    """the one that this view is read in"""

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
        return self.tables.get(table.name, table.frame())

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


def _counts(values: pd.Series, names: Sequence[str]) -> dict[str, int]:
    found = values.value_counts().to_dict()
    return {name: int(found.get(name, 0)) for name in names}
