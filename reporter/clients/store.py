"""Where a chain keeps what must outlive a run: here a folder, in store_s3.py a prefix in a bucket. Names are written once, whole or not at all.

`create` is durable when it returns and says whether it was first, which makes it the counter of everything above it.
"""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from reporter.core.errors import ReporterError

Renew = Callable[[], None]
"""Called before each write: raises ReporterError where the lease is lost."""


class Store(Protocol):
    """A small set of named byte strings. Every method raises ReporterError where the place cannot be reached."""

    where: str

    def create(self, name: str, data: bytes) -> bool:
        """Write it durably, unless the name is taken: then False."""
        ...

    def read(self, name: str) -> bytes | None: ...

    def names(self, prefix: str) -> list[str]:
        """Names that begin so, sorted."""
        ...

    def remove(self, name: str) -> None: ...

    def lease(self, holder: str) -> AbstractContextManager[Renew]:
        """A context manager that yields Renew. Raises ReporterError where another run holds the lease."""
        ...


class HeldByAnother(ReporterError):
    """Another run of the chain holds the lease."""


@contextmanager
def leased(store: Store, holder: str, patience: timedelta, sleep: Callable[[float], None] = time.sleep) -> Iterator[Renew]:
    """The lease, waited for while another run holds it. Raises HeldByAnother once patience is over."""
    until = time.monotonic() + patience.total_seconds()
    with ExitStack() as held:
        while True:
            try:
                renew = held.enter_context(store.lease(holder))
                break
            except HeldByAnother:
                if time.monotonic() >= until:
                    raise
                sleep(1)
        yield renew


def held_by_another(where: str, holder: str) -> HeldByAnother:
    return HeldByAnother(
        f"another run of this chain may be changing the world now{holder}",
        where=where,
        fix="wait for it to finish, then run again",
        meanwhile="nothing was changed",
    )


class FolderStore:
    """A folder on this machine. The lease is a file lock: the system gives it back when a process dies."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.where = folder, str(folder)

    def create(self, name: str, data: bytes) -> bool:
        with self._explained():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = path.parent / f".{uuid.uuid4().hex}"
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                try:
                    os.link(draft, path)
                except FileExistsError:
                    return False
            finally:
                draft.unlink()
            _sync(path.parent)
            return True

    def read(self, name: str) -> bytes | None:
        with self._explained():
            try:
                return (self._folder / name).read_bytes()
            except FileNotFoundError:
                return None

    def names(self, prefix: str) -> list[str]:
        with self._explained():
            below = self._folder / prefix.rpartition("/")[0]
            files = [path for path in below.rglob("*") if path.is_file() and not path.name.startswith(".")]
            names = (path.relative_to(self._folder).as_posix() for path in files)
            return sorted(name for name in names if name.startswith(prefix))

    def remove(self, name: str) -> None:
        with self._explained():
            (self._folder / name).unlink(missing_ok=True)

    @contextmanager
    def lease(self, holder: str) -> Iterator[Renew]:
        del holder
        with self._explained():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._folder / ".lease", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise held_by_another(self.where, "") from None
            yield lambda: None
        finally:
            os.close(handle)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ReporterError(f"the state cannot be read or written: {error.strerror}", where=self.where, fix="the folder's rights") from error


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
