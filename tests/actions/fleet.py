"""A small fleet in the WP sandbox, and the world that a run would make of it: sources read over the wire, instances joined."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from reporter.core.action import Action
from reporter.core.change import Change, Json, Outcome
from reporter.core.past import Past
from reporter.core.scope import ScopeState
from reporter.core.world import World
from reporter.joins import instances
from reporter.sandbox.wp.faults import Fault
from reporter.schedule import Actions
from reporter.sources import wp_computers, wp_policies, wp_recommendations, wp_roles, wp_rules
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.joined import BUCKET_ACCESS, FINDINGS
from tests.actions.hands import NOW, Held, held
from tests.clients.wp_sandbox import Tenant
from tests.joins.made import A, machine, row, world

SOURCES = (wp_computers, wp_policies, wp_recommendations, wp_roles, wp_rules)
BUCKET = "arn:aws:s3:::ledger"


def millis(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def instance_id(number: int) -> str:
    return f"i-{number:017}"


def computer(number: int, **changes: Any) -> dict[str, Any]:
    """Computer of instance `number`: online, integrity monitoring and IPS on, policy 9, last integrity scan two days ago."""
    made: dict[str, Any] = {
        "ID": number,
        "hostName": f"host-{number}",
        "policyID": 9,
        "agentFingerPrint": "AA:BB",
        "lastAgentCommunication": millis(ago(minutes=5)),
        "lastSendPolicySuccess": millis(ago(days=3)),
        "computerStatus": {"agentStatus": "active", "agentStatusMessages": ["Managed (Online)"]},
        "ec2VirtualMachineSummary": {"accountID": A, "instanceID": instance_id(number)},
        "intrusionPrevention": {"state": "prevent", "moduleStatus": {"agentStatus": "active", "agentStatusMessage": "On, Prevent, 50 rules"}},
        "integrityMonitoring": {
            "state": "on",
            "moduleStatus": {"agentStatus": "active", "agentStatusMessage": "On, 12 rules"},
            "lastIntegrityScan": millis(ago(days=2)),
        },
    }
    return {**made, **changes}


def rule(number: int, *needs: int, **changes: Any) -> dict[str, Any]:
    made = {"ID": number, "identifier": str(1_000_000 + number), "name": f"Rule {number}", "type": "exploit", "severity": "high"}
    return {**made, "dependsOnRuleIDs": list(needs), "recommendationsMode": "enabled", **changes}


def recommended(number: int, *rule_ids: int, at: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """The last recommendation scan of computer `number`: two days ago, if nothing else is said."""
    made = {
        "recommendationScanStatus": "valid",
        "lastRecommendationScanDate": millis(at or ago(days=2)),
        "recommendedToAssignRuleIDs": list(rule_ids),
    }
    return {"computerID": number, **made, **changes}


def finding(number: int, **changes: Any) -> tuple[Any, ...]:
    """A GuardDuty finding of an hour ago on instance `number`."""
    made = {
        "source": "guardduty",
        "finding_id": f"gd-{number}",
        "type": "Backdoor:EC2/C&CActivity.B",
        "severity": "HIGH",
        "resource": instance_id(number),
        "instance_id": instance_id(number),
        "updated_at": ago(hours=1),
    }
    return row(FINDINGS, **{**made, **changes})


def alert(**changes: Any) -> tuple[Any, ...]:
    """A Macie finding of an hour ago on the bucket."""
    made = {"source": "macie", "finding_id": "mc-1", "severity": "MEDIUM", "resource": BUCKET, "updated_at": ago(hours=1)}
    return row(FINDINGS, **{**made, **changes})


def reach(number: int, **changes: Any) -> tuple[Any, ...]:
    """A path from instance `number` to the bucket."""
    made = {
        "bucket": BUCKET,
        "role_arn": f"arn:aws:iam::{A}:role/web",
        "instance_id": instance_id(number),
        "instance_account": A,
        "via": "instance_profile",
        "decision": "allowed",
    }
    return row(BUCKET_ACCESS, **{**made, **changes})


@dataclass
class Fleet:
    """The tenant `main` and a hand on it. Its clock stands still at NOW until `at` moves it."""

    tenant: Tenant
    held: Held

    @classmethod
    def of(cls, tenant: Tenant, *computers: dict[str, Any]) -> Fleet:
        fleet = cls(tenant, held(wp={"main": tenant.client()}))
        fleet.held.hand = replace(fleet.held.hand, now=lambda: NOW)
        fleet.at()
        tenant.seed("policies", {"ID": 9, "name": "web"})
        tenant.seed("computers", *computers)
        return fleet

    def at(self, **later: float) -> None:
        """Move both clocks, the server's and the hand's, to so much after NOW."""
        now = NOW + timedelta(**later)
        self.turn(now=millis(now), clock_runs=False)
        self.held.hand = replace(self.held.hand, now=lambda: now)

    def turn(self, **knobs: Any) -> None:
        self.tenant.sandbox.state.turn(knobs)

    def fault(self, kind: Any, path: str, *, after: bool = False, method: str = "POST", times: int = 1) -> None:
        self.tenant.sandbox.state.faults.lay([Fault(kind, path=path, times=times, method=method, after=after)])

    def again(self) -> None:
        """The next attempt: a hand that knows of the writes that were announced, and remembers nothing else."""
        hand = self.held.hand
        self.held.hand = replace(hand, calls=len(self.held.calls()), doors=replace(hand.doors, cache={}))

    @property
    def state(self) -> Any:
        return self.tenant.sandbox.state.tenants["main"]

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """The scheduled tasks that are there now, what is due by now done."""
        self.state.settle(self.tenant.sandbox.state.clock.now())
        return list(self.state.scheduled_tasks.values())

    def writes(self) -> list[tuple[str, str]]:
        return [(call["method"], call["path"]) for call in self.tenant.sandbox.state.calls if call["write"]]

    def world(
        self,
        findings: Iterable[tuple[Any, ...]] = (),
        paths: Iterable[tuple[Any, ...]] = (),
        machines: Mapping[int, Mapping[str, Any]] | None = None,
        unread: Mapping[tuple[str, str, str], ScopeState] | None = None,
    ) -> World:
        """What a run sees: an instance for each computer, as its number says (`machines`: others, or with other values)."""
        rows = [
            (table, module.SOURCE.fetch(self.tenant.reader(module.SOURCE.name))[table.name]) for module in SOURCES for table in module.SOURCE.tables
        ]
        shown = {number: {} for number in self.state.computers} if machines is None else machines
        made = world(*rows, (EC2_INSTANCES, [machine(instance_id(number), **values) for number, values in shown.items()]), unread=unread)
        joined = {FINDINGS.name: FINDINGS.frame(findings), BUCKET_ACCESS.name: BUCKET_ACCESS.frame(paths)}
        return made.with_tables(instances.join(made)).with_tables(joined)

    def apply(self, action: Action, change: Change, *, resumed: bool = False) -> Outcome:
        return action.apply(told(change), self.held.hand, resumed)

    def verify(self, action: Action, change: Change, delta: Json) -> Outcome:
        return action.verify(told(change), json.loads(json.dumps(delta)), self.held.hand)


def told(change: Change) -> Change:
    """As the journal and the plan file give it back."""
    return Change.of(json.loads(json.dumps(change.as_json())))


def plan(action: Action, world: World, past: Past | None = None) -> list[Change]:
    return list(action.plan(world, past or Past(), Actions()))
