"""Faults that can be laid in the way of calls."""

from __future__ import annotations

import threading
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from reporter.sandbox.wp.call import Refused
from reporter.sandbox.wp.knobs import Knobs
from reporter.sandbox.wp.rate import too_many

HANG_SECONDS = 30.0


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """What goes wrong, where, and how many times (null: until the faults are lifted).

    `path` is a prefix below /api or a pattern when it has an asterisk. `after`: the call takes effect and only its answer is lost
    (reset, timeout) or is a 500 (error); malformed and truncated answers always come after the effect.
    """

    fault: Literal["access_denied", "throttle", "timeout", "not_enabled", "malformed", "truncated", "reset", "expired", "error"]
    path: str = "/"
    times: int | None = None
    method: str | None = None
    tenant: str | None = None
    after: bool = False

    def hits(self, method: str, path: str, tenant: str) -> bool:
        wanted = f"/{self.path.removeprefix('/api/')}" if self.path.startswith("/api/") else self.path
        near = fnmatchcase(path, wanted) if "*" in wanted else path.startswith(wanted)
        return near and self.times != 0 and self.method in (None, method) and self.tenant in (None, tenant)


class Faults:
    """The faults laid at present, and the calls that hang in them."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lifted = threading.Event()

    def lay(self, faults: list[Fault]) -> None:
        self._faults += faults

    def lift(self) -> None:
        """Take all faults away and let hanging calls go."""
        self._faults = []
        self._lifted.set()
        self._lifted = threading.Event()

    def take(self, method: str, path: str, tenant: str) -> Fault | None:
        """The first fault that hits the call; one of its times is used up."""
        for fault in self._faults:
            if fault.hits(method, path, tenant):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def hang(self) -> threading.Event:
        """Set once the faults are lifted."""
        return self._lifted


def refusal(fault: Fault, knobs: Knobs) -> Refused | None:
    """The refusal a fault stands for; None for those that break the answer itself, and for an error that comes after the effect."""
    if fault.fault == "throttle":
        return too_many(knobs, 1)
    statuses = {
        "access_denied": (403, "This API key is not authorized to do this"),
        "not_enabled": (404, "Not Found"),
        "expired": (401, "The API key has expired"),
        "error": (500, "Internal Server Error"),
    }
    found = statuses.get(fault.fault)
    return None if found is None or (fault.fault == "error" and fault.after) else Refused(*found)
