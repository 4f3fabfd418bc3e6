"""Patterns with * and ? over texts, and over every key that a bucket could hold. Linear time: patterns are hostile input."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from typing import Final, TypeAlias

STAR: Final = -1
ONE: Final = -2

Glob: TypeAlias = tuple[str | int, ...]
"""Single characters, STAR (any text, also none) and ONE (any character)."""

_MAX_STATES = 4_000


class Span(IntEnum):
    """How many of the texts that begin with a prefix, and go on, a pattern matches."""

    NONE = 0
    SOME = 1
    ALL = 2


def compiled(pattern: str) -> Glob:
    """A pattern as written -> Glob; consecutive stars are one."""
    return joined(STAR if c == "*" else ONE if c == "?" else c for c in pattern)


def joined(tokens: Iterable[str | int]) -> Glob:
    kept: list[str | int] = []
    for token in tokens:
        if token != STAR or not kept or kept[-1] != STAR:
            kept.append(token)
    return tuple(kept)


class _Machine:
    """The pattern's automaton; a state is a set of positions, held as the bits of one integer."""

    def __init__(self, glob: Glob) -> None:
        self.glob = glob
        self.stars = self.ones = 0
        self.literals: dict[str, int] = {}
        for place, token in enumerate(glob):
            if isinstance(token, str):
                self.literals[token] = self.literals.get(token, 0) | 1 << place
            elif token == STAR:
                self.stars |= 1 << place
            else:
                self.ones |= 1 << place
        self.accept = 1 << len(glob)
        self.start = self._closed(1)
        self.everything = 1 << (len(glob) - 1) if glob and glob[-1] == STAR else 0

    def _closed(self, state: int) -> int:
        return state | (state & self.stars) << 1

    def step(self, state: int, character: str | None) -> int:
        """State after one more character; None is a character that no pattern names."""
        fits = self.ones if character is None else self.ones | self.literals.get(character, 0)
        return self._closed((state & fits) << 1 | state & self.stars)

    def after(self, text: str) -> int:
        state = self.start
        for character in text:
            state = self.step(state, character)
            if not state:
                break
        return state

    def awaited(self, state: int) -> set[str]:
        """Characters that the pattern names at the positions of a state."""
        return {character for character, places in self.literals.items() if places & state}


@lru_cache(maxsize=65_536)
def _machine(glob: Glob) -> _Machine:
    return _Machine(glob)


@lru_cache(maxsize=262_144)
def matches(glob: Glob, text: str) -> bool:
    machine = _machine(glob)
    return bool(machine.after(text) & machine.accept)


@lru_cache(maxsize=262_144)
def span(glob: Glob, prefix: str) -> Span:
    """How many texts `prefix` + at least one character the pattern matches."""
    machine = _machine(glob)
    state = machine.after(prefix)
    if state & machine.everything:
        return Span.ALL
    return Span.SOME if state & ~machine.accept else Span.NONE


@lru_cache(maxsize=16_384)
def classes(globs: frozenset[Glob], prefix: str) -> tuple[frozenset[Glob], ...] | None:
    """Every set of these patterns that some text `prefix` + at least one character matches at once, and no further pattern of them does.

    One walk over the product of the automata, so the answer is exact; None where it would take too many states.
    """
    order = sorted(globs, key=repr)
    machines = [_machine(glob) for glob in order]
    start = tuple(machine.after(prefix) for machine in machines)
    seen = {start}
    waiting = deque([start])
    found: dict[frozenset[Glob], None] = {}
    while waiting:
        state = waiting.popleft()
        awaited = sorted(set().union(*(machine.awaited(bits) for machine, bits in zip(machines, state, strict=True))))
        for character in (None, *awaited):
            reached = tuple(machine.step(bits, character) for machine, bits in zip(machines, state, strict=True))
            found[frozenset(m.glob for m, bits in zip(machines, reached, strict=True) if bits & m.accept)] = None
            if reached not in seen:
                if len(seen) >= _MAX_STATES:
                    return None
                seen.add(reached)
                waiting.append(reached)
    return tuple(found)
