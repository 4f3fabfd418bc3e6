"""A process that applies or undoes, and is killed at a boundary of its journal: the parent's servers and store outlive it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from reporter.actions import web_acl_document
from reporter.changing import Changing
from reporter.clients.aws import AwsClients
from reporter.clients.store import FolderStore, Renew
from reporter.core.change import Change
from reporter.opening import open_clients
from reporter.propose import discover
from reporter.schedule import Schedule


@dataclass(frozen=True)
class Death:
    """SIGKILL at the nth entry that the process writes, before it is there or once it is durable."""

    at: int
    durable: bool

    def __str__(self) -> str:
        return f"{'after' if self.durable else 'before'}-{self.at:02}"


@dataclass
class Mortal:
    """A store whose process dies."""

    store: FolderStore
    death: Death | None
    count: int = 0
    where: str = "a store whose process dies"

    def create(self, name: str, data: bytes) -> bool:
        self.count += 1
        mine = self.death is not None and self.death.at == self.count
        if mine and self.death is not None and not self.death.durable:
            os.kill(os.getpid(), signal.SIGKILL)
        made = self.store.create(name, data)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return made

    def read(self, name: str) -> bytes | None:
        return self.store.read(name)

    def names(self, prefix: str) -> list[str]:
        return self.store.names(prefix)

    def remove(self, name: str) -> None:
        self.store.remove(name)

    def lease(self, holder: str) -> AbstractContextManager[Renew]:
        return self.store.lease(holder)


@dataclass(frozen=True)
class Job:
    """What the process is to do: apply `changes` of the plan, or undo a run. `now`: when its run begins."""

    folder: Path
    run: int
    schedule: str
    account: str
    environment: Mapping[str, str]
    now: datetime
    changes: Sequence[Mapping[str, Any]] = ()
    plan: str = ""
    undo: str = ""

    def do(self, death: Death | None = None) -> tuple[int, list[dict[str, Any]]]:
        """In a process of its own: its exit code (-9: killed), and the rows it told."""
        told = self.folder.parent / f"{self.folder.name}-rows-{self.run}.json"
        process = _CONTEXT.Process(target=_work, args=(self, death, told))
        process.start()
        process.join()
        code = process.exitcode
        process.close()
        assert code is not None
        return code, json.loads(told.read_text(encoding="utf-8")) if told.exists() else []


def _work(job: Job, death: Death | None, told: Path) -> None:
    os.environ.clear()
    os.environ.update(job.environment)
    schedule = Schedule.model_validate_json(job.schedule)
    store = Mortal(FolderStore(job.folder), death)
    changing = Changing(f"main-{job.run:06d}", schedule, job.now, "", store, open_clients(schedule), job.account)
    rows = changing.undone(job.undo) if job.undo else changing.approved([Change.of(change) for change in job.changes], job.plan)
    told.write_text(json.dumps([row.as_json() for row in rows]), encoding="utf-8")


def warm() -> None:
    """What every process needs is loaded once, in the server that they are forked from. Opens no connection."""
    discover()
    web_acl_document.written()
    AwsClients().client("", "wafv2", "eu-central-1")


_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["__main__", "tests.whole.killed_warm"])
