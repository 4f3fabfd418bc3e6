from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from reporter.core.scope import GLOBAL, ScopeState
from reporter.joins import bucket_access
from reporter.tables.aws import ECS_CONTAINER_INSTANCES, ECS_TASKS, IAM_ROLE_POLICIES, S3_ACCOUNTS
from reporter.tables.joined import BUCKET_ACCESS
from tests.joins.made import HOSTILE, R2, A, B, R, host, only, permuted, row, task
from tests.joins.made_access import (
    ALL,
    BUCKET,
    BY_READ,
    I1,
    I2,
    READ,
    Rows,
    alert,
    arn,
    bucket,
    document,
    instance,
    joined,
    organization,
    role,
    world,
)


def test_an_empty_world_gives_an_empty_declared_table() -> None:
    assert joined().equals(BUCKET_ACCESS.frame())


def test_a_role_reaches_the_alerted_bucket_through_its_instance_profile() -> None:
    found = only(joined(alert(), bucket(), role("web", READ), instance(tenant="main")))
    assert tuple(found) == (
        BUCKET,
        A,
        arn("web"),
        I1,
        "instance_profile",
        BY_READ,
        "allowed",
        "protected",
        R,
        ("s3:GetObject",),
        A,
        R,
        "payments",
        "main",
    )


def test_a_role_reaches_the_bucket_through_the_tasks_of_a_container_host() -> None:
    tasks = (ECS_TASKS, [task("t1", 1, task_role_arn=arn("app")), task("t2", 1, task_role_arn=arn("app"))])
    hosts = (ECS_CONTAINER_INSTANCES, [host(1, I2)])
    found = only(joined(alert(), bucket(), role("app", READ), instance(I2, None, protection="unmanaged"), tasks, hosts))
    assert (found.instance_id, found.via, found.protection) == (I2, "task_role", "unmanaged")


@pytest.mark.parametrize(
    "tasks",
    [
        [task("t1", None, task_role_arn=arn("app"), launch_type="FARGATE")],
        [task("t1", 1, task_role_arn=arn("app"), last_status="STOPPED")],
        [task("t1", 2, task_role_arn=arn("app"))],
        [task("t1", 1)],
        [],
    ],
    ids=["on Fargate", "stopped", "on a host that is not known", "without a role", "none"],
)
def test_an_allowed_role_that_no_instance_runs_as_has_an_empty_instance(tasks: list[Any]) -> None:
    hosts = (ECS_CONTAINER_INSTANCES, [host(1, I1)])
    found = only(joined(alert(), bucket(), role("app", READ), instance(I1, None), (ECS_TASKS, tasks), hosts))
    assert (found.role_arn, found.instance_id, found.via, found.decision, found.protection) == (arn("app"), None, None, "allowed", None)


def test_one_instance_may_reach_it_both_ways() -> None:
    tasks = (ECS_TASKS, [task("t1", 1, task_role_arn=arn("web"))])
    found = joined(alert(), bucket(), role("web", READ), instance(), tasks, (ECS_CONTAINER_INSTANCES, [host(1, I1)]))
    assert list(found["via"]) == ["instance_profile", "task_role"]


def test_what_is_denied_is_no_row() -> None:
    assert joined(alert(), bucket(), role("web", {**READ, "Resource": "arn:aws:s3:::ledger/*"}), instance()).empty


@pytest.mark.parametrize("values", [{"sample": True}, {"archived": True}, {"bucket_name": None, "bucket_arn": None}])
def test_sample_and_archived_findings_and_those_without_bucket_are_not_followed(values: dict[str, Any]) -> None:
    assert joined(alert(**values), bucket(), role("web", READ), instance()).empty


def test_two_findings_on_one_bucket_are_one_row() -> None:
    assert len(joined(alert(), alert(finding="f2"), bucket(), role("web", READ), instance())) == 1


@pytest.mark.parametrize("values", [{"bucket_arn": None}, {"bucket_name": None}])
def test_a_bucket_is_known_by_its_name_or_its_arn(values: dict[str, Any]) -> None:
    assert only(joined(alert(**values), bucket(), role("web", READ), instance())).bucket == BUCKET


def test_all_actions_that_are_allowed_are_listed_with_each_statement_once() -> None:
    write = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:DeleteObject"], "Resource": "*", "Sid": "Write"}
    found = only(joined(alert(), bucket(), role("web", READ, write), instance()))
    assert found.actions == ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
    assert found.allowed_by == f"{BY_READ}; identity policy inline:app, statement Write"


def test_an_allowed_action_outweighs_a_conditional_one() -> None:
    bound = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    found = only(joined(alert(), bucket(), role("web", READ, bound), instance()))
    assert (found.decision, found.actions) == ("allowed", ("s3:GetObject",))


def test_a_conditional_row_says_what_keeps_it_open() -> None:
    bound = {**READ, "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}
    found = only(joined(alert(), bucket(), role("web", bound), instance()))
    assert (found.decision, found.actions, found.allowed_by) == ("conditional", ("s3:GetObject",), f"{BY_READ} depends on aws:SourceVpce")


def test_a_role_of_another_account_needs_both_sides() -> None:
    share = {**READ, "Principal": {"AWS": f"arn:aws:iam::{B}:root"}, "Sid": "Share"}
    roles = (*role("cross", READ, account=B), *role("shut", account=B))
    found = only(joined(alert(), bucket("invoices", share), list(roles), instance(name="cross", account=B, region=R2)))
    assert (found.account, found.role_arn, found.instance_account, found.instance_region, found.region) == (A, arn("cross", B), B, R2, R)
    assert found.allowed_by == f"{BY_READ} and bucket policy, statement Share"


def test_an_unread_policy_of_a_role_leaves_it_conditional() -> None:
    assert only(joined(alert(), bucket(), role("web", unread=True), instance())).decision == "conditional"


def test_an_unread_boundary_leaves_it_conditional_and_a_read_one_caps() -> None:
    named: dict[str, Any] = {"boundary_arn": f"arn:aws:iam::{A}:policy/cap"}
    assert only(joined(alert(), bucket(), role("web", READ, **named), instance())).decision == "conditional"
    assert joined(alert(), bucket(), role("web", READ, **named, boundary=document({**ALL, "Action": "ec2:*"})), instance()).empty


def test_a_bucket_that_was_not_read_leaves_roles_conditional_whose_own_policies_allow_it() -> None:
    found = joined(alert(), role("web", ALL), role("idle"), instance(), unread={(A, "s3"): ScopeState.DENIED})
    assert list(found["role_arn"]) == [arn("web"), f"arn:aws:iam::{A}:root"]
    assert set(found["decision"]) == {"conditional"}
    assert all("bucket policy could not be read" in text for text in found["allowed_by"])


def test_an_unread_bucket_policy_makes_one_row_for_the_account_even_if_no_role_has_a_policy() -> None:
    found = only(joined(alert(), bucket(unread=("policy",)), role("idle"), instance(name="idle")))
    assert (found.role_arn, found.instance_id, found.decision) == (f"arn:aws:iam::{A}:root", None, "conditional")


def test_an_unread_acl_that_may_count_leaves_it_open_and_one_that_is_off_does_not() -> None:
    assert only(joined(alert(), bucket(unread=("acl",), ownership=None), role("idle"))).actions == ("s3:PutObject", "s3:DeleteObject")
    assert joined(alert(), bucket(unread=("acl",)), role("idle")).empty


def test_an_unread_ownership_leaves_an_acl_grant_open() -> None:
    everybody = ("WRITE http://acs.amazonaws.com/groups/global/AllUsers",)
    assert only(joined(alert(), bucket(unread=("ownership",), ownership=None, acl_grants=everybody), role("idle"))).decision == "conditional"


def test_an_unread_encryption_leaves_reading_and_writing_open() -> None:
    assert only(joined(alert(), bucket(unread=("encryption",)), role("web", READ))).allowed_by == "the bucket's default encryption could not be read"


def test_an_account_whose_iam_could_not_be_read_is_one_conditional_row_if_the_bucket_may_let_it_in() -> None:
    share = {**READ, "Principal": {"AWS": arn("anyone", B)}}
    found = only(joined(alert(), bucket("invoices", share), role("idle"), unread={(B, "iam"): ScopeState.DENIED}))
    assert (found.role_arn, found.decision, found.allowed_by.split(";")[0]) == (
        f"arn:aws:iam::{B}:root",
        "conditional",
        f"IAM of account {B} could not be read",
    )


def test_an_account_whose_iam_could_not_be_read_is_no_row_if_the_bucket_lets_nobody_of_it_in() -> None:
    assert joined(alert(), bucket(), role("idle"), unread={(B, "iam"): ScopeState.UNAVAILABLE}).empty


def test_the_buckets_own_account_needs_no_grant_to_be_a_row_when_its_iam_could_not_be_read() -> None:
    assert only(joined(alert(), bucket(), unread={(A, "iam"): ScopeState.DENIED})).role_arn == f"arn:aws:iam::{A}:root"


@pytest.mark.parametrize(
    ("setting", "unread", "expected"), [(False, (), "allowed"), (None, (), "allowed"), (None, ("public_access_block",), "conditional")]
)
def test_the_buckets_public_access_block_decides_on_a_public_policy(setting: Any, unread: tuple[str, ...], expected: str) -> None:
    public = bucket("invoices", {**READ, "Principal": "*"}, restrict_public_buckets=setting, unread=unread)
    assert only(joined(alert(), public, role("cross", READ, account=B))).decision == expected


def test_the_accounts_public_access_block_shuts_other_accounts_out_of_a_public_bucket() -> None:
    strict = (S3_ACCOUNTS, [row(S3_ACCOUNTS, account=A, region=GLOBAL, restrict_public_buckets=True, ignore_public_acls=True)])
    made = world(alert(), bucket("invoices", {**READ, "Principal": "*"}), role("cross", READ, account=B))
    assert bucket_access.join(made.with_tables({S3_ACCOUNTS.name: S3_ACCOUNTS.frame(strict[1])}))[BUCKET_ACCESS.name].empty
    nothing = made.with_tables({S3_ACCOUNTS.name: S3_ACCOUNTS.frame()})
    assert only(bucket_access.join(nothing)[BUCKET_ACCESS.name]).decision == "conditional"


def test_an_acl_grant_is_matched_by_the_accounts_canonical_id() -> None:
    ids = [row(S3_ACCOUNTS, account=B, region=GLOBAL, restrict_public_buckets=False, ignore_public_acls=False, canonical_id="c0ffee")]
    made = world(alert(), bucket(ownership="ObjectWriter", acl_grants=("WRITE c0ffee",)), role("cross", ALL, account=B))
    found = only(bucket_access.join(made.with_tables({S3_ACCOUNTS.name: S3_ACCOUNTS.frame(ids)}))[BUCKET_ACCESS.name])
    assert (found.decision, found.actions) == ("allowed", ("s3:PutObject",))


def test_a_bucket_policy_that_names_a_session_is_decided_for_the_instance_of_that_name() -> None:
    session = {**READ, "Principal": {"AWS": f"arn:aws:sts::{A}:assumed-role/web/{I1}"}}
    found = joined(alert(), bucket("invoices", session), role("web"), instance(I1), instance(I2))
    assert list(zip(found["instance_id"], found["decision"], strict=True)) == [(I1, "allowed")]


def test_a_session_that_no_known_instance_has_leaves_the_role_conditional_without_instance() -> None:
    session = {**READ, "Principal": {"AWS": f"arn:aws:sts::{A}:assumed-role/web/anna"}}
    found = only(joined(alert(), bucket("invoices", session), role("web"), instance(I1)))
    assert (found.instance_id, found.decision) == (None, "conditional")


NO_S3 = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Principal": "*", "Sid": "NoS3"}
EVERY_LEVEL = (("SCP", "r-1", ALL), ("SCP", "ou-1", ALL), ("SCP", A, ALL))
REACHES = (alert(), bucket(), role("web", READ), instance())


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (organization(*EVERY_LEVEL), ["allowed"]),
        (organization(*EVERY_LEVEL, ("SCP", "ou-1", NO_S3)), []),
        (organization(*EVERY_LEVEL, ("SCP", "ou-2", NO_S3)), ["allowed"]),
        (organization(*EVERY_LEVEL, ("RCP", "r-1", NO_S3)), []),
        (organization(*EVERY_LEVEL, ("TAG", "r-1", NO_S3)), ["allowed"]),
        (organization(("SCP", "r-1", ALL), ("SCP", A, ALL)), ["conditional"]),
        (organization(), ["allowed"]),
        (organization(*EVERY_LEVEL, members=(B,)), ["conditional"]),
        (organization(*EVERY_LEVEL, ("SCP", A, NO_S3), members=(), management=A), ["allowed"]),
    ],
    ids=[
        "all allow",
        "a level denies",
        "elsewhere",
        "a resource control policy denies",
        "other kinds",
        "a level is missing",
        "not in use",
        "another's account",
        "management",
    ],
)
def test_control_policies_count_level_by_level(rows: list[Rows], expected: list[str]) -> None:
    assert list(joined(*REACHES, rows)["decision"]) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [(ScopeState.OK, "allowed"), (ScopeState.NOT_ENABLED, "allowed"), (ScopeState.DENIED, "conditional"), (None, "conditional")],
)
def test_control_policies_that_could_not_be_read_leave_it_conditional(state: ScopeState | None, expected: str) -> None:
    found = only(joined(*REACHES, organizations=state))
    assert found.decision == expected
    assert expected == "allowed" or "service control policies could not be read" in found.allowed_by


def test_a_service_linked_role_is_beyond_control_policies() -> None:
    linked = role("linked", READ, path="/aws-service-role/x.amazonaws.com/")
    found = joined(alert(), bucket(), linked, organization(*EVERY_LEVEL, ("SCP", A, NO_S3), ("RCP", A, NO_S3)))
    assert list(found["decision"]) == ["allowed"]


def test_hostile_names_and_documents_are_carried_and_never_stop_the_join() -> None:
    made = world(
        alert(HOSTILE),
        bucket(HOSTILE, policy=HOSTILE),
        role("web", ALL, READ, path=HOSTILE, trust=HOSTILE),
        (IAM_ROLE_POLICIES, [row(IAM_ROLE_POLICIES, region=GLOBAL, role_arn=arn("web"), policy=HOSTILE, document=HOSTILE)]),
        instance(owner=HOSTILE),
    )
    found = bucket_access.join(made)[BUCKET_ACCESS.name]
    assert set(found["decision"]) == {"conditional"}
    assert list(found["owner"]) == [HOSTILE, None]


def test_permuted_rows_give_the_same_frame() -> None:
    share = {**READ, "Principal": {"AWS": f"arn:aws:iam::{B}:root"}}
    made = world(
        alert(),
        alert("ledger", "f2"),
        bucket("invoices", share),
        bucket("ledger"),
        *(role(f"r{n}", READ, ALL) for n in range(5)),
        role("cross", READ, account=B),
        *(instance(f"i-{n:017}", f"r{n % 5}") for n in range(8)),
        organization(*EVERY_LEVEL, members=(A, B)),
    )
    expected = bucket_access.join(made)[BUCKET_ACCESS.name]
    assert len(expected) == 17
    for seed in range(3):
        pd.testing.assert_frame_equal(bucket_access.join(permuted(made, seed))[BUCKET_ACCESS.name], expected)
