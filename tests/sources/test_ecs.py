from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from reporter.core.errors import Denied, Unavailable
from reporter.sources.ecs import SOURCE
from tests.sources.aws_wire import ACCOUNT, Wire, read, reader, wire

__all__ = ["read", "wire"]

Read = Callable[..., dict[str, list[dict[str, Any]]]]

PREFIX = f"arn:aws:ecs:us-east-1:{ACCOUNT}"
CLUSTER = f"{PREFIX}:cluster/shop"
HOST = f"{PREFIX}:container-instance/shop/1"
DEFINITION = f"{PREFIX}:task-definition/web:7"
TASK = f"{PREFIX}:task/shop/1"
SERVICE = f"{PREFIX}:service/shop/web"
TASK_ROLE = f"arn:aws:iam::{ACCOUNT}:role/task"
EXECUTION_ROLE = f"arn:aws:iam::{ACCOUNT}:role/execution"
DIGEST = "sha256:" + "a" * 64


def _task(**more: Any) -> dict[str, Any]:
    return {
        "taskArn": TASK,
        "taskDefinitionArn": DEFINITION,
        "lastStatus": "RUNNING",
        "launchType": "EC2",
        "containerInstanceArn": HOST,
        "group": "service:web",
        "containers": [{"name": "web", "image": "shop:1", "imageDigest": DIGEST, "lastStatus": "RUNNING"}],
        **more,
    }


def _script(
    wire: Wire, *, tasks: list[dict[str, Any]] | None = None, services: list[dict[str, Any]] | None = None, role: str | None = TASK_ROLE
) -> None:
    """One cluster with one host; the operations that a test wrote before keep their answers."""
    tasks, services = tasks or [], services or []
    definition = {"taskDefinitionArn": DEFINITION, "executionRoleArn": EXECUTION_ROLE, **({"taskRoleArn": role} if role else {})}
    host = {"containerInstanceArn": HOST, "ec2InstanceId": "I-0ABC", "status": "ACTIVE"}
    wire.answer("ListClusters", {"clusterArns": [CLUSTER]})
    wire.answer("ListContainerInstances", {"containerInstanceArns": [HOST]})
    wire.answer("DescribeContainerInstances", {"containerInstances": [host], "failures": []})
    wire.answer("ListTasks", {"taskArns": [task["taskArn"] for task in tasks]})
    wire.answer("DescribeTasks", {"tasks": tasks, "failures": []})
    wire.answer("DescribeTaskDefinition", {"taskDefinition": definition})
    wire.answer("ListServices", {"serviceArns": [service["serviceArn"] for service in services]})
    wire.answer("DescribeServices", {"services": services, "failures": []})


def test_an_empty_account_has_no_rows(read: Read) -> None:
    assert read(SOURCE) == {"ecs_container_instances": [], "ecs_tasks": [], "ecs_containers": [], "ecs_services": []}


def test_a_host_and_its_task_as_moto_has_them(read: Read) -> None:
    ecs, ec2 = boto3.client("ecs", "us-east-1"), boto3.client("ec2", "us-east-1")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    instance_id = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    cluster = ecs.create_cluster(clusterName="shop")["cluster"]["clusterArn"]
    ecs.register_container_instance(cluster="shop", instanceIdentityDocument=json.dumps({"instanceId": instance_id}))
    containers: Any = [{"name": "web", "image": "shop:1", "memory": 100}]
    definition = ecs.register_task_definition(family="web", taskRoleArn=TASK_ROLE, executionRoleArn=EXECUTION_ROLE, containerDefinitions=containers)
    task = ecs.run_task(cluster="shop", taskDefinition="web", count=1, launchType="EC2")["tasks"][0]["taskArn"]
    ecs.create_service(cluster="shop", serviceName="web", taskDefinition="web", desiredCount=1)
    found = read(SOURCE)
    (host,) = found["ecs_container_instances"]
    assert (host["cluster_arn"], host["instance_id"], host["status"]) == (cluster, instance_id, "ACTIVE")
    (row,) = found["ecs_tasks"]
    assert (row["task_arn"], row["container_instance_arn"], row["task_role_arn"]) == (task, host["container_instance_arn"], TASK_ROLE)
    assert row["task_definition_arn"] == definition["taskDefinition"]["taskDefinitionArn"]
    assert [(row["task_arn"], row["name"]) for row in found["ecs_containers"]] == [(task, "web")]
    assert [row["service_name"] for row in found["ecs_services"]] == ["web"]


def test_a_bridge_task_runs_on_its_host_and_has_no_address_of_its_own(read: Read, wire: Wire) -> None:
    _script(wire, tasks=[_task()])
    found = read(SOURCE)
    assert found["ecs_container_instances"][0]["instance_id"] == "i-0abc"
    (row,) = found["ecs_tasks"]
    assert (row["container_instance_arn"], row["private_ips"], row["service_name"], row["launch_type"]) == (HOST, (), "web", "EC2")
    assert found["ecs_containers"] == [
        {
            "account": ACCOUNT,
            "region": "us-east-1",
            "task_arn": TASK,
            "name": "web",
            "image": "shop:1",
            "image_digest": DIGEST,
            "last_status": "RUNNING",
        }
    ]


def test_an_awsvpc_task_has_the_addresses_of_its_interfaces(read: Read, wire: Wire) -> None:
    interface = {
        "type": "ElasticNetworkInterface",
        "details": [{"name": "networkInterfaceId", "value": "eni-1"}, {"name": "privateIPv4Address", "value": "10.0.0.7"}],
    }
    disk = {"type": "AmazonElasticBlockStorage", "details": [{"name": "privateIPv4Address", "value": "10.9.9.9"}]}
    task = _task(attachments=[interface, disk], launchType="FARGATE", group="family:web")
    del task["containerInstanceArn"]
    _script(wire, tasks=[task])
    (row,) = read(SOURCE)["ecs_tasks"]
    assert (row["private_ips"], row["container_instance_arn"], row["launch_type"], row["service_name"]) == (("10.0.0.7",), None, "FARGATE", None)


def test_an_overriding_task_role_wins(read: Read, wire: Wire) -> None:
    other = f"arn:aws:iam::{ACCOUNT}:role/other"
    _script(wire, tasks=[_task(overrides={"taskRoleArn": other})])
    assert read(SOURCE)["ecs_tasks"][0]["task_role_arn"] == other


def test_the_execution_role_is_not_the_role_of_the_containers(read: Read, wire: Wire) -> None:
    _script(wire, tasks=[_task()], role=None)
    assert read(SOURCE)["ecs_tasks"][0]["task_role_arn"] is None


def test_a_task_that_stopped_meanwhile_is_left_out(read: Read, wire: Wire) -> None:
    _script(wire, tasks=[_task(lastStatus="STOPPED")])
    found = read(SOURCE)
    assert (found["ecs_tasks"], found["ecs_containers"]) == ([], [])


def test_each_task_definition_is_described_once(read: Read, wire: Wire) -> None:
    _script(wire, tasks=[_task(), _task(taskArn=f"{TASK}-2")])
    assert len(read(SOURCE)["ecs_tasks"]) == 2
    assert len(wire.requests("DescribeTaskDefinition")) == 1


def test_things_are_described_in_the_portions_that_ecs_takes(read: Read, wire: Wire) -> None:
    wire.answer("ListTasks", {"taskArns": [f"{TASK}-{number:03}" for number in range(101)]})
    wire.answer("ListServices", {"serviceArns": [f"{SERVICE}-{number:03}" for number in range(11)]})
    _script(wire)
    read(SOURCE)
    assert sorted(text.count(f'"{TASK}-') for text in wire.requests("DescribeTasks")) == [1, 100]
    assert sorted(text.count(f'"{SERVICE}-') for text in wire.requests("DescribeServices")) == [1, 10]


def test_two_pages_are_one_answer(read: Read, wire: Wire) -> None:
    wire.answer("ListServices", {"serviceArns": [f"{SERVICE}-1"], "nextToken": "more"}, times=1)
    wire.answer("ListServices", {"serviceArns": [f"{SERVICE}-2"]}, holds=('"nextToken": "more"',))
    _script(wire)
    read(SOURCE)
    (asked,) = wire.requests("DescribeServices")
    assert f'"{SERVICE}-1", "{SERVICE}-2"' in asked


def test_a_service_names_every_load_balancer_before_it(read: Read, wire: Wire) -> None:
    service = {
        "serviceArn": SERVICE,
        "serviceName": "=web",
        "loadBalancers": [
            {"targetGroupArn": "tg-blue", "containerName": "web", "advancedConfiguration": {"alternateTargetGroupArn": "tg-green"}},
            {"loadBalancerName": "old", "containerName": "web"},
        ],
        "taskSets": [{"loadBalancers": [{"targetGroupArn": "tg-set"}]}],
    }
    _script(wire, services=[service])
    (row,) = read(SOURCE)["ecs_services"]
    assert (row["service_name"], row["target_group_arns"], row["load_balancer_names"]) == ("=web", ("tg-blue", "tg-green", "tg-set"), ("old",))


def test_what_went_missing_since_it_was_listed_is_no_gap(read: Read, wire: Wire) -> None:
    wire.answer("DescribeTasks", {"tasks": [], "failures": [{"arn": TASK, "reason": "MISSING"}]})
    _script(wire, tasks=[_task()])
    assert read(SOURCE)["ecs_tasks"] == []


def test_any_other_failure_to_describe_leaves_the_scope_unread(wire: Wire) -> None:
    wire.answer("DescribeTasks", {"tasks": [], "failures": [{"arn": TASK, "reason": "SERVER_ERROR"}]})
    _script(wire, tasks=[_task()])
    with pytest.raises(Unavailable, match="SERVER_ERROR"):
        SOURCE.fetch(reader(SOURCE))


@pytest.mark.parametrize("operation", ["ListTasks", "DescribeTasks"])
def test_a_cluster_deleted_meanwhile_holds_nothing(read: Read, wire: Wire, operation: str) -> None:
    wire.refuse_json(operation, code="ClusterNotFoundException")
    _script(wire, tasks=[_task()])
    assert read(SOURCE)["ecs_tasks"] == []


@pytest.mark.parametrize("permission", SOURCE.permissions)
def test_a_refused_call_names_the_permission(wire: Wire, permission: str) -> None:
    wire.refuse_json(permission.removeprefix("ecs:"))
    _script(wire, tasks=[_task()], services=[{"serviceArn": SERVICE, "serviceName": "web"}])
    with pytest.raises(Denied) as raised:
        SOURCE.fetch(reader(SOURCE))
    assert raised.value.permission == permission


def test_an_answer_without_the_things_asked_for_is_broken(wire: Wire) -> None:
    wire.answer("DescribeTasks", {"failures": []})
    _script(wire, tasks=[_task()])
    with pytest.raises(Unavailable, match="without tasks"):
        SOURCE.fetch(reader(SOURCE))
