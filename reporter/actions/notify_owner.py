"""Tell the team that owns an unprotected instance: one notice for each address and run, with that address's rows only.

An instance is announced where it is not protected (never where that is unknown) and a real, open GuardDuty finding names it, or it can surely reach
a bucket with a real, open Macie alert. The same finding on the same instance is announced again only when the finding was updated or the protection
is another. A mail cannot be looked for once it is sent: where nobody knows whether it was, it is not sent a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from reporter.actions.owner_notice import message, rank
from reporter.clients.hand import Hand
from reporter.core.action import Action, NotMade, NotNeeded, Stale
from reporter.core.change import ActionState, Change, Json, Outcome
from reporter.core.clock import iso
from reporter.core.past import Deed, Past
from reporter.core.settings import OwnersSettings
from reporter.core.world import World
from reporter.schedule import Actions
from reporter.tables.joined import BUCKET_ACCESS, FINDINGS, INSTANCES

__all__ = ["ACTION", "message"]

NAME = "notify_owner"
UNPROTECTED = frozenset({"unmanaged", "inactive", "offline", "no_policy"})
NO_ADDRESS = "owners without an address"
"""target of the change that is held because nobody can be told"""

_MAYBE_SENT = "maybe sent"

Item = dict[str, Any]
"""One finding on one instance, as a notice tells it; plain JSON."""


def plan(world: World, past: Past, settings: Actions) -> list[Change]:
    """One change per address, with what it was not told yet; what may have been told is held, until it changes."""
    del settings
    told = {_key(item) for deed in past.standing(NAME) for item in deed.change.after["items"]}
    unsure = {_key(item): deed.run for deed in past.of(NAME) if _maybe_sent(deed) for item in deed.change.after["items"]}
    by_address: dict[str, list[Item]] = defaultdict(list)
    for item in _items(world):
        if _key(item) not in told:
            by_address[_address(item["owner"], world.settings.owners)].append(item)
    changes = []
    for address, items in sorted(by_address.items()):
        new = [item for item in items if _key(item) not in unsure]
        held = "" if address else "no address: owners.addresses / owners.default"
        if not new:
            runs = sorted({unsure[_key(item)] for item in items})
            held = f"a notice of this may have been sent by {', '.join(runs)}: that is not known, and it is not sent twice"
        changes.append(_change(address, new or items, held, world.settings.language))
    return changes


def _items(world: World) -> Iterator[Item]:
    """Every finding that asks for a notice on every instance it asks it for, worst first."""
    instances = {(one["account"], one["instance_id"]): one for one in _unprotected(world)}
    earliest = world.now - timedelta(minutes=world.settings.checks.grace_minutes)
    found: dict[tuple[str, str], Item] = {}
    alerts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for finding in _real(world):
        instance = instances.get((finding["account"], finding["instance_id"]))
        if finding["source"] == "macie":
            alerts[_bucket_name(finding["resource"])].append(finding)
        elif instance is not None:
            found[finding["finding_id"], finding["instance_id"]] = _item(finding, instance, "", earliest)
    for access in _reaching(world):
        instance = instances.get((access["instance_account"], access["instance_id"]))
        bucket = _bucket_name(access["bucket"])
        if instance is None:
            continue
        for alert in alerts.get(bucket, ()):
            found[alert["finding_id"], access["instance_id"]] = _item(alert, instance, bucket, earliest)
    yield from sorted(found.values(), key=lambda item: (rank(item["severity"]), item["account"], item["instance"], item["finding"]))


def _unprotected(world: World) -> list[dict[str, Any]]:
    instances = world.table(INSTANCES)
    names = ["account", "region", "instance_id", "owner", "protection", "state", "launch_time"]
    return _records(instances.loc[instances["protection"].isin(UNPROTECTED), names])


def _real(world: World) -> list[dict[str, Any]]:
    """GuardDuty findings and Macie alerts that are no samples and not archived."""
    findings = world.table(FINDINGS)
    wanted = findings["source"].isin(["guardduty", "macie"]) & ~findings["sample"].astype(bool) & ~findings["archived"].astype(bool)
    names = ["source", "finding_id", "account", "instance_id", "resource", "severity", "type", "title", "created_at", "updated_at"]
    return _records(findings.loc[wanted, names])


def _reaching(world: World) -> list[dict[str, Any]]:
    """Instances that can surely reach an alerted bucket."""
    access = world.table(BUCKET_ACCESS)
    wanted = (access["decision"] == "allowed") & access["instance_id"].notna()
    return _records(access.loc[wanted, ["bucket", "instance_account", "instance_id"]])


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows by column name; what is missing is None."""
    return [{name: None if pd.isna(value) else value for name, value in row.items()} for row in frame.to_dict("records")]


def _bucket_name(resource: str | None) -> str:
    return (resource or "").rpartition(":::")[2]


def _item(finding: Mapping[str, Any], instance: Mapping[str, Any], bucket: str, earliest: datetime) -> Item:
    return {
        "finding": finding["finding_id"],
        "updated_at": iso(finding["updated_at"]),
        "instance": instance["instance_id"],
        "account": instance["account"],
        "region": instance["region"],
        "protection": instance["protection"],
        "severity": finding["severity"],
        "why": f"macie bucket {bucket}" if bucket else "guardduty",
        "source": finding["source"],
        "bucket": bucket,
        "title": finding["title"] or "",
        "type": finding["type"],
        "since": iso(finding["created_at"] or finding["updated_at"]),
        "owner": instance["owner"] or "",
        "state": instance["state"],
        "young": instance["launch_time"] is not None and instance["launch_time"] > earliest,
    }


def _key(item: Json) -> tuple[str, ...]:
    """What makes two announcements the same."""
    return (item["finding"], item["instance"], item["updated_at"], item["protection"])


def _maybe_sent(deed: Deed) -> bool:
    return deed.state is ActionState.FAILED and (deed.delta.get(_MAYBE_SENT) is True or len(deed.calls) > len(deed.answers))


def _address(owner: str, owners: OwnersSettings) -> str:
    return owners.addresses.get(owner) or owners.default


def _change(address: str, items: Sequence[Item], held: str, language: str) -> Change:
    instances = sorted({item["instance"] for item in items})
    some = f"{len(instances)} unprotected instance{'s' if len(instances) != 1 else ''}"
    return Change(
        action=NAME,
        target=address or NO_ADDRESS,
        account="",
        region="",
        severity=items[0]["severity"],
        reason=f"{some} that findings name, or that can reach a bucket with an alert; the owner has not been told yet",
        before={},
        after={"to": address, "language": language, "items": list(items)},
        subjects=(address or NO_ADDRESS,),
        facts={
            "findings": sorted({item["finding"] for item in items}),
            "instances": instances,
            "owners": sorted({item["owner"] for item in items}),
        },
        held=held,
    )


def apply(change: Change, hand: Hand, resumed: bool) -> Outcome:
    """Sends it, at most once."""
    notice = message(change, "", hand.deed, hand.begun)
    told = {_key(item) for deed in hand.standing for item in deed.change.after["items"]}
    new = [item for item in change.after["items"] if _key(item) not in told]
    if not new:
        raise NotNeeded("an earlier notice told all of it")
    if len(new) < len(change.after["items"]):
        raise Stale("an earlier notice told a part of it")
    receipts = [answer["answer"]["receipt"] for answer in hand.answers if "answer" in answer]
    if receipts:
        return Outcome(ActionState.APPLIED, "", {"message_id": str(notice["Message-ID"]), "receipt": receipts[0]})
    if resumed and hand.calls > len(hand.answers):
        known = {"message_id": str(notice["Message-ID"]), _MAYBE_SENT: True}
        return Outcome(ActionState.FAILED, f"whether it was sent is not known; it is not sent twice: Message-ID {notice['Message-ID']}", known)
    receipt = hand.mail(notice)["receipt"]
    return Outcome(ActionState.APPLIED, "", {"message_id": str(notice["Message-ID"]), "receipt": receipt})


def verify(change: Change, delta: Json, hand: Hand) -> Outcome:
    del change, hand
    return Outcome(ActionState.VERIFIED, "accepted by the mail server; whether it was read cannot be known", delta)


def undo(change: Change, delta: Json, hand: Hand) -> Outcome:
    del change, delta, hand
    raise NotMade("a sent notice cannot be taken back")


def _unlimited(settings: Actions) -> None:
    del settings


ACTION = Action(
    name=NAME,
    about="Tells the team that owns an unprotected instance which findings point at it",
    permissions=(),
    rights=(),
    mode=lambda settings: settings.notify_owner.mode,
    limit=_unlimited,
    plan=plan,
    apply=apply,
    verify=verify,
    undo=undo,
    reads="instances, findings, bucket access; what earlier runs announced",
    writes="one mail to each address, through SMTP or SES",
    takes_back="nothing: a sent notice cannot be taken back",
    never="mails another owner's rows, announces an instance whose protection is unknown, sends a notice twice",
)
