"""The number of a run in its chain, claimed so that two runs never share one, wherever their folders are."""

from __future__ import annotations

import json
import uuid
from datetime import datetime

from reporter.clients.store import Store
from reporter.core.clock import iso
from reporter.state import chain as seals
from reporter.state import journal

FOLDER = "runs/"


def last_known(store: Store, chain: str) -> int:
    """The greatest number that a run of the chain claimed, was sealed with, or wrote into the journal under; 0: none."""
    return max([0, *claimed(store, chain), *seals.sealed_numbers(store, chain)])


def claimed(store: Store, chain: str) -> set[int]:
    """Every number that a run of the chain claimed, or wrote into the journal under."""
    names = [name.removeprefix(FOLDER).removesuffix(".json") for name in store.names(f"{FOLDER}{chain}-")]
    numbers = (number for run, _, number in (name.rpartition("-") for name in names) if run == chain)
    return {int(number) for number in numbers if number.isdigit()} | journal.runs_of(store, chain)


def claim(store: Store, chain: str, after: int, now: datetime) -> int:
    """The next number, greater than `after` and than all that are known. Raises ReporterError where the store cannot be reached."""
    number = max(after, last_known(store, chain)) + 1
    mine = json.dumps({"claimed_at": iso(now), "by": uuid.uuid4().hex}).encode()  # unlike any other run's claim
    while not store.create(f"{FOLDER}{chain}-{number:06d}.json", mine):
        number += 1
    return number
