"""asff.jsonl of a sealed run -> the Security Hub of each account and region that a result belongs to, as the account itself.

Sending twice changes nothing twice: a finding is known by its id. What may be open there is kept in the state before anything is sent, so that a
later run closes what a process that died had sent. A region where Security Hub is off is said, and changes nothing elsewhere. The workflow of a
finding is its customer's: only what this chain suppressed itself, because its failure was accepted, is taken up again when the exception ends.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from botocore.exceptions import BotoCoreError

from reporter.clients.aws_errors import from_the_way
from reporter.clients.security_hub import Refusal, SecurityHub
from reporter.clients.store import Store
from reporter.core.errors import NotEnabled, ReporterError, ScopeProblem
from reporter.evidence.seal import read_seal
from reporter.state import sent_findings
from reporter.state.deliveries import Delivery, DeliveryState
from reporter.state.sent_findings import KIND, Known, Sent

Finding: TypeAlias = Mapping[str, Any]

FILE = "asff.jsonl"
THREADS = 8
"""places that are sent to at the same time"""
BY = "workload-compliance-reporter"
_ENDED = "No exception accepts it any longer."
_MENDED = "It was put right, or is no longer there."


@dataclass(frozen=True)
class Place:
    """One account and region: its findings, and those of them that this chain suppressed before."""

    account: str
    region: str
    findings: tuple[Finding, ...]
    suppressed: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.account}_{self.region}"

    @property
    def where(self) -> str:
        return f"Security Hub of {self.account} in {self.region}"


@dataclass(frozen=True)
class Outcome:
    """What became of a place. `refused`: ids that were not taken; `muted`: accepted ones that are suppressed now; `lost`: who knows what arrived."""

    place: Place
    delivery: Delivery
    refused: frozenset[str] = frozenset()
    muted: frozenset[str] = frozenset()
    lost: bool = False
    nothing: bool = False
    """nothing was taken at all"""


@dataclass(frozen=True)
class Hubs:
    """A chain's findings in Security Hub. `client`: account, region -> boto3's client as that account; `known`: as the state said before the run."""

    state: Store
    chain: str
    known: Known
    now: Callable[[], datetime]
    client: Callable[[str, str], Any] = field(repr=False)

    def publish(self, run: Path) -> tuple[Delivery, ...]:
        """Send what stands in a sealed run. Never raises for what cannot be sent: it is said, place by place."""
        run_id = read_seal(run)["run_id"]
        places = self._places(run)
        opened = {sent.finding_id: sent for place in places for sent in map(_sent, place.findings) if sent}
        before = {sent.finding_id: sent for sent in self.known.sent}
        try:
            sent_findings.announce(self.state, run_id, {**before, **opened}.values(), self.now())
        except ReporterError as error:
            return tuple(self._said(run_id, place, DeliveryState.REFUSED, f"nothing was sent: {_line(error)}") for place in places)
        with ThreadPoolExecutor(THREADS) as threads:
            outcomes = list(threads.map(lambda place: self._one(run_id, place), places))
        done = tuple(outcome.delivery for outcome in outcomes)
        try:
            sent_findings.receive(self.state, self.chain, run_id, _open_now(before, opened, outcomes), done, self.now())
        except ReporterError as error:
            return tuple(replace(one, message=f"{one.message}; the state has no receipt of it: {_line(error)}") for one in done)
        return done

    def _places(self, run: Path) -> list[Place]:
        """Where findings of the run belong, in order."""
        muted = {sent.finding_id for sent in self.known.sent if sent.suppressed}
        found: dict[tuple[str, str], list[Finding]] = {}
        with (run / FILE).open("rb") as stream:
            for line in stream:
                finding = json.loads(line)
                found.setdefault((finding["AwsAccountId"], finding["ProductArn"].split(":")[3]), []).append(finding)
        return [
            Place(account, region, tuple(some), frozenset(muted & {str(finding["Id"]) for finding in some}))
            for (account, region), some in sorted(found.items())
        ]

    def _one(self, run_id: str, place: Place) -> Outcome:
        try:
            hub = SecurityHub(self.client(place.account, place.region), f"{place.account} {place.region}")
            freed = self._freed(hub, place)
            refused = hub.send(place.findings)
            accepted = [finding for finding in place.findings if _accepted(finding) and finding["Id"] not in place.suppressed]
            unmuted = _muted(hub, [finding for finding in accepted if finding["Id"] not in {refusal.id for refusal in refused}])
        except NotEnabled as problem:
            text = f"{problem.message}: {len(place.findings)} findings were not sent"
            return Outcome(place, self._said(run_id, place, DeliveryState.NOT_SENT, text), nothing=True)
        except ScopeProblem as problem:
            text = f"{problem.message}; grant {problem.permission}" if problem.permission else problem.message
            return Outcome(place, self._said(run_id, place, DeliveryState.REFUSED, text), lost=True)
        except BotoCoreError as error:
            text = from_the_way(error, where=place.where).message
            return Outcome(place, self._said(run_id, place, DeliveryState.REFUSED, text), nothing=True)
        ids = frozenset(refusal.id for refusal in refused)
        muted = frozenset(str(finding["Id"]) for finding in accepted) - ids - {refusal.id for refusal in unmuted}
        state = DeliveryState.REFUSED if (refused or unmuted or freed) else DeliveryState.SENT
        delivery = self._said(run_id, place, state, _counted(place, refused, [*unmuted, *freed]))
        return Outcome(place, delivery, ids, muted | (place.suppressed - _no_longer_accepted(place)))

    def _freed(self, hub: SecurityHub, place: Place) -> list[Refusal]:
        """Take up again what this chain suppressed and no exception accepts any longer: before it is sent, as a suppressed finding may not change."""
        ids = _no_longer_accepted(place)
        active = [finding for finding in place.findings if finding["Id"] in ids and finding["RecordState"] == "ACTIVE"]
        closed = [finding for finding in place.findings if finding["Id"] in ids and finding["RecordState"] != "ACTIVE"]
        refused = hub.set_workflow(active, "NEW", _ENDED, BY) + hub.set_workflow(closed, "RESOLVED", _MENDED, BY)
        return [refusal for refusal in refused if refusal.code != "FindingNotFound"]

    def _said(self, run_id: str, place: Place, state: DeliveryState, message: str) -> Delivery:
        return Delivery(run_id, place.name, place.where, state, self.now(), message, KIND)


def _muted(hub: SecurityHub, findings: Sequence[Finding]) -> list[Refusal]:
    """Suppress what was accepted, each with the note that names its exception. Returns those that were not."""
    by_note: dict[str, list[Finding]] = {}
    for finding in findings:
        by_note.setdefault(finding["Note"]["Text"], []).append(finding)
    return [refusal for note, some in sorted(by_note.items()) for refusal in hub.set_workflow(some, "SUPPRESSED", note, BY)]


def _accepted(finding: Finding) -> bool:
    return bool(finding.get("Workflow", {}).get("Status") == "SUPPRESSED")


def _no_longer_accepted(place: Place) -> frozenset[str]:
    return frozenset(str(finding["Id"]) for finding in place.findings if finding["Id"] in place.suppressed and not _accepted(finding))


def _sent(finding: Finding) -> Sent | None:
    """A finding as the state keeps it; None for one that is closed."""
    if finding["RecordState"] != "ACTIVE":
        return None
    fields = finding["ProductFields"]
    return Sent(
        finding["Id"],
        fields["reporter/check"],
        finding["AwsAccountId"],
        fields["reporter/region"],
        fields["reporter/resource"],
        finding["FindingProviderFields"]["Severity"]["Original"],
        finding["CreatedAt"],
    )


def _open_now(before: Mapping[str, Sent], opened: Mapping[str, Sent], outcomes: Iterable[Outcome]) -> list[Sent]:
    """What may be open in Security Hub: what was, and what was sent; without what is closed now, and what was never taken."""
    now = dict(before)
    for outcome in outcomes:
        for finding in outcome.place.findings:
            name = str(finding["Id"])
            arrived = not outcome.nothing and name not in outcome.refused
            if name in opened:
                if arrived or name in before:
                    suppressed = name in outcome.muted if arrived and not outcome.lost else name in outcome.place.suppressed
                    now[name] = replace(opened[name], suppressed=suppressed)
            elif arrived and not outcome.lost:
                now.pop(name, None)
    return list(now.values())


def _counted(place: Place, refused: Sequence[Refusal], unchanged: Sequence[Refusal]) -> str:
    ids = {refusal.id for refusal in refused}
    taken = [finding for finding in place.findings if finding["Id"] not in ids]
    closed = sum(finding["RecordState"] != "ACTIVE" for finding in taken)
    said = f"{len(taken) - closed} open, {closed} closed"
    for what, some in (("not taken", refused), ("workflow not set", unchanged)):
        for code, count in sorted(Counter(refusal.code for refusal in some).items()):
            said += f"; {count} {what}: {code} ({next(refusal.message for refusal in some if refusal.code == code)})"
    return " ".join(said.split())[:500]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
