from __future__ import annotations

import threading

import pytest
import requests

from tests.sandbox.wp.conftest import Wire, computer

TASK = {"name": "t", "type": "send-alert-summary", "scheduleDetails": {"recurrenceType": "daily"}}


@pytest.mark.parametrize(("fault", "status"), [("access_denied", 403), ("throttle", 429), ("not_enabled", 404), ("expired", 401), ("error", 500)])
def test_a_fault_answers_its_status_with_a_message(wire: Wire, fault: str, status: int) -> None:
    wire.fault(path="/computers", fault=fault)
    answer = wire.api("GET", "/computers")
    assert (answer.status_code, list(answer.json())) == (status, ["message"])
    assert wire.api("GET", "/policies").status_code == 200


def test_a_throttle_can_say_when_to_come_again(wire: Wire) -> None:
    wire.turn(retry_after=True)
    wire.fault(fault="throttle")
    assert wire.api("GET", "/computers").headers["Retry-After"] == "1"


def test_a_fault_ends_after_its_times(wire: Wire) -> None:
    wire.fault(path="/computers", fault="throttle", times=2)
    assert [wire.api("GET", "/computers").status_code for _ in range(3)] == [429, 429, 200]


def test_lifting_takes_faults_away(wire: Wire) -> None:
    wire.fault(path="/computers", fault="access_denied")
    wire.control("DELETE", "/faults")
    assert wire.api("GET", "/computers").status_code == 200


@pytest.mark.parametrize(
    ("where", "hit"),
    [
        ({"path": "/api/computers"}, True),
        ({"path": "/computers/*/intrusionprevention/*"}, False),
        ({"path": "/comp*"}, True),
        ({"method": "POST"}, False),
        ({"tenant": "other"}, False),
        ({"tenant": "main", "method": "GET"}, True),
    ],
)
def test_a_fault_hits_only_where_it_lies(wire: Wire, where: dict[str, str], hit: bool) -> None:
    wire.fault(fault="access_denied", **where)
    assert (wire.api("GET", "/computers").status_code == 403) is hit


def test_a_path_that_only_begins_like_the_base_path_is_taken_whole(wire: Wire) -> None:
    wire.fault(fault="access_denied", path="/apikeys")
    assert wire.api("GET", "/apikeys/current").status_code == 403
    assert wire.api("GET", "/computers").status_code == 200


def test_malformed_is_html_with_200(wire: Wire) -> None:
    wire.fault(fault="malformed")
    answer = wire.api("GET", "/computers")
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")


def test_truncated_breaks_off_in_the_middle(wire: Wire) -> None:
    wire.seed("computers", *(computer(number) for number in range(1, 50)))
    wire.fault(fault="truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        wire.api("GET", "/computers")


def test_reset_cuts_the_connection_and_the_call_has_no_effect(wire: Wire) -> None:
    wire.fault(path="/scheduledtasks", fault="reset", times=1)
    with pytest.raises(requests.exceptions.ConnectionError):
        wire.api("POST", "/scheduledtasks", json=TASK)
    assert wire.get("/scheduledtasks") == {"scheduledTasks": []}


def test_an_answer_can_be_lost_after_the_call_took_effect(wire: Wire) -> None:
    wire.fault(path="/scheduledtasks", fault="reset", times=1, after=True)
    with pytest.raises(requests.exceptions.ConnectionError):
        wire.api("POST", "/scheduledtasks", json=TASK)
    assert len(wire.get("/scheduledtasks")["scheduledTasks"]) == 1


@pytest.mark.parametrize(("after", "made"), [(False, 0), (True, 1)])
def test_a_500_can_come_before_and_after_the_call_took_effect(wire: Wire, after: bool, made: int) -> None:
    wire.fault(path="/scheduledtasks", fault="error", times=1, after=after)
    answer = wire.api("POST", "/scheduledtasks", json=TASK)
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
    assert len(wire.get("/scheduledtasks")["scheduledTasks"]) == made


def test_a_timeout_hangs_and_others_are_served_meanwhile(wire: Wire) -> None:
    wire.fault(path="/computers", fault="timeout")
    with pytest.raises(requests.exceptions.ReadTimeout):
        wire.session.get(wire.sandbox.url + "/computers", headers={"api-version": "v1", "Authorization": "ApiKey key-1"}, timeout=0.2)
    assert wire.api("GET", "/policies").status_code == 200


def test_lifting_the_faults_lets_a_hanging_call_go(wire: Wire) -> None:
    wire.fault(path="/computers", fault="timeout")
    ended: list[str] = []

    def call() -> None:
        try:
            requests.get(wire.sandbox.url + "/computers", headers={"api-version": "v1", "Authorization": "ApiKey key-1"}, timeout=25)
        except requests.exceptions.ConnectionError as error:
            ended.append(type(error).__name__)

    thread = threading.Thread(target=call)
    thread.start()
    while not any(item["path"] == "/computers" for item in wire.control("GET", "/calls")):
        pass
    wire.control("DELETE", "/faults")
    thread.join(20)
    assert ended == ["ConnectionError"]


def test_every_call_is_logged_and_writes_are_marked(wire: Wire) -> None:
    wire.seed("computers", computer(1))
    wire.fault(path="/policies", fault="reset", times=1)
    wire.get("/computers", expand="none")
    wire.post("/computers/search", {})
    wire.post("/computers/1", {"description": "x"})
    wire.api("DELETE", "/computers/9")
    with pytest.raises(requests.exceptions.ConnectionError):
        wire.api("GET", "/policies")
    wire.key = "wrong"
    wire.api("PUT", "/computers/1/intrusionprevention/assignments", json={})
    assert [tuple(item.values()) for item in wire.control("GET", "/calls")] == [
        ("GET", "/computers", 200, "main", False),
        ("POST", "/computers/search", 200, "main", False),
        ("POST", "/computers/1", 200, "main", True),
        ("DELETE", "/computers/9", 404, "main", True),
        ("GET", "/policies", 0, "main", False),
        ("PUT", "/computers/1/intrusionprevention/assignments", 401, "", True),
    ]


def test_the_log_is_forgotten_on_demand(wire: Wire) -> None:
    wire.get("/computers")
    wire.control("DELETE", "/calls")
    assert wire.control("GET", "/calls") == []
