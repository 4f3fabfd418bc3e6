"""Every call is written down as it was at the wire: pages, refusals, cut answers, what was never answered; in an order that threads do not change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reporter.clients.aws_raw import RawAnswer
from reporter.clients.workload_protection import WpClient
from reporter.core.call import Call, Calls
from reporter.core.errors import ScopeProblem
from reporter.tables.evidence import QUERIES
from tests.clients.aws_readers import ACCOUNT, REGION, ROLE, clients, reader
from tests.clients.aws_server import Answer, AwsServer, error, page, server

__all__ = ["server"]

TWO = datetime(2026, 11, 24, 2, 0, 2, tzinfo=UTC)
ROLE_ONLY = f'{{"RoleArn": "{ROLE}"}}'
SEARCH = "POST /api/computers/search"


def written(calls: Calls) -> list[dict[str, Any]]:
    frame = QUERIES.frame(calls.rows()).astype(object)
    rows: list[dict[str, Any]] = frame.where(frame.notna(), None).to_dict("records")
    return rows


def told(calls: Calls, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in written(calls)]


def test_each_page_is_a_row_of_its_list_and_the_last_one_says_so(server: AwsServer) -> None:
    server.on("GET /detector", page(detectorIds=["a", "b"], nextToken="2"), page(detectorIds=["c"]))
    calls = Calls()
    reader(log=calls).items("guardduty", "list_detectors", "DetectorIds", MaxResults=50)
    first, second = (f"guardduty/{ACCOUNT}/{REGION}/{number:06d}" for number in (0, 1))
    assert told(calls, "call", "listing", "page", "items", "last_page", "operation", "parameters") == [
        (first, first, 1, 2, False, "ListDetectors", '{"MaxResults": 50}'),
        (second, first, 2, 1, True, "ListDetectors", '{"MaxResults": 50}'),
    ]


def test_a_list_that_goes_on_by_its_token_tells_its_end_too(server: AwsServer) -> None:
    server.on("ListWebACLs", page(WebACLs=[], NextMarker="m"), page(WebACLs=[{"Name": "b"}]))
    calls = Calls()
    reader(log=calls).items("wafv2", "list_web_acls", "WebACLs", Scope="REGIONAL")
    assert told(calls, "page", "items", "last_page", "parameters") == [(1, 0, False, '{"Scope": "REGIONAL"}'), (2, 1, True, '{"Scope": "REGIONAL"}')]


def test_status_request_id_and_the_servers_clock_come_from_the_head_of_the_answer(server: AwsServer) -> None:
    server.on("GET /detector", Answer(b'{"detectorIds": []}', headers=(("x-amzn-RequestId", "r-1"),)))
    calls = Calls()
    reader(log=calls).call("guardduty", "list_detectors")
    (row,) = written(calls)
    assert (row["status"], row["request_id"], row["last_page"]) == (200, "r-1", True)
    assert abs(row["answered_at"] - row["date"]) < timedelta(minutes=1)


def test_a_refusal_a_cut_answer_and_a_broken_connection_are_rows(server: AwsServer) -> None:
    calls = Calls()
    cut, gone = Answer(b'{"detectorIds": [', fault="cut"), Answer(b"", fault="reset")
    for answer in (error("AccessDeniedException", "no", 403), cut, gone):
        server.on("GET /detector", page(detectorIds=["a"], nextToken="2"), answer)
        with pytest.raises(ScopeProblem):
            reader(log=calls).items("guardduty", "list_detectors", "DetectorIds")
    rows = [row for row in written(calls) if row["page"] == 2]
    assert sorted(str(row["status"]) for row in rows) == ["200", "403", "None"]
    assert all(row["error"] and row["last_page"] is not True and row["attempts"] == 1 for row in rows)
    assert {row["last_page"] for row in written(calls) if row["page"] == 1} == {False}


def test_repeats_are_counted(server: AwsServer) -> None:
    server.on("GET /detector", Answer(b"", 503), page(detectorIds=[]))
    calls = Calls()
    reader(log=calls, max_attempts=2).items("guardduty", "list_detectors", "DetectorIds")
    assert told(calls, "attempts", "status", "error") == [(2, 200, None)]


def test_calls_in_threads_are_numbered_by_their_items_and_one_that_fails_loses_none(server: AwsServer) -> None:
    def answer(request: Any) -> Answer:
        return error("InternalServerError", "", 500) if request.json["WebACLArn"] == "arn-of-an-acl-000003" else page(ResourceArns=[])

    server.on("ListResourcesForWebACL", answer)
    calls = Calls()
    asking = reader(log=calls)
    with pytest.raises(ScopeProblem):
        asking.map(lambda number: asking.call("wafv2", "list_resources_for_web_acl", WebACLArn=f"arn-of-an-acl-{number:06d}"), range(4))
    rows = told(calls, "call", "parameters", "error")

    assert [row[1] for row in rows] == [f'{{"WebACLArn": "arn-of-an-acl-{number:06d}"}}' for number in range(4)]
    assert [bool(row[2]) for row in rows] == [False, False, False, True]


def test_a_call_names_the_file_that_keeps_its_answer(server: AwsServer) -> None:
    server.on("GET /detector", page(detectorIds=["a"], nextToken="2"), page(detectorIds=[]))
    calls = Calls()
    kept: list[RawAnswer] = []
    reader(log=calls, raw=kept.append).items("guardduty", "list_detectors", "DetectorIds")
    assert told(calls, "raw") == [(f"raw/{answer.place}/{answer.file}",) for answer in kept]


def test_taking_a_role_is_a_call_of_its_own_without_the_external_id(server: AwsServer) -> None:
    server.on("AssumeRole", Answer(b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>", 403, "text/xml"))
    calls = Calls()
    with pytest.raises(ScopeProblem):
        clients(log=calls).reader(ACCOUNT, REGION, "guardduty", ROLE, "very-secret").call("guardduty", "list_detectors")
    taken, asked = written(calls)
    assert (taken["source"], taken["operation"], taken["status"], taken["parameters"]) == (
        "assume_role",
        "AssumeRole",
        403,
        f'{{"RoleArn": "{ROLE}"}}',
    )
    assert (asked["operation"], asked["attempts"], asked["status"]) == ("ListDetectors", 0, None)
    assert "very-secret" not in str(written(calls))


def test_a_search_of_a_tenant_ends_with_the_empty_page(server: AwsServer) -> None:
    server.on(SEARCH, Answer(b'{"computers": [{"ID": 5}]}'), page(computers=[]))
    calls = Calls()
    asking = WpClient("main", f"{server.url}/api", "api-key", "the-key", patience=0, timeout=5, log=calls).reader("wp_computers")
    asking.search("/computers", "computers", right="view")
    assert told(calls, "call", "operation", "page", "items", "last_page") == [
        ("wp_computers/main/-/000000", "POST /computers/search", 1, 1, False),
        ("wp_computers/main/-/000001", "POST /computers/search", 2, 0, True),
    ]
    assert "the-key" not in str(written(calls))


def test_what_a_tenant_refuses_or_does_not_answer_is_a_row(server: AwsServer) -> None:
    calls = Calls()
    for answer in (Answer(b"{}", 403), Answer(b"", fault="reset"), Answer(b"{")):
        server.on("GET /api/policies/1", answer)
        asking = WpClient("main", f"{server.url}/api", "api-key", "k", patience=0, timeout=5, log=calls).reader("wp_policies")
        with pytest.raises(ScopeProblem):
            asking.get("/policies/1", right="view")
    rows = written(calls)
    assert sorted(str(row["status"]) for row in rows) == ["200", "403", "None"]
    assert all(row["error"] for row in rows)


@pytest.mark.parametrize(("date", "read"), [("Tue, 24 Nov 2026 03:00:02 +0100", TWO), ("soon", None), ("", None)])
def test_a_clock_that_cannot_be_read_is_none(date: str, read: datetime | None) -> None:
    call = Call("a", "r", "s", "x", "Y", "r", "{}", (0,), (0,))
    call.answer(200, {"date": date}, datetime(2026, 11, 24, tzinfo=UTC))
    assert call.date == read
