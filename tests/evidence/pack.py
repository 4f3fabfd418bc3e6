"""A small sealed pack."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from reporter.evidence.key import LocalSigner
from reporter.evidence.seal import Seal, seal

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
RESULTS = "check_id,resource,account,region,status,first_seen\n"


def pack(run: Path, *, chain: str = "main", before: str = "", results: str = RESULTS, key: ec.EllipticCurvePrivateKey = KEY) -> str:
    """Write and seal a run of this sequence; `before`: hash of the seal before it. Returns the seal's hash."""
    sequence = int(run.name.removeprefix("run-"))
    (run / "raw" / "ec2").mkdir(parents=True)
    (run / "raw" / "ec2" / "000000-describe.json.zst").write_bytes(b"\x28\xb5")
    (run / "results.csv").write_text(results)
    (run / "run.json").write_text(f'{{"id": "{chain}-{sequence:06d}"}}')
    return sealed(run, Seal(chain, sequence, f"{chain}-{sequence:06d}", NOW, "0.1.0", "before" if before else "", before), key)


def sealed(run: Path, facts: Seal, key: ec.EllipticCurvePrivateKey = KEY) -> str:
    """Seal a folder with a local key. Returns the seal's hash."""
    return hashlib.sha256(seal(run, facts, LocalSigner(key, "local key"))).hexdigest()
