from __future__ import annotations

from tests.sandbox.wp.conftest import Wire


def _statuses(wire: Wire, count: int) -> list[int]:
    return [wire.api("GET", "/computers").status_code for _ in range(count)]


def test_calls_over_the_limit_are_429_until_the_window_has_passed(wire: Wire) -> None:
    wire.turn(rate_limit=2, rate_now=1000)
    assert _statuses(wire, 4) == [200, 200, 429, 429]
    wire.turn(rate_now=1059.9)
    assert _statuses(wire, 1) == [429]
    wire.turn(rate_now=1060)
    assert _statuses(wire, 3) == [200, 200, 429]


def test_refused_calls_do_not_count(wire: Wire) -> None:
    wire.turn(rate_limit=1, rate_now=1000)
    assert _statuses(wire, 1) == [200]
    wire.turn(rate_now=1050)
    assert _statuses(wire, 5) == [429] * 5
    wire.turn(rate_now=1060)
    assert _statuses(wire, 1) == [200]


def test_the_refusal_says_so_and_has_no_retry_after(wire: Wire) -> None:
    wire.turn(rate_limit=0)
    answer = wire.api("GET", "/computers")
    assert answer.json() == {"message": "Too many API requests"}
    assert "Retry-After" not in answer.headers


def test_retry_after_can_be_turned_on(wire: Wire) -> None:
    wire.turn(rate_limit=1, rate_now=1000, retry_after=True)
    _statuses(wire, 1)
    wire.turn(rate_now=1042.5)
    assert wire.api("GET", "/computers").headers["Retry-After"] == "18"


def test_each_key_has_its_own_rate(wire: Wire) -> None:
    wire.turn(rate_limit=1, rate_now=1000)
    wire.control("POST", "/tenants", {"name": "other", "key": "key-2"})
    assert _statuses(wire, 2) == [200, 429]
    wire.key = "key-2"
    assert _statuses(wire, 1) == [200]


def test_the_window_runs_by_itself_when_no_clock_is_given(wire: Wire) -> None:
    wire.turn(rate_limit=1, rate_window=0)
    assert _statuses(wire, 3) == [200, 200, 200]
