"""Checks answers against the structure of the vendor's API; only tests do (jsonschema-rs is a development dependency)."""

from __future__ import annotations

from typing import Any

import msgspec

from reporter.sandbox.wp.schemas import structure
from reporter.sandbox.wp.tenant import Object

NEWER: dict[str, Object] = {"computer": {"agentGUID": {"type": "string"}}}
"""Properties that the live service has and the published structure has not."""
_UNDOCUMENTED = frozenset((204, 400, 401, 404, 429))
_BOUNDS = {"int32": 2**31, "int64": 2**63}


class AnswerCheck:
    """Validators of all answers, each made when it is first needed."""

    def __init__(self) -> None:
        self._validators: dict[str, Any] = {}
        self._schemas = {
            name: _strict({**schema, "properties": {**schema.get("properties", {}), **NEWER.get(name, {})}})
            for name, schema in structure()["schemas"].items()
        }

    def problems(self, operation: str, status: int, body: bytes) -> list[str]:
        """What in an answer does not fit: unknown operation, status or property, wrong type, unknown choice."""
        known = structure()["operations"].get(operation)
        if known is None:
            return [f"{operation}: no such operation"]
        if status != 200:
            return [] if status in known["statuses"] or status in _UNDOCUMENTED else [f"{operation}: status {status}"]
        if known["answer"] is None:
            return [f"{operation}: has a body"] if body else []
        value = msgspec.json.decode(body)
        return [
            f"{operation}: {error.message} at /{'/'.join(map(str, error.instance_path))}"
            for error in self._validator(known["answer"]).iter_errors(value)
        ]

    def _validator(self, name: str) -> Any:
        import jsonschema_rs  # noqa: PLC0415 - a development dependency

        if name not in self._validators:
            self._validators[name] = jsonschema_rs.validator_for({"$ref": f"#/schemas/{name}", "schemas": self._schemas})
        return self._validators[name]


def _strict(schema: Object) -> Object:
    strict = {key: value for key, value in schema.items() if key not in ("search", "readOnly", "format")}
    if schema.get("format") in _BOUNDS:
        strict |= {"minimum": -_BOUNDS[schema["format"]], "maximum": _BOUNDS[schema["format"]] - 1}
    if "properties" in schema:
        strict["properties"] = {name: _strict(value) for name, value in schema["properties"].items()}
        strict["additionalProperties"] = not schema["properties"]
    if "items" in schema:
        strict["items"] = _strict(schema["items"])
    return strict
