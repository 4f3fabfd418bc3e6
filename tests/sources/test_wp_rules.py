from __future__ import annotations

import pytest

from reporter.core.errors import Denied
from reporter.sources.wp_rules import SOURCE
from reporter.tables.workload_protection import WP_APPLICATION_TYPES, WP_RULES
from tests.clients.wp_sandbox import Tenant, tenant

__all__ = ["tenant"]


def test_a_rule_is_one_row_with_its_cves_sorted_out(tenant: Tenant) -> None:
    tenant.seed(
        "rules",
        {
            "ID": 5,
            "identifier": "1006012",
            "name": "Log4Shell",
            "type": "vulnerability",
            "severity": "critical",
            "CVE": ["CVE-2021-45046", "cve-2021-44228\u00a0", "CAN-1"],
            "applicationTypeID": 2,
            "detectOnly": True,
            "dependsOnRuleIDs": [9],
        },
    )
    assert tenant.read(SOURCE, WP_RULES) == [
        {
            "tenant": "main",
            "rule_id": 5,
            "identifier": "1006012",
            "name": "Log4Shell",
            "type": "vulnerability",
            "severity": "critical",
            "cves": ("CVE-2021-44228", "CVE-2021-45046"),
            "odd_cves": ("CAN-1",),
            "application_type_id": 2,
            "detect_only": True,
            "depends_on": [9],
        }
    ]


def test_a_bare_rule_is_of_unknown_type_and_names_no_cve(tenant: Tenant) -> None:
    tenant.seed("rules", {"ID": 5, "applicationTypeID": 0})
    (row,) = tenant.read(SOURCE, WP_RULES)
    assert row == {
        "tenant": "main",
        "rule_id": 5,
        "identifier": None,
        "name": "",
        "type": "unknown",
        "severity": None,
        "cves": (),
        "odd_cves": (),
        "application_type_id": None,
        "detect_only": False,
        "depends_on": (),
    }


def test_an_identifier_that_came_as_a_number_is_text(tenant: Tenant) -> None:
    tenant.seed("rules", {"ID": 5, "identifier": 1006012})
    assert tenant.read(SOURCE, WP_RULES)[0]["identifier"] == "1006012"


def test_application_types_come_with_their_names(tenant: Tenant) -> None:
    tenant.seed("application_types", {"ID": 2, "name": "Web Server Common"}, {"ID": 3})
    assert tenant.read(SOURCE, WP_APPLICATION_TYPES) == [
        {"tenant": "main", "application_type_id": 2, "name": "Web Server Common"},
        {"tenant": "main", "application_type_id": 3, "name": "application type 3"},
    ]


def test_the_whole_catalogue_takes_few_calls(tenant: Tenant) -> None:
    tenant.seed("rules", *({"ID": number} for number in range(1, 5102)))
    assert len(tenant.read(SOURCE, WP_RULES)) == 5101
    assert tenant.paths() == ["/intrusionpreventionrules/search"] * 3 + ["/applicationtypes/search"]


@pytest.mark.parametrize("path", ["/intrusionpreventionrules", "/applicationtypes"])
def test_without_either_half_there_is_neither(tenant: Tenant, path: str) -> None:
    tenant.seed("rules", {"ID": 5})
    tenant.fault("access_denied", path)
    with pytest.raises(Denied):
        tenant.read(SOURCE, WP_RULES)
