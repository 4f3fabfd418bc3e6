"""Gives a run its place in the chain: sealed on the newest seal, its seal kept in the state, and only then its folder gets its name.

A run that is killed before its seal is in the state leaves a hidden folder and no seal; one that is killed after is whole, and the next run into the
same folder only gives it its name.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from reporter.clients import tsa
from reporter.clients.store import Store
from reporter.core.errors import ScopeProblem
from reporter.evidence import timestamp
from reporter.evidence.folder import finish, keep_previous_seal, runs, settle
from reporter.evidence.key import Public, Signer, fingerprint_of_next, known_keys, open_signer, remember_key
from reporter.evidence.seal import TIMESTAMP, UNLISTED, Head, Seal, seal
from reporter.schedule import Evidence, Schedule
from reporter.state import chain, sequence


@dataclass(frozen=True)
class Sealing:
    """What seals the runs of a chain: its key, and the state that keeps the chain. `out`: where this machine's runs lie."""

    evidence: Evidence
    out: Path
    store: Store
    signer: Signer
    next_key: str = ""

    @classmethod
    def of(cls, schedule: Schedule, out: Path, store: Store) -> Sealing:
        """Raises ReporterError for a key that cannot be used."""
        return cls(schedule.evidence, out, store, open_signer(schedule.evidence, out), fingerprint_of_next(schedule.evidence))

    def chain_keys(self) -> tuple[Public, ...]:
        """Keys that the chain's packs may be signed with. Raises ReporterError."""
        return known_keys(self.store, self.signer)

    def head(self) -> Head | None:
        """The newest seal: as the state says it; a state without any goes on from the newest run here. Raises ReporterError."""
        return chain.head(self.store, self.evidence.chain) or _newest(self.out)

    def last(self, kind: str) -> Head | None:
        """The newest seal of a kind of run, as the state says it. Raises ReporterError."""
        return chain.newest_of(self.store, self.evidence.chain, kind)

    def in_chain(self, folder: Path) -> bool:
        """Whether a folder's seal stands in the chain already. Raises ReporterError."""
        path = folder / "SEAL.txt"
        return path.is_file() and chain.holds(self.store, self.evidence.chain, path.read_bytes())

    def seal(self, folder: Path, facts: Seal, describe: Callable[[Head | None], None]) -> tuple[Path, str]:
        """Seal a run on the newest seal, which may be another one by the time that it is signed: then it is signed again.

        `describe` writes run.json, which lists the files, and names the run before. Returns the run's folder, and why it lacks a time stamp that it
        should have. Raises ReporterError.
        """
        name, missing = self.evidence.chain, ""
        remember_key(self.store, self.signer)
        facts = replace(facts, chain_id=chain.chain_id(self.store, name, facts.generated_at), next_key=self.next_key)
        while True:
            before = self.head()
            for half in UNLISTED:
                (folder / half).unlink(missing_ok=True)
            keep_previous_seal(folder, before.text if before else None)
            describe(before)
            text = seal(folder, self._after(before, facts), self.signer)
            missing = self._stamp(folder)
            settle(folder)
            if chain.follow(self.store, name, before, text):
                return finish(folder, facts.sequence), missing

    def _after(self, before: Head | None, facts: Seal) -> Seal:
        claimed = sequence.claimed(self.store, self.evidence.chain)
        left = chain.unsealed(self.store, self.evidence.chain, claimed, before, facts.sequence)
        return replace(facts, previous_run_id=before.run_id if before else "", previous_seal_sha256=before.sha256 if before else "", unsealed=left)

    def _stamp(self, folder: Path) -> str:
        """A time stamp over the signature, as it was received. Returns why there is none, or empty."""
        if not self.evidence.tsa_url:
            return ""
        imprint, nonce = hashlib.sha256((folder / "SEAL.txt.sig").read_bytes()).digest(), secrets.randbits(63)
        try:
            answer = tsa.ask(self.evidence.tsa_url, timestamp.query(imprint, nonce))
            stamp = timestamp.read(answer)
        except (ScopeProblem, ValueError) as problem:
            return f"the seal has no time stamp: {problem}"
        if stamp.imprint != imprint or stamp.nonce != nonce:
            return "the seal has no time stamp: the authority stamped something else"
        (folder / TIMESTAMP).write_bytes(answer)
        return ""


def _newest(out: Path) -> Head | None:
    sealed = [run for run in runs(out) if (run / "SEAL.txt").is_file()]
    return Head.of((sealed[-1] / "SEAL.txt").read_bytes()) if sealed else None
