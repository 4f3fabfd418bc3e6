"""Scans: what a finished recommendation or integrity scan leaves on a computer. An agent that is offline never finishes one (knob)."""

from __future__ import annotations

import zlib
from functools import partial

from reporter.sandbox.wp.effective import assigned_rules
from reporter.sandbox.wp.knobs import Knobs
from reporter.sandbox.wp.sending import online
from reporter.sandbox.wp.tenant import Object, Tenant

RECOMMENDATION = "scan-for-recommendations"
INTEGRITY = "scan-for-integrity-changes"
_TASK_TEXT = {RECOMMENDATION: "Scanning for Recommendations", INTEGRITY: "Scanning for Integrity Changes"}


def start(tenant: Tenant, kind: str, computer_ids: list[int], now: int, knobs: Knobs) -> None:
    """Start scans of this kind; they finish scan_delay later by the server's clock."""
    for computer_id in computer_ids:
        computer = tenant.computers[computer_id]
        if online(computer):
            _tasks(computer).append(_TASK_TEXT[kind])
        tenant.later(now + round(knobs.scan_delay * 1000), partial(_finish, tenant, kind, computer_id, knobs))


def _tasks(computer: Object) -> list[str]:
    texts: list[str] = computer.setdefault("tasks", {}).setdefault("agentTasks", [])
    return texts


def _finish(tenant: Tenant, kind: str, computer_id: int, knobs: Knobs, at: int) -> None:
    computer = tenant.computers.get(computer_id)
    if computer is None:
        return
    if _TASK_TEXT[kind] in computer.get("tasks", {}).get("agentTasks", ()):
        _tasks(computer).remove(_TASK_TEXT[kind])
    if not online(computer) and knobs.offline_scans == "never":
        return
    if kind == INTEGRITY:
        computer["integrityMonitoring"] = {**computer.get("integrityMonitoring", {}), "lastIntegrityScan": at}
        return
    before = tenant.recommendations.get(computer_id, {})
    found = before.get("afterScan") or (before if "recommendedToAssignRuleIDs" in before else _first_scan(tenant, computer_id, knobs))
    tenant.recommendations[computer_id] = {
        **before,
        "recommendationScanStatus": "valid",
        "lastRecommendationScanDate": at,
        "recommendedToAssignRuleIDs": found.get("recommendedToAssignRuleIDs", []),
        "recommendedToUnassignRuleIDs": found.get("recommendedToUnassignRuleIDs", []),
    }


def _first_scan(tenant: Tenant, computer_id: int, knobs: Knobs) -> Object:
    """Some rules that are not assigned and can be recommended: always the same ones for a computer."""
    assigned = set(assigned_rules(tenant, "computers", computer_id))
    possible = [key for key, rule in tenant.rules.items() if key not in assigned and rule.get("recommendationsMode") == "enabled"]
    possible.sort(key=lambda key: (zlib.crc32(f"{computer_id}:{key}".encode()), key))
    return {"recommendedToAssignRuleIDs": sorted(possible[: knobs.recommendations_per_scan])}
