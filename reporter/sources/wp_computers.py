"""Computers of a Workload Protection tenant, with what their agents say.

`state` is the policy's intent, `moduleStatus` is reality; both are kept. Expanding everything would bring 222 settings a computer, so only what is
used is asked for. Source: the vendor's OpenAPI, `computer`.
"""

from __future__ import annotations

from typing import Any

from reporter.clients.wanted import below
from reporter.clients.workload_protection import WpReader
from reporter.clients.wp_objects import IDENTITY, cloud_identity
from reporter.core.clock import from_millis
from reporter.core.errors import ScopeProblem
from reporter.core.modules import MODULES
from reporter.core.scope import TENANT_REGION, Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.evidence import COUNTS
from reporter.tables.workload_protection import WP_COMPUTERS

RIGHT = "platformRights.computerRights.canViewOtherComputers"
EXPAND = ("computerStatus", "securityUpdates", "ec2VirtualMachineSummary", "noConnectorVirtualMachineSummary", *MODULES.values())
WANTED = (
    "ID",
    "hostName",
    "displayName",
    "policyID",
    "agentFingerPrint",
    "agentVersion",
    "platform",
    "lastAgentCommunication",
    "lastSendPolicyRequest",
    "lastSendPolicySuccess",
    *below("computerStatus", "agentStatus", "agentStatusMessages"),
    *below("securityUpdates.updateStatus", "status", "statusMessage"),
    *IDENTITY,
    "intrusionPrevention.ruleIDs",
    "integrityMonitoring.lastIntegrityScan",
    *(path for name in MODULES.values() for path in below(name, "state", "moduleStatus.agentStatus", "moduleStatus.agentStatusMessage")),
)

LEAN_PAGE = 5000


def fetch(reader: WpReader) -> Rows:
    """All computers the key may see, one row each; of instances that are asked about, theirs."""
    computers = _named(reader) or reader.search("/computers", "computers", right=RIGHT, expand=EXPAND, wanted=WANTED)
    return {WP_COMPUTERS.name: [_row(reader.tenant, computer) for computer in computers], COUNTS.name: [] if reader.only else _counted(reader)}


def _counted(reader: WpReader) -> list[Row]:
    """How many computers a second search names, without any of their data: the API has no total. That it fails takes nothing from the first."""
    try:
        count, why = len(reader.search("/computers", "computers", right=RIGHT, expand=("none",), page=LEAN_PAGE, wanted=("ID",))), None
    except ScopeProblem as problem:
        count, why = None, problem.message
    return [(reader.tenant, TENANT_REGION, "wp", count, why)]


def _named(reader: WpReader) -> list[dict[str, Any]]:
    """Computers of the instances that are asked about. None found says little, for an id may be written otherwise: then all are read."""
    found: dict[int, dict[str, Any]] = {}
    for instance in reader.only:
        for summary in ("ec2VirtualMachineSummary", "noConnectorVirtualMachineSummary"):
            test = {"fieldName": f"{summary}/instanceID", "stringTest": "equal", "stringValue": instance, "stringWildcards": False}
            some = reader.search("/computers", "computers", right=RIGHT, expand=EXPAND, where=[test], wanted=WANTED)
            found |= {computer["ID"]: computer for computer in some if cloud_identity(computer)[1] == instance}
    return [found[number] for number in sorted(found)]


def _row(tenant: str, computer: dict[str, Any]) -> Row:
    account, instance, summary = cloud_identity(computer)
    status = computer.get("computerStatus") or {}
    ips = computer.get("intrusionPrevention") or {}
    updates = (computer.get("securityUpdates") or {}).get("updateStatus") or {}
    modules: list[Any] = []
    for name in MODULES.values():
        module = computer.get(name) or {}
        reality = module.get("moduleStatus") or {}
        modules += [module.get("state"), reality.get("agentStatus"), reality.get("agentStatusMessage")]
    return (
        tenant,
        computer["ID"],
        computer.get("hostName"),
        computer.get("displayName") or None,
        account,
        instance,
        summary,
        computer.get("policyID") or None,
        status.get("agentStatus"),
        status.get("agentStatusMessages") or (),
        bool(computer.get("agentFingerPrint")),
        computer.get("agentVersion"),
        computer.get("platform") or None,
        from_millis(computer.get("lastAgentCommunication")),
        from_millis(computer.get("lastSendPolicyRequest")),
        from_millis(computer.get("lastSendPolicySuccess")),
        ips.get("ruleIDs") or (),
        from_millis((computer.get("integrityMonitoring") or {}).get("lastIntegrityScan")),
        updates.get("status"),
        updates.get("statusMessage"),
        *modules,
    )


SOURCE = Source(name="wp_computers", tables=(WP_COMPUTERS, COUNTS), permissions=(RIGHT,), reach=Reach.TENANT, fetch=fetch)
