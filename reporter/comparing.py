"""Compare: what changed since the scheduled run before, and whether the world did it or the rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from reporter.core.check import Check
from reporter.core.clock import iso
from reporter.core.errors import ReporterError, ScheduleError
from reporter.core.table import TableError, Tables
from reporter.core.wording import counted
from reporter.core.world import World
from reporter.gather import discover as discover_sources
from reporter.history.changes import Compared, Judgement, Side, compare
from reporter.history.previous import REPEATING, SCHEDULED, Kept, Previous, kept
from reporter.history.rules import Rules, read_rules, rules
from reporter.history.stored import StoredRun, read_ledger, read_run, read_table
from reporter.history.trend import trend
from reporter.joining import join
from reporter.judge import judge
from reporter.reports.parquet import read as read_tables
from reporter.reports.view import CHANGE_KINDS, changes_worst_first
from reporter.schedule import Schedule
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.joined import CHANGES, EXCEPTIONS, HISTORY, PREVIOUS_PACK, RESULTS, TREND

_PARTS = {"code": "the checks' own code", "settings": "the schedule's settings", "exceptions": "the exceptions"}


@dataclass(frozen=True)
class Comparison:
    """CHANGES, HISTORY and TREND, what they are compared with, and what a reader must know of it."""

    tables: Tables
    compared_with: str = ""
    notes: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)

    def as_json(self) -> dict[str, Any]:
        """For run.json."""
        return {"compared_with": self.compared_with or None, "compared_notes": list(self.notes), "rules": asdict(self.rules)}


def compare_runs(kind: str, run_id: str, schedule: Schedule, before: Previous, world: World, tables: Tables, checks: Sequence[Check]) -> Comparison:
    """What a run that was just judged differs in from the one it is compared with. `tables`: its RESULTS, SCOPES and joined tables.

    A run that acts on another and repeats its results repeats its differences too; a stored run that is judged again is compared with what that
    run was compared with; a single event looks at a part of the world and is not compared.
    """
    own = rules(schedule)
    if kind in REPEATING and before.acted_on:
        told = before.acted_on.said.get("compared_notes")
        notes = tuple(str(note) for note in told) if isinstance(told, list) else ()
        named = str(before.acted_on.said.get("compared_with") or "")
        return Comparison({table.name: before.acted_on.tables[table.name] for table in (CHANGES, HISTORY, TREND)}, named, notes, own)
    if kind != SCHEDULED and not before.acted_on:
        return Comparison({}, notes=("a single event looks at a part of the world: it is compared with no run",), rules=own)
    later = Side(tables[RESULTS.name], world)
    compared, notes = _compared(before.compared, later, schedule, own, checks, before.notes)
    source = before.acted_on or before.compared
    carried = source.tables[TREND.name] if source else TREND.frame()
    carried = carried[carried["at"] < pd.Timestamp(world.now)] if before.acted_on else carried  # its own row stands for the one it judges again
    named = before.compared.run_id if before.compared else ""
    rows = trend(carried, run_id, world.now, {**tables, CHANGES.name: compared.changes}, compared=bool(named))
    return Comparison({CHANGES.name: compared.changes, HISTORY.name: compared.history, TREND.name: rows}, named, notes, own)


def _compared(
    before: Kept | None, later: Side, schedule: Schedule, own: Rules, checks: Sequence[Check], notes: tuple[str, ...]
) -> tuple[Compared, tuple[str, ...]]:
    if before is None:
        return compare(None, later, HISTORY.frame(), checks), notes
    try:
        earlier = _side(before, read_run(before.folder))
    except ReporterError as error:
        return compare(None, later, before.tables[HISTORY.name], checks), (*notes, f"{before.run_id} cannot be compared with: {error.what}")
    changed = own.differing(read_rules(before.said))
    again, said = _judged_again(before, changed, schedule, checks)
    return compare(earlier, later, before.tables[HISTORY.name], checks, Judgement(changed, again)), (*notes, *said)


def _side(run: Kept, was: StoredRun) -> Side:
    tables = {table.name: read_table(run.folder, table) for table in (EC2_INSTANCES, EXCEPTIONS)}
    return Side(run.tables[RESULTS.name], World(tables, read_ledger(run.folder), was.schedule.settings(), was.now))


def _judged_again(run: Kept, changed: tuple[str, ...], schedule: Schedule, checks: Sequence[Check]) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    """A stored run's results by other rules, where they changed; nothing is written. And what to say of it."""
    notes = ["the program that reads the world changed too: what is called world may be its doing"] if "reading" in changed else []
    parts = [name for part, name in _PARTS.items() if part in changed]
    if not parts:
        return None, tuple(notes)
    what = f"{', '.join(parts)} changed since {run.run_id}"
    try:
        was, ledger = read_run(run.folder), read_ledger(run.folder)
        tables = read_tables(run.folder, {table.name for source in discover_sources() for table in source.tables} | {PREVIOUS_PACK.name})
        world = join(World({**tables, **exceptions_table(schedule)}, ledger, schedule.settings(), was.now))
        again = judge(world, checks, schedule.exceptions)
    except (ReporterError, OSError, ValueError, TableError) as error:
        why = f"{what}, and its tables cannot be judged by these rules ({type(error).__name__}): whether rule or world is not told"
        return None, (*notes, why)
    return again, (*notes, f"{what}: its tables were judged again by these rules, and what they alone change is called rule or exception")


def exceptions_table(schedule: Schedule) -> dict[str, pd.DataFrame]:
    """The schedule's exceptions as the declared table."""
    rows = (tuple(getattr(item, name) or None for name in EXCEPTIONS.names) for item in schedule.exceptions)
    return {EXCEPTIONS.name: EXCEPTIONS.frame(rows)}


def difference(a: Path, b: Path, checks: Sequence[Check]) -> Comparison:
    """What a stored run B differs in from a stored run A, by the results as they stand there. Raises ReporterError."""
    first, second = read_run(a), read_run(b)
    earlier, later = kept(a), kept(b)
    for run in (earlier, later):
        if run.tables[RESULTS.name].empty and not read_ledger(run.folder).planned:
            raise ScheduleError("the run has no results", where=str(run.folder), fix="the folder of a finished run")
    notes = []
    if first.now > second.now:
        notes.append(f"{earlier.run_id} is the later run: what is called fixed was so before, and was lost since")
    if earlier.said.get("chain") != later.said.get("chain"):
        notes.append("the two runs are of different chains")
    then, now = read_rules(earlier.said), read_rules(later.said)
    changed, own = now.differing(then), rules(second.schedule)
    again: pd.DataFrame | None = None
    said: tuple[str, ...]
    if set(changed) - {"reading"} and now.code != own.code:
        said = (f"the rules differ, and {later.run_id} was judged by another version of this program: whether rule or world is not told",)
    else:
        again, said = _judged_again(earlier, changed, second.schedule, checks)
    compared = compare(_side(earlier, first), _side(later, second), earlier.tables[HISTORY.name], checks, Judgement(changed, again))
    return Comparison({CHANGES.name: compared.changes}, earlier.run_id, (*notes, *said), now)


def told(comparison: Comparison, later: str) -> Iterator[str]:
    """A difference for people: counts first, then each kind, worst first."""
    rows = changes_worst_first(comparison.tables[CHANGES.name])
    yield f"{comparison.compared_with} -> {later}: {counted(len(rows), 'difference', 'differences')}"
    yield from comparison.notes
    for kind in CHANGE_KINDS:
        if (rows["change"] == kind).any():
            causes = rows.loc[rows["change"] == kind, "cause"].fillna("cause not told").value_counts().sort_index()
            yield f"  {kind:<15} {int(causes.sum()):>6}   ({', '.join(f'{cause} {count}' for cause, count in causes.items())})"
    for kind in CHANGE_KINDS:
        for place, row in enumerate(rows[rows["change"] == kind].to_dict("records")):
            if place == 0:
                yield ""
                yield kind
            yield from _told(row)


def _told(row: Mapping[str, Any]) -> Iterator[str]:
    cause, owner = row["cause"] or "not told", f", owner {row['owner']}" if row["owner"] else ""
    since = f", since {iso(row['since'])}" if not pd.isna(row["since"]) else ""
    yield f"  {row['severity']:<8}  {row['check_id']}  {row['resource']}  ({row['account']} {row['region']}{owner})"
    yield f"            {row['was'] or 'no row'}{since} -> {row['now'] or 'no row'}, by {cause}: {row['reason']}"


def as_json(comparison: Comparison, later: str) -> dict[str, Any]:
    """The same for programs."""
    rows = comparison.tables[CHANGES.name]
    listed = changes_worst_first(rows).to_dict("records")
    counts = rows["change"].value_counts()
    return {
        "from": comparison.compared_with,
        "to": later,
        "counts": {kind: int(counts.get(kind, 0)) for kind in CHANGE_KINDS},
        "notes": list(comparison.notes),
        "changes": [{name: _plain(value) for name, value in row.items()} for row in listed],
    }


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    return iso(value) if isinstance(value, pd.Timestamp) else str(value)
