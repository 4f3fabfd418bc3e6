"""How a computer is shown: what `expand` asks for, and with `overrides` only what is set on the computer itself."""

from __future__ import annotations

from reporter.sandbox.wp.call import Call, Refused
from reporter.sandbox.wp.effective import MODULES, assigned_rules, module_state, settings_there
from reporter.sandbox.wp.tenant import Object

SUMMARIES = (
    "azureARMVirtualMachineSummary",
    "azureVMVirtualMachineSummary",
    "ec2VirtualMachineSummary",
    "noConnectorVirtualMachineSummary",
    "vmwareVMVirtualMachineSummary",
    "vcloudVMVirtualMachineSummary",
    "workspaceVirtualMachineSummary",
    "gcpVirtualMachineSummary",
)
_PARTS = frozenset((*MODULES, *SUMMARIES, "computerStatus", "tasks", "securityUpdates", "computerSettings", "interfaces", "ESXSummary"))
_WORDS = {
    "none": frozenset[str](),
    "all": _PARTS,
    "allSecurityModules": frozenset(MODULES),
    "allVirtualMachineSummaries": frozenset(SUMMARIES),
    **{part: frozenset((part,)) for part in _PARTS},
}


def expanded(call: Call) -> frozenset[str]:
    """Parts asked for by the repeated query parameter `expand`; all of them when it is not given. Raises Refused(400) on an unknown word."""
    words = call.query.get("expand", ["all"])
    if any(word not in _WORDS for word in words):
        raise Refused(400, "expand does not allow this value")
    return frozenset[str]().union(*(_WORDS[word] for word in words))


def shown(call: Call, computer: Object, parts: frozenset[str]) -> Object:
    """The computer as the answer has it; scalar properties are always there."""
    if call.overrides:
        return _overridden(call, computer, parts)
    view = {key: value for key, value in computer.items() if key not in _PARTS or key in parts}
    policy_id = computer.get("policyID")
    for module in MODULES:
        if policy_id and module in view and "state" not in view[module]:
            state = module_state(call.tenant, policy_id, module)
            view[module] = {**view[module], **({"state": state} if state else {})}
    if "computerSettings" in parts:
        settings = settings_there(call.tenant, "computers", computer["ID"])
        if settings:
            view["computerSettings"] = settings
    return view


def _overridden(call: Call, computer: Object, parts: frozenset[str]) -> Object:
    view = {key: value for key, value in computer.items() if key not in _PARTS}
    own = {module: dict(value) for module, value in call.tenant.computer_overrides.get(computer["ID"], {}).items()}
    rules = assigned_rules(call.tenant, "computers", computer["ID"], overrides=True)
    if rules:
        own["intrusionPrevention"] = {**own.get("intrusionPrevention", {}), "ruleIDs": rules}
    if computer.get("computerSettings"):
        own["computerSettings"] = computer["computerSettings"]
    view.update({part: value for part, value in own.items() if part in parts and value})
    if call.knobs.overrides_id == "without":
        del view["ID"]
    return view
