"""Preloaded by the workers of a cluster: the first of them kills itself in the midst of what it reads.

dask worker --preload tests/whole/dying_worker.py; the environment's DYING_WORKER names the file that the first one writes its process id into.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from tests.whole.cut import _watch

AFTER = "request:40"


def dask_setup(worker: Any) -> None:
    """Called by dask in each worker's process."""
    del worker
    try:
        first = os.open(os.environ["DYING_WORKER"], os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return
    os.write(first, str(os.getpid()).encode())
    os.close(first)
    _watch(AFTER, signal.SIGKILL)
