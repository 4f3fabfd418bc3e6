"""Does the key sign, and can the state and the packs be kept?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from reporter.clients.aws import HOME_REGION
from reporter.clients.kms import KmsKey
from reporter.clients.pack_bucket import MODES, Mode, PackBucket
from reporter.doors import open_store
from reporter.evidence.key import fingerprint, local_key
from reporter.opening import Clients
from reporter.preflight.finding import Finding, fail, ok, tried
from reporter.schedule import Schedule


def look(schedule: Schedule, clients: Clients) -> Iterator[Finding]:
    """The chain's own key, and folders of this machine, are only made by a run."""
    evidence = schedule.evidence
    for what, name in (("evidence key", evidence.key), ("evidence next key", evidence.next_key)):
        if name.startswith("kms:"):
            yield tried(what, partial(_signs, what, name.removeprefix("kms:"), name == evidence.key))
        elif name:
            yield tried(what, partial(_read, what, Path(name.removeprefix("file:"))))
    if not evidence.key and schedule.state:
        seen = "none is named, and the state is in a bucket: each machine signs with a key of its own"
        yield fail("evidence key", seen, "evidence.key: kms:alias/… of a P-256 key")
    if schedule.state:
        yield tried("state", partial(_reads, schedule, clients))
    if evidence.store.startswith("s3://"):
        bucket = PackBucket(evidence.store, clients.aws.client("", "s3", HOME_REGION))
        yield tried("evidence store", partial(_keeps, bucket, MODES[evidence.lock]))


def _signs(what: str, name: str, now: bool) -> Finding:
    """The key of today is asked for a signature that is not made; the next one need not sign yet."""
    key = KmsKey.find(name)
    if not now:
        return ok(what, f"{key.arn} can be read")
    key.try_to_sign()
    return ok(what, f"{key.arn} signs")


def _read(what: str, path: Path) -> Finding:
    return ok(what, f"{path} is read, its fingerprint {fingerprint(local_key(path).public_key())}")


def _reads(schedule: Schedule, clients: Clients) -> Finding:
    """Listing and reading; nothing has these names."""
    store = open_store(schedule, Path(), clients.aws)
    store.names("check/")
    store.read("check/none")
    return ok("state", f"{store.where} is listed and read")


def _keeps(bucket: PackBucket, mode: Mode) -> Finding:
    lacking = bucket.look().lacks(mode)
    if lacking:
        return fail("evidence store", *lacking)
    return ok("evidence store", f"{bucket.url} is versioned, {f'packs are locked ({mode})' if mode else 'packs are not locked'}")
