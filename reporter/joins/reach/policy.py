"""A policy document as text -> statements. A document that cannot be understood is a value that says so; it never stops the run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

Principals: TypeAlias = tuple[tuple[str, str], ...]
"""(AWS | Service | Federated | CanonicalUser, value); ("AWS", "*") is everybody."""

Conditions: TypeAlias = tuple[tuple[str, str, tuple[str, ...]], ...]
"""(operator, condition key, values as text), as written; all must hold."""

_WILD = re.compile(r"[*?$]")

_MAX_DOCUMENT = 200_000
"""Characters. AWS allows 20 480 at most for the longest policy that is read here."""


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement. `not_*` turns the element round. Compared by identity: statements are cache keys.

    `heads`: what each resource begins with, up to its first wildcard or variable: most resources are told apart by it alone.
    """

    label: str
    allows: bool
    actions: tuple[str, ...]
    not_actions: bool
    resources: tuple[str, ...]
    heads: tuple[str, ...]
    not_resources: bool
    principals: Principals
    not_principals: bool
    conditions: Conditions
    variables: bool


@dataclass(frozen=True, eq=False)
class Policy:
    """A policy by the name it is reported under. `unreadable`: why it, or a part of it, could not be understood; empty: all of it was.

    An unreadable policy may allow and may deny anything; the statements that could be read still count.
    """

    name: str
    statements: tuple[Statement, ...] = ()
    unreadable: str = ""


class _Malformed(Exception):
    """What is wrong with a document."""


@lru_cache(maxsize=65_536)
def parse(name: str, text: str | None, *, resource_based: bool = False) -> Policy:
    """Document as JSON text -> Policy; None stands for a document that could not be read. `resource_based`: every statement names principals.

    Single statements, actions, resources and principals may stand without their list, as IAM accepts them. Raises nothing.
    """
    if text is None:
        return Policy(name, unreadable="could not be read")
    if len(text) > _MAX_DOCUMENT:
        return Policy(name, unreadable="is malformed (longer than any policy of AWS)")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return Policy(name, unreadable="is malformed (no JSON)")
    if not isinstance(document, dict):
        return Policy(name, unreadable="is malformed (no JSON object)")
    version = document.get("Version", "2008-10-17")
    raw = document.get("Statement")
    listed = raw if isinstance(raw, list) else [raw]
    statements: list[Statement] = []
    problem = ""
    for number, one in enumerate(listed, 1):
        try:
            statements.append(_statement(name, number, one, version == "2012-10-17", resource_based))
        except _Malformed as error:
            problem = problem or f"is malformed (statement {number}: {error})"
    return Policy(name, tuple(statements), problem)


def _statement(name: str, number: int, raw: Any, variables: bool, resource_based: bool) -> Statement:
    if not isinstance(raw, dict):
        raise _Malformed("no JSON object")
    effect = raw.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise _Malformed("no Effect")
    sid = raw.get("Sid")
    place = sid if isinstance(sid, str) and sid else str(number)
    actions, not_actions = _either(raw, "Action")
    resources, not_resources = _either(raw, "Resource")
    principals: Principals = ()
    not_principals = "NotPrincipal" in raw
    if resource_based:
        if not_principals == ("Principal" in raw):
            raise _Malformed("needs Principal or NotPrincipal")
        principals = _principals(raw["NotPrincipal" if not_principals else "Principal"])
    return Statement(
        label=f"{name}, statement {place}",
        allows=effect == "Allow",
        actions=tuple(action.lower() for action in actions),
        not_actions=not_actions,
        resources=resources,
        heads=tuple(_WILD.split(resource, maxsplit=1)[0] for resource in resources),
        not_resources=not_resources,
        principals=principals,
        not_principals=not_principals,
        conditions=_conditions(raw.get("Condition", {})),
        variables=variables,
    )


def _either(raw: dict[str, Any], word: str) -> tuple[tuple[str, ...], bool]:
    turned = f"Not{word}" in raw
    if turned == (word in raw):
        raise _Malformed(f"needs {word} or Not{word}")
    return _texts(raw[f"Not{word}" if turned else word]), turned


def _texts(raw: Any) -> tuple[str, ...]:
    listed = raw if isinstance(raw, list) else [raw]
    if not listed or not all(isinstance(one, str) for one in listed):
        raise _Malformed("a text was expected")
    return tuple(listed)


def _principals(raw: Any) -> Principals:
    if raw == "*":
        return (("AWS", "*"),)
    if not isinstance(raw, dict) or not raw:
        raise _Malformed("no principal")
    return tuple((kind, value) for kind, values in raw.items() for value in _texts(values))


def _conditions(raw: Any) -> Conditions:
    if not isinstance(raw, dict):
        raise _Malformed("no condition block")
    found: list[tuple[str, str, tuple[str, ...]]] = []
    for operator, keys in raw.items():
        if not isinstance(keys, dict):
            raise _Malformed("no condition keys")
        for key, values in keys.items():
            listed = values if isinstance(values, list) else [values]
            found.append((operator, key, tuple(_scalar(value) for value in listed)))
    return tuple(found)


def _scalar(raw: Any) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str | int | float):
        return str(raw)
    raise _Malformed("a condition value that is neither text, number nor boolean")
