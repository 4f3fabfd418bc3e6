"""Whole runs against the sandbox: both servers in their own process, a small estate, one clock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from reporter.sandbox.serve import sandbox

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Served:
    """A running sandbox, and what its builder knows of the estate."""

    aws: str
    wp: str
    environment: dict[str, str]
    schedule: str
    truth: dict[str, Any]

    @property
    def wp_control(self) -> str:
        return self.wp.removesuffix("/api") + "/sandbox"

    @property
    def aws_control(self) -> str:
        return self.aws + "/sandbox"

    def calls(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Calls that the AWS and the WP server received since they were last forgotten."""
        return requests.get(f"{self.aws_control}/calls", timeout=60).json(), requests.get(f"{self.wp_control}/calls", timeout=60).json()

    def forget(self) -> None:
        """Forget calls and faults at both servers."""
        for control in (self.aws_control, self.wp_control):
            for what in ("faults", "calls"):
                requests.delete(f"{control}/{what}", timeout=60).raise_for_status()

    def at_once(self) -> None:
        """Scans and policies of Workload Protection take no time, and nobody is held up for asking often."""
        asked = {"scan_delay": 0.0, "policy_delay": 0.0, "rate_limit": 1_000_000}
        requests.post(f"{self.wp_control}/settings", json=asked, timeout=60).raise_for_status()

    def break_aws(self, **fault: Any) -> None:
        requests.post(f"{self.aws_control}/faults", json=[fault], timeout=60).raise_for_status()

    def break_wp(self, **fault: Any) -> None:
        requests.post(f"{self.wp_control}/faults", json=[fault], timeout=60).raise_for_status()


@pytest.fixture(scope="session")
def small() -> Iterator[Served]:
    """One small estate for all tests of a session; they only read it."""
    with sandbox(size="small", seed=1, now=NOW) as running:
        estate = Served(running.aws_endpoint, running.wp_url, dict(running.environment), running.schedule, dict(running.truth))
        estate.at_once()
        yield estate


@pytest.fixture(scope="module")
def served(small: Served) -> Iterator[Served]:
    """The small estate, with its environment and nothing else of AWS for the tests of one file."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in small.environment.items():
            patch.setenv(name, value)
        yield small


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """No faults and no calls of another test."""
    if "served" not in request.fixturenames:
        yield
        return
    estate: Served = request.getfixturevalue("served")
    estate.forget()
    yield
    estate.forget()
