"""Intrusion prevention rules and application types of the tenant's catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from reporter.sandbox.wp.call import Call, Refused, Route, not_found
from reporter.sandbox.wp.search import search, shuffled
from reporter.sandbox.wp.tenant import Object, Objects

_CATALOGUE = {"intrusionPreventionRule": "rules", "applicationType": "application_types"}


def checked_rules(call: Call, rule_ids: Iterable[int]) -> set[int]:
    """These rules and those they depend on. Raises Refused when one does not exist."""
    found: set[int] = set()
    waiting = list(rule_ids)
    while waiting:
        rule_id = waiting.pop()
        rule = call.tenant.rules.get(rule_id)
        if rule is None:
            raise Refused(call.knobs.unknown_rule, "there is no rule with this ID")
        if rule_id not in found:
            found.add(rule_id)
            waiting += rule.get("dependsOnRuleIDs", [])
    return found


def _objects(call: Call, schema: str) -> Objects:
    objects: Objects = getattr(call.tenant, _CATALOGUE[schema])
    return objects


def _list(schema: str, call: Call) -> Object:
    return {f"{schema}s": shuffled(_objects(call, schema).values(), call.knobs, schema)}


def _search(schema: str, call: Call) -> Object:
    return {f"{schema}s": search(_objects(call, schema).values(), schema, call.document(), call.knobs)}


def _describe(schema: str, call: Call) -> Object:
    found = _objects(call, schema).get(call.id(f"{schema}ID"))
    if found is None:
        raise not_found()
    return found


def _routes(schema: str, path: str) -> tuple[Route, ...]:
    return (
        Route("GET", path, partial(_list, schema)),
        Route("POST", f"{path}/search", partial(_search, schema)),
        Route("GET", f"{path}/{{{schema}ID}}", partial(_describe, schema)),
    )


ROUTES = (*_routes("intrusionPreventionRule", "/intrusionpreventionrules"), *_routes("applicationType", "/applicationtypes"))
