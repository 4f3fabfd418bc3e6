"""What both typed readers of AWS's answers take from botocore: the members of a shape that are wanted, and instants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from botocore.model import Shape, StructureShape
from botocore.utils import parse_timestamp

from reporter.clients.wanted import Wanted

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z", re.ASCII)


class Unusual(Exception):
    """An answer that is not in the form which a typed reader knows; botocore's parser may know it."""


def wanted_members(shape: StructureShape, wanted: Wanted) -> Iterator[tuple[str, Shape, Wanted]]:
    """(boto3's name, shape, what is wanted of it) of each wanted member. Raises TypeError where one is not in the body, as a member of its own."""
    if shape.is_tagged_union or shape.is_document_type or not wanted.keys() <= shape.members.keys():
        raise TypeError(f"{shape.name} cannot be narrowed to {sorted(wanted)}")
    for name in wanted or shape.members:
        member = shape.members[name]
        if "location" in member.serialization or "xmlAttribute" in member.serialization:
            raise TypeError(f"{name} of {shape.name} is not in the body")
        yield name, member, wanted.get(name, {})


def instant(value: float | str) -> datetime:
    """As botocore reads it; the form that AWS writes by a quicker way."""
    if not isinstance(value, str):
        return datetime.fromtimestamp(value, UTC)
    if _INSTANT.fullmatch(value):
        return datetime.fromisoformat(value)
    return parse_timestamp(value)
