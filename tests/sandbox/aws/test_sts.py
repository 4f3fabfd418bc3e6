from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from .conftest import HOME, OTHER, Door

ROLE = f"arn:aws:iam::{OTHER}:role/reader"


def test_a_role_session_acts_in_the_roles_account(aws: Door) -> None:
    identity = aws.client("sts", key=aws.assumed(OTHER)).get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (OTHER, f"arn:aws:sts::{OTHER}:assumed-role/reader/tests")


def test_a_refused_role_cannot_be_assumed_but_others_can(aws: Door) -> None:
    aws.seed("sts", "refused_roles", [ROLE], account=OTHER, region="global")
    client = aws.client("sts")
    with pytest.raises(ClientError, match=r"AccessDenied.*not authorized to perform: sts:AssumeRole"):
        client.assume_role(RoleArn=ROLE, RoleSessionName="tests")
    assert client.assume_role(RoleArn=ROLE + "-2", RoleSessionName="tests")["Credentials"]["AccessKeyId"]


@pytest.mark.parametrize("service", ["guardduty", "sts", "ec2", "s3", "ecs", "cloudfront"])
def test_temporary_credentials_nobody_gave_out_are_refused(aws: Door, service: str) -> None:
    call = {"guardduty": "list_detectors", "sts": "get_caller_identity", "ec2": "describe_regions", "s3": "list_buckets"}
    call |= {"ecs": "list_clusters", "cloudfront": "list_distributions"}
    client = aws.client(service, key=("ASIAEXAMPLEEXAMPLE12", "secret", "token"))
    with pytest.raises(ClientError, match="security token included in the request is invalid"):
        getattr(client, call[service])()


def test_a_wrong_session_token_is_refused(aws: Door) -> None:
    access, secret, _ = aws.assumed(OTHER)
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        aws.client("sts", key=(access, secret, "wrong")).get_caller_identity()


def test_a_session_ends_when_its_time_is_over(aws: Door) -> None:
    ended = aws.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="tests", DurationSeconds=900)["Credentials"]
    key = ended["AccessKeyId"], ended["SecretAccessKey"], ended["SessionToken"]
    assert aws.client("sts", key=key).get_caller_identity()["Account"] == OTHER
    aws.end_session(key[0])
    with pytest.raises(ClientError, match="ExpiredToken"):
        aws.client("sts", key=key).get_caller_identity()
    with pytest.raises(ClientError, match="ExpiredToken"):
        aws.client("config", key=key).describe_config_rules()


def test_a_reset_forgets_sessions_and_refusals(aws: Door) -> None:
    aws.seed("sts", "refused_roles", [ROLE])
    aws.control("POST", "/moto-api/reset")
    assert aws.assumed(OTHER)
    assert aws.client("sts").get_caller_identity()["Account"] == HOME


def test_a_refused_role_is_named_by_its_arn(aws: Door) -> None:
    assert aws.refused_seed("sts", "refused_roles", [5]) == "items[0]"


def test_a_seeded_access_key_belongs_to_its_account(aws: Door) -> None:
    aws.seed("sts", "access_keys", ["AKIAOFANOTHERACCOUNT"], account=OTHER, region="global")
    client = aws.client("guardduty", key=("AKIAOFANOTHERACCOUNT", "any", ""))
    client.create_detector(Enable=True)
    assert aws.client("guardduty").list_detectors()["DetectorIds"] == []
    assert aws.calls()[0]["account"] == OTHER


def test_an_access_key_is_text(aws: Door) -> None:
    assert aws.refused_seed("sts", "access_keys", [1]) == "items[0]"
