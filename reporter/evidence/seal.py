"""Files -> SHA256SUMS, SEAL.txt, SEAL.txt.sig, signing-key.pem: checked with sha256sum and openssl, with nothing of ours.

The seal is small (under 4096 bytes) so that a key service can sign it raw; it names the hash of the list, the sequence, and the hash of the seal
before it. ECDSA P-256 over SHA-256, DER. A local key is the weaker way: who holds it can seal again; the seal says so.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reporter.core.clock import iso
from reporter.core.errors import ReporterError

UNLISTED = frozenset({"SHA256SUMS", "SEAL.txt", "SEAL.txt.sig", "signing-key.pem"})
LARGEST_SEAL = 4096
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Seal:
    """What a seal says of its run."""

    chain: str
    sequence: int
    run_id: str
    generated_at: datetime
    version: str
    previous_run_id: str = ""
    previous_seal_sha256: str = ""


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def listed(folder: Path) -> list[Path]:
    """Everything that SHA256SUMS lists, by its relative name: all that is no folder. A link is never followed."""
    files = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted((path for path in files if str(path.relative_to(folder)) not in UNLISTED), key=lambda path: path.relative_to(folder).as_posix())


def write_sums(folder: Path) -> int:
    """SHA256SUMS in GNU's form. Returns the number of files."""
    files = listed(folder)
    lines = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="ascii", newline="\n")
    return len(files)


def seal(folder: Path, facts: Seal, key: ec.EllipticCurvePrivateKey, key_label: str) -> str:
    """Write SHA256SUMS, the seal, its signature and the public key. Returns the seal's SHA-256."""
    files = write_sums(folder)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    lines = {
        "format": "workload-compliance-reporter seal 1",
        "chain": facts.chain,
        "sequence": str(facts.sequence),
        "run_id": facts.run_id,
        "generated_at": iso(facts.generated_at),
        "version": facts.version,
        "files": str(files),
        "sha256-of-SHA256SUMS": sha256(folder / "SHA256SUMS"),
        "previous-run_id": facts.previous_run_id or "none",
        "sha256-of-previous-SEAL": facts.previous_seal_sha256 or "none",
        "signing-key-sha256": hashlib.sha256(public).hexdigest(),
        "signing-key": key_label,
    }
    text = "".join(f"{name}: {value}\n" for name, value in lines.items()).encode("ascii")
    if len(text) >= LARGEST_SEAL:
        raise ReporterError(f"the seal would be {len(text)} bytes, a key service signs at most {LARGEST_SEAL}")
    (folder / "SEAL.txt").write_bytes(text)
    (folder / "SEAL.txt.sig").write_bytes(key.sign(text, ec.ECDSA(hashes.SHA256())))
    (folder / "signing-key.pem").write_bytes(public)
    return hashlib.sha256(text).hexdigest()


def local_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in a PEM file; made there (mode 0600) if there is none. Raises ReporterError for a file that holds no P-256 key."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return _make(path)
    except OSError as error:
        raise ReporterError(f"the signing key cannot be read: {error.strerror}", where=str(path), fix="evidence.key, or the file's rights") from error
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ReporterError("the signing key cannot be read", where=str(path), fix="an unencrypted PEM of an EC P-256 key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ReporterError("the signing key is not an EC P-256 key", where=str(path), fix="openssl ecparam -name prime256v1 -genkey -noout")
    return key


def _make(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())
    return key


def read_seal(folder: Path) -> dict[str, str]:
    """The seal's lines. Raises OSError, or ValueError for a file that is no seal."""
    text = (folder / "SEAL.txt").read_bytes().decode("ascii")
    lines = [line.partition(": ") for line in text.splitlines()]
    if not lines or any(not separator for _, separator, _ in lines):
        raise ValueError("not a seal")
    return {name: value for name, _, value in lines}


def broken(folder: Path, public: ec.EllipticCurvePublicKey) -> str:
    """Why a pack does not hold against a key, or empty. Looks at signature, list, and every file."""
    try:
        facts = read_seal(folder)
        public.verify((folder / "SEAL.txt.sig").read_bytes(), (folder / "SEAL.txt").read_bytes(), ec.ECDSA(hashes.SHA256()))
        if facts.get("sha256-of-SHA256SUMS") != sha256(folder / "SHA256SUMS"):
            return "SHA256SUMS is not the list that was sealed"
        return _difference(folder, _read_sums(folder))
    except InvalidSignature:
        return "the signature is not of this chain's key"
    except (OSError, ValueError) as error:
        return f"the pack cannot be read: {error}"


def _difference(folder: Path, sums: dict[str, str]) -> str:
    there = {path.relative_to(folder).as_posix(): path for path in listed(folder)}
    added, gone = sorted(there.keys() - sums.keys()), sorted(sums.keys() - there.keys())
    if added or gone:
        return f"files added {added[:3]}, files gone {gone[:3]}"
    changed = [name for name, path in there.items() if path.is_symlink() or not path.is_file() or sha256(path) != sums[name]]
    return f"files changed: {changed[:3]}" if changed else ""


def _read_sums(folder: Path) -> dict[str, str]:
    """File name -> SHA-256, as SHA256SUMS says."""
    sums: dict[str, str] = {}
    for line in (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines():
        digest, separator, name = line.partition("  ")
        if not separator:
            raise ValueError("SHA256SUMS is not in GNU's form")
        sums[name] = digest
    return sums
