from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import OTHER, Door

TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
)
READ_S3 = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def details(client: Any, **more: Any) -> tuple[list[int], dict[str, list[dict[str, Any]]]]:
    """Rows per page, and everything by list."""
    names = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
    pages = list(client.get_paginator("get_account_authorization_details").paginate(**more))
    return [sum(len(page[name]) for name in names) for page in pages], {name: [row for page in pages for row in page[name]] for name in names}


def test_details_come_in_pages_across_the_four_lists(aws: Door) -> None:
    client = aws.client("iam")
    for number in range(120):
        client.create_role(RoleName=f"role{number}", AssumeRolePolicyDocument=TRUST)
    for number in range(3):
        client.create_user(UserName=f"user{number}")
    sizes, lists = details(client)
    assert sizes == [100, 23]
    assert len({role["RoleName"] for role in lists["RoleDetailList"]}) == 120
    assert details(client, PaginationConfig={"PageSize": 50})[0] == [50, 50, 23]


def test_a_policy_of_aws_is_known_when_it_is_attached(aws: Door) -> None:
    client = aws.client("iam")
    client.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    client.attach_role_policy(RoleName="reader", PolicyArn=READ_S3)
    _, lists = details(client)
    assert [policy["Arn"] for policy in lists["Policies"]] == [READ_S3]
    version = next(version for version in lists["Policies"][0]["PolicyVersionList"] if version["IsDefaultVersion"])
    assert "s3:Get*" in json.dumps(version["Document"])
    assert client.list_attached_role_policies(RoleName="reader")["AttachedPolicies"][0]["PolicyArn"] == READ_S3


def test_policies_of_aws_with_a_path_are_known(aws: Door) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
    assert aws.client("iam").get_policy(PolicyArn=arn)["Policy"]["Arn"] == arn


def test_a_policy_aws_does_not_have_is_not_found(aws: Door) -> None:
    client = aws.client("iam")
    client.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    with pytest.raises(client.exceptions.NoSuchEntityException):
        client.attach_role_policy(RoleName="reader", PolicyArn="arn:aws:iam::aws:policy/NoSuchThing")


def test_a_policy_of_aws_can_be_a_boundary(aws: Door) -> None:
    client = aws.client("iam")
    client.create_role(RoleName="bound", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=READ_S3)
    assert details(client)[1]["RoleDetailList"][0]["PermissionsBoundary"]["PermissionsBoundaryArn"] == READ_S3


def test_the_filter_chooses_lists(aws: Door) -> None:
    client = aws.client("iam")
    client.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    client.create_user(UserName="somebody")
    _, lists = details(client, Filter=["Role"])
    assert ([len(lists[name]) for name in lists]) == [0, 0, 1, 0]


def test_two_accounts_do_not_share_roles(aws: Door) -> None:
    aws.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    assert aws.client("iam", key=aws.assumed(OTHER)).list_roles()["Roles"] == []


def test_a_seeded_policy_of_aws_can_be_attached_and_is_listed_once(aws: Door) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    policy = {"PolicyName": "OfTheSandbox", "Document": document, "CreateDate": "2026-01-01T00:00:00+00:00"}
    for _ in range(2):
        aws.seed("iam", "aws_policies", [policy], region="global")
    client = aws.client("iam")
    client.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    client.attach_role_policy(RoleName="reader", PolicyArn="arn:aws:iam::aws:policy/OfTheSandbox")
    for more in ({}, {"Filter": ["AWSManagedPolicy"]}):
        assert [row["PolicyVersionList"][0]["Document"] for row in details(client, **more)[1]["Policies"]] == [document]


def test_a_simulation_answers_from_the_policies_and_without_any_everything_is_allowed(aws: Door) -> None:
    client = aws.client("iam")
    arn = client.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]

    def decisions() -> dict[str, str]:
        answer = client.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject", "s3:PutObject", "ec2:RunInstances"])
        return {result["EvalActionName"]: result["EvalDecision"] for result in answer["EvaluationResults"]}

    assert set(decisions().values()) == {"allowed"}
    client.attach_role_policy(RoleName="reader", PolicyArn=READ_S3)
    statement = {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}
    client.put_role_policy(RoleName="reader", PolicyName="never", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert decisions() == {"s3:GetObject": "allowed", "s3:PutObject": "implicitDeny", "ec2:RunInstances": "explicitDeny"}
    with pytest.raises(client.exceptions.NoSuchEntityException):
        client.simulate_principal_policy(PolicySourceArn=arn + "x", ActionNames=["s3:GetObject"])
