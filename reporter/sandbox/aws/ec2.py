"""EC2: launch times that are not the moment of the call, and a handful of public images instead of thousands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import moto.backends
import moto.ec2.models.amis

from reporter.sandbox.aws.conformance import NotConforming, expect
from reporter.sandbox.aws.extend import Extension


def seed_launch_times(account: str, region: str, items: list[Any]) -> None:
    """Items {"instance_id", "launch_time"} (ISO 8601); raises NotConforming for an instance that is not there."""
    get_backend: Any = moto.backends.get_backend
    found = {i.id: i for reservation in get_backend("ec2")[account][region].reservations.values() for i in reservation.instances}
    for number, item in enumerate(items):
        instance_id, text = (expect(item.get(key), str, f"items[{number}].{key}") for key in ("instance_id", "launch_time"))
        if instance_id not in found:
            raise NotConforming(f"items[{number}].instance_id", f"there is no instance {instance_id} in {account} {region}")
        found[instance_id].launch_time = datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def know_few_images() -> None:
    """moto loads each region's latest public images, each with a volume and a snapshot: most of the time that an account's first call takes."""

    def no_such_list(path: str) -> Any:
        raise FileNotFoundError(path)

    images: Any = moto.ec2.models.amis
    images.load_resource = no_such_list


EXTENSION = Extension(service="ec2", kinds={"launch_times": seed_launch_times}, patch=know_few_images)
