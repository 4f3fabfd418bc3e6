"""Both servers and a mail server in this process, with something for each action to do, put back to the same start in milliseconds.

The world is read over the wire by the product's own sources, as far as it lies in Workload Protection; findings and AWS are declared rows.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reporter.changing import Changing
from reporter.clients.store import FolderStore, Store
from reporter.core.answers import canonical
from reporter.core.change import Change
from reporter.core.past import Past
from reporter.core.settings import OwnersSettings, Settings
from reporter.core.world import World
from reporter.joins import instances, virtual_patches
from reporter.opening import open_clients
from reporter.propose import discover, propose
from reporter.sandbox.aws import AwsSandbox
from reporter.sandbox.wp import sending
from reporter.sandbox.wp.faults import Fault
from reporter.sandbox.wp.knobs import Knobs
from reporter.sandbox.wp.server import WpSandbox
from reporter.sandbox.wp.state import Answer, State
from reporter.schedule import Schedule
from reporter.sources import wp_computers, wp_policies, wp_recommendations, wp_roles, wp_rules
from reporter.tables.aws import EC2_INSTANCES, MANAGED_RULE_GROUPS, WEB_ACLS
from reporter.tables.findings import INSPECTOR_FINDINGS
from reporter.tables.joined import BUCKET_ACCESS, FINDINGS, WEB_ENTRIES
from tests.actions import fleet, shop
from tests.actions.hands import NOW
from tests.clients.aws_server import aws_environment
from tests.clients.smtp_server import SmtpServer, Taken, serving
from tests.clients.wp_sandbox import KEY, Tenant
from tests.joins.made import A, B, R, machine, package, row, world
from tests.sandbox.aws.conftest import Door
from tests.sandbox.aws.samples import VISIBILITY, managed_rule

SOURCES = (wp_computers, wp_policies, wp_recommendations, wp_roles, wp_rules)
PHP, SQLI = "AWSManagedRulesPHPRuleSet", "AWSManagedRulesSQLiRuleSet"
SCANNED, RECOMMENDED = 71, 75
"""the computer that is to have a recommendation scan; the one that had one, whose rules are to be assigned"""
TOGETHER = 30
"""the policy whose two computers, 71 and 76, are to have an integrity scan together"""
UNMANAGED = (81, 82)
OWNERS = {"payments": "payments@example.com"}
DEFAULT_OWNER = "secops@example.com"
KEYS = {A: "AKIAEXAMPLEEXAMPLE12", B: "AKIAEXAMPLEEXAMPLE13"}
ENDED_SCAN = fleet.millis(NOW - timedelta(minutes=30))
SPARE = ("lastSendPolicyRequest", "lastSendPolicySuccess", "lastAgentCommunication", "tasks")
"""members of a computer that say when, not what"""
SCAN_DATES = ("lastRecommendationScanDate", "lastIntegrityScan")


@dataclass(frozen=True)
class Write:
    """One write that took effect at the WP server, whatever became of its answer."""

    method: str
    path: str
    body: Any

    @property
    def what(self) -> str:
        """The same for the same effect on the same target: a task is named by what it runs, a task to be deleted by that it is one."""
        if self.path == "/scheduledtasks":
            parameters = next(value for name, value in self.body.items() if name.endswith("TaskParameters"))
            return f"{self.method} task {self.body['type']} {canonical(parameters['computerFilter'])}"
        if self.method == "DELETE" and self.path.startswith("/scheduledtasks/"):
            return "DELETE task"
        return f"{self.method} {self.path} {canonical(self.body)}"


class _Recording(State):
    """The server's state, and its writes that took effect."""

    def reset(self) -> None:
        super().reset()
        self.writes: list[Write] = []

    def _answered(self, noted: Any, method: str, path: str, query: dict[str, list[str]], headers: Mapping[str, str], body: bytes) -> Answer:
        answer = super()._answered(noted, method, path, query, headers, body)
        if answer.status and method != "GET" and not path.endswith("/search"):
            self.writes.append(Write(method, path, json.loads(body or b"null")))
        return answer


@dataclass(frozen=True)
class Kept:
    """What the servers held."""

    tenants: dict[str, Any]
    knobs: Knobs
    acls: dict[str, dict[str, Any]]
    mails: list[Taken]


@dataclass
class Bench:
    """The three servers, and where a test's chain has its folder."""

    sandbox: WpSandbox
    state: _Recording
    aws: Door
    mail: SmtpServer
    acls: dict[str, Acl] = field(default_factory=dict)

    @property
    def tenant(self) -> Tenant:
        return Tenant(self.sandbox)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": KEYS[A],
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": R,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "WP_API_KEY": KEY,
        }

    def start_over(self, **knobs: Any) -> None:
        """Everything as at the start: scans and policies take no time, the clock runs from NOW."""
        self.state.reset()
        self.state.add_key("main", KEY, "api-key", 1)
        tenant = self.tenant
        shop.seed(tenant)
        tenant.seed("policies", shop.policy(TOGETHER, "Batch"), shop.policy(31, "Lab"))
        tenant.seed("rules", shop.rule(16, needs=(17,)), shop.rule(17))
        for number in self.state.tenants["main"].computers:
            self.state.tenants["main"].computers[number]["integrityMonitoring"] = _integrity(ENDED_SCAN)
        tenant.seed("computers", *(_computer(number, policy) for number, policy in ((SCANNED, TOGETHER), (76, TOGETHER), (RECOMMENDED, 31))))
        self.state.tenants["main"].computers[RECOMMENDED]["integrityMonitoring"] = _integrity(ENDED_SCAN)
        tenant.seed("assignments", fleet.recommended(RECOMMENDED, 16, at=NOW - timedelta(minutes=30)))
        tenant.seed("assignments", fleet.recommended(76, at=NOW - timedelta(minutes=30)))
        self._send_everything(shop.MILLIS - 3_600_000)
        self.state.turn({"now": shop.MILLIS, "clock_runs": True, "scan_delay": 0.0, "policy_delay": 0.0, "rate_limit": 1_000_000, **knobs})
        self.heal()
        for arn, acl in list(self.acls.items()):
            if acl.there:
                acl.put_back()
            else:  # a deleted one cannot be put back: another takes its place
                made = Acl.of(self, acl.account)
                del self.acls[arn]
                self.acls[made.arn] = made
        self.mail.taken.clear()
        self.mail.lines.clear()
        self.forget()

    def _send_everything(self, at: int) -> None:
        """Every agent has what is assigned to it since then."""
        tenant = self.state.tenants["main"]
        sending.request(tenant, list(tenant.computers), at, Knobs(policy_delay=0.0))
        tenant.settle(at)

    def keep(self) -> Kept:
        """What the servers hold now, to be put back."""
        return Kept(copy.deepcopy(self.state.tenants), self.state.knobs, {arn: acl.now() for arn, acl in self.acls.items()}, list(self.mail.taken))

    def put_back(self, kept: Kept) -> None:
        """What was kept; the clock goes on from an hour after NOW."""
        self.state.reset()
        self.state.tenants = copy.deepcopy(kept.tenants)
        self.state.turn({**msgspec.to_builtins(kept.knobs), "now": shop.MILLIS + 3_600_000})
        for arn, acl in kept.acls.items():
            self.acls[arn].put(acl)
        self.mail.taken[:] = kept.mails
        self.forget()

    def forget(self) -> None:
        """Forget what the servers were asked."""
        self.state.calls.clear()
        self.state.writes.clear()
        self.aws.control("DELETE", "/sandbox/calls")

    def fault(self, kind: Any, path: str, **more: Any) -> None:
        """Once, if nothing else is said."""
        self.state.faults.lay([Fault(kind, path=path, **{"times": 1, **more})])

    def heal(self) -> None:
        """No faults any more."""
        self.state.faults.lift()
        self.aws.control("DELETE", "/sandbox/faults")
        self.mail.answers.clear()
        self.mail.cut = ""

    def schedule(self, **more: Any) -> Schedule:
        account: dict[str, Any] = {
            "accounts": [{"id": A}, {"id": B, "role": f"arn:aws:iam::{B}:role/reporter-act"}],
            "regions": [R],
            "max_attempts": 1,
            "read_timeout": 5,
            "connect_timeout": 5,
        }
        tenant = {"name": "main", "url": self.sandbox.url, "auth": "api-key", "key": "env:WP_API_KEY", "patience": 0, "timeout": 5}
        smtp = {"host": "127.0.0.1", "port": self.mail.port, "security": "none"}
        given: dict[str, Any] = {
            "jobs": {"nightly": {"schedule": "rate(1 day)"}},
            "aws": account | more.pop("aws", {}),
            "workload_protection": [{**tenant, "calls_per_minute": 100_000, **one} for one in more.pop("tenants", [{}])],
            "deliver": {"email": {"sender": "reporter@example.com", "smtp": smtp}},
            "actions": {"assign_ips_rule": {"start": "detect", "max_percent": 100}, "wait": "1m"} | more.pop("actions", {}),
        }
        return Schedule.model_validate(given | more)

    def world(self, now: datetime = NOW) -> World:
        """What a run sees of it."""
        read = [
            (table, module.SOURCE.fetch(self.tenant.reader(module.SOURCE.name))[table.name]) for module in SOURCES for table in module.SOURCE.tables
        ]
        numbers = (*self.state.tenants["main"].computers, *UNMANAGED)
        tags = {81: json.dumps({"Owner": "payments"})}
        hosts = [machine(shop.instance(number), tags=tags.get(number, "{}"), launch_time=NOW - timedelta(days=9)) for number in numbers]
        found = [package(1, shop.instance(shop.IN_WEB_TOO), shop.ON_NEEDS, account=A)]
        settings = Settings(tenants=("main",), owners=OwnersSettings(addresses=OWNERS, default=DEFAULT_OWNER))
        acls = [row(MANAGED_RULE_GROUPS, account=acl.account, region=R, waf_scope="REGIONAL", vendor="AWS", name=PHP) for acl in self.acls.values()]
        made = world(*read, (EC2_INSTANCES, hosts), (INSPECTOR_FINDINGS, found), (MANAGED_RULE_GROUPS, acls), settings=settings)
        made = made.with_tables(instances.join(made))
        made = made.with_tables(virtual_patches.join(made))
        named = [(71, "CRITICAL"), (76, "HIGH"), (RECOMMENDED, "MEDIUM"), (81, "LOW"), (82, "LOW")]
        findings = [_finding(number, severity) for number, severity in named]
        joined = {
            FINDINGS.name: FINDINGS.frame(findings),
            BUCKET_ACCESS.name: BUCKET_ACCESS.frame([]),
            WEB_ACLS.name: WEB_ACLS.frame([acl.row() for acl in self.acls.values() if acl.there]),
            WEB_ENTRIES.name: WEB_ENTRIES.frame([acl.entry() for acl in self.acls.values() if acl.there]),
        }
        made = made.with_tables(joined)
        return World(made.tables, made.ledger, made.settings, now)

    def plan(self, past: Past | None = None, now: datetime = NOW, **more: Any) -> list[Change]:
        """What all actions propose, as the plan file gives it back."""
        changes = propose(self.world(now), past or Past(), self.schedule(**more).actions, discover())
        return [Change.of(json.loads(json.dumps(change.as_json()))) for change in changes]

    def changing(self, folder: Path, run: int, now: datetime = NOW, store: Store | None = None, **more: Any) -> Changing:
        """What `reporter apply` and `reporter undo` change the world through. The environment must be this bench's."""
        schedule = self.schedule(**more)
        return Changing(f"main-{run:06d}", schedule, now, "", store or FolderStore(folder), open_clients(schedule), A)

    def holds(self) -> dict[str, Any]:
        """What the servers hold, without instants: scans and sendings are told as whether they are of NOW or later."""
        tenant = self.state.tenants["main"]
        with self.state.lock:
            tenant.settle(self.state.clock.now())
            return {
                "assigned": {f"{kind} {number}": sorted(ids) for (kind, number), ids in sorted(tenant.own.items()) if ids},
                "overrides": {f"{kind} {number}": dict(ids) for (kind, number), ids in sorted(tenant.overrides.items()) if ids},
                "tasks": [task["type"] for task in tenant.scheduled_tasks.values()],
                "policies": json.loads(json.dumps(tenant.policies)),
                "computers": {number: _lasting(computer) for number, computer in sorted(tenant.computers.items())},
                "recommended": {number: _lasting(told) for number, told in sorted(tenant.recommendations.items())},
                "scanned": self._moved("recommendations", lambda told: told.get("lastRecommendationScanDate")),
                "checked": self._moved("computers", lambda computer: computer["integrityMonitoring"].get("lastIntegrityScan")),
                "sent": self._moved("computers", lambda computer: computer["lastSendPolicySuccess"]),
                "acls": {arn: acl.now() for arn, acl in self.acls.items()},
            }

    def _moved(self, kind: str, date: Any) -> list[int]:
        return sorted(number for number, one in getattr(self.state.tenants["main"], kind).items() if (date(one) or 0) >= shop.MILLIS)

    def effects(self) -> Counter[str]:
        """Writes that took effect, by what they did, since they were last forgotten."""
        done = Counter(write.what for write in self.state.writes)
        done.update(f"{call['operation']} {call['account']}" for call in self.aws.calls() if call["write"] and call["status"] == 200)
        return done

    def mails(self) -> list[str]:
        return sorted(recipient for taken in self.mail.taken for recipient in taken.recipients)


@dataclass
class Acl:
    """One web ACL of an account, whose owner has one rule group and a rule of another kind in it."""

    bench: Bench
    account: str
    arn: str = ""
    start: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, bench: Bench, account: str) -> Acl:
        made = cls(bench, account)
        geo = {"Name": "geo", "Priority": 3, "Action": {"Block": {}}, "Statement": {"GeoMatchStatement": {"CountryCodes": ["AQ"]}}}
        rules = [{**geo, "VisibilityConfig": VISIBILITY}, managed_rule(SQLI, 20)]
        whole = {"Name": "shop", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBILITY, "Rules": rules}
        made.arn = made.client.create_web_acl(**whole)["Summary"]["ARN"]
        made.start = made.now()
        return made

    @property
    def client(self) -> Any:
        return self.bench.aws.client("wafv2", R, (KEYS[self.account], "sandbox", ""))

    @property
    def there(self) -> bool:
        return any(summary["ARN"] == self.arn for summary in self.client.list_web_acls(Scope="REGIONAL")["WebACLs"])

    def now(self) -> dict[str, Any]:
        got: dict[str, Any] = self.client.get_web_acl(ARN=self.arn)["WebACL"]
        return got

    def put(self, acl: Mapping[str, Any]) -> None:
        token = self.client.get_web_acl(ARN=self.arn)["LockToken"]
        members = {name: acl[name] for name in ("Name", "Id", "DefaultAction", "VisibilityConfig", "Rules")}
        self.client.update_web_acl(**members, Scope="REGIONAL", LockToken=token)

    def put_back(self) -> None:
        if self.now() != self.start:
            self.put(self.start)
        assert self.now() == self.start

    def delete(self) -> None:
        token = self.client.get_web_acl(ARN=self.arn)["LockToken"]
        self.client.delete_web_acl(Name="shop", Id=self.start["Id"], Scope="REGIONAL", LockToken=token)

    def row(self) -> tuple[Any, ...]:
        acl = self.now()
        known = {"waf_scope": "REGIONAL", "arn": self.arn, "id": acl["Id"], "name": "shop", "default_action": "allow", "document": canonical(acl)}
        return row(WEB_ACLS, account=self.account, region=R, **known)

    def entry(self) -> tuple[Any, ...]:
        present = {rule["Statement"]["ManagedRuleGroupStatement"]["Name"] for rule in self.now()["Rules"] if "OverrideAction" in rule}
        return row(
            WEB_ENTRIES,
            account=self.account,
            region=R,
            entry=f"arn:aws:elasticloadbalancing:{R}:{self.account}:loadbalancer/app/shop/1",
            type="alb",
            internet_facing=True,
            web_acl=self.arn,
            instances=(shop.instance(shop.IN_WEB_TOO),),
            wanted_groups=(f"AWS:{PHP}",),
            wanted_sets=("web_application",),
            state="covered" if PHP in present else "missing_rules",
            reason="not in the web ACL",
        )


def _integrity(last: int) -> dict[str, Any]:
    return {"state": "on", "moduleStatus": {"agentStatus": "active", "agentStatusMessage": "On, 12 rules"}, "lastIntegrityScan": last}


def _computer(number: int, policy: int) -> dict[str, Any]:
    return {**shop.computer(number, policy, on_agent=()), "integrityMonitoring": _integrity(fleet.millis(NOW - timedelta(days=2)))}


def _finding(number: int, severity: str) -> tuple[Any, ...]:
    identity = {"instance_id": shop.instance(number), "resource": shop.instance(number)}
    return fleet.finding(number, **identity, severity=severity, title="It speaks with a command server.", created_at=NOW - timedelta(days=3))


def _lasting(value: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: inner for name, inner in value.items() if name not in (*SPARE, *SCAN_DATES)}
    return {name: _lasting(inner) if isinstance(inner, Mapping) else inner for name, inner in kept.items()}


@contextmanager
def benches(place: Path, accounts: Sequence[str] = (A,)) -> Iterator[Bench]:
    """The servers, and the environment that points at them."""
    sandbox = WpSandbox()
    sandbox.state = state = _Recording()
    with pytest.MonkeyPatch.context() as patch, sandbox, AwsSandbox() as aws, serving(SmtpServer(starttls=False)) as mail:
        aws_environment(patch, place)
        bench = Bench(sandbox, state, Door(aws.endpoint), mail)
        for name, value in bench.environment.items():
            patch.setenv(name, value)
        bench.aws.control("POST", "/moto-api/reset")
        for account in accounts:
            bench.aws.seed("sts", "access_keys", [KEYS[account]], account=account)
        bench.acls.update({acl.arn: acl for acl in (Acl.of(bench, account) for account in accounts)})
        bench.start_over()
        yield bench
