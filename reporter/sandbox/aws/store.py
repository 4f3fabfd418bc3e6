"""What was seeded and what moto has no place for: shelves per (service, kind, account, region), emptied by a reset."""

from __future__ import annotations

from typing import Any

GLOBAL_SERVICES = frozenset({"iam", "sts", "organizations", "cloudfront"})


def home_region(service: str, region: str) -> str:
    """The region under which a service keeps its things: account-wide services have one, called `global`."""
    if service in GLOBAL_SERVICES:
        return "global"
    return "us-east-1" if region in {"", "global", "aws"} else region


class Store:
    """Shelves of objects by key, in the order they were put there."""

    def __init__(self) -> None:
        self._shelves: dict[tuple[str, str, str, str], dict[str, Any]] = {}

    def shelf(self, service: str, kind: str, account: str, region: str) -> dict[str, Any]:
        return self._shelves.setdefault((service, kind, account, home_region(service, region)), {})

    def shelves(self, service: str, kind: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Every (account, region, shelf) of one kind."""
        return [(account, region, shelf) for (s, k, account, region), shelf in list(self._shelves.items()) if (s, k) == (service, kind)]

    def clear(self) -> None:
        self._shelves.clear()


STORE = Store()
"""One per process, as moto's own state is."""
