"""Sending policies: what is assigned reaches an agent only when its policy is sent and the agent is there to take it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial

from reporter.sandbox.wp.effective import application_types, assigned_rules, auto_requires_update, computers_using
from reporter.sandbox.wp.knobs import Knobs
from reporter.sandbox.wp.tenant import Object, Parent, Tenant


def online(computer: Object) -> bool:
    return computer.get("computerStatus", {}).get("agentStatus") in ("active", "warning")


def after_change(tenant: Tenant, parent: Parent, object_id: int, now: int, knobs: Knobs) -> None:
    """A policy or computer was changed: send to the computers it concerns whose policy sends changes by itself."""
    concerned = [object_id] if parent == "computers" else computers_using(tenant, object_id, subpolicies=True)
    request(tenant, [computer_id for computer_id in concerned if auto_requires_update(tenant, computer_id)], now, knobs)


def request(tenant: Tenant, computer_ids: Iterable[int], now: int, knobs: Knobs) -> None:
    for computer_id in computer_ids:
        tenant.computers[computer_id]["lastSendPolicyRequest"] = now
        tenant.later(now + round(knobs.policy_delay * 1000), partial(_arrive, tenant, computer_id))


def _arrive(tenant: Tenant, computer_id: int, at: int) -> None:
    computer = tenant.computers.get(computer_id)
    if computer is None or not online(computer):
        return
    rules = assigned_rules(tenant, "computers", computer_id)
    module: Object = dict(computer.get("intrusionPrevention", {}))
    if rules or module:
        module["ruleIDs"], module["applicationTypeIDs"] = rules, application_types(tenant, rules)
        status = module.get("moduleStatus", {})
        if "agentStatusMessage" in status:
            module["moduleStatus"] = {**status, "agentStatusMessage": re.sub(r"\d+ rules|no rules", _counted(rules), status["agentStatusMessage"])}
        if not rules:
            del module["ruleIDs"], module["applicationTypeIDs"]
        computer["intrusionPrevention"] = module
    computer["lastSendPolicySuccess"] = at
    computer["lastAgentCommunication"] = max(at, computer.get("lastAgentCommunication", 0))


def _counted(rules: list[int]) -> str:
    return f"{len(rules)} rules" if rules else "no rules"
