"""Raw answers, as received (or as redacted by their source), under raw/: one compressed file an answer.

`zstd -d` gives the answer back. Names hold only what we chose: source, account, region, operation and a number.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pyarrow as pa

from reporter.clients.aws_raw import RawAnswer

_CODEC = pa.Codec("zstd", compression_level=3)


class RawFolder:
    """Writes raw answers below one folder; called from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._made: set[Path] = set()
        self.answers = 0
        self.bytes = 0

    def __call__(self, answer: RawAnswer) -> None:
        place = self._folder / answer.place
        with self._lock:
            if place not in self._made:
                place.mkdir(parents=True, exist_ok=True)
                self._made.add(place)
            self.answers += 1
            self.bytes += len(answer.body)
        (place / answer.file).write_bytes(_CODEC.compress(answer.body, asbytes=True))
