from __future__ import annotations

from datetime import timedelta

import pytest

from reporter.core.gap import longest_gap
from reporter.stack.watch import silent_hours


@pytest.mark.parametrize(
    ("expression", "gap"),
    [
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(30 minutes)", timedelta(minutes=30)),
        ("rate(2 days)", timedelta(days=2)),
        ("cron(0 3 * * ? *)", timedelta(days=1)),
        ("cron(0 3,15 * * ? *)", timedelta(hours=12)),
        ("cron(0/20 8-9 * * ? *)", timedelta(hours=22, minutes=20)),  # from 9:40 to 8:00
        ("cron(0 3 ? * MON-FRI *)", timedelta(days=3)),
        ("cron(0 3 ? * 1 *)", timedelta(days=7)),
        ("cron(0 3 1 * ? *)", timedelta(days=31)),
        ("cron(0 3 1 JAN ? *)", timedelta(days=366)),
        ("cron(0 3 L * ? *)", None),
        ("cron(0 3 ? * 2#1 *)", None),
        ("cron(0 3 29 2 ? *)", None),
    ],
)
def test_the_longest_time_between_two_runs(expression: str, gap: timedelta | None) -> None:
    assert longest_gap(expression) == gap


@pytest.mark.parametrize(
    ("expression", "hours"), [("cron(0 3 * * ? *)", 28), ("rate(30 minutes)", 5), ("cron(0 3 ? * 1 *)", 0), ("cron(0 3 L * ? *)", 0)]
)
def test_silence_lasts_longer_than_the_schedule_by_a_margin_or_cannot_be_measured(expression: str, hours: int) -> None:
    assert silent_hours(expression) == hours
