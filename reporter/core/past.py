"""What earlier runs of the chain did, as the journal tells it: actions look at it so that nothing is done, counted or announced twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from reporter.core.change import DONE, ActionState, Change, Json


@dataclass(frozen=True)
class Deed:
    """One change that was begun. `state` is None where its end was never written: the process died in between.

    `id`: run and number, unique in the chain. `plan`: hash of the plan. `begun`: when it was begun; `at`: when it got its state. `delta`, `said`: as
    in Outcome. `calls`: writes that were announced; `answers`: what came of those that were answered.
    """

    id: str
    run: str
    plan: str
    change: Change
    begun: datetime
    at: datetime
    state: ActionState | None = None
    delta: Json = field(default_factory=dict)
    said: str = ""
    calls: tuple[Json, ...] = ()
    answers: tuple[Json, ...] = ()
    started: datetime | None = None
    """when the run that began it started: what a limit over 24 hours counts by"""
    undoing: bool = False
    """an undo was begun and its end was never written"""


@dataclass(frozen=True)
class Past:
    """Every deed of the chain, oldest first."""

    deeds: tuple[Deed, ...] = ()

    def __iter__(self) -> Iterator[Deed]:
        return iter(self.deeds)

    def of(self, action: str, target: str | None = None) -> list[Deed]:
        """Deeds of an action (on one target), oldest first; those that were skipped are no deeds."""
        return [
            deed
            for deed in self.deeds
            if deed.change.action == action and target in (None, deed.change.target) and deed.state is not ActionState.SKIPPED
        ]

    def standing(self, action: str, target: str | None = None) -> list[Deed]:
        """Deeds whose effect is, or may be, still in the world: not failed, not undone."""
        return [deed for deed in self.of(action, target) if deed.state is None or deed.state in DONE]

    def taken_back(self, action: str, target: str) -> bool:
        """Whether the last deed on a target was undone: somebody did not want it."""
        found = self.of(action, target)
        return bool(found) and found[-1].state is ActionState.UNDONE

    def waiting(self) -> list[Deed]:
        """Deeds that a run looks at again: begun and never ended, applied or pending, or half undone."""
        return [deed for deed in self.deeds if deed.undoing or deed.state in (None, ActionState.APPLIED, ActionState.PENDING)]

    def subjects_since(self, action: str, since: datetime) -> int:
        """How many subjects an action has touched in runs that started after an instant: what a limit counts."""
        return sum(len(deed.change.subjects) for deed in self.of(action) if (deed.started or deed.begun) > since)
