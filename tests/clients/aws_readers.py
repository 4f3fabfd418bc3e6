"""Clients and readers as the tests of reporter/clients/ make them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reporter.clients.aws import AwsClients, AwsReader

ACCOUNT = "111122223333"
REGION = "eu-central-1"
ROLE = "arn:aws:iam::111122223333:role/reporter-read"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def clients(**settings: Any) -> AwsClients:
    return AwsClients(**{"read_timeout": 5, "connect_timeout": 5, "max_attempts": 1, **settings})


def reader(source: str = "guardduty", **settings: Any) -> AwsReader:
    return clients(**settings).reader(ACCOUNT, REGION, source, None, None, NOW, "reporter-", ())
