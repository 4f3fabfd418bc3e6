from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

import pytest

from reporter.core.settings import OwnersSettings
from reporter.reports.mail import REPORT, message
from tests.reports.views import hostile, view


def body(folder: Path) -> str:
    parsed = message_from_bytes((folder / "mail" / "summary.eml").read_bytes(), policy=policy.default)
    text: str = parsed.get_content()
    return text


def test_the_summary_is_one_message_to_the_default_owner(tmp_path: Path) -> None:
    REPORT.write(tmp_path, view())
    parsed = message_from_bytes((tmp_path / "mail" / "summary.eml").read_bytes(), policy=policy.default)
    assert (parsed["To"], parsed["Subject"]) == ("secops@example.com", "Workload compliance 2026-11-24: 1 fail, 0 unknown")
    assert parsed["Date"] == "Tue, 24 Nov 2026 03:00:00 +0000"
    assert parsed["Message-ID"] == "<main-000001.20261124T030000Z.summary@reporter.invalid>"
    assert parsed.get_content_type() == "text/plain"


def test_without_a_default_owner_it_is_addressed_to_nobody() -> None:
    assert message(view(owners=OwnersSettings()))["To"] is None


def test_it_counts_every_status_and_says_what_was_not_read(tmp_path: Path) -> None:
    REPORT.write(tmp_path, view(endpoint_override="http://127.0.0.1:5000"))
    text = body(tmp_path)
    assert "Workload compliance, 24 November 2026" in text or "2026-11-24" in text
    for line in ("fail                  1", "not applicable        0", "unmanaged             1"):
        assert line in text
    assert "1 scope could not be read" in text
    assert "NOT AWS ITSELF: calls went to http://127.0.0.1:5000." in text


def test_a_whole_reading_says_nothing_of_gaps(tmp_path: Path) -> None:
    REPORT.write(tmp_path, view({}))
    assert "could not be read" not in body(tmp_path)
    assert "NOT AWS ITSELF" not in body(tmp_path)


def test_no_text_of_the_world_is_mailed_and_lines_are_short(tmp_path: Path) -> None:
    REPORT.write(tmp_path, hostile())
    data = (tmp_path / "mail" / "summary.eml").read_bytes()
    assert b"script" not in data
    assert max(len(line) for line in data.split(b"\r\n")) <= 78
    assert data.count(b"\n") == data.count(b"\r\n")


def test_the_same_view_is_the_same_message(tmp_path: Path) -> None:
    assert message(view()).as_bytes() == message(view()).as_bytes()


@pytest.mark.parametrize("address", ["a@example.com\nBcc: b@example.com", "a@example.com\r\nX: y", "nobody", "a b@example.com", "a@b@example.com"])
def test_an_address_that_is_none_or_more_is_refused_with_the_schedule(address: str) -> None:
    with pytest.raises(ValueError, match="an address"):
        OwnersSettings(default=address)
    with pytest.raises(ValueError, match="an address"):
        OwnersSettings(addresses={"payments": address})
