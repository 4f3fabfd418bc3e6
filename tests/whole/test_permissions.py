"""What a run really asks for, role by role, at the sandbox: it is what the printed policies allow."""

from __future__ import annotations

import boto3
import pytest
import requests

from reporter.clients.aws import HOME_REGION
from reporter.clients.pack_bucket import PackBucket
from reporter.core.errors import ReporterError
from reporter.core.permission import By
from reporter.doors import open_store
from reporter.gather import discover, gather
from reporter.opening import Opener, open_clients
from reporter.permissions import statements
from reporter.schedule import Schedule, parse
from reporter.scopes import plan_scopes
from tests.whole.conftest import NOW, Served
from tests.wire import FREE, actions

MEMBER, ADMINISTRATOR = "111122223333", "222233334444"
READ = ("guardduty", "inspector", "macie", "organizations")


@pytest.fixture
def organisation(served: Served, monkeypatch: pytest.MonkeyPatch) -> Schedule:
    """The whole organisation, through one role and a delegated administrator."""
    monkeypatch.setenv("WP_API_KEY", served.environment.get("WP_API_KEY", "a-key"))
    return parse(
        f"""
jobs: {{nightly: {{schedule: "cron(0 3 * * ? *)"}}}}
aws:
  organization: {{role: reporter-read}}
  regions: [eu-central-1]
  delegated_admin: {{guardduty: "{ADMINISTRATOR}", inspector: "{ADMINISTRATOR}", macie: "{ADMINISTRATOR}"}}
workload_protection: [{{name: main, url: "{served.wp}", key: "env:WP_API_KEY"}}]
state: s3://acme-state/chain
evidence: {{store: "s3://acme-state/packs"}}
""",
        "here",
    )


def allowed(schedule: Schedule, *by: By) -> set[str]:
    return {action for one in by for said in statements(schedule, one) for action in said["Action"]} | FREE


def test_each_role_asks_for_what_its_policy_allows(served: Served, organisation: Schedule) -> None:
    member = {"AccountId": MEMBER, "RelationshipStatus": "Enabled"}
    seed = {"service": "guardduty", "kind": "members", "account": ADMINISTRATOR, "region": "eu-central-1", "items": [member]}
    requests.post(f"{served.aws_control}/seed", json=seed, timeout=60).raise_for_status()
    clients = open_clients(organisation)
    plan = plan_scopes(organisation, [source for source in discover() if source.name in READ], clients)
    gather(plan, Opener(clients, plan, "reporter-", NOW), lambda _: None)
    calls, _ = served.calls()
    as_role = {action for call in calls if call["role"] for action in actions(call["service"], call["operation"])}
    as_job = {action for call in calls if not call["role"] for action in actions(call["service"], call["operation"])}
    assert as_role - allowed(organisation, By.READ) == set()
    assert as_job - allowed(organisation, By.JOB) == set()
    assert {"guardduty:GetMemberDetectors", "guardduty:ListMembers", "inspector2:ListMembers", "macie2:ListMembers"} <= as_role
    assert {"organizations:ListAccounts", "sts:AssumeRole"} <= as_job


def test_the_state_and_a_broken_upload_ask_for_what_the_jobs_policy_allows(
    served: Served, organisation: Schedule, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("upload")
    aws = open_clients(organisation).aws
    client = aws.client("", "s3", HOME_REGION)
    boto3.client("s3", region_name=HOME_REGION).create_bucket(Bucket="acme-state", ObjectLockEnabledForBucket=True)
    served.forget()
    store = open_store(organisation, folder, aws)
    assert store.create("a.json", b"{}")
    assert store.names("") == ["a.json"]
    store.remove("a.json")
    pack = folder / "one.zip"
    pack.write_bytes(b"PK" * (3 << 20))
    served.break_aws(service="s3", operation="CompleteMultipartUpload", fault="access_denied")
    with pytest.raises(ReporterError):
        PackBucket(organisation.evidence.store, client, single=1 << 20, part=5 << 20).put("one.zip", pack, {"run": "main-000001"}, "", NOW)
    requests.delete(f"{served.aws_control}/faults", timeout=60)
    calls, _ = served.calls()
    asked = {action for call in calls for action in actions(call["service"], call["operation"])}
    assert asked - allowed(organisation, By.JOB) == set()
    assert {"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetBucketVersioning"} <= asked
