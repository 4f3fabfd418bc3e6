from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from reporter.clients.aws import AwsClients
from reporter.clients.simulation import not_allowed, principal_of
from reporter.core.errors import Denied
from reporter.core.scope import GLOBAL
from tests.aws_answers import refused, simulated
from tests.clients.aws_server import AwsServer, server

__all__ = ["server"]

A = "111122223333"
ROLE = f"arn:aws:iam::{A}:role/reporter-read"
OWN_BUCKETS = {
    "Action": ["s3:GetBucketPolicy"],
    "Resource": ["arn:aws:s3:::*"],
    "Condition": {"StringEquals": {"aws:ResourceAccount": ["${aws:PrincipalAccount}"]}},
}


@pytest.mark.parametrize(
    ("caller", "principal"),
    [
        (f"arn:aws:sts::{A}:assumed-role/reporter-read/session", ROLE),
        (f"arn:aws-cn:sts::{A}:assumed-role/reporter-read/session", f"arn:aws-cn:iam::{A}:role/reporter-read"),
        (f"arn:aws:iam::{A}:user/people/someone", f"arn:aws:iam::{A}:user/people/someone"),
        (ROLE, ROLE),
    ],
)
def test_the_policies_that_count_are_those_of_the_role_behind_a_session(caller: str, principal: str) -> None:
    assert principal_of(caller) == principal


def test_the_call_that_is_simulated_meets_the_conditions_of_the_statement(server: AwsServer) -> None:
    server.on("SimulatePrincipalPolicy", simulated("s3:GetBucketPolicy"))
    lacking = not_allowed(AwsClients(max_attempts=1).reader(A, GLOBAL, "check"), ROLE, [OWN_BUCKETS])
    assert lacking == {"s3:GetBucketPolicy": "no policy allows it"}
    (asked,) = server.asked("SimulatePrincipalPolicy")
    given = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    assert given["PolicySourceArn"] == ROLE
    assert given["ResourceArns.member.1"] == "arn:aws:s3:::*"
    assert given["ContextEntries.member.1.ContextKeyName"] == "aws:ResourceAccount"
    assert given["ContextEntries.member.1.ContextKeyValues.member.1"] == A


def test_a_refused_simulation_names_its_own_permission(server: AwsServer) -> None:
    server.on("SimulatePrincipalPolicy", refused())
    with pytest.raises(Denied) as caught:
        not_allowed(AwsClients(max_attempts=1).reader(A, GLOBAL, "check"), ROLE, [OWN_BUCKETS])
    assert caught.value.permission == "iam:SimulatePrincipalPolicy"
