"""Secrets that this process was given, so that no text that leaves it ever shows one: a server may answer with the very key it was asked with."""

from __future__ import annotations

import threading

SHOWN = "[secret]"
_SHORTEST = 6
"""what is shorter stands in any text"""

_known: set[str] = set()
_lock = threading.Lock()


def remember(value: str) -> str:
    """The value itself, from now on known as a secret."""
    if len(value) >= _SHORTEST:
        with _lock:
            _known.add(value)
    return value


def veiled(text: str) -> str:
    """The text without any secret that is known."""
    with _lock:
        known = sorted(_known, key=len, reverse=True)
    for value in known:
        text = text.replace(value, SHOWN)
    return text
