from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Door

IMAGE = "ami-12c6146b"


def launched(client: Any, count: int = 1) -> list[str]:
    return [instance["InstanceId"] for instance in client.run_instances(ImageId=IMAGE, MinCount=count, MaxCount=count)["Instances"]]


def test_an_instance_was_launched_when_the_seed_says(aws: Door) -> None:
    client = aws.client("ec2")
    (instance,) = launched(client)
    aws.seed("ec2", "launch_times", [{"instance_id": instance, "launch_time": "2026-01-02T03:04:05+00:00"}])
    shown = client.describe_instances()["Reservations"][0]["Instances"][0]["LaunchTime"]
    assert shown.isoformat() == "2026-01-02T03:04:05+00:00"


def test_a_launch_time_of_nobody_is_refused(aws: Door) -> None:
    item = {"instance_id": "i-none", "launch_time": "2026-01-02T03:04:05+00:00"}
    assert aws.refused_seed("ec2", "launch_times", [item]) == "items[0].instance_id"


def test_a_few_public_images_are_known_and_others_are_taken(aws: Door) -> None:
    client = aws.client("ec2")
    assert len(client.describe_images(Owners=["amazon"])["Images"]) == 25
    assert client.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)["Instances"]


def test_a_page_has_so_many_instances_whatever_their_reservations(aws: Door) -> None:
    client = aws.client("ec2")
    made = [*launched(client, 8), *launched(client, 1), *launched(client, 2)]
    pages = list(client.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    seen = [[[instance["InstanceId"] for instance in row["Instances"]] for row in page["Reservations"]] for page in pages]
    assert [[len(row) for row in page] for page in seen] == [[5], [3, 1, 1], [1]]
    assert [identifier for page in seen for row in page for identifier in row] == made
    assert len({row["ReservationId"] for page in pages for row in page["Reservations"]}) == 3


def test_filters_hold_on_every_page(aws: Door) -> None:
    client = aws.client("ec2")
    made = launched(client, 7)
    client.stop_instances(InstanceIds=made[:1])
    running = {"Filters": [{"Name": "instance-state-name", "Values": ["running"]}], "PaginationConfig": {"PageSize": 5}}
    pages = client.get_paginator("describe_instances").paginate(**running)
    assert [instance["InstanceId"] for page in pages for row in page["Reservations"] for instance in row["Instances"]] == made[1:]
    assert len(client.describe_instances(InstanceIds=made[:2])["Reservations"][0]["Instances"]) == 2


def test_interfaces_come_in_pages(aws: Door) -> None:
    client = aws.client("ec2")
    launched(client, 6)
    pages = client.get_paginator("describe_network_interfaces").paginate(PaginationConfig={"PageSize": 5})
    assert [len(page["NetworkInterfaces"]) for page in pages] == [5, 1]


def test_pages_smaller_or_larger_than_allowed_are_refused(aws: Door) -> None:
    client = aws.client("ec2")
    for call, size in ((client.describe_instances, 4), (client.describe_instances, 1001), (client.describe_network_interfaces, 1001)):
        with pytest.raises(ClientError, match="InvalidParameterValue"):
            call(MaxResults=size)


def test_ids_and_a_page_size_do_not_go_together(aws: Door) -> None:
    client = aws.client("ec2")
    made = launched(client)
    interface = client.describe_network_interfaces()["NetworkInterfaces"][0]["NetworkInterfaceId"]
    with pytest.raises(ClientError, match="InvalidParameterCombination"):
        client.describe_instances(InstanceIds=made, MaxResults=5)
    with pytest.raises(ClientError, match="InvalidParameterCombination"):
        client.describe_network_interfaces(NetworkInterfaceIds=[interface], MaxResults=5)
