"""The Workload Protection tenant: computers of most instances, a tree of policies, the catalogue of IPS rules; pages by id as the API gives them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from bench.estate.size import RULED, Estate, cve, instance_id
from bench.estate.wire import Answer, Request

PREFIX = "/api"
_OWN_RULES, _PARENTS_EACH = (20, 200), 10
_TYPES = (
    "Web Server Common",
    "Web Application Common",
    "Web Client Common",
    "DCERPC Services",
    "OpenSSL Client",
    "Windows Services RPC Client DCERPC",
)
_ONE = re.compile(r"/(policies|computers)/(\d+)/intrusionprevention/(rules|assignments)")
_MODULES = ("antiMalware", "webReputation", "activityMonitoring", "firewall", "integrityMonitoring", "logInspection", "applicationControl")


class WorkloadProtection:
    """Answers requests of one tenant's API."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        random = np.random.default_rng([estate.size.seed, 1])
        self._ids = _tree(random, estate.size.policies, estate.size.rules)
        """ids of each policy's rules, inherited ones included"""
        self._texts = [json.dumps(ids, separators=(",", ":")) for ids in self._ids]
        self._halves = [json.dumps(ids[: len(ids) // 2], separators=(",", ":")) for ids in self._ids]
        self._rules = [_rule(random, number, estate) for number in range(1, estate.size.rules + 1)]
        self._searched: dict[str, tuple[str, int, Callable[[int, Sequence[str]], bytes]]] = {
            "/computers/search": ("computers", len(estate.hosts), self._computer),
            "/policies/search": ("policies", len(self._ids), self._policy),
            "/intrusionpreventionrules/search": ("intrusionPreventionRules", len(self._rules), lambda number, _: self._rules[number - 1]),
            "/applicationtypes/search": ("applicationTypes", len(_TYPES), self._application),
        }

    def __call__(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        path, query = parts.path.removeprefix(PREFIX), parse_qs(parts.query)
        one = _ONE.fullmatch(path)
        operation = f"{request.method} {path if one is None else f'/{one[1]}/{{id}}/intrusionprevention/{one[3]}'}"
        body = self._body(request, path, query, one)
        return Answer("main", "wp", operation, b'{"message":"Not Found"}' if body is None else body, status=501 if body is None else 200)

    def _body(self, request: Request, path: str, query: dict[str, list[str]], one: re.Match[str] | None) -> bytes | None:
        if request.method == "POST" and path in self._searched:
            return self._page(*self._searched[path], json.loads(request.body or b"{}"), query.get("expand", ["all"]))
        if request.method == "GET" and one is not None:
            return self._policy_rules(int(one[2])) if one[3] == "rules" else self._assignments(int(one[2]))
        if request.method == "GET" and path == "/apikeys/current":
            return b'{"ID":1,"keyName":"reporter","roleID":1,"active":true,"expiryDate":4102444800000}'
        if request.method == "GET" and path == "/roles/1":
            return b'{"ID":1,"name":"Reporter","allComputers":true,"allPolicies":true}'
        return None

    def _page(self, key: str, count: int, render: Callable[[int, Sequence[str]], bytes], asked: dict[str, Any], expand: Sequence[str]) -> bytes:
        """Objects whose id is greater than the one asked for; ids are 1 and up."""
        last = max((test["idValue"] for test in asked.get("searchCriteria", ()) if test.get("idTest") == "greater-than"), default=0)
        upto = min(last + min(asked.get("maxItems", 5000), 5000), count)
        return b'{"%b":[' % key.encode() + b",".join(render(number, expand) for number in range(last + 1, upto + 1)) + b"]}"

    def _computer(self, number: int, expand: Sequence[str]) -> bytes:
        estate, host = self._estate, int(self._estate.hosts[number - 1])
        account, region = estate.place(host)
        fate, policy, now = float(estate.fate[host]), int(estate.policy[host]), estate.now_ms
        contact = now - int(estate.heard[host]) * 61_000 - (9 * 86_400_000 if 0.02 <= fate < 0.05 else 0)
        found = (
            f'{{"hostName":"ip-10-0-{host}.{region}.compute.internal","displayName":"","description":"","lastIPUsed":"10.0.0.12",'
            f'"platform":"Amazon Linux 2 (64 bit) (4.14.123-111.109.amzn2.x86_64)","groupID":{42 + host % 17},"policyID":{policy + 1},'
            f'"assetImportanceID":0,"relayListID":0,"agentFingerPrint":"{host:040X}","lastAgentCommunication":{contact},'
            f'"lastSendPolicyRequest":{now - 3_600_000},"lastSendPolicySuccess":{now - (7_200_000 if 0.2 <= fate < 0.23 else 0)},'
            f'"agentVersion":"20.0.0.5512","hostGUID":"{host:032x}","biosUUID":"{host:032x}","ID":{number}'
        )
        if "all" in expand or "ec2VirtualMachineSummary" in expand:
            found += (
                f',"ec2VirtualMachineSummary":{{"cloudProvider":"AWS","accountID":"{account}","instanceID":"{instance_id(host)}",'
                f'"availabilityZone":"{region}a","securityGroups":[{{"name":"web","ID":"sg-0123456789abcdef0"}}],"type":"m5.large",'
                f'"state":"POWER ON","virtualizationType":"hvm","metadata":[{{"name":"Name","value":"web-{host}"}},'
                f'{{"name":"Owner","value":"team-{estate.owner[host]}"}}],"privateIPAddress":"10.0.0.12","amiID":"ami-0123456789abcdef0","DNSName":"ip-10-0-{host}.{region}.compute.internal"}}'
            )
        if "all" in expand or "computerStatus" in expand:
            found += self._protection(host, fate, policy)
        return (found + "}").encode()

    def _protection(self, host: int, fate: float, policy: int) -> str:
        """Most agents are well and have what their policy has; some are inactive, offline, detect only, or wait for their policy."""
        agent, said = ("inactive", "Unmanaged (Unknown)") if fate < 0.02 else ("error", "Offline") if fate < 0.05 else ("active", "Managed (Online)")
        ids = self._halves[policy] if 0.2 <= fate < 0.3 else self._texts[policy]
        shields = "inactive" if fate < 0.02 or 0.3 <= fate < 0.32 else "active"
        status = f'"moduleStatus":{{"agentStatus":"active","agentStatusMessage":"On, {policy} rules"}}'
        modules = "".join(f',"{name}":{{"state":"{"off" if name == "applicationControl" else "on"}",{status}' + "}" for name in _MODULES[:4])
        scanned, off = self._estate.now_ms - host % 300 * 3_600_000, status.replace("active", "inactive")
        modules += f',"integrityMonitoring":{{"state":"on",{status},"lastIntegrityScan":{scanned},"ruleIDs":[10,11,12]}}'
        modules += f',"logInspection":{{"state":"on",{status},"ruleIDs":[1,2,3]}},"applicationControl":{{"state":"off",{off}}}'
        return (
            f',"computerStatus":{{"agentStatus":"{agent}","agentStatusMessages":["{said}"]}}'
            ',"securityUpdates":{"updateStatus":{"status":"up-to-date","statusMessage":"Up-To-Date"},"rules":[],"antiMalware":[]}'
            f',"intrusionPrevention":{{"state":"{"detect" if 0.05 <= fate < 0.2 else "prevent"}",'
            f'"moduleStatus":{{"agentStatus":"{shields}","agentStatusMessage":"On, Prevent"}},"ruleIDs":{ids},"applicationTypeIDs":[1,2,3]}}{modules}'
        )

    def _policy(self, number: int, _expand: Sequence[str]) -> bytes:
        parent = f'"parentID":{(number - 2) // _PARENTS_EACH + 1},' if number > 1 else ""
        status = '"moduleStatus":{"status":"active","statusMessage":"On"}'
        modules = "".join(f',"{name}":{{"state":"on",{status}}}' for name in _MODULES)
        return (
            f'{{{parent}"name":"policy {number}","description":"","recommendationScanMode":"off","autoRequiresUpdate":"on","ID":{number}'
            f',"intrusionPrevention":{{"state":"prevent",{status},"ruleIDs":{self._texts[number - 1]},"applicationTypeIDs":[1,2,3]}}{modules}}}'
        ).encode()

    def _policy_rules(self, policy: int) -> bytes:
        """The policy's rules, whole; every second policy has its first one in detect."""
        rules = [self._rules[number - 1] for number in self._ids[policy - 1]]
        if policy % 2:
            rules[0] = rules[0].replace(b'"detectOnly":false', b'"detectOnly":true')
        return b'{"intrusionPreventionRules":[' + b",".join(rules) + b"]}"

    def _assignments(self, computer: int) -> bytes:
        host = int(self._estate.hosts[computer - 1])
        ids, scanned = self._texts[int(self._estate.policy[host])], self._estate.now_ms - host % 400 * 3_600_000
        return (
            f'{{"assignedRuleIDs":{ids},"assignedApplicationTypeIDs":[1,2,3],"recommendationScanStatus":"valid","lastRecommendationScanDate":{scanned},'
            f'"recommendedToAssignRuleIDs":[{1 + host % 500}],"recommendedToUnassignRuleIDs":[]}}'
        ).encode()

    @staticmethod
    def _application(number: int, _expand: Sequence[str]) -> bytes:
        kind = {"ID": number, "name": _TYPES[number - 1], "description": "", "direction": "incoming", "protocol": "tcp", "portType": "any"}
        return json.dumps(kind).encode()


def _tree(random: np.random.Generator, policies: int, rules: int) -> list[list[int]]:
    """Ids of the rules of each policy: its own and its parent's."""
    found: list[list[int]] = []
    for number in range(policies):
        own = 1 + random.choice(rules, min(int(random.integers(*_OWN_RULES)), rules), replace=False)
        inherited = found[(number - 1) // _PARENTS_EACH] if number else []
        found.append(sorted({*map(int, own), *inherited}))
    return found


def _rule(random: np.random.Generator, number: int, estate: Estate) -> bytes:
    """One to four CVEs a rule; one in fifty lists more than an exact one may, one in ten is of a type that shields nothing."""
    several = int(random.integers(1, 5)) if number % 50 else 15
    named = sorted({cve(int(one)) for one in random.integers(RULED.start, RULED.stop, several)})
    rule = {
        "name": f"A made-up flaw {number} in a library ({named[0]})",
        "description": f"This rule stops what would use {', '.join(named)}, by what it looks for, in a text of the usual length. " * 2,
        "minimumAgentVersion": "4.0.0.0", "applicationTypeID": 1 + number % len(_TYPES), "priority": "normal",
        "severity": ("critical", "high", "medium", "low")[number % 4], "detectOnly": number % 7 == 0, "eventLoggingDisabled": False,
        "generateEventOnPacketDrop": True, "alwaysIncludePacketData": False, "debugModeEnabled": False,
        "type": "info" if number % 10 == 1 else "vulnerability", "originalIssue": estate.now_ms - 86_400_000 * (number % 900),
        "lastUpdated": estate.now_ms - 86_400_000 * (number % 90), "identifier": f"{1_000_000 + number}", "alertEnabled": False,
        "recommendationsMode": "enabled", "canBeAssignedAlone": True, "CVSSScore": "7.80", "CVE": named, "ID": number,
    }  # fmt: skip
    return json.dumps(rule, separators=(",", ":")).encode()
