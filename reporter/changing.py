"""What a run does to the world: propose, apply what may be applied, verify; or apply an approved plan; or undo. All under the chain's lease."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pandas as pd

from reporter.acting import Act, Acting, proposed
from reporter.clients.store import Renew, Store, leased
from reporter.core import clock
from reporter.core.action import Action, unchanged
from reporter.core.change import ActionState, Change
from reporter.core.language import language
from reporter.core.past import Deed, Past
from reporter.core.recipient import Group
from reporter.core.world import World
from reporter.doors import open_doors
from reporter.opening import Clients
from reporter.propose import discover, modes, plan, propose
from reporter.reports.own_rows import enclosing, own_rows
from reporter.schedule import Actions, Schedule
from reporter.state import journal
from reporter.tables.joined import ACTIONS, FINDINGS

HEADERS = 1024
"""bytes for what the way to the mail server adds"""
PATIENCE = timedelta(minutes=5)
"""so long a run about one finding waits for another run to end its changes: findings come in bursts"""


@dataclass(frozen=True)
class Changing:
    """What a run does to the world, under the lease of its chain.

    `now`: when the run began; `ticking`: the present, from then on (default: a clock that starts at `now` once it is needed); `caller`: account of
    the current credentials; `pulse`: called before each change, what it raises stops the run there; `resumed`: the run was cut and goes on.
    """

    run: str
    schedule: Schedule
    now: datetime
    identity: str
    store: Store
    clients: Clients
    caller: str
    stage: Callable[[str], None] = lambda _: None
    told: Callable[[Act], None] = lambda _: None
    ticking: Callable[[], datetime] | None = None
    pulse: Callable[[], None] = lambda: None
    resumed: bool = False

    def scheduled(self, world: World) -> tuple[Mapping[str, Any], Sequence[Act]]:
        """Look again at what earlier runs did; propose; make the changes whose action the schedule lets apply by itself."""
        return self._proposed(world, discover(), lambda _: True, world)

    def named(self, finding: str, world: World) -> tuple[Mapping[str, Any], Sequence[Act]]:
        """The same for one finding alone, by the limits of all runs; its effect is looked for once, and again by the next scheduled run."""
        brief = self.schedule.actions.model_copy(update={"wait": timedelta(0)})
        actions = [_about(finding, action) for action in discover()]
        return self._proposed(world, actions, lambda deed: _names(finding, deed.change), None, brief, PATIENCE)

    def _proposed(
        self,
        world: World,
        actions: Sequence[Action],
        concerns: Callable[[Deed], bool],
        mailed: World | None,
        settings: Actions | None = None,
        patience: timedelta = timedelta(0),
    ) -> tuple[Mapping[str, Any], Sequence[Act]]:
        """`mailed`: where a notice is the head of the owner's report mail, what that shows; `patience`: how long the lease is waited for."""
        past, settings = journal.read(self.store), settings or self.schedule.actions
        propose = partial(planned, self.run, self.schedule, self.now, self.identity, world, actions=actions)
        applying = {action.name for action in actions if action.mode(settings) == "apply"}
        if not applying and not any(concerns(deed) for deed in past.waiting()):
            return propose(past)
        with leased(self.store, self.run, patience) as renew:
            acting = self._acting(past, renew, mailed, actions, settings)
            looked = [row for row in acting.resume(concerns) if row.run != self.run]  # its own are told below
            acting.past = past = journal.read(self.store)
            made_plan, rows = propose(self._before(past) if self.resumed else past)
            self.stage("apply")
            free = [row for row in rows if row.change.action in applying and not past.taken_back(row.change.action, row.change.target)]
            made = acting.apply([row.change for row in free], str(made_plan["hash"]))
            acting.journal.close()
        return made_plan, [*looked, *(_left_to_a_person(row, past) for row in rows if row not in free), *made]

    def _before(self, past: Past) -> Past:
        """What a run proposes by: what others did. Where it was cut in the midst of its changes, it proposes the same again, and finds them done."""
        return Past(tuple(deed for deed in past if deed.run != self.run))

    def approved(self, changes: Sequence[Change], digest: str) -> Sequence[Act]:
        """Look again at what earlier runs did; then make the changes of an approved plan."""
        return self._changing(lambda acting: [*acting.resume(), *self._fresh(acting).apply(changes, digest)])

    def undone(self, run: str) -> Sequence[Act]:
        return self._changing(lambda acting: acting.undo(run))

    def _changing(self, change: Callable[[Acting], list[Act]]) -> list[Act]:
        self.stage("apply")
        with self.store.lease(self.run) as renew:
            acting = self._acting(journal.read(self.store), renew)
            rows = change(acting)
            acting.journal.close()
        return rows

    def _fresh(self, acting: Acting) -> Acting:
        acting.past = journal.read(self.store)
        return acting

    def _acting(
        self, past: Past, renew: Renew, world: World | None = None, actions: Sequence[Action] | None = None, settings: Actions | None = None
    ) -> Acting:
        named, ticking = {action.name: action for action in actions or discover()}, self.ticking or clock.running(self.now)

        def going_on() -> None:
            self.pulse()
            renew()

        doors = open_doors(self.schedule, self.clients, self.caller)
        if world is not None and doors.send_mail is not None:
            doors = replace(doors, send_mail=self._with_own_rows(doors.send_mail, world))
        part = journal.next_part(self.store, self.run) if self.resumed else self.run
        writing = journal.Journal(self.store, self.run, ticking, part=part)
        return Acting(named, settings or self.schedule.actions, doors, writing, past, going_on, ticking, told=self.told, started=self.now)

    def _with_own_rows(self, send: Callable[[Any], str], world: World) -> Callable[[Any], str]:
        """Sends a notice as the head of the owner's report mail: with its rows, for an owner who is to get them in this run, where they fit."""
        most = self.schedule.deliver.email.max_bytes if self.schedule.deliver.email else 0
        readers = {one.to: language(one.language) for one in self.schedule.recipients() if one.group is Group.OWNER}

        def send_with(notice: Any) -> str:
            spoken = readers.get(str(notice["To"]))
            if spoken is None:
                return send(notice)
            rows = own_rows(world.tables, self.schedule.owners, str(notice["To"]))
            whole = enclosing(notice, rows, self.run, self.now, spoken)
            return send(whole if len(whole.as_bytes()) + HEADERS < most else notice)

        return send_with


def _left_to_a_person(row: Act, past: Past) -> Act:
    """A change that was undone once is not made again by standing approval."""
    if row.state is ActionState.PLANNED and past.taken_back(row.change.action, row.change.target):
        return replace(row, error="it was undone before: a person has to approve it again")
    return row


def _about(finding: str, action: Action) -> Action:
    """The action for one finding: nothing else is proposed, and no change for all computers of a policy is made of several."""

    def plan(world: World, past: Past, settings: Any) -> Sequence[Change]:
        return [change for change in action.plan(world, past, settings) if _names(finding, change)]

    return replace(action, plan=plan, combine=unchanged)


def _names(finding: str, change: Change) -> bool:
    return finding in change.facts.get("findings", ())


def planned(
    run: str, schedule: Schedule, now: datetime, identity: str, world: World, past: Past, actions: Sequence[Action] | None = None
) -> tuple[Mapping[str, Any], list[Act]]:
    """Propose only: the plan, and its rows."""
    actions = discover() if actions is None else actions
    changes = propose(world, past, schedule.actions, actions)
    return plan(run, changes, modes(schedule.actions, actions), now, identity, schedule), proposed(changes, now)


def acted(world: World, rows: Sequence[Act]) -> World:
    """The world with what is done about each finding: names of the actions that are planned for it, or made; skipped ones are not."""
    named: dict[str, set[str]] = {}
    for row in rows:
        if row.state is not ActionState.SKIPPED:
            for finding in row.change.facts.get("findings", ()):
                named.setdefault(str(finding), set()).add(row.change.action)
    findings = world.table(FINDINGS)
    said = [";".join(sorted(named.get(identifier, ()))) or None for identifier in findings["finding_id"]]
    return world.with_tables({FINDINGS.name: FINDINGS.conform(findings.assign(action=said))})


def actions_frame(rows: Sequence[Act]) -> pd.DataFrame:
    """The rows as the declared table."""
    return ACTIONS.frame(
        (
            row.change.action,
            row.change.target,
            row.change.account,
            row.change.region,
            row.change.severity,
            row.state.value,
            row.change.reason,
            row.error or None,
            row.change.subjects,
            row.at,
            row.run or None,
        )
        for row in rows
    )
