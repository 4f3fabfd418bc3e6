"""The zip of a pack -> the run's folder again. Nothing of it is believed or written before it was checked against the chain's keys."""

from __future__ import annotations

import tempfile
from pathlib import Path

from reporter.evidence.contents import Contents, contents
from reporter.evidence.folder import settle
from reporter.evidence.inspected import inspect
from reporter.evidence.trust import Trust


def restore(zipped: Path, run: Path, held: Trust, seal_sha256: str) -> str:
    """Put the folder of a run in its place, whole and durable. Returns why the zip is not that pack, or empty. Raises OSError."""
    with contents(zipped) as found:
        pack = inspect(found, zipped.name, held)
        if pack.findings:
            return f"the stored pack does not hold: {' '.join(pack.words())}"
        if pack.seal_sha256 != seal_sha256:
            return "the stored pack is another one than the chain's state names"
        with tempfile.TemporaryDirectory(dir=zipped.parent) as place:
            folder = Path(place) / run.name
            _write(found, folder)
            settle(folder)
            folder.rename(run)
    return ""


def _write(found: Contents, folder: Path) -> None:
    for name in found.sizes:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with file.open("wb") as target:
            for block in found.blocks(name):
                target.write(block)
