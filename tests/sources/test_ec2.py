from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from reporter.core.errors import Denied, Unavailable
from reporter.sources.ec2 import SOURCE
from tests.sources.aws_wire import ACCOUNT, Wire, read, reader, wire

__all__ = ["read", "wire"]

Read = Callable[..., dict[str, list[dict[str, Any]]]]
HOSTILE = {"Name": '=HYPERLINK("http://example.com","x")', "Owner": "<script>alert(1)</script>", "z": "../../etc/passwd", "a": "größe\t\n"}


def _instance(**more: Any) -> str:
    image = boto3.client("ec2", "us-east-1").describe_images()["Images"][0]["ImageId"]
    ec2 = boto3.client("ec2", "us-east-1")
    return str(ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro", **more)["Instances"][0]["InstanceId"])


def test_an_empty_account_has_no_rows(read: Read) -> None:
    assert read(SOURCE) == {"ec2_instances": [], "ec2_terminated": [], "ec2_network_interfaces": [], "ec2_auto_scaling_groups": []}


def test_an_instance_is_one_row_with_its_tags_as_they_are(read: Read) -> None:
    profile = boto3.client("iam", "us-east-1").create_instance_profile(InstanceProfileName="web")["InstanceProfile"]["Arn"]
    tags = [{"Key": key, "Value": value} for key, value in HOSTILE.items()]
    instance_id = _instance(IamInstanceProfile={"Arn": profile}, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}])
    (row,) = read(SOURCE)["ec2_instances"]
    assert (row["account"], row["region"], row["instance_id"]) == (ACCOUNT, "us-east-1", instance_id)
    assert (row["state"], row["instance_type"], row["instance_profile_arn"]) == ("running", "t3.micro", profile)
    assert row["private_ip"]
    assert row["vpc_id"]
    assert row["tags"] == (
        '{"Name": "=HYPERLINK(\\"http://example.com\\",\\"x\\")", "Owner": "<script>alert(1)</script>", "a": "größe\\t\\n", "z": "../../etc/passwd"}'
    )


def test_a_terminated_instance_is_left_out_and_a_stopped_one_kept(read: Read) -> None:
    stopped, terminated = _instance(), _instance()
    ec2 = boto3.client("ec2", "us-east-1")
    ec2.stop_instances(InstanceIds=[stopped])
    ec2.terminate_instances(InstanceIds=[terminated])
    assert [(row["instance_id"], row["state"]) for row in read(SOURCE)["ec2_instances"]] == [(stopped, "stopped")]


def test_an_interface_leads_to_its_instance(read: Read) -> None:
    instance_id = _instance()
    ec2 = boto3.client("ec2", "us-east-1")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    loose = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    rows = {row["eni_id"]: row for row in read(SOURCE)["ec2_network_interfaces"]}
    assert rows.pop(loose)["instance_id"] is None
    (row,) = rows.values()
    assert row["instance_id"] == instance_id
    assert len(row["private_ips"]) == 1
    assert row["interface_type"] == "interface"


def test_an_auto_scaling_group_names_its_instances_and_target_groups(read: Read) -> None:
    _group("web", TargetGroupARNs=[_target_group()])
    found = read(SOURCE)
    (row,) = found["ec2_auto_scaling_groups"]
    assert row["name"] == "web"
    assert sorted(row["instance_ids"]) == [instance["instance_id"] for instance in found["ec2_instances"]]
    assert len(row["target_group_arns"]) == 1
    assert row["load_balancer_names"] == ()


def test_load_balancers_attached_as_traffic_sources_count_too(read: Read, wire: Wire) -> None:
    wire.answer("DescribeAutoScalingGroups", _groups_page("<TrafficSources>" + _source("elbv2", "tg") + _source("elb", "clb") + "</TrafficSources>"))
    (row,) = read(SOURCE)["ec2_auto_scaling_groups"]
    assert (row["target_group_arns"], row["load_balancer_names"]) == (("tg",), ("clb",))


def test_two_pages_are_one_answer(read: Read, wire: Wire) -> None:
    wire.answer("DescribeInstances", _instances_page("I-0AAA", token="more"), times=1)
    wire.answer("DescribeInstances", _instances_page("i-0bbb"), holds=("NextToken=more",))
    rows = read(SOURCE)["ec2_instances"]
    assert [row["instance_id"] for row in rows] == ["i-0aaa", "i-0bbb"]
    assert rows[0]["launch_time"].to_pydatetime() == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert rows[0]["tags"] == "{}"
    assert rows[0]["instance_profile_arn"] is None


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("DescribeInstances", "ec2:DescribeInstances"),
        ("DescribeNetworkInterfaces", "ec2:DescribeNetworkInterfaces"),
        ("DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingGroups"),
    ],
)
def test_a_refused_call_names_the_permission(wire: Wire, operation: str, permission: str) -> None:
    wire.refuse(operation)
    with pytest.raises(Denied) as raised:
        SOURCE.fetch(reader(SOURCE))
    assert raised.value.permission == permission
    assert permission in SOURCE.permissions


@pytest.mark.parametrize("cut", ["<instanceId>i-0bbb</instanceId>", "<name>running</name>"])
def test_an_instance_without_id_or_state_is_no_answer(wire: Wire, cut: str) -> None:
    wire.answer("DescribeInstances", _instances_page("i-0bbb").replace(cut, ""))
    with pytest.raises(Unavailable):
        SOURCE.fetch(reader(SOURCE))


def _target_group() -> str:
    vpc = boto3.client("ec2", "us-east-1").describe_vpcs()["Vpcs"][0]["VpcId"]
    elb = boto3.client("elbv2", "us-east-1")
    return str(elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"])


def _group(name: str, **more: Any) -> None:
    asg = boto3.client("autoscaling", "us-east-1")
    image = boto3.client("ec2", "us-east-1").describe_images()["Images"][0]["ImageId"]
    asg.create_launch_configuration(LaunchConfigurationName=name, ImageId=image, InstanceType="t3.micro")
    zones = ["us-east-1a"]
    asg.create_auto_scaling_group(AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=2, MaxSize=2, AvailabilityZones=zones, **more)


def _groups_page(inside: str) -> str:
    group = f"<member><AutoScalingGroupName>web</AutoScalingGroupName>{inside}</member>"
    result = f"<DescribeAutoScalingGroupsResult><AutoScalingGroups>{group}</AutoScalingGroups></DescribeAutoScalingGroupsResult>"
    return f"<DescribeAutoScalingGroupsResponse>{result}</DescribeAutoScalingGroupsResponse>"


def _source(kind: str, identifier: str) -> str:
    return f"<member><Type>{kind}</Type><Identifier>{identifier}</Identifier></member>"


def _instances_page(instance_id: str, token: str = "") -> str:
    instance = (
        f"<instanceId>{instance_id}</instanceId><instanceState><code>16</code><name>running</name></instanceState>"
        "<launchTime>2026-11-01T12:00:00.000Z</launchTime>"
    )
    following = f"<nextToken>{token}</nextToken>" if token else ""
    items = f"<item><instancesSet><item>{instance}</item></instancesSet></item>"
    return f"<DescribeInstancesResponse><reservationSet>{items}</reservationSet>{following}</DescribeInstancesResponse>"
