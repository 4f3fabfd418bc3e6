"""The run before this one: since when each result holds, and whether its pack is sealed and chained."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
from cryptography.hazmat.primitives.asymmetric import ec

from reporter.core.clock import parse
from reporter.core.table import Tables
from reporter.evidence.folder import runs
from reporter.evidence.seal import broken, read_seal, sha256
from reporter.tables.joined import PREVIOUS_PACK

Key = tuple[str, str, str, str]
"""check id, resource, account, region"""


@dataclass(frozen=True)
class Previous:
    """What the last finished run of the chain left. Empty fields: there is none."""

    run_id: str = ""
    seal_sha256: str = ""
    first_seen: dict[Key, tuple[str, datetime]] | None = None
    pack: pd.DataFrame | None = None

    def tables(self) -> Tables:
        return {PREVIOUS_PACK.name: PREVIOUS_PACK.frame() if self.pack is None else self.pack}


def previous(out: Path, chain: str, public: ec.EllipticCurvePublicKey) -> Previous:
    """Look at the last run in a folder. A pack that does not hold is said in `pack`, never ignored; its history is not used, nor another chain's."""
    finished = runs(out)
    if not finished:
        return Previous()
    last = finished[-1]
    run_id = _run_id(last)
    problem = broken(last, public)
    chained, message, ours = False, problem, False
    if not problem:
        chained, message = _chained(finished, chain)
        ours = read_seal(last).get("chain") == chain
    pack = PREVIOUS_PACK.frame([(run_id, not problem, chained, message)])
    seal = last / "SEAL.txt"
    return Previous(run_id, sha256(seal) if seal.is_file() else "", _first_seen(last) if ours else None, pack)


def _run_id(run: Path) -> str:
    try:
        return str(json.loads((run / "run.json").read_text(encoding="utf-8"))["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return run.name


def _chained(finished: list[Path], chain: str) -> tuple[bool, str]:
    seal = read_seal(finished[-1])
    if seal.get("chain") != chain:
        return False, f"the pack belongs to chain {seal.get('chain')}, not {chain}"
    named = seal.get("sha256-of-previous-SEAL", "none")
    if seal.get("sequence") == "1":
        return named == "none", "" if named == "none" else "the first pack of the chain names a pack before it"
    before = finished[-2] / "SEAL.txt" if len(finished) > 1 else None
    if before is None or not before.is_file():
        return False, "the pack before it is not here"
    return sha256(before) == named, "" if sha256(before) == named else f"the pack does not name the seal of {before.parent.name}"


def _first_seen(run: Path) -> dict[Key, tuple[str, datetime]]:
    frame = pd.read_csv(run / "results.csv", dtype=str, keep_default_na=False)
    seen: dict[Key, tuple[str, datetime]] = {}
    columns = zip(frame["check_id"], frame["resource"], frame["account"], frame["region"], frame["status"], frame["first_seen"], strict=True)
    for check, resource, account, region, status, first in columns:
        if first:
            seen[check, resource, account, region] = (status, parse(first))
    return seen
