"""Apply, verify, undo: changes -> the world, through the journal. The only stage that changes anything.

Every change goes the same way: begun in the journal once its before-state was seen to hold, written call by call, ended with what came of it. What
a crash leaves open is completed by the next run: it looks first, and repeats nothing that may have taken effect.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from reporter.clients.hand import Doors, Hand
from reporter.clients.store import Renew
from reporter.core.action import Action, NotMade, Refused, Uncertain
from reporter.core.change import DONE, ActionState, Change, Json, Outcome
from reporter.core.clock import iso
from reporter.core.errors import ScopeProblem
from reporter.core.past import Deed, Past
from reporter.propose import LIMIT_REACHED, LIMIT_WINDOW
from reporter.schedule import Actions
from reporter.state.journal import Journal

_PARTLY = "; it may be made in part: its calls are in the journal"
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 20.0
"""seconds between two looks at what was done"""


@dataclass(frozen=True)
class Act:
    """A row of actions.jsonl. `error` is why it failed, or was skipped; `run`: the run that made the change."""

    change: Change
    state: ActionState
    at: datetime
    error: str = ""
    run: str = ""
    answers: tuple[Json, ...] = ()
    """what came of its writes, as the journal has it"""

    def as_json(self) -> dict[str, Any]:
        change = self.change
        return {
            "action": change.action,
            "target": change.target,
            "account": change.account,
            "region": change.region,
            "reason": change.reason,
            "before": change.before,
            "after": change.after,
            "state": self.state.value,
            "at": iso(self.at),
            "error": self.error or None,
            "severity": change.severity,
            "subjects": list(change.subjects),
            "facts": change.facts,
            "run": self.run or None,
            "calls": [{"call": one["call"], "request_id": one.get("request_id"), "refused": one.get("refused")} for one in self.answers],
        }


def proposed(changes: Iterable[Change], now: datetime) -> list[Act]:
    """Changes that were only planned, as rows."""
    return [Act(change, ActionState.SKIPPED if change.held else ActionState.PLANNED, now, change.held) for change in changes]


@dataclass
class Acting:
    """One run's way of changing the world. Held under the lease of `state`, which `renew` keeps.

    `actions`: by name. `past`: what earlier runs did. `now`: the present, called for each entry.
    """

    actions: Mapping[str, Action]
    settings: Actions
    doors: Doors
    journal: Journal
    past: Past
    renew: Renew
    now: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep
    told: Callable[[Act], None] = lambda _: None
    begun: list[Deed] = field(default_factory=list)

    started: datetime | None = None
    """when the run started; default: now"""

    def __post_init__(self) -> None:
        self._started = self.started or self.now()

    def resume(self, concerns: Callable[[Deed], bool] = lambda _: True) -> list[Act]:
        """Deeds of earlier runs that are open or whose effect was not seen yet: completed, and looked at again. One row each.

        `concerns`: whether this run is about a deed.
        """
        rows: list[Act] = []
        for deed in self.past.waiting():
            action = self.actions.get(deed.change.action)
            if action is None or not concerns(deed):
                continue
            self.renew()
            if deed.undoing:
                rows.append(self._take_back(action, deed))
            elif deed.state is None and action.mode(self.settings) == "off":
                rows.append(self._row(replace(deed, said="begun and not ended; the action is off, so it is left as it is")))
            else:
                rows.append(self._row(self._verified(action, deed if deed.state else self._attempt(action, deed, resumed=True))))
        return rows

    def apply(self, changes: Sequence[Change], plan: str) -> list[Act]:
        """Make these changes of one plan, worst first; then wait, within bounds, until they are seen to work. One row each.

        What the chain did already for this plan is not done again; what it tried and was wholly refused is tried again. What this run did itself
        before it was cut is told as its own.
        """
        done = {(deed.plan, deed.change.key): deed for deed in self.past if not _left_nothing(deed)}
        own = {deed.change.key: deed for deed in self.own() if not _left_nothing(deed)}
        rows: dict[str, Act] = {}
        deeds: dict[str, Deed] = {}
        for number, change in enumerate(sorted(changes, key=lambda change: change.rank)):
            if change.key in own:
                deeds[change.key] = own[change.key]
                continue
            earlier = done.get((plan, change.key))
            why = change.held or (_met(earlier) if earlier else "")
            if why:
                rows[change.key] = self._tell(Act(change, ActionState.SKIPPED, self.now(), why))
                continue
            self.renew()
            made = self._make(change, plan, f"{self.journal.part}/{number:04d}")
            if isinstance(made, Act):
                rows[change.key] = self._tell(made)
            else:
                deeds[change.key] = made
        for key, deed in self._wait(deeds).items():
            rows[key] = self._row(deed)
        return [rows[change.key] for change in sorted(changes, key=lambda change: change.rank)]

    def own(self) -> list[Deed]:
        """What this run did before it was cut."""
        return [deed for deed in self.past if deed.run == self.journal.run]

    def undo(self, run: str) -> list[Act]:
        """Take back what a run did, the last first. One row for each of its deeds that is not undone yet, failed ones that left something too."""
        rows: list[Act] = []
        left = [deed for deed in self.past if deed.run == run and (deed.state in DONE or deed.state is None or _left_something(deed))]
        for deed in reversed(left):
            self.renew()
            rows.append(self._take_back(self.actions[deed.change.action], deed))
        return rows

    def _make(self, change: Change, plan: str, name: str) -> Deed | Act:
        """A new deed; or, where nothing was begun, the row that says why."""
        action = self.actions[change.action]
        most = action.limit(self.settings)
        if most is not None and self._touched(action) + len(change.subjects) > most:
            return Act(change, ActionState.SKIPPED, self.now(), f"{LIMIT_REACHED}: {action.name} may touch {most} in 24 hours")
        at = self.now()
        deed = self._attempt(action, Deed(name, self.journal.run, plan, change, at, at), resumed=False)
        if deed.calls:
            self.begun.append(deed)
            return deed
        return Act(change, deed.state or ActionState.FAILED, deed.at, deed.said)

    def _touched(self, action: Action) -> int:
        own = sum(len(deed.change.subjects) for deed in self.begun if deed.change.action == action.name)
        return own + self.past.subjects_since(action.name, self._started - LIMIT_WINDOW)

    def _attempt(self, action: Action, deed: Deed, *, resumed: bool) -> Deed:
        """Apply once; where it stays uncertain whether that took effect, look and apply what is missing, once. Ended in the journal if begun.

        A deed whose effect stays uncertain is left open (state None): the next run looks again.
        """
        calls, answers = list(deed.calls), list(deed.answers)

        def write(event: str, facts: Json) -> None:
            if event == "call":
                if not calls:
                    self.journal.write(deed.id, "begin", {"plan": deed.plan, "change": deed.change.as_json(), "started": iso(self._started)})
                calls.append(facts)
            self.journal.write(deed.id, event, facts)
            if event == "answer":
                answers.append(facts)

        outcome: Outcome | None = None
        said = ""
        for again in (resumed, True):
            hand = self._hand(replace(deed, calls=tuple(calls), answers=tuple(answers)), write)
            try:
                outcome = action.apply(deed.change, hand, again)
            except Uncertain as uncertain:
                said = uncertain.message
                continue
            except NotMade as not_made:
                partly = _taken(calls, answers)
                outcome = Outcome(ActionState.FAILED if partly else ActionState.SKIPPED, _sentence(not_made) + (_PARTLY if partly else ""))
            except (Refused, ScopeProblem) as problem:
                outcome = Outcome(ActionState.FAILED, _with_permission(problem) + (_PARTLY if _taken(calls, answers) else ""))
            break
        tried = replace(deed, calls=tuple(calls), answers=tuple(answers), at=self.now())
        if outcome is None:
            return replace(tried, said=f"not known whether it took effect: {said}")
        if calls:
            return self._end(tried, outcome)
        return replace(tried, state=outcome.state, said=outcome.said)

    def _wait(self, deeds: dict[str, Deed]) -> dict[str, Deed]:
        """Look at deeds until all are seen to work or the time is over."""
        until, pause = time.monotonic() + self.settings.wait.total_seconds(), FIRST_PAUSE
        while True:
            for key, deed in deeds.items():
                if deed.state in (ActionState.APPLIED, ActionState.PENDING):
                    self.renew()
                    deeds[key] = self._verified(self.actions[deed.change.action], deed)
            waiting = any(deed.state in (ActionState.APPLIED, ActionState.PENDING) for deed in deeds.values())
            if not waiting or time.monotonic() + pause > until:
                return deeds
            self.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _verified(self, action: Action, deed: Deed) -> Deed:
        """The deed after a look. What cannot be looked at keeps its state, and says so."""
        if deed.state not in (ActionState.APPLIED, ActionState.PENDING):
            return deed
        hand = self._hand(deed, self._writer(deed))
        try:
            outcome = action.verify(deed.change, deed.delta, hand)
        except (ScopeProblem, Refused, Uncertain) as problem:
            return replace(deed, said=f"could not be looked at: {_with_permission(problem)}")
        if outcome.state is deed.state:
            return replace(deed, said=outcome.said or deed.said)
        return self._end(deed, replace(outcome, delta=outcome.delta or deed.delta))

    def _take_back(self, action: Action, deed: Deed) -> Act:
        if deed.state is None and not deed.undoing:
            deed = self._attempt(action, deed, resumed=True)
            if deed.state not in DONE:
                return self._tell(Act(deed.change, ActionState.FAILED, self.now(), f"cannot be undone yet: {deed.said}", deed.run))
        self.journal.write(deed.id, "undo", {})
        hand = self._hand(deed, self._writer(deed))
        for last in (False, True):
            try:
                outcome = action.undo(deed.change, deed.delta, hand)
            except NotMade as not_made:
                self._end(deed, Outcome(deed.state or ActionState.APPLIED, deed.said, deed.delta))
                return self._tell(Act(deed.change, ActionState.SKIPPED, self.now(), _sentence(not_made), deed.run))
            except (Refused, ScopeProblem) as problem:
                self._end(deed, Outcome(deed.state or ActionState.APPLIED, deed.said, deed.delta))
                return self._tell(Act(deed.change, ActionState.FAILED, self.now(), _with_permission(problem), deed.run))
            except Uncertain as uncertain:  # the undo stays open in the journal: the next run looks again
                if last:
                    return self._tell(
                        Act(deed.change, ActionState.FAILED, self.now(), f"not known whether it was undone: {uncertain.message}", deed.run)
                    )
                continue
            break
        return self._row(self._end(deed, replace(outcome, delta=deed.delta)))

    def _hand(self, deed: Deed, write: Callable[[str, Json], None]) -> Hand:
        known = (*self.past.standing(deed.change.action, deed.change.target), *self.begun)
        others = tuple(other for other in known if other.id != deed.id and other.change.key == deed.change.key)
        return Hand(self.doors, self.journal.run, deed.id, deed.begun, write, len(deed.calls), deed.answers, others, self.now)

    def _writer(self, deed: Deed) -> Callable[[str, Json], None]:
        def write(event: str, facts: Json) -> None:
            self.journal.write(deed.id, event, facts)

        return write

    def _end(self, deed: Deed, outcome: Outcome) -> Deed:
        at = self.journal.write(deed.id, "end", {"state": outcome.state.value, "said": outcome.said, "delta": outcome.delta})
        return replace(deed, state=outcome.state, said=outcome.said, delta=outcome.delta, at=at)

    def _row(self, deed: Deed) -> Act:
        state = deed.state or ActionState.PENDING
        return self._tell(Act(deed.change, state, deed.at, deed.said, deed.run, deed.answers))

    def _tell(self, act: Act) -> Act:
        self.told(act)
        return act


def _left_something(deed: Deed) -> bool:
    return deed.state is ActionState.FAILED and bool(deed.delta)


def _left_nothing(deed: Deed) -> bool:
    """Whether it was not made: skipped, or failed with every call refused."""
    refused = deed.state is ActionState.FAILED and not deed.delta and not _taken(deed.calls, deed.answers)
    return refused or deed.state is ActionState.SKIPPED


def _met(earlier: Deed) -> str:
    """Why a change of which the chain has a deed already is not made again under the same plan."""
    if earlier.state is ActionState.FAILED:
        return f"{earlier.run} tried it and it failed, perhaps in part: {earlier.said}; where it is still needed, the next run proposes it again"
    if earlier.state is ActionState.UNDONE:
        return f"{earlier.run} did it, and it was undone since: a person has to approve it in a new plan"
    return f"not needed: {earlier.run} did it already"


def _taken(calls: Sequence[Json], answers: Sequence[Json]) -> bool:
    """Whether any of the calls took effect, or may have: not if each was answered with a refusal."""
    return len(calls) > sum("refused" in answer for answer in answers)


def _sentence(not_made: NotMade) -> str:
    kind = type(not_made).__name__
    words = {"Stale": "stale plan: ", "NotNeeded": "not needed: ", "Held": "held back: "}
    return words.get(kind, "") + not_made.why


def _with_permission(problem: Refused | ScopeProblem | Uncertain) -> str:
    permission = getattr(problem, "permission", "")
    return f"{problem.message}; grant {permission}" if permission else problem.message
