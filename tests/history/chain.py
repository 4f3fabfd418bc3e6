"""A chain of whole runs without servers: a small world of two machines, concluded as a scheduled run is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reporter.clients.aws import AwsClients
from reporter.clients.store import FolderStore
from reporter.core.scope import ScopeState
from reporter.evidence.folder import building
from reporter.gather import Gathered
from reporter.propose import plan as hashed
from reporter.run import Watch, _bring_back, _conclude, _Facts, _numbering, _pack_store
from reporter.schedule import Schedule, parse
from reporter.sealing import Sealing
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES
from tests.joins.made import NOW, A, B, R, computer, denied, machine, policy, world
from tests.test_schedule import GOOD

I1, I2 = "i-0000000000000001", "i-0000000000000002"
DAY = timedelta(days=1)
WEAK = "firewall_active"
"""fails on both machines: their firewall is off, and the schedule wants it"""

SCHEDULE = (
    GOOD.replace('accounts: [{id: "111122223333"}]', f'accounts: [{{id: "{A}"}}, {{id: "{B}"}}]')
    + "checks: {required_modules: [intrusion_prevention, firewall]}\n"
)


def schedule(more: str = "", *, text: str = SCHEDULE) -> Schedule:
    return parse(text + more, "here")


def accepting(expires: str) -> str:
    """An exception for I1, as schedule.yaml has it."""
    given = {"check": WEAK, "resource": I1, "reason": "legacy", "owner": "payments", "approved_by": "ciso", "ticket": "SEC-1", "expires": expires}
    return f"exceptions: {json.dumps([given])}\n"


def night(
    out: Path,
    day: int,
    settings: Schedule | None = None,
    *,
    machines: Sequence[str] = (I1, I2),
    walls: Sequence[str] = (),
    unread: dict[tuple[str, str, str], ScopeState] | None = None,
    kind: str = "scheduled",
    acts_on: Path | None = None,
) -> Path:
    """One finished run, so many days after the first. `walls`: machines whose firewall is on."""
    now: datetime = NOW + day * DAY
    on = {"firewall_state": "on", "firewall_status": "active", "firewall_message": "On, 12 rules"}
    computers = [
        computer(number, name, last_contact=now, **(on if name in walls else {})) for number, name in enumerate((I1, I2), 1) if name in machines
    ]
    listed = [] if unread and (A, R, "ec2") in unread else [machine(name, launch_time=NOW - 40 * DAY) for name in machines]
    made = world((EC2_INSTANCES, listed), (WP_COMPUTERS, computers), (WP_POLICIES, [policy()]), unread=unread)
    chosen = settings or schedule()
    sealing = Sealing.of(chosen, out, FolderStore(out / ".state"))
    with building(out, _numbering(chosen, sealing.store, now), sealing.in_chain) as (folder, number):
        lost = _bring_back(sealing, AwsClients(), lambda: now)
        facts = _Facts(kind, chosen, now, "", (), number, stored=acts_on, lost=lost)
        empty = hashed(facts.run_id, (), {}, now, "")
        run = _conclude(folder, sealing, facts, Gathered(made.tables, made.ledger), Watch(), lambda _: (empty, ())).folder
        _pack_store(sealing, AwsClients(), lambda: now).publish(out)
        return run


def said(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


EC2_DENIED = denied(A, R, "ec2")
