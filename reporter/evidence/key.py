"""Which key signs a chain's packs: the schedule's, or one made for the chain beside its runs."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from reporter.evidence.seal import local_key
from reporter.schedule import Schedule


def signing_key(schedule: Schedule, out: Path) -> ec.EllipticCurvePrivateKey:
    """Raises ReporterError for a file that holds no P-256 key."""
    name = schedule.evidence.key
    return local_key(Path(name.removeprefix("file:")) if name else out / ".state" / f"{schedule.evidence.chain}-signing-key.pem")
