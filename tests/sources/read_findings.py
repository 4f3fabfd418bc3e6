"""What the tests of the finding services share: a source read from the scripted server, and faults that every source must survive."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from reporter.clients.aws import AwsClients, AwsReader
from reporter.clients.aws_raw import RawAnswer
from reporter.core.errors import Denied, ScopeProblem, Unavailable
from reporter.core.order import plain_frame
from reporter.core.source import Source
from tests.clients.aws_server import HTML, Answer, AwsServer, error

ACCOUNT = "111122223333"
OTHER = "444455556666"
THIRD = "777788889999"
REGION = "eu-central-1"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
STAMP = "2026-11-23T10:00:00.000Z"
EPOCH = 1795428000.0
INSTANT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

FAULTS = pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (error("AccessDeniedException", "no", 403), Denied),
        (error("ExpiredTokenException", "expired", 403), Denied),
        (error("ThrottlingException", "slow down", 429), Unavailable),
        (error("InternalServerException", "oops", 500), Unavailable),
        (Answer(b'{"message": "Not yet implemented"}', 404), Unavailable),
        (Answer(b'{"findings": [', 200), Unavailable),
        (Answer(b"{}", 200), Unavailable),
        (Answer(HTML, 200, "text/html"), Unavailable),
        (Answer(b"", fault="reset"), Unavailable),
    ],
    ids=["denied", "expired", "throttled", "internal", "missing", "truncated", "empty-object", "html", "reset"],
)


_KEPT: list[RawAnswer] = []


@cache
def _clients() -> AwsClients:
    """The same for all tests: making a client takes longer than any of them."""
    return AwsClients(max_attempts=1, read_timeout=5, raw=_KEPT.append)


def read(source: Source, *, region: str = REGION, raw: list[RawAnswer] | None = None) -> dict[str, list[dict[str, Any]]]:
    """Table name -> rows as dicts, in key order, after the table has accepted them."""
    _KEPT.clear()
    found = source.fetch(_clients().reader(ACCOUNT, region, source.name, None, None, NOW, "reporter-", source.redacts))
    if raw is not None:
        raw.extend(_KEPT)
    assert set(found) == {table.name for table in source.tables}
    return {table.name: plain_frame(table.sort(table.frame(found[table.name]))).to_dict("records") for table in source.tables}


def read_members(
    source: Source, *members: str, region: str = REGION, alone: tuple[str, ...] = ()
) -> dict[str, dict[str, list[dict[str, Any]]] | ScopeProblem]:
    """Account -> what `read` gives of it, or its problem, where ACCOUNT is the delegated administrator of some members.

    Members are read in their order, each after the administrator; those in `alone`, and no others, make calls of their own.
    """
    administrator = _clients().reader(ACCOUNT, region, source.name, None, None, NOW, "reporter-", source.redacts)
    administrator.members = members
    found: dict[str, dict[str, list[dict[str, Any]]] | ScopeProblem] = {}
    calling: list[str] = []
    for account in members:
        reader = _clients().reader(account, region, source.name, None, None, NOW, "reporter-", source.redacts)
        reader.administrator = administrator
        found[account] = _outcome(source, reader)
        calling += [account] if reader.calls else []
    assert calling == list(alone)
    return {**found, ACCOUNT: _outcome(source, administrator)}


def _outcome(source: Source, reader: AwsReader) -> dict[str, list[dict[str, Any]]] | ScopeProblem:
    try:
        found = source.fetch(reader)
    except ScopeProblem as problem:
        return problem
    return {table.name: plain_frame(table.sort(table.frame(found[table.name]))).to_dict("records") for table in source.tables}


def check_fault(server: AwsServer, source: Source, key: str, answer: Answer, problem: type[Exception]) -> None:
    """This answer to one of a source's calls makes the whole scope that problem; a refusal names a permission that the source declares."""
    server.on(key, answer)
    with pytest.raises(problem) as caught:
        read(source)
    permission = getattr(caught.value, "permission", "")
    assert permission == "" or permission in source.permissions
