from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reporter.clients.store import FolderStore
from reporter.state.deliveries import KEPT, Delivery, DeliveryState, announce, forget, last_mails, message_files, of_run, receive, tables
from tests.evidence.pack import NOW

RUN, TO = "main-000003", "ciso@example.com"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / ".state")


def told(store: FolderStore, out: Path, chain: str = "main") -> list[tuple[Any, ...]]:
    frame = tables(last_mails(store, chain, out))["deliveries"]
    return [tuple(row) for row in frame[["run", "name", "recipient", "state"]].itertuples(index=False)]


def run_with(out: Path, number: int, *names: str) -> None:
    place = out / f"run-{number:06d}" / "mail"
    place.mkdir(parents=True)
    for name in names:
        (place / name).write_bytes(f"Subject: x\r\nTo: {TO}\r\n\r\nTo: somebody else\r\n".encode())


def sent(store: FolderStore, name: str = "001-management", run: str = RUN, state: DeliveryState = DeliveryState.SENT) -> None:
    assert announce(store, run, name, {"to": TO}, NOW)
    receive(store, Delivery(run, name, TO, state, NOW, "250 ok"))


def test_at_first_nothing_was_published(store: FolderStore, tmp_path: Path) -> None:
    assert told(store, tmp_path) == []


def test_what_was_announced_and_received_is_told(store: FolderStore, tmp_path: Path) -> None:
    sent(store)
    sent(store, "002-security", state=DeliveryState.REFUSED)
    assert told(store, tmp_path) == [(RUN, "001-management", TO, "sent"), (RUN, "002-security", TO, "refused")]
    assert [(delivery.at, delivery.message) for delivery in of_run(store, RUN)] == [(NOW, "250 ok")] * 2


def test_records_of_the_newest_runs_are_kept_and_another_chain_s_are_left_alone(store: FolderStore, tmp_path: Path) -> None:
    for number in range(1, KEPT + 4):
        sent(store, run=f"main-{number:06d}")
    sent(store, run="main-x-000001")
    forget(store, f"main-{KEPT + 3:06d}")
    kept = {name.split("/")[1] for name in store.names("mail/")}
    assert kept == {"main-x-000001", *(f"main-{number:06d}" for number in range(4, KEPT + 4))}
    assert told(store, tmp_path) == [(f"main-{KEPT + 3:06d}", "001-management", TO, "sent")]


def test_a_message_is_announced_once(store: FolderStore) -> None:
    assert announce(store, RUN, "001-owner", {"to": TO}, NOW)
    assert not announce(store, RUN, "001-owner", {"to": TO}, NOW)


def test_announced_and_not_received_is_not_known(store: FolderStore, tmp_path: Path) -> None:
    announce(store, RUN, "001-owner", {"to": TO}, NOW)
    assert told(store, tmp_path) == [(RUN, "001-owner", TO, "unknown")]
    assert "it is not sent twice" in of_run(store, RUN)[0].message


def test_a_message_that_was_never_announced_was_not_sent(store: FolderStore, tmp_path: Path) -> None:
    run_with(tmp_path, 3, "001-management.eml", "002-owner.eml", "summary.eml")
    sent(store)
    assert told(store, tmp_path) == [(RUN, "001-management", TO, "sent"), (RUN, "002-owner", TO, "not_sent")]


def test_the_newest_run_that_had_messages_is_told_of(store: FolderStore, tmp_path: Path) -> None:
    sent(store, run="main-000001")
    sent(store)
    run_with(tmp_path, 2, "001-owner.eml")
    run_with(tmp_path, 4, "summary.eml")
    assert told(store, tmp_path) == [(RUN, "001-management", TO, "sent")]
    run_with(tmp_path, 5, "001-owner.eml")
    assert told(store, tmp_path) == [("main-000005", "001-owner", TO, "not_sent")]


def test_another_chain_is_not_told_of(store: FolderStore, tmp_path: Path) -> None:
    sent(store, run="other-000009")
    assert told(store, tmp_path) == []
    assert told(store, tmp_path, "other") == [("other-000009", "001-management", TO, "sent")]


def test_a_chain_whose_name_begins_like_another_is_another(store: FolderStore, tmp_path: Path) -> None:
    sent(store, run="main-blue-000009")
    sent(store)
    assert told(store, tmp_path) == [(RUN, "001-management", TO, "sent")]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'"x"', b'{"state": "lost"}', json.dumps({"state": "sent", "at": "yesterday", "message": ""}).encode()]
)
def test_a_record_that_cannot_be_read_is_not_known(store: FolderStore, tmp_path: Path, data: bytes) -> None:
    announce(store, RUN, "001-owner", {"to": TO}, NOW)
    store.create(f"mail/{RUN}/001-owner.receipt.json", data)
    assert [row[3] for row in told(store, tmp_path)] == ["unknown"]
    assert "cannot be read" in of_run(store, RUN)[0].message


def test_only_numbered_messages_are_sent(tmp_path: Path) -> None:
    run_with(tmp_path, 1, "002-owner.eml", "001-management.eml", "summary.eml", "summary.de.eml", "001-x.txt")
    assert [path.name for path in message_files(tmp_path / "run-000001")] == ["001-management.eml", "002-owner.eml"]
