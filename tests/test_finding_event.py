from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reporter.finding_event import KINDS, instant, is_finding, read
from reporter.stack.parts import FINDINGS
from tests.finding_events import ISO, changed, guardduty, guardduty_event, inspector, inspector_event, macie, macie_event, of_instance, on_instance
from tests.rule_estate import HOME, MEMBER, REGION

UPDATED = datetime(2026, 11, 24, 2, 55, 1, tzinfo=UTC)
INSTANCE = "i-0123456789abcdef0"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Wed Sep 04 16:59:44.356 UTC 2024", datetime(2024, 9, 4, 16, 59, 44, 356000, tzinfo=UTC)),
        ("Mar 20, 2023, 6:08:05 PM", datetime(2023, 3, 20, 18, 8, 5, tzinfo=UTC)),
        ("Mar 20, 2023, 6:08:05\u202fPM", datetime(2023, 3, 20, 18, 8, 5, tzinfo=UTC)),
        ("Jan 1, 2023, 12:00:00 AM", datetime(2023, 1, 1, tzinfo=UTC)),
        ("2017-12-08T15:32:49.865Z", datetime(2017, 12, 8, 15, 32, 49, 865000, tzinfo=UTC)),
    ],
)
def test_times_are_understood_in_every_form(text: str, seen: datetime) -> None:
    assert instant(text) == seen


@pytest.mark.parametrize("text", ["", "now", "2024-09-04", "Wed Sep 04 16:59:44.356 CET 2024"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        instant(text)


def test_the_rules_of_the_stack_ask_for_the_events_that_are_answered() -> None:
    assert {(one["source"][0], one["detail-type"][0]) for one in FINDINGS.values()} == set(KINDS)


@pytest.mark.parametrize(
    ("event", "finding"),
    [
        (guardduty_event(guardduty(1, of_instance(INSTANCE), UPDATED)), f"{1:032x}"),
        (inspector_event(inspector(1, on_instance(INSTANCE), UPDATED)), f"arn:aws:inspector2:{REGION}:{MEMBER}:finding/{1:032x}"),
        (macie_event(macie(1, "bucket", UPDATED)), f"{1:032x}"),
    ],
)
def test_the_finding_is_its_own_account_s_whoever_sends_the_event(event: dict[str, object], finding: str) -> None:
    told, copy = read(event), read({**event, "account": HOME, "id": "another"})
    assert is_finding(event)
    assert (told.finding, told.account, told.region, told.updated, told.closed) == (finding, MEMBER, REGION, UPDATED, "")
    assert told.key == copy.key


def test_another_version_account_region_or_service_is_another_event() -> None:
    event = inspector_event(inspector(1, on_instance(INSTANCE), UPDATED), ISO)
    arn = f"arn:aws:inspector2:{REGION}:{HOME}:finding/{1:032x}"
    others = [
        changed(event, "detail.updatedAt", "2026-11-24T02:55:02.000Z"),
        changed(changed(event, "detail.findingArn", arn), "detail.awsAccountId", HOME),
        macie_event(macie(1, "bucket", UPDATED)),
        guardduty_event(guardduty(1, of_instance(INSTANCE), UPDATED)),
    ]
    assert len({read(one).key for one in (event, *others)}) == 5
