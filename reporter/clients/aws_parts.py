"""Where several accounts are read at once: one account's problem is a value there, so that it is not the others'."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reporter.core.errors import ScopeProblem, Unavailable
from reporter.core.table import Rows

Made = TypeVar("Made")

Part = Rows | ScopeProblem
"""What became of one account: its rows, or why there are none."""


class NotAMember(Unavailable):
    """A delegated administrator cannot speak for this account: it is read with its own role instead."""


def outcome(read: Callable[[], Made]) -> Made | ScopeProblem:
    """read(), or its problem as a value."""
    try:
        return read()
    except ScopeProblem as problem:
        return problem


def known(found: Made | ScopeProblem) -> Made:
    """The value. Raises the problem where it is one."""
    if isinstance(found, ScopeProblem):
        raise found
    return found
