"""IAM: single policies of AWS's own, where loading all of them would be slow."""

from __future__ import annotations

from typing import Any

import moto.backends
from moto.iam.models import AWSManagedPolicy

from reporter.sandbox.aws.conformance import expect
from reporter.sandbox.aws.extend import Extension


def seed_aws_policies(account: str, region: str, items: list[Any]) -> None:
    """Items {"PolicyName", "Document", "CreateDate"}: attachable as arn:aws:iam::aws:policy/NAME in that account."""
    del region
    get_backend: Any = moto.backends.get_backend
    backend = get_backend("iam")[account]["aws"]
    for number, item in enumerate(items):
        name, date = (expect(item.get(key), str, f"items[{number}].{key}") for key in ("PolicyName", "CreateDate"))
        document = expect(item.get("Document"), dict, f"items[{number}].Document")
        data = {"DefaultVersionId": "v1", "Path": "/", "Document": document, "CreateDate": date, "UpdateDate": date}
        policy: Any = AWSManagedPolicy.from_data(name, account, "us-east-1", data)
        if policy.arn not in backend.managed_policies:
            backend.aws_managed_policies.append(policy)
            backend.managed_policies[policy.arn] = policy


EXTENSION = Extension(service="iam", kinds={"aws_policies": seed_aws_policies})
