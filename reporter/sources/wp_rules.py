"""The intrusion prevention rule catalogue and its application types, once per tenant and run.

The rule's `identifier` is the vendor's and the same everywhere; its `ID` is this tenant's own. The whole catalogue is paged (some ten thousand rules,
three calls) and indexed here, because searching by CVE costs a call each and matches longer numbers with the same beginning.
"""

from __future__ import annotations

from typing import Any

from reporter.clients.workload_protection import WpReader
from reporter.clients.wp_objects import cves
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.workload_protection import WP_APPLICATION_TYPES, WP_RULES

RIGHT = "intrusionPreventionRights.intrusionPreventionRuleRights (view)"
PAGE = 5000
"""the largest page the vendor's guide names"""
WANTED = ("ID", "identifier", "name", "type", "severity", "CVE", "applicationTypeID", "detectOnly", "dependsOnRuleIDs")


def fetch(reader: WpReader) -> Rows:
    """All rules and application types of the tenant."""
    rules = reader.search("/intrusionpreventionrules", "intrusionPreventionRules", right=RIGHT, page=PAGE, wanted=WANTED)
    types = reader.search("/applicationtypes", "applicationTypes", right=RIGHT, page=PAGE, wanted=("ID", "name"))
    return {
        WP_RULES.name: [_row(reader.tenant, rule) for rule in rules],
        WP_APPLICATION_TYPES.name: [(reader.tenant, item["ID"], item.get("name") or f"application type {item['ID']}") for item in types],
    }


def _row(tenant: str, rule: dict[str, Any]) -> Row:
    good, odd = cves(rule.get("CVE"))
    identifier = rule.get("identifier")
    return (
        tenant,
        rule["ID"],
        str(identifier) if identifier else None,
        rule.get("name") or "",
        rule.get("type") or "unknown",
        rule.get("severity"),
        good,
        odd,
        rule.get("applicationTypeID") or None,
        bool(rule.get("detectOnly")),
        rule.get("dependsOnRuleIDs") or (),
    )


SOURCE = Source(name="wp_rules", tables=(WP_RULES, WP_APPLICATION_TYPES), permissions=(RIGHT,), reach=Reach.TENANT, fetch=fetch)
