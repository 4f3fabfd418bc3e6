"""Finding criteria of GuardDuty and Macie: paths into the wire form, conditions of equality and order."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from typing import Any

from botocore.utils import parse_timestamp

from reporter.sandbox.aws.extend import refuse


def values_at(wire: Any, path: str) -> list[Any]:
    """All values at a dotted path; lists on the way are looked through. Nothing there: an empty list."""
    found = [wire]
    for step in path.split("."):
        inner: list[Any] = []
        for value in found:
            parts = value if isinstance(value, list) else [value]
            inner += [part[step] for part in parts if isinstance(part, Mapping) and part.get(step) is not None]
        found = inner
    return [item for value in found for item in (value if isinstance(value, list) else [value])]


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_number(value: Any) -> float:
    """Numbers as they are, times as epoch milliseconds (the unit of the criteria); NaN, which compares with nothing, for the rest."""
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(parse_timestamp(value).timestamp() * 1000)
    except (ValueError, TypeError):
        return float("nan")


Condition = Callable[[list[Any], Any], bool]

EQUAL: Condition = lambda found, wanted: any(as_text(v) in wanted for v in found)  # noqa: E731
CONDITIONS: dict[str, Condition] = {
    "equals": EQUAL,
    "notequals": lambda found, wanted: not EQUAL(found, wanted),
    "greaterthan": lambda found, wanted: any(as_number(v) > wanted for v in found),
    "greaterthanorequal": lambda found, wanted: any(as_number(v) >= wanted for v in found),
    "lessthan": lambda found, wanted: any(as_number(v) < wanted for v in found),
    "lessthanorequal": lambda found, wanted: any(as_number(v) <= wanted for v in found),
    "matches": lambda found, wanted: any(fnmatch.fnmatchcase(as_text(v), w) for v in found for w in wanted),
    "notmatches": lambda found, wanted: not any(fnmatch.fnmatchcase(as_text(v), w) for v in found for w in wanted),
}
SHORT = {
    "eq": "equals",
    "eqexactmatch": "equals",
    "neq": "notequals",
    "gt": "greaterthan",
    "gte": "greaterthanorequal",
    "lt": "lessthan",
    "lte": "lessthanorequal",
}


def matches(wire: Mapping[str, Any], criterion: Mapping[str, Any], *, error: str) -> bool:
    """Does the finding satisfy every condition on every field? An unknown condition is refused, never ignored."""
    for field, conditions in criterion.items():
        found = values_at(wire, field)
        for name, wanted in conditions.items():
            lowered = name.lower()
            condition = CONDITIONS.get(SHORT.get(lowered, lowered))
            if condition is None:
                raise refuse(error, f"The condition {name} is not supported.")
            if not condition(found, wanted):
                return False
    return True


def in_order(items: list[Any], sort: Mapping[str, Any] | None, wire: Callable[[Any], Any]) -> list[Any]:
    """Sorted by the attribute of a SortCriteria (`attributeName`, `orderBy`), as given without one."""
    spec = {key.lower(): value for key, value in (sort or {}).items()}
    attribute = spec.get("attributename")
    if not attribute:
        return items

    def key(item: Any) -> tuple[bool, float, str]:
        found = values_at(wire(item), attribute)
        number = as_number(found[0]) if found else float("nan")
        return (not found, number if number == number else 0.0, as_text(found[0]) if found else "")  # noqa: PLR0124

    return sorted(items, key=key, reverse=spec.get("orderby") == "DESC")
