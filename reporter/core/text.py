"""Text from the world, made safe to show."""

from __future__ import annotations

import re

_MISLEADING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def legible(text: str) -> str:
    """Text from the world for people: control characters and marks that turn the direction of reading are shown as what they are, no text."""
    return _MISLEADING.sub("\N{REPLACEMENT CHARACTER}", text)
