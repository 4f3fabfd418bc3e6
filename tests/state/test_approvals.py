from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reporter.clients.store import FolderStore
from reporter.core.errors import ReporterError
from reporter.state.approvals import Approval, approval_of, approve, same_identity

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ONE = Approval(
    "a" * 64, "main-000001", "Ada", "arn:aws:iam::111122223333:user/ada", "2026-11-24T03:00:00Z", "2026-11-25T03:00:00Z", self_approved=False
)


def test_an_approval_is_found_by_the_hash_of_its_plan(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert approval_of(store, ONE.plan) is None
    assert approve(store, ONE) == ONE
    assert (approval_of(store, ONE.plan), approval_of(store, "b" * 64)) == (ONE, None)


def test_the_first_approval_stands(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    approve(store, ONE)
    assert approve(store, replace(ONE, by="Bea")) == ONE


@pytest.mark.parametrize(
    ("now", "valid"),
    [
        (NOW, True),
        (NOW - timedelta(seconds=1), False),
        (NOW + timedelta(hours=24) - timedelta(seconds=1), True),
        (NOW + timedelta(hours=24), False),
    ],
)
def test_an_approval_holds_for_its_time(now: datetime, valid: bool) -> None:
    assert ONE.valid(now) is valid


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"no json", b'{"plan": 1}'])
def test_an_approval_that_cannot_be_read_is_none_and_is_said(tmp_path: Path, data: bytes) -> None:
    store = FolderStore(tmp_path)
    store.create(f"approvals/{ONE.plan}.json", data)
    with pytest.raises(ReporterError, match="cannot be read"):
        approval_of(store, ONE.plan)


def test_an_approval_that_was_moved_to_another_plan_does_not_hold(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    approve(store, ONE)
    store.create(f"approvals/{'b' * 64}.json", store.read(f"approvals/{ONE.plan}.json") or b"")
    with pytest.raises(ReporterError, match="of another plan"):
        approval_of(store, "b" * 64)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("arn:aws:sts::111122223333:assumed-role/job/a", "arn:aws:sts::111122223333:assumed-role/job/b", True),
        ("arn:aws:sts::111122223333:assumed-role/job/a", "arn:aws:sts::111122223333:assumed-role/other/a", False),
        ("arn:aws:sts::111122223333:assumed-role/job/a", "arn:aws:sts::444455556666:assumed-role/job/a", False),
        ("arn:aws:iam::111122223333:user/ada", "arn:aws:iam::111122223333:user/ada", True),
        ("arn:aws:iam::111122223333:user/ada", "arn:aws:iam::111122223333:user/bea", False),
        ("", "", False),
    ],
)
def test_whose_identity_it_is(one: str, other: str, same: bool) -> None:
    assert same_identity(one, other) is same
