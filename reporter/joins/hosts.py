"""Container hosts: which EC2 instance a task runs on, which instances run an image now, and on which host a finding of Inspector is.

An image is known by its digest, whatever it is called and whatever account or region pulls it. Only running tasks count, and in them only
containers that run. Fargate tasks have no host.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from reporter.core.order import looked_up, of_codes, places, shared
from reporter.core.world import World
from reporter.tables.aws import ECS_CONTAINER_INSTANCES, ECS_CONTAINERS, ECS_TASKS
from reporter.tables.findings import INSPECTOR_IMAGE_CLUSTERS

HOST = ["account", "region", "instance_id"]
IMAGE = "AWS_ECR_CONTAINER_IMAGE"
INSTANCE = "AWS_EC2_INSTANCE"


def task_hosts(world: World) -> pd.DataFrame:
    """Tasks on container instances: task_arn, cluster_arn, service_name, last_status, private_ips, account, region, instance_id; by task."""
    tasks = world.table(ECS_TASKS)[["task_arn", "cluster_arn", "service_name", "last_status", "private_ips", "container_instance_arn"]]
    machines = world.table(ECS_CONTAINER_INSTANCES)[["container_instance_arn", *HOST]].drop_duplicates("container_instance_arn")
    placed = tasks[tasks["container_instance_arn"].notna()].merge(machines, on="container_instance_arn")
    return placed.drop_duplicates("task_arn").sort_values("task_arn", kind="stable", ignore_index=True)


def image_hosts(world: World) -> pd.DataFrame:
    """image_digest, account, region, instance_id: every host that runs the image now, once; sorted."""
    containers = world.table(ECS_CONTAINERS)[["task_arn", "image_digest", "last_status"]]
    columns = ["image_digest", *HOST]
    if containers.empty:
        return pd.DataFrame({name: pd.Series([], dtype="object") for name in columns})
    running = containers[containers["image_digest"].notna() & (containers["last_status"].isna() | (containers["last_status"] == "RUNNING"))]
    tasks = task_hosts(world)
    placed = running[["task_arn", "image_digest"]].merge(tasks.loc[tasks["last_status"] == "RUNNING", ["task_arn", *HOST]], on="task_arn")
    return placed[columns].drop_duplicates().sort_values(columns, kind="stable", ignore_index=True)


def located(world: World, findings: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """These rows of inspector_findings -> one row per finding and host it is on.

    Columns: row (position in `findings`), account, region and instance_id of the host; a finding that is on no host we know of is one row
    with its own account and region and no instance. Nothing is dropped: every row occurs at least once.
    """
    hosts = image_hosts(world)
    digests = pd.Index(hosts["image_digest"].unique())
    counts = hosts.groupby("image_digest", sort=True).size().reindex(digests).to_numpy(dtype=np.int64)
    known = np.where(findings["resource_type"] == IMAGE, places(digests, findings["image_digest"]), -1)[rows] if len(digests) else np.array([])
    on_host = taken = np.array([], dtype=np.int64)
    if (known >= 0).any():
        times = looked_up(counts, known, 1)
        nth = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        known, rows = np.repeat(known, times), np.repeat(rows, times)
        on_host = np.flatnonzero(known >= 0)
        taken = (np.cumsum(counts) - counts)[known[on_host]] + nth[on_host]
    machine = (findings["resource_type"] == INSTANCE).to_numpy()
    made = {"row": pd.Series(rows, copy=False)}
    for name, own in (("account", "account"), ("region", "region"), ("instance_id", "resource_id")):
        (mine, theirs), texts = shared(findings[own], hosts[name])
        codes = (mine if own == name or machine.all() else np.where(machine, mine, -1))[rows]
        codes[on_host] = theirs[taken]
        made[name] = of_codes(codes, texts)
    return pd.DataFrame(made, copy=False)


def unseen_hosts(world: World, images: pd.DataFrame) -> list[str]:
    """For each row (account, region, resource_id, image_digest) of image findings: why there may be hosts we do not see; "" if none.

    The image's own account and region must have been read, and so must every cluster in which Inspector says the image runs.
    """
    clusters = world.table(INSPECTOR_IMAGE_CLUSTERS)
    busy = clusters[clusters["running_units"].isna() | (clusters["running_units"] > 0)]
    causes: dict[str, list[str]] = {}
    for resource, cluster in sorted({*zip(busy["resource_id"], busy["cluster_arn"], strict=True)}):
        cause = _unread_cluster(world, cluster)
        if cause:
            causes.setdefault(resource, []).append(cause)
    home: dict[tuple[str, str], str] = {}
    for account, region in {*zip(images["account"], images["region"], strict=True)}:
        home[account, region] = "" if world.read("ecs", account, region) else f"ECS in {account} {region} was not read"
    reasons = []
    for account, region, resource, digest in zip(images["account"], images["region"], images["resource_id"], images["image_digest"], strict=True):
        nameless = "" if isinstance(digest, str) else "the finding names no image digest"
        reasons.append(home[account, region] or nameless or "; ".join(causes.get(resource, ())))
    return reasons


def _unread_cluster(world: World, arn: str) -> str:
    parts = arn.split(":")
    if len(parts) < 6 or parts[2] != "ecs":
        return f"Inspector sees it running in {arn}, whose hosts are not read"
    return "" if world.read("ecs", parts[4], parts[3]) else f"Inspector sees it running in {arn}, but ECS in {parts[4]} {parts[3]} was not read"
