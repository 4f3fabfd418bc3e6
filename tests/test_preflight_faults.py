"""`reporter check` against a sandbox that is as it should be, and against the same one with eighteen faults planted at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from reporter.cli import main
from reporter.core.evaluation import CHECKS, rule_name
from reporter.core.permission import By
from reporter.permissions import documents
from reporter.preflight import preflight
from reporter.preflight.finding import Finding, State
from reporter.sandbox.estate.build import open_accounts
from reporter.sandbox.estate.cloud import Cloud
from reporter.sandbox.estate.draw import ACCOUNTS
from reporter.sandbox.serve import sandbox
from reporter.schedule import Schedule, load, parse
from tests.clients.aws_server import aws_environment

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
A, B, C = ACCOUNTS[:3]
REGIONS = ("eu-central-1", "us-east-1")
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": A}, "Action": "sts:AssumeRole"}]})
SCHEDULED = {"EventSource": "aws.config", "MessageType": "ScheduledNotification"}
WP_KEY = "a-key-of-the-sandbox"


def role(account: str, kind: str) -> str:
    return f"arn:aws:iam::{account}:role/reporter-{kind}"


def schedule(wp_url: str) -> Schedule:
    accounts = ", ".join(f'{{id: "{one}", role: "{role(one, "read")}", act_role: "{role(one, "act")}", external_id: word}}' for one in (A, B, C))
    return parse(
        f"""
jobs: {{nightly: {{schedule: "cron(0 3 * * ? *)"}}}}
aws: {{accounts: [{accounts}], regions: [{", ".join(REGIONS)}], max_attempts: 1}}
workload_protection: [{{name: main, url: "{wp_url}", key: "env:WP_API_KEY", patience: 0}}]
actions: {{attach_managed_rule_group: {{mode: apply}}}}
deliver:
  email: {{sender: reporter@example.com, ses: {{region: eu-central-1}}, link_bucket: "s3://links/mail"}}
  config_rules: {{}}
  security_hub: {{}}
state: s3://chain/state
evidence: {{key: "kms:alias/seal", store: "s3://packs/prod"}}
""",
        "here",
    )


class Estate:
    """Three accounts in which everything is as the schedule needs it."""

    def __init__(self, aws_endpoint: str, wp_url: str) -> None:
        self.cloud, self.wp = Cloud(aws_endpoint), wp_url.removesuffix("/api") + "/sandbox"
        self.schedule, self.detectors = schedule(wp_url), dict[tuple[str, str], str]()
        open_accounts(self.cloud)
        for account in (A, B, C):
            self._account(account)
        self._home()
        self.post("tenants", {"name": "main", "key": WP_KEY})
        self.seed_wp("api_key", {"roleID": 1, "keyName": "reporter", "expiryDate": millis(NOW + timedelta(days=200))})
        self.synchronised(timedelta(hours=1))

    def _account(self, account: str) -> None:
        for kind, by in (("read", By.READ), ("act", By.ACT)):
            self.client("iam", account).create_role(RoleName=f"reporter-{kind}", AssumeRolePolicyDocument=TRUST)
            self.grant(account, by)
        self.client("s3", account, "us-east-1").create_bucket(Bucket=f"data-{account}")
        self.client("iam", account).create_role(RoleName="rules", AssumeRolePolicyDocument=TRUST)
        for region in REGIONS:
            self.detectors[account, region] = self.client("guardduty", account, region).create_detector(Enable=True)["DetectorId"]
            self.inspector(account, region, "ENABLED")
            self.cloud.seed("macie2", "session", account, region, [{"status": "ENABLED"}])
            config = self.client("config", account, region)
            recorder = {"name": "default", "roleARN": role(account, "config"), "recordingGroup": {"allSupported": True}}
            config.put_configuration_recorder(ConfigurationRecorder=recorder)
            config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": f"data-{account}"})
            config.start_configuration_recorder(ConfigurationRecorderName="default")
            function = f"arn:aws:lambda:{region}:{account}:function:reporter"
            code = {"Handler": "reporter.aws_lambda.handler", "Runtime": "python3.12", "Code": {"ZipFile": b"-"}}
            self.client("lambda", account, region).create_function(FunctionName="reporter", Role=f"arn:aws:iam::{account}:role/rules", **code)
            for check in CHECKS:
                source = {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": function, "SourceDetails": [SCHEDULED]}
                config.put_config_rule(ConfigRule={"ConfigRuleName": rule_name("reporter-", check), "Source": source})
            self.client("securityhub", account, region).enable_security_hub(EnableDefaultStandards=False)

    def _home(self) -> None:
        """What the job keeps in its own account."""
        s3 = self.client("s3", A, "us-east-1")
        s3.create_bucket(Bucket="chain")
        s3.create_bucket(Bucket="links")
        s3.create_bucket(Bucket="packs", ObjectLockEnabledForBucket=True)
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        s3.put_bucket_encryption(Bucket="packs", ServerSideEncryptionConfiguration={"Rules": [rule]})
        self.kms = self.client("kms", A)
        self.key = self.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        self.kms.create_alias(AliasName="alias/seal", TargetKeyId=self.key)
        self.cloud.seed("sesv2", "verified", A, "eu-central-1", ["example.com"])

    def client(self, service: str, account: str, region: str = "eu-central-1") -> Any:
        return self.cloud.client(service, account, region)

    def grant(self, account: str, by: By, without: str = "") -> None:
        """The policies that are printed; one action left out, where a test says so."""
        for number, document in enumerate(documents(self.schedule, by)):
            text = json.dumps(document).replace(f'"{without}", ', "").replace(f'["{without}"]', '["sts:GetCallerIdentity"]')
            self.client("iam", account).put_role_policy(RoleName=f"reporter-{by.value}", PolicyName=f"printed-{number}", PolicyDocument=text)

    def inspector(self, account: str, region: str, state: str) -> None:
        self.cloud.seed("inspector2", "status", account, region, [{"ec2": state, "ecr": state, "lambda": state}])

    def synchronised(self, ago: timedelta) -> None:
        connector = {"ID": 1, "displayName": "shop", "accountId": B, "lastSyncTime": millis(NOW - ago)}
        self.seed_wp("aws_connectors", connector)

    def seed_wp(self, kind: str, item: dict[str, Any]) -> None:
        self.post("seed", {"tenant": "main", "kind": kind, "items": [item]})

    def post(self, path: str, body: Any) -> None:
        requests.post(f"{self.wp}/{path}", json=body, timeout=30).raise_for_status()

    def look(self) -> list[Finding]:
        return preflight(self.schedule, NOW)

    def calls(self) -> tuple[set[str], set[str]]:
        """Operations at AWS, methods at Workload Protection."""
        aws = requests.get(f"{self.cloud.endpoint}/sandbox/calls", timeout=30).json()
        wp = requests.get(f"{self.wp}/calls", timeout=30).json()
        return {f"{call['service']}:{call['operation']}" for call in aws}, {call["method"] for call in wp}

    def forget(self) -> None:
        for url in (f"{self.cloud.endpoint}/sandbox/calls", f"{self.wp}/calls"):
            requests.delete(url, timeout=30).raise_for_status()

    def plant_eighteen(self) -> None:
        self.cloud.seed("sts", "refused_roles", C, "global", [role(C, "read")])  # 1
        self.cloud.seed("sts", "refused_roles", B, "global", [role(B, "act")])  # 2
        self.grant(A, By.READ, without="ecs:ListTasks")  # 3
        self.grant(A, By.ACT, without="wafv2:UpdateWebACL")  # 4
        guardduty = self.client("guardduty", B, "us-east-1")
        guardduty.delete_detector(DetectorId=self.detectors[B, "us-east-1"])  # 5
        self.inspector(B, "eu-central-1", "DISABLED")  # 6
        self.cloud.post("/sandbox/faults", [{"service": "macie2", "account": A, "region": "us-east-1", "fault": "not_enabled"}])  # 7
        self.client("config", A, "us-east-1").stop_configuration_recorder(ConfigurationRecorderName="default")  # 8
        self.seed_wp("roles", {"ID": 4, "name": "Shop", "allComputers": False, "allPolicies": True})  # 9
        self.seed_wp("api_key", {"roleID": 4, "expiryDate": millis(NOW + timedelta(days=5))})  # 10
        self.synchronised(timedelta(days=3))  # 11
        self.client("sesv2", A).delete_email_identity(EmailIdentity="example.com")  # 12
        s3 = self.client("s3", A, "us-east-1")
        s3.delete_bucket(Bucket="chain")  # 13
        s3.delete_bucket(Bucket="packs")
        s3.create_bucket(Bucket="packs")  # 14
        self.kms.disable_key(KeyId=self.key)  # 15
        self.client("securityhub", A, "us-east-1").disable_security_hub()  # 16
        self.client("config", B, "eu-central-1").delete_config_rule(ConfigRuleName="reporter-instance-clear")  # 17
        s3.delete_bucket(Bucket="links")  # 18


def millis(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with pytest.MonkeyPatch.context() as patch, sandbox(size="empty", now=NOW) as running:
        aws_environment(patch, tmp_path_factory.mktemp("aws"))
        for name, value in {**running.environment, "WP_API_KEY": WP_KEY}.items():
            patch.setenv(name, value)
        yield Estate(running.aws_endpoint, running.wp_url)


WRITING = ("Put", "Create", "Delete", "Update", "Start", "Stop", "Enable", "Disable", "Send", "Tag")


def test_nothing_is_found_where_everything_is_as_it_should_be_and_nothing_is_written(estate: Estate) -> None:
    estate.forget()
    found = estate.look()
    assert [row for row in found if row.bad] == []
    assert [row.what for row in found if row.state is State.NOT_TRIED] == ["writes of the job", "rights to change Workload Protection"]
    operations, methods = estate.calls()
    assert [one for one in operations if one.partition(":")[2].startswith(WRITING)] == []
    assert methods == {"GET"}


def test_what_init_writes_passes_check(estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    estate.client("organizations", A).create_organization(FeatureSet="ALL")
    estate.cloud.seed("organizations", "accounts", A, "global", [{"Id": B, "Name": "shop", "Email": "shop@example.com"}])
    for region in REGIONS:
        estate.client("ecs", B, region).create_cluster(clusterName="shop")
    monkeypatch.setenv("WP_API_URL", estate.schedule.workload_protection[0].url)
    assert main(["init", "--yes"]) == 0
    written = load(tmp_path / "schedule.yaml")
    assert written.aws.organization is not None
    assert written.aws.regions == REGIONS
    assert WP_KEY not in (tmp_path / "schedule.yaml").read_text()
    assert [row for row in preflight(written, NOW) if row.bad] == []


def test_eighteen_planted_faults_are_eighteen_rows_with_what_to_change(estate: Estate) -> None:
    estate.plant_eighteen()
    found = [row for row in estate.look() if row.bad]
    assert {row.what: row.state.value for row in found} == dict.fromkeys(
        (
            f"account {C}",
            f"act role in {B}",
            f"permissions to read in {A}",
            f"permissions to act in {A}",
            f"GuardDuty in {B}",
            f"Inspector in {B}",
            f"Macie in {A}",
            f"AWS Config in {A}",
            "Workload Protection main",
            "key of main",
            "AWS connectors of main",
            "SES in eu-central-1",
            "state",
            "evidence store",
            "evidence key",
            f"Security Hub in {A}",
            f"rules of AWS Config in {B}",
            "bucket of links",
        ),
        "FAIL",
    )
    assert len(found) == 18
    assert all(row.fix and row.seen for row in found)
