"""STS: long-lived access keys of one's own choice, each bound to an account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reporter.sandbox.aws.conformance import expect
from reporter.sandbox.aws.extend import Extension
from reporter.sandbox.aws.sessions import SESSIONS, Session

_NEVER = datetime(9999, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def seed_access_keys(account: str, region: str, items: list[Any]) -> None:
    """Items are access key ids (twenty capitals and digits, not beginning with ASIA); any secret goes with them, as everywhere in moto."""
    del region
    for number, item in enumerate(items):
        SESSIONS[expect(item, str, f"items[{number}]")] = Session(account, "", "", _NEVER)


EXTENSION = Extension(service="sts", kinds={"access_keys": seed_access_keys})
