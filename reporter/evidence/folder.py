"""The folder of a run: built under a hidden name, renamed to run-NNNNNN when it is finished and sealed, never changed afterwards."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reporter.core.errors import ReporterError

_RUN = re.compile(r"run-(\d{6})")
_BUILDING, _UNFINISHED = ".building-", ".unfinished-"
PREVIOUS_SEAL = "previous-SEAL.txt"


def runs(out: Path) -> list[Path]:
    """Finished runs in a folder, oldest first."""
    if not out.is_dir():
        return []
    return sorted(path for path in out.iterdir() if _RUN.fullmatch(path.name) and path.is_dir())


def unfinished_folder(out: Path, number: int) -> Path:
    """Where a run that is not over keeps what it needs to go on."""
    return out / f"{_UNFINISHED}{number:06d}"


def unfinished_runs(out: Path) -> list[Path]:
    """Such folders, oldest first."""
    return sorted(out.glob(f"{_UNFINISHED}*"))


def _next(last: int) -> int:
    return last + 1


def _never(left: Path) -> bool:
    del left
    return False


@contextmanager
def building(
    out: Path, number: Callable[[int], int] = _next, in_chain: Callable[[Path], bool] = _never, *, again: int | None = None
) -> Iterator[tuple[Path, int]]:
    """A hidden folder to build the next run in, and the run's sequence number: number(the last one here), asked under the lock. The folder is
    removed if the run breaks, unless it left what it needs to go on. What a run that was killed left is removed too, unless its seal is `in_chain`
    already: then only its name was missing.

    `again`: number of the cut run that goes on; its folder is yielded as it was left, under its own name where it was sealed.

    Holds a lock for as long as the run lasts, so that two runs never write into one chain; the system releases it when a process dies. Raises
    ReporterError where another run holds it or the folder cannot be written.
    """
    try:
        (out / ".state").mkdir(parents=True, exist_ok=True)
        handle = os.open(out / ".state" / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ReporterError(f"the folder cannot be written: {error.strerror}", where=str(out), fix="another --out, or its rights") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ReporterError(
                "another run is writing into this folder",
                where=str(out),
                fix="wait for it to finish, or give this run another --out",
                meanwhile="nothing was read or written",
            ) from None
        _clear(out, in_chain, again)
        sequence = number(_last(out)) if again is None else again
        folder = out / f"{_BUILDING}{sequence:06d}"
        if again is not None and run_folder(out, again).exists():
            yield run_folder(out, again), again
            return
        folder.mkdir(mode=0o700, exist_ok=again is not None)
        try:
            yield folder, sequence
        finally:
            if folder.exists() and not in_chain(folder) and not unfinished_folder(out, sequence).exists():
                shutil.rmtree(folder)
    finally:
        os.close(handle)


def _clear(out: Path, in_chain: Callable[[Path], bool], again: int | None) -> None:
    """What runs that were killed left, but that of the one that goes on. The lock is ours, so nobody is at work there. Raises ReporterError."""
    for left in out.glob(f"{_BUILDING}*"):
        if in_chain(left):
            finish(left, int(left.name.removeprefix(_BUILDING)))
        elif left.name != f"{_BUILDING}{again or 0:06d}":
            shutil.rmtree(left)
    for left in unfinished_runs(out):
        if left != unfinished_folder(out, again or 0):
            shutil.rmtree(left)
    if again is not None and not unfinished_folder(out, again).exists():
        raise ReporterError("the run that was to go on is over by now", where=str(out), fix="run without --resume", meanwhile="nothing was read")


def is_named(folder: Path) -> bool:
    """Whether a run's folder has its name: it is sealed."""
    return _RUN.fullmatch(folder.name) is not None


def start_over(folder: Path) -> None:
    """Remove what a cut run had made of its answers: only those are of use."""
    for path in folder.iterdir():
        if path.name != "raw":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def keep_previous_seal(folder: Path, text: bytes | None) -> None:
    """previous-SEAL.txt: a byte copy of the seal of the run before, so that the link to it can be checked in this pack alone. None: no such file."""
    if text is None:
        (folder / PREVIOUS_SEAL).unlink(missing_ok=True)
    else:
        (folder / PREVIOUS_SEAL).write_bytes(text)


def settle(folder: Path) -> None:
    """Make everything durable that is in the folder."""
    for place, _, files in os.walk(folder):
        for path in (os.path.join(place, name) for name in files):  # noqa: PTH118  # tens of thousands
            if os.path.isfile(path):  # noqa: PTH113
                _sync(path, os.O_RDONLY)


def finish(folder: Path, sequence: int) -> Path:
    """Give a run that is settled its name. Returns the run's folder."""
    run = run_folder(folder.parent, sequence)
    folder.rename(run)
    _sync(run.parent, os.O_RDONLY | os.O_DIRECTORY)
    return run


def run_folder(out: Path, sequence: int) -> Path:
    """Where a finished run lies."""
    return out / f"run-{sequence:06d}"


def _sync(path: Path | str, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _last(out: Path) -> int:
    found = runs(out)
    return int(found[-1].name[4:]) if found else 0
