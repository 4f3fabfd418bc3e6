"""What a chain has in Security Hub: `security_hub/<run>.announced.gz` before a run sends its findings, `security_hub/<run>.received.gz` after.

The first names everything that may then be open there, so that what a process that died had sent is closed by a later run. Only the newest run's are
kept: they name all of it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reporter.clients.store import Store
from reporter.core.clock import iso, parse
from reporter.core.errors import ReporterError
from reporter.core.table import Tables
from reporter.state.deliveries import Delivery, DeliveryState
from reporter.tables.deliveries import SENT_FINDINGS

FOLDER = "security_hub/"
KIND = "security_hub"
_ANNOUNCED, _RECEIVED = ".announced.gz", ".received.gz"
_MAYBE = "the run ended while it sent its findings: which of them arrived is not known; the next run sends again what is open"


@dataclass(frozen=True, order=True)
class Sent:
    """A finding that Security Hub may hold as open. `region`: the result's, or global; `suppressed`: our doing."""

    finding_id: str
    check_id: str
    account: str
    region: str
    resource: str
    severity: str
    created_at: str
    suppressed: bool = False


@dataclass(frozen=True)
class Known:
    """What the newest run that sent findings left, and what came of it, place by place."""

    sent: tuple[Sent, ...] = ()
    deliveries: tuple[Delivery, ...] = ()

    def tables(self) -> Tables:
        rows = ((*(getattr(one, name) for name in SENT_FINDINGS.names[:-2]), parse(one.created_at), one.suppressed) for one in sorted(self.sent))
        return {SENT_FINDINGS.name: SENT_FINDINGS.frame(rows)}


def known(store: Store, chain: str) -> Known:
    """Raises ReporterError where the state cannot be reached, or what it says cannot be read."""
    names = _names(store, chain)
    if not names:
        return Known()
    run, _, rest = names[-1].removeprefix(FOLDER).partition(".")
    try:
        said = json.loads(gzip.decompress(store.read(names[-1]) or b""))
        sent = tuple(Sent(*row) for row in said["open"])
        deliveries = tuple(_delivery(run, place) for place in said["places"])
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        fix = "remove it: findings that were open then stay open in Security Hub until they are sent again or are 90 days old"
        raise ReporterError("what was sent to Security Hub cannot be read", where=f"{store.where}/{names[-1]}", fix=fix) from error
    if f".{rest}" == _ANNOUNCED:
        deliveries = (Delivery(run, "all", "Security Hub", DeliveryState.UNKNOWN, parse(said["at"]), _MAYBE, KIND),)
    return Known(sent, deliveries)


def announce(store: Store, run: str, sent: Iterable[Sent], now: datetime) -> None:
    """Durable before anything is sent. Raises ReporterError."""
    _write(store, f"{FOLDER}{run}{_ANNOUNCED}", sent, (), now)


def receive(store: Store, chain: str, run: str, sent: Iterable[Sent], deliveries: Iterable[Delivery], now: datetime) -> None:
    """What is open now, and what came of each place; what earlier runs left is removed. Raises ReporterError."""
    _write(store, f"{FOLDER}{run}{_RECEIVED}", sent, deliveries, now)
    for name in _names(store, chain)[:-1]:
        store.remove(name)


def _names(store: Store, chain: str) -> list[str]:
    """Of the chain, oldest first: of one run what it announced before what it received."""
    found = store.names(f"{FOLDER}{chain}-")
    return sorted(name for name in found if name.removeprefix(FOLDER).partition(".")[0].rpartition("-")[0] == chain)


def _write(store: Store, name: str, sent: Iterable[Sent], deliveries: Iterable[Delivery], now: datetime) -> None:
    rows = [[getattr(one, field) for field in Sent.__dataclass_fields__] for one in sorted(sent)]
    places = [
        {"name": one.name, "recipient": one.recipient, "state": one.state.value, "at": iso(one.at or now), "message": one.message}
        for one in deliveries
    ]
    said = {"at": iso(now), "open": rows, "places": places}
    store.create(name, gzip.compress(json.dumps(said, ensure_ascii=False).encode(), mtime=0))


def _delivery(run: str, place: dict[str, Any]) -> Delivery:
    return Delivery(run, place["name"], place["recipient"], DeliveryState(place["state"]), parse(place["at"]), place["message"], KIND)
