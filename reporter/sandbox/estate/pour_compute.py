"""Pours instances, Auto Scaling and ECS."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from reporter.core.clock import iso
from reporter.sandbox.estate.cloud import Cloud
from reporter.sandbox.estate.spec import Estate, Instance, Place, Task

_AMI = "ami-12c6146b"
"""An image that moto knows."""

_STILL = {"progression": "manual", "times": 1_000_000}
"""moto moves a task on with each look at it; ours keep running."""


def pour_instances(cloud: Cloud, estate: Estate) -> None:
    """Runs, tags, stops and terminates; sets launch times."""
    for place in estate.places:
        _network(cloud, place)
        here = sorted((i for i in estate.instances if i.place == place), key=lambda i: (i.role or "", i.instance_type, i.key))
        for (role, kind), alike in groupby(here, key=lambda i: (i.role, i.instance_type)):
            _run(cloud, place, role, kind, list(alike))
        _tag(cloud, place, here)
        ec2 = cloud.at("ec2", place)
        for state, stop in (("stopped", ec2.stop_instances), ("terminated", ec2.terminate_instances)):
            ids = [cloud.ids.instances[i.key] for i in here if i.state == state]
            if ids:
                stop(InstanceIds=ids)
        times = [{"instance_id": cloud.ids.instances[i.key], "launch_time": iso(i.launched)} for i in here if i.state != "terminated"]
        cloud.seed("ec2", "launch_times", place.account, place.region, times)


def _network(cloud: Cloud, place: Place) -> None:
    ec2 = cloud.at("ec2", place)
    subnets = ec2.describe_subnets()["Subnets"]
    first = min(subnets, key=lambda s: s["AvailabilityZone"])
    cloud.ids.subnets[place], cloud.ids.vpcs[place] = first["SubnetId"], first["VpcId"]
    ec2.modify_vpc_attribute(VpcId=first["VpcId"], EnableDnsHostnames={"Value": True})


def _run(cloud: Cloud, place: Place, role: str | None, kind: str, alike: list[Instance]) -> None:
    profile: dict[str, Any] = {"IamInstanceProfile": {"Name": f"estate-{role.split('/')[1]}"}} if role else {}
    ec2 = cloud.at("ec2", place)
    made = ec2.run_instances(ImageId=_AMI, InstanceType=kind, MinCount=len(alike), MaxCount=len(alike), SubnetId=cloud.ids.subnets[place], **profile)
    for instance, answer in zip(alike, made["Instances"], strict=True):
        cloud.ids.instances[instance.key] = answer["InstanceId"]
        cloud.ids.addresses[instance.key] = answer["PrivateIpAddress"]
    for answer in made["Instances"][1:] if role else ():  # moto gives the profile to the first of a reservation only
        ec2.associate_iam_instance_profile(InstanceId=answer["InstanceId"], **profile)


def _tag(cloud: Cloud, place: Place, here: list[Instance]) -> None:
    ec2 = cloud.at("ec2", place)
    for instance in here:
        tags = [{"Key": "Name", "Value": instance.name}, {"Key": "Environment", "Value": "production"}]
        if instance.owner:
            tags.append({"Key": "Owner", "Value": instance.owner})
        ec2.create_tags(Resources=[cloud.ids.instances[instance.key]], Tags=tags)


def pour_containers(cloud: Cloud, estate: Estate) -> None:
    """Clusters, container instances, task definitions and tasks; image digests."""
    cloud.post("/moto-api/state-manager/set-transition", {"model_name": "ecs::task", "transition": _STILL})
    for cluster in estate.clusters:
        place, ecs = cluster.place, cloud.at("ecs", cluster.place)
        cloud.ids.clusters[cluster.key] = ecs.create_cluster(clusterName=cluster.name)["cluster"]["clusterArn"]
        for host in (i for i in estate.instances if i.cluster == cluster.key):
            _register(cloud, ecs, cluster.name, host)
        images = {i.key: i for i in estate.images}
        for task in (t for t in estate.tasks if t.cluster == cluster.key):
            _define(cloud, ecs, estate, task, [images[key].reference for key in task.images])
            _start(cloud, ecs, cluster.name, place, task)
        digests = [{"image": i.reference, "digest": i.digest} for i in estate.images if i.place == place]
        cloud.seed("ecs", "image_digests", place.account, place.region, digests)


def _register(cloud: Cloud, ecs: Any, cluster: str, host: Instance) -> None:
    identity = f'{{"accountId": "{host.place.account}", "region": "{host.place.region}", "instanceId": "{cloud.ids.instances[host.key]}"}}'
    made = ecs.register_container_instance(cluster=cluster, instanceIdentityDocument=identity)
    cloud.ids.container_instances[host.key] = made["containerInstance"]["containerInstanceArn"]


def _define(cloud: Cloud, ecs: Any, estate: Estate, task: Task, references: list[str]) -> None:
    key = f"{task.cluster}/{task.family}"
    if key in cloud.ids.task_definitions:
        return
    role = next((r.arn for r in estate.roles if r.key == task.role), None)
    made = ecs.register_task_definition(
        family=task.family,
        networkMode="bridge" if task.mode == "bridge" else "awsvpc",
        requiresCompatibilities=["FARGATE" if task.mode == "fargate" else "EC2"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": f"c{n}", "image": reference, "cpu": 64, "memory": 128} for n, reference in enumerate(references)],
        **({"taskRoleArn": role} if role else {}),
    )
    cloud.ids.task_definitions[key] = made["taskDefinition"]["taskDefinitionArn"]


def _start(cloud: Cloud, ecs: Any, cluster: str, place: Place, task: Task) -> None:
    definition = cloud.ids.task_definitions[f"{task.cluster}/{task.family}"]
    network = {"awsvpcConfiguration": {"subnets": [cloud.ids.subnets[place]], "securityGroups": [], "assignPublicIp": "DISABLED"}}
    awsvpc: dict[str, Any] = {} if task.mode == "bridge" else {"networkConfiguration": network}
    if awsvpc:  # moto's StartTask knows no network; its RunTask takes the cluster's first host, which is the one that is meant
        kind = "FARGATE" if task.host is None else "EC2"
        made = ecs.run_task(cluster=cluster, taskDefinition=definition, launchType=kind, count=1, **awsvpc)
    else:
        made = ecs.start_task(cluster=cluster, taskDefinition=definition, containerInstances=[cloud.ids.container_instances[task.host or ""]])
    if made["tasks"][0].get("containerInstanceArn") != (task.host and cloud.ids.container_instances[task.host]):
        raise RuntimeError(f"moto placed {task.key} elsewhere than on {task.host}")
    cloud.ids.tasks[task.key] = made["tasks"][0]["taskArn"]
    for attachment in made["tasks"][0].get("attachments", []):
        for detail in attachment["details"]:
            if detail["name"] == "privateIPv4Address":
                cloud.ids.addresses[task.key] = detail["value"]
