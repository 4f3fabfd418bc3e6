"""Whether a rule change has reached the agents: the rules are on the computer, and its policy was sent since.

What was sent is known by the tenant's own clock: the instant of the last sending has moved on since the change was planned or made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from reporter.actions.blast_radius import VIEW
from reporter.actions.rules import ids
from reporter.clients.hand import Hand
from reporter.clients.workload_protection import Gone
from reporter.core.change import ActionState, Change, Json, Outcome
from reporter.core.wording import counted

FEW = 10
"""So many computers are read one by one; more are searched for in pages."""
EXPAND = ("computerStatus", "intrusionPrevention")


def computers(hand: Hand, tenant: str, wanted: Collection[int]) -> dict[int, dict[str, Any]]:
    """These computers as they are now, by id; one that is there no more is left out. Raises Denied, Unavailable."""
    reader = hand.wp(tenant)

    def one(number: int) -> dict[str, Any] | None:
        try:
            return reader.get(f"/computers/{number}", right=VIEW["computers"], expand=list(EXPAND))
        except Gone:
            return None

    if len(wanted) <= FEW:
        found = dict(zip(sorted(wanted), reader.map(one, sorted(wanted)), strict=True))
        return {number: computer for number, computer in found.items() if computer is not None}
    listed = reader.search("/computers", "computers", right=VIEW["computers"], expand=EXPAND)
    return {computer["ID"]: computer for computer in listed if computer["ID"] in wanted}


def rules_of(computer: dict[str, Any]) -> set[int]:
    """Rules on the computer's agent. Raises Unavailable."""
    return ids(computer.get("intrusionPrevention") or {}, "ruleIDs", f"computer {computer['ID']}")


def online(computer: dict[str, Any]) -> bool:
    status = computer.get("computerStatus") or {}
    said = " ".join(str(message) for message in status.get("agentStatusMessages") or ())
    return status.get("agentStatus") in ("active", "warning") and "offline" not in said.lower()


def sent(hand: Hand, change: Change) -> dict[str, int]:
    """When the policies of the change's computers were last sent, to be read before it is made. Raises Denied, Unavailable."""
    there = computers(hand, change.account, change.before["computers"])
    return {str(number): computer["lastSendPolicySuccess"] for number, computer in there.items() if computer.get("lastSendPolicySuccess")}


def seen(hand: Hand, change: Change, delta: Json, wanted: Iterable[int]) -> Outcome:
    """VERIFIED once every agent that is online has the rules and was sent its policy since; APPLIED with what is missing until then."""
    asked, sent = set(wanted), {**change.before["sent"], **delta.get("sent", {})}
    policies = set(change.before["policies"])
    there = computers(hand, change.account, set(change.before["computers"]))
    mine = [computer for computer in there.values() if not policies or computer.get("policyID") in policies]
    awake = [computer for computer in mine if online(computer)]
    idle = [computer for computer in awake if (computer.get("intrusionPrevention") or {}).get("state") == "off"]
    late = [
        computer
        for computer in awake
        if not asked <= rules_of(computer) or (computer.get("lastSendPolicySuccess") or 0) <= (sent.get(str(computer["ID"])) or 0)
    ]
    asleep = len(mine) - len(awake)
    more = f"; {counted(asleep, 'computer', 'computers')} offline, to take it later" if asleep else ""
    if not awake:
        return Outcome(ActionState.APPLIED, f"none of {counted(len(mine), 'computer', 'computers')} is online to take it", delta)
    if late:
        return Outcome(ActionState.APPLIED, f"not yet on {len(late)} of {counted(len(awake), 'agent', 'agents')} online{more}", delta)
    if idle:
        return Outcome(
            ActionState.APPLIED,
            f"sent, but without effect on {counted(len(idle), 'computer', 'computers')}: the IPS module is off there{more}",
            delta,
        )
    return Outcome(ActionState.VERIFIED, f"on {counted(len(awake), 'agent', 'agents')}{more}", delta)
