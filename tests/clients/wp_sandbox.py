"""A Workload Protection server in this process, seeded by a test, and readers of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from reporter.clients.aws_raw import RawAnswer
from reporter.clients.workload_protection import WpClient, WpReader
from reporter.core.source import Source
from reporter.core.table import Table
from reporter.sandbox.wp.faults import Fault
from reporter.sandbox.wp.seeds import seed
from reporter.sandbox.wp.server import WpSandbox

KEY = "a-key-of-the-sandbox"


@dataclass
class Tenant:
    """The tenant `main` of a running server, readable with KEY."""

    sandbox: WpSandbox
    answers: list[RawAnswer] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.sandbox.url

    def seed(self, kind: str, *items: dict[str, Any]) -> None:
        seed(self.sandbox.state.tenants["main"], kind, list(items))

    def fault(self, fault: Any, path: str = "/", times: int | None = None) -> None:
        self.sandbox.state.faults.lay([Fault(fault, path=path, times=times)])

    def client(self, **changes: Any) -> WpClient:
        given: dict[str, Any] = {"auth": "api-key", "key": KEY, "patience": 0.0, "timeout": 5.0, "raw": self.answers.append}
        return WpClient("main", self.url, **{**given, **changes})

    def reader(self, source: str = "wp_computers", **changes: Any) -> WpReader:
        return self.client(**changes).reader(source)

    def read(self, source: Source, table: Table) -> list[dict[str, Any]]:
        """What a source says, by column name, in declared form."""
        rows = source.fetch(self.reader(source.name))
        assert rows.keys() == {table.name for table in source.tables}
        for declared in source.tables:
            declared.frame(rows[declared.name])
        return [dict(zip(table.names, row, strict=True)) for row in rows[table.name]]

    def paths(self) -> list[str]:
        return [call["path"] for call in self.sandbox.state.calls]


@pytest.fixture
def tenant() -> Iterator[Tenant]:
    with WpSandbox() as sandbox:
        sandbox.state.add_key("main", KEY, "api-key", 1)
        yield Tenant(sandbox)
