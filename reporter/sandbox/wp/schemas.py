"""The API's structure as derived from the vendor's OpenAPI: what can be searched, what can be written, which settings exist."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from reporter.sandbox.wp.call import Refused
from reporter.sandbox.wp.tenant import Object

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@cache
def structure() -> Object:
    """schemas.json: {"operations": {"GET /x": {"statuses", "answer"}}, "schemas": {name: JSON schema}}."""
    document: Object = msgspec.json.decode(files("reporter.sandbox.wp").joinpath("schemas.json").read_bytes())
    return document


def _resolved(schema: Object) -> Object:
    while "$ref" in schema:
        schema = structure()["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


@cache
def searchable(name: str, field: str) -> tuple[str, ...] | None:
    """Kinds of test that the field (nested ones with slashes) allows; empty: it exists and allows none; None: no such field."""
    schema = _resolved({"$ref": f"#/schemas/{name}"})
    words: tuple[str, ...] = ()
    for part in field.split("/"):
        declared = schema.get("properties", {}).get(part)
        if declared is None:
            return None
        words, schema = tuple(declared.get("search", ())), _resolved(declared)
    return words


@cache
def setting_names(name: str) -> frozenset[str]:
    """Names of the settings of ComputerSettings or PolicySettings."""
    return frozenset(structure()["schemas"][name]["properties"])


def accepted(name: str, document: Object) -> Object:
    """What of a written object counts: known, writable properties that are not null. Raises Refused(400) on a wrong type or an unknown choice."""
    value = _accept({"$ref": f"#/schemas/{name}"}, document, name)
    assert isinstance(value, dict)  # noqa: S101 - an object schema gives an object
    return value


def _accept(schema: Object, value: Any, where: str) -> Any:
    schema = _resolved(schema)
    kind = schema.get("type", "object")
    if not isinstance(value, _TYPES[kind]) or (kind in ("integer", "number") and isinstance(value, bool)):
        raise Refused(400, f"{where} must be of type {kind}")
    if "enum" in schema and value not in schema["enum"]:
        raise Refused(400, f"{where} does not allow this value")
    if isinstance(value, list):
        return [_accept(schema["items"], item, where) for item in value]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {
            key: _accept(known[key], item, f"{where}/{key}")
            for key, item in value.items()
            if key in known and item is not None and not known[key].get("readOnly")
        }
    return value
