"""Pours the tenants into the Workload Protection sandbox: whole API objects, in milliseconds since the epoch."""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any

import requests

from reporter.core.modules import MODULES
from reporter.sandbox.estate.cloud import Ids
from reporter.sandbox.estate.policies import STATES, assigned, group_rules
from reporter.sandbox.estate.spec import Estate
from reporter.sandbox.estate.spec_wp import Computer, Rule, Tenant

_PART = 2000
RECOMMENDED = 3
"""rules that a scan recommends, where it recommends any"""


def pour_wp(address: str, estate: Estate, ids: Ids) -> None:
    """`address`: http://HOST:PORT of the sandbox (without /api). Raises requests.HTTPError with the sandbox's own words."""
    web = requests.Session()
    web.trust_env = False
    _post(web, f"{address}/sandbox/reset", {})
    for tenant in estate.tenants:
        _post(web, f"{address}/sandbox/tenants", {"name": tenant.name, "key": tenant.key, "auth": "api-key"})
        for kind, items in tenant_items(tenant, estate, ids).items():
            for start in range(0, len(items), _PART):
                _post(web, f"{address}/sandbox/seed", {"tenant": tenant.name, "kind": kind, "items": items[start : start + _PART]})


def _post(web: requests.Session, url: str, body: dict[str, Any]) -> None:
    answer = web.post(url, json=body, timeout=60)
    if not answer.ok:
        raise requests.HTTPError(f"POST {url}: {answer.status_code} {answer.text[:500]}", response=answer)


def tenant_items(tenant: Tenant, estate: Estate, ids: Ids) -> dict[str, list[dict[str, Any]]]:
    """Kind of the seed endpoint -> API objects."""
    rules = estate.catalogue.rules
    numbers = {policy.key: policy.policy_id for policy in tenant.policies}
    local = tenant.rule_ids
    return {
        "roles": [{"ID": 1, "name": "Full Access", "allComputers": True, "allPolicies": True, "immutable": True}],
        "api_key": [{"ID": 7, "keyName": "reporter", "roleID": 1, "active": True, "expiryDate": _millis(estate.ago(days=-200))}],
        "application_types": [
            {"ID": number, "name": name, "direction": "incoming", "protocol": "tcp", "portType": "any"}
            for name, number in tenant.application_type_ids.items()
        ],
        "rules": [_rule(rule, tenant, estate) for rule in rules],
        "policies": [
            {
                "ID": policy.policy_id,
                "name": policy.name,
                "recommendationScanMode": "off",
                "autoRequiresUpdate": "on",
                "intrusionPrevention": {
                    "state": policy.ips_state,
                    "ruleIDs": sorted(local[r.identifier] for r in group_rules(estate.catalogue, policy.groups)),
                },
                "antiMalware": {"state": "on"},
                "integrityMonitoring": {"state": "on"},
            }
            | ({"parentID": numbers[policy.parent]} if policy.parent else {})
            for policy in tenant.policies
        ],
        "rule_overrides": [
            {"policyID": policy.policy_id, "ruleID": local[rule.identifier], "detectOnly": True}
            for policy in tenant.policies
            for rule in group_rules(estate.catalogue, policy.detected)
        ],
        "computers": [_computer(computer, tenant, estate, ids) for computer in tenant.computers],
        "assignments": [
            {
                "computerID": computer.computer_id,
                "recommendationScanStatus": computer.recommendation_status,
                "recommendedToAssignRuleIDs": [],
                "recommendedToUnassignRuleIDs": [],
                "afterScan": {"recommendedToAssignRuleIDs": _recommended(computer, tenant, estate), "recommendedToUnassignRuleIDs": []},
            }
            | ({"lastRecommendationScanDate": _millis(computer.recommendation_scan)} if computer.recommendation_scan else {})
            for computer in tenant.computers
        ],
    }


def _recommended(computer: Computer, tenant: Tenant, estate: Estate) -> list[int]:
    """Rules that the next scan of every third computer will find: always the same ones for a computer."""
    if computer.computer_id % 3:
        return []
    possible = sorted(rule.identifier for rule in estate.catalogue.rules if rule.kind == "vulnerability" and not rule.depends_on)
    possible.sort(key=lambda identifier: zlib.crc32(f"{computer.computer_id}:{identifier}".encode()))
    return sorted(tenant.rule_ids[identifier] for identifier in possible[:RECOMMENDED])


def _millis(instant: datetime | None) -> int | None:
    return None if instant is None else round(instant.timestamp() * 1000)


def _rule(rule: Rule, tenant: Tenant, estate: Estate) -> dict[str, Any]:
    issued = _millis(estate.ago(days=400 + int(rule.identifier) % 2000))
    item: dict[str, Any] = {
        "ID": tenant.rule_ids[rule.identifier],
        "identifier": rule.identifier,
        "name": rule.name,
        "type": rule.kind,
        "severity": rule.severity,
        "priority": "normal",
        "applicationTypeID": tenant.application_type_ids[rule.application_type],
        "detectOnly": rule.detect_only,
        "eventLoggingDisabled": False,
        "generateEventOnPacketDrop": True,
        "alwaysIncludePacketData": False,
        "debugModeEnabled": False,
        "originalIssue": issued,
        "lastUpdated": issued,
        "recommendationsMode": "disabled" if rule.kind == "custom" else "enabled",
        "canBeAssignedAlone": not rule.depends_on,
        "CVSSScore": rule.cvss,
    }
    if rule.depends_on:
        item["dependsOnRuleIDs"] = [tenant.rule_ids[identifier] for identifier in rule.depends_on]
    if rule.cves:
        item["CVE"] = list(rule.cves)
    return item


def _computer(computer: Computer, tenant: Tenant, estate: Estate, ids: Ids) -> dict[str, Any]:
    """Keys that hold None are left out by the server, as the API does."""
    numbers = {policy.key: policy.policy_id for policy in tenant.policies}
    host = estate.hosts[computer.instance] if computer.instance else None
    requested, sent = computer.policy_sent or (None, None)
    item: dict[str, Any] = {
        "ID": computer.computer_id,
        "hostName": computer.host_name,
        "displayName": computer.display_name,
        "description": "",
        "platform": "Amazon Linux 2023 (64 bit)" if computer.fingerprint else "",
        "groupID": 0,
        "relayListID": 0,
        "policyID": numbers[computer.policy] if computer.policy else None,
        "agentVersion": "20.0.1.19250" if computer.fingerprint else "0.0.0.0",  # noqa: S104  # how the API writes 'no agent'
        "lastAgentCommunication": _millis(computer.last_contact),
        "lastSendPolicyRequest": _millis(requested),
        "lastSendPolicySuccess": _millis(sent),
        "computerStatus": {"agentStatus": computer.agent_status, "agentStatusMessages": list(computer.messages)},
        "tasks": {},
    }
    if computer.fingerprint:
        item["agentFingerPrint"] = ":".join(f"{computer.computer_id * 7 % 256:02X}" for _ in range(20))
    if computer.newer_words:
        item["agentGUID"] = f"00000000-0000-4000-8000-{computer.computer_id:012d}"
    if host is not None and computer.summary:
        instance_id = ids.instances[host.key]
        name = instance_id.upper() if computer.upper_case else instance_id
        item |= _summary(computer, host.place.account, host.place.region, name, ids.addresses[host.key])
    return item | _modules(computer, tenant, estate)


def _summary(computer: Computer, account: str, region: str, instance_id: str, address: str) -> dict[str, Any]:
    if computer.summary == "no_connector":
        about = {"accountID": account, "instanceID": instance_id, "region": region}
        return {"noConnectorVirtualMachineSummary": about}
    about = {
        "cloudProvider": "AWS",
        "accountID": account,
        "instanceID": instance_id,
        "availabilityZone": f"{region}a",
        "type": "m5.large",
        "state": "POWER ON",
        "privateIPAddress": address,
    }
    return {"ec2VirtualMachineSummary": about}


def agent_rules(computer: Computer, tenant: Tenant, estate: Estate) -> list[int]:
    """Tenant-local ids of the IPS rules that the agent has, sorted."""
    if computer.policy is None or not computer.fingerprint:
        return []
    groups = tuple(group for group in assigned(computer.policy) if group not in computer.lacks)
    return sorted({tenant.rule_ids[rule.identifier] for rule in group_rules(estate.catalogue, groups)})


def _modules(computer: Computer, tenant: Tenant, estate: Estate) -> dict[str, Any]:
    """Every module the API shows. What is on runs where the agent is reachable, has a policy and the module is not meant to be broken."""
    running = computer.agent_status in ("active", "warning") and computer.policy is not None
    rules = agent_rules(computer, tenant, estate)
    items = {api: _module("off", running=False, words="Off") for api in MODULES.values()}
    items["antiMalware"] = _on(running, computer.anti_malware and computer.policy is not None, "on", "Real-Time")
    items["integrityMonitoring"] = _on(running, computer.policy is not None, "on", "12 rules") | {
        "lastIntegrityScan": _millis(computer.integrity_scan)
    }
    if computer.newer_words:
        items["webReputation"]["state"] = "adaptive"
    state = STATES[computer.policy] if computer.policy else "off"
    effective = running and state != "off" and computer.ips != "module_off"
    words = f"On, {state.title()}, {len(rules)} rules" if effective else f"Off, installed, {len(rules)} rules" if rules else "Off, no rules"
    items["intrusionPrevention"] = _module(state, running=effective, words=words) | ({"ruleIDs": rules} if rules else {})
    return dict(items)


def _on(running: bool, wanted: bool, state: str, words: str) -> dict[str, Any]:
    if not wanted:
        return _module("off", running=False, words="Off")
    return _module(state, running=running, words=f"On, {words}" if running else "Off, installed")


def _module(state: str, *, running: bool, words: str) -> dict[str, Any]:
    return {"state": state, "moduleStatus": {"agentStatus": "active" if running else "inactive", "agentStatusMessage": words}}
