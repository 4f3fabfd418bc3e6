"""Pages with opaque tokens, as AWS cuts them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from reporter.sandbox.aws.extend import refuse

Item = TypeVar("Item")


def token_of(position: int) -> str:
    return base64.urlsafe_b64encode(f"sandbox:{position}".encode()).decode()


def position_of(token: str | None, *, error: str = "ValidationException") -> int:
    """Where the page behind `token` starts. Raises the service's error for a token that was not ours."""
    if not token:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
    except (binascii.Error, UnicodeError):
        word, number = "", ""
    if word != "sandbox" or not number.isdecimal():
        raise refuse(error, "The request is rejected because the pagination token is not valid.")
    return int(number)


def page(
    items: Sequence[Item], token: str | None, asked: int | None, *, most: int, default: int | None = None, error: str = "ValidationException"
) -> tuple[Sequence[Item], str | None]:
    """One page and the token of the next (None at the end). Asking for less than 1 or more than `most` is refused, as AWS does."""
    size = (default or most) if asked is None else int(asked)
    if not 1 <= size <= most:
        raise refuse(error, f"The maximum number of results must be between 1 and {most}, not {size}.")
    start = position_of(token, error=error)
    end = start + size
    return items[start:end], token_of(end) if end < len(items) else None
