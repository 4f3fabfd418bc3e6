from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from reporter.core.errors import Denied, Unavailable
from reporter.sources.elb import SOURCE
from tests.sources.aws_wire import Wire, read, reader, wire

__all__ = ["read", "wire"]

Read = Callable[..., dict[str, list[dict[str, Any]]]]
ALB = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/Web/1"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/1"
V2, V1 = ("Version=2015-12-01",), ("Version=2012-06-01",)


def _answer(operation: str, inside: str, marker: str = "") -> str:
    following = f"<NextMarker>{marker}</NextMarker>" if marker else ""
    return f"<{operation}Response><{operation}Result>{inside}{following}</{operation}Result></{operation}Response>"


def _balancers(*names: str, scheme: str = "", kind: str = "application", marker: str = "") -> str:
    members = "".join(
        f"<member><LoadBalancerArn>{ALB}-{name}</LoadBalancerArn><LoadBalancerName>{name}</LoadBalancerName><Type>{kind}</Type>"
        f"<DNSName>{name}-1.US-EAST-1.elb.amazonaws.com</DNSName>{scheme}</member>"
        for name in names
    )
    return _answer("DescribeLoadBalancers", f"<LoadBalancers>{members}</LoadBalancers>", marker)


def _groups(*kinds: str) -> str:
    members = "".join(
        f"<member><TargetGroupArn>{GROUP}-{kind}</TargetGroupArn><TargetType>{kind}</TargetType>"
        f"<LoadBalancerArns><member>{ALB}-b</member><member>{ALB}-a</member></LoadBalancerArns></member>"
        for kind in kinds
    )
    return _answer("DescribeTargetGroups", f"<TargetGroups>{members}</TargetGroups>")


def _health(target_id: str, port: str = "") -> str:
    target = f"<Target><Id>{target_id}</Id>{port}</Target><TargetHealth><State>healthy</State></TargetHealth>"
    return _answer("DescribeTargetHealth", f"<TargetHealthDescriptions><member>{target}</member></TargetHealthDescriptions>")


def _classic(inside: str) -> str:
    return _answer("DescribeLoadBalancers", f"<LoadBalancerDescriptions>{inside}</LoadBalancerDescriptions>")


def _nothing_else(wire: Wire) -> None:
    """No load balancer of any kind, but those written before."""
    wire.answer("DescribeLoadBalancers", _classic(""), holds=V1)
    wire.answer("DescribeLoadBalancers", _balancers(), holds=V2)
    wire.answer("DescribeTargetGroups", _groups())


def test_an_empty_account_has_no_rows(read: Read) -> None:
    assert read(SOURCE) == {"load_balancers": [], "target_groups": [], "targets": []}


def test_all_kinds_of_load_balancer_and_their_targets_as_moto_has_them(read: Read) -> None:
    ec2 = boto3.client("ec2", "us-east-1")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    image = ec2.describe_images()["Images"][0]["ImageId"]
    instance_id = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    elbv2, elb = boto3.client("elbv2", "us-east-1"), boto3.client("elb", "us-east-1")
    alb = elbv2.create_load_balancer(Name="shop", Subnets=subnets, Scheme="internal")["LoadBalancers"][0]["LoadBalancerArn"]
    elbv2.create_load_balancer(Name="edge", Subnets=subnets, Type="network")
    group = elbv2.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
    action: Any = [{"Type": "forward", "TargetGroupArn": group}]
    elbv2.create_listener(LoadBalancerArn=alb, Protocol="HTTP", Port=80, DefaultActions=action)
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": instance_id, "Port": 8080}])
    listener: Any = [{"Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 80}]
    elb.create_load_balancer(LoadBalancerName="shop", Listeners=listener, AvailabilityZones=["us-east-1a"])
    elb.register_instances_with_load_balancer(LoadBalancerName="shop", Instances=[{"InstanceId": instance_id}])
    found = read(SOURCE)
    assert [(row["type"], row["name"], row["scheme"], row["arn"] is None) for row in found["load_balancers"]] == [
        ("application", "shop", "internal", False),
        ("classic", "shop", "internet-facing", True),
        ("network", "edge", "internet-facing", False),
    ]
    assert [(row["arn"], row["target_type"], row["load_balancer_arns"], row["vpc_id"]) for row in found["target_groups"]] == [
        (group, "instance", (alb,), vpc)
    ]
    targets = [(row["behind"], row["target_id"], row["health"]) for row in found["targets"]]
    assert targets == [(group, instance_id, "healthy"), ("shop", instance_id, None)]
    assert found["targets"][0]["port"] == 8080


def test_a_load_balancer_without_a_scheme_faces_the_internet(read: Read, wire: Wire) -> None:
    wire.answer("DescribeLoadBalancers", _balancers("Web", kind="gateway"), holds=V2)
    _nothing_else(wire)
    (row,) = read(SOURCE)["load_balancers"]
    assert (row["scheme"], row["type"], row["name"], row["vpc_id"]) == ("internet-facing", "gateway", "Web", None)
    assert row["dns_name"] == "web-1.us-east-1.elb.amazonaws.com"


def test_two_pages_are_one_answer(read: Read, wire: Wire) -> None:
    wire.answer("DescribeLoadBalancers", _balancers("a", marker="more"), holds=V2, times=1)
    wire.answer("DescribeLoadBalancers", _balancers("b"), holds=(*V2, "Marker=more"))
    _nothing_else(wire)
    assert [row["name"] for row in read(SOURCE)["load_balancers"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "target_id", "kept"),
    [
        ("instance", "I-0ABC", "i-0abc"),
        ("ip", "10.0.0.5", "10.0.0.5"),
        ("lambda", "arn:aws:lambda:us-east-1:123456789012:function:Shop", "arn:aws:lambda:us-east-1:123456789012:function:Shop"),
        ("alb", ALB, ALB),
    ],
)
def test_a_target_of_each_kind_keeps_its_id(read: Read, wire: Wire, kind: str, target_id: str, kept: str) -> None:
    wire.answer("DescribeTargetGroups", _groups(kind))
    wire.answer("DescribeTargetHealth", _health(target_id, "" if kind == "lambda" else "<Port>80</Port>"), holds=(f"{GROUP}-{kind}",))
    _nothing_else(wire)
    found = read(SOURCE)
    (target,) = found["targets"]
    assert (target["behind"], target["target_id"], target["health"]) == (f"{GROUP}-{kind}", kept, "healthy")
    assert (target["port"] == 80) is (kind != "lambda")
    assert found["target_groups"][0]["load_balancer_arns"] == (f"{ALB}-a", f"{ALB}-b")


def test_a_target_group_deleted_meanwhile_has_no_targets(read: Read, wire: Wire) -> None:
    wire.answer("DescribeTargetGroups", _groups("ip", "instance"))
    wire.refuse("DescribeTargetHealth", code="TargetGroupNotFound", status=400, holds=(f"{GROUP}-ip",))
    wire.answer("DescribeTargetHealth", _health("i-0abc"))
    _nothing_else(wire)
    assert [row["behind"] for row in read(SOURCE)["targets"]] == [f"{GROUP}-instance"]


def test_a_classic_load_balancer_names_its_instances(read: Read, wire: Wire) -> None:
    inside = (
        "<member><LoadBalancerName>=cmd|'/c calc'!A1</LoadBalancerName><DNSName>Old.example.com</DNSName><Scheme>internal</Scheme>"
        "<Instances><member><InstanceId>I-0ABC</InstanceId></member></Instances></member>"
    )
    wire.answer("DescribeLoadBalancers", _classic(inside), holds=V1)
    _nothing_else(wire)
    found = read(SOURCE)
    (balancer,) = found["load_balancers"]
    assert (balancer["name"], balancer["type"], balancer["scheme"]) == ("=cmd|'/c calc'!A1", "classic", "internal")
    assert (balancer["dns_name"], balancer["vpc_id"]) == ("old.example.com", None)
    assert [(row["behind"], row["target_id"], row["health"]) for row in found["targets"]] == [("=cmd|'/c calc'!A1", "i-0abc", None)]


@pytest.mark.parametrize(
    ("operation", "holds"), [("DescribeLoadBalancers", V2), ("DescribeLoadBalancers", V1), ("DescribeTargetGroups", ()), ("DescribeTargetHealth", ())]
)
def test_a_refused_call_names_the_permission(wire: Wire, operation: str, holds: tuple[str, ...]) -> None:
    wire.refuse(operation, holds=holds)
    wire.answer("DescribeTargetGroups", _groups("ip"))
    _nothing_else(wire)
    with pytest.raises(Denied) as raised:
        SOURCE.fetch(reader(SOURCE))
    assert raised.value.permission == f"elasticloadbalancing:{operation}"
    assert raised.value.permission in SOURCE.permissions


def test_a_target_group_without_its_kind_is_no_answer(wire: Wire) -> None:
    wire.answer("DescribeTargetGroups", _groups("ip").replace("<TargetType>ip</TargetType>", ""))
    wire.answer("DescribeTargetHealth", _health("10.0.0.5"))
    _nothing_else(wire)
    with pytest.raises(Unavailable, match="TargetType"):
        SOURCE.fetch(reader(SOURCE))
