"""Sealed packs -> their store, and what the next run knows of it."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from reporter.clients.store import FolderStore
from reporter.core.clock import running
from reporter.delivery.s3 import PackStore
from reporter.evidence.seal import Head, sha256
from reporter.evidence.trust import Trust
from reporter.evidence.verify import check, verify
from reporter.schedule import Evidence
from reporter.state import chain, deliveries, packs
from reporter.state.deliveries import Delivery, DeliveryState
from reporter.tables.deliveries import DELIVERIES
from tests.clients.aws_server import aws_environment
from tests.evidence.chains import HELD
from tests.evidence.pack import NOW, OTHER
from tests.sealed_runs import one, sealing


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    aws_environment(monkeypatch, tmp_path)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="packs", ObjectLockEnabledForBucket=True)
        client.create_bucket(Bucket="plain")
        yield client


@pytest.fixture
def out(tmp_path: Path) -> Path:
    at = sealing(tmp_path / "out", FolderStore(tmp_path / "out" / ".state"))
    one(at)
    one(at)
    return at.out


def store(out: Path, place: str, s3: Any = None, **evidence: Any) -> PackStore:
    return PackStore(Evidence(store=place, **evidence), FolderStore(out / ".state"), running(NOW), lambda: s3)


def known(out: Path, place: str) -> list[tuple[str, str, str]]:
    """What the next run's table says: run, kind, state."""
    state = FolderStore(out / ".state")
    rows = deliveries.tables(packs.since(state, "main", out, chain.head(state, "main"), place))[DELIVERIES.name]
    return [(row["run"], row["kind"], row["state"]) for row in rows.to_dict("records")]


def test_each_pack_is_stored_once_and_the_next_run_knows_where(s3: Any, out: Path) -> None:
    done = store(out, "s3://packs/prod", s3).publish(out)
    assert [(one.run, one.name, one.state) for one in done] == [
        ("main-000001", "run-000001.zip", DeliveryState.SENT),
        ("main-000002", "run-000002.zip", DeliveryState.SENT),
    ]
    assert done[1].recipient == "s3://packs/prod/main/run-000002.zip"
    (version,) = s3.list_object_versions(Bucket="packs", Prefix="prod/main/run-000002")["Versions"]
    assert done[1].message.startswith(f"version {version['VersionId']}; SHA-256 ")
    assert done[1].message.endswith("AES256; GOVERNANCE until 2027-12-29T03:00:00Z")
    s3.download_file("packs", "prod/main/run-000002.zip", str(out.parent / "two.zip"))
    assert check(out.parent / "two.zip", HELD).words() == []
    assert store(out, "s3://packs/prod", s3).publish(out) == ()
    assert known(out, "s3://packs/prod") == [("main-000002", "pack", "sent")]
    assert not list((out / ".state").glob("zip-*"))


def test_what_could_not_be_stored_is_said_and_stored_by_a_later_run(s3: Any, out: Path) -> None:
    refused = store(out, "s3://plain", s3).publish(out)
    assert {one.state for one in refused} == {DeliveryState.REFUSED}
    assert all("the bucket has no versioning" in one.message for one in refused)
    assert known(out, "s3://plain") == [("main-000001", "pack", "refused"), ("main-000002", "pack", "refused")]
    s3.put_bucket_versioning(Bucket="plain", VersioningConfiguration={"Status": "Enabled"})
    assert {one.state for one in store(out, "s3://plain", s3, lock="none").publish(out)} == {DeliveryState.SENT}
    assert known(out, "s3://plain") == [("main-000002", "pack", "sent")]


def test_of_many_tries_the_last_one_is_kept_and_none_once_the_pack_is(s3: Any, out: Path) -> None:
    for days in range(3):
        later = PackStore(Evidence(store="s3://plain"), FolderStore(out / ".state"), running(NOW + timedelta(days=days)), lambda: s3)
        assert {one.state for one in later.publish(out)} == {DeliveryState.REFUSED}
    state = FolderStore(out / ".state")
    assert state.names("packs/main-000001/") == ["packs/main-000001/refused-2026-11-26T03:00:00Z.json"]
    store(out, "s3://packs", s3).publish(out)
    assert state.names("packs/") == ["packs/main-000001/stored.json", "packs/main-000002/stored.json"]


def test_a_run_that_ended_before_it_stored_its_pack_is_said(out: Path) -> None:
    assert known(out, "s3://packs") == [("main-000001", "pack", "not_sent"), ("main-000002", "pack", "not_sent")]
    assert known(out, "") == []


def heads(out: Path) -> list[Head]:
    return [Head.of((run / "SEAL.txt").read_bytes()) for run in sorted(out.glob("run-*"))]


@pytest.mark.parametrize("place", ["s3://packs/prod", "folder"])
def test_packs_that_a_machine_lacks_are_brought_back_as_they_were(s3: Any, out: Path, tmp_path: Path, place: str) -> None:
    at = store(out, place if "://" in place else str(tmp_path / place), s3)
    at.publish(out)
    both = heads(out)
    shutil.copytree(out, tmp_path / "was")
    shutil.rmtree(out / "run-000001")
    assert at.bring_back(out, both, HELD) == {}
    assert [one.words() for one in verify([out / "run-000001", out / "run-000002"], HELD)] == [[], []]
    assert sha256(out / "run-000001" / "SHA256SUMS") == sha256(tmp_path / "was" / "run-000001" / "SHA256SUMS")
    assert not list((out / ".state").glob("zip-*"))
    assert at.publish(out) == ()


def test_what_cannot_be_brought_back_is_said_and_known_to_be_lost_or_not(s3: Any, out: Path, tmp_path: Path) -> None:
    at, both = store(out, "s3://packs", s3), heads(out)

    def lost(*packs: Head, held: Trust = HELD, store: PackStore = at) -> dict[str, tuple[str, bool]]:
        shutil.rmtree(out / "run-000001", ignore_errors=True)
        return {run: (astray.why, astray.known) for run, astray in store.bring_back(out, packs, held).items()}

    assert lost(both[0]) == {"main-000001": ("s3://packs shows no main/run-000001.zip: it was never stored", False)}
    at.publish(out)
    FolderStore(out / ".state").create("packs/main-000001/stored.json", b"{}")
    assert lost(both[0]) == {"main-000001": ("s3://packs shows no main/run-000001.zip, though it was stored there", True)}
    s3.put_object(Bucket="packs", Key="main/run-000001.zip", Body=b"PK", ChecksumAlgorithm="SHA256")
    assert lost(both[0]) == {"main-000001": ("the stored pack does not hold: zip-damaged seal-missing list-missing (s3://packs)", True)}
    s3.copy_object(Bucket="packs", Key="main/run-000001.zip", CopySource="packs/main/run-000002.zip")
    assert lost(both[0]) == {"main-000001": ("the stored pack is another one than the chain's state names (s3://packs)", True)}
    elsewhere = lost(both[0], store=store(out, "s3://nowhere", s3))
    assert elsewhere["main-000001"][0].startswith("it cannot be fetched from s3://nowhere: the pack cannot be fetched: s3:GetObject at s3://nowhere")
    assert elsewhere["main-000001"][1] is False
    assert not (out / "run-000001").exists()


def test_a_stored_pack_of_somebody_else_is_not_brought_back(s3: Any, out: Path, tmp_path: Path) -> None:
    at, both = store(out, str(tmp_path / "packs")), heads(out)
    at.publish(out)
    shutil.rmtree(out / "run-000001")
    astray = at.bring_back(out, both, Trust((OTHER.public_key(),)))["main-000001"]
    assert astray.why.startswith("the stored pack does not hold: signed-by-another-key")
    assert not (out / "run-000001").exists()


def test_a_lock_that_nobody_can_take_back_is_set_when_it_is_asked_for_twice(s3: Any, out: Path) -> None:
    twice = {"lock": "compliance", "lock_cannot_be_undone": True, "retention_days": 10}
    assert store(out, "s3://packs", s3, **twice).publish(out)[0].message.endswith("COMPLIANCE until 2026-12-04T03:00:00Z")


def test_a_folder_keeps_packs_and_says_what_it_cannot(out: Path, tmp_path: Path) -> None:
    place = tmp_path / "packs"
    done = store(out, str(place)).publish(out)
    assert [one.recipient for one in done] == [str(place / "main" / f"run-00000{number}.zip") for number in (1, 2)]
    assert done[0].message.endswith("not locked: a folder keeps nobody from changing it")
    assert sorted(path.name for path in (place / "main").iterdir()) == ["run-000001.zip", "run-000002.zip"]
    assert zipfile.ZipFile(done[0].recipient).testzip() is None


def test_nothing_is_overwritten_in_a_folder(out: Path, tmp_path: Path) -> None:
    (tmp_path / "packs" / "main").mkdir(parents=True)
    (tmp_path / "packs" / "main" / "run-000001.zip").write_text("another")
    first, second = store(out, str(tmp_path / "packs")).publish(out)
    assert (first.state, second.state) == (DeliveryState.REFUSED, DeliveryState.SENT)
    assert "nothing was overwritten" in first.message
    assert (tmp_path / "packs" / "main" / "run-000001.zip").read_text() == "another"


def test_a_seal_without_its_time_stamp_is_a_row_of_the_next_run(out: Path) -> None:
    state = FolderStore(out / ".state")
    packs.received(state, Delivery("main-000002", "SEAL.txt.sig.tsr", "https://tsa", DeliveryState.REFUSED, NOW, "status 503", packs.STAMP))
    assert known(out, "") == [("main-000002", "timestamp", "refused")]


def test_a_record_that_cannot_be_read_says_nothing(out: Path) -> None:
    FolderStore(out / ".state").create("packs/main-000002/stored.json", b"")
    assert known(out, "")[0] == ("main-000002", "pack", "unknown")
