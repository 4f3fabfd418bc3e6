"""The chain of seals, one after the other as they were made, wherever the folders of the runs are.

`chain/<chain>/after-NNNNNN/SEAL.txt` is the seal of the run that was sealed next after run NNNNNN (000000: the first). It is made by Store.create,
so that one seal alone can follow another: of two runs that seal at once, the second finds the place taken and signs again on the first. The order is
that of sealing: a run that takes long is sealed after one that has a higher number.

`chain/<chain>/id` is made with the first of these. A chain whose state was lost gets another one, which its seals then say.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from reporter.clients.store import Store
from reporter.core.clock import iso
from reporter.core.errors import ReporterError
from reporter.evidence.seal import Head

FOLDER = "chain/"
_MOST_RANGES = 100
LOOKED_BACK = 100
"""so many seals are read to find one of a kind"""


def head(store: Store, chain: str) -> Head | None:
    """The newest seal; None: this state has none of the chain. Raises ReporterError."""
    followed = _followed(store, chain)
    if not followed:
        return None
    at = max(followed)
    found, left = _after(store, chain, at), set(followed)
    while found is not None and found.number in followed:
        if found.number not in left:
            raise _broken(store, _name(chain, found.number), "it leads back to itself")
        left.discard(found.number)
        found = _after(store, chain, found.number)
    if found is None:
        raise _broken(store, _name(chain, at), "it is gone")
    return found


def newest_of(store: Store, chain: str, kind: str) -> Head | None:
    """The newest seal of a kind of run, among the last ones; None: there is none. Raises ReporterError."""
    for number in sorted(_followed(store, chain), reverse=True)[:LOOKED_BACK]:
        found = _after(store, chain, number)
        if found is not None and found.kind == kind:
            return found
    return None


def follow(store: Store, chain: str, before: Head | None, text: bytes) -> bool:
    """Put a seal after another one; durable when this returns. False: another run was sealed after that one. Raises ReporterError."""
    return store.create(_name(chain, before.number if before else 0), text)


def holds(store: Store, chain: str, text: bytes) -> bool:
    """Whether a seal stands in the chain. Raises ReporterError."""
    return any(store.read(_name(chain, number)) == text for number in _followed(store, chain))


def sealed_numbers(store: Store, chain: str) -> set[int]:
    """Numbers of the runs that are sealed. Raises ReporterError."""
    newest = head(store, chain)
    return (_followed(store, chain) - {0}) | ({newest.number} if newest else set())


def unsealed(store: Store, chain: str, claimed: Iterable[int], before: Head | None, number: int) -> str:
    """Numbers between the run before and this one that were claimed and have no seal, as `5, 7-9`: those runs died, or are still at work."""
    sealed = sealed_numbers(store, chain)
    after = before.number if before else 0
    return ranges(other for other in claimed if after < other < number and other not in sealed)


def ranges(numbers: Iterable[int]) -> str:
    """7, 8, 9, 5 -> `5, 7-9`. A seal is small: what would not fit into it is left out, and stays a gap that nobody explains."""
    runs = [[number for _, number in group] for _, group in groupby(enumerate(sorted(set(numbers))), key=lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs[:_MOST_RANGES])


def chain_id(store: Store, chain: str, now: datetime) -> str:
    """When the state of the chain was made, and a word of its own. Raises ReporterError."""
    name = f"{FOLDER}{chain}/id"
    store.create(name, f"{iso(now)} {uuid.uuid4().hex[:12]}".encode())
    return (store.read(name) or b"").decode("ascii", "replace")


def _followed(store: Store, chain: str) -> set[int]:
    begin = f"{FOLDER}{chain}/after-"
    numbers = (name.removeprefix(begin).removesuffix("/SEAL.txt") for name in store.names(begin))
    return {int(number) for number in numbers if number.isdigit()}


def _after(store: Store, chain: str, number: int) -> Head | None:
    name = _name(chain, number)
    text = store.read(name)
    if text is None:
        return None
    try:
        return Head.of(text)
    except ValueError as error:
        raise _broken(store, name, "it is no seal") from error


def _broken(store: Store, name: str, why: str) -> ReporterError:
    return ReporterError(
        f"the chain of seals cannot be followed: {why}",
        where=f"{store.where}/{name}",
        fix="restore the file from the bucket's versions or a backup; or give evidence.chain another name, and tell the auditor",
        meanwhile="no run is sealed while nobody knows what it follows",
    )


def _name(chain: str, number: int) -> str:
    return f"{FOLDER}{chain}/after-{number:06d}/SEAL.txt"
