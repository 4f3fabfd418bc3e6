from __future__ import annotations

from typing import Any

import pandas as pd

from reporter.core.order import plain_frame
from reporter.joins import findings
from reporter.tables.aws import ECS_CONTAINER_INSTANCES, ECS_CONTAINERS, ECS_TASKS
from reporter.tables.findings import GUARDDUTY_FINDINGS, INSPECTOR_FINDINGS, MACIE_FINDINGS
from reporter.tables.joined import FINDINGS, INSTANCES
from tests.joins.made import (
    HOSTILE,
    MAIN,
    NOW,
    A,
    B,
    R,
    cluster_arn,
    container,
    host,
    image_arn,
    only,
    package,
    permuted,
    row,
    task,
    task_arn,
    world,
)

I1, I2, I3 = "i-0000000000000001", "i-0000000000000002", "i-0000000000000003"
DIGEST = "sha256:" + "a" * 64
KNOWN = (
    INSTANCES,
    [
        row(INSTANCES, instance_id=I1, protection="protected", owner="payments", tenant=MAIN),
        row(INSTANCES, instance_id=I2, protection="unmanaged"),
        row(INSTANCES, instance_id=I3, account=B, protection="offline", owner="search", tenant=MAIN),
    ],
)


def joined(*rows: Any, **more: Any) -> pd.DataFrame:
    return plain_frame(findings.join(world(KNOWN, *rows, **more))[FINDINGS.name])


def threat(number: int = 1, **values: Any) -> tuple[Any, ...]:
    return row(
        GUARDDUTY_FINDINGS, **{"finding_id": f"g{number:03}", "arn": f"arn:g{number}", "type": "Recon:EC2/PortProbe", "severity": "HIGH", **values}
    )


def placed(found: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(found[["resource", "instance_id", "protection"]].itertuples(index=False, name=None))


def test_an_empty_world_gives_an_empty_declared_table() -> None:
    assert findings.join(world())[FINDINGS.name].equals(FINDINGS.frame())


def test_a_finding_of_an_instance_has_the_protection_and_owner_of_that_instance() -> None:
    found = only(joined((GUARDDUTY_FINDINGS, [threat(resource_type="Instance", instance_ids=(I1,), title="probe")])))
    assert (found.source, found.finding_id, found.arn, found.account, found.region) == ("guardduty", "g001", "arn:g1", A, R)
    assert (found.resource, found.instance_id, found.protection, found.owner, found.tenant) == (I1, I1, "protected", "payments", MAIN)
    assert (found.type, found.severity, found.title, found.action) == ("Recon:EC2/PortProbe", "HIGH", "probe", None)


def test_an_attack_sequence_has_a_row_for_each_instance_it_names() -> None:
    found = joined((GUARDDUTY_FINDINGS, [threat(resource_type="AttackSequence", instance_ids=(I2, I1))]))
    assert placed(found) == [(I1, I1, "protected"), (I2, I2, "unmanaged")]


def test_an_instance_that_is_not_in_scope_or_gone_has_no_protection() -> None:
    assert placed(joined((GUARDDUTY_FINDINGS, [threat(instance_ids=("i-gone",))]))) == [("i-gone", "i-gone", None)]


def test_an_instance_of_another_account_with_the_same_id_is_another_instance() -> None:
    assert placed(joined((GUARDDUTY_FINDINGS, [threat(instance_ids=(I3,))]))) == [(I3, I3, None)]


def test_a_finding_of_a_task_is_on_the_host_of_that_task() -> None:
    ecs = (ECS_CONTAINER_INSTANCES, [host(1, I1), host(2, I2)]), (ECS_TASKS, [task("t1", 1), task("t2", 2)])
    finding = threat(resource_type="ECSCluster", ecs_clusters=(cluster_arn(),), ecs_tasks=(task_arn("t2"),))
    assert placed(joined(*ecs, (GUARDDUTY_FINDINGS, [finding]))) == [(task_arn("t2"), I2, "unmanaged")]


def test_an_instance_named_and_host_of_a_named_task_is_one_row() -> None:
    ecs = (ECS_CONTAINER_INSTANCES, [host(1, I1)]), (ECS_TASKS, [task("t1", 1), task("t2", 1)])
    finding = threat(instance_ids=(I1,), ecs_tasks=(task_arn("t2"), task_arn("t1")))
    assert placed(joined(*ecs, (GUARDDUTY_FINDINGS, [finding]))) == [(I1, I1, "protected")]


def test_a_cluster_without_a_task_and_a_task_without_a_host_keep_one_row() -> None:
    ecs = (ECS_CONTAINER_INSTANCES, [host(1, I1)]), (ECS_TASKS, [task("fargate", None), task("t1", 1)])
    rows = [
        threat(1, ecs_clusters=(cluster_arn(),)),
        threat(2, ecs_clusters=(cluster_arn(),), ecs_tasks=(task_arn("fargate"), task_arn("gone"))),
        threat(3, resource_type="AccessKey"),
        threat(4),
    ]
    found = joined(*ecs, (GUARDDUTY_FINDINGS, rows))
    assert placed(found) == [(cluster_arn(), None, None), (task_arn("fargate"), None, None), ("AccessKey", None, None), (None, None, None)]


def test_sample_and_archived_findings_are_listed() -> None:
    found = joined((GUARDDUTY_FINDINGS, [threat(1, sample=True), threat(2, archived=True)]))
    assert list(zip(found["sample"], found["archived"], strict=True)) == [(True, False), (False, True)]


def test_an_inspector_finding_of_an_instance_is_on_that_instance() -> None:
    found = only(joined((INSPECTOR_FINDINGS, [package(1, I1, "CVE-2024-0001")])))
    assert (found.source, found.resource, found.instance_id, found.protection) == ("inspector", I1, I1, "protected")
    assert (found.finding_id, found.arn, found.sample, found.archived) == (found.arn, found.finding_id, False, False)
    assert found.created_at < found.updated_at == pd.Timestamp(NOW)


def test_an_inspector_finding_of_an_image_is_on_every_host_that_runs_it_now() -> None:
    ecs = (
        (ECS_CONTAINER_INSTANCES, [host(1, I1), host(2, I2), host(3, I3, account=B)]),
        (ECS_TASKS, [task("a", 1), task("b", 1), task("c", 2), task("d", 2, last_status="PENDING"), task("e", 3, account=B), task("f", None)]),
        (
            ECS_CONTAINERS,
            [
                container("a", DIGEST),
                container("b", DIGEST),
                container("c", DIGEST, last_status="STOPPED"),
                container("d", DIGEST),
                container("e", DIGEST, account=B, last_status=None),
                container("f", DIGEST),
            ],
        ),
    )
    found = joined(*ecs, (INSPECTOR_FINDINGS, [package(1, DIGEST, "CVE-2024-0001"), package(2, I2, "CVE-2024-0001")]))
    assert placed(found) == [(image_arn(DIGEST), I1, "protected"), (image_arn(DIGEST), I3, "offline"), (I2, I2, "unmanaged")]


def test_an_image_on_no_host_and_a_function_keep_one_row() -> None:
    function = package(2, I1, "CVE-2024-0001", resource_type="AWS_LAMBDA_FUNCTION", resource_id="arn:aws:lambda:f")
    found = joined((INSPECTOR_FINDINGS, [package(1, DIGEST, "CVE-2024-0001"), function]))
    assert placed(found) == [(image_arn(DIGEST), None, None), ("arn:aws:lambda:f", None, None)]


def test_an_alert_of_macie_is_about_the_bucket() -> None:
    alerts = [
        row(MACIE_FINDINGS, finding_id="m1", bucket_arn="arn:aws:s3:::pay", bucket_name="pay"),
        row(MACIE_FINDINGS, finding_id="m2", bucket_name="pay", sample=True),
        row(MACIE_FINDINGS, finding_id="m3"),
    ]
    found = joined((MACIE_FINDINGS, alerts))
    assert placed(found) == [("arn:aws:s3:::pay", None, None), ("pay", None, None), (None, None, None)]
    assert list(found["arn"]) == [None] * 3


def test_hostile_texts_pass_through_as_they_are() -> None:
    found = only(joined((GUARDDUTY_FINDINGS, [threat(title=HOSTILE, type=HOSTILE, resource_type=HOSTILE)])))
    assert (found.title, found.type, found.resource) == (HOSTILE, HOSTILE, HOSTILE)


def test_the_order_of_rows_changes_nothing_and_the_form_is_the_declared_one() -> None:
    made = world(
        KNOWN,
        (ECS_CONTAINER_INSTANCES, [host(1, I1), host(2, I2)]),
        (ECS_TASKS, [task("a", 1), task("b", 2)]),
        (ECS_CONTAINERS, [container("a", DIGEST), container("b", DIGEST)]),
        (GUARDDUTY_FINDINGS, [threat(1, instance_ids=(I1, I2)), threat(2, ecs_tasks=(task_arn("a"), task_arn("b"))), threat(1)]),
        (INSPECTOR_FINDINGS, [package(1, DIGEST, "CVE-2024-0001"), package(2, I1, None)]),
        (MACIE_FINDINGS, [row(MACIE_FINDINGS, finding_id="m1", bucket_name="pay")]),
    )
    expected = findings.join(made)[FINDINGS.name]
    assert expected.equals(FINDINGS.sort(FINDINGS.conform(expected)))
    assert len(expected) == 2 + 2 + 1 + 2 + 1 + 1
    for seed in range(5):
        assert findings.join(permuted(made, seed))[FINDINGS.name].equals(expected)
