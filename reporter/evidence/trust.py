"""The keys that a reader of packs holds: whole, or by their fingerprint."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reporter.core.errors import ScheduleError
from reporter.evidence.flaws import shown

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Trust:
    """Keys that the reader holds, whole or by the SHA-256 of their PEM. None: each pack is checked against its own key, which proves little."""

    keys: tuple[ec.EllipticCurvePublicKey, ...] = ()
    fingerprints: frozenset[str] = frozenset()

    @property
    def given(self) -> bool:
        return bool(self.keys or self.fingerprints)


def trust(keys: Iterable[Path], fingerprints: Iterable[str]) -> Trust:
    """What --key and --fingerprint say. Raises ScheduleError for a file or a word that is neither."""
    plain = [text.replace(":", "").lower() for text in fingerprints]
    if strange := [text for text in plain if not _HASH.fullmatch(text)]:
        raise ScheduleError(f"{shown(strange[0])!r} is no SHA-256", where="--fingerprint", fix="64 hex digits, as `sha256sum signing-key.pem` prints")
    return Trust(tuple(_held(path) for path in keys), frozenset(plain))


def _held(path: Path) -> ec.EllipticCurvePublicKey:
    try:
        key = public(path.read_bytes())
    except OSError as error:
        raise ScheduleError(f"the key cannot be read: {error.strerror}", where=str(path), fix="the file of the public key that you hold") from error
    if key is None:
        raise ScheduleError("this is no EC P-256 public key", where=str(path), fix="the public key in PEM, as signing-key.pem is")
    return key


def public(pem: bytes) -> ec.EllipticCurvePublicKey | None:
    """The key in a PEM; None for what is no EC P-256 public key."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1) else None


def fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of the key's PEM: what `sha256sum signing-key.pem` prints."""
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(pem).hexdigest()


def signed(key: ec.EllipticCurvePublicKey, signature: bytes, text: bytes) -> bool:
    """Whether it is a signature over the text by the key: ECDSA over SHA-256, DER."""
    try:
        key.verify(signature, text, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
