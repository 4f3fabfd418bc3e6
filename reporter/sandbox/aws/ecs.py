"""ECS: pages, every container of a task with the digest of its image, tasks that do not age by being looked at."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from moto.moto_api import state_manager

from reporter.sandbox.aws.conformance import expect
from reporter.sandbox.aws.extend import Call, Extension, Handler, refuse
from reporter.sandbox.aws.paging import page
from reporter.sandbox.aws.store import STORE

ERROR = "InvalidParameterException"


def paged(key: str, *, default: int = 100) -> Handler:
    """moto's list under `key`, a page of it."""

    def listed(call: Call) -> dict[str, Any]:
        return part_of(call, key, call.original().result[key], default=default)

    return listed


def part_of(call: Call, key: str, items: list[Any], *, default: int = 100) -> dict[str, Any]:
    part, token = page(items, call.params.get("nextToken"), call.params.get("maxResults"), most=100, default=default, error=ERROR)
    return {key: part, "nextToken": token}


def limited(parameter: str, most: int, handler: Handler | None = None) -> Handler:
    """A describe call with at most so many names."""

    def described(call: Call) -> Any:
        if len(call.params.get(parameter) or []) > most:
            raise refuse(ERROR, f"{parameter} can have at most {most} items.")
        return handler(call) if handler else call.original()

    return described


def tasks_of(call: Call) -> list[Any]:
    """The cluster's tasks. A cluster that does not exist is refused by moto's own look-up."""
    cluster = call.backend._get_cluster(call.params.get("cluster") or "default")  # noqa: SLF001 moto has no public way
    return [task for tasks in call.backend.tasks.values() for task in tasks.values() if task.cluster_arn == cluster.arn]


def list_tasks(call: Call) -> dict[str, Any]:
    """Running tasks unless stopped ones are asked for, as AWS does."""
    asked = call.params
    wanted = asked.get("desiredStatus") or "RUNNING"
    found = [task for task in tasks_of(call) if task.desired_status == wanted]
    if asked.get("containerInstance"):
        found = [t for t in found if (t.container_instance_arn or "").rsplit("/", 1)[-1] == asked["containerInstance"].rsplit("/", 1)[-1]]
    if asked.get("family"):
        found = [t for t in found if t.task_definition_arn.rsplit("/", 1)[-1].rsplit(":", 1)[0] == asked["family"]]
    if asked.get("serviceName"):
        found = [t for t in found if t.group == f"service:{asked['serviceName'].rsplit('/', 1)[-1]}"]
    if asked.get("startedBy"):
        found = [t for t in found if t.started_by == asked["startedBy"]]
    if asked.get("launchType"):
        found = [t for t in found if launch_type(t) == asked["launchType"]]
    return part_of(call, "taskArns", [task.task_arn for task in found])


def launch_type(task: Any) -> str:
    return task.launch_type or ("EC2" if task.container_instance_arn else "FARGATE")


def digest_of(call: Call, image: str) -> str:
    """The seeded digest of an image; without one, always the same for the same name."""
    if "@sha256:" in image:
        return image.rsplit("@", 1)[1]
    seeded: str | None = call.shelf("image_digests").get(image)
    return seeded or "sha256:" + hashlib.sha256(image.encode()).hexdigest()


def containers(call: Call, task: Any) -> list[dict[str, Any]]:
    definition = call.backend.describe_task_definition(task.task_definition_arn)
    rows = []
    for part in definition.container_definitions:
        seed = hashlib.sha256(f"{task.task_arn}/{part.get('name')}".encode()).hexdigest()
        image = part.get("image") or ""
        rows.append(
            {
                "containerArn": f"{task.task_arn.replace(':task/', ':container/')}/{uuid.UUID(seed[:32], version=4)}",
                "taskArn": task.task_arn,
                "name": part.get("name"),
                "image": image,
                "imageDigest": digest_of(call, image),
                "runtimeId": seed,
                "lastStatus": "RUNNING" if task.last_status == "RUNNING" else "STOPPED",
                "networkInterfaces": [],
                "healthStatus": "UNKNOWN",
                "cpu": str(part.get("cpu", 0)),
            }
        )
    return rows


def described_task(call: Call, task: Any, *, tags: bool) -> dict[str, Any]:
    row = {
        "taskArn": task.task_arn,
        "clusterArn": task.cluster_arn,
        "taskDefinitionArn": task.task_definition_arn,
        "containerInstanceArn": task.container_instance_arn,
        "overrides": task.overrides,
        "lastStatus": task.last_status,
        "desiredStatus": task.desired_status,
        "containers": containers(call, task),
        "startedBy": task.started_by,
        "stoppedReason": task.stopped_reason,
        "group": task.group,
        "launchType": launch_type(task),
        "attachments": task.attachments,
    }
    if tags:
        row["tags"] = task.tags
    return {key: value for key, value in row.items() if value not in (None, "")}


def describe_tasks(call: Call) -> dict[str, Any]:
    held = {task.task_arn.rsplit("/", 1)[-1]: task for task in tasks_of(call)}
    names = call.params.get("tasks") or []
    if not names:
        raise refuse(ERROR, "Tasks cannot be empty.")
    tags = "TAGS" in (call.params.get("include") or [])
    found = [described_task(call, held[name.rsplit("/", 1)[-1]], tags=tags) for name in names if name.rsplit("/", 1)[-1] in held]
    failures = [{"arn": name, "reason": "MISSING"} for name in names if name.rsplit("/", 1)[-1] not in held]
    return {"tasks": found, "failures": failures}


def tasks_stand_still() -> None:
    """moto moves a task one state further with each look at it; here only StopTask changes it."""
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1_000_000_000})


def seed_image_digests(account: str, region: str, items: list[Any]) -> None:
    shelf = STORE.shelf("ecs", "image_digests", account, region)
    for i, item in enumerate(items):
        image, digest = (expect(expect(item, dict, f"items[{i}]").get(key), str, f"items[{i}].{key}") for key in ("image", "digest"))
        shelf[image] = digest


EXTENSION = Extension(
    service="ecs",
    operations={
        "ListClusters": paged("clusterArns"),
        "ListServices": paged("serviceArns", default=10),
        "ListContainerInstances": paged("containerInstanceArns"),
        "ListTaskDefinitions": paged("taskDefinitionArns"),
        "ListTaskDefinitionFamilies": paged("families"),
        "ListTasks": list_tasks,
        "DescribeTasks": limited("tasks", 100, describe_tasks),
        "DescribeContainerInstances": limited("containerInstances", 100),
        "DescribeServices": limited("services", 10),
        "DescribeClusters": limited("clusters", 100),
    },
    kinds={"image_digests": seed_image_digests},
    patch=tasks_stand_still,
)
