"""What was published, durable before and after each message: so that none is sent twice, and the next run can say what became of it.

`mail/<run>/<name>.json` is made before a message is handed over, `mail/<run>/<name>.receipt.json` after. The first without the second is a message
that may have been sent: nobody knows, so it is never sent again. The records of the newest runs are kept: what became of each message stands in the
sealed pack of the run after.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.parser import BytesHeaderParser
from enum import StrEnum
from pathlib import Path
from typing import Any

from reporter.clients.store import Store
from reporter.core.clock import iso, parse
from reporter.core.table import Row, Tables
from reporter.evidence.folder import runs
from reporter.tables.deliveries import DELIVERIES

FOLDER = "mail/"
KEPT = 30
"""runs of a chain whose records are kept"""
_RECEIPT = ".receipt.json"
_ENDED = "the run ended before it was handed over; it is not sent afterwards"
_MAYBE = "it was about to be handed over; whether it was is not known, and it is not sent twice"


class DeliveryState(StrEnum):
    """What became of a message. UNKNOWN: it may have been sent. BOUNCED, COMPLAINED: it was sent, and came back or was reported as spam."""

    SENT = "sent"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


@dataclass(frozen=True)
class Delivery:
    """One message and what became of it. `name`: its file in mail/ without ending; `message`: receipt, or what happened."""

    run: str
    name: str
    recipient: str
    state: DeliveryState
    at: datetime | None
    message: str = ""
    kind: str = "email"


def announce(store: Store, run: str, name: str, facts: Mapping[str, Any], now: datetime) -> bool:
    """Durable before it is handed over. False: somebody announced it already. Raises ReporterError."""
    said = {"at": iso(now), "by": uuid.uuid4().hex, **facts}  # unlike any other announcement
    return store.create(f"{FOLDER}{run}/{name}.json", json.dumps(said, ensure_ascii=False).encode())


def receive(store: Store, delivery: Delivery) -> None:
    """What came of it. Raises ReporterError."""
    at = iso(delivery.at) if delivery.at else None
    said = {"at": at, "state": delivery.state.value, "recipient": delivery.recipient, "message": delivery.message}
    store.create(f"{FOLDER}{delivery.run}/{delivery.name}{_RECEIPT}", json.dumps(said, ensure_ascii=False).encode())


def of_run(store: Store, run: str) -> list[Delivery]:
    """What is known of one run's messages, by name. Raises ReporterError."""
    found = store.names(f"{FOLDER}{run}/")
    names = sorted({name.removeprefix(f"{FOLDER}{run}/").removesuffix(_RECEIPT).removesuffix(".json") for name in found})
    return [_known(store, run, name) for name in names]


def forget(store: Store, run: str) -> None:
    """Remove the records of older runs of the chain than the newest ones. Raises ReporterError."""
    chain = run.rpartition("-")[0]
    names = [name for name in store.names(f"{FOLDER}{chain}-") if name.split("/")[1].rpartition("-")[0] == chain]
    newest = sorted({name.split("/")[1] for name in names})[-KEPT:]
    for name in names:
        if name.split("/")[1] not in newest:
            store.remove(name)


def last_mails(store: Store, chain: str, out: Path) -> list[Delivery]:
    """The mails of the newest run of a chain that had any: as the state says it, and its folder below `out` where that is here.

    Raises ReporterError.
    """
    known_runs = {name.split("/")[1] for name in store.names(f"{FOLDER}{chain}-")}
    announced = {_number(run) for run in known_runs if run.rpartition("-")[0] == chain}
    sealed = next((run for run in reversed(runs(out)) if message_files(run)), None)
    number = max([*announced, _number(sealed.name) if sealed else 0], default=0)
    run = f"{chain}-{number:06d}"
    known = {delivery.name: delivery for delivery in of_run(store, run)} if number else {}
    expected = message_files(sealed) if sealed and _number(sealed.name) == number else []
    missing = [Delivery(run, path.stem, _addressee(path), DeliveryState.NOT_SENT, None, _ENDED) for path in expected if path.stem not in known]
    return [*known.values(), *missing]


def tables(deliveries: Iterable[Delivery]) -> Tables:
    """The table of them."""
    rows = sorted(deliveries, key=lambda delivery: (delivery.kind, delivery.run, delivery.name))
    return {DELIVERIES.name: DELIVERIES.frame(_row(delivery) for delivery in rows)}


def message_files(run: Path) -> list[Path]:
    """The messages of a run that are to be sent, by name."""
    return sorted((run / "mail").glob("[0-9][0-9][0-9]-*.eml"))


def _addressee(path: Path) -> str:
    with path.open("rb") as stream:
        return str(BytesHeaderParser(policy=policy.default).parse(stream)["To"] or "")


def _number(run: str) -> int:
    number = run.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def _known(store: Store, run: str, name: str) -> Delivery:
    """What the state says of a message. A record that cannot be read says nothing."""
    try:
        announced = _read(store, f"{FOLDER}{run}/{name}.json")
        receipt = _read(store, f"{FOLDER}{run}/{name}{_RECEIPT}")
        to = str(announced.get("to") or receipt.get("recipient") or "")
        at = receipt.get("at") or announced.get("at")
        since = parse(at) if at else None
        if not receipt:
            return Delivery(run, name, to, DeliveryState.UNKNOWN, since, _MAYBE)
        return Delivery(run, name, to, DeliveryState(receipt["state"]), since, str(receipt["message"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Delivery(run, name, "", DeliveryState.UNKNOWN, None, f"its record in the state cannot be read: {type(error).__name__}")


def _read(store: Store, name: str) -> dict[str, Any]:
    data = store.read(name)
    if data is None:
        return {}
    said = json.loads(data)
    if not isinstance(said, dict):
        raise ValueError("no record")  # noqa: TRY004  # as any other text that is none
    return said


def _row(delivery: Delivery) -> Row:
    return (
        delivery.run,
        delivery.kind,
        delivery.name,
        delivery.recipient,
        delivery.state.value,
        delivery.at,
        delivery.message or None,
    )
