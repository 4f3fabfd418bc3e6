"""Raw answers of AWS, as received, on their way to the record; and what is taken out of them first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import msgspec

_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
FILE = re.compile(r"\d{6,}-[A-Za-z0-9_.-]{1,80}\.(json|xml)\.zst")
"""how the file of an answer is named"""
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

    @property
    def place(self) -> str:
        """Its folder: source/account/region."""
        return place(self.source, self.account, self.region)

    @property
    def file(self) -> str:
        """Its file in that folder. Names hold only what we chose: a number and the operation."""
        suffix = "json" if "json" in self.content_type else "xml"
        return f"{self.sequence:06d}-{_name(self.operation)}.{suffix}.zst"


class RawObserver(Protocol):
    """Is given each raw answer, from several threads."""

    def __call__(self, answer: RawAnswer, /) -> None: ...


def place(source: str, account: str, region: str) -> str:
    """The folder of a scope's raw answers."""
    return "/".join(_name(part) for part in (source, account, region))


@lru_cache(1024)
def _name(text: str) -> str:
    """A text as a file name that can neither leave the folder nor hide: path tricks end here."""
    return _NOT_A_NAME.sub("_", text).strip(".")[:80] or "_"


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
