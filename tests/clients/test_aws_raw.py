"""Raw answers on their way to the record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reporter.clients.aws_raw import RawAnswer
from reporter.core.errors import Denied
from tests.clients.aws_readers import ACCOUNT, REGION, clients, reader
from tests.clients.aws_server import Answer, AwsServer, error, page, server

__all__ = ["server"]


def test_raw_answers_are_kept_as_received_and_numbered_in_order(server: AwsServer) -> None:
    server.on("GET /detector", Answer(b'{ "detectorIds": [] }'))
    server.on("GET /detector/a", page(status="A"))
    server.on("GET /detector/b", page(status="B"))
    kept: list[RawAnswer] = []
    asking = reader(raw=kept.append)
    asking.call("guardduty", "list_detectors")
    asking.map(lambda d: asking.call("guardduty", "get_detector", DetectorId=d), ["b", "a", "b", "a"])
    assert kept[0] == RawAnswer(ACCOUNT, REGION, "guardduty", "guardduty", "ListDetectors", 0, b'{ "detectorIds": [] }', "application/json")
    assert [(answer.sequence, answer.body) for answer in kept[1:]] == [
        (1, b'{"status": "B"}'),
        (2, b'{"status": "A"}'),
        (3, b'{"status": "B"}'),
        (4, b'{"status": "A"}'),
    ]


def test_answers_hold_no_raw_bytes(server: AwsServer) -> None:
    server.on("GET /detector", page(detectorIds=[]))
    assert set(reader().call("guardduty", "list_detectors")) == {"DetectorIds", "ResponseMetadata"}


def test_what_a_source_redacts_never_reaches_the_record(server: AwsServer) -> None:
    body = b'{"findings": [{"service": {"action": {"ip": "198.51.100.7"}, "count": 1}, "id": "f"}], "a": {"b": 1}}'
    server.on("POST /detector/d/findings/get", Answer(body))
    kept: list[RawAnswer] = []
    asking = clients(raw=kept.append).reader(ACCOUNT, REGION, "guardduty", redacts=("findings[].service.action", "a.b", "none[].x", "findings.y"))
    answer = asking.call("guardduty", "get_findings", DetectorId="d", FindingIds=["f"])
    assert kept[0].body == b'{"a":{},"findings":[{"id":"f","service":{"count":1}}]}'
    assert answer["Findings"][0]["Id"] == "f"


def test_maps_within_maps_keep_the_order_too(server: AwsServer) -> None:
    for letter in "abcd":
        server.on(f"GET /detector/{letter}", page(status=letter))
    kept: list[RawAnswer] = []
    asking = reader(raw=kept.append)

    def one(letter: str) -> Any:
        return asking.call("guardduty", "get_detector", DetectorId=letter)["Status"]

    assert asking.map(lambda pair: asking.map(one, pair), ["ab", "cd", "a"]) == [["a", "b"], ["c", "d"], ["a"]]
    assert [json.loads(answer.body)["status"] for answer in kept] == ["a", "b", "c", "d", "a"]
    assert [answer.sequence for answer in kept] == [0, 1, 2, 3, 4]


def test_what_came_before_a_failing_item_is_kept(server: AwsServer) -> None:
    server.on("GET /detector/a", page(status="A"))
    server.on("GET /detector/b", error("AccessDeniedException", status=403))
    kept: list[RawAnswer] = []
    asking = reader(raw=kept.append)
    with pytest.raises(Denied):
        asking.map(lambda d: asking.call("guardduty", "get_detector", DetectorId=d), ["a", "b", "a"])
    assert [answer.body for answer in kept] == [b'{"status": "A"}']
