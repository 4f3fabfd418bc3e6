"""An answer with its grounds, and how answers combine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reporter.joins.reach.truth import Truth


@dataclass(frozen=True)
class Says:
    """`by`: the statements it rests on, if it is not NO. `because`: what keeps it open (OPEN) or shut (NO)."""

    truth: Truth
    by: tuple[str, ...] = ()
    because: tuple[str, ...] = ()


YES = Says(Truth.YES)


def either(answers: Iterable[Says], otherwise: str) -> Says:
    """One of them is enough. Of several that are YES the first by name speaks; of several that are OPEN all do. `otherwise`: why, if none."""
    listed = list(answers)
    truth = max((one.truth for one in listed), default=Truth.NO)
    best = sorted((one for one in listed if one.truth is truth), key=lambda one: (one.by, one.because))
    if truth is Truth.YES:
        return best[0]
    if truth is Truth.OPEN:
        return Says(truth, _once(name for one in best for name in one.by), _once(why for one in best for why in one.because))
    return Says(truth, (), _once(why for one in best for why in one.because) or (otherwise,))


def both(*answers: Says) -> Says:
    """All of them are needed."""
    truth = min(one.truth for one in answers)
    by = () if truth is Truth.NO else _once(name for one in answers for name in one.by)
    return Says(truth, by, _once(why for one in answers if one.truth is truth for why in one.because) if truth is not Truth.YES else ())


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
