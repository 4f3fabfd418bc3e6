"""The statements that speak of one action on one target, judged as far as they can be before the object's key is looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from reporter.joins.reach import conditions
from reporter.joins.reach.context import Context
from reporter.joins.reach.glob import Glob, Span, compiled, matches, span
from reporter.joins.reach.policy import Policy, Statement
from reporter.joins.reach.principal import EVERYBODY, Named, named
from reporter.joins.reach.says import Says
from reporter.joins.reach.subject import Role
from reporter.joins.reach.truth import Truth
from reporter.joins.reach.variables import expand

Keys = frozenset[Glob] | None
"""The patterns that one set of object keys matches; None: too many sets to tell apart, each pattern may match or not."""


@dataclass(frozen=True)
class Target:
    """What is asked for: one ARN (`whole`), or all that begins so and goes on."""

    text: str
    whole: bool = False

    def covered(self, glob: Glob) -> Span:
        if self.whole:
            return Span.ALL if matches(glob, self.text) else Span.NONE
        return span(glob, self.text)


@dataclass(frozen=True)
class Line:
    """A statement that speaks of the action, and may of the role and target. `condition`: do its conditions hold; `open_on`: which are open."""

    statement: Statement
    named: Named
    condition: Truth
    open_on: tuple[str, ...]
    patterns: tuple[tuple[Glob, Truth, Span], ...]

    def partial(self) -> set[Glob]:
        return {glob for glob, _, covered in self.patterns if covered is Span.SOME}

    def says(self, keys: Keys, who: Truth) -> Says:
        """Does it apply to these keys, given how it names the role?"""
        where = self._where(keys)
        truth = min(where, who, self.condition)
        label = self.statement.label
        if truth is not Truth.OPEN:
            return Says(truth, (label,))
        grounds = list(self.open_on)
        if who is Truth.OPEN:
            grounds.append("who the session is")
        if where is Truth.OPEN:
            grounds.append("which object it is")
        return Says(truth, (label,), (f"{label} depends on {', '.join(grounds)}",))

    def _where(self, keys: Keys) -> Truth:
        found = Truth.NO
        for glob, sure, covered in self.patterns:
            if covered is Span.ALL:
                found = max(found, sure)
            elif keys is None:
                found = max(found, Truth.OPEN)
            elif glob in keys:
                found = max(found, sure)
        return found.negated() if self.statement.not_resources else found


@dataclass(frozen=True)
class Lines:
    """What a group of policies says; `unread`: what of them could not be read, which may allow and may deny anything."""

    allow: tuple[Line, ...]
    deny: tuple[Line, ...]
    unread: tuple[Says, ...]

    @property
    def silent(self) -> bool:
        """Nothing in it could allow."""
        return not self.allow and not self.unread


@lru_cache(maxsize=262_144)
def relevant(policy: Policy, action: str) -> tuple[Statement, ...]:
    """Statements of a policy that speak of an action."""
    wanted = action.lower()
    return tuple(s for s in policy.statements if any(matches(compiled(one), wanted) for one in s.actions) is not s.not_actions)


def lines(
    policies: Iterable[Policy], action: str, target: Target, context: Context, *, role: Role | None = None, session: str | None = None
) -> Lines:
    """`role`: given for bucket policies, whose statements name principals; the others speak of whom they are attached to."""
    allow: list[Line] = []
    deny: list[Line] = []
    unread: list[Says] = []
    for policy in policies:
        if policy.unreadable:
            unread.append(Says(Truth.OPEN, (), (f"{policy.name} {policy.unreadable}",)))
        for statement in relevant(policy, action):
            line = _line(statement, target, context, role, session)
            if line is not None:
                (allow if statement.allows else deny).append(line)
    return Lines(tuple(allow), tuple(deny), tuple(unread))


def _line(statement: Statement, target: Target, context: Context, role: Role | None, session: str | None) -> Line | None:
    who = EVERYBODY if role is None else named(statement, role, session)
    if who.at_all is Truth.NO:
        return None
    patterns = _patterns(statement, target, context)
    if not patterns and not statement.not_resources:
        return None
    condition, open_on = conditions.hold(statement.conditions, context, variables=statement.variables)
    if condition is Truth.NO:
        return None
    return Line(statement, who, condition, open_on, patterns)


def _patterns(statement: Statement, target: Target, context: Context) -> tuple[tuple[Glob, Truth, Span], ...]:
    found: list[tuple[Glob, Truth, Span]] = []
    for head, text in zip(statement.heads, statement.resources, strict=True):
        if not (head.startswith(target.text) or target.text.startswith(head)):
            continue
        glob, sure = expand(text, context, variables=statement.variables, wild=True)
        if sure is Truth.NO:
            if not statement.not_resources:
                continue  # a resource with a variable that the request does not carry is no resource of this request
            sure = Truth.OPEN
        covered = target.covered(glob)
        if covered is not Span.NONE:
            found.append((glob, sure, covered))
    return tuple(found)
