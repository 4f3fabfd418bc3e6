"""Keeps, across processes, which operations each program asked for: proof that policies allow what is called and nothing else.

Switched on by SANDBOX_SEEN, a folder: every process adds a file with one line for each operation it has not met before.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from reporter.sandbox.aws.recognise import Asked

FOLDER = "SANDBOX_SEEN"


class Seen:
    """Cheap enough for every call: a look into a set."""

    def __init__(self, folder: str | None = None) -> None:
        given = os.environ.get(FOLDER, "") if folder is None else folder
        self._file = Path(given) / f"{os.getpid()}.txt" if given else None
        self._known: set[tuple[str, str, bool]] = set()

    def note(self, asked: Asked, environ: dict[str, Any]) -> None:
        """`environ`: the request's; who asks stands in its user agent, and a signed link has none."""
        if self._file is None:
            return
        link = "X-Amz-Credential=" in environ.get("QUERY_STRING", "")
        self.add(asked.service, asked.operation, "link" if link else environ.get("HTTP_USER_AGENT", ""))

    def add(self, service: str, operation: str, agent: str) -> None:
        ours = agent == "link" or "workload-compliance-reporter" in agent
        row = (service, operation, ours)
        if self._file is None or row in self._known:
            return
        self._known.add(row)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{service} {operation} {'product' if ours else 'other'}\n")
