"""Sources that are asked about some instances alone."""

from __future__ import annotations

from typing import Any

import boto3

from reporter.sources.ec2 import SOURCE as EC2
from reporter.sources.wp_computers import SOURCE as COMPUTERS
from tests.clients.wp_sandbox import Tenant, tenant
from tests.sources.aws_wire import Wire, reader, wire

__all__ = ["tenant", "wire"]

I1, I2 = "i-0000000000000001", "i-0000000000000002"


def test_ec2_is_asked_for_the_instance_and_its_interfaces(wire: Wire) -> None:
    ec2 = boto3.client("ec2", "us-east-1")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    ids = [str(one["InstanceId"]) for one in ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2)["Instances"]]
    asking = reader(EC2)
    asking.only = (ids[0],)
    rows = EC2.fetch(asking)
    assert [row[2] for row in rows["ec2_instances"]] == ids[:1]
    assert {row[3] for row in rows["ec2_network_interfaces"]} <= {ids[0]}


def computer(number: int, summary: str, instance: str) -> dict[str, Any]:
    return {"ID": number, "hostName": f"host-{number}", summary: {"accountID": "111122223333", "instanceID": instance}}


def found(tenant: Tenant, *only: str) -> list[Any]:
    asking = tenant.reader()
    asking.only = only
    return [row[1] for row in COMPUTERS.fetch(asking)["wp_computers"]]


def test_computers_of_an_instance_are_found_whoever_says_so(tenant: Tenant) -> None:
    tenant.seed("computers", computer(3, "noConnectorVirtualMachineSummary", I1), computer(1, "ec2VirtualMachineSummary", I1))
    tenant.seed("computers", computer(2, "ec2VirtualMachineSummary", I2))
    assert found(tenant, I1) == [1, 3]
    assert found(tenant, I1, I2) == [1, 2, 3]


def test_an_instance_without_a_computer_is_one_only_after_all_were_read(tenant: Tenant) -> None:
    tenant.seed("computers", computer(2, "ec2VirtualMachineSummary", f"{I2} "), computer(4, "ec2VirtualMachineSummary", I1))
    assert found(tenant, I2) == [2, 4]
