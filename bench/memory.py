"""Seconds and peak memory of writing a file: what the process holds at most above what it held when the rows stood ready."""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Took:
    """`peak`: MB above start."""

    seconds: float
    peak: float


def took(write: Callable[[], object]) -> Took:
    """What one write takes; memory is looked at fifty times a second."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what making the rows left behind must not hide what writing takes
    start, peak, ended = _held(), [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            peak[0] = max(peak[0], _held())

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    try:
        write()
    finally:
        seconds = time.perf_counter() - began
        ended.set()
        watcher.join()
    return Took(seconds, (max(peak[0], _held()) - start) / 2**20)


def _held() -> int:
    """Bytes of memory that this process holds now."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))
