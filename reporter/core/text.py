"""Text from the world, made safe to show."""

from __future__ import annotations

import re

_SHOWN = "\N{REPLACEMENT CHARACTER}"
_MISLEADING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def legible(text: str) -> str:
    """Text from the world for people: control characters and marks that turn the direction of reading are shown as what they are, no text."""
    return _MISLEADING.sub(_SHOWN, text)


def flat(text: str) -> str:
    """Text from the world as one legible line."""
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else " " if sign.isspace() else _SHOWN for sign in legible(text))
    return " ".join(text.split())


def one_line(text: str, longest: int = 300) -> str:
    """Text from the world as one short line of a mail: legible, cut visibly, and no address in it becomes a link."""
    line = flat(text).replace("://", ":// ")
    return line if len(line) <= longest else f"{line[:longest]} …"
