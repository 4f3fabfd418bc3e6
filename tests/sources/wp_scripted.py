"""A WP reader whose server answers as a test has written it."""

from __future__ import annotations

from reporter.clients.workload_protection import WpClient, WpReader
from tests.clients.aws_server import AwsServer


def scripted(server: AwsServer, source: str) -> WpReader:
    return WpClient("main", f"{server.url}/api", "api-key", "a-key", patience=0, timeout=5).reader(source)
