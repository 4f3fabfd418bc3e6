"""Law 1, waivers, ages: what the engine does for every check."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reporter.core.check import VERDICTS, Check, Need, Span
from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.result import Severity
from reporter.core.scope import Scope, ScopeState
from reporter.core.settings import ChecksSettings, Days, ExceptionRule
from reporter.core.world import World
from reporter.judge import discover, judge
from reporter.tables.joined import RESULTS
from tests.checks.worlds import DENIED, I1, I2, NOW, OFF, R2, SKIPPED, THROTTLED, A, B, Change, R, only, rows, world


def verdict(resource: str = I1, **changes: Any) -> dict[str, Any]:
    base = {
        "resource": resource,
        "account": A,
        "region": R,
        "tenant": "main",
        "status": "PASS",
        "reason": "fine",
        "observed": "seen",
        "expected": "this",
    }
    return base | changes


def check(*found: dict[str, Any], population: tuple[str, ...] = ("ec2",), needs: tuple[Need, ...] = (), own_service: str = "") -> Check:
    def answer(_: World) -> pd.DataFrame:
        return rows(VERDICTS, *found)

    return Check("some_check", "Some check", Severity.MEDIUM, population, needs, answer, own_service=own_service)


def test_a_result_names_whose_calls_it_rests_on() -> None:
    asked = check(verdict(), needs=(Need("wp_computers"), Need("iam"), Need("inspector", Span.ACCOUNT)))
    assert only(judge(world(), [asked]))["calls"] == "ec2 wp_computers/main iam/global inspector"
    two = world(regions=(R, R2))
    assert only(judge(two, [asked]))["calls"] == "ec2 wp_computers/main iam/global inspector inspector/*"


def test_a_population_that_was_not_read_names_whose_calls_were_to_tell() -> None:
    assert only(judge(world(changed={("ec2", A, R): DENIED}), [check()]))["calls"] == "ec2"


def rule(**changes: Any) -> ExceptionRule:
    base = {"check": "some_check", "resource": I1, "reason": "moves in May", "owner": "payments", "approved_by": "ciso", "ticket": "SEC-1"}
    return ExceptionRule(**(base | {"expires": "2026-12-31"} | changes))


def test_two_checks_with_one_id_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from tests.test_judge import check\nCHECK = check()\n"
    (tmp_path / "doubled").mkdir()
    for name, content in {"__init__.py": "", "one.py": text, "two.py": text}.items():
        (tmp_path / "doubled" / name).write_text(content, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    import doubled  # type: ignore[import-not-found]

    try:
        with pytest.raises(ValueError, match="some_check"):
            discover(doubled)
    finally:
        for name in [name for name in sys.modules if name.startswith("doubled")]:
            del sys.modules[name]


def test_an_empty_world_has_no_results() -> None:
    result = judge(world(), [check()])
    assert list(result.columns) == list(RESULTS.names)
    assert result.empty


def test_what_was_read_stays_as_the_check_said_with_the_checks_severity() -> None:
    row = only(judge(world(), [check(verdict(), needs=(Need("inspector"), Need("wp_computers")))]))
    assert (row["check_id"], row["status"], row["severity"], row["observed"], row["reason"]) == ("some_check", "PASS", "MEDIUM", "seen", "fine")


def test_a_rows_own_severity_wins() -> None:
    assert only(judge(world(), [check(verdict(severity="CRITICAL"))]))["severity"] == "CRITICAL"


@pytest.mark.parametrize("said", ["PASS", "FAIL"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (DENIED, "inspector in 111122223333 eu-central-1 could not be read: AccessDenied; grant service:ListThings"),
        (THROTTLED, "inspector in 111122223333 eu-central-1 could not be read: ThrottlingException after 8 tries"),
        (OFF, "inspector in 111122223333 eu-central-1 is not enabled"),
        (SKIPPED, "inspector in 111122223333 eu-central-1 was skipped: not in the schedule"),
    ],
)
def test_a_need_that_was_not_read_makes_the_row_unknown_and_says_why(said: str, change: Change, reason: str) -> None:
    row = only(judge(world(changed={("inspector", A, R): change}), [check(verdict(status=said, severity="CRITICAL"), needs=(Need("inspector"),))]))
    assert (row["status"], row["reason"], row["observed"], row["expected"], row["severity"]) == ("UNKNOWN", reason, "", "this", "MEDIUM")


def test_a_need_that_was_not_planned_was_not_read_either() -> None:
    row = only(judge(world(without=("inspector",)), [check(verdict(), needs=(Need("inspector"),))]))
    assert (row["status"], row["reason"]) == ("UNKNOWN", "inspector in 111122223333 eu-central-1 was not part of this run")


def test_not_applicable_stays() -> None:
    seen = world(changed={("inspector", A, R): DENIED})
    assert only(judge(seen, [check(verdict(status="NOT_APPLICABLE"), needs=(Need("inspector"),))]))["status"] == "NOT_APPLICABLE"


def test_another_regions_gap_does_not_matter_here() -> None:
    seen = world(changed={("inspector", A, R2): DENIED}, regions=(R, R2))
    assert only(judge(seen, [check(verdict(), needs=(Need("inspector"),))]))["status"] == "PASS"


def test_span_account_depends_on_every_region_of_the_account_only() -> None:
    spanning = check(verdict(), verdict(account=B), needs=(Need("ecs", Span.ACCOUNT),))
    result = judge(world(changed={("ecs", A, R2): DENIED}, accounts=(A, B), regions=(R, R2)), [spanning])
    assert dict(zip(result["account"], result["status"], strict=True)) == {A: "UNKNOWN", B: "PASS"}


def test_span_account_leaves_out_regions_that_the_schedule_leaves_out() -> None:
    spanning = check(verdict(), needs=(Need("ecs", Span.ACCOUNT),))
    assert only(judge(world(changed={("ecs", A, R2): SKIPPED}, regions=(R, R2)), [spanning]))["status"] == "PASS"


def test_span_account_of_a_source_that_was_not_planned_is_unknown() -> None:
    assert only(judge(world(without=("ecs",)), [check(verdict(), needs=(Need("ecs", Span.ACCOUNT),))]))["status"] == "UNKNOWN"


def test_a_global_source_holds_for_every_region() -> None:
    assert only(judge(world(changed={("iam", A, "global"): DENIED}), [check(verdict(), needs=(Need("iam"),))]))["status"] == "UNKNOWN"


def test_a_global_resource_depends_on_every_region_of_a_regional_source() -> None:
    entry = check(verdict(region="global"), population=("cloudfront",), needs=(Need("elb"),))
    assert only(judge(world(changed={("elb", A, R2): DENIED}, regions=(R, R2)), [entry]))["status"] == "UNKNOWN"
    assert only(judge(world(regions=(R, R2)), [entry]))["status"] == "PASS"


def test_a_source_planned_regionally_and_globally_is_taken_in_its_own_place() -> None:
    waf = check(verdict(), verdict(region="global"), population=("elb", "cloudfront"), needs=(Need("waf"),))
    result = judge(world(changed={("waf", A, "global"): DENIED}), [waf])
    assert dict(zip(result["region"], result["status"], strict=True)) == {R: "PASS", "global": "UNKNOWN"}


def test_a_row_depends_on_the_tenant_its_computer_is_in() -> None:
    seen = world(changed={("wp_computers", "other", "-"): DENIED}, tenants=("main", "other"))
    two = check(verdict(), verdict(I2, tenant="other"), needs=(Need("wp_computers"),))
    result = judge(seen, [two])
    assert dict(zip(result["resource"], result["status"], strict=True)) == {I1: "PASS", I2: "UNKNOWN"}
    assert result["reason"].iloc[1] == "wp_computers of tenant other could not be read: AccessDenied; grant service:ListThings"


def test_a_row_without_a_computer_depends_on_every_tenant() -> None:
    seen = world(changed={("wp_computers", "other", "-"): DENIED}, tenants=("main", "other"))
    assert only(judge(seen, [check(verdict(tenant=None, status="FAIL"), needs=(Need("wp_computers"),))]))["status"] == "UNKNOWN"


def test_span_absent_matters_only_where_no_computer_was_found() -> None:
    seen = world(changed={("wp_roles", "main", "-"): DENIED})
    two = check(verdict(), verdict(I2, tenant=None, status="FAIL"), needs=(Need("wp_roles", Span.ABSENT),))
    assert list(judge(seen, [two])["status"]) == ["PASS", "UNKNOWN"]


@pytest.mark.parametrize("change", [DENIED, THROTTLED, OFF])
def test_a_population_that_was_not_read_is_one_unknown_row(change: Change) -> None:
    row = only(judge(world(changed={("ec2", A, R): change}), [check()]))
    assert (row["resource"], row["account"], row["region"], row["status"], row["severity"]) == ("*", A, R, "UNKNOWN", "MEDIUM")
    assert row["reason"].startswith("ec2 in 111122223333 eu-central-1")


def test_a_skipped_population_produces_nothing() -> None:
    assert judge(world(changed={("ec2", A, R): SKIPPED}), [check()]).empty


def test_two_unread_populations_of_one_place_are_one_row_with_both_reasons() -> None:
    seen = world(changed={("ec2", A, R): DENIED, ("ecs", A, R): THROTTLED})
    row = only(judge(seen, [check(population=("ec2", "ecs"))]))
    assert row["reason"] == (
        "ec2 in 111122223333 eu-central-1 could not be read: AccessDenied; grant service:ListThings; "
        "ecs in 111122223333 eu-central-1 could not be read: ThrottlingException after 8 tries"
    )


def test_rows_of_an_unread_population_are_unknown() -> None:
    result = judge(world(changed={("ec2", A, R): THROTTLED}), [check(verdict())])
    assert dict(zip(result["resource"], result["status"], strict=True)) == {"*": "UNKNOWN", I1: "UNKNOWN"}


def test_a_regional_row_does_not_depend_on_the_global_half_of_its_population() -> None:
    two = check(verdict(), population=("elb", "cloudfront"))
    result = judge(world(changed={("cloudfront", A, "global"): DENIED}), [two])
    assert dict(zip(result["resource"], result["status"], strict=True)) == {"*": "UNKNOWN", I1: "PASS"}


def test_a_regional_row_of_a_global_population_depends_on_it() -> None:
    result = judge(world(changed={("s3", A, "global"): DENIED}), [check(verdict(), population=("s3",))])
    assert set(result["status"]) == {"UNKNOWN"}


@pytest.mark.parametrize("source", ["ec2", "guardduty"])
def test_an_account_whose_regions_could_not_be_asked_is_one_unknown_row_for_every_check(source: str) -> None:
    made = Ledger([Scope(A, "global", "ec2")])
    made.record(LedgerRow(Scope(A, "global", "ec2"), ScopeState.DENIED, message="AccessDenied", permission="ec2:DescribeRegions"))
    row = only(judge(replace(world(), ledger=made), [check(population=(source,), own_service=source)]))
    assert (row["resource"], row["account"], row["region"], row["status"]) == ("*", A, "global", "UNKNOWN")
    assert row["reason"].endswith("grant ec2:DescribeRegions")


def test_a_service_that_is_off_fails_its_own_check_only() -> None:
    seen = world(changed={("macie", A, R): OFF})
    own = check(verdict(status="FAIL"), population=("macie",), own_service="macie")
    assert only(judge(seen, [own]))["status"] == "FAIL"
    assert only(judge(seen, [check(population=("macie",))]))["resource"] == "*"


def test_a_denied_service_is_unknown_for_its_own_check_too() -> None:
    own = check(population=("macie",), own_service="macie")
    assert only(judge(world(changed={("macie", A, R): DENIED}), [own]))["status"] == "UNKNOWN"


def test_many_causes_are_cut_short_and_counted() -> None:
    regions = tuple(f"eu-test-{n}" for n in range(6))
    seen = world(changed={("ecs", A, region): DENIED for region in regions}, regions=(R, *regions))
    row = only(judge(seen, [check(verdict(), needs=(Need("ecs", Span.ACCOUNT),))]))
    assert row["reason"].endswith("; and 3 more scopes")


def test_a_message_of_many_lines_becomes_one_sentence() -> None:
    hostile: Change = (*DENIED[:1], "no\n\naccess " + "x" * 900, "")
    row = only(judge(world(changed={("ecs", A, R): hostile}), [check(verdict(), needs=(Need("ecs"),))]))
    assert "\n" not in row["reason"]
    assert len(row["reason"]) < 400


def test_a_check_without_sources_is_not_touched() -> None:
    row = only(judge(world(changed={("ec2", A, R): DENIED}), [check(verdict(account="-", region="-", tenant=None), population=())]))
    assert row["status"] == "PASS"


def test_permuted_rows_give_equal_results() -> None:
    many = [verdict(f"i-{n}", status=("PASS", "FAIL")[n % 2]) for n in range(9)]
    seen = world(changed={("wp_computers", "main", "-"): THROTTLED})
    checks = [check(*many), check(*reversed(many))]
    pd.testing.assert_frame_equal(judge(seen, checks[:1]), judge(seen, checks[1:]))


def test_rows_of_one_key_become_one_with_the_worst_status() -> None:
    assert only(judge(world(), [check(verdict(), verdict(status="FAIL"), verdict(status="UNKNOWN"))]))["status"] == "FAIL"


def test_a_defect_in_a_check_is_not_swallowed() -> None:
    def broken(_: World) -> pd.DataFrame:
        raise KeyError("column")

    with pytest.raises(KeyError):
        judge(world(), [Check("broken", "Broken", Severity.LOW, (), (), broken)])


def test_a_valid_exception_waives_a_fail() -> None:
    row = only(judge(world(), [check(verdict(status="FAIL"))], [rule()]))
    assert (row["status"], row["waiver"]) == ("WAIVED", "SEC-1 until 2026-12-31")
    assert row["reason"] == "fine; accepted: moves in May"


def test_the_last_day_still_waives() -> None:
    assert only(judge(world(), [check(verdict(status="FAIL"))], [rule(expires="2026-11-24")]))["status"] == "WAIVED"


@pytest.mark.parametrize(
    ("expires", "words"),
    [("2026-11-23", "the exception SEC-1 ran out on 2026-11-23"), ("2027-11-26", "more than 366 days ahead"), ("soon", "is no date")],
)
def test_an_exception_that_does_not_hold_says_so(expires: str, words: str) -> None:
    row = only(judge(world(), [check(verdict(status="FAIL"))], [rule(expires=expires)]))
    assert (row["status"], row["waiver"]) == ("FAIL", None)
    assert words in row["reason"]


def test_366_days_are_allowed() -> None:
    assert only(judge(world(), [check(verdict(status="FAIL"))], [rule(expires="2027-11-25")]))["status"] == "WAIVED"


@pytest.mark.parametrize("other", [{"check": "other_check"}, {"resource": "*"}, {"resource": I1.upper()}])
def test_only_an_exact_exception_waives(other: dict[str, str]) -> None:
    assert only(judge(world(), [check(verdict(status="FAIL"))], [rule(**other)]))["status"] == "FAIL"


@pytest.mark.parametrize("status", ["PASS", "UNKNOWN", "NOT_APPLICABLE"])
def test_only_fail_can_be_waived(status: str) -> None:
    assert only(judge(world(), [check(verdict(status=status))], [rule()]))["status"] == status


def test_a_fail_that_became_unknown_is_not_waived() -> None:
    assert only(judge(world(changed={("ec2", A, R): DENIED}), [check(verdict(status="FAIL"))], [rule()]).tail(1))["status"] == "UNKNOWN"


def test_of_two_exceptions_the_one_that_holds_longest_is_named() -> None:
    row = only(judge(world(), [check(verdict(status="FAIL"))], [rule(expires="2027-01-31", ticket="SEC-2"), rule(), rule(expires="soon")]))
    assert row["waiver"] == "SEC-2 until 2027-01-31"


def test_a_status_that_holds_keeps_its_first_day() -> None:
    since = NOW - timedelta(days=12, hours=1)
    row = only(judge(world(), [check(verdict())], history={("some_check", I1, A, R): ("PASS", since)}))
    assert (row["first_seen"], row["age_days"]) == (since, 12)


@pytest.mark.parametrize("before", [{}, {("some_check", I1, A, R): ("FAIL", NOW - timedelta(days=3))}])
def test_a_new_status_starts_today(before: Any) -> None:
    row = only(judge(world(), [check(verdict())], history=before))
    assert (row["first_seen"], row["age_days"]) == (NOW, 0)


def test_without_a_history_there_are_no_ages() -> None:
    row = only(judge(world(), [check(verdict())]))
    assert pd.isna(row["first_seen"])
    assert pd.isna(row["age_days"])


def test_a_failure_is_due_days_by_severity_after_it_was_first_seen() -> None:
    since = NOW - timedelta(days=3)
    history = {("some_check", I1, A, R): ("FAIL", since)}
    for severity, days in (("CRITICAL", 7), ("HIGH", 30), ("MEDIUM", 90), ("LOW", 180)):
        row = only(judge(world(), [check(verdict(status="FAIL", severity=severity))], history=history))
        assert row["due"] == since + timedelta(days=days)
    own = ChecksSettings(fix_days=Days(critical=1, high=2, medium=3, low=4))
    assert only(judge(world(checks=own), [check(verdict(status="FAIL"))], history={}))["due"] == NOW + timedelta(days=3)


def test_a_failure_that_was_hidden_or_accepted_meanwhile_is_due_as_before() -> None:
    key = ("some_check", I1, A, R)
    since = NOW - timedelta(days=100)
    row = only(judge(world(), [check(verdict(status="FAIL"))], history={key: ("UNKNOWN", NOW - timedelta(days=1))}, failing={key: since}))
    assert (row["first_seen"], row["due"]) == (NOW, since + timedelta(days=90))
    two = judge(world(), [check(verdict(status="FAIL"), verdict(I2, status="FAIL"))], history={}, failing={key: since})
    assert list(two["due"]) == [since + timedelta(days=90), NOW + timedelta(days=90)]


def test_a_checks_own_date_wins_and_is_kept_where_nothing_fails_yet() -> None:
    own = NOW + timedelta(days=2)
    rows_ = judge(world(), [check(verdict(status="FAIL", due=own), verdict(I2, status="NOT_APPLICABLE", due=own))], history={})
    assert list(rows_["due"]) == [own, own]


def test_what_passes_is_accepted_or_was_not_read_is_not_due() -> None:
    own = NOW + timedelta(days=2)
    assert pd.isna(only(judge(world(), [check(verdict())], history={}))["due"])
    assert pd.isna(only(judge(world(), [check(verdict(status="FAIL", due=own))], [rule()], history={}))["due"])
    seen = world(changed={("ecs", A, R): DENIED})
    assert pd.isna(only(judge(seen, [check(verdict(status="FAIL", due=own), needs=(Need("ecs"),))], history={}))["due"])


def test_unknown_says_whether_a_scope_was_unread_or_what_was_read_says_nothing() -> None:
    seen = world(changed={("ecs", A, R): DENIED, ("ec2", A, R): DENIED})
    unread = judge(seen, [check(verdict(), needs=(Need("ecs"),))])
    assert dict(zip(unread["resource"], unread["unread"], strict=True)) == {"*": True, I1: True}
    assert not only(judge(world(), [check(verdict(status="UNKNOWN"))]))["unread"]
