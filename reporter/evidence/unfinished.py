"""What a run leaves while it is not over: who it is, and every scope it has read. A run that is cut goes on from there.

`.unfinished-NNNNNN/` beside the folder that is built: begun.json, one file for each settled scope, `gathered` once all are read. It is removed when
the run is over.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from reporter.core.call import Call
from reporter.core.clock import iso, parse
from reporter.core.errors import ScheduleError, Stopped
from reporter.core.ledger import LedgerRow
from reporter.core.scope import Scope, ScopeState
from reporter.core.table import Rows
from reporter.evidence.folder import run_folder, unfinished_folder, unfinished_runs

WITHIN = timedelta(hours=6)
"""a run that began longer ago is not gone on with: its report would say of old answers that they are of one night"""
COMPLETE = (ScopeState.OK, ScopeState.NOT_ENABLED)
_NOTHING_READ = "nothing was read or written"


@dataclass(frozen=True)
class Begun:
    """Who the run is. `start`: its clock; `schedule`: hash of what it runs by."""

    run: str
    number: int
    job: str | None
    start: datetime
    schedule: str
    version: str
    endpoint_override: str


class Settled(msgspec.Struct, frozen=True):
    """A scope as it was read: its row of the ledger, its rows by table, its calls, and its raw answers with the SHA-256 of each file."""

    row: LedgerRow
    rows: dict[str, list[Any]]
    calls: list[Call]
    raw: dict[str, str]


class Unfinished:
    """What one run leaves. One process at a time: the folder's lock sees to it."""

    def __init__(self, out: Path, begun: Begun) -> None:
        self.begun, self._out = begun, out
        self._folder = unfinished_folder(out, begun.number)

    def begin(self) -> None:
        """From now on the run can be gone on with."""
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700)
            self._write("begun.json", json.dumps({**asdict(self.begun), "start": iso(self.begun.start)}).encode())

    def keep(self, row: LedgerRow, rows: Rows, calls: Iterable[Call], raw: Mapping[str, str]) -> None:
        """A scope was settled. Rows that no file can hold (half a character) are not kept: such a scope is read again."""
        try:
            settled = _PACK.encode(Settled(row, {name: list(some) for name, some in rows.items()}, list(calls), dict(raw)))
        except ValueError:
            return
        self._write(f"{_short(row.scope)}.settled", _CODEC.compress(settled, asbytes=True))

    def gathered(self) -> None:
        """Every scope is settled: what could not be read is not asked for again either."""
        self._write("gathered", b"")

    @property
    def all_read(self) -> bool:
        return (self._folder / "gathered").exists()

    def settled(self, folder: Path, groups: Iterable[frozenset[Scope]]) -> dict[Scope, Settled]:
        """Scopes that need no further call, and whose raw answers lie in `folder` as they were written.

        Scopes of a group were read by the same calls: they are kept together or not at all.
        """
        found = {one.row.scope: one for one in map(self._read, sorted(self._folder.glob("*.settled"))) if one is not None}
        whole = {
            scope: one
            for scope, one in found.items()
            if (self.all_read or one.row.state in COMPLETE) and all(_sha256(folder / name) == said for name, said in one.raw.items())
        }
        torn = {scope for group in groups if not group <= whole.keys() for scope in group}
        return {scope: one for scope, one in whole.items() if scope not in torn}

    def remove(self) -> None:
        """The run is over."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def told(self, planned: int) -> str:
        """How far it came."""
        done = len(list(self._folder.glob("*.settled")))
        return "everything is read" if self.all_read else f"{done} of {planned} scopes are read"

    @property
    def exists(self) -> bool:
        """Whether there is anything to go on with."""
        return self._folder.exists()

    @property
    def how(self) -> str:
        """How to go on."""
        return f"reporter run --resume {self.begun.run}, with the same --schedule and --out, until {iso(self.begun.start + WITHIN)}"

    def stopped(self, planned: int) -> Stopped:
        """What to say of a run that was asked to stop."""
        if not self.exists:
            return Stopped(f"{self.begun.run} was stopped", fix="run again", meanwhile="it had read nothing yet, so nothing is left of it")
        sealed = run_folder(self._out, self.begun.number).exists()
        left = "the run is sealed; what is left is to mail and to store it" if sealed else f"{self.told(planned)}; nothing is sealed or sent"
        return Stopped(f"{self.begun.run} was stopped", where=str(self._out), fix=self.how, meanwhile=left)

    def _read(self, path: Path) -> Settled | None:
        """None: it is torn, so the scope is read again."""
        try:
            with pa.CompressedInputStream(pa.BufferReader(path.read_bytes()), "zstd") as stream:
                return _UNPACK.decode(stream.read())
        except (OSError, ValueError, msgspec.DecodeError):
            return None

    def _write(self, name: str, data: bytes) -> None:
        draft = self._folder / f".{name}"
        draft.write_bytes(data)
        draft.rename(self._folder / name)


def find(out: Path, wanted: str) -> Unfinished:
    """The cut run in a folder; `wanted`: its id, number or folder, or empty for the one there is. Raises ScheduleError."""
    there = [Unfinished(out, begun) for begun in map(_begun, unfinished_runs(out)) if begun is not None]
    named = [one for one in there if not wanted or wanted in _names(one.begun)]
    if not named:
        others = ", ".join(one.begun.run for one in there)
        raise ScheduleError(
            f"there is no cut run {wanted}".rstrip() + " that could be gone on with",
            where=str(out),
            fix=f"--resume {others}" if others else "run without --resume: every run before this one is over, or was cut before it had read anything",
            meanwhile=_NOTHING_READ,
        )
    return named[-1]


def require_fit(cut: Unfinished, now: datetime, schedule: str, job: str | None, version: str, endpoint_override: str) -> None:
    """Raises ScheduleError where going on would mix what does not belong together."""
    begun = cut.begun
    reasons = {
        f"it began at {iso(begun.start)}, and a run is gone on with for {WITHIN // timedelta(hours=1)} hours": not (
            timedelta(0) <= now - begun.start <= WITHIN
        ),
        "the schedule is not the one that it began with": schedule != begun.schedule,
        f"it is a run of the job {begun.job or 'without a name'}": job is not None and job != begun.job,
        f"it was begun by version {begun.version}, this is {version}": version != begun.version,
        f"its AWS calls went to {begun.endpoint_override or 'AWS'}, now they would go to {endpoint_override or 'AWS'}": (
            endpoint_override != begun.endpoint_override
        ),
    }
    why = [reason for reason, holds in reasons.items() if holds]
    if why:
        raise ScheduleError(
            f"{begun.run} cannot be gone on with: {'; '.join(why)}", fix="run without --resume: everything is read anew", meanwhile=_NOTHING_READ
        )


def _names(begun: Begun) -> set[str]:
    return {begun.run, str(begun.number), f"run-{begun.number:06d}"}


def _begun(folder: Path) -> Begun | None:
    """None: it was cut before it had said who it is."""
    try:
        said = json.loads((folder / "begun.json").read_bytes())
        return Begun(**{**said, "start": parse(said["start"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _short(scope: Scope) -> str:
    return hashlib.sha256(f"{scope.source}\n{scope.account}\n{scope.region}".encode()).hexdigest()[:32]


def _sha256(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


_CODEC = pa.Codec("zstd", compression_level=1)
_PACK = msgspec.msgpack.Encoder()
_UNPACK = msgspec.msgpack.Decoder(Settled)
