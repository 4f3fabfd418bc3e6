"""A source finds the same rows in what clients/aws_wanted.py keeps of a large answer as in all of it: what it newly takes must be said there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench import answers
from reporter.clients.aws_wanted import WANTED
from reporter.core.source import Source
from reporter.sources import ec2, guardduty, iam, macie
from tests.sources.aws_wire import ACCOUNT, Wire, read, wire

__all__ = ["read", "wire"]

COUNT = 3
IDS = {"findingIds": [f"{number:032x}" for number in range(COUNT)]}
ENABLED = {"status": "ENABLED", "features": [{"name": "S3_DATA_EVENTS", "status": "ENABLED"}]}


@pytest.mark.parametrize(
    ("source", "operation", "made", "before"),
    [
        (ec2.SOURCE, "DescribeInstances", answers.instances, {}),
        (iam.SOURCE, "GetAccountAuthorizationDetails", answers.roles, {}),
        (guardduty.SOURCE, "GetFindings", answers.guardduty, {"ListDetectors": {"detectorIds": ["d"]}, "GetDetector": ENABLED, "ListFindings": IDS}),
        (macie.SOURCE, "GetFindings", answers.macie, {"GetMacieSession": ENABLED, "ListFindings": IDS}),
    ],
    ids=["ec2", "iam", "guardduty", "macie"],
)
def test_rows_are_the_same_as_those_of_the_whole_answer(
    wire: Wire,
    read: Callable[..., dict[str, list[dict[str, Any]]]],
    monkeypatch: pytest.MonkeyPatch,
    source: Source,
    operation: str,
    made: Callable[[int], bytes],
    before: dict[str, Any],
) -> None:
    for earlier, body in before.items():
        wire.answer(earlier, body)
    wire.answer(operation, made(COUNT).decode().replace(answers.ACCOUNT, ACCOUNT))
    narrowed = read(source)
    for of in [of for of in WANTED if of[1] == operation]:
        monkeypatch.delitem(WANTED, of)
    assert read(source) == narrowed
    assert max(len(rows) for rows in narrowed.values()) >= COUNT
