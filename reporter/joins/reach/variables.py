"""Policy variables: ${aws:PrincipalAccount}, ${aws:PrincipalTag/team, 'none'}, ${*}."""

from __future__ import annotations

import re
from functools import lru_cache

from reporter.joins.reach.context import Context
from reporter.joins.reach.glob import ONE, STAR, Glob, joined
from reporter.joins.reach.truth import Truth

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_WILD: dict[str, int] = {"*": STAR, "?": ONE}


def expand(text: str, context: Context, *, variables: bool, wild: bool) -> tuple[Glob, Truth]:
    """A pattern as written -> Glob, and how sure that is: OPEN where a variable's value is not known (any text stands for it), NO where
    the request does not carry the variable.

    `variables`: the document's version has them; in older ones `${` is plain text. `wild`: * and ? are wildcards here.
    """
    if not variables or "${" not in text:
        return _plain(text, wild), Truth.YES
    tokens: list[str | int] = []
    sure = Truth.YES
    end = 0
    for found in _VARIABLE.finditer(text):
        tokens.extend(_plain(text[end : found.start()], wild))
        value, known = _value(found[1], context)
        tokens.extend(value)
        sure = min(sure, known)
        end = found.end()
    tokens.extend(_plain(text[end:], wild))
    return joined(tokens), sure


@lru_cache(maxsize=65_536)
def _plain(text: str, wild: bool) -> Glob:
    return joined(_WILD.get(c, c) if wild else c for c in text)


def _value(inner: str, context: Context) -> tuple[Glob, Truth]:
    if inner in ("*", "?", "$"):
        return (inner,), Truth.YES
    name, _, default = inner.partition(",")
    values = context.get(name.strip().lower())
    if values is None:
        return (STAR,), Truth.OPEN
    if values:
        return tuple(values[0]), Truth.YES
    default = default.strip()
    if len(default) >= 2 and default[0] == default[-1] == "'":
        return tuple(default[1:-1]), Truth.YES
    return (STAR,), Truth.NO
