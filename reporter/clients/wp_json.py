"""Workload Protection's JSON: of a page of a search only what its reader wants is made a value of, by msgspec; the rest is skipped over.

What msgspec does not take is left to json, which takes more (half a surrogate pair, NaN), so that both say the same of every page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypedDict

import msgspec

from reporter.clients.wanted import Wanted, tree

_SURROGATE = re.compile(rb"\\u[dD]")
Decode = Callable[[bytes], Any]

whole: Decode = msgspec.json.Decoder().decode
"""all of an answer"""


@cache
def page_decoder(key: str, wanted: tuple[str, ...]) -> Decode:
    """A decoder of pages {key: [object, ...]} for the wanted members (dotted paths) of their objects. It raises msgspec.DecodeError."""
    listed: Any = list
    members: dict[str, Any] = {key: listed[_object(tree(wanted))]}
    typed = TypedDict("_Page", members, total=False)  # type: ignore[misc]  # known at run time only
    return msgspec.json.Decoder(typed).decode


def _object(wanted: Wanted) -> Any:
    members: dict[str, Any] = {name: _object(below) | None if below else Any for name, below in wanted.items()}
    return TypedDict("_Object", members, total=False)  # type: ignore[operator]  # known at run time only


def decoded(body: bytes, decode: Decode) -> Any:
    """An answer's value, or the wanted part of it. Raises ValueError, RecursionError: it is no JSON."""
    if b"\\" not in body or not _SURROGATE.search(body):
        try:
            body.decode()  # what is skipped over must be text too
            return decode(body)
        except (msgspec.DecodeError, RecursionError):
            pass
    value = json.loads(body)
    if _SURROGATE.search(body):  # half a surrogate pair is no text: no file could hold it
        return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value
