"""Every operation this server has; what is not here answers 404."""

from __future__ import annotations

import re

from reporter.sandbox.wp import assignments, computers, inventory, object_settings, policies, roles, rules, tasks
from reporter.sandbox.wp.call import Route

ROUTES: tuple[Route, ...] = (
    *computers.ROUTES,
    *object_settings.ROUTES,
    *policies.ROUTES,
    *rules.ROUTES,
    *assignments.ROUTES,
    *tasks.ROUTES,
    *roles.ROUTES,
    *inventory.ROUTES,
)
_PATTERNS: tuple[tuple[re.Pattern[str], Route], ...] = tuple((route.pattern(), route) for route in ROUTES)


def match(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a path below /api and the ids in it."""
    for pattern, route in _PATTERNS:
        if route.method == method:
            found = pattern.fullmatch(path)
            if found is not None:
                return route, found.groupdict()
    return None
