"""AWS's JSON, typed: a decoder of the wanted part of an answer, made from botocore's own model of it.

What it returns is what botocore's parser returns, without the members that nobody wants: msgspec skips over those. Null is as good as absent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypedDict

import msgspec
from botocore.model import ListShape, Shape, StructureShape

from reporter.clients.aws_shapes import instant, wanted_members
from reporter.clients.wanted import Wanted

Finish = Callable[[Any], Any]
"""A value as msgspec decodes it -> as botocore gives it."""

_SCALARS: dict[str, Any] = {"string": str, "boolean": bool, "timestamp": float | int | str}
_SCALARS |= dict.fromkeys(("integer", "long", "float", "double"), float | int)


def json_decoder(shape: Shape, wanted: Wanted) -> Callable[[bytes], dict[str, Any]]:
    """A decoder of such bodies; it raises msgspec.DecodeError where they are none. Raises TypeError: the shape holds what is not known here."""
    wire, finish = _typed(shape, wanted)
    decoder = msgspec.json.Decoder(wire)

    def decode(body: bytes) -> dict[str, Any]:
        found = decoder.decode(body)
        if b"null" in body:
            found = _without_nulls(found)
        made: dict[str, Any] = finish(found) if finish else found
        return made

    return decode


def _typed(shape: Shape, wanted: Wanted) -> tuple[Any, Finish | None]:
    if isinstance(shape, StructureShape):
        return _structure(shape, wanted)
    if isinstance(shape, ListShape):
        wire, finish = _typed(shape.member, wanted)
        return list[wire | None], _each(finish) if finish else None  # type: ignore[valid-type]  # made at run time
    if shape.type_name == "timestamp":
        return _SCALARS["timestamp"], _instant
    if shape.type_name not in _SCALARS:
        raise TypeError(f"{shape.name} is a {shape.type_name}")
    return _SCALARS[shape.type_name], None


def _structure(shape: StructureShape, wanted: Wanted) -> tuple[Any, Finish | None]:
    members: dict[str, Any] = {}
    steps: list[tuple[str, str, Finish | None]] = []
    for name, member, below in wanted_members(shape, wanted):
        on_wire = member.serialization.get("name", name)
        wire, finish = _typed(member, below)
        members[on_wire] = wire | None
        if finish is not None or on_wire != name:
            steps.append((on_wire, name, finish))
    typed = TypedDict(shape.name, members, total=False)  # type: ignore[misc]  # its members are known at run time only
    return typed, _renaming(steps) if steps else None


def _renaming(steps: list[tuple[str, str, Finish | None]]) -> Finish:
    def finish(found: dict[str, Any] | None) -> dict[str, Any] | None:
        if found is not None:
            for on_wire, name, step in steps:
                if on_wire in found:
                    value = found.pop(on_wire)
                    found[name] = value if step is None else step(value)
        return found

    return finish


def _each(finish: Finish) -> Finish:
    return lambda found: [finish(element) for element in found]


def _instant(value: float | str | None) -> datetime | None:
    return None if value is None else instant(value)


def _without_nulls(value: Any) -> Any:
    """As botocore has it: a member that is null is not there, an element that is null is None."""
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_nulls(element) for element in value]
    return value
