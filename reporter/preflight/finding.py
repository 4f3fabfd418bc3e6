"""One thing that was tried before the first run, and what to change where it is not good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from reporter.core.errors import ReporterError, ScopeProblem
from reporter.core.scope import ScopeState


class State(StrEnum):
    """UNKNOWN: it was asked and not answered, which is neither good nor bad. NOT_TRIED: only a write would show it."""

    OK = "ok"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Finding:
    """One row of the table. `fix`: what to change, of what is not good."""

    what: str
    state: State
    seen: str
    fix: str = ""

    @property
    def bad(self) -> bool:
        return self.state in (State.FAIL, State.UNKNOWN)


def ok(what: str, seen: str) -> Finding:
    return Finding(what, State.OK, seen)


def fail(what: str, seen: str, fix: str) -> Finding:
    return Finding(what, State.FAIL, seen, fix)


def state_of(problem: ScopeProblem) -> State:
    """What the world refuses or has switched off is known; what it does not answer is not."""
    return State.UNKNOWN if problem.state is ScopeState.UNAVAILABLE else State.FAIL


def of_problem(what: str, problem: ScopeProblem, fix: str) -> Finding:
    """`fix`: where no permission is named."""
    return Finding(what, state_of(problem), problem.message, f"grant {problem.permission}" if problem.permission else fix)


def tried(what: str, look: Callable[[], Finding]) -> Finding:
    """What `look` finds, or its error as a row."""
    try:
        return look()
    except ReporterError as error:
        return fail(what, error.what, error.fix)
