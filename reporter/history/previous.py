"""The runs before this one: whether the last one's pack is sealed and chained, and what the last scheduled one left to compare with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from reporter.core.table import Tables
from reporter.evidence.folder import runs
from reporter.evidence.key import Public
from reporter.evidence.seal import Head, broken, read_seal, sha256
from reporter.history.changes import FAILING
from reporter.history.stored import read_table
from reporter.tables.joined import CHANGES, HISTORY, PREVIOUS_PACK, RESULTS, TREND

Key: TypeAlias = tuple[str, str, str, str]
"""check id, resource, account, region"""

SCHEDULED = "scheduled"
REPEATING = ("apply", "undo")
"""kinds of run that repeat the results of the run they act on"""
LOOKED_BACK = 30
"""so many scheduled runs whose pack does not hold are passed over"""


@dataclass(frozen=True)
class Kept:
    """What a finished run left for those after it. Tables are empty where it has none, or an earlier version wrote it."""

    run_id: str
    folder: Path
    said: Mapping[str, Any]
    """its run.json"""
    tables: Tables = field(default_factory=dict)

    @property
    def ages(self) -> dict[Key, tuple[str, datetime]]:
        """Status of each result, and since when it holds."""
        rows = self.tables[RESULTS.name]
        rows = rows[rows["first_seen"].notna()]
        return dict(zip(_keys(rows), zip(rows["status"], rows["first_seen"], strict=True), strict=True))

    @property
    def failing(self) -> dict[Key, datetime]:
        """Since when what failed when it was last known fails."""
        rows = self.tables[HISTORY.name]
        rows = rows[rows["last_known"].isin(FAILING) & rows["failing_since"].notna()]
        return dict(zip(_keys(rows), rows["failing_since"], strict=True))


@dataclass(frozen=True)
class Previous:
    """The last finished run of any kind (`run_id`, `seal_sha256`, `pack`), and the run that this one is compared with (`compared`). Empty: there is
    none. `acted_on`: the run that this one repeats or judges again. `notes`: why there is nothing to compare with, or what was passed over."""

    run_id: str = ""
    seal_sha256: str = ""
    pack: pd.DataFrame | None = None
    compared: Kept | None = None
    acted_on: Kept | None = None
    notes: tuple[str, ...] = ()

    def tables(self) -> Tables:
        return {PREVIOUS_PACK.name: PREVIOUS_PACK.frame() if self.pack is None else self.pack}

    @property
    def ages(self) -> dict[Key, tuple[str, datetime]]:
        """A run that acts on another keeps that one's ages; a scheduled run those of the scheduled run before it."""
        source = self.acted_on or self.compared
        return source.ages if source else {}

    @property
    def failing(self) -> dict[Key, datetime]:
        source = self.acted_on or self.compared
        return source.failing if source else {}


def previous(
    out: Path,
    chain: str,
    keys: Sequence[Public],
    acts_on: Path | None = None,
    head: Head | None = None,
    lost: Mapping[str, tuple[str, bool]] | None = None,
) -> Previous:
    """Look at the runs in a folder. A pack that does not hold is said in `pack` and `notes`, never ignored, and its history is never used.

    Only scheduled runs of the chain are compared with: a run that acts on another (`acts_on`) repeats its results and is compared with what that
    one was compared with; a single event looks at a part of the world. `head`: the chain's newest seal, as its state keeps it: the pack may lie
    elsewhere. `lost`: run -> why its pack is not here, and whether that is known to be a flaw of it.
    """
    finished = runs(out)
    problem = cache(lambda run: broken(run, keys))
    acted_on = kept(acts_on) if acts_on else None
    if acted_on:
        compared, notes = _same_as(acted_on, out, problem)
    else:
        compared, notes = _last_scheduled(finished, chain, problem)
    notes = (*notes, *(f"{run} is not in this folder: {why}" for run, (why, _) in sorted((lost or {}).items())))
    last = _last(finished, head)
    if last is None:
        if head is None:
            return Previous(acted_on=acted_on, compared=compared, notes=notes)
        why, flawed = (lost or {}).get(head.run_id, ("the state keeps its seal alone", False))
        pack = PREVIOUS_PACK.frame([(head.run_id, False if flawed else None, None, f"its pack is not in this folder: {why}")])
        return Previous(head.run_id, head.sha256, pack, compared, acted_on, notes)
    seal = sha256(last / "SEAL.txt") if (last / "SEAL.txt").is_file() else ""
    chained, message = (False, problem(last)) if problem(last) else _chained(last, finished, chain, known=head is not None)
    if head is not None and not message and seal != head.sha256:
        chained, message = False, "its seal is not the one that the state keeps of it"
    run_id = head.run_id if head else str(_said(last).get("id") or last.name)
    pack = PREVIOUS_PACK.frame([(run_id, not problem(last), chained, message)])
    return Previous(run_id, head.sha256 if head else seal, pack, compared, acted_on, notes)


def _last(finished: list[Path], head: Head | None) -> Path | None:
    """The folder of the newest run: the one that the chain's state names, where it names one."""
    if head is None:
        return finished[-1] if finished else None
    return next((run for run in finished if run.name == f"run-{head.number:06d}"), None)


def kept(folder: Path) -> Kept:
    """What a run left, whether or not its pack holds."""
    tables = {table.name: read_table(folder, table) for table in (RESULTS, HISTORY, TREND, CHANGES)}
    said = _said(folder)
    return Kept(str(said.get("id") or folder.name), folder, said, tables)


def _last_scheduled(finished: list[Path], chain: str, problem: Callable[[Path], str]) -> tuple[Kept | None, tuple[str, ...]]:
    notes: list[str] = []
    for run in reversed(finished):
        said = _said(run)
        if said.get("kind") != SCHEDULED or said.get("chain") != chain:
            continue
        why = problem(run)
        if not why:
            return kept(run), tuple(notes)
        notes.append(f"{said.get('id')} is not compared with: its pack does not hold ({why})")
        if len(notes) == LOOKED_BACK:
            break
    return None, (*notes, "there is no scheduled run of this chain here to compare with")


def _same_as(acted_on: Kept, out: Path, problem: Callable[[Path], str]) -> tuple[Kept | None, tuple[str, ...]]:
    named = str(acted_on.said.get("compared_with") or "")
    if not named:
        return None, (f"{acted_on.run_id} was compared with no run",)
    folder = out / f"run-{named[-6:]}"
    if _said(folder).get("id") != named:
        return None, (f"{named}, which {acted_on.run_id} was compared with, is no longer here",)
    why = problem(folder)
    if why:
        return None, (f"{named} is not compared with: its pack does not hold ({why})",)
    return kept(folder), ()


def _said(run: Path) -> Mapping[str, Any]:
    """run.json of a run; nothing where it cannot be read: then its pack does not hold either."""
    try:
        said = json.loads((run / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _chained(last: Path, finished: list[Path], chain: str, *, known: bool) -> tuple[bool | None, str]:
    """`known`: the state keeps the chain, so that the pack before may lie elsewhere."""
    seal = read_seal(last)
    if seal.get("chain") != chain:
        return False, f"the pack belongs to chain {seal.get('chain')}, not {chain}"
    named, run = seal.get("sha256-of-previous-SEAL", "none"), seal.get("previous-run_id", "none")
    if seal.get("sequence") == "1" and named != "none" and not known:
        return False, "the first pack of the chain names a pack before it"
    if named == "none" and (seal.get("sequence") == "1" or known):
        return True, ""
    there = {folder.name: folder for folder in finished if known or folder.name < last.name}
    before = there.get(f"run-{run[-6:]}") or (None if known else next(reversed(there.values()), None))
    if before is None or not (before / "SEAL.txt").is_file():
        return (None, f"the pack before it, {run}, is not in this folder") if known else (False, "the pack before it is not here")
    return sha256(before / "SEAL.txt") == named, "" if sha256(before / "SEAL.txt") == named else f"the pack does not name the seal of {before.name}"


def _keys(rows: pd.DataFrame) -> list[Key]:
    return list(zip(rows["check_id"], rows["resource"], rows["account"], rows["region"], strict=True))
