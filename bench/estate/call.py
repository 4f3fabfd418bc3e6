"""One call, as those who answer it see it, and how a list is cut into pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bench.estate.size import Estate

T = TypeVar("T")
Made = dict[str, Any] | bytes
"""An answer: JSON to be, or the bytes themselves"""


@dataclass(frozen=True)
class Call:
    """`given`: the parameters, by their names on the wire."""

    estate: Estate
    account: str
    region: str
    operation: str
    path: str
    given: dict[str, Any]

    def page(self, items: Sequence[T], size: str, most: int, token: str) -> tuple[Sequence[T], str]:
        """(elements of the page that is asked for, token of the next; "": there is none). `size`, `token`: names of the parameters; `most`: the
        largest page that the service gives."""
        first = int(self.given.get(token) or 0)
        upto = first + min(int(self.given.get(size) or most), most)
        return items[first:upto], str(upto) if upto < len(items) else ""
