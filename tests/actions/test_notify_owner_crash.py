"""A notice through the engine and a real journal: wherever the process dies, it is sent at most once, and nothing of it is forgotten in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reporter.acting import Act, Acting
from reporter.actions.notify_owner import ACTION
from reporter.clients.aws import AwsClients
from reporter.clients.hand import Doors, Way
from reporter.clients.mail import opener
from reporter.clients.store import FolderStore
from reporter.core.change import ActionState
from reporter.schedule import Actions
from reporter.state.journal import Journal, read
from tests.actions.hands import NOW
from tests.actions.test_notify_owner import finding, instance, made, plain_server
from tests.clients.smtp_server import SmtpServer, mail_certificate, smtp

__all__ = ["mail_certificate", "smtp"]

SEEN = made([instance()], [finding()])
ENTRIES = ("begin", "call", "answer", "end", "end")


class Died(BaseException):
    """The process ends here."""


@dataclass
class Mortal(Journal):
    """Dies at the entry of that number, before or after it is durable."""

    dies_at: int = -1
    durable: bool = False

    def write(self, deed: str, event: str, facts: Mapping[str, Any]) -> Any:
        if self.written == self.dies_at and not self.durable:
            raise Died
        at = super().write(deed, event, facts)
        if self.written == self.dies_at + 1 and self.durable:
            raise Died
        return at


def run(number: int, store: FolderStore, smtp: SmtpServer, **death: Any) -> list[Act]:
    """One run: completes what is open, plans anew, applies."""
    name = f"main-{number:06d}"
    doors = Doors(AwsClients(), {}, {}, lambda _: Way(), opener(plain_server(smtp)))

    def acting() -> Acting:
        return Acting({ACTION.name: ACTION}, Actions(), doors, journal, read(store), lambda: None, lambda: NOW, lambda _: None)

    journal = Mortal(store, name, lambda: NOW, **death)
    rows = acting().resume()
    return rows + acting().apply(ACTION.plan(SEEN, read(store), Actions()), f"plan of {name}")


def told(rows: list[Act]) -> list[str]:
    return [row.state.value for row in rows]


def test_a_notice_is_sent_once_over_many_runs(tmp_path: Path, smtp: SmtpServer) -> None:
    store = FolderStore(tmp_path)
    assert [told(run(number, store, smtp)) for number in (1, 2, 3)] == [["verified"], [], []]
    assert len(smtp.taken) == 1


@pytest.mark.parametrize(("entry", "durable"), [(0, False), (0, True), (1, False), (3, True), (4, False), (4, True)])
def test_where_the_journal_tells_what_came_of_it_a_death_changes_nothing(tmp_path: Path, smtp: SmtpServer, entry: int, durable: bool) -> None:
    store = FolderStore(tmp_path)
    with pytest.raises(Died):
        run(1, store, smtp, dies_at=entry, durable=durable)
    run(2, store, smtp)
    assert run(3, store, smtp) == []
    assert [deed.state for deed in read(store)] == [ActionState.VERIFIED]
    assert len(smtp.taken) == 1


@pytest.mark.parametrize(("entry", "durable"), [(2, True), (3, False)])
def test_a_notice_whose_receipt_was_written_is_known_to_be_sent(tmp_path: Path, smtp: SmtpServer, entry: int, durable: bool) -> None:
    store = FolderStore(tmp_path)
    with pytest.raises(Died):
        run(1, store, smtp, dies_at=entry, durable=durable)
    assert told(run(2, store, smtp)) == ["verified"]
    assert len(smtp.taken) == 1


@pytest.mark.parametrize(("entry", "durable", "sent"), [(1, True, 0), (2, False, 1)])
def test_where_nobody_knows_whether_it_was_sent_that_is_said_and_it_is_not_sent_again(
    tmp_path: Path, smtp: SmtpServer, entry: int, durable: bool, sent: int
) -> None:
    store = FolderStore(tmp_path)
    with pytest.raises(Died):
        run(1, store, smtp, dies_at=entry, durable=durable)
    assert told(run(2, store, smtp)) == ["failed", "skipped"]
    (row,) = run(3, store, smtp)
    assert (row.state, "may have been sent by main-000001" in row.error) == (ActionState.SKIPPED, True)
    assert len(smtp.taken) == sent


def test_the_journal_of_a_notice_has_these_entries(tmp_path: Path, smtp: SmtpServer) -> None:
    journal: list[str] = []

    @dataclass
    class Told(Journal):
        def write(self, deed: str, event: str, facts: Mapping[str, Any]) -> Any:
            journal.append(event)
            return super().write(deed, event, facts)

    store = FolderStore(tmp_path)
    doors = Doors(AwsClients(), {}, {}, lambda _: Way(), opener(plain_server(smtp)))
    engine = Acting(
        {ACTION.name: ACTION}, Actions(), doors, Told(store, "main-000001", lambda: NOW), read(store), lambda: None, lambda: NOW, lambda _: None
    )
    engine.apply(ACTION.plan(SEEN, read(store), Actions()), "plan")
    assert tuple(journal) == ENTRIES


def test_a_connection_cut_while_the_message_is_handed_over_ends_as_failed_at_once(tmp_path: Path, smtp: SmtpServer) -> None:
    store = FolderStore(tmp_path)
    smtp.cut = "message"
    (row,) = run(1, store, smtp)
    assert row.state is ActionState.FAILED
    assert "it is not sent twice" in row.error
    smtp.cut = ""
    assert told(run(2, store, smtp)) == ["skipped"]
    assert smtp.taken == []


def test_a_refused_notice_is_sent_by_the_next_run(tmp_path: Path, smtp: SmtpServer) -> None:
    store = FolderStore(tmp_path)
    smtp.answers["rcpt"] = "450 4.2.0 later"
    assert told(run(1, store, smtp)) == ["failed"]
    smtp.answers.clear()
    assert told(run(2, store, smtp)) == ["verified"]
    assert len(smtp.taken) == 1
