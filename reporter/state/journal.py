"""The journal: what actions are about to do, and what came of it, durable before and after each write.

One object per entry, `journal/<run>/<number>.json`, made by Store.create; when a run's last entry is written they become one file,
`journal/<run>.jsonl`. A run that was cut and goes on writes a further part, `<run>_2` and so on. Read back it tells every deed of the chain. Entries:

- begin: {deed, plan, change, started}: before anything else; the before-state was re-read and holds
- call: {deed, call, ...}: a write that is about to be made;  answer: {deed, call, answer | refused}
- end: {deed, state, said, delta}: what came of it; later runs write further ones (verified, failed)
- undo: {deed}: its undo was begun;  end with state undone, or with the state it keeps
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from reporter.clients.store import Store
from reporter.core.change import ActionState, Change, Json
from reporter.core.clock import iso, parse
from reporter.core.errors import ReporterError
from reporter.core.past import Deed, Past

FOLDER = "journal/"


@dataclass
class Journal:
    """One run's part of the journal. Threads may share it. `now`: the present, called for each entry. `part`: its name, the run's if empty."""

    store: Store
    run: str
    now: Callable[[], datetime]
    written: int = 0
    part: str = ""

    def __post_init__(self) -> None:
        self.part = self.part or self.run
        self._lock = threading.Lock()
        self._lines: list[bytes] = []

    def write(self, deed: str, event: str, facts: Json) -> datetime:
        """One entry, durable when this returns. Returns its instant. Raises ReporterError."""
        with self._lock:
            at = self.now()
            entry = {"at": iso(at), "run": self.run, "deed": deed, "event": event, **facts}
            line = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), default=str).encode()
            name = f"{FOLDER}{self.part}/{self.written:06d}.json"
            if not self.store.create(name, line):
                raise _taken(self.store, name)
            self._lines.append(line)
            self.written += 1
            return at

    def close(self) -> None:
        """One file instead of one an entry. A crash on the way leaves both: read() takes each entry once."""
        if not self.written:
            return
        name, whole = f"{FOLDER}{self.part}.jsonl", b"".join(line + b"\n" for line in self._lines)
        if not self.store.create(name, whole) and self.store.read(name) != whole:
            raise _taken(self.store, name)
        for number in range(self.written):
            self.store.remove(f"{FOLDER}{self.part}/{number:06d}.json")


def next_part(store: Store, run: str) -> str:
    """The part that a run writes: its own name, or where it was cut after it had written, that with a number. Parts are read in this order."""
    names = {name.removeprefix(FOLDER).split("/")[0].removesuffix(".jsonl") for name in store.names(f"{FOLDER}{run}")}
    parts = {name for name in names if name == run or name.startswith(f"{run}_")}
    return f"{run}_{len(parts) + 1}" if parts else run


def _taken(store: Store, name: str) -> ReporterError:
    return ReporterError(
        "the journal already has this entry: another run writes under the same number",
        where=f"{store.where}/{name}",
        fix="give each chain its own state, and let one run finish before the next",
    )


def runs_of(store: Store, chain: str) -> set[int]:
    """Numbers of the runs of a chain that wrote into the journal, finished or not."""
    runs = {name.removeprefix(FOLDER).split("/")[0].removesuffix(".jsonl") for name in store.names(f"{FOLDER}{chain}-")}
    numbers = [run.rpartition("-")[2] for run in runs if run.rpartition("-")[0] == chain]
    return {int(number) for number in numbers if number.isdigit()}


def read(store: Store) -> Past:
    """Every deed of the chain. Raises ReporterError for an entry that cannot be read: then nothing may be done."""
    names = store.names(FOLDER)
    closed = {name.removesuffix(".jsonl") for name in names if name.endswith(".jsonl")}
    entries: list[dict[str, Any]] = []
    for name in names:
        if name.rpartition("/")[0] in closed and name.endswith(".json"):
            continue
        lines = (store.read(name) or b"").splitlines() or [b""]  # an empty file is no entry: somebody or something emptied it
        entries += [_entry(line, f"{store.where}/{name}", number) for number, line in enumerate(lines)]
    return fold(entries)


def _entry(line: bytes, where: str, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line)
        parse(entry["at"])
        return {**entry, "number": number, "deed": str(entry["deed"]), "event": str(entry["event"]), "run": str(entry["run"])}
    except (ValueError, KeyError, TypeError) as error:
        raise ReporterError(
            f"an entry of the journal cannot be read: {type(error).__name__}",
            where=where,
            fix="restore the file from the bucket's versions or a backup; without it nobody knows what was done",
            meanwhile="nothing is changed while the journal is broken",
        ) from error


def fold(entries: Iterable[Mapping[str, Any]]) -> Past:
    """Entries in the order of their writing -> deeds, oldest first."""
    deeds: dict[str, Deed] = {}
    for entry in entries:
        name, at = entry["deed"], parse(entry["at"])
        if entry["event"] == "begin":
            deeds[name] = Deed(name, entry["run"], entry["plan"], Change.of(entry["change"]), at, at, started=parse(entry["started"]))
        elif name in deeds:
            deeds[name] = _told(deeds[name], entry, at)
    return Past(tuple(deeds.values()))


def _told(deed: Deed, entry: Mapping[str, Any], at: datetime) -> Deed:
    match entry["event"]:
        case "call":
            return replace(deed, calls=(*deed.calls, _facts(entry)))
        case "answer":
            return replace(deed, answers=(*deed.answers, _facts(entry)))
        case "undo":
            return replace(deed, undoing=True)
        case "end":
            state = ActionState(entry["state"])
            delta = entry["delta"] if entry.get("delta") else deed.delta
            return replace(deed, state=state, said=entry.get("said", ""), delta=delta, at=at, undoing=False)
    return deed


def _facts(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in ("deed", "event", "number")}
