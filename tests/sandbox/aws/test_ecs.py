from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Door


@pytest.fixture
def host(aws: Door) -> tuple[Any, str]:
    """(client, container instance ARN) of the cluster `shop` with one host that runs three tasks of two containers."""
    ecs, ec2 = aws.client("ecs"), aws.client("ec2")
    ecs.create_cluster(clusterName="shop")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    document = json.dumps({"instanceId": instance})
    registered = ecs.register_container_instance(cluster="shop", instanceIdentityDocument=document)["containerInstance"]["containerInstanceArn"]
    containers = [{"name": name, "image": f"registry.example.com/{name}:1", "memory": 8} for name in ("web", "sidecar")]
    ecs.register_task_definition(family="web", containerDefinitions=containers, taskRoleArn="arn:aws:iam::123456789012:role/web")
    ecs.start_task(cluster="shop", taskDefinition="web", containerInstances=[registered], group="service:web")
    ecs.run_task(cluster="shop", taskDefinition="web", count=2)
    return ecs, registered


def pages(client: Any, operation: str, key: str, size: int, **more: Any) -> list[int]:
    return [len(page[key]) for page in client.get_paginator(operation).paginate(PaginationConfig={"PageSize": size}, **more)]


def test_lists_come_in_pages(aws: Door, host: tuple[Any, str]) -> None:
    client, _ = host
    for number in range(4):
        client.create_cluster(clusterName=f"more{number}")
    for number in range(11):
        client.create_service(cluster="shop", serviceName=f"s{number}", taskDefinition="web", desiredCount=0)
    assert pages(client, "list_clusters", "clusterArns", 2) == [2, 2, 1]
    assert pages(client, "list_tasks", "taskArns", 2, cluster="shop") == [2, 1]
    assert pages(client, "list_container_instances", "containerInstanceArns", 100, cluster="shop") == [1]
    assert [len(page["serviceArns"]) for page in client.get_paginator("list_services").paginate(cluster="shop")] == [10, 1]


def test_a_task_shows_every_container_with_the_digest_of_its_image(aws: Door, host: tuple[Any, str]) -> None:
    client, registered = host
    digest = "sha256:" + "b" * 64
    aws.seed("ecs", "image_digests", [{"image": "registry.example.com/web:1", "digest": digest}])
    tasks = client.describe_tasks(cluster="shop", tasks=client.list_tasks(cluster="shop")["taskArns"])["tasks"]
    assert {task["containerInstanceArn"] for task in tasks} == {registered}
    shown = [{container["name"]: container["imageDigest"] for container in task["containers"]} for task in tasks]
    assert {row["web"] for row in shown} == {digest}
    other = {row["sidecar"] for row in shown}
    assert len(other) == 1
    assert other.pop().startswith("sha256:")
    assert all(container["taskArn"] == task["taskArn"] for task in tasks for container in task["containers"])


def test_a_digest_in_the_image_name_is_the_digest(aws: Door, host: tuple[Any, str]) -> None:
    client, registered = host
    pinned = "registry.example.com/web@sha256:" + "c" * 64
    client.register_task_definition(family="pinned", containerDefinitions=[{"name": "web", "image": pinned, "memory": 8}])
    task = client.start_task(cluster="shop", taskDefinition="pinned", containerInstances=[registered])["tasks"][0]["taskArn"]
    assert client.describe_tasks(cluster="shop", tasks=[task])["tasks"][0]["containers"][0]["imageDigest"] == "sha256:" + "c" * 64


def test_a_task_does_not_age_by_being_looked_at(host: tuple[Any, str]) -> None:
    client, _ = host
    arns = client.list_tasks(cluster="shop")["taskArns"]
    seen = [task["lastStatus"] for _ in range(5) for task in client.describe_tasks(cluster="shop", tasks=arns)["tasks"]]
    assert seen == ["RUNNING"] * 15
    client.stop_task(cluster="shop", task=arns[0])
    assert client.list_tasks(cluster="shop")["taskArns"] == arns[1:]
    assert client.list_tasks(cluster="shop", desiredStatus="STOPPED")["taskArns"] == arns[:1]
    assert client.describe_tasks(cluster="shop", tasks=arns[:1])["tasks"][0]["lastStatus"] == "STOPPED"


def test_tasks_are_filtered(host: tuple[Any, str]) -> None:
    client, registered = host
    assert len(client.list_tasks(cluster="shop", containerInstance=registered)["taskArns"]) == 3
    assert client.list_tasks(cluster="shop", containerInstance="none")["taskArns"] == []
    assert len(client.list_tasks(cluster="shop", serviceName="web")["taskArns"]) == 1
    assert len(client.list_tasks(cluster="shop", family="web", launchType="EC2")["taskArns"]) == 3
    assert client.list_tasks(cluster="shop", launchType="FARGATE")["taskArns"] == []
    assert client.list_tasks(cluster="shop", startedBy="nobody")["taskArns"] == []
    assert client.list_tasks(cluster="shop", family="other")["taskArns"] == []


def test_clusters_whose_names_share_a_beginning_are_kept_apart(host: tuple[Any, str]) -> None:
    client, _ = host
    client.create_cluster(clusterName="sho")
    assert client.list_tasks(cluster="sho")["taskArns"] == []


def test_a_missing_task_is_a_failure_not_silence(host: tuple[Any, str]) -> None:
    answer = host[0].describe_tasks(cluster="shop", tasks=["arn:aws:ecs:eu-central-1:123456789012:task/shop/none"])
    assert (answer["tasks"], answer["failures"][0]["reason"]) == ([], "MISSING")


@pytest.mark.parametrize(("operation", "parameter", "most"), [("describe_tasks", "tasks", 100), ("describe_services", "services", 10)])
def test_more_names_than_aws_takes_are_refused(host: tuple[Any, str], operation: str, parameter: str, most: int) -> None:
    client = host[0]
    with pytest.raises(client.exceptions.InvalidParameterException):
        getattr(client, operation)(cluster="shop", **{parameter: ["x"] * (most + 1)})


def test_no_names_at_all_are_refused(host: tuple[Any, str]) -> None:
    with pytest.raises(host[0].exceptions.InvalidParameterException):
        host[0].describe_tasks(cluster="shop", tasks=[])


def test_tags_come_only_when_asked_for(host: tuple[Any, str]) -> None:
    client, registered = host
    tags = [{"key": "Owner", "value": "payments"}]
    task = client.start_task(cluster="shop", taskDefinition="web", containerInstances=[registered], tags=tags)["tasks"][0]["taskArn"]
    assert client.describe_tasks(cluster="shop", tasks=[task], include=["TAGS"])["tasks"][0]["tags"] == tags
    assert "tags" not in client.describe_tasks(cluster="shop", tasks=[task])["tasks"][0]
