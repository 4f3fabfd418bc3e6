"""A run in a process of its own that sends itself a signal at one point of it, as seen from outside: a request it sends, a file it makes.

python -m tests.whole.cut request:120 TERM run --schedule schedule.yaml --out out

request:N is the Nth request, file:NAME a file that is opened to be written, named:NAME one that gets its name, entry:NAME an entry of the state.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POINTS = (
    "request:1",
    "request:20",
    "request:100",
    "request:200",
    "request:300",
    "file:.gathered",
    "file:results.csv",
    "file:report.xlsx",
    "file:SEAL.txt",
    "named:run-000001",
)
"""in the plan of scopes, four times while it reads, when all is read, twice in the report, in the seal, and when only the name is missing"""
UNLIKE = ("date", "answered_at", "request_id")
"""what two calls differ in"""
MADE_ANEW = ("SHA256SUMS", "SEAL.txt", "SEAL.txt.sig", "signing-key.pem", "run.json", "queries.jsonl", "scopes.csv", "report.xlsx")
"""files that hold what two equal runs differ in: signatures, the time they took, ids of requests"""


@dataclass(frozen=True)
class Runs:
    """Where a run is started, and with what."""

    environment: Mapping[str, str]
    schedule: Path
    clock: str

    def run(self, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
        return self._started([sys.executable, "-m", "reporter.cli"], out, more)

    def cut(self, out: Path, point: str, by: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Runs until the point, and there gets the signal."""
        return self._started([sys.executable, "-m", "tests.whole.cut", point, by], out, more)

    def _started(self, program: list[str], out: Path, more: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WP_"))}
        command = [*program, "--log", "json", "run", "--schedule", str(self.schedule), "--out", str(out), "--now", self.clock, *more]
        return subprocess.run(command, env={**kept, **self.environment}, capture_output=True, text=True, timeout=300, check=False)


def comparable(run: Path) -> dict[str, Any]:
    """A run's files and what they hold, without what differs between any two runs."""
    raw = {path.relative_to(run).as_posix() for path in (run / "raw").rglob("*") if path.is_file()}
    rest = [path for path in sorted(run.rglob("*")) if path.is_file() and path.relative_to(run).as_posix() not in raw]
    same: dict[str, Any] = {path.relative_to(run).as_posix(): _hash(path) for path in rest}
    for name in (*MADE_ANEW, "tables/scopes.parquet", "tables/queries.parquet"):
        same[name] = "there" if name in same else "missing"
    said = json.loads((run / "run.json").read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in (run / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    queries = [{name: value for name, value in line.items() if name not in UNLIKE} for line in lines]
    ledger = [_without_seconds(line) for line in (run / "scopes.csv").read_text(encoding="utf-8").splitlines()]
    facts = {name: value for name, value in said.items() if name not in ("end", "resumed", "clock_offset_seconds")}
    return {**same, "raw": sorted(raw), "run.json": facts, "queries.jsonl": queries, "scopes.csv": ledger}


def _without_seconds(line: str) -> str:
    cells = line.split(",")
    return ",".join([*cells[:7], *cells[8:]])


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _watch(point: str, number: signal.Signals) -> None:
    """Python tells its own audit hooks of every request and file: nothing of the program is replaced."""
    kind, _, what = point.partition(":")
    left = [int(what) if kind == "request" else 1]

    def here(event: str, arguments: tuple[Any, ...]) -> bool:
        match event, kind:
            case "http.client.send", "request":
                return bytes(arguments[1][:4]) in (b"GET ", b"POST", b"HEAD")
            case "open", "file":
                return str(arguments[0]).rpartition("/")[2] == what and str(arguments[1]).startswith(("w", "x"))
            case ("os.rename", "named") | ("os.link", "entry"):
                return str(arguments[1]).endswith(what)
        return False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if here(event, arguments):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), number)

    sys.addaudithook(hook)


if __name__ == "__main__":
    from reporter.cli import main

    place, name, *given = sys.argv[1:]
    _watch(place, signal.Signals[f"SIG{name}"])
    sys.argv[1:] = given
    sys.exit(main())
