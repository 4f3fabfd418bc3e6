"""Virtual patches of container images: a row for each host that runs the image now."""

from __future__ import annotations

from typing import Any

import pytest

from reporter.tables.aws import EC2_INSTANCES, ECS_CONTAINER_INSTANCES, ECS_CONTAINERS, ECS_TASKS
from reporter.tables.findings import INSPECTOR_FINDINGS, INSPECTOR_IMAGE_CLUSTERS
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES, WP_RULES
from tests.joins.made import (
    R2,
    A,
    B,
    R,
    cluster_arn,
    computer,
    container,
    denied,
    host,
    image_arn,
    machine,
    only,
    package,
    patched,
    policy,
    row,
    rule,
    task,
)

I1, I2, I3 = "i-0000000000000001", "i-0000000000000002", "i-0000000000000003"
CVE, OTHER = "CVE-2024-0001", "CVE-2024-0002"
DIGEST, SECOND = "sha256:" + "a" * 64, "sha256:" + "b" * 64
EXACT = 11


RUNS = (
    (EC2_INSTANCES, [machine(I2), machine(I3, account=B)]),
    (ECS_CONTAINER_INSTANCES, [host(1, I1), host(2, I2), host(3, I3, account=B)]),
    (ECS_TASKS, [task("a", 1), task("b", 1), task("c", 2), task("d", 3, account=B), task("f", None), task("s", 2, last_status="STOPPING")]),
    (
        ECS_CONTAINERS,
        [
            container("a", DIGEST),
            container("b", DIGEST),
            container("c", DIGEST),
            container("d", DIGEST, account=B),
            container("f", SECOND),
            container("s", SECOND),
        ],
    ),
)


def test_an_image_has_a_row_for_each_host_that_runs_it_now_in_any_account() -> None:
    tables = (WP_COMPUTERS, [computer(7, I1, ips_rule_ids=(EXACT,))]), (WP_RULES, [rule()]), (WP_POLICIES, [policy(EXACT)])
    found = patched(*RUNS, *tables, (INSPECTOR_FINDINGS, [package(1, DIGEST, "GHSA-1", related_ids=(CVE, OTHER))]))
    said = list(found[["account", "instance_id", "image", "cve", "state"]].itertuples(index=False, name=None))
    image = image_arn(DIGEST)
    assert said == [
        (A, I1, image, CVE, "prevented"),
        (A, I1, image, OTHER, "no_rule"),
        (A, I2, image, CVE, "unprotected"),
        (A, I2, image, OTHER, "unprotected"),
        (B, I3, image, CVE, "unprotected"),
        (B, I3, image, OTHER, "unprotected"),
    ]


def test_the_finding_of_an_image_and_of_its_host_are_two_rows() -> None:
    found = patched(*RUNS, (INSPECTOR_FINDINGS, [package(1, DIGEST, CVE), package(2, I1, CVE)]))
    assert sorted(found["instance_id"]) == [I1, I1, I2, I3]


def test_an_image_on_no_host_is_one_row_that_does_not_run() -> None:
    found = only(patched(*RUNS, (INSPECTOR_FINDINGS, [package(1, SECOND, CVE)])))
    assert (found.account, found.region, found.instance_id, found.image, found.state) == (A, R, None, image_arn(SECOND), "not_running")


def test_an_image_without_cve_on_no_host_does_not_run() -> None:
    assert only(patched((INSPECTOR_FINDINGS, [package(1, SECOND, "GHSA-1")]))).state == "not_running"


def seen_in(arn: str, units: int | None, image: str = SECOND) -> tuple[Any, ...]:
    return row(INSPECTOR_IMAGE_CLUSTERS, resource_id=image_arn(image), cluster_arn=arn, running_units=units)


EKS = f"arn:aws:eks:{R}:{A}:cluster/k8s"
SEES, NOWHERE = "Inspector sees it running in", "no running task on a container host has this image"
ELSEWHERE = cluster_arn("web", B, R2)


@pytest.mark.parametrize(
    ("rows", "more", "state", "reason"),
    [
        ([], {"unread": denied(A, R, "ecs")}, "unknown", f"ECS in {A} {R} was not read"),
        ([], {"unread": denied(A, R2, "ecs")}, "not_running", NOWHERE),
        ([seen_in(EKS, 2)], {}, "unknown", f"{SEES} {EKS}, whose hosts are not read"),
        ([seen_in("odd", 2)], {}, "unknown", f"{SEES} odd, whose hosts are not read"),
        ([seen_in(EKS, 0)], {}, "not_running", NOWHERE),
        ([seen_in(EKS, 2, DIGEST)], {}, "not_running", NOWHERE),
        ([seen_in(ELSEWHERE, None)], {}, "not_running", NOWHERE),
        ([seen_in(ELSEWHERE, None)], {"unread": denied(B, R2, "ecs")}, "unknown", f"{SEES} {ELSEWHERE}, but ECS in {B} {R2} was not read"),
    ],
)
def test_an_image_whose_hosts_may_be_hidden_is_unknown_not_stopped(rows: Any, more: dict[str, Any], state: str, reason: str) -> None:
    found = only(patched((INSPECTOR_IMAGE_CLUSTERS, rows), (INSPECTOR_FINDINGS, [package(1, SECOND, CVE)]), **more))
    assert (found.state, found.reason) == (state, reason)


def test_an_image_without_digest_is_unknown() -> None:
    found = only(patched((INSPECTOR_FINDINGS, [package(1, SECOND, CVE, image_digest=None)])))
    assert (found.state, found.reason) == ("unknown", "the finding names no image digest")


def test_several_images_that_run_nowhere_are_each_told_why() -> None:
    rows = [package(1, DIGEST, CVE), package(2, SECOND, CVE), package(3, DIGEST, OTHER), package(4, SECOND, CVE, image_digest=None)]
    found = patched((INSPECTOR_IMAGE_CLUSTERS, [seen_in(EKS, 1, DIGEST)]), (INSPECTOR_FINDINGS, rows))
    assert list(found["state"]) == ["unknown", "not_running", "unknown", "unknown"]
