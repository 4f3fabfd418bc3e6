"""Computers: list, search, describe, modify, delete, and their settings."""

from __future__ import annotations

from reporter.sandbox.wp.call import Call, Refused, Route, not_found
from reporter.sandbox.wp.effective import MODULES
from reporter.sandbox.wp.projection import expanded, shown
from reporter.sandbox.wp.roles import require, visible_computers
from reporter.sandbox.wp.rules import checked_rules
from reporter.sandbox.wp.schemas import accepted
from reporter.sandbox.wp.search import search, shuffled
from reporter.sandbox.wp.sending import after_change
from reporter.sandbox.wp.tenant import Object

_ZERO_IS_SHOWN = ("groupID", "relayListID")


def _computer(call: Call) -> Object:
    computer = visible_computers(call).get(call.id("computerID"))
    if computer is None:
        raise not_found()
    return computer


def _list(call: Call) -> Object:
    parts = expanded(call)
    return {"computers": [shown(call, item, parts) for item in shuffled(visible_computers(call).values(), call.knobs, "computer")]}


def _search(call: Call) -> Object:
    parts = expanded(call)
    found = search(visible_computers(call).values(), "computer", call.document(), call.knobs)
    return {"computers": [shown(call, item, parts) for item in found]}


def _describe(call: Call) -> Object:
    return shown(call, _computer(call), expanded(call))


def _modify(call: Call) -> Object:
    computer, parts = _computer(call), expanded(call)
    require(call, "computerRights", "canEditComputerProperties")
    changes = accepted("computer", call.document())
    policy_id = changes.get("policyID", 0)
    if policy_id and policy_id not in call.tenant.policies:
        raise Refused(400, "policyID is not the ID of a policy")
    rules = changes.get("intrusionPrevention", {}).pop("ruleIDs", None)
    if rules is not None:
        call.tenant.own["computers", computer["ID"]] = checked_rules(call, rules)
    for name, value in changes.items():
        if name in MODULES:
            _modify_module(call, computer, name, value)
        elif isinstance(value, dict):
            computer[name] = {**computer.get(name, {}), **value}
        elif name.endswith("ID") and value == 0 and name not in _ZERO_IS_SHOWN:
            computer.pop(name, None)
        else:
            computer[name] = value
    if changes:
        after_change(call.tenant, "computers", computer["ID"], call.now, call.knobs)
    return shown(call, computer, parts)


def _modify_module(call: Call, computer: Object, name: str, value: Object) -> None:
    own = call.tenant.computer_overrides.setdefault(computer["ID"], {}).setdefault(name, {})
    own.update(value)
    module = {**computer.get(name, {}), **value}
    if value.get("state") == "inherited":
        del own["state"], module["state"]
    computer[name] = module


def _delete(call: Call) -> None:
    computer_id = _computer(call)["ID"]
    require(call, "computerRights", "canDeleteComputers")
    tenant = call.tenant
    del tenant.computers[computer_id]
    tenant.own.pop(("computers", computer_id), None)
    tenant.overrides.pop(("computers", computer_id), None)
    tenant.computer_overrides.pop(computer_id, None)
    tenant.recommendations.pop(computer_id, None)


ROUTES = (
    Route("GET", "/computers", _list),
    Route("POST", "/computers/search", _search),
    Route("GET", "/computers/{computerID}", _describe),
    Route("POST", "/computers/{computerID}", _modify),
    Route("DELETE", "/computers/{computerID}", _delete),
)
