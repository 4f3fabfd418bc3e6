"""What AWS answers in these tests: moto in this process, and in front of it answers written by a test, at the level of HTTP."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

import pytest
from botocore import handlers
from botocore.awsrequest import AWSResponse
from moto import mock_aws
from moto.core.models import botocore_stubber

from reporter.clients.aws import AwsClients, AwsReader
from reporter.core.order import plain_frame
from reporter.core.source import Source

ACCOUNT = "123456789012"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)

Body = str | dict[str, Any] | list[Any]


class _Raw(io.BytesIO):
    """An answer's body, as urllib3 hands it out."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


@dataclass
class _Script:
    """One written answer; `holds`: texts that the request's address and body must all hold; `times`: how often it is given, None: always."""

    operation: str
    status: int
    body: str
    holds: tuple[str, ...]
    times: int | None


@dataclass
class Wire:
    """Between botocore and moto."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    """Every call: operation, and the request's address and body as one text."""
    _scripts: list[_Script] = field(default_factory=list)

    def answer(self, operation: str, body: Body, *, status: int = 200, holds: tuple[str, ...] = (), times: int | None = None) -> None:
        """Answer an operation (ListWebACLs) with a body instead of asking moto. The first script that fits is used."""
        self._scripts.append(_Script(operation, status, body if isinstance(body, str) else json.dumps(body), holds, times))

    def refuse(self, operation: str, *, holds: tuple[str, ...] = (), code: str = "AccessDenied", status: int = 403) -> None:
        """Answer an operation of an XML service with an error. S3's form and that of the query services are both understood."""
        inner = f"<Code>{code}</Code><Message>refused</Message>"
        s3 = operation.startswith(("GetBucket", "ListBuckets", "GetPublicAccessBlock"))
        self.answer(
            operation, f"<Error>{inner}</Error>" if s3 else f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>", status=status, holds=holds
        )

    def refuse_json(self, operation: str, *, code: str = "AccessDeniedException", holds: tuple[str, ...] = ()) -> None:
        """Answer an operation of a JSON service with an error."""
        self.answer(operation, {"__type": code, "message": "refused"}, status=400, holds=holds)

    def operations(self) -> set[str]:
        return {operation for operation, _ in self.asked}

    def requests(self, operation: str) -> list[str]:
        return [text for asked, text in self.asked if asked == operation]

    def __call__(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        operation = event_name.rsplit(".", 1)[1]
        body = request.body or b""
        text = f"{request.url} {unquote_plus(body.decode() if isinstance(body, bytes) else str(body))}"
        self.asked.append((operation, text))
        for script in self._scripts:
            if script.operation == operation and script.times != 0 and all(part in text for part in script.holds):
                script.times = None if script.times is None else script.times - 1
                raw = _Raw(script.body.encode())
                return AWSResponse(request.url, script.status, {"content-type": "application/x-amz-json-1.1"}, raw)  # type: ignore[arg-type]
        return None


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """moto, empty, and a wire before it, through which our own clients go."""
    made = Wire()
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(_Tap, "wire", made)
    with mock_aws():
        yield made


@pytest.fixture
def read(wire: Wire) -> Callable[..., dict[str, list[dict[str, Any]]]]:
    """read(source, region): table name -> its rows as dicts, in key order, after the table has accepted them."""

    def fetch(source: Source, region: str = "us-east-1") -> dict[str, list[dict[str, Any]]]:
        found = source.fetch(reader(source, region))
        assert set(found) == {table.name for table in source.tables}
        return {table.name: plain_frame(table.sort(table.frame(found[table.name]))).to_dict("records") for table in source.tables}

    return fetch


def reader(source: Source, region: str = "us-east-1") -> AwsReader:
    return _clients().reader(ACCOUNT, region, source.name, now=NOW)


@dataclass
class _Tap:
    """Stands where moto stands in botocore: the present test's wire is asked first, moto only for what the test did not write."""

    wire: Wire | None = None

    def __call__(self, **event: Any) -> Any:
        written = None if _Tap.wire is None else _Tap.wire(**event)
        return botocore_stubber(**event) if written is None else written


@cache
def _clients() -> AwsClients:
    """The same for all tests: reading EC2's model takes longer than any of them."""
    before = handlers.BUILTIN_HANDLERS
    clients = AwsClients(max_attempts=1)
    handlers.BUILTIN_HANDLERS = [(event, _Tap() if handler is botocore_stubber else handler, *more) for event, handler, *more in before]
    try:
        with clients.reader(ACCOUNT, "us-east-1", "ec2").client("ec2", "us-east-1"):
            pass
    finally:
        handlers.BUILTIN_HANDLERS = before
    return clients
