"""Workers that read partitions: those of a dask.distributed cluster, or processes of this machine."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any

from reporter.core.errors import ReporterError, ScheduleError
from reporter.elsewhere import Workers
from reporter.fitness import Program, differences, this_program

WITHIN_SECONDS = 300.0
"""how long a run waits for the first worker: containers are started meanwhile; and, once it reads, for a next one after the last has gone"""
LOOK_SECONDS = 10.0
_NOTHING_READ = "nothing was read or written"


@contextmanager
def cluster(address: str, within: float = WITHIN_SECONDS) -> Iterator[Workers]:
    """Workers of the cluster whose scheduler is at an address (tcp://, tls://). TLS and time limits are those of dask's own configuration.

    Raises ReporterError where nobody answers or nobody works there, ScheduleError where a worker is not this very program.
    """
    try:
        from distributed import Client  # noqa: PLC0415  # only who has a cluster needs it
        from distributed.scheduler import KilledWorker  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ScheduleError(
            f"the extra for clusters is not installed ({error.name} is missing)",
            fix="pip install 'workload-compliance-reporter[cluster]', here and where the workers run",
            meanwhile=_NOTHING_READ,
        ) from error
    _silence("distributed", "tornado", "asyncio")
    try:
        client: Any = Client(address, set_as_default=False, direct_to_workers=True, name="workload-compliance-reporter")  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError) as error:  # nobody there, another protocol, certificates that are missing or refused
        raise _no_cluster(address, error) from error
    try:
        _require_fit(client, address, within)
        with client.get_executor(pure=False) as executor:
            yield Workers(executor, deadly=(KilledWorker,), gone=_Deserted(client, within))
    finally:
        client.close()


@contextmanager
def processes(number: int) -> Iterator[Workers]:
    """So many processes of this machine, each the same program."""
    method = multiprocessing.get_context("forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn")
    executor = ProcessPoolExecutor(number, method, initializer=_end_with_parent)
    try:
        yield Workers(executor, lost=(BrokenProcessPool,))
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _end_with_parent() -> None:
    """A process whose parent is gone, killed perhaps, ends too."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda sentinel=parent.sentinel: (wait([sentinel]), os._exit(1)), daemon=True).start()


def _silence(*families: str) -> None:
    """What matters of what these say is said by the run, in its own form: stderr is a log of one JSON object a line where it is asked for."""
    for name in [*families, *logging.Logger.manager.loggerDict]:
        if name.split(".")[0] in families:
            logger = logging.getLogger(name)
            logger.handlers[:] = [logging.NullHandler()]
            logger.propagate = "." in name


def _require_fit(client: Any, address: str, within: float) -> None:
    """Wait for a worker, and ask each whether it is this program."""
    try:
        client.wait_for_workers(1, timeout=within)
        said: dict[str, Any] = client.run(this_program, on_error="return")
    except (OSError, TimeoutError) as error:
        raise _no_cluster(address, error, f"no worker has come within {within:g} s") from error
    mine = this_program()
    unfit = [f"{worker}: {why}" for worker, answer in sorted(said.items()) if (why := _why_not(mine, answer))]
    if unfit:
        more = f" (and {len(unfit) - 3} more)" if len(unfit) > 3 else ""
        raise ScheduleError(
            f"workers of the cluster are not this very program: {'; '.join(unfit[:3])}{more}",
            where=address,
            fix="start them from the same image as this run, with the same AWS endpoint",
            meanwhile=_NOTHING_READ,
        )


def _why_not(mine: Program, answer: Any) -> str:
    if isinstance(answer, BaseException):
        return f"it cannot run it: {type(answer).__name__}: {answer}"
    return ", ".join(differences(mine, answer))


def _no_cluster(address: str, error: BaseException, what: str = "") -> ReporterError:
    return ScheduleError(
        what or f"the cluster cannot be reached: {type(error).__name__}: {error}",
        where=address,
        fix="the address that the scheduler prints (tcp://HOST:PORT, or tls:// with dask's TLS settings here too), or run without --cluster",
        meanwhile=_NOTHING_READ,
    )


class _Deserted:
    """Whether the cluster has had no worker for too long. Asked often, looks seldom."""

    def __init__(self, client: Any, within: float, now: Callable[[], float] = time.monotonic) -> None:
        self._client, self._within, self._now = client, within, now
        self._looked = self._seen = now()

    def __call__(self) -> bool:
        if self._now() - self._looked >= LOOK_SECONDS:
            self._looked = self._now()
            if self._client.status == "running" and self._client.scheduler_info(n_workers=1)["workers"]:
                self._seen = self._looked
        return self._now() - self._seen > self._within
