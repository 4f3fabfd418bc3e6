"""Raw answers, as received (or as redacted by their source), under raw/: one compressed file an answer.

`zstd -d` gives the answer back. Names hold only what we chose: source, account, region, operation and a number.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from reporter.clients.aws_raw import FILE, RawAnswer, place

_CODEC = pa.Codec("zstd", compression_level=3)
Packed: TypeAlias = tuple[bytes, int]
"""An answer as it is stored, and its size as it was received."""


def pack(answer: RawAnswer) -> bytes:
    """An answer as its file holds it."""
    packed: bytes = _CODEC.compress(answer.body, asbytes=True)
    return packed


class RawKept:
    """Keeps raw answers in memory, for who has no folder of the run; called from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, dict[str, Packed]] = {}

    def __call__(self, answer: RawAnswer) -> None:
        packed = pack(answer), len(answer.body)
        with self._lock:
            self._kept.setdefault(answer.place, {})[answer.file] = packed

    def of(self, where: str) -> dict[str, Packed]:
        """Answers of one scope by file, given away."""
        with self._lock:
            return self._kept.pop(where, {})


class RawFolder:
    """Writes raw answers below one folder; called from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._made: set[Path] = set()
        self.answers = 0
        self.bytes = 0
        self._hashes: dict[str, dict[str, str]] = {}
        self._closed = False

    def __call__(self, answer: RawAnswer) -> None:
        self._write(answer.place, answer.file, pack(answer), len(answer.body))

    def take(self, where: str, answers: Mapping[str, Packed]) -> None:
        """Answers of one scope (its place; file -> answer) that were received elsewhere."""
        for file, (packed, size) in answers.items():
            if not FILE.fullmatch(file):
                raise ValueError(f"no name of a raw answer: {file!r}")
            self._write(where, file, packed, size)

    def _write(self, where: str, file: str, packed: bytes, size: int) -> None:
        place = self.folder / where
        with self._lock:
            if self._closed:
                raise RuntimeError("the run is over: nothing is recorded any more")
            if place not in self._made:
                place.mkdir(parents=True, exist_ok=True)
                self._made.add(place)
            self.answers += 1
            self.bytes += size
            self._hashes.setdefault(where, {})[file] = hashlib.sha256(packed).hexdigest()
        (place / file).write_bytes(packed)

    def hold(self, known: dict[str, str]) -> None:
        """Of what lay there before, keep these files (name -> SHA-256) and remove the rest."""
        mine = {f"{where}/{file}" for where, files in self._hashes.items() for file in files}
        for path in [path for path in self.folder.rglob("*") if path.is_file()]:
            if path.relative_to(self.folder).as_posix() not in mine | known.keys():
                path.unlink()
        for name, said in known.items():
            where, _, file = name.rpartition("/")
            self._hashes.setdefault(where, {})[file] = said

    def hashes(self, source: str, account: str, region: str) -> dict[str, str]:
        """Raw answers of one scope: file below the folder -> SHA-256 of it as it lies there."""
        where = place(source, account, region)
        with self._lock:
            return {f"{where}/{file}": said for file, said in self._hashes.get(where, {}).items()}

    def close(self) -> None:
        """Refuse what threads of a run that was stopped still want to record."""
        with self._lock:
            self._closed = True
