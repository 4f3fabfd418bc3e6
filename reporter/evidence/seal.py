"""Files -> SHA256SUMS, SEAL.txt, SEAL.txt.sig, signing-key.pem: checked with sha256sum and openssl, with nothing of ours.

The seal is small (under 4096 bytes) so that a key service can sign it raw; it names the hash of the list, the sequence, and the hash of the seal
before it. Signed with ECDSA P-256 over SHA-256, DER.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reporter.core.clock import iso
from reporter.core.errors import ReporterError
from reporter.evidence.key import Public, Signer, pem_of, signed_by_one_of

TIMESTAMP = "SEAL.txt.sig.tsr"
"""not in every pack: where evidence.tsa_url is set"""
SEALING = ("SHA256SUMS", "SEAL.txt", "SEAL.txt.sig", "signing-key.pem")
UNLISTED = frozenset({*SEALING, TIMESTAMP})
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
    chain_id: str = ""
    """made when the state of the chain was"""
    unsealed: str = ""
    """numbers after the previous run's that were claimed, and not sealed when this seal was made: 5, 7-9"""
    next_key: str = ""
    """fingerprint of the key that will sign after this one"""
    kind: str = ""
    """of the run: scheduled, judge, apply, undo"""


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def listed(folder: Path) -> list[str]:
    """Everything that SHA256SUMS lists, by its name below the folder: all that is no folder. A link is never followed."""
    return sorted(name for name in _names(str(folder), "") if name not in UNLISTED)


def _names(folder: str, before: str) -> Iterator[str]:
    """A pack has a file for each answer: tens of thousands, so this is the system's own listing."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _names(entry.path, f"{before}{entry.name}/")
            else:
                yield before + entry.name


def write_sums(folder: Path) -> int:
    """SHA256SUMS in GNU's form. Returns the number of files."""
    names = listed(folder)
    lines = [f"{sha256(folder / name)}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="ascii", newline="\n")
    return len(names)


def seal(folder: Path, facts: Seal, signer: Signer) -> bytes:
    """Write SHA256SUMS, the seal, its signature and the public key. Returns the seal. Raises ReporterError; what cannot be signed has no seal."""
    files = write_sums(folder)
    pem = pem_of(signer.public)
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
        "signing-key-sha256": hashlib.sha256(pem).hexdigest(),
        "signing-key": signer.label,
    }
    more = {"kind": facts.kind, "chain-id": facts.chain_id, "unsealed-numbers": facts.unsealed, "next-signing-key-sha256": facts.next_key}
    lines |= {name: value for name, value in more.items() if value}
    text = "".join(f"{name}: {value}\n" for name, value in lines.items()).encode("ascii")
    if len(text) >= LARGEST_SEAL:
        raise ReporterError(f"the seal would be {len(text)} bytes, a key service signs at most {LARGEST_SEAL}")
    signature = signer.sign(text)
    (folder / "SEAL.txt").write_bytes(text)
    (folder / "SEAL.txt.sig").write_bytes(signature)
    (folder / "signing-key.pem").write_bytes(pem)
    return text


def read_seal(folder: Path) -> dict[str, str]:
    """The seal's lines. Raises OSError, or ValueError for a file that is no seal."""
    return lines_of((folder / "SEAL.txt").read_bytes())


def lines_of(text: bytes) -> dict[str, str]:
    """Raises ValueError for what is no seal."""
    lines = [line.partition(": ") for line in text.decode("ascii").splitlines()]
    if not lines or any(not separator for _, separator, _ in lines):
        raise ValueError("not a seal")
    return {name: value for name, _, value in lines}


@dataclass(frozen=True)
class Head:
    """The newest seal of a chain, in the order of sealing."""

    text: bytes
    number: int
    run_id: str
    kind: str = ""

    @classmethod
    def of(cls, text: bytes) -> Head:
        """Raises ValueError for what is no seal."""
        said = lines_of(text)
        if not said.get("run_id") or not said.get("sequence", "").isdigit():
            raise ValueError("not a seal")
        return cls(text, int(said["sequence"]), said["run_id"], said.get("kind", ""))

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text).hexdigest()


def broken(folder: Path, keys: Iterable[Public]) -> str:
    """Why a pack does not hold against the keys of its chain, or empty. Looks at signature, list, and every file."""
    try:
        facts = read_seal(folder)
        if not signed_by_one_of(keys, (folder / "SEAL.txt.sig").read_bytes(), (folder / "SEAL.txt").read_bytes()):
            return "the signature is not of this chain's key"
        if facts.get("sha256-of-SHA256SUMS") != sha256(folder / "SHA256SUMS"):
            return "SHA256SUMS is not the list that was sealed"
        return _difference(folder, _read_sums(folder))
    except (OSError, ValueError) as error:
        return f"the pack cannot be read: {error}"


def _difference(folder: Path, sums: dict[str, str]) -> str:
    there = {name: folder / name for name in listed(folder)}
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
