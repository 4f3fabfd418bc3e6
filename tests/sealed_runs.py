"""Small runs that are sealed as whole ones are, and verified as an auditor does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reporter.clients.store import Store
from reporter.evidence.folder import building, runs
from reporter.evidence.key import LocalSigner, Signer
from reporter.evidence.seal import Head, Seal
from reporter.evidence.verify import verify
from reporter.schedule import Evidence
from reporter.sealing import Sealing
from reporter.state import sequence
from tests.evidence.chains import HELD
from tests.evidence.pack import KEY, NOW

SIGNER = LocalSigner(KEY, "local key")
Words = dict[str, list[str]]


def sealing(out: Path, store: Store, signer: Signer = SIGNER, evidence: Evidence | None = None, next_key: str = "") -> Sealing:
    return Sealing(evidence or Evidence(), out, store, signer, next_key)


def one(at: Sealing, content: str = "x\n", meanwhile: Callable[[Head | None], None] = lambda _: None) -> Path:
    """One run. `meanwhile`: what happens once it knows what it follows."""
    with building(at.out, lambda last: sequence.claim(at.store, "main", last, NOW), at.in_chain) as (folder, number):
        (folder / "results.csv").write_text(content)

        def describe(before: Head | None) -> None:
            (folder / "run.json").write_text(f'{{"id": "main-{number:06d}", "previous": "{before.run_id if before else ""}"}}')
            meanwhile(before)

        return at.seal(folder, Seal("main", number, f"main-{number:06d}", NOW, "0.1.0"), describe)[0]


def flaws(*outs: Path) -> Words:
    """Pack -> its flaws; of all runs in these folders, as one chain."""
    packs = [run for out in outs for run in runs(out)]
    return {Path(pack.label).name: pack.words() for pack in verify(packs, HELD) if pack.findings}


def numbers(*outs: Path) -> list[int]:
    return sorted(int(run.name[4:]) for out in outs for run in runs(out))
