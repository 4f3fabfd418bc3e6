"""One call on the API, the refusals it can meet, and the routes it can take."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from reporter.sandbox.wp.knobs import Knobs
from reporter.sandbox.wp.tenant import Key, Object, Tenant


class Refused(Exception):
    """The call ends with this status and message."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


def not_found() -> Refused:
    return Refused(404, "Not Found")


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated call: whose, when (server's clock, ms), the ids in its path, its query and body."""

    tenant: Tenant
    key: Key
    knobs: Knobs
    now: int
    ids: dict[str, str]
    query: dict[str, list[str]]
    body: bytes = field(repr=False)

    def id(self, name: str) -> int:
        return int(self.ids[name])

    @property
    def overrides(self) -> bool:
        values = self.query.get("overrides", ["false"])
        if values[-1] not in ("true", "false"):
            raise Refused(400, "overrides must be true or false")
        return values[-1] == "true"

    def document(self) -> Object:
        """The body as an object; Refused(400) when it is none."""
        try:
            value = msgspec.json.decode(self.body or b"{}")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(400, "the body is not JSON") from error
        if not isinstance(value, dict):
            raise Refused(400, "the body must be an object")
        return value


Handler = Callable[[Call], Any]
"""Answers a call with the object to send (200), or None for a deletion."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path template such as /policies/{policyID}, and who answers there."""

    method: str
    template: str
    handler: Handler

    @property
    def operation(self) -> str:
        return f"{self.method} {self.template}"

    def pattern(self) -> re.Pattern[str]:
        text = re.sub(r"\{(\w+ID)\}", r"(?P<\1>[0-9]{1,9})", self.template)
        return re.compile(re.sub(r"\{name\}", r"(?P<name>[A-Za-z0-9]+)", text))
