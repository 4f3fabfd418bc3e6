"""ECS: container instances, running tasks with their roles, containers with their image digests, services and what stands before them."""

from __future__ import annotations

from typing import Any

from reporter.clients.aws import AwsReader
from reporter.core.answers import chunks, field
from reporter.core.errors import Unavailable
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.aws import ECS_CONTAINER_INSTANCES, ECS_CONTAINERS, ECS_SERVICES, ECS_TASKS

PAGE = 100
SERVICES_AT_ONCE = 10
GONE = ("ClusterNotFoundException",)
"""A cluster deleted since it was listed has nothing in it."""

Described = tuple[str, dict[str, Any]]
"""Cluster ARN and one described thing in it."""


def fetch(reader: AwsReader) -> Rows:
    """Everything ECS keeps running here. Raises ScopeProblem.

    Only tasks whose desired status is RUNNING are listed: ECS never sets a desired status of PENDING (a task that starts has it as its
    last status), and a task it wants STOPPED is on its way out.
    """
    clusters: list[str] = sorted(reader.items("ecs", "list_clusters", "clusterArns", maxResults=PAGE))
    hosts = _described(
        reader, clusters, ("list_container_instances", "containerInstanceArns"), ("describe_container_instances", "containerInstances")
    )
    tasks = _described(reader, clusters, ("list_tasks", "taskArns"), ("describe_tasks", "tasks"), desiredStatus="RUNNING")
    tasks = [(cluster, task) for cluster, task in tasks if task.get("lastStatus") != "STOPPED"]
    services = _described(reader, clusters, ("list_services", "serviceArns"), ("describe_services", "services"))
    roles = _definition_roles(reader, [task for _, task in tasks])
    place = (reader.account, reader.region)
    return {
        ECS_CONTAINER_INSTANCES.name: [place + _host(cluster, host) for cluster, host in hosts],
        ECS_TASKS.name: [place + _task(cluster, task, roles) for cluster, task in tasks],
        ECS_CONTAINERS.name: [place + row for _, task in tasks for row in _containers(task)],
        ECS_SERVICES.name: [place + _service(cluster, service) for cluster, service in services],
    }


def _described(reader: AwsReader, clusters: list[str], listing: tuple[str, str], describing: tuple[str, str], **wanted: Any) -> list[Described]:
    """List a kind of thing in every cluster, then describe it in portions as large as ECS takes. `listing`, `describing`: operation and key."""
    operation, key = listing
    portion = SERVICES_AT_ONCE if key == "serviceArns" else PAGE

    def listed(cluster: str) -> list[tuple[str, list[str]]]:
        arns: list[str] = reader.items("ecs", operation, key, absent=GONE, cluster=cluster, maxResults=PAGE, **wanted)
        return [(cluster, part) for part in chunks(sorted(arns), portion)]

    def described(part: tuple[str, list[str]]) -> list[Described]:
        cluster, arns = part
        asked: dict[str, Any] = {describing[1]: arns}  # ECS names the ids it is given as the things it answers with
        answer = reader.call("ecs", describing[0], absent=GONE, cluster=cluster, **asked)
        return [(cluster, thing) for thing in _found(answer, describing)] if answer else []

    parts = [part for found in reader.map(listed, clusters) for part in found]
    return [thing for found in reader.map(described, parts) for thing in found]


def _found(answer: dict[str, Any], describing: tuple[str, str]) -> list[dict[str, Any]]:
    """The things of one describe call. What is MISSING has gone since it was listed; any other failure leaves us without an answer."""
    operation, key = describing
    for failure in answer.get("failures", []):
        if failure.get("reason") != "MISSING":
            raise Unavailable(f"ecs {operation}: {failure.get('arn')} could not be described: {failure.get('reason')}")
    found: list[dict[str, Any]] = field(answer, key, f"ecs {operation}")
    return found


def _definition_roles(reader: AwsReader, tasks: list[dict[str, Any]]) -> dict[str, str | None]:
    """Task definition ARN -> taskRoleArn (not executionRoleArn: that one serves the agent, not the containers)."""
    arns = sorted({field(task, "taskDefinitionArn", "ecs DescribeTasks") for task in tasks})

    def role(arn: str) -> str | None:
        answer = reader.call("ecs", "describe_task_definition", taskDefinition=arn)
        definition = field(answer, "taskDefinition", "ecs DescribeTaskDefinition")
        return definition.get("taskRoleArn") or None

    return dict(zip(arns, reader.map(role, arns), strict=True))


def _host(cluster: str, host: dict[str, Any]) -> Row:
    call = "ecs DescribeContainerInstances"
    return (cluster, field(host, "containerInstanceArn", call), field(host, "ec2InstanceId", call).lower(), field(host, "status", call))


def _task(cluster: str, task: dict[str, Any], roles: dict[str, str | None]) -> Row:
    call = "ecs DescribeTasks"
    kind, _, service = (task.get("group") or "").partition(":")
    definition = field(task, "taskDefinitionArn", call)
    return (
        cluster,
        field(task, "taskArn", call),
        definition,
        task.get("launchType") or None,
        field(task, "lastStatus", call),
        task.get("containerInstanceArn") or None,
        task.get("overrides", {}).get("taskRoleArn") or roles[definition],
        service if kind == "service" and service else None,
        _addresses(task),
    )


def _addresses(task: dict[str, Any]) -> list[str]:
    """IPv4 addresses of the task's own interfaces; none in bridge and host mode."""
    return sorted(
        {
            detail["value"]
            for attachment in task.get("attachments", [])
            if attachment.get("type") == "ElasticNetworkInterface"
            for detail in attachment.get("details", [])
            if detail.get("name") == "privateIPv4Address" and detail.get("value")
        }
    )


def _containers(task: dict[str, Any]) -> list[Row]:
    return [
        (
            task["taskArn"],
            field(container, "name", "ecs DescribeTasks"),
            container.get("image") or None,
            container.get("imageDigest") or None,
            container.get("lastStatus") or None,
        )
        for container in task.get("containers", [])
    ]


def _service(cluster: str, service: dict[str, Any]) -> Row:
    """Load balancers of the service itself, of its task sets and of the other side of a blue/green deployment."""
    call = "ecs DescribeServices"
    balancers = [*service.get("loadBalancers", []), *(b for task_set in service.get("taskSets", []) for b in task_set.get("loadBalancers", []))]
    groups = {b.get("targetGroupArn") for b in balancers} | {b.get("advancedConfiguration", {}).get("alternateTargetGroupArn") for b in balancers}
    return (
        cluster,
        field(service, "serviceArn", call),
        field(service, "serviceName", call),
        sorted(group for group in groups if group),
        sorted({b["loadBalancerName"] for b in balancers if b.get("loadBalancerName")}),
    )


SOURCE = Source(
    name="ecs",
    tables=(ECS_CONTAINER_INSTANCES, ECS_TASKS, ECS_CONTAINERS, ECS_SERVICES),
    permissions=(
        "ecs:ListClusters",
        "ecs:ListContainerInstances",
        "ecs:DescribeContainerInstances",
        "ecs:ListTasks",
        "ecs:DescribeTasks",
        "ecs:DescribeTaskDefinition",
        "ecs:ListServices",
        "ecs:DescribeServices",
    ),
    reach=Reach.REGIONAL,
    fetch=fetch,
)
