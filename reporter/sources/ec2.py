"""EC2: instances, network interfaces, Auto Scaling groups of one account and region."""

from __future__ import annotations

from typing import Any

from reporter.clients.aws import AwsReader
from reporter.core.answers import field, tags
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.aws import EC2_AUTO_SCALING_GROUPS, EC2_INSTANCES, EC2_NETWORK_INTERFACES
from reporter.tables.evidence import EC2_TERMINATED

PAGE = 1000
GROUPS_PAGE = 100


def fetch(reader: AwsReader) -> Rows:
    """Every instance, those that are terminated apart, every interface, every Auto Scaling group. Raises ScopeProblem."""
    reservations = reader.items("ec2", "describe_instances", "Reservations", MaxResults=PAGE, **_only(reader, "instance-id"))
    instances = [instance for reservation in reservations for instance in reservation.get("Instances", [])]
    of_them = _only(reader, "attachment.instance-id")
    interfaces = reader.items("ec2", "describe_network_interfaces", "NetworkInterfaces", MaxResults=PAGE, **of_them)
    groups = reader.items("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", MaxRecords=GROUPS_PAGE)
    place = (reader.account, reader.region)
    return {
        EC2_INSTANCES.name: [place + _instance(i) for i in instances if _state(i) != "terminated"],
        EC2_TERMINATED.name: [(*place, _id(i), i.get("LaunchTime")) for i in instances if _state(i) == "terminated"],
        EC2_NETWORK_INTERFACES.name: [place + _interface(i) for i in interfaces],
        EC2_AUTO_SCALING_GROUPS.name: [place + _group(g) for g in groups],
    }


def _only(reader: AwsReader, name: str) -> dict[str, Any]:
    """Narrows a call to the instances that are asked about."""
    return {"Filters": [{"Name": name, "Values": list(reader.only)}]} if reader.only else {}


def _state(instance: dict[str, Any]) -> str:
    return str(field(instance.get("State", {}), "Name", "ec2 DescribeInstances"))


def _id(instance: dict[str, Any]) -> str:
    return str(field(instance, "InstanceId", "ec2 DescribeInstances")).lower()


def _instance(instance: dict[str, Any]) -> Row:
    return (
        _id(instance),
        _state(instance),
        instance.get("InstanceType"),
        instance.get("ImageId"),
        instance.get("LaunchTime"),
        instance.get("VpcId") or None,
        instance.get("PrivateIpAddress") or None,
        instance.get("PublicIpAddress") or None,
        instance.get("IamInstanceProfile", {}).get("Arn"),
        tags(instance.get("Tags", [])),
    )


def _interface(interface: dict[str, Any]) -> Row:
    addresses = {entry.get("PrivateIpAddress") for entry in interface.get("PrivateIpAddresses", [])}
    addresses.add(interface.get("PrivateIpAddress"))
    instance_id = interface.get("Attachment", {}).get("InstanceId")
    return (
        field(interface, "NetworkInterfaceId", "ec2 DescribeNetworkInterfaces"),
        instance_id.lower() if instance_id else None,
        interface.get("VpcId") or None,
        sorted(address for address in addresses if address),
        interface.get("InterfaceType"),
    )


def _group(group: dict[str, Any]) -> Row:
    sources = group.get("TrafficSources", [])
    return (
        field(group, "AutoScalingGroupName", "autoscaling DescribeAutoScalingGroups"),
        sorted({field(i, "InstanceId", "autoscaling DescribeAutoScalingGroups").lower() for i in group.get("Instances", [])}),
        sorted({*group.get("TargetGroupARNs", []), *_identifiers(sources, "elbv2")}),
        sorted({*group.get("LoadBalancerNames", []), *_identifiers(sources, "elb")}),
    )


def _identifiers(sources: list[dict[str, Any]], kind: str) -> list[str]:
    """Load balancers attached in the newer way; Auto Scaling does not promise to repeat them in the older lists."""
    return [source["Identifier"] for source in sources if source.get("Type") == kind and source.get("Identifier")]


SOURCE = Source(
    name="ec2",
    tables=(EC2_INSTANCES, EC2_TERMINATED, EC2_NETWORK_INTERFACES, EC2_AUTO_SCALING_GROUPS),
    permissions=("ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "autoscaling:DescribeAutoScalingGroups"),
    reach=Reach.REGIONAL,
    fetch=fetch,
)
