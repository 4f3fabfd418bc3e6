from __future__ import annotations

import random
from string import ascii_letters
from typing import Any

import pytest

from reporter.joins.reach.decide import own_policies_allow, worth_asking
from reporter.joins.reach.truth import Reach, Truth
from tests.joins.reach import cases_identity, cases_limits, cases_resource
from tests.joins.reach.vectors import BUCKET, FULL, GET, OBJECTS, READ, ROLE, UNREAD, B, Vector, allow, decided, deny, request, to, when

CASES = (*cases_identity.CASES, *cases_resource.CASES, *cases_limits.CASES)


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector.name) for vector in CASES])
def test_reach_is_what_aws_would_answer(vector: Vector) -> None:
    said = decided(vector)
    assert said.reach is vector.expected, said
    assert bool(said.why) is (said.reach is not Reach.YES)
    assert bool(said.allowed_by) or said.reach is not Reach.YES


def test_every_vector_has_its_own_name() -> None:
    assert len({vector.name for vector in CASES}) == len(CASES)


def test_the_statement_that_allows_is_named_by_its_sid() -> None:
    assert (
        decided(Vector("", Reach.YES, ([deny("ec2:*"), {**READ, "Sid": "ReadInvoices"}],))).allowed_by == "identity policy 1, statement ReadInvoices"
    )


def test_a_statement_without_sid_is_named_by_its_place() -> None:
    assert decided(Vector("", Reach.YES, ([deny("ec2:*"), READ],))).allowed_by == "identity policy 1, statement 2"


def test_across_accounts_both_statements_are_named() -> None:
    said = decided(Vector("", Reach.YES, (READ,), to(ROLE, Sid="Share"), owner=B))
    assert said.allowed_by == "identity policy 1, statement 1 and bucket policy, statement Share"


def test_what_keeps_it_open_is_named_with_statement_and_key() -> None:
    said = decided(Vector("", Reach.CONDITIONAL, (allow(GET, Sid="Net", **when("IpAddress", "aws:SourceIp", "192.0.2.0/24")),)))
    assert said.why == ("identity policy 1, statement Net depends on aws:SourceIp",)


def test_what_denies_is_named() -> None:
    assert decided(Vector("", Reach.NO, (FULL,), scps=[[FULL, deny("s3:*", Sid="NoS3")]])).why == ("denied by SCP 1.2, statement NoS3",)


def test_what_could_not_be_read_is_named() -> None:
    assert decided(Vector("", Reach.CONDITIONAL, (UNREAD,))).why == ("identity policy 1 could not be read",)


def test_an_open_key_policy_is_named() -> None:
    said = decided(Vector("", Reach.CONDITIONAL, (READ,), kms="alias/invoices"))
    assert said.why == ("kms:Decrypt on the bucket's key is not allowed by the role's own policies, key policy not read",)


def test_too_many_patterns_to_tell_keys_apart_leave_it_open() -> None:
    hostile = [f"{BUCKET}/*{'*'.join(random.Random(seed).sample(ascii_letters, 40))}*" for seed in range(5)]
    assert decided(Vector("", Reach.CONDITIONAL, (FULL, deny(GET, hostile)))).reach is Reach.CONDITIONAL


def test_the_roles_own_policies_are_judged_without_the_buckets_side() -> None:
    for identity, boundary, expected in (
        ((READ,), (), Truth.YES),
        ((READ, deny(GET, OBJECTS)), (), Truth.NO),
        ((READ,), allow("ec2:*"), Truth.NO),
        ((UNREAD,), (), Truth.OPEN),
    ):
        asked = request(Vector("", Reach.NO, identity, UNREAD, boundary=boundary, owner=B))
        assert own_policies_allow(asked.role, asked.bucket, GET) is expected


@pytest.mark.parametrize(
    ("identity", "policy", "expected"),
    [
        ((READ,), to(ROLE), True),
        ((READ,), to("arn:aws:iam::777788889999:root"), False),
        ((allow("ec2:*"),), to(ROLE), False),
        ((allow("s3:*", "arn:aws:s3:::ledger/*"),), to(ROLE), False),
        (({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::ledger/*"},), to(ROLE), True),
        ((UNREAD,), to(ROLE), True),
        ((READ,), UNREAD, True),
        ((), to(ROLE), False),
    ],
)
def test_a_role_of_another_account_is_worth_asking_only_if_both_sides_speak_of_each_other(identity: Any, policy: Any, expected: bool) -> None:
    asked = request(Vector("", Reach.NO, identity, policy, owner=B))
    assert worth_asking(asked.role, asked.bucket) is expected
