"""exceptions_valid and evidence_sealed."""

from __future__ import annotations

from typing import Any

import pytest

from reporter.checks import evidence_sealed, exceptions_valid
from reporter.tables.joined import EXCEPTIONS, PREVIOUS_PACK
from tests.checks.worlds import I1, I2, only, rows, statuses, world


def exception(**changes: Any) -> dict[str, Any]:
    base = {"check": "agent_online", "resource": I1, "reason": "moves", "owner": "payments", "approved_by": "ciso", "ticket": "SEC-1"}
    return base | {"expires": "2026-12-31"} | changes


def said(*exceptions: dict[str, Any]) -> dict[str, Any]:
    return only(exceptions_valid.judge(world((EXCEPTIONS, rows(EXCEPTIONS, *exceptions)))))


def test_a_valid_exception_passes() -> None:
    row = said(exception())
    assert (row["resource"], row["account"], row["region"], row["status"], row["owner"]) == (I1, "-", "-", "PASS", "payments")
    assert row["reason"] == "exception SEC-1 for agent_online holds until 2026-12-31"


@pytest.mark.parametrize("expires", ["2026-11-24", "2026-12-08"])
def test_an_exception_that_ends_soon_passes_with_a_warning(expires: str) -> None:
    row = said(exception(expires=expires))
    assert row["status"] == "PASS"
    assert "renew it" in row["reason"]


def test_on_the_last_day_of_its_review_it_is_not_overdue() -> None:
    assert said(exception(review_on="2026-11-24"))["status"] == "PASS"


def test_in_15_days_is_not_soon() -> None:
    assert "renew it" not in said(exception(expires="2026-12-09"))["reason"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"expires": "2026-11-23"}, "expired on 2026-11-23"),
        ({"expires": "2027-11-26"}, "more than 366 days ahead"),
        ({"expires": "soon"}, "is no date"),
        ({"approved_by": "payments"}, "approved by its own owner"),
        ({"approved_by": " Payments "}, "approved by its own owner"),
        ({"review_on": "2026-11-23"}, "exception SEC-1 for agent_online was to be reviewed by 2026-11-23"),
    ],
)
def test_an_exception_that_is_not_valid_fails(changes: dict[str, Any], words: str) -> None:
    row = said(exception(**changes))
    assert row["status"] == "FAIL"
    assert words in row["reason"]


def test_two_exceptions_of_a_resource_are_one_row_and_the_worse_counts() -> None:
    row = said(exception(), exception(check="instance_clear", ticket="SEC-2", expires="2026-01-01", owner="shop"))
    assert (row["status"], row["owner"]) == ("FAIL", None)
    assert row["reason"] == "exception SEC-2 for instance_clear does not hold: it expired on 2026-01-01"
    assert row["observed"] == "agent_online: SEC-1 until 2026-12-31; instance_clear: SEC-2 until 2026-01-01"


def test_each_resource_has_its_row() -> None:
    frame = exceptions_valid.judge(world((EXCEPTIONS, rows(EXCEPTIONS, exception(), exception(resource=I2, expires="soon")))))
    assert statuses(frame) == {I1: "PASS", I2: "FAIL"}


def test_without_exceptions_there_is_nothing_to_judge() -> None:
    row = only(exceptions_valid.judge(world()))
    assert (row["resource"], row["status"]) == ("schedule.yaml", "NOT_APPLICABLE")


def pack(**changes: Any) -> dict[str, Any]:
    base = {"run_id": "prod-000007", "sealed": True, "chained": True, "message": ""}
    return only(evidence_sealed.judge(world((PREVIOUS_PACK, rows(PREVIOUS_PACK, base | changes)))))


def test_a_sealed_and_chained_pack_passes() -> None:
    row = pack()
    assert (row["resource"], row["account"], row["region"], row["status"], row["observed"]) == ("prod-000007", "-", "-", "PASS", "sealed, chained")


@pytest.mark.parametrize(
    ("changes", "observed"),
    [
        ({"sealed": False}, "not sealed, chained"),
        ({"chained": False}, "sealed, not chained"),
        ({"sealed": False, "chained": None}, "not sealed, chained not known"),
    ],
)
def test_a_pack_that_does_not_hold_fails(changes: dict[str, Any], observed: str) -> None:
    row = pack(**changes, message="results.csv differs")
    assert (row["status"], row["observed"]) == ("FAIL", observed)
    assert row["reason"].endswith(": results.csv differs")


@pytest.mark.parametrize("part", ["sealed", "chained"])
def test_a_pack_that_could_not_be_checked_is_unknown(part: str) -> None:
    assert pack(**{part: None}, message=None)["status"] == "UNKNOWN"


def test_the_first_run_of_a_chain_has_no_pack_before_it() -> None:
    row = only(evidence_sealed.judge(world()))
    assert (row["resource"], row["status"]) == ("first run", "NOT_APPLICABLE")
    assert row["reason"].startswith("first run of this chain")
