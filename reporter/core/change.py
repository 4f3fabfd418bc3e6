"""What an action wants to change, and what became of it. A change is plain data: it is hashed, approved, journalled and undone as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = Mapping[str, Any]
"""Plain JSON values."""

WORST_FIRST = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNTRIAGED")


class ActionState(StrEnum):
    """Where a change stands. `applied` is written, `verified` is seen to work; `pending`: asked for, its effect is not visible yet."""

    PLANNED = "planned"
    APPROVED = "approved"
    APPLIED = "applied"
    VERIFIED = "verified"
    PENDING = "pending"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDONE = "undone"


DONE = frozenset({ActionState.APPLIED, ActionState.VERIFIED, ActionState.PENDING})
"""The write was made, whatever came of it since."""


@dataclass(frozen=True)
class Change:
    """One proposed write. `target` names what is written to, once per action and plan.

    `account`, `region`: AWS, or a WP tenant and "-". `severity`: the worst of what asks for it. `before`: what must hold when it is applied, as
    the plan saw it. `after`: what it is to be. `subjects`: what counts against the limit (instances or policies); `facts`: the blast radius and
    what asks for it, for people. `held`: why it will not be made, whoever approves it; empty: nothing speaks against it.
    """

    action: str
    target: str
    account: str
    region: str
    severity: str
    reason: str
    before: Json
    after: Json
    subjects: tuple[str, ...]
    facts: Json = field(default_factory=dict)
    held: str = ""

    @property
    def key(self) -> str:
        return f"{self.action} {self.target}"

    @property
    def rank(self) -> tuple[int, str]:
        """Order of worth: worst severity first, then the key."""
        place = WORST_FIRST.index(self.severity) if self.severity in WORST_FIRST else len(WORST_FIRST)
        return (place, self.key)

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "subjects": list(self.subjects)}

    @classmethod
    def of(cls, value: Json) -> Change:
        """From as_json(). Raises KeyError, TypeError for what is no change."""
        names = cls.__dataclass_fields__
        known = {name: value[name] for name in names}
        return cls(**{**known, "subjects": tuple(known["subjects"])})


@dataclass(frozen=True)
class Outcome:
    """What came of a change. `delta`: what was really changed, enough to undo exactly that. `said`: one sentence for a person."""

    state: ActionState
    said: str = ""
    delta: Json = field(default_factory=dict)
