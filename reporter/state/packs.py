"""What became of a chain's packs after they were sealed: `packs/<run>/stored.json` once it is kept, until then
`packs/<run>/refused-<instant>.json` for the last try that failed; `packs/<run>/no-timestamp.json` where the seal lacks a time stamp."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from reporter.clients.store import Store
from reporter.core.clock import iso, parse
from reporter.core.errors import ReporterError
from reporter.evidence.folder import runs
from reporter.evidence.seal import Head
from reporter.state.deliveries import Delivery, DeliveryState

FOLDER = "packs/"
PACK, STAMP = "pack", "timestamp"
_ENDED = "the run ended before its pack was stored; the next run into the same folder stores it"


def receive(store: Store, delivery: Delivery) -> None:
    """Durable when this returns. Raises ReporterError."""
    at = iso(delivery.at) if delivery.at else ""
    name = "no-timestamp" if delivery.kind == STAMP else "stored" if delivery.state is DeliveryState.SENT else f"refused-{at}"
    said = {"at": at, "recipient": delivery.recipient, "name": delivery.name, "message": delivery.message}
    store.create(f"{FOLDER}{delivery.run}/{name}.json", json.dumps(said, ensure_ascii=False).encode())


def received(store: Store, delivery: Delivery) -> Delivery:
    """What came of it, as `receive` keeps it; that the state keeps nothing of it, or more than it is to, is said in its message."""
    try:
        receive(store, delivery)
    except ReporterError as error:
        return replace(delivery, message=f"{delivery.message}; the state has no receipt of it: {error.what}")
    try:
        _forget_tries(store, delivery.run)
    except ReporterError as error:
        return replace(delivery, message=f"{delivery.message}; earlier tries stay in the state: {error.what}")
    return delivery


def _forget_tries(store: Store, run: str) -> None:
    """Of a pack that is kept, or of an earlier try than the last."""
    names = store.names(f"{FOLDER}{run}/")
    tries = [name for name in names if "/refused-" in name]
    for name in tries if any(name.endswith("/stored.json") for name in names) else tries[:-1]:
        store.remove(name)


def stored(store: Store, chain: str) -> set[str]:
    """Runs whose pack is kept. Raises ReporterError."""
    return {name.split("/")[1] for name in store.names(f"{FOLDER}{chain}-") if name.endswith("/stored.json")}


def of_run(store: Store, run: str) -> list[Delivery]:
    """What is known of a run's pack: whether it is kept, else its last try; and its time stamp where it lacks one. Raises ReporterError."""
    names = store.names(f"{FOLDER}{run}/")
    kept = [name for name in names if name.endswith("/stored.json")]
    tries = [name for name in names if "/refused-" in name]
    found = [_known(store, run, PACK, DeliveryState.SENT if kept else DeliveryState.REFUSED, name) for name in (kept or tries)[-1:]]
    return found + [_known(store, run, STAMP, DeliveryState.REFUSED, name) for name in names if name.endswith("/no-timestamp.json")]


def since(store: Store, chain: str, out: Path, head: Head | None, place: str) -> list[Delivery]:
    """What is known of the run before, and of runs here that are not kept yet. `place`: where packs are to be kept; empty: nowhere."""
    done = stored(store, chain)
    here = {f"{chain}-{run.name[4:]}" for run in runs(out)} - done if place else set()
    wanted = sorted(here | ({head.run_id} if head else set()))
    return [delivery for run in wanted for delivery in _of_run_or_none(store, run, place)]


def _of_run_or_none(store: Store, run: str, place: str) -> Iterable[Delivery]:
    known = of_run(store, run)
    if place and not any(delivery.kind == PACK for delivery in known):
        yield Delivery(run, f"run-{run[-6:]}.zip", place, DeliveryState.NOT_SENT, None, _ENDED, PACK)
    yield from known


def _known(store: Store, run: str, kind: str, state: DeliveryState, name: str) -> Delivery:
    """A record that cannot be read says nothing."""
    try:
        said = json.loads(store.read(name) or b"")
        at = parse(said["at"]) if said["at"] else None
        return Delivery(run, str(said["name"]), str(said["recipient"]), state, at, str(said["message"]), kind)
    except (ValueError, KeyError, TypeError) as error:
        message = f"its record in the state cannot be read: {type(error).__name__}"
        return Delivery(run, f"run-{run[-6:]}.zip", "", DeliveryState.UNKNOWN, None, message, kind)
