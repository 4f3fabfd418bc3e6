"""What one tenant holds: objects by id, what is assigned where, and what is still to happen."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Object = dict[str, Any]
Objects = dict[int, Object]
Parent = Literal["policies", "computers"]
Auth = Literal["api-key", "api-secret-key"]

_READABLE_RIGHTS: Object = {
    "platformRights": {
        "computerRights": {"canViewOtherComputers": True, "canEditComputerProperties": True, "canDeleteComputers": True},
        "policyRights": {"canViewOtherPolicies": True, "canEditPolicyProperties": True, "canDeletePolicies": True},
        "scheduledTaskRights": {
            "canViewScheduledTasks": True,
            "canCreateNewScheduledTasks": True,
            "canEditScheduledTaskProperties": True,
            "canDeleteScheduledTasks": True,
            "canExecuteScheduledTasks": True,
        },
    }
}


@dataclass(slots=True)
class Key:
    """One API key: its secret, the header it belongs in, and what `/apikeys/current` says of it."""

    secret: str
    auth: Auth
    about: Object


@dataclass(slots=True)
class Tenant:
    """One tenant's state. `own` and `overrides` hold what is set directly on a policy or computer, never what is inherited."""

    name: str
    keys: list[Key] = field(default_factory=list)
    computers: Objects = field(default_factory=dict)
    policies: Objects = field(default_factory=dict)
    rules: Objects = field(default_factory=dict)
    application_types: Objects = field(default_factory=dict)
    roles: Objects = field(default_factory=dict)
    computer_groups: Objects = field(default_factory=dict)
    aws_connectors: Objects = field(default_factory=dict)
    scheduled_tasks: Objects = field(default_factory=dict)
    account: Object = field(default_factory=dict)
    own: dict[tuple[Parent, int], set[int]] = field(default_factory=dict)
    overrides: dict[tuple[Parent, int], Objects] = field(default_factory=dict)
    computer_overrides: Objects = field(default_factory=dict)
    recommendations: Objects = field(default_factory=dict)
    _events: list[tuple[int, int, Callable[[int], None]]] = field(default_factory=list)
    _counter: int = 0
    _last_task_id: int = 0

    def next_task_id(self) -> int:
        """An id that no task of this tenant has had."""
        self._last_task_id = max(self._last_task_id, *self.scheduled_tasks, 0) + 1
        return self._last_task_id

    def later(self, due: int, happen: Callable[[int], None]) -> None:
        """Let `happen(due)` take place once the server's clock has reached `due` (milliseconds)."""
        self._counter += 1
        heapq.heappush(self._events, (due, self._counter, happen))

    def settle(self, now: int) -> None:
        """Let everything take place that is due by now, in order."""
        while self._events and self._events[0][0] <= now:
            due, _, happen = heapq.heappop(self._events)
            happen(due)


def full_access_role() -> Object:
    return {
        "ID": 1,
        "name": "Full Access",
        "immutable": True,
        "allComputers": True,
        "allPolicies": True,
        "allowUserInterface": True,
        "allowWebService": True,
        "rights": _READABLE_RIGHTS,
    }


def new_tenant(name: str) -> Tenant:
    return Tenant(name=name, roles={1: full_access_role()}, account={"cloudOneAccountID": "000000000001", "cloudOneAccountName": name})


def new_key(tenant: Tenant, secret: str, auth: Auth, role_id: int) -> Key:
    about: Object = {
        "ID": len(tenant.keys) + 1,
        "keyName": f"{tenant.name}-{len(tenant.keys) + 1}",
        "roleID": role_id,
        "active": True,
        "locale": "en-US",
        "timeZone": "UTC",
    }
    return Key(secret, auth, about)
