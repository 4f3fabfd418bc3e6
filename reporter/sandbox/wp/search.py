"""Search: all criteria must hold, the order is shuffled unless it is sorted by id, and a page has at most 5000 objects."""

from __future__ import annotations

import operator
import re
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from reporter.sandbox.wp.call import Refused
from reporter.sandbox.wp.knobs import Knobs
from reporter.sandbox.wp.schemas import searchable
from reporter.sandbox.wp.tenant import Object

PAGE = 5000
Predicate = Callable[[Object], bool]

_NUMERIC: dict[str, Callable[[Any, Any], bool]] = {
    "less-than": operator.lt,
    "less-than-or-equal": operator.le,
    "equal": operator.eq,
    "greater-than-or-equal": operator.ge,
    "greater-than": operator.gt,
    "not-equal": operator.ne,
}
_EQUALITY = ("equal", "not-equal")
_KEYS = {
    "string": {"stringTest", "stringValue", "stringWildcards"},
    "numeric": {"numericTest", "numericValue"},
    "boolean": {"booleanTest"},
    "choice": {"choiceTest", "choiceValue"},
    "date": {"firstDateValue", "firstDateInclusive", "lastDateValue", "lastDateInclusive"},
    "null": {"nullTest"},
    "version": {"versionTest", "versionValue"},
    "id": {"idTest", "idValue"},
}


def shuffled(objects: Iterable[Object], knobs: Knobs, salt: str) -> list[Object]:
    """The same objects in an order that only the seed and their ids decide."""
    return sorted(objects, key=lambda item: (zlib.crc32(f"{knobs.seed}:{salt}:{item['ID']}".encode()), item["ID"]))


def search(objects: Iterable[Object], schema: str, asked: Object, knobs: Knobs) -> list[Object]:
    """Objects that satisfy a search filter, in the order and number it asks for. Raises Refused(400) on a filter that makes no sense."""
    criteria = asked.get("searchCriteria") or []
    if isinstance(criteria, dict):
        criteria = [criteria]
    if not isinstance(criteria, list):
        raise Refused(400, "searchCriteria must be an array")
    predicates = [_predicate(schema, criterion, knobs) for criterion in criteria]
    found = [item for item in objects if all(holds(item) for holds in predicates)]
    ordered = sorted(found, key=lambda item: int(item["ID"])) if _flag(asked, "sortByObjectID", default=False) else shuffled(found, knobs, schema)
    return ordered[: _max_items(asked, knobs)]


def _max_items(asked: Object, knobs: Knobs) -> int:
    limit = asked.get("maxItems")
    if limit is None:
        return PAGE
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise Refused(400, "maxItems must be a positive integer")
    if limit > PAGE and knobs.large_page == "400":
        raise Refused(400, f"maxItems must not be over {PAGE}")
    return min(limit, PAGE)


def _predicate(schema: str, criterion: Any, knobs: Knobs) -> Predicate:
    if not isinstance(criterion, dict):
        raise Refused(400, "a search criterion must be an object")
    given = {key for key, value in criterion.items() if value is not None}
    kinds = [kind for kind, keys in _KEYS.items() if keys & given]
    if len(kinds) != 1:
        raise Refused(400, "a search criterion must be exactly one test")
    kind = kinds[0]
    if kind == "id":
        return _id_test(criterion)
    field = criterion.get("fieldName")
    words = searchable(schema, field) if isinstance(field, str) else None
    if words is None:
        raise Refused(400, "fieldName is not a field of this object")
    if kind != "null" and kind not in words:
        raise Refused(400, f"this field allows no {kind} test")
    path = str(field).split("/")
    if kind == "null":
        wanted_null = _flag(criterion, "nullTest", default=True)
        return lambda item: (not _values(item, path)) is wanted_null
    return _value_test(kind, criterion, path, knobs)


def _value_test(kind: str, criterion: Object, path: list[str], knobs: Knobs) -> Predicate:
    if kind == "string":
        return _string_test(criterion, path, knobs)
    if kind == "numeric":
        return _numeric_test(criterion, path)
    if kind == "date":
        return _date_test(criterion, path)
    if kind == "choice":
        wanted = _typed(criterion, "choiceValue", str)
        equal = _word(criterion, "choiceTest", _EQUALITY) == "equal"
        return lambda item: any((value == wanted) is equal for value in _values(item, path))
    flag = _flag(criterion, "booleanTest", default=True)
    return lambda item: any(value is flag for value in _values(item, path))


def _id_test(criterion: Object) -> Predicate:
    if criterion.get("fieldName") is not None:
        raise Refused(400, "an id test has no fieldName")
    compare = _NUMERIC[_word(criterion, "idTest", tuple(_NUMERIC))]
    wanted = _typed(criterion, "idValue", int)
    return lambda item: compare(item["ID"], wanted)


def _string_test(criterion: Object, path: list[str], knobs: Knobs) -> Predicate:
    wanted = _typed(criterion, "stringValue", str)
    equal = _word(criterion, "stringTest", _EQUALITY) == "equal"
    wild = {"%": ".*", "_": "."} if _flag(criterion, "stringWildcards", default=True) else {}
    flags = re.DOTALL if knobs.case_sensitive_search else re.DOTALL | re.IGNORECASE
    matches = re.compile("".join(wild.get(char, re.escape(char)) for char in wanted), flags).fullmatch

    def holds(item: Object) -> bool:
        values = _values(item, path)
        hit = any(matches(str(value)) for value in values)
        return hit if equal else bool(values) and not hit

    return holds


def _numeric_test(criterion: Object, path: list[str]) -> Predicate:
    compare = _NUMERIC[_word(criterion, "numericTest", tuple(_NUMERIC))]
    wanted = _typed(criterion, "numericValue", (int, float))
    return lambda item: any(compare(float(value), wanted) for value in _values(item, path))


def _date_test(criterion: Object, path: list[str]) -> Predicate:
    first = None if criterion.get("firstDateValue") is None else _typed(criterion, "firstDateValue", int)
    last = None if criterion.get("lastDateValue") is None else _typed(criterion, "lastDateValue", int)
    after = operator.ge if _flag(criterion, "firstDateInclusive", default=True) else operator.gt
    before = operator.le if _flag(criterion, "lastDateInclusive", default=True) else operator.lt
    return lambda item: any((first is None or after(value, first)) and (last is None or before(value, last)) for value in _values(item, path))


def _values(item: Object, path: list[str]) -> list[Any]:
    value: Any = item
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _word(criterion: Object, key: str, allowed: tuple[str, ...]) -> str:
    word = criterion.get(key) or "equal"
    if word not in allowed:
        raise Refused(400, f"{key} does not allow this value")
    return str(word)


def _flag(criterion: Object, key: str, *, default: bool) -> bool:
    value = criterion.get(key)
    if value is not None and not isinstance(value, bool):
        raise Refused(400, f"{key} must be true or false")
    return default if value is None else value


def _typed(criterion: Object, key: str, kind: type | tuple[type, ...]) -> Any:
    value = criterion.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Refused(400, f"{key} is missing or of the wrong type")
    return value
