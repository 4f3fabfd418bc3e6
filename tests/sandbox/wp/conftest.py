"""One server for all tests here, emptied before each; every answer it gives is checked against the vendor's structure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from reporter.sandbox.wp.server import WpSandbox

NOW = 1_700_000_000_000
VERSION = {"api-version": "v1"}


@dataclass
class Wire:
    """A client of one tenant, and the sandbox's own endpoints."""

    sandbox: WpSandbox
    session: requests.Session
    key: str = "key-1"

    def api(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {**VERSION, "Authorization": f"ApiKey {self.key}", **options.pop("headers", {})}
        return self.session.request(method, self.sandbox.url + path, headers=headers, timeout=20, **options)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.api("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, **query: Any) -> Any:
        answer = self.api("POST", path, json=body, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.session.request(method, self.sandbox.address + "/sandbox" + path, json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def seed(self, kind: str, *items: Any, tenant: str = "main") -> None:
        self.control("POST", "/seed", {"tenant": tenant, "kind": kind, "items": list(items)})

    def turn(self, **knobs: Any) -> None:
        self.control("POST", "/settings", knobs)

    def fault(self, **fault: Any) -> None:
        self.control("POST", "/faults", [fault])


@pytest.fixture(scope="session")
def server() -> Iterator[WpSandbox]:
    with WpSandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def session() -> Iterator[requests.Session]:
    with requests.Session() as found:
        found.trust_env = False
        yield found


@pytest.fixture
def wire(server: WpSandbox, session: requests.Session) -> Iterator[Wire]:
    found = Wire(server, session)
    found.control("POST", "/reset")
    found.turn(now=NOW, clock_runs=False, check_answers=True, rate_limit=100_000)
    found.control("POST", "/tenants", {"name": "main", "key": "key-1"})
    yield found
    assert found.control("GET", "/violations") == []


def computer(number: int, **more: Any) -> dict[str, Any]:
    return {"ID": number, "hostName": f"host-{number}", "computerStatus": {"agentStatus": "active"}, **more}


def rule(number: int, **more: Any) -> dict[str, Any]:
    return {"ID": number, "identifier": str(1_000_000 + number), "name": f"Rule {number}", "type": "exploit", "detectOnly": False, **more}
