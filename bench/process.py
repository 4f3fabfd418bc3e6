"""A whole program as a contender: its wall seconds, CPU seconds and peak memory, from the operating system's own accounting."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Spent:
    """`cpu`: user and system seconds of the process and all it started; `peak`: bytes, the most that all of them held at one time."""

    wall: float
    cpu: float
    peak: int
    code: int


def spent(command: Sequence[str], environment: Mapping[str, str], folder: Path, said: Path) -> Spent:
    """Runs a program to its end in `folder`; what it prints goes into the file `said`."""
    began, ended, together = time.perf_counter(), threading.Event(), [0]
    with said.open("wb") as output:
        process = subprocess.Popen(command, env=dict(environment), cwd=folder, stdout=output, stderr=output, start_new_session=True)

        def watch() -> None:
            while not ended.wait(_LOOK_SECONDS):
                together[0] = max(together[0], _held(process.pid))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        ended.set()
        watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
    return Spent(wall, used.ru_utime + used.ru_stime, max(used.ru_maxrss * 1024, together[0]), process.returncode)


def measured(name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Spent:
    """A program that is to end well, else RuntimeError. Of this process's own environment it sees nothing of AWS, WP or Python; what it prints stays
    in `folder`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "WP_", "VIRTUAL_ENV", "PYTHON"))}
    said = folder / f"{name}.txt"
    found = spent(command, {**kept, **environment, "HOME": str(folder)}, folder, said)
    if found.code != 0:
        raise RuntimeError(f"{name} ended with {found.code}: {said.read_text(encoding='utf-8', errors='replace')[-2000:]}")
    return found


def cpu_of(process: int) -> float:
    """User and system seconds of a running process until now."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _held(session: int) -> int:
    """Bytes that the processes of a session hold now; pages that two of them share count twice."""
    held = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
                held += int(fields[21]) * os.sysconf("SC_PAGE_SIZE") if int(fields[3]) == session else 0
            except OSError:  # it has ended meanwhile
                continue
    return held
