from __future__ import annotations

from typing import Any

from reporter.core.records import records
from reporter.joins.behind import Behind
from reporter.tables.aws import (
    EC2_AUTO_SCALING_GROUPS,
    EC2_INSTANCES,
    EC2_NETWORK_INTERFACES,
    ECS_CONTAINER_INSTANCES,
    ECS_SERVICES,
    ECS_TASKS,
    LOAD_BALANCERS,
)
from tests.joins.made import A, B, R, cluster_arn, denied, host, machine, row, task, world
from tests.joins.made_web import ALB, NLB, Rows, alb, balancer, classic, nlb, target_group, targets

I1, I2 = "i-0000000000000001", "i-0000000000000002"


def machines(*rows: Any, name: str = "shop") -> set[tuple[str, str]]:
    """(account, instance id) behind the load balancer of that name."""
    made = world(*rows)
    mine = next(one for one in records(made.table(LOAD_BALANCERS)) if one.name == name)
    return Behind(made).machines(mine)


def by_address(*addresses: str, **values: Any) -> tuple[Rows, ...]:
    """The load balancer `shop` before addresses in vpc-1."""
    return (*balancer(), target_group("tg", "ip", **values), targets("tg", *addresses))


def interface(eni: str, address: str, instance_id: str | None = None, **values: Any) -> Rows:
    defaults = {"eni_id": eni, "private_ips": (address,), "vpc_id": "vpc-1", "instance_id": instance_id}
    return (EC2_NETWORK_INTERFACES, [row(EC2_NETWORK_INTERFACES, **{**defaults, **values})])


ON_HOST = (ECS_CONTAINER_INSTANCES, [host(1, I1), host(2, I2)]), (ECS_TASKS, [task("t", 1, private_ips=("10.0.0.9",), service_name="shop")])


def test_targets_by_instance_id_are_behind() -> None:
    assert machines(*alb(I1, I2)) == {(A, I1), (A, I2)}


def test_targets_of_a_classic_load_balancer_are_behind() -> None:
    assert machines(*classic(I1), name="old") == {(A, I1)}


def test_functions_are_no_machines() -> None:
    assert machines(*balancer(), target_group("tg", "lambda"), targets("tg", "arn:aws:lambda:f")) == set()


def test_a_target_group_of_another_load_balancer_is_not_behind() -> None:
    assert machines(*balancer(), target_group("tg", "instance", before=NLB), targets("tg", I1)) == set()


def test_an_address_is_the_instance_that_has_it_on_any_interface() -> None:
    assert machines(*by_address("10.0.0.5"), interface("eni-1", "10.0.0.5", I1)) == {(A, I1)}


def test_an_address_is_the_instance_that_has_it_first() -> None:
    assert machines(*by_address("10.0.0.5"), (EC2_INSTANCES, [machine(I1, private_ip="10.0.0.5")])) == {(A, I1)}


def test_an_address_in_a_shared_network_is_the_instance_of_the_other_account() -> None:
    assert machines(*by_address("10.0.0.5"), interface("eni-1", "10.0.0.5", I1, account=B)) == {(B, I1)}


def test_the_same_address_in_another_network_is_another_machine() -> None:
    assert machines(*by_address("10.0.0.5"), interface("eni-1", "10.0.0.5", I1, vpc_id="vpc-2")) == set()


def test_an_address_of_a_task_is_its_host() -> None:
    assert machines(*by_address("10.0.0.9"), *ON_HOST) == {(A, I1)}
    assert machines(*by_address("10.0.0.9"), *ON_HOST, interface("eni-1", "10.0.0.9")) == {(A, I1)}


def test_an_address_of_a_task_in_another_network_is_not_behind() -> None:
    assert machines(*by_address("10.0.0.9"), *ON_HOST, interface("eni-1", "10.0.0.9", vpc_id="vpc-2")) == set()


def test_an_address_that_nobody_has_is_not_behind() -> None:
    assert machines(*by_address("192.0.2.1")) == set()


def test_a_load_balancer_before_another_has_what_is_behind_that() -> None:
    assert machines(*alb(I1), *nlb(ALB, kind="alb"), name="net") == {(A, I1)}


def test_a_load_balancer_before_one_that_is_gone_has_nothing_behind_it() -> None:
    assert machines(*nlb("arn:gone", kind="alb"), name="net") == set()


def test_load_balancers_that_name_each_other_come_to_an_end() -> None:
    assert machines(*nlb(NLB, kind="alb"), name="net") == set()


def test_what_a_scaling_group_registers_is_behind() -> None:
    values = {"name": "asg", "instance_ids": (I1, I2)}
    assert machines(*alb(), (EC2_AUTO_SCALING_GROUPS, [row(EC2_AUTO_SCALING_GROUPS, target_group_arns=("tg",), **values)])) == {(A, I1), (A, I2)}
    scaled = (EC2_AUTO_SCALING_GROUPS, [row(EC2_AUTO_SCALING_GROUPS, load_balancer_names=("old",), **values)])
    assert machines(*classic(), scaled, name="old") == {(A, I1), (A, I2)}


def test_hosts_of_a_service_that_registers_its_tasks_are_behind() -> None:
    values = {"cluster_arn": cluster_arn(), "service_arn": "s", "service_name": "shop"}
    assert machines(*alb(), *ON_HOST, (ECS_SERVICES, [row(ECS_SERVICES, target_group_arns=("tg",), **values)])) == {(A, I1)}
    assert machines(*classic(), *ON_HOST, (ECS_SERVICES, [row(ECS_SERVICES, load_balancer_names=("old",), **values)]), name="old") == {(A, I1)}


def test_tasks_that_no_service_started_are_not_behind_a_service() -> None:
    alone = (ECS_CONTAINER_INSTANCES, [host(1, I1)]), (ECS_TASKS, [task("t", 1)])
    values = {"cluster_arn": cluster_arn(), "service_arn": "s", "service_name": "shop", "target_group_arns": ("tg",)}
    assert machines(*alb(), *alone, (ECS_SERVICES, [row(ECS_SERVICES, **values)])) == set()


def test_what_was_not_read_is_named() -> None:
    assert Behind(world()).unseen(A, R) == ""
    assert Behind(world(unread=denied(A, R, "ec2") | denied(A, R, "elb"))).unseen(A, R) == f"ec2 and elb in {A} {R} could not be read"
