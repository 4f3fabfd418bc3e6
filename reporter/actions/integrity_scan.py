"""An integrity scan of protected instances that a GuardDuty finding names, or that can reach a bucket with a Macie alert.

The scan compares the computer with its baseline. The API has no integrity events: a scan is seen to have run, never what it found. It cannot be
undone: it changes nothing but its own date.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from reporter.actions import scans
from reporter.actions.scans import COMPUTERS, ONLINE, Scan, Seen, date
from reporter.clients.hand import Hand
from reporter.core.action import Action
from reporter.core.change import Json

NAME = "integrity_scan"
INACTIVE = "integrity monitoring is not active on the agent: there is nothing to compare with"
_ACTIVE = ("on", "real-time")


def _against(row: Any) -> str:
    if row.integrity_monitoring is None:
        return "Workload Protection does not say whether integrity monitoring runs"
    return "" if row.integrity_monitoring in _ACTIVE else INACTIVE


def _module(computer: Json) -> Json:
    return computer.get("integrityMonitoring") or {}


def _seen(hand: Hand, tenant: str, number: int, computer: Json | None) -> Seen:
    where = f"/computers/{number}"
    if computer is None:
        computer = hand.wp(tenant).get(where, right=COMPUTERS, expand=["integrityMonitoring"])
    return Seen(date(_module(computer).get("lastIntegrityScan"), f"GET {where} at tenant {tenant}"))


def _ready(computer: Json) -> str:
    module = _module(computer)
    runs = module.get("state") in _ACTIVE and (module.get("moduleStatus") or {}).get("agentStatus") in ONLINE
    return "" if runs else INACTIVE


SCAN = Scan(
    action=NAME,
    words="integrity scan",
    short="int",
    task_type="scan-for-integrity-changes",
    parameters="scanForIntegrityChangesTaskParameters",
    column="last_integrity_scan",
    source="wp_computers",
    against=_against,
    seen=_seen,
    ready=_ready,
    more={"trustedComputers": "all-computers"},
)

ACTION = Action(
    name=NAME,
    about="Integrity scan of instances that a finding concerns",
    permissions=(),
    rights=scans.RIGHTS,
    mode=lambda settings: str(settings.integrity_scan.mode),
    limit=lambda settings: int(settings.integrity_scan.limit),
    plan=lambda world, past, _: scans.plan(SCAN, world, past),
    combine=partial(scans.combine, SCAN),
    apply=partial(scans.apply, SCAN),
    verify=partial(scans.verify, SCAN),
    undo=scans.undo,
    reads="GuardDuty and Macie findings, paths to buckets, computers and their last scans",
    writes="one scheduled task that runs once, for a computer or for a policy all of whose computers are asked for; deletes it if it stays",
    takes_back="nothing: a scan that ran cannot be undone",
    never="scans where integrity monitoring is not active, or an offline agent; claims what a scan found; creates a second task within 24 hours",
)
