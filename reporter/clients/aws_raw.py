"""Raw answers of AWS, as received, on their way to the record; and what is taken out of them first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

_SORTED = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True)
class RawAnswer:
    """One successful answer. `body` is what came over the wire, or, where its source redacts, the same JSON without the redacted parts.

    `sequence` counts the answers of one scope from 0, in an order that does not depend on threads.
    """

    account: str
    region: str
    source: str
    service: str
    operation: str
    sequence: int
    body: bytes
    content_type: str


class RawObserver(Protocol):
    """Is given each raw answer, from several threads."""

    def __call__(self, answer: RawAnswer, /) -> None: ...


def redact(body: bytes, paths: Iterable[str]) -> bytes:
    """A JSON body without the values at dotted `paths` (`[]` after a name: every element of that list); keys sorted.

    Raises msgspec.DecodeError where the body is not JSON.
    """
    document = msgspec.json.decode(body)
    for path in paths:
        _remove(document, path.split("."))
    return _SORTED.encode(document)


def _remove(value: Any, steps: list[str]) -> None:
    if not isinstance(value, dict):
        return
    name, rest = steps[0], steps[1:]
    if not rest:
        value.pop(name.removesuffix("[]"), None)
    elif name.endswith("[]"):
        elements = value.get(name.removesuffix("[]"))
        for element in elements if isinstance(elements, list) else ():
            _remove(element, rest)
    else:
        _remove(value.get(name), rest)
