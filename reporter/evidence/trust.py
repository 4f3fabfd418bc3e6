"""The keys that a reader of packs holds: whole, or by their fingerprint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reporter.core.errors import ScheduleError
from reporter.evidence.flaws import shown
from reporter.evidence.key import Public, public

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Trust:
    """Keys that the reader holds, whole or by the SHA-256 of their PEM. None: each pack is checked against its own key, which proves little."""

    keys: tuple[Public, ...] = ()
    fingerprints: frozenset[str] = frozenset()

    @property
    def given(self) -> bool:
        return bool(self.keys or self.fingerprints)


def trust(keys: Iterable[Path], fingerprints: Iterable[str]) -> Trust:
    """What --key and --fingerprint say. Raises ScheduleError for a file or a word that is neither."""
    plain = [text.replace(":", "").lower() for text in fingerprints]
    if strange := [text for text in plain if not _HASH.fullmatch(text)]:
        raise ScheduleError(f"{shown(strange[0])!r} is no SHA-256", where="--fingerprint", fix="64 hex digits, as `sha256sum signing-key.pem` prints")
    return Trust(tuple(_held(path) for given in keys for path in _files(given)), frozenset(plain))


def _files(given: Path) -> list[Path]:
    """A file, or the PEM files in a folder: the keys of a chain that changed its key."""
    if not given.is_dir():
        return [given]
    found = sorted(path for path in given.iterdir() if path.suffix == ".pem")
    if not found:
        raise ScheduleError("the folder holds no key", where=str(given), fix="a folder of public keys, each in a file whose name ends in .pem")
    return found


def _held(path: Path) -> Public:
    try:
        key = public(path.read_bytes())
    except OSError as error:
        raise ScheduleError(f"the key cannot be read: {error.strerror}", where=str(path), fix="the file of the public key that you hold") from error
    if key is None:
        raise ScheduleError("this is no EC P-256 public key", where=str(path), fix="the public key in PEM, as signing-key.pem is")
    return key
