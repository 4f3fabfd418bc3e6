"""One sandbox for all tests here, emptied before each; clients that speak to it and to nothing else."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

from reporter.sandbox.aws import AwsSandbox
from reporter.sandbox.aws.sessions import SESSIONS

HOME = "123456789012"
OTHER = "111122223333"
REGION = "eu-central-1"

Client = Callable[..., Any]


class Door:
    """The sandbox as a test sees it: boto3 clients and the control routes."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._http = requests.Session()
        self._clients = functools.cache(self._client)

    def _client(self, service: str, region: str, key: tuple[str, str, str], patience: int) -> Any:
        config = Config(retries={"total_max_attempts": 1}, read_timeout=patience, connect_timeout=patience)
        session: Any = boto3.Session(aws_access_key_id=key[0], aws_secret_access_key=key[1], aws_session_token=key[2] or None, region_name=region)
        return session.client(service, endpoint_url=self.endpoint, config=config)

    def client(
        self, service: str, region: str = REGION, key: tuple[str, str, str] = ("AKIAEXAMPLEEXAMPLE12", "secret", ""), patience: int = 20
    ) -> Any:
        return self._clients(service, region, key, patience)

    def assumed(self, account: str, role: str = "reader") -> tuple[str, str, str]:
        """Credentials of a role in another account, for `client(key=...)`."""
        answer = self.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName="tests")["Credentials"]
        return answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"]

    def end_session(self, access_key: str) -> None:
        """Lets a role session run out now."""
        SESSIONS[access_key] = dataclasses.replace(SESSIONS[access_key], expires=datetime(2020, 1, 1))  # noqa: DTZ001 naive UTC, as moto keeps it

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self._http.request(method, self.endpoint + path, json=body, timeout=20)

    def seed(self, service: str, kind: str, items: list[Any], *, account: str = HOME, region: str = REGION) -> None:
        answer = self.control("POST", "/sandbox/seed", {"service": service, "kind": kind, "account": account, "region": region, "items": items})
        assert answer.status_code == 200, answer.text

    def refused_seed(self, service: str, kind: str, items: list[Any]) -> str:
        """The path a refused seed names."""
        answer = self.control("POST", "/sandbox/seed", {"service": service, "kind": kind, "account": HOME, "region": REGION, "items": items})
        assert answer.status_code == 400, answer.text
        return str(answer.json()["path"])

    def fault(self, service: str, fault: str, **rest: Any) -> None:
        answer = self.control("POST", "/sandbox/faults", [{"service": service, "fault": fault, **rest}])
        assert answer.status_code == 200, answer.text

    def calls(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.control("GET", "/sandbox/calls").json()
        return rows


@pytest.fixture(scope="session")
def running() -> Iterator[Door]:
    with AwsSandbox() as sandbox:
        yield Door(sandbox.endpoint)


@pytest.fixture
def aws(running: Door) -> Door:
    running.control("POST", "/moto-api/reset")
    return running
