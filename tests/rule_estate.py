"""A member account with a few instances, our rules, and their computers, in sandbox servers of this process; and AWS Config that asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from reporter.clients.store import FolderStore
from reporter.core import clock
from reporter.core.evaluation import CHECKS, rule_name
from reporter.sandbox.aws import AwsSandbox
from reporter.sandbox.aws.config_notifications import sent
from reporter.sandbox.aws.store import STORE
from reporter.sandbox.estate.cloud import Cloud, access_key
from reporter.sandbox.wp.seeds import seed
from reporter.sandbox.wp.server import WpSandbox
from tests.clients.aws_server import aws_environment

HOME, MEMBER, STRANGER = "123456789012", "111122223333", "999900001111"
REGION = "eu-central-1"
CHANGED, OVERSIZED, SCHEDULED = (
    "ConfigurationItemChangeNotification",
    "OversizedConfigurationItemChangeNotification",
    "ScheduledNotification",
)
KEY = "a-key-of-the-sandbox"


@dataclass
class Estate:
    """Instances by name: good (protected), bare (no agent), other (outside the scope)."""

    aws: AwsSandbox
    wp: WpSandbox
    folder: Path
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def schedule(self) -> Path:
        return self.folder / "schedule.yaml"

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.folder / "out" / ".state")

    def client(self, service: str, account: str = MEMBER) -> Any:
        return Cloud(self.aws.endpoint).client(service, account, REGION)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.aws.endpoint}/sandbox/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, check: str, message: str = SCHEDULED, name: str = "", **more: Any) -> dict[str, Any]:
        """The event by which Config asks the rule of a check, or of a name; `name`: of the instance that changed."""
        resource = {"resource": self.ids.get(name, name)} if name else {}
        asked = check if "-" in check else rule_name("reporter-", check)
        body = {"account": MEMBER, "region": REGION, "rule": asked, "message": message, **resource, **more}
        event: dict[str, Any] = self.control("POST", "config/ask", body)
        return event

    def held(self, check: str) -> dict[str, str]:
        """What Config holds for a rule: name of instance -> compliance."""
        return {name: row["ComplianceType"] for name, row in self.details(check).items()}

    def details(self, check: str) -> dict[str, Any]:
        asked = {"ConfigRuleName": check if "-" in check else rule_name("reporter-", check)}
        pages = self.client("config").get_paginator("get_compliance_details_by_config_rule").paginate(**asked)
        names = {number: name for name, number in self.ids.items()}
        rows = [row for page in pages for row in page["EvaluationResults"]]
        ids = [row["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ResourceId"] for row in rows]
        return {names.get(number, number): row for number, row in zip(ids, rows, strict=True)}

    def hold(self, check: str, name: str, compliance: str = "COMPLIANT", **ago: float) -> None:
        """Let Config hold an evaluation already."""
        at = clock.iso(clock.now() - timedelta(**(ago or {"days": 3})))
        item = {"ConfigRuleName": rule_name("reporter-", check), "ResourceType": "AWS::EC2::Instance", "ResourceId": self.ids.get(name, name)}
        items = [{**item, "ComplianceType": compliance, "OrderingTimestamp": at}]
        self.control("POST", "seed", {"service": "config", "kind": "compliance", "account": MEMBER, "region": REGION, "items": items})

    def calls(self, operation: str) -> list[dict[str, Any]]:
        return [call for call in self.control("GET", "calls") if call["operation"] == operation]

    def write(self, more: str = "", rules: str = "{}") -> None:
        """The schedule that the function reads."""
        self.schedule.write_text(
            f"""
jobs: {{nightly: {{schedule: "cron(0 3 * * ? *)"}}}}
aws:
  accounts: [{{id: "{MEMBER}", role: "arn:aws:iam::{MEMBER}:role/reporter-read"}}]
  regions: [{REGION}]
  scope: {{tag: Environment, values: [cde]}}
  max_attempts: 1
workload_protection: [{{name: main, url: "{self.wp.url}", key: "env:WP_API_KEY", patience: 0}}]
checks: {{agent_max_age: 24h, grace_minutes: 60}}
deliver: {{config_rules: {rules}}}
{more}
""",
            encoding="utf-8",
        )


@pytest.fixture(scope="module")
def poured() -> Iterator[Estate]:
    """The servers, with everything in them, for the tests of one file."""
    with AwsSandbox() as aws, WpSandbox() as wp:
        made = Estate(aws, wp, Path())
        requests.post(f"{aws.endpoint}/moto-api/reset", timeout=60).raise_for_status()
        cloud = Cloud(aws.endpoint)
        for account in (HOME, MEMBER):
            cloud.seed("sts", "access_keys", account, "global", [access_key(account)])
        _pour_aws(made)
        _pour_wp(made)
        yield made


@pytest.fixture
def estate(poured: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Estate:
    """The estate as it was poured, a state without anything in it, and the function's environment."""
    aws_environment(monkeypatch, tmp_path)
    for name, value in {
        "AWS_ENDPOINT_URL": poured.aws.endpoint,
        "AWS_ACCESS_KEY_ID": access_key(HOME),
        "WP_API_KEY": KEY,
        "REPORTER_SCHEDULE": str(tmp_path / "schedule.yaml"),
        "REPORTER_OUT": str(tmp_path / "out"),
    }.items():
        monkeypatch.setenv(name, value)
    for kind in ("evaluations", "failing", "runs"):
        STORE.shelf("config", kind, MEMBER, REGION).clear()
    sent().clear()
    poured.control("DELETE", "faults")
    poured.control("DELETE", "calls")
    poured.wp.state.faults.lift()
    made = replace(poured, folder=tmp_path)
    made.write()
    return made


def _pour_aws(estate: Estate) -> None:
    ec2, config = estate.client("ec2"), estate.client("config")
    for name, scope in (("good", "cde"), ("bare", "cde"), ("other", "test")):
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Environment", "Value": scope}]}]
        made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, TagSpecifications=tags)
        estate.ids[name] = made["Instances"][0]["InstanceId"]
    launched = clock.iso(clock.now() - timedelta(days=40))
    times = [{"instance_id": number, "launch_time": launched} for number in estate.ids.values()]
    estate.control("POST", "seed", {"service": "ec2", "kind": "launch_times", "account": MEMBER, "region": REGION, "items": times})
    config.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": f"arn:aws:iam::{MEMBER}:role/config"})
    estate.client("s3").create_bucket(Bucket=f"config-{MEMBER}", CreateBucketConfiguration={"LocationConstraint": REGION})
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": f"config-{MEMBER}"})
    config.start_configuration_recorder(ConfigurationRecorderName="default")
    role = f"arn:aws:iam::{MEMBER}:role/rules"
    estate.client("iam").create_role(RoleName="rules", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    function = estate.client("lambda").create_function(
        FunctionName="reporter", Runtime="python3.12", Handler="reporter.aws_lambda.handler", Role=role, Code={"ZipFile": b"no code"}
    )
    for check in CHECKS:
        rule(estate, rule_name("reporter-", check), function["FunctionArn"])


def rule(estate: Estate, name: str, function: str, parameters: str = "") -> None:
    details = [{"EventSource": "aws.config", "MessageType": message} for message in (SCHEDULED, CHANGED, OVERSIZED)]
    source = {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": function, "SourceDetails": details}
    more = {"InputParameters": parameters} if parameters else {}
    estate.client("config").put_config_rule(ConfigRule={"ConfigRuleName": name, "Source": source, **more})


def _pour_wp(estate: Estate) -> None:
    estate.wp.state.add_key("main", KEY, "api-key", 1)
    main = estate.wp.state.tenants["main"]
    seed(main, "policies", [{"ID": 9, "name": "Linux Server"}])
    fresh = round((clock.now() - timedelta(minutes=10)).timestamp() * 1000)
    active = {"state": "on", "moduleStatus": {"agentStatus": "active", "agentStatusMessage": "On, Real Time, 12 rules"}}
    computer = {
        "ID": 7,
        "hostName": "good",
        "policyID": 9,
        "agentFingerPrint": "AA:BB",
        "lastAgentCommunication": fresh,
        "computerStatus": {"agentStatus": "active", "agentStatusMessages": ["Managed (Online)"]},
        "ec2VirtualMachineSummary": {"accountID": MEMBER, "instanceID": estate.ids["good"]},
        "antiMalware": active,
        "intrusionPrevention": {**active, "state": "prevent", "ruleIDs": [1]},
    }
    seed(main, "computers", [computer])
