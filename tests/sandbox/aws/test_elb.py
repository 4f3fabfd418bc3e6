from __future__ import annotations

import pytest

from .conftest import Door


@pytest.fixture
def target_group(aws: Door) -> str:
    vpc = aws.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    group = aws.client("elbv2").create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")["TargetGroups"][0]
    arn: str = group["TargetGroupArn"]
    return arn


def test_a_target_is_in_the_seeded_state(aws: Door, target_group: str) -> None:
    client = aws.client("elbv2")
    client.register_targets(TargetGroupArn=target_group, Targets=[{"Id": "10.0.0.5"}, {"Id": "10.0.0.6"}])
    aws.seed("elb", "target_health", [{"target_group_arn": target_group, "target_id": "10.0.0.5", "state": "unhealthy"}])
    shown = client.describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
    assert {row["Target"]["Id"]: row["TargetHealth"]["State"] for row in shown} == {"10.0.0.5": "unhealthy", "10.0.0.6": "healthy"}


def test_a_balancer_always_tells_its_scheme(aws: Door) -> None:
    subnets = [subnet["SubnetId"] for subnet in aws.client("ec2").describe_subnets()["Subnets"][:2]]
    client = aws.client("elbv2")
    client.create_load_balancer(Name="open", Subnets=subnets)
    client.create_load_balancer(Name="inner", Subnets=subnets, Scheme="internal")
    assert {lb["LoadBalancerName"]: lb["Scheme"] for lb in client.describe_load_balancers()["LoadBalancers"]} == {
        "open": "internet-facing",
        "inner": "internal",
    }


@pytest.mark.parametrize(("state", "path"), [("ill", "items[0].state"), (None, "items[0].state")])
def test_a_state_that_does_not_exist_is_refused(aws: Door, state: str | None, path: str) -> None:
    assert aws.refused_seed("elb", "target_health", [{"target_group_arn": "arn", "target_id": "t", "state": state}]) == path
