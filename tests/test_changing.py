"""How a notice becomes the one mail of its owner; what a run does to the world is tested in tests/whole and test_acting.py."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from reporter.changing import Changing
from reporter.clients.store import FolderStore
from reporter.core.world import World
from reporter.opening import open_clients
from reporter.schedule import parse
from tests.evidence.pack import NOW
from tests.joins.made import world
from tests.reports.test_own_rows import TO, notice, tables
from tests.test_schedule import GOOD

MAILED = """
deliver: {email: {sender: reporter@example.com, ses: {region: eu-central-1}, owners: OWNERS, max_bytes: MOST}}
owners: {addresses: {payments: payments@example.com}}
"""


@pytest.fixture
def judged() -> World:
    return world().with_tables(tables())


def sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, judged: World, owners: str = "true", most: int = 10_000_000) -> EmailMessage:
    """What is sent for a notice."""
    monkeypatch.setenv("WP_API_KEY", "key")
    schedule = parse(GOOD + MAILED.replace("OWNERS", owners).replace("MOST", str(most)), "here")
    store = FolderStore(tmp_path)
    changing = Changing("main-000001", schedule, NOW, "", store, open_clients(schedule), "")
    given: list[EmailMessage] = []

    def send(message: EmailMessage) -> str:
        given.append(message)
        return "receipt"

    assert changing._with_own_rows(send, judged)(notice()) == "receipt"
    assert given[0]["To"] == TO
    return given[0]


def files(message: EmailMessage) -> list[str | None]:
    return [part.get_filename() for part in message.iter_attachments()]


def test_an_owner_who_gets_the_report_gets_its_rows_with_the_notice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, judged: World) -> None:
    assert files(sent(monkeypatch, tmp_path, judged)) == ["your-rows.xlsx"]


def test_an_owner_who_gets_no_report_gets_the_notice_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, judged: World) -> None:
    assert files(sent(monkeypatch, tmp_path, judged, owners="false")) == []


def test_rows_that_are_too_large_never_stop_a_notice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, judged: World) -> None:
    assert files(sent(monkeypatch, tmp_path, judged, most=4000)) == []
