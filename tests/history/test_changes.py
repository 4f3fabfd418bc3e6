from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.core.check import Check, Need
from reporter.core.result import Severity
from reporter.history.changes import FORGOTTEN_DAYS, Compared, Judgement, Side, compare
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.joined import CHANGES, EXCEPTIONS, HISTORY, RESULTS
from tests.checks.worlds import DENIED, I1, I2, NOW, OFF, R2, A, B, R, rows, world
from tests.examples import examples
from tests.history.packs import result
from tests.joins.made import machine

DAY = timedelta(days=1)
STATUSES = ("PASS", "FAIL", "UNKNOWN", "WAIVED", "NOT_APPLICABLE")
FIREWALL = Check("firewall_active", "Firewall", Severity.MEDIUM, ("ec2",), (Need("wp_computers"),), lambda _: RESULTS.frame())
ALERTS = Check("alerts", "Alerts", Severity.HIGH, ("macie",), (), lambda _: RESULTS.frame(), vanishes="Macie forgets")
EXCEPTED = Check("exceptions_valid", "Exceptions", Severity.LOW, (), (), lambda _: RESULTS.frame())
CHECKS = (FIREWALL, ALERTS, EXCEPTED)

Row = dict[str, Any]


def side(*results: Row, days: int = 0, **more: Any) -> Side:
    """A run of NOW and so many days."""
    return Side(rows(RESULTS, *results), replace(world(**more), now=NOW + days * DAY))


def of(status: str, resource: str = I1, /, **changes: Any) -> Row:
    return result(resource, status, **changes)


def chain(*sides: Side, judgements: Sequence[Judgement] = ()) -> Compared:
    """Runs one after the other; what the last one differs in."""
    said = compare(None, sides[0], HISTORY.frame(), CHECKS)
    given_ = [*judgements, *[Judgement()] * len(sides)]
    for before, after, judgement in zip(sides, sides[1:], given_, strict=False):
        said = compare(before, after, said.history, CHECKS, judgement)
    return said


def kinds(compared: Compared) -> dict[str, tuple[str, str | None]]:
    """Resource -> change and cause."""
    return {row["resource"]: (row["change"], row["cause"]) for row in compared.changes.to_dict("records")}


def one(*sides: Side, judgements: Sequence[Judgement] = ()) -> Row:
    (row,) = chain(*sides, judgements=judgements).changes.to_dict("records")
    return dict(row)


ALL = {
    ("PASS", "FAIL"): ("new", "world"),
    ("NOT_APPLICABLE", "FAIL"): ("new", "world"),
    ("", "FAIL"): ("new", "world"),
    ("UNKNOWN", "FAIL"): ("known_again", "world"),
    ("WAIVED", "FAIL"): ("new", "exception"),
    ("PASS", "WAIVED"): ("newly_waived", "world"),
    ("NOT_APPLICABLE", "WAIVED"): ("newly_waived", "world"),
    ("", "WAIVED"): ("newly_waived", "world"),
    ("UNKNOWN", "WAIVED"): ("newly_waived", "world"),
    ("FAIL", "WAIVED"): ("newly_waived", "exception"),
    ("PASS", "UNKNOWN"): ("newly_unknown", "world"),
    ("FAIL", "UNKNOWN"): ("newly_unknown", "world"),
    ("WAIVED", "UNKNOWN"): ("newly_unknown", "world"),
    ("NOT_APPLICABLE", "UNKNOWN"): ("newly_unknown", "world"),
    ("", "UNKNOWN"): ("newly_unknown", "world"),
    ("FAIL", "PASS"): ("fixed", "world"),
    ("FAIL", "NOT_APPLICABLE"): ("fixed", "world"),
    ("WAIVED", "PASS"): ("fixed", "world"),
    ("WAIVED", "NOT_APPLICABLE"): ("fixed", "world"),
    ("FAIL", ""): ("fixed", "world"),
    ("WAIVED", ""): ("fixed", "world"),
    ("UNKNOWN", "PASS"): ("known_again", "world"),
    ("UNKNOWN", "NOT_APPLICABLE"): ("known_again", "world"),
}
"""every pair of statuses that is a change; the rest is none"""


@pytest.mark.parametrize(("was", "now"), list(product(("", *STATUSES), repeat=2)))
def test_each_pair_of_statuses_is_one_kind_of_change_or_none(was: str, now: str) -> None:
    earlier = side(*[of(was)] if was else [])
    later = side(*[of(now, severity="HIGH", reason="why now")] if now else [], days=1)
    found = kinds(chain(earlier, later))
    assert found == ({I1: ALL[was, now]} if (was, now) in ALL else {})


def test_a_change_says_what_it_was_and_is_since_when_and_whose() -> None:
    since = NOW - 9 * DAY
    row = one(side(of("FAIL", severity="LOW", first_seen=since, owner="old")), side(of("PASS", severity="HIGH", owner="new", reason="on"), days=1))
    assert {name: row[name] for name in ("was", "now", "severity", "owner", "reason", "since")} == {
        "was": "FAIL",
        "now": "PASS",
        "severity": "HIGH",
        "owner": "new",
        "reason": "on",
        "since": since,
    }


def test_without_an_earlier_run_nothing_is_new() -> None:
    said = chain(side(of("FAIL"), of("UNKNOWN", I2)))
    assert said.changes.empty
    assert list(said.history["resource"]) == [I1]


def test_what_failed_was_mended_and_fails_again_is_reopened() -> None:
    row = one(side(of("FAIL")), side(of("PASS"), days=1), side(of("PASS"), days=2), side(of("FAIL"), days=3))
    assert (row["change"], row["cause"], row["was"], row["now"]) == ("reopened", "world", "PASS", "FAIL")
    assert row["reason"] == "off; it was put right on 2026-11-25"


def test_what_passed_through_not_applicable_or_was_away_is_reopened_too() -> None:
    assert one(side(of("FAIL")), side(of("NOT_APPLICABLE"), days=1), side(of("FAIL"), days=2))["change"] == "reopened"
    assert one(side(of("FAIL")), side(days=1), side(of("FAIL"), days=2))["change"] == "reopened"


def test_a_night_that_was_not_read_neither_mends_nor_breaks_anything() -> None:
    """FAIL, unread, FAIL."""
    night = side(of("UNKNOWN", unread=True, first_seen=NOW + DAY), days=1)
    assert one(side(of("FAIL")), night)["cause"] == "reading"
    row = one(side(of("FAIL")), night, side(of("FAIL"), days=2))
    assert (row["change"], row["cause"], row["was"]) == ("known_again", "reading", "UNKNOWN")
    assert row["reason"] == "off; when last known, on 2026-11-24, it was FAIL"


@pytest.mark.parametrize(("before", "after", "kind"), [("PASS", "FAIL", "new"), ("FAIL", "PASS", "fixed"), ("WAIVED", "WAIVED", "known_again")])
def test_what_changed_behind_a_night_that_was_not_read_is_compared_with_what_was_last_known(before: str, after: str, kind: str) -> None:
    nights = [side(of("UNKNOWN", unread=True), days=day) for day in (1, 2)]
    assert one(side(of(before)), *nights, side(of(after), days=3))["change"] == kind


def test_a_population_that_was_not_read_leaves_what_failed_gone_and_never_fixed() -> None:
    unread = {("ec2", A, R): DENIED}
    star = of("UNKNOWN", "*", unread=True, reason="denied")
    said = chain(side(of("FAIL"), of("PASS", I2)), side(star, days=1, changed=unread))
    assert kinds(said) == {I1: ("gone", "reading"), "*": ("newly_unknown", "reading")}
    gone = said.changes.set_index("resource").loc[I1]
    assert gone["reason"] == "ec2 in 111122223333 eu-central-1 could not be read: AccessDenied; grant service:ListThings"
    still = chain(side(of("FAIL"), of("PASS", I2)), side(star, days=1, changed=unread), side(star, days=2, changed=unread))
    assert kinds(still) == {}


@pytest.mark.parametrize(
    ("after", "change"), [([of("FAIL")], ("known_again", "reading")), ([of("PASS")], ("fixed", "world")), ([], ("fixed", "world"))]
)
def test_what_is_read_again_is_compared_with_what_was_last_known(after: list[Row], change: tuple[str, str]) -> None:
    star = of("UNKNOWN", "*", unread=True)
    nights = [side(star, days=day, changed={("ec2", A, R): DENIED}) for day in (1, 2)]
    said = kinds(chain(side(of("FAIL")), *nights, side(*after, days=3)))
    assert said == {I1: change, "*": ("known_again", "reading")}


@pytest.mark.parametrize("changed", [{("wp_computers", "main", "-"): DENIED}, {("ec2", A, R): OFF}])
def test_a_row_that_vanishes_while_anything_it_needs_is_unread_is_not_fixed(changed: Any) -> None:
    assert kinds(chain(side(of("FAIL")), side(days=1, changed=changed)))[I1] == ("gone", "reading")


def test_an_account_that_left_the_schedule_has_fixed_nothing() -> None:
    found = chain(side(of("FAIL", account=B), accounts=(A, B)), side(days=1)).changes.to_dict("records")
    assert [(row["change"], row["cause"]) for row in found] == [("gone", "reading")]


def test_an_account_that_joined_the_schedule_brings_what_was_not_read_before() -> None:
    said = chain(side(), side(of("FAIL", account=B), of("PASS", I2, account=B), days=1, accounts=(A, B)))
    assert kinds(said) == {I1: ("new", "reading")}


def test_another_regions_gap_hides_nothing_here() -> None:
    later = side(days=1, regions=(R, R2), changed={("ec2", A, R2): DENIED})
    assert kinds(chain(side(of("FAIL"), regions=(R, R2)), later)) == {I1: ("fixed", "world")}


def test_an_instance_that_left_the_reports_scope_is_gone_until_it_is_no_more() -> None:
    there = (EC2_INSTANCES, EC2_INSTANCES.frame([machine(I1)]))
    first = side(of("FAIL"))
    away = [Side(RESULTS.frame(), replace(world(there), now=NOW + day * DAY)) for day in (1, 2)]
    row = one(first, away[0])
    assert (row["change"], row["reason"]) == ("gone", "the instance still exists, outside the scope of this report")
    assert kinds(chain(first, *away)) == {}
    assert kinds(chain(first, *away, side(days=3))) == {I1: ("fixed", "world")}


def test_what_a_service_forgets_by_age_is_gone_and_stays_so() -> None:
    alert = of("FAIL", check_id="alerts")
    assert one(side(alert), side(days=1))["reason"] == "Macie forgets"
    assert kinds(chain(side(alert), side(days=1), side(days=2))) == {}


def test_a_check_that_is_no_longer_asked_has_fixed_nothing() -> None:
    row = one(side(of("FAIL", check_id="removed")), side(days=1))
    assert (row["change"], row["reason"]) == ("gone", "this check is no longer asked")


def test_a_check_without_sources_is_fixed_when_its_row_is_gone() -> None:
    place = {"check_id": "exceptions_valid", "account": "-", "region": "-"}
    assert kinds(chain(side(of("FAIL", **place)), side(days=1))) == {I1: ("fixed", "world")}


def accepted(expires: str) -> tuple[Any, pd.DataFrame]:
    item = {"check": "firewall_active", "resource": I1, "reason": "legacy", "owner": "payments", "approved_by": "ciso", "ticket": "SEC-1"}
    return EXCEPTIONS, rows(EXCEPTIONS, item | {"expires": expires})


@pytest.mark.parametrize(
    ("waiver", "exceptions", "change"),
    [
        ("SEC-1 until 2026-11-24", [], "waiver_expired"),
        (None, [accepted("2026-11-24")], "waiver_expired"),
        ("SEC-1 until 2026-11-25", [], "new"),
        ("SEC-1 until 2027-11-24", [accepted("2027-11-24")], "new"),
    ],
)
def test_an_exception_that_ran_out_is_told_from_one_that_was_withdrawn(waiver: str | None, exceptions: list[Any], change: str) -> None:
    later = Side(rows(RESULTS, of("FAIL")), replace(world(*exceptions), now=NOW + DAY))
    row = one(side(of("WAIVED", waiver=waiver)), later)
    assert (row["change"], row["cause"]) == (change, "exception")


def rejudged(*results: Row, changed: tuple[str, ...] = ("settings",)) -> Judgement:
    return Judgement(changed, rows(RESULTS, *results))


def test_what_the_earlier_world_says_by_the_new_rules_already_is_of_the_rules() -> None:
    earlier, later = side(of("PASS"), of("PASS", I2)), side(of("FAIL"), of("FAIL", I2), days=1)
    assert kinds(chain(earlier, later, judgements=[rejudged(of("FAIL"), of("PASS", I2))])) == {I1: ("new", "rule"), I2: ("new", "world")}


def test_rows_that_the_rules_alone_add_or_drop_are_of_the_rules_and_none_is_fixed() -> None:
    dropped = chain(side(of("FAIL")), side(of("FAIL", I2), days=1), judgements=[rejudged(of("FAIL", I2))])
    assert kinds(dropped) == {I1: ("gone", "rule"), I2: ("new", "rule")}
    assert kinds(chain(side(of("FAIL")), side(days=1), side(days=2), judgements=[rejudged()])) == {}


def test_a_new_exception_is_the_cause_where_nothing_else_changed() -> None:
    place = {"check_id": "exceptions_valid", "account": "-", "region": "-"}
    again = rejudged(of("WAIVED"), of("PASS", I2, **place), changed=("exceptions",))
    said = chain(side(of("FAIL"), of("FAIL", I2, **place)), side(of("WAIVED"), of("PASS", I2, **place), days=1), judgements=[again])
    assert kinds(said) == {I1: ("newly_waived", "exception"), I2: ("fixed", "exception")}


def test_where_rules_changed_and_cannot_be_tried_on_the_earlier_world_no_cause_is_made_up() -> None:
    earlier = side(of("PASS"), of("FAIL", I2), of("PASS", "i-3"), of("FAIL", "i-4"))
    later = side(of("FAIL"), of("UNKNOWN", "i-3", unread=True), of("WAIVED", "i-4"), days=1)
    assert kinds(chain(earlier, later, judgements=[Judgement(("code",))])) == {
        I1: ("new", None),
        I2: ("gone", None),
        "i-3": ("newly_unknown", "reading"),
        "i-4": ("newly_waived", "exception"),
    }


def test_another_program_that_reads_the_world_is_no_other_rule() -> None:
    assert kinds(chain(side(of("PASS")), side(of("FAIL"), days=1), judgements=[Judgement(("reading",))])) == {I1: ("new", "world")}


def history(compared: Compared, resource: str = I1) -> Row:
    found: dict[str, Row] = {row["resource"]: row for row in compared.history.to_dict("records")}
    return found[resource]


def test_failing_goes_on_through_nights_unread_and_through_exceptions() -> None:
    first = of("FAIL", first_seen=NOW)
    said = history(chain(side(first), side(of("UNKNOWN"), days=1), side(of("WAIVED"), days=2), side(of("FAIL"), days=3)))
    assert (said["last_known"], said["failing_since"], said["first_failed"], said["known_at"]) == ("FAIL", NOW, NOW, NOW + 3 * DAY)


def test_what_is_mended_begins_anew() -> None:
    runs = [side(of("FAIL")), side(of("PASS"), days=1), side(of("FAIL"), days=2)]
    mended, again = history(chain(*runs[:2])), history(chain(*runs))
    assert (mended["last_known"], mended["fixed_at"], pd.isna(mended["failing_since"])) == ("PASS", NOW + DAY, True)
    assert (again["failing_since"], again["first_failed"], again["fixed_at"]) == (NOW + 2 * DAY, NOW, NOW + DAY)


def test_a_run_of_a_version_without_a_history_gives_the_age_of_its_failures() -> None:
    since = NOW - 30 * DAY
    said = compare(side(of("FAIL", first_seen=since)), side(of("FAIL", first_seen=since), days=1), HISTORY.frame(), CHECKS)
    assert (history(said)["failing_since"], history(said)["first_failed"]) == (since, since)


def test_only_what_failed_or_is_hidden_is_remembered() -> None:
    said = chain(side(of("PASS"), of("PASS", I2), of("UNKNOWN", "i-3")), side(of("PASS"), of("UNKNOWN", I2), of("UNKNOWN", "i-3"), days=1))
    assert list(said.history["resource"]) == [I2]
    assert history(said, I2)["known_at"] == NOW


def test_what_had_no_row_for_long_is_forgotten() -> None:
    first = side(of("FAIL"))
    for days, known in ((FORGOTTEN_DAYS, True), (FORGOTTEN_DAYS + 1, False)):
        assert (len(chain(first, side(days=days)).history) == 1) is known


def test_a_failure_that_was_only_remembered_keeps_severity_and_owner_when_it_ends() -> None:
    star = of("UNKNOWN", "*", unread=True)
    night = side(star, days=1, changed={("ec2", A, R): DENIED})
    said = chain(side(of("FAIL", severity="CRITICAL", owner="payments")), night, side(days=2)).changes.set_index("resource").loc[I1]
    assert (said["change"], said["severity"], said["owner"], said["was"], said["now"]) == ("fixed", "CRITICAL", "payments", None, None)


RESOURCES = ("i-1", "i-2", "i-3", "*")
_RESULTS = st.dictionaries(st.sampled_from(RESOURCES), st.sampled_from(STATUSES))


def _side(statuses: dict[str, str], day: int, denied: bool) -> Side:
    changed = {("ec2", A, R): DENIED} if denied else None
    return side(*[of(status, resource, first_seen=NOW + day * DAY) for resource, status in statuses.items()], days=day, changed=changed)


@examples(15)
@given(runs=st.lists(st.tuples(_RESULTS, st.booleans()), min_size=2, max_size=4), seed=st.integers(0, 99))
def test_permuted_rows_give_the_same_tables_and_each_key_has_one_change(runs: list[tuple[dict[str, str], bool]], seed: int) -> None:
    sides = [_side(statuses, day, denied) for day, (statuses, denied) in enumerate(runs)]
    said = chain(*sides)
    order = np.random.default_rng(seed)
    mixed = chain(*[Side(part.results.iloc[order.permutation(len(part.results))], part.world) for part in sides])
    pd.testing.assert_frame_equal(said.changes, mixed.changes)
    pd.testing.assert_frame_equal(said.history, mixed.history)
    assert not said.changes.duplicated(list(CHANGES.key)).any()
    assert not said.history.duplicated(list(HISTORY.key)).any()


@examples(15)
@given(runs=st.lists(st.tuples(_RESULTS, st.booleans()), min_size=2, max_size=4))
def test_nothing_is_called_fixed_that_was_not_seen_to_be(runs: list[tuple[dict[str, str], bool]]) -> None:
    sides = [_side(statuses, day, denied) for day, (statuses, denied) in enumerate(runs)]
    last, denied = runs[-1]
    for row in chain(*sides).changes.to_dict("records"):
        if row["change"] == "fixed":
            assert last.get(row["resource"]) in ("PASS", "NOT_APPLICABLE") or (row["resource"] not in last and not denied)
