"""Packs of sealed runs -> the store that keeps them: a bucket with Object Lock, or a folder; and back, on a machine that lacks them. What could
not be stored is stored by a later run.

The zip of a sealed folder has the same bytes each time, and a name is written once: storing it again changes nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reporter.clients.pack_bucket import MODES, PackBucket
from reporter.clients.store import Store
from reporter.core.clock import iso
from reporter.core.errors import ReporterError
from reporter.evidence import zipped
from reporter.evidence.folder import runs
from reporter.evidence.restored import restore
from reporter.evidence.seal import Head, read_seal, sha256
from reporter.evidence.trust import Trust
from reporter.schedule import Evidence
from reporter.state import packs
from reporter.state.deliveries import Delivery, DeliveryState


@dataclass(frozen=True)
class Astray:
    """Why a pack is not to be had. `known`: it is lost, or no longer what was sealed; else nobody knows."""

    why: str
    known: bool


@dataclass(frozen=True)
class PackStore:
    """Where a chain's packs are kept. `client`: boto3's S3 client, made when it is needed; `now`: the present."""

    evidence: Evidence
    state: Store
    now: Callable[[], datetime]
    client: Callable[[], Any] = field(repr=False)

    def publish(self, out: Path) -> tuple[Delivery, ...]:
        """Store every pack of the chain in a folder that is not stored yet, oldest first. Never raises for what cannot be stored: it is said."""
        if not self.evidence.store:
            return ()
        for left in (out / ".state").glob("zip-*"):  # of a run that was killed
            shutil.rmtree(left)
        try:
            done = packs.stored(self.state, self.evidence.chain)
        except ReporterError as error:
            return (self._said("", runs(out)[-1], DeliveryState.NOT_SENT, _line(error)),)
        return tuple(self._one(out, run) for run in runs(out) if self._wanted(run, done))

    def bring_back(self, out: Path, wanted: Iterable[Head], held: Trust) -> dict[str, Astray]:
        """Give a folder the packs of these seals that it lacks. Never raises for what cannot be had: run -> why."""
        lost: dict[str, Astray] = {}
        for head in wanted:
            run = out / f"run-{head.number:06d}"
            if self.evidence.store and not run.exists():
                try:
                    astray = self._restored(run, head, held)
                except (ReporterError, OSError) as error:
                    astray = Astray(f"it cannot be fetched from {self.evidence.store}: {_line(error)}", known=False)
                if astray:
                    lost[head.run_id] = astray
        return lost

    def _restored(self, run: Path, head: Head, held: Trust) -> Astray | None:
        """Raises ReporterError, OSError."""
        name = f"{self.evidence.chain}/{run.name}.zip"
        kept = head.run_id in packs.stored(self.state, self.evidence.chain)
        with tempfile.TemporaryDirectory(dir=run.parent / ".state", prefix="zip-") as place:
            path = Path(place) / f"{run.name}.zip"
            if not self._fetched(name, path):
                text = f"{self.evidence.store} shows no {name}"
                return Astray(f"{text}, though it was stored there", known=True) if kept else Astray(f"{text}: it was never stored", known=False)
            why = restore(path, run, held, head.sha256)
        return Astray(f"{why} ({self.evidence.store})", known=True) if why else None

    def _fetched(self, name: str, path: Path) -> bool:
        if self.evidence.store.startswith("s3://"):
            return PackBucket(self.evidence.store, self.client()).fetch(name, path)
        source = Path(self.evidence.store) / name
        if not source.is_file():
            return False
        shutil.copyfile(source, path)
        return True

    def _wanted(self, run: Path, done: set[str]) -> bool:
        try:
            said = read_seal(run)
        except (OSError, ValueError):
            return False  # evidence_sealed and `reporter verify` say it
        return said.get("chain") == self.evidence.chain and said.get("run_id") not in done

    def _one(self, out: Path, run: Path) -> Delivery:
        run_id = read_seal(run)["run_id"]
        try:
            with tempfile.TemporaryDirectory(dir=out / ".state", prefix="zip-") as place:
                path = Path(place) / f"{run.name}.zip"
                zipped.write(run, path)
                where, message = self._kept(run, run_id, path)
            done = Delivery(run_id, path.name, where, DeliveryState.SENT, self.now(), message, packs.PACK)
        except (ReporterError, OSError) as error:
            done = self._said(run_id, run, DeliveryState.REFUSED, _line(error))
        return packs.received(self.state, done)

    def _kept(self, run: Path, run_id: str, path: Path) -> tuple[str, str]:
        """(where it is, the receipt). Raises ReporterError, OSError."""
        name, digest = f"{self.evidence.chain}/{path.name}", sha256(path)
        if not self.evidence.store.startswith("s3://"):
            target = Path(self.evidence.store) / name
            _copy_once(path, target)
            return str(target), f"SHA-256 {digest}; not locked: a folder keeps nobody from changing it"
        facts = {"run": run_id, "sha256": digest, "seal-sha256": sha256(run / "SEAL.txt")}
        until = self.now() + timedelta(days=self.evidence.retention_days)
        kept = PackBucket(self.evidence.store, self.client()).put(name, path, facts, MODES[self.evidence.lock], until)
        lock = f"{kept.mode} until {iso(kept.until)}" if kept.until else "not locked: it can be deleted"
        return kept.url, f"version {kept.version}; SHA-256 {digest}; checksum {kept.checksum}; {kept.encryption}; {lock}"

    def _said(self, run_id: str, run: Path, state: DeliveryState, message: str) -> Delivery:
        return Delivery(run_id, f"{run.name}.zip", self.evidence.store, state, self.now(), message, packs.PACK)


def _copy_once(path: Path, target: Path) -> None:
    """Whole and durable under its name, or not at all; the same file again is no mistake. Raises ReporterError, OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(handle, "wb") as stream, path.open("rb") as source:
            while block := source.read(1 << 20):
                stream.write(block)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, target)
    except FileExistsError as error:
        if sha256(target) != sha256(path):
            raise ReporterError("another file has the pack's name: nothing was overwritten", where=str(target), fix="look who wrote it") from error
    finally:
        Path(draft).unlink()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
