"""Estates poured over HTTP into both servers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
import requests

from reporter.sandbox.aws.server import AwsSandbox
from reporter.sandbox.estate.build import build, environment, schedule
from reporter.sandbox.estate.draw import ACCOUNTS, SIZES
from reporter.sandbox.estate.truth import Truth
from reporter.sandbox.wp.server import WpSandbox
from reporter.schedule import parse

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[AwsSandbox, WpSandbox]]:
    with AwsSandbox() as aws, WpSandbox() as wp:
        yield aws, wp


@pytest.fixture(scope="module")
def truth(servers: tuple[AwsSandbox, WpSandbox]) -> Truth:
    aws, wp = servers
    return build(aws.endpoint, wp.url, "small", 5, NOW)


def client(service: str, endpoint: str, account: str, region: str = "eu-central-1") -> Any:
    said = environment(endpoint)
    make: Any = boto3.client
    keys = {"aws_access_key_id": said["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": said["AWS_SECRET_ACCESS_KEY"]}
    sts = make("sts", region_name="us-east-1", endpoint_url=endpoint, **keys)
    role = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/reporter-read", RoleSessionName="test")["Credentials"]
    return make(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=role["AccessKeyId"],
        aws_secret_access_key=role["SecretAccessKey"],
        aws_session_token=role["SessionToken"],
    )


def test_the_environment_is_the_management_account(servers: tuple[AwsSandbox, WpSandbox], truth: Truth) -> None:
    said = environment(servers[0].endpoint)
    make: Any = boto3.client
    sts = make(
        "sts",
        region_name="us-east-1",
        endpoint_url=said["AWS_ENDPOINT_URL"],
        aws_access_key_id=said["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=said["AWS_SECRET_ACCESS_KEY"],
    )
    assert sts.get_caller_identity()["Account"] == "111122223333"


def test_instances_stand_in_aws_with_the_launch_times_they_were_drawn_with(servers: tuple[AwsSandbox, WpSandbox], truth: Truth) -> None:
    ec2 = client("ec2", servers[0].endpoint, "222233334444")
    found = [i for r in ec2.describe_instances()["Reservations"] for i in r["Instances"] if i["State"]["Name"] != "terminated"]
    expected = {key[2] for key in truth.instances if key[:2] == ("222233334444", "eu-central-1")}
    assert {instance["InstanceId"] for instance in found} == expected
    assert all(instance["LaunchTime"] < NOW for instance in found)


def test_the_organisation_has_the_accounts_of_the_estate(servers: tuple[AwsSandbox, WpSandbox], truth: Truth) -> None:
    organizations = client("organizations", servers[0].endpoint, "111122223333", "us-east-1")
    assert {account["Id"] for account in organizations.list_accounts()["Accounts"]} == {"111122223333", "222233334444"}


def test_computers_stand_in_wp(servers: tuple[AwsSandbox, WpSandbox], truth: Truth) -> None:
    key = environment(servers[0].endpoint)["WP_API_KEY"]
    headers = {"Authorization": f"ApiKey {key}", "api-version": "v1"}
    answer = requests.get(f"{servers[1].url}/computers?expand=none", headers=headers, timeout=30)
    ids = {computer["ID"] for computer in answer.json()["computers"]}
    assert {about["computer_id"] for about in truth.instances.values() if about["computer_id"]} <= ids


def test_the_same_seed_gives_the_same_ids_in_the_same_servers(servers: tuple[AwsSandbox, WpSandbox], truth: Truth) -> None:
    aws, wp = servers
    assert build(aws.endpoint, wp.url, "small", 5, NOW).as_json() == truth.as_json()


def test_a_second_tenant_is_poured_beside_the_first(servers: tuple[AwsSandbox, WpSandbox]) -> None:
    aws, wp = servers
    two = build(aws.endpoint, wp.url, "small", 5, NOW, tenants=2)
    assert {key[0] for key in two.scopes if key[2].startswith("wp_")} == {"main", "subsidiary"}


@pytest.mark.parametrize("size", ["small", "demo"])
def test_the_schedule_is_one_that_the_reporter_reads(size: str) -> None:
    read = parse(schedule("http://127.0.0.1:1", "http://127.0.0.1:2/api", size, tenants=2), "estate")
    assert [tenant.name for tenant in read.workload_protection] == ["main", "subsidiary"]
    assert [account.id for account in read.aws.accounts] == list(ACCOUNTS[: SIZES[size].accounts])
    assert tuple(read.aws.regions) == SIZES[size].regions
