"""The shape every file in actions/ has: results -> changes, and how a change is made, seen to work, and taken back.

`plan` is pure. `apply`, `verify` and `undo` reach the world only through the hand they are given (clients/hand.py), which journals each write
before and after it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reporter.core.change import Change, Json, Outcome
from reporter.core.past import Past
from reporter.core.world import World


class NotMade(Exception):
    """Raised by `apply` and `undo` before anything was written: the change becomes `skipped` with this sentence."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Stale(NotMade):
    """The world is no longer what the plan saw."""


class NotNeeded(NotMade):
    """It is already as the change would have it."""


class Held(NotMade):
    """A limit or a blast radius that is too large, or cannot be read."""


class Refused(Exception):
    """A write that was answered with no: nothing was changed by it. `permission`: what to grant, where that is the cause; `code`: AWS's code."""

    def __init__(self, message: str, *, permission: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message, self.permission, self.code = message, permission, code


class Uncertain(Exception):
    """A write without an answer, or with one that does not say: it may have taken effect."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def unchanged(changes: Sequence[Change], world: World) -> list[Change]:
    del world
    return list(changes)


@dataclass(frozen=True)
class Action:
    """One way to change the world. Declared at the end of its file as ACTION.

    plan(world, past, settings) -> changes: one per target, without regard to limits; `settings` is schedule.Actions. combine(changes, world):
    after the limit was applied, several changes that one write can make become one.
    apply(change, hand, resumed): re-reads the before-state and writes. Raises NotMade, Refused, Uncertain, Denied, Unavailable. `resumed`: an
    earlier attempt may have taken effect, wholly or partly; then what is already so is this change's own doing and counts into its delta.
    verify(change, delta, hand): looks whether it works; VERIFIED, or the state it stays in. Raises Denied, Unavailable.
    undo(change, delta, hand): takes back exactly the delta; may be called again after a crash. Raises as apply does.
    `permissions`: IAM actions that it writes with; `reading`: those that apply, verify and undo look with, before and after; `rights`: rights of
    the WP role. `mode(settings)` -> off, plan or apply;
    `limit(settings)` -> subjects in 24 hours, None: none.
    """

    name: str
    about: str
    permissions: tuple[str, ...]
    rights: tuple[str, ...]
    mode: Callable[[Any], str]
    limit: Callable[[Any], int | None]
    plan: Callable[[World, Past, Any], Sequence[Change]]
    apply: Callable[[Change, Any, bool], Outcome]
    verify: Callable[[Change, Json, Any], Outcome]
    undo: Callable[[Change, Json, Any], Outcome]
    combine: Callable[[Sequence[Change], World], Sequence[Change]] = unchanged
    reading: tuple[str, ...] = ()
    reads: str = ""
    writes: str = ""
    takes_back: str = ""
    never: str = ""
    """one line each for docs/: what it reads, what it writes, what undo takes back, what it never does"""
