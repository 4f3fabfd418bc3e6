"""AWS as the sandbox answers it, for code that takes its credentials and endpoint from the environment."""

from __future__ import annotations

import os

import pytest

from tests.sandbox.aws.conftest import Door, aws, running

__all__ = ["aws", "running"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, aws: Door) -> Door:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE12", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": aws.endpoint}.items():
        monkeypatch.setenv(name, value)
    return aws
