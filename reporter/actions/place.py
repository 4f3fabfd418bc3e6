"""Where a rule change is made: a policy or a computer of one tenant."""

from __future__ import annotations

from dataclasses import dataclass

from reporter.actions.rules import EDIT, Parent
from reporter.core.change import Change


@dataclass(frozen=True)
class Place:
    """`parent` and `id` as in the API's paths."""

    tenant: str
    parent: Parent
    id: int

    @property
    def kind(self) -> str:
        return "policy" if self.parent == "policies" else "computer"

    @property
    def target(self) -> str:
        return f"{self.tenant}/{self.kind}/{self.id}"

    @property
    def right(self) -> str:
        """What a write here needs."""
        return EDIT[self.parent]

    @classmethod
    def of(cls, change: Change) -> Place:
        """Where a change of this action is made."""
        if "policy" in change.before:
            return cls(change.account, "policies", change.before["policy"])
        return cls(change.account, "computers", change.before["computer"])
