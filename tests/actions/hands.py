"""A hand for tests of actions: it reaches the servers that a test runs, and its journal is a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reporter.clients.aws import AwsClients
from reporter.clients.hand import Doors, Hand, Way
from reporter.clients.workload_protection import WpClient

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
RUN = "main-000007"


@dataclass
class Held:
    """A hand and what it has journalled: (event, facts), in order."""

    hand: Hand
    journal: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def calls(self) -> list[str]:
        return [str(facts["call"]) for event, facts in self.journal if event == "call"]


def held(
    wp: Mapping[str, WpClient] | None = None,
    ways: Mapping[str, Way] | None = None,
    send_mail: Callable[[Any], str] | None = None,
    begun: datetime = NOW,
    clients: AwsClients | None = None,
) -> Held:
    """A hand whose tenants are read and written through the same clients."""
    journal: list[tuple[str, Mapping[str, Any]]] = []
    doors = Doors(clients or AwsClients(max_attempts=1), wp or {}, wp or {}, lambda account: (ways or {}).get(account, Way()), send_mail)
    return Held(Hand(doors, RUN, f"{RUN}/0", begun, lambda event, facts: journal.append((event, facts))), journal)
