"""What the two scans have in common: which computers are asked for, one task per computer or policy, and how a scan is seen to have run.

Workload Protection starts a scan only through a scheduled task. A task that is to run once and now deletes itself afterwards; creating one twice
would scan twice, so it is looked for by its name first, and after a create call of which nobody knows whether it took effect none is created
before the bound has passed. There is no job id, no progress and no result: a scan is confirmed when its date on the computer has moved, and that
proves that it ran, not what it found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd

from reporter.clients.hand import Hand
from reporter.clients.workload_protection import Gone
from reporter.core.action import NotMade, NotNeeded, Stale
from reporter.core.change import WORST_FIRST, ActionState, Change, Json, Outcome
from reporter.core.clock import from_millis, iso
from reporter.core.errors import Unavailable
from reporter.core.past import Past
from reporter.core.records import records
from reporter.core.scope import TENANT_REGION
from reporter.core.world import World
from reporter.tables.joined import BUCKET_ACCESS, FINDINGS, INSTANCES
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES, WP_ROLES

BOUND = timedelta(hours=24)
"""How long a scan may take to be seen; before that no second task is created."""

NAMED = 3
"""buckets that are named in a reason; all of them are in bucket_access.csv"""

COMPUTERS = "platformRights.computerRights.canViewOtherComputers"
_TASKS = "platformRights.scheduledTaskRights"
VIEW_TASKS, CREATE, EXECUTE, DELETE = (
    f"{_TASKS}.{right}" for right in ("canViewScheduledTasks", "canCreateNewScheduledTasks", "canExecuteScheduledTasks", "canDeleteScheduledTasks")
)
RIGHTS = (COMPUTERS, VIEW_TASKS, CREATE, EXECUTE, DELETE)
ONLINE = frozenset({"active", "warning"})
WAITING = (None, ActionState.APPLIED, ActionState.PENDING)
_EXPAND = ("computerStatus", "integrityMonitoring")


class Seen(NamedTuple):
    """A computer's last scan: when, and whether its result counts."""

    last: str | None
    valid: bool = True


@dataclass(frozen=True)
class Scan:
    """One kind of scan. `column`: of INSTANCES, its last date; `source`: what that was read by.

    `against(row)`: why an instance (a row of INSTANCES) cannot be scanned, or "". `seen(hand, tenant, computer id, computer)`: the last scan;
    `computer` is what was read of it just now, or None. `ready(computer)`: why it cannot be scanned now, or "".
    """

    action: str
    words: str
    short: str
    task_type: str
    parameters: str
    column: str
    source: str
    against: Callable[[Any], str]
    seen: Callable[[Hand, str, int, Json | None], Seen]
    ready: Callable[[Json], str] = lambda _: ""
    more: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A computer and what asks for a scan of it. `instances`: rows of INSTANCES it stands for. `newest`: the newest update of what asks."""

    tenant: str
    computer_id: int
    instances: tuple[Any, ...]
    findings: tuple[str, ...]
    buckets: tuple[str, ...]
    severity: str
    newest: datetime

    @property
    def target(self) -> str:
        return f"{self.tenant}/computer/{self.computer_id}"

    @property
    def instance(self) -> Any:
        return self.instances[0]

    @property
    def instance_ids(self) -> tuple[str, ...]:
        return tuple(sorted({row.instance_id for row in self.instances}))

    @property
    def why(self) -> str:
        """What asks, as the begin of a sentence."""
        more = f" and {len(self.buckets) - NAMED} more" if len(self.buckets) > NAMED else ""
        buckets = f"{'a bucket' if len(self.buckets) == 1 else 'buckets'} that it can reach ({', '.join(self.buckets[:NAMED])}{more})"
        reached = f", through {buckets}" if self.buckets else ""
        count = "1 finding concerns" if len(self.findings) == 1 else f"{len(self.findings)} findings concern"
        return f"{count} {' and '.join(self.instance_ids)}{reached}, updated {iso(self.newest)}"

    def facts(self) -> dict[str, Any]:
        return {"findings": list(self.findings), "instances": list(self.instance_ids), "buckets": list(self.buckets), "computers": 1}


def asked(world: World) -> list[Asked]:
    """Computers of protected and offline instances that a real, open GuardDuty finding names or that can reach a bucket with an alert."""
    asking = [*_named(world), *_reaching(world)]
    instances = world.table(INSTANCES)
    managed = instances["protection"].isin(["protected", "offline"]) & instances["computer_id"].notna()
    concerned = instances["instance_id"].isin({instance for (_, instance), _, _ in asking})
    places = {(row.account, row.instance_id): row for row in records(instances[managed & concerned])}
    asks: dict[tuple[str, int], list[tuple[Any, Any, str]]] = defaultdict(list)
    for place, finding, bucket in asking:
        row = places.get(place)
        if row is not None:
            asks[row.tenant, int(row.computer_id)].append((row, finding, bucket))
    return [_asked(*key, asks[key]) for key in sorted(asks)]


def _asked(tenant: str, computer_id: int, asks: Sequence[tuple[Any, Any, str]]) -> Asked:
    rows = {(row.account, row.region, row.instance_id): row for row, _, _ in asks}
    return Asked(
        tenant,
        computer_id,
        tuple(rows[key] for key in sorted(rows)),
        tuple(sorted({finding.finding_id for _, finding, _ in asks})),
        tuple(sorted({bucket for _, _, bucket in asks if bucket})),
        worst(finding.severity for _, finding, _ in asks),
        max(finding.updated_at for _, finding, _ in asks),
    )


def worst(severities: Iterator[str]) -> str:
    """The worst severity; a word that is not known counts as the least."""
    return min(severities, key=lambda word: (WORST_FIRST.index(word) if word in WORST_FIRST else len(WORST_FIRST), word))


def _open(world: World, source: str) -> pd.DataFrame:
    findings = world.table(FINDINGS)
    return findings[(findings["source"] == source) & ~findings["sample"].astype(bool) & ~findings["archived"].astype(bool)]


def _named(world: World) -> Iterator[tuple[tuple[str, str], Any, str]]:
    findings = _open(world, "guardduty")
    for finding in records(findings[findings["instance_id"].notna()]):
        yield (finding.account, finding.instance_id), finding, ""


def _reaching(world: World) -> Iterator[tuple[tuple[str, str], Any, str]]:
    alerts: dict[str, list[Any]] = defaultdict(list)
    for finding in records(_open(world, "macie")):
        alerts[(finding.resource or "").rpartition(":::")[2]].append(finding)
    paths = world.table(BUCKET_ACCESS)
    allowed = paths[(paths["decision"] == "allowed") & paths["instance_id"].notna()]
    for path in records(allowed.drop_duplicates(["bucket", "instance_account", "instance_id"])):
        name = path.bucket.rpartition(":::")[2]
        for finding in alerts.get(name, ()):
            yield (path.instance_account, path.instance_id), finding, name


def plan(scan: Scan, world: World, past: Past) -> list[Change]:
    """One change for each computer whose last scan is not newer than what asks for one."""
    waiting = _waiting(scan, world, past)
    changes = []
    for one in asked(world):
        last = getattr(one.instance, scan.column)
        due = last is None or last <= one.newest
        if due and (one.tenant, one.computer_id) not in waiting:
            changes.append(_change(scan, world, one, None if last is None else iso(last)))
    return changes


def _waiting(scan: Scan, world: World, past: Past) -> set[tuple[str, int]]:
    """Computers for which a scan was asked, within its bound, and is not confirmed yet."""
    return {
        (deed.change.account, computer_id)
        for deed in past.standing(scan.action)
        if deed.state in WAITING and world.now - deed.begun < BOUND
        for computer_id in computers_of(deed.change.before)
    }


def _change(scan: Scan, world: World, one: Asked, last: str | None) -> Change:
    policy_id = one.instance.policy_id
    return Change(
        scan.action,
        one.target,
        one.tenant,
        TENANT_REGION,
        one.severity,
        f"{one.why}; its last {scan.words}: {last or 'never'}",
        before={"computer": one.computer_id, "last_scan": last, "policy_id": None if policy_id is None else int(policy_id)},
        after={"scan": "requested", "newer_than": iso(one.newest)},
        subjects=one.instance_ids,
        facts=one.facts(),
        held=_held(scan, world, one),
    )


def _held(scan: Scan, world: World, one: Asked) -> str:
    if one.instance.state != "running":
        return f"the instance is {one.instance.state}: no agent runs"
    if one.instance.protection == "offline":
        return "the agent is offline: a scan would never start"
    if not world.tenant_read(one.tenant, scan.source):
        return f"{scan.source} of tenant {one.tenant} was not read: it is not known when it was last scanned"
    return scan.against(one.instance)


def computers_of(before: Json) -> dict[int, str | None]:
    """Computer -> its last scan, as the plan saw it; of a change for one computer and of one for a policy."""
    rows = before.get("computers") or [before]
    return {int(row["computer"]): row["last_scan"] for row in rows}


def combine(scan: Scan, changes: Sequence[Change], world: World) -> list[Change]:
    """Where every computer that uses a policy, two at least, is to be scanned, one task for the policy."""
    groups: dict[tuple[str, int], list[Change]] = defaultdict(list)
    for change in changes:
        if change.before["policy_id"] is not None:
            groups[change.account, change.before["policy_id"]].append(change)
    computers = world.table(WP_COMPUTERS)
    whole: dict[tuple[str, int], list[Change]] = {}
    for (tenant, policy_id), group in groups.items():
        using = set(computers.loc[(computers["tenant"] == tenant) & (computers["policy_id"] == policy_id), "computer_id"])
        if len(group) > 1 and using == {change.before["computer"] for change in group} and _sees_all(world, tenant):
            whole[tenant, policy_id] = group
    single = [change for change in changes if (change.account, change.before["policy_id"]) not in whole]
    return [*single, *(_together(scan, world, tenant, policy_id, group) for (tenant, policy_id), group in sorted(whole.items()))]


def _sees_all(world: World, tenant: str) -> bool:
    """Whether a computer that is not in the tables does not use the policy either."""
    if not (world.tenant_read(tenant, "wp_computers") and world.tenant_read(tenant, "wp_roles")):
        return False
    roles = world.table(WP_ROLES)
    mine = roles.loc[roles["tenant"] == tenant, ["all_computers", "all_policies"]]
    return len(mine) > 0 and bool(mine.fillna(value=False).to_numpy(dtype=bool).all())


def _together(scan: Scan, world: World, tenant: str, policy_id: int, group: Sequence[Change]) -> Change:
    policies = world.table(WP_POLICIES)
    names = policies.loc[(policies["tenant"] == tenant) & (policies["policy_id"] == policy_id), "name"]
    name = f" {next(iter(names))!r}" if len(names) else ""
    ordered = sorted(group, key=lambda change: int(change.before["computer"]))
    listed = {key: sorted({value for change in ordered for value in change.facts[key]}) for key in ("findings", "instances", "buckets")}
    found = len(listed["findings"])
    return replace(
        ordered[0],
        target=f"{tenant}/policy/{policy_id}",
        severity=worst(change.severity for change in ordered),
        reason=f"{found} findings concern all {len(ordered)} computers that use policy {policy_id}{name}: one {scan.words} for the policy",
        before={
            "policy_id": policy_id,
            "computers": [{"computer": change.before["computer"], "last_scan": change.before["last_scan"]} for change in ordered],
        },
        after={"scan": "requested", "newer_than": max(change.after["newer_than"] for change in ordered)},
        subjects=tuple(sorted({subject for change in ordered for subject in change.subjects})),
        facts={**listed, "computers": len(ordered)},
    )


def apply(scan: Scan, change: Change, hand: Hand, resumed: bool) -> Outcome:
    """Create the task, unless it is there, or may have been there. The outcome is always `pending`: a scan takes minutes to hours."""
    tenant, name = change.account, task_name(scan, change, hand)
    before = computers_of(change.before)
    asked_already = resumed and hand.calls > 0
    if not asked_already:
        _still(scan, change, hand, before)
    tasks = _tasks(hand, tenant, name)
    delta = {"task_id": tasks[0]["ID"] if tasks else None, "name": name, "computers": {str(number): last for number, last in before.items()}}
    if tasks:
        return Outcome(ActionState.PENDING, "scan requested: the task is there", delta)
    if asked_already:
        said = "the task may have been created, run and deleted: no second one is created before the scan is confirmed or 24 hours are over"
        return Outcome(ActionState.PENDING, said, delta)
    answer = hand.wp_write(tenant, "POST", "/scheduledtasks", _task(scan, change, name), right=f"{CREATE}, {EXECUTE}", repeatable=False)
    return Outcome(ActionState.PENDING, "scan requested", {**delta, "task_id": answer.get("ID")})


def task_name(scan: Scan, change: Change, hand: Hand) -> str:
    """The same for every attempt at a deed, and of no other deed."""
    return f"reporter-{scan.short}scan-{hand.deed.replace('/', '-')}-{change.target.rpartition('/')[2]}"


def _task(scan: Scan, change: Change, name: str) -> dict[str, Any]:
    before = change.before
    if "computers" in before:
        wanted = {"type": "computers-using-policy", "policyID": before["policy_id"]}
    else:
        wanted = {"type": "computer", "computerID": before["computer"]}
    once = {"timeZone": "UTC", "recurrenceType": "none", "recurrenceCount": 1, "onceOnlyScheduleParameters": {"startTime": 0}}
    body = {"name": name, "type": scan.task_type, "enabled": True, "runNow": True, "scheduleDetails": once}
    return {**body, scan.parameters: {"computerFilter": wanted, **scan.more}}


def _tasks(hand: Hand, tenant: str, name: str) -> list[dict[str, Any]]:
    """Tasks of exactly this name."""
    named = {"fieldName": "name", "stringTest": "equal", "stringValue": name, "stringWildcards": False}
    found = hand.wp(tenant).search("/scheduledtasks", "scheduledTasks", right=VIEW_TASKS, where=[named])
    return [task for task in found if task.get("name") == name]


def _still(scan: Scan, change: Change, hand: Hand, before: Mapping[int, str | None]) -> None:
    """Whether the world is as the plan saw it. Raises Stale, NotNeeded."""
    found = _read(change, hand, before)
    try:
        last = {number: scan.seen(hand, change.account, number, computer).last for number, computer in found.items()}
    except Gone as gone:
        raise Stale(f"a computer is gone: {gone.message}") from gone
    newer_than = change.after["newer_than"]
    if all(date is not None and date > newer_than for date in last.values()):
        raise NotNeeded(f"the last {scan.words} is newer than what asks for one")
    moved = sorted(number for number, date in last.items() if date != before[number])
    if moved:
        raise Stale(f"the last {scan.words} of {_numbers(moved)} is no longer that of the plan")
    for number, computer in found.items():
        if not _online(computer):
            raise Stale("the agent is offline now" if len(found) == 1 else f"the agent of {_numbers([number])} is offline now")
        why = scan.ready(computer)
        if why:
            raise Stale(why if len(found) == 1 else f"{_numbers([number])}: {why}")


def _online(computer: Json) -> bool:
    status = computer.get("computerStatus") or {}
    said = " ".join(str(message) for message in status.get("agentStatusMessages") or ())
    return status.get("agentStatus") in ONLINE and "offline" not in said.lower()


def _read(change: Change, hand: Hand, before: Mapping[int, str | None]) -> dict[int, dict[str, Any]]:
    """The computers of a change, as they are now: exactly those of the plan, on the policy they were on. Raises Stale."""
    reader, policy_id = hand.wp(change.account), change.before["policy_id"]
    if "computers" in change.before:
        using = {"fieldName": "policyID", "numericTest": "equal", "numericValue": policy_id}
        listed = reader.search("/computers", "computers", right=COMPUTERS, expand=_EXPAND, where=[using])
        found = {computer["ID"]: computer for computer in listed if computer.get("policyID") == policy_id}
        if found.keys() != before.keys():
            other = sorted(found.keys() ^ before.keys())
            raise Stale(f"the computers that use policy {policy_id} are no longer those of the plan: {_numbers(other)}")
        return found
    (number,) = before
    try:
        computer = reader.get(f"/computers/{number}", right=COMPUTERS, expand=list(_EXPAND))
    except Gone as gone:
        raise Stale(f"the computer is gone: {gone.message}") from gone
    if (computer.get("policyID") or None) != policy_id:
        raise Stale(f"{_numbers([number])} is on another policy now")
    return {number: computer}


def verify(scan: Scan, change: Change, delta: Json, hand: Hand) -> Outcome:
    """Whether the date of every computer has moved; a task that is still there then, or after the bound, is deleted."""
    del delta
    before = computers_of(change.before)
    confirmed: set[int] = hand.shared(("confirmed", hand.deed), set)
    for number in sorted(before.keys() - confirmed):
        if _confirmed(scan, change, hand, number, before[number]):
            confirmed.add(number)
    said = f"{len(confirmed)} of {len(before)} confirmed"
    if len(confirmed) == len(before):
        _clean(scan, change, hand)
        return Outcome(ActionState.VERIFIED, f"the {scan.words} ran: {said} by the date of the scan; that it ran does not say what it found")
    if hand.now() - hand.begun >= BOUND:
        _clean(scan, change, hand)
        return Outcome(ActionState.FAILED, f"not confirmed within 24 hours: {said}")
    return Outcome(ActionState.PENDING, f"scan requested: {said}")


def _confirmed(scan: Scan, change: Change, hand: Hand, number: int, before: str | None) -> bool:
    try:
        seen = scan.seen(hand, change.account, number, None)
    except Gone:
        return False
    return seen.valid and seen.last is not None and (before is None or seen.last > before)


def _clean(scan: Scan, change: Change, hand: Hand) -> None:
    """Delete the task where it did not do so itself."""
    for task in _tasks(hand, change.account, task_name(scan, change, hand)):
        hand.wp_write(change.account, "DELETE", f"/scheduledtasks/{task['ID']}", right=DELETE, repeatable=True)


def undo(change: Change, delta: Json, hand: Hand) -> Outcome:
    """A scan changes nothing that could be taken back."""
    del change, delta, hand
    raise NotMade("a scan cannot be undone")


def date(value: Any, where: str) -> str | None:
    """Milliseconds, as number or text -> ISO 8601; None: never. Raises Unavailable for what is no date."""
    try:
        instant = from_millis(value)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise Unavailable(f"{where}: {value!r:.40} is no date") from error
    return None if instant is None else iso(instant)


def _numbers(computers: Sequence[int]) -> str:
    named = ", ".join(str(number) for number in computers[:5])
    more = f" and {len(computers) - 5} more" if len(computers) > 5 else ""
    return f"computer{'s' if len(computers) > 1 else ''} {named}{more}"
