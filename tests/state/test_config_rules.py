from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reporter.clients.store import FolderStore
from reporter.core.evaluation import Answers, Said
from reporter.core.result import Status
from reporter.state.config_rules import ANSWERS, ASKED, KEPT, asked, begin, keep, last_asked, newest, received
from reporter.state.deliveries import Delivery, DeliveryState
from tests.evidence.pack import NOW

A, R = "111122223333", "eu-central-1"
SAID = {"instance_clear": {"i-1": Said(Status.PASS, "größe"), "i-2": Said(Status.UNKNOWN, "x")}}
ANSWER = Answers(A, R, "main-000001", NOW, "ab" * 32, SAID, listed=True, outside=frozenset({"i-9"}), causes={"policy_assigned": "denied"})


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / ".state")


def test_what_was_seen_is_read_back_as_it_was(store: FolderStore) -> None:
    keep(store, "main", ANSWER)
    assert newest(store, "main", A, R) == ANSWER
    assert [newest(store, *other) for other in (("other", A, R), ("main", "444455556666", R), ("main", A, "us-east-1"))] == [None] * 3


def test_the_newest_counts_and_old_ones_are_removed(store: FolderStore) -> None:
    for hours in (3, 1, 5, 4):
        keep(store, "main", replace(ANSWER, run=f"main-{hours:06d}", read_at=NOW + timedelta(hours=hours)))
    found = newest(store, "main", A, R)
    assert found is not None
    assert found.run == "main-000005"
    assert len(store.names(ANSWERS)) == KEPT


@pytest.mark.parametrize("data", [b"", b"no gzip", b"\x1f\x8b\x08\x00"])
def test_what_cannot_be_read_is_nothing_so_that_somebody_looks(store: FolderStore, data: bytes) -> None:
    store.create(f"{ANSWERS}main/{A}/{R}/2027-01-01T00:00:00Z.json.gz", data)
    assert newest(store, "main", A, R) is None


def test_an_instance_without_a_result_is_gone_outside_or_unread() -> None:
    assert ANSWER.of("instance_clear", "i-9").text == "the instance is not in the scope of this report"
    assert ANSWER.of("instance_clear", "i-3").text == "the instance no longer exists"
    unread = replace(ANSWER, listed=False)
    assert [unread.of(check, "i-3") for check in ("policy_assigned", "instance_clear")] == [
        (Status.UNKNOWN, "denied"),
        (Status.UNKNOWN, "the instances here were not read"),
    ]


def test_what_became_of_telling_config_belongs_to_the_next_run(store: FolderStore) -> None:
    assert last_asked(store, "main") == []
    done = [Delivery("main-000001", f"{A}_{R}", "AWS Config", state, NOW, "said", "config_rules") for state in DeliveryState]
    begin(store, "main-000001")
    asked(store, "main-000001", done)
    assert last_asked(store, "main") == done
    assert last_asked(store, "mai") == []
    begin(store, "main-000002")
    (cut_off,) = last_asked(store, "main")
    assert (cut_off.run, cut_off.state) == ("main-000002", DeliveryState.UNKNOWN)


def test_the_receipts_of_the_newest_run_are_kept_and_another_chain_s_are_left_alone(store: FolderStore) -> None:
    for run in ("main-000001", "main-x-000001", "main-000002", "main-000003"):
        begin(store, run)
        received(store, run, (Delivery(run, "rules", "AWS Config", DeliveryState.SENT, NOW, "said", "config_rules"),))
    assert {name.partition(".")[0] for name in store.names(ASKED)} == {f"{ASKED}main-000003", f"{ASKED}main-x-000001"}
    assert [one.run for one in last_asked(store, "main")] == ["main-000003"]


def test_a_receipt_that_cannot_be_read_says_nothing(store: FolderStore) -> None:
    store.create("config/asked/main-000001.json", b"[{}]")
    (found,) = last_asked(store, "main")
    assert found.state is DeliveryState.UNKNOWN
