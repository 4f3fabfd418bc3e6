"""EC2: pages by instance, launch times that are not the moment of the call, a handful of public images instead of thousands."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import moto.backends
from moto.core.parse import default_timestamp_parser
from moto.ec2.models import amis

from reporter.sandbox.aws.conformance import NotConforming, expect
from reporter.sandbox.aws.extend import Call, Extension, refuse
from reporter.sandbox.aws.paging import page

IMAGES = 25
LEAST, MOST = 5, 1000


def part_of(call: Call, items: list[Any], ids: str) -> tuple[Any, str | None]:
    """One page: 5 to 1000 of them, and never together with ids, as AWS has it."""
    asked = call.params.get("MaxResults")
    if asked is not None and call.params.get(ids):
        raise refuse("InvalidParameterCombination", f"The parameter {ids} cannot be used with the parameter maxResults")
    if asked is not None and int(asked) < LEAST:
        raise refuse("InvalidParameterValue", f"Value ( {asked} ) for parameter maxResults is invalid. Expecting a value greater than {LEAST}.")
    return page(items, call.params.get("NextToken"), asked, most=MOST, error="InvalidParameterValue")


def describe_instances(call: Call) -> dict[str, Any]:
    """A page has so many instances, whatever reservations they are of; moto counts reservations."""
    asked = call.response.params
    call.response.params = {**{key: value for key, value in asked.items() if key != "NextToken"}, "MaxResults": 1_000_000}
    reservations = call.original().result["Reservations"]
    rows = [(reservation, instance) for reservation in reservations for instance in reservation.instances]
    part, token = part_of(call, rows, "InstanceIds")
    shown: dict[str, Any] = {}
    for reservation, instance in part:
        if reservation.id not in shown:
            shown[reservation.id] = copy.copy(reservation)
            shown[reservation.id].instances = []
        shown[reservation.id].instances.append(instance)
    return {"Reservations": list(shown.values()), "NextToken": token}


def describe_network_interfaces(call: Call) -> dict[str, Any]:
    part, token = part_of(call, list(call.original().result["NetworkInterfaces"]), "NetworkInterfaceIds")
    return {"NetworkInterfaces": part, "NextToken": token}


def seed_launch_times(account: str, region: str, items: list[Any]) -> None:
    """Items {"instance_id", "launch_time"} (ISO 8601); raises NotConforming for an instance that is not there."""
    get_backend: Any = moto.backends.get_backend
    found = {i.id: i for reservation in get_backend("ec2")[account][region].reservations.values() for i in reservation.instances}
    for number, item in enumerate(items):
        instance_id, text = (expect(item.get(key), str, f"items[{number}].{key}") for key in ("instance_id", "launch_time"))
        if instance_id not in found:
            raise NotConforming(f"items[{number}].instance_id", f"there is no instance {instance_id} in {account} {region}")
        found[instance_id].launch_time = datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def load_few_images(backend: Any) -> None:
    """The first of moto's 1,300 public images, each with its volume and snapshot; RunInstances takes unknown ones too."""
    for image in amis.AMIS[:IMAGES]:
        created = image.get("creation_date")
        made = default_timestamp_parser(created) if isinstance(created, str) else created
        backend.amis[image["ami_id"]] = amis.Ami(backend, **{**image, "owner_alias": "amazon", "creation_date": made})


def know_few_images() -> None:
    """All images are most of the time that an account's first call takes, and RunInstances searches them each time."""
    image_backend: Any = amis.AmiBackend
    image_backend._load_amis = load_few_images  # noqa: SLF001 the place where moto loads them


EXTENSION = Extension(
    service="ec2",
    operations={"DescribeInstances": describe_instances, "DescribeNetworkInterfaces": describe_network_interfaces},
    kinds={"launch_times": seed_launch_times},
    patch=know_few_images,
)
