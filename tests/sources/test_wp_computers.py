from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reporter.core.errors import Denied, Unavailable
from reporter.core.scope import Scope, ScopeState
from reporter.gather import read_scope
from reporter.sources.wp_computers import SOURCE
from reporter.tables.evidence import COUNTS
from reporter.tables.workload_protection import WP_COMPUTERS
from tests.clients.aws_server import Answer, AwsServer, page, server
from tests.clients.wp_sandbox import Tenant, tenant
from tests.sources.wp_scripted import scripted

__all__ = ["server", "tenant"]

AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
MILLIS = int(AT.timestamp() * 1000)
WHOLE: dict[str, Any] = {
    "ID": 7,
    "hostName": "ip-10-0-0-7",
    "displayName": "web",
    "policyID": 3,
    "agentFingerPrint": "00:11",
    "agentVersion": "20.0.1",
    "platform": "Amazon Linux 2023",
    "lastAgentCommunication": MILLIS,
    "lastSendPolicyRequest": MILLIS,
    "lastSendPolicySuccess": MILLIS,
    "computerStatus": {"agentStatus": "active", "agentStatusMessages": ["Managed (Online)"]},
    "securityUpdates": {"updateStatus": {"status": "ok", "statusMessage": "Up-to-date"}},
    "ec2VirtualMachineSummary": {"accountID": "111122223333", "instanceID": "I-0ABC"},
    "intrusionPrevention": {
        "state": "prevent",
        "ruleIDs": [5, 6],
        "moduleStatus": {"agentStatus": "active", "agentStatusMessage": "On, Prevent, 2 rules"},
    },
    "integrityMonitoring": {"lastIntegrityScan": MILLIS},
}


def test_a_computer_is_one_row_with_intent_and_reality_of_each_module(tenant: Tenant) -> None:
    tenant.seed("policies", {"ID": 3, "name": "p"})
    tenant.seed("computers", WHOLE)
    (row,) = tenant.read(SOURCE, WP_COMPUTERS)
    assert (
        row
        | {
            "tenant": "main",
            "computer_id": 7,
            "host_name": "ip-10-0-0-7",
            "display_name": "web",
            "account": "111122223333",
            "instance_id": "i-0abc",
            "summary": "ec2",
            "policy_id": 3,
            "agent_status": "active",
            "agent_messages": ["Managed (Online)"],
            "has_agent": True,
            "agent_version": "20.0.1",
            "platform": "Amazon Linux 2023",
            "last_contact": AT,
            "last_policy_request": AT,
            "last_policy_success": AT,
            "ips_rule_ids": [5, 6],
            "last_integrity_scan": AT,
            "update_status": "ok",
            "update_message": "Up-to-date",
            "intrusion_prevention_state": "prevent",
            "intrusion_prevention_status": "active",
            "intrusion_prevention_message": "On, Prevent, 2 rules",
            "firewall_state": None,
            "firewall_status": None,
            "firewall_message": None,
        }
        == row
    )


def test_a_bare_computer_is_a_row_of_what_is_not_known(tenant: Tenant) -> None:
    tenant.seed("computers", {"ID": 1, "lastAgentCommunication": 0, "policyID": 0, "displayName": ""})
    (row,) = tenant.read(SOURCE, WP_COMPUTERS)
    known = {name: value for name, value in row.items() if value not in (None, ())}
    assert known == {"tenant": "main", "computer_id": 1, "has_agent": False}


def test_only_what_is_used_is_asked_for(server: AwsServer) -> None:
    server.on("POST /api/computers/search", page(computers=[]))
    SOURCE.fetch(scripted(server, "wp_computers"))
    request, lean = server.requests
    assert (request.json["maxItems"], lean.json["maxItems"]) == (1000, 5000)


def test_a_second_search_counts_them(tenant: Tenant) -> None:
    tenant.seed("computers", {"ID": 1}, {"ID": 2})
    (row,) = tenant.read(SOURCE, COUNTS)
    assert (row["region"], row["counted"], row["items"], row["message"]) == ("-", "wp", 2, None)


def test_a_second_search_that_fails_is_said_and_takes_nothing_from_the_first(server: AwsServer) -> None:
    server.on("POST /api/computers/search", page(computers=[{"ID": 1}]), page(computers=[]), Answer(b"{}", 403))
    tables = SOURCE.fetch(scripted(server, "wp_computers"))
    (row,) = tables[COUNTS.name]
    assert (row[3], "role may not do this" in row[4]) == (None, True)
    assert len(tables[WP_COMPUTERS.name]) == 1


def test_all_pages_in_the_same_order_however_they_come(tenant: Tenant) -> None:
    tenant.seed("computers", *({"ID": number} for number in range(1200, 0, -1)))
    assert [row["computer_id"] for row in tenant.read(SOURCE, WP_COMPUTERS)] == list(range(1, 1201))
    assert tenant.paths() == ["/computers/search"] * 5


@pytest.mark.parametrize(("fault", "problem"), [("access_denied", Denied), ("throttle", Unavailable), ("malformed", Unavailable)])
def test_what_is_refused_or_broken_gives_no_rows_at_all(tenant: Tenant, fault: str, problem: type[Exception]) -> None:
    tenant.seed("computers", {"ID": 1})
    tenant.fault(fault)
    with pytest.raises(problem):
        tenant.read(SOURCE, WP_COMPUTERS)


@pytest.mark.parametrize(
    "odd",
    [
        {"computerStatus": "active"},
        {"computerStatus": {"agentStatus": {"a": 1}}},
        {"computerStatus": {"agentStatusMessages": "Managed (Online)"}},
        {"computerStatus": {"agentStatusMessages": [7]}},
        {"hostName": 7},
        {"lastAgentCommunication": "soon"},
        {"lastAgentCommunication": 10**18},
        {"intrusionPrevention": {"ruleIDs": ["five"]}},
        {"policyID": "none"},
    ],
)
def test_a_value_of_another_kind_makes_the_scope_unavailable_not_the_run(server: AwsServer, odd: dict[str, Any]) -> None:
    server.on("POST /api/computers/search", page(computers=[{"ID": 1, **odd}]), page(computers=[]))
    row, rows = read_scope(Scope("main", "-", "wp_computers"), SOURCE, lambda scope, source: scripted(server, source.name))
    assert (row.state, rows) == (ScopeState.UNAVAILABLE, {})
    assert row.message.startswith("the answer could not be understood")
