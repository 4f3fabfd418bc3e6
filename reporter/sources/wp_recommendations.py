"""Recommendation scans: when each computer was last scanned, and what the scan recommends.

The API shows this only per computer, so this is one call for each computer that has an agent and stands for an AWS instance. It is a source of its
own, so that a key which may list computers but not their assignments leaves everything else readable.
"""

from __future__ import annotations

from typing import Any

from reporter.clients.workload_protection import WpReader
from reporter.clients.wp_objects import IDENTITY, cloud_identity
from reporter.core.clock import from_millis
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.workload_protection import WP_RECOMMENDATIONS

COMPUTERS = "platformRights.computerRights.canViewOtherComputers"
RULES = "intrusionPreventionRights.intrusionPreventionRuleRights (view)"
EXPAND = ("ec2VirtualMachineSummary", "noConnectorVirtualMachineSummary")
WANTED = ("ID", "agentFingerPrint", *IDENTITY)


def fetch(reader: WpReader) -> Rows:
    """One row for each computer with an agent fingerprint and an instance id; of instances that are asked about, theirs."""

    def row(computer_id: int) -> Row:
        assignments = reader.get(f"/computers/{computer_id}/intrusionprevention/assignments", right=RULES)
        return _row(reader.tenant, computer_id, assignments)

    computers = reader.search("/computers", "computers", right=COMPUTERS, expand=EXPAND, wanted=WANTED)
    named = [(computer["ID"], cloud_identity(computer)[1]) for computer in computers if computer.get("agentFingerPrint")]
    scanned = [number for number, instance in named if instance and (not reader.only or instance in reader.only)]
    return {WP_RECOMMENDATIONS.name: reader.map(row, scanned)}


def _row(tenant: str, computer_id: int, assignments: dict[str, Any]) -> Row:
    return (
        tenant,
        computer_id,
        assignments.get("recommendationScanStatus") or "unknown",
        from_millis(assignments.get("lastRecommendationScanDate")),
        assignments.get("recommendedToAssignRuleIDs") or (),
        assignments.get("recommendedToUnassignRuleIDs") or (),
    )


SOURCE = Source(name="wp_recommendations", tables=(WP_RECOMMENDATIONS,), permissions=(COMPUTERS, RULES), reach=Reach.TENANT, fetch=fetch)
