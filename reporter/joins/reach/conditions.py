"""Condition blocks in three values: decided where the key is known, open where it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reporter.joins.reach.context import Context
from reporter.joins.reach.glob import Glob, matches
from reporter.joins.reach.policy import Conditions
from reporter.joins.reach.truth import Truth
from reporter.joins.reach.variables import expand


@dataclass(frozen=True)
class _Operator:
    """How a wanted value is compared with the request's. `compare` None: numbers, dates, addresses, bytes. No known key has one of those."""

    compare: Callable[[Glob, str], bool] | None
    wild: bool = False
    negated: bool = False


def _same(wanted: Glob, actual: str) -> bool:
    return matches(wanted, actual)


def _same_letters(wanted: Glob, actual: str) -> bool:
    return matches(tuple(token.lower() if isinstance(token, str) else token for token in wanted), actual.lower())


def _arn(wanted: Glob, actual: str) -> bool:
    parts: list[list[str | int]] = [[]]
    for part in wanted:
        if part == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(part)
    own = actual.split(":", 5)
    return len(parts) == len(own) == 6 and all(matches(tuple(part), one) for part, one in zip(parts, own, strict=True))


_OPERATORS: dict[str, _Operator] = {
    "StringEquals": _Operator(_same),
    "StringNotEquals": _Operator(_same, negated=True),
    "StringEqualsIgnoreCase": _Operator(_same_letters),
    "StringNotEqualsIgnoreCase": _Operator(_same_letters, negated=True),
    "StringLike": _Operator(_same, wild=True),
    "StringNotLike": _Operator(_same, wild=True, negated=True),
    "ArnEquals": _Operator(_arn, wild=True),
    "ArnLike": _Operator(_arn, wild=True),
    "ArnNotEquals": _Operator(_arn, wild=True, negated=True),
    "ArnNotLike": _Operator(_arn, wild=True, negated=True),
    "Bool": _Operator(_same_letters),
    "BinaryEquals": _Operator(None),
    "IpAddress": _Operator(None),
    "NotIpAddress": _Operator(None, negated=True),
    **{
        f"{kind}{order}": _Operator(None)
        for kind in ("Numeric", "Date")
        for order in ("Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
    },
    **{f"{kind}NotEquals": _Operator(None, negated=True) for kind in ("Numeric", "Date")},
}


def hold(conditions: Conditions, context: Context, *, variables: bool) -> tuple[Truth, tuple[str, ...]]:
    """Do all conditions hold? With OPEN come the keys that keep it open, as the policy writes them."""
    total = Truth.YES
    open_keys: list[str] = []
    for operator, key, values in conditions:
        truth = _holds(operator, key.lower(), values, context, variables)
        if truth is Truth.NO:
            return Truth.NO, ()
        if truth is Truth.OPEN:
            open_keys.append(key)
            total = Truth.OPEN
    return total, tuple(dict.fromkeys(open_keys))


def _holds(written: str, key: str, values: tuple[str, ...], context: Context, variables: bool) -> Truth:
    actual = context.get(key)
    if written == "Null":
        if actual is None:
            return Truth.OPEN
        return Truth.of(any((value.lower() == "true") == (not actual) for value in values))
    quantifier, _, rest = written.rpartition(":")
    if_exists = rest.endswith("IfExists")
    operator = _OPERATORS.get(rest.removesuffix("IfExists"))
    if operator is None or quantifier not in ("", "ForAllValues", "ForAnyValue") or actual is None:
        return Truth.OPEN
    if not actual:
        return Truth.of(if_exists or quantifier == "ForAllValues" or (operator.negated and quantifier != "ForAnyValue"))
    if operator.compare is None:
        return Truth.OPEN
    each = [_among(operator, operator.compare, one, values, context, variables) for one in actual]
    return min(each) if quantifier == "ForAllValues" else max(each)


def _among(
    operator: _Operator, compare: Callable[[Glob, str], bool], actual: str, values: tuple[str, ...], context: Context, variables: bool
) -> Truth:
    found = Truth.NO
    for value in values:
        wanted, sure = expand(value, context, variables=variables, wild=operator.wild)
        if sure is Truth.YES:
            found = max(found, Truth.of(compare(wanted, actual)))
        elif (_same if compare is _arn else compare)(wanted, actual):  # a variable may stand for more than one part of an ARN
            found = max(found, Truth.OPEN)
    return found.negated() if operator.negated else found
