from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from reporter.core import clock


def test_instants_are_written_in_utc_with_z() -> None:
    berlin = datetime(2026, 11, 24, 4, 0, tzinfo=timezone(timedelta(hours=1)))
    assert clock.iso(berlin) == "2026-11-24T03:00:00Z"
    assert clock.parse("2026-11-24T04:00:00+01:00") == clock.parse("2026-11-24T03:00:00Z") == berlin


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        clock.iso(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="without a time zone"):
        clock.parse("2026-11-24T03:00:00")


@pytest.mark.parametrize("never", [None, 0, "0", ""])
def test_wp_never_is_no_instant(never: object) -> None:
    assert clock.from_millis(never) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("millis", [1_700_000_000_000, "1700000000000"])
def test_millis_may_be_a_number_or_its_text(millis: int | str) -> None:
    assert clock.from_millis(millis) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_the_present_has_whole_seconds_and_a_zone() -> None:
    assert clock.now().microsecond == 0
    assert clock.now().tzinfo is UTC
