"""Seeded objects are what AWS would send: checked against botocore's own shapes, and turned into their form on the wire.

A seeded object is written as boto3 would give it (member names of the model; times as ISO strings or epoch seconds).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.utils import parse_timestamp
from moto.core.utils import get_service_model

Form = Callable[[Any, Any, str], Any]
"""(shape, value, path) → the value on the wire."""


class NotConforming(Exception):
    """An object AWS would never send. `path` says where, e.g. `items[3].Resource.Instance`."""

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}")


@dataclass(slots=True)
class Entry:
    """One object in its wire form (`wire`), and the same as JSON text (`text`)."""

    wire: dict[str, Any]
    text: str

    @classmethod
    def of(cls, wire: dict[str, Any]) -> Entry:
        return cls(wire, json.dumps(wire, separators=(",", ":")))


def conform(service: str, shape_name: str, item: Any, path: str) -> Entry:
    """`item` as an Entry of that shape. Raises NotConforming for unknown keys, missing required ones, wrong types and unknown enum values."""
    return Entry.of(to_wire(get_service_model(service).shape_for(shape_name), item, path))


def to_wire(shape: Any, value: Any, path: str) -> Any:
    """The wire form of a value of that shape; null stands for itself, as it does in AWS's own answers."""
    form: Form = FORMS.get(shape.type_name, _text)
    return None if value is None else form(shape, value, path)


def expect(value: Any, kind: type | tuple[type, ...], path: str) -> Any:
    """`value`, if it is of that type; a truth value is no number."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise NotConforming(path, f"expected {' or '.join(k.__name__ for k in kinds)}, not {type(value).__name__}")
    return value


def _structure(shape: Any, value: Any, path: str) -> dict[str, Any]:
    expect(value, dict, path)
    unknown = sorted(set(value) - set(shape.members))
    if unknown:
        raise NotConforming(f"{path}.{unknown[0]}", f"{shape.name} has no such member")
    missing = [name for name in shape.required_members if value.get(name) is None]
    if missing:
        raise NotConforming(f"{path}.{missing[0]}", f"{shape.name} requires it")
    return {shape.members[name].serialization.get("name", name): to_wire(shape.members[name], item, f"{path}.{name}") for name, item in value.items()}


def _timestamp(shape: Any, value: Any, path: str) -> str | float:
    expect(value, (str, int, float), path)
    try:
        moment: datetime = parse_timestamp(value)
    except ValueError as error:
        raise NotConforming(path, f"{value!r} is no time") from error
    if shape.serialization.get("timestampFormat") == "iso8601":
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return moment.timestamp()


def _list(shape: Any, value: Any, path: str) -> list[Any]:
    expect(value, list, path)
    return [to_wire(shape.member, item, f"{path}[{i}]") for i, item in enumerate(value)]


def _map(shape: Any, value: Any, path: str) -> dict[str, Any]:
    expect(value, dict, path)
    return {key: to_wire(shape.value, item, f"{path}.{key}") for key, item in value.items()}


def _number(_shape: Any, value: Any, path: str) -> float:
    number: float = expect(value, (int, float), path)
    if not math.isfinite(number):
        raise NotConforming(path, "not a finite number")
    return number


def _text(shape: Any, value: Any, path: str) -> str:
    text: str = expect(value, str, path)
    if getattr(shape, "enum", None) and text not in shape.enum:
        raise NotConforming(path, f"{text!r} is none of {', '.join(shape.enum)}")
    return text


def _whole(_shape: Any, value: Any, path: str) -> int:
    whole: int = expect(value, int, path)
    return whole


def _truth(_shape: Any, value: Any, path: str) -> bool:
    truth: bool = expect(value, bool, path)
    return truth


FORMS: dict[str, Form] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "timestamp": _timestamp,
    "boolean": _truth,
    "integer": _whole,
    "long": _whole,
    "float": _number,
    "double": _number,
}
