"""The role sessions that STS gave out: whose they are, and until when. Faster to look up than moto's own lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One set of temporary credentials."""

    account: str
    role: str
    token: str
    expires: datetime
    """Naive UTC, as moto keeps it."""


SESSIONS: dict[str, Session] = {}
"""By access key. Emptied by a reset, as moto forgets its keys then."""


def session_of(access_key: str) -> Session | None:
    return SESSIONS.get(access_key)
