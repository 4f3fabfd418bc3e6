"""Memory that is free inside the process, given back to the system: what one stage needed must not be added to what the next one needs."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def give_back() -> None:
    """Called between stages, where much has just become free. Costs milliseconds; where the C library has no such call, nothing happens."""
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's: musl has none
        if trim is not None:
            trim(0)
