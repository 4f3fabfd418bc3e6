"""Which events were handled: `events/<key>/attempt-NNN.json` when one is begun, `ended-NNN.json` where that attempt came to nothing, `done.json` once
it is handled.

An attempt is begun by one process alone. One that ended, whose own invocation comes again, or that is older than any invocation can be, has died:
then the next may try. What it had done by then stands in the journal, so that nothing is done twice.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reporter.clients.store import Store
from reporter.core.clock import iso, parse
from reporter.core.errors import ReporterError

FOLDER = "events/"
LONGEST = timedelta(minutes=15)
"""no invocation of a function lasts longer: https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"""


@dataclass(frozen=True)
class Attempt:
    """This process's own try."""

    store: Store
    key: str
    number: int

    def done(self, said: Mapping[str, Any]) -> None:
        """It is handled: no copy of the event is handled again. Raises ReporterError."""
        self.store.create(_name(self.key, "done"), json.dumps(said, ensure_ascii=False, sort_keys=True).encode())

    def ended(self, now: datetime) -> None:
        """It came to nothing: the next copy of the event may try. Raises ReporterError."""
        self.store.create(_name(self.key, f"ended-{self.number:03d}"), json.dumps({"at": iso(now)}).encode())


def begin(store: Store, key: str, holder: str, now: datetime) -> Attempt | dict[str, Any]:
    """A try of one's own; or what came of the event, where it is handled already. `holder`: the invocation, the same when it is tried again.

    Raises ReporterError where another one is at it.
    """
    names = store.names(f"{FOLDER}{key}/")
    if _name(key, "done") in names:
        return _read(store, _name(key, "done"))
    tries = [name for name in names if "/attempt-" in name]
    last = max((int(name[-8:-5]) for name in tries), default=0)
    if last and _name(key, f"ended-{last:03d}") not in names:
        said = _read(store, _name(key, f"attempt-{last:03d}"))
        if said.get("holder") != holder and now - parse(str(said["at"])) < LONGEST:
            raise _busy(store, key)
    begun = {"at": iso(now), "holder": holder, "token": uuid.uuid4().hex}
    if not store.create(_name(key, f"attempt-{last + 1:03d}"), json.dumps(begun).encode()):
        raise _busy(store, key)
    return Attempt(store, key, last + 1)


def _name(key: str, what: str) -> str:
    return f"{FOLDER}{key}/{what}.json"


def _busy(store: Store, key: str) -> ReporterError:
    return ReporterError(
        "another invocation is handling this event now",
        where=f"{store.where}/{FOLDER}{key}",
        fix="nothing: Lambda tries again, and by then it is handled or given up",
        meanwhile="this copy of the event did nothing",
    )


def _read(store: Store, name: str) -> dict[str, Any]:
    try:
        said = json.loads(store.read(name) or b"")
        if name.endswith("done.json"):
            return dict(said)
        parse(said["at"])
        return dict(said)
    except (ValueError, KeyError, TypeError) as error:
        fix = "remove it: the event is then handled when it comes again"
        raise ReporterError("what became of an event cannot be read", where=f"{store.where}/{name}", fix=fix) from error
