"""What the two servers hold that actions could change, asked for with plain clients: nothing here is the product's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
import requests

from reporter.sandbox.estate.cloud import access_key
from tests.whole.conftest import Served

REGIONS = ("eu-central-1", "us-east-1")
SCAN_DATES = ("lastRecommendationScanDate", "recommendationScanStatus", "recommendedToAssignRuleIDs", "recommendedToUnassignRuleIDs")


class WorkloadProtection:
    """The tenant `main`, asked directly."""

    def __init__(self, served: Served) -> None:
        self._url = served.wp
        self._headers = {"api-version": "v1", "Authorization": f"ApiKey {served.environment['WP_API_KEY']}"}
        requests.post(f"{served.wp_control}/settings", json={"rate_limit": 1_000_000}, timeout=60).raise_for_status()

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer = requests.get(self._url + path, params=query, headers=self._headers, timeout=60)
        answer.raise_for_status()
        return dict(answer.json())

    def post(self, path: str, body: Any) -> dict[str, Any]:
        answer = requests.post(self._url + path, json=body, headers=self._headers, timeout=60)
        answer.raise_for_status()
        return dict(answer.json())

    def listed(self, path: str, key: str) -> dict[int, dict[str, Any]]:
        return {one["ID"]: one for one in self.get(path)[key]}

    def assigned(self, kind: str, number: int, *, own: bool = False) -> set[int]:
        return set(self.get(f"/{kind}/{number}/intrusionprevention/assignments", overrides=str(own).lower()).get("assignedRuleIDs", ()))

    def state(self) -> dict[str, Any]:
        """Everything, without what a scan leaves (its dates, what it recommends), the agents' contacts, and what their module says of itself."""
        computers, policies = self.listed("/computers", "computers"), self.listed("/policies", "policies")
        found: dict[str, Any] = {"tasks": self.get("/scheduledtasks")["scheduledTasks"], "policies": policies}
        for kind, numbers in (("computers", computers), ("policies", policies)):
            for number in numbers:
                path = f"/{kind}/{number}/intrusionprevention"
                for own in ("true", "false"):
                    answer = self.get(f"{path}/assignments", overrides=own)
                    found[f"{path} {own}"] = {name: value for name, value in answer.items() if name not in SCAN_DATES}
                found[f"{path} rules"] = self.get(f"{path}/rules", overrides="true")["intrusionPreventionRules"]
        found["computers"] = {number: _without_contacts(computer) for number, computer in computers.items()}
        found["on agents"] = {number: computer.get("intrusionPrevention", {}).get("ruleIDs", []) for number, computer in computers.items()}
        return found

    def sent(self) -> set[int]:
        """Computers whose agent has exactly what is assigned to it."""
        computers = self.listed("/computers", "computers")
        return {
            number
            for number, one in computers.items()
            if set(one.get("intrusionPrevention", {}).get("ruleIDs", ())) == self.assigned("computers", number)
        }


def _without_contacts(computer: Mapping[str, Any]) -> dict[str, Any]:
    changing = ("lastSendPolicyRequest", "lastSendPolicySuccess", "lastAgentCommunication", "tasks", "intrusionPrevention")
    kept = {name: value for name, value in computer.items() if name not in changing}
    integrity = {name: value for name, value in computer.get("integrityMonitoring", {}).items() if name != "lastIntegrityScan"}
    return {**kept, "integrityMonitoring": integrity}


def web_acls(served: Served) -> dict[str, dict[str, Any]]:
    """ARN -> the whole web ACL (its lock token and capacity aside), in every account, region and scope."""
    found: dict[str, dict[str, Any]] = {}
    for account in ("111122223333", "222233334444"):
        for region, scope in (*((region, "REGIONAL") for region in REGIONS), ("us-east-1", "CLOUDFRONT")):
            client = boto3.client(
                "wafv2", region_name=region, endpoint_url=served.aws, aws_access_key_id=access_key(account), aws_secret_access_key="sandbox"
            )
            for summary in client.list_web_acls(Scope=scope)["WebACLs"]:
                acl = client.get_web_acl(Name=summary["Name"], Id=summary["Id"], Scope=scope)["WebACL"]
                found[acl["ARN"]] = {name: value for name, value in acl.items() if name != "Capacity"}
    return found
