"""What signs a chain's packs: a key of AWS KMS, a key in a file, or one made for the chain beside its runs. ECDSA P-256 over SHA-256, DER.

Who seals does not know which. A local key is the weaker way: who holds it can seal again; the seal says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reporter.clients.kms import KmsKey
from reporter.clients.store import FolderStore, Store
from reporter.core.errors import ReporterError
from reporter.schedule import Evidence

Public: TypeAlias = ec.EllipticCurvePublicKey

LOCAL = "local key (weaker than a key service: who holds it can seal again)"
KEYS = "signing-keys/"
"""in the state: every public key that the chain's packs were signed with, by its fingerprint"""


class Signer(Protocol):
    """Signs seals. `label`: what the seal says of the key."""

    @property
    def label(self) -> str: ...

    @property
    def public(self) -> Public: ...

    def sign(self, text: bytes) -> bytes:
        """DER signature. Raises ReporterError."""
        ...


@dataclass(frozen=True)
class LocalSigner:
    """A private key in this process."""

    key: ec.EllipticCurvePrivateKey
    label: str = LOCAL

    @property
    def public(self) -> Public:
        return self.key.public_key()

    def sign(self, text: bytes) -> bytes:
        return self.key.sign(text, ec.ECDSA(hashes.SHA256()))


@dataclass(frozen=True)
class KmsSigner:
    """A key that never leaves AWS KMS."""

    key: KmsKey
    public: Public
    label: str

    def sign(self, text: bytes) -> bytes:
        """Raises ReporterError, also for a signature that does not hold."""
        signature = self.key.sign(text)
        if not signed(self.public, signature, text):
            raise ReporterError("the signature is not of the key that was asked", where=f"evidence.key: {self.key.arn}", fix="run again")
        return signature


def open_signer(evidence: Evidence, out: Path) -> Signer:
    """What evidence.key names; by default the chain's own key in the .state folder beside its runs, made with the first. Raises ReporterError."""
    if evidence.key.startswith("kms:"):
        return _kms(evidence.key.removeprefix("kms:"))
    name = evidence.key.removeprefix("file:")
    return LocalSigner(local_key(Path(name)) if name else own_key(out / ".state" / f"{evidence.chain}-signing-key.pem"))


def fingerprint_of_next(evidence: Evidence) -> str:
    """Of the key that evidence.next_key names; empty: none is named. Raises ReporterError."""
    name = evidence.next_key
    if not name:
        return ""
    if name.startswith("kms:"):
        return fingerprint(_kms(name.removeprefix("kms:")).public)
    return fingerprint(local_key(Path(name.removeprefix("file:"))).public_key())


def _kms(name: str) -> KmsSigner:
    key = KmsKey.find(name)
    public = serialization.load_der_public_key(key.public)
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise ReporterError("the key service answered with another key than an EC P-256 key", where=f"evidence.key: {key.arn}")
    return KmsSigner(key, public, f"AWS KMS {key.arn}")


def local_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in a PEM file. Raises ReporterError for a file that holds no P-256 key, or none."""
    try:
        return _private(path.read_bytes(), str(path))
    except OSError as error:
        raise ReporterError(f"the signing key cannot be read: {error.strerror}", where=str(path), fix="evidence.key, or the file's rights") from error


def own_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in a PEM file; made there (mode 0600) if there is none. Of several that make it at once, one is first. Raises ReporterError."""
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        if FolderStore(path.parent).create(path.name, pem):
            return key
    return local_key(path)


def _private(pem: bytes, where: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ReporterError("the signing key cannot be read", where=where, fix="an unencrypted PEM of an EC P-256 key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ReporterError("the signing key is not an EC P-256 key", where=where, fix="openssl ecparam -name prime256v1 -genkey -noout")
    return key


def known_keys(store: Store, signer: Signer) -> tuple[Public, ...]:
    """The key that signs now, and those that signed before it. Raises ReporterError."""
    kept = (public(store.read(name) or b"") for name in store.names(KEYS))
    return (signer.public, *(key for key in kept if key is not None))


def remember_key(store: Store, signer: Signer) -> None:
    """Keep the public key for the time when another one signs. Raises ReporterError."""
    store.create(f"{KEYS}{fingerprint(signer.public)}.pem", pem_of(signer.public))


def public(pem: bytes) -> Public | None:
    """The key in a PEM; None for what is no EC P-256 public key."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1) else None


def pem_of(key: Public) -> bytes:
    """What signing-key.pem of a pack holds."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Public) -> str:
    """SHA-256 of the key's PEM: what `sha256sum signing-key.pem` prints."""
    return hashlib.sha256(pem_of(key)).hexdigest()


def signed(key: Public, signature: bytes, text: bytes) -> bool:
    """Whether it is a signature over the text by the key: ECDSA over SHA-256, DER."""
    try:
        key.verify(signature, text, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def signed_by_one_of(keys: Iterable[Public], signature: bytes, text: bytes) -> bool:
    return any(signed(key, signature, text) for key in keys)
