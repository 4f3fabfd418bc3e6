"""The door to the AWS sandbox while an estate is poured, and the ids AWS gave to what was poured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boto3
import requests
from botocore.config import Config

from reporter.sandbox.estate.spec import Place

_SECRET = "sandbox-secret"  # noqa: S105  # the sandbox takes any
_PART = 1000


def access_key(account: str) -> str:
    """The sandbox's access key of an account; twenty capitals and digits, or moto does not recognise it as one."""
    return f"SANDBOX0{account}"


@dataclass
class Ids:
    """Key of the estate -> what AWS calls it."""

    instances: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    """private address of an instance or of an awsvpc task"""
    subnets: dict[Place, str] = field(default_factory=dict)
    vpcs: dict[Place, str] = field(default_factory=dict)
    clusters: dict[str, str] = field(default_factory=dict)
    container_instances: dict[str, str] = field(default_factory=dict)
    task_definitions: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    load_balancers: dict[str, str] = field(default_factory=dict)
    domains: dict[str, str] = field(default_factory=dict)
    distributions: dict[str, str] = field(default_factory=dict)
    web_acls: dict[str, str] = field(default_factory=dict)
    detectors: dict[Place, str] = field(default_factory=dict)
    kms_keys: dict[Place, str] = field(default_factory=dict)


class Cloud:
    """boto3 clients by service, account and region, and the sandbox's own control routes."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.ids = Ids()
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._session = boto3.Session(region_name="us-east-1")
        self._web = requests.Session()
        self._web.trust_env = False

    def client(self, service: str, account: str, region: str) -> Any:
        key = (service, account, region)
        if key not in self._clients:
            make: Any = self._session.client
            self._clients[key] = make(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                aws_access_key_id=access_key(account),
                aws_secret_access_key=_SECRET,
                config=Config(proxies={}, retries={"mode": "standard", "total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self._clients[key]

    def at(self, service: str, place: Place) -> Any:
        return self.client(service, place.account, place.region)

    def seed(self, service: str, kind: str, account: str, region: str, items: list[Any]) -> None:
        """Raises requests.HTTPError with the sandbox's own words."""
        for start in range(0, len(items), _PART):
            body = {"service": service, "kind": kind, "account": account, "region": region, "items": items[start : start + _PART]}
            self.post("/sandbox/seed", body)

    def post(self, path: str, body: Any = None) -> None:
        answer = self._web.post(self.endpoint + path, json=body, timeout=60)
        if not answer.ok:
            raise requests.HTTPError(f"POST {path}: {answer.status_code} {answer.text[:500]}", response=answer)
