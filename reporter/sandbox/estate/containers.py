"""Draws ECS: clusters, their hosts, images and tasks (bridge, awsvpc, Fargate)."""

from __future__ import annotations

from random import Random

from reporter.sandbox.estate.spec import Cluster, Image, Instance, Place, Role, Task


def draw_containers(
    random: Random, places: tuple[Place, ...], instances: tuple[Instance, ...], roles: tuple[Role, ...], hosts_per_cluster: int
) -> tuple[tuple[Cluster, ...], dict[str, str], tuple[Image, ...], tuple[Task, ...]]:
    """Clusters, host key -> cluster key, images, tasks: web on every host, jobs on one, gateway in awsvpc, batch on Fargate, old nowhere."""
    clusters: list[Cluster] = []
    members: dict[str, str] = {}
    images: list[Image] = []
    tasks: list[Task] = []
    for number, place in enumerate(places):
        cluster = Cluster(f"cluster{number:02d}", place, f"apps-{number:02d}")
        spare = [i for i in instances if i.place == place and i.state == "running"]
        hosts = spare[-hosts_per_cluster:]
        clusters.append(cluster)
        members.update({host.key: cluster.key for host in hosts})
        here = {name: _image(random, place, name) for name in ("web", "jobs", "gateway", "batch", "old")}
        images += here.values()
        task_roles = [r.key for r in roles if r.account == place.account and not r.profile and not r.key.endswith("/idle")]
        tasks += _tasks(cluster, [host.key for host in hosts], {name: image.key for name, image in here.items()}, task_roles)
    return tuple(clusters), members, tuple(images), tuple(tasks)


def _image(random: Random, place: Place, name: str) -> Image:
    digest = "sha256:" + "".join(random.choices("0123456789abcdef", k=64))
    repository = f"{random.choice(('shop', 'billing', 'portal'))}/{name}"
    return Image(f"{place}/{name}", place, repository, f"1.{random.randint(0, 40)}", digest)


def _tasks(cluster: Cluster, hosts: list[str], images: dict[str, str], roles: list[str]) -> list[Task]:
    tasks = [Task(f"{cluster.key}/web/{host}", cluster.key, "web", (images["web"],), "bridge", host, roles[0]) for host in hosts]
    tasks += [
        Task(f"{cluster.key}/jobs/{hosts[0]}", cluster.key, "jobs", (images["jobs"], images["web"]), "bridge", hosts[0], roles[-1]),
        Task(f"{cluster.key}/gateway/{hosts[0]}", cluster.key, "gateway", (images["gateway"],), "awsvpc", hosts[0], None),
        Task(f"{cluster.key}/batch", cluster.key, "batch", (images["batch"],), "fargate", None, roles[0]),
    ]
    return tasks


def running_on(image: str, tasks: tuple[Task, ...]) -> tuple[str, ...]:
    """Keys of the hosts an image runs on; Fargate is no host."""
    return tuple(sorted({task.host for task in tasks if task.host is not None and image in task.images}))
