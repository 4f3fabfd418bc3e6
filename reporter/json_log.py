"""What a run does, for machines: one JSON object a line. Every line has the same first members; no secret stands in any of them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from reporter.acting import Act
from reporter.core.ledger import LedgerRow
from reporter.core.secret import veiled
from reporter.core.text import legible
from reporter.metrics import embedded
from reporter.run import Finished, Watch

FORMATS = ("text", "json")
_NOWHERE: Mapping[str, str | None] = {"account": None, "region": None, "source": None}
_BAD = frozenset({"denied", "unavailable", "failed", "refused", "not_sent", "unknown", "broke", "stopped"})


def wanted() -> str:
    """The format where nobody asks for one: for machines in a function and in a Fargate task, else for people."""
    on_aws = os.environ.get("AWS_LAMBDA_FUNCTION_NAME") or os.environ.get("AWS_EXECUTION_ENV") == "AWS_ECS_FARGATE"
    return "json" if on_aws else "text"


class JsonLog:
    """One run's log. `stream` is flushed after each line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._run: str | None = None
        self._job: str | None = None
        self._stage = ""
        self._began = self._stage_began = time.monotonic()

    def line(
        self,
        operation: str,
        outcome: str,
        *,
        place: Mapping[str, str | None] = _NOWHERE,
        seconds: float | None = None,
        **more: str | float | None,
    ) -> None:
        """One line. `place`: account, region, source; `operation`: what was done, `outcome`: what came of it."""
        level = "warning" if outcome in _BAD else "info"
        first = {"at": _now().isoformat(timespec="milliseconds").replace("+00:00", "Z"), "level": level, **self._whose(), **_NOWHERE, **place}
        self._write({**first, "operation": operation, "outcome": outcome, "seconds": seconds, **more})

    def watch(self) -> Watch:
        """A watch that writes down what it is told."""
        return Watch(
            begun=self._begun,
            planned=lambda count: self.line("plan scopes", "planned", scopes=count),
            settled=self._settled,
            stage=self._staged,
            acted=self._acted,
            noted=lambda what, said: self.line(what, "noted", message=said),
        )

    def ended(self, outcome: str, code: int, finished: Finished | None = None, message: str | None = None) -> None:
        """The run is over: its last stage, its end, and its figures for CloudWatch."""
        self._staged("", "done" if finished else outcome)
        seconds = time.monotonic() - self._began
        folder = str(finished.folder) if finished else None
        self.line("run", outcome, seconds=round(seconds, 3), exit_code=code, folder=folder, message=message)
        self._write(embedded(self._job, seconds, _now(), finished, {"run": self._run, "operation": "metrics"}))

    def _begun(self, run: str, job: str | None) -> None:
        self._run, self._job = run, job
        self.line("run", "begun")

    def _staged(self, name: str, outcome: str = "done") -> None:
        now = time.monotonic()
        if self._stage:
            self.line(self._stage, outcome, seconds=round(now - self._stage_began, 3))
        self._stage, self._stage_began = name, now

    def _settled(self, row: LedgerRow) -> None:
        place = {"account": row.scope.account, "region": row.scope.region, "source": row.scope.source}
        told = {"message": row.message or None, "permission": row.permission or None}
        self.line("gather", row.state.value, place=place, seconds=row.seconds, rows=row.rows, calls=row.calls, retries=row.retries, **told)

    def _acted(self, act: Act) -> None:
        change = act.change
        place = {"account": change.account, "region": change.region, "source": None}
        self.line(change.action, act.state.value, place=place, target=change.target, message=act.error or None)

    def _whose(self) -> dict[str, str | None]:
        return {"run": self._run, "job": self._job}

    def _write(self, said: Mapping[str, Any]) -> None:
        clean = {name: legible(veiled(value)) if isinstance(value, str) else value for name, value in said.items()}
        self._stream.write(json.dumps(clean, separators=(",", ":")) + "\n")
        self._stream.flush()


def _now() -> datetime:
    return datetime.now(UTC)
