"""The chain stays whole: runs that seal at once, runs that are killed, signatures that fail, a state that is lost, keys that change."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import boto3
import pytest
from cryptography.hazmat.primitives import serialization
from moto import mock_aws

from reporter.clients.store import FolderStore, Renew, Store
from reporter.clients.store_s3 import BucketStore
from reporter.core.errors import ReporterError
from reporter.evidence.folder import runs
from reporter.evidence.key import LocalSigner, Public, fingerprint, local_key
from reporter.evidence.seal import Head, read_seal
from reporter.evidence.trust import Trust
from reporter.evidence.verify import told, verify
from reporter.state import chain, sequence
from tests.clients.aws_server import aws_environment
from tests.evidence.chains import HELD
from tests.evidence.pack import KEY, NOW, OTHER
from tests.sealed_runs import flaws, numbers, one, sealing


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    if request.param == "folder":
        yield FolderStore(tmp_path / "state")
        return
    aws_environment(monkeypatch, tmp_path)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="state")
        yield BucketStore("state", "prod", client)


def test_two_runs_that_start_and_seal_at_once_are_both_in_the_chain(store: Store, tmp_path: Path) -> None:
    """On two machines, on one state; each knows what it follows before the other one is sealed, so that one has to sign again."""
    first, outs = sealing(tmp_path / "first", store), (tmp_path / "a", tmp_path / "b")
    one(first)
    together, followed = threading.Barrier(2, timeout=60), list[str]()

    def run(out: Path) -> None:
        tries = 0

        def meet(before: Head | None) -> None:
            nonlocal tries
            tries += 1
            followed.append(before.run_id if before else "")
            if tries == 1:
                together.wait()

        one(sealing(out, store), meanwhile=meet)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(run, outs))
    one(first)
    everywhere = (tmp_path / "first", *outs)
    assert followed[:2] == ["main-000001", "main-000001"]
    assert len(followed) == 3
    assert numbers(*everywhere) == [1, 2, 3, 4]
    assert flaws(*everywhere) == {}
    for out in everywhere:
        for path in runs(out):
            assert read_seal(path)["previous-run_id"].replace("none", "") in (path / "run.json").read_text()


def test_a_run_that_takes_long_is_sealed_after_those_with_higher_numbers(store: Store, tmp_path: Path) -> None:
    first, other, later = (sealing(tmp_path / name, store) for name in ("first", "other", "later"))
    one(first)
    told_of: list[str] = []

    def overtaken(before: Head | None) -> None:
        if not told_of:
            told_of.append(before.run_id if before else "")
            assert read_seal(one(other))["unsealed-numbers"] == "2"

    slow = one(first, meanwhile=overtaken)
    assert (slow.name, read_seal(slow)["previous-run_id"]) == ("run-000002", "main-000003")
    assert read_seal(one(later))["previous-run_id"] == "main-000002"
    everywhere = (tmp_path / "first", tmp_path / "other", tmp_path / "later")
    assert flaws(*everywhere) == {}
    shutil.rmtree(slow)
    assert flaws(*everywhere) == {"run-000004": ["chain-broken"]}


def test_an_empty_folder_goes_on_from_the_seal_that_the_state_keeps(store: Store, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        one(sealing(tmp_path / name, store))
    assert numbers(tmp_path / "a", tmp_path / "b", tmp_path / "c") == [1, 2, 3]
    assert (tmp_path / "c" / "run-000003" / "previous-SEAL.txt").read_bytes() == (tmp_path / "b" / "run-000002" / "SEAL.txt").read_bytes()
    assert flaws(tmp_path / "a", tmp_path / "b", tmp_path / "c") == {}
    assert flaws(tmp_path / "a", tmp_path / "c") == {"run-000003": ["sequence-gap", "chain-broken"]}


def test_a_run_that_died_is_told_from_a_pack_that_was_removed(store: Store, tmp_path: Path) -> None:
    at = sealing(tmp_path / "out", store)
    one(at)
    for _ in range(2):
        sequence.claim(store, "main", 0, NOW)
    assert read_seal(one(at))["unsealed-numbers"] == "2-3"
    one(at)
    assert flaws(at.out) == {}
    lines = told(verify(runs(at.out), HELD), HELD)
    assert any(line.startswith("The seal of main-000004 says that number 2-3 was claimed and had no seal then") for line in lines)
    shutil.rmtree(at.out / "run-000004")
    assert flaws(at.out) == {"run-000005": ["sequence-gap", "chain-broken"]}


def test_the_first_seal_of_a_chain_may_have_a_higher_number_where_those_before_it_died(store: Store, tmp_path: Path) -> None:
    sequence.claim(store, "main", 0, NOW)
    path = one(sealing(tmp_path / "out", store))
    assert (path.name, read_seal(path)["previous-run_id"], read_seal(path)["unsealed-numbers"]) == ("run-000002", "none", "1")
    assert flaws(tmp_path / "out") == {}


@dataclass(frozen=True)
class Refusing:
    """A key that may not be used."""

    label: str = "AWS KMS"

    @property
    def public(self) -> Public:
        return KEY.public_key()

    def sign(self, text: bytes) -> bytes:
        raise ReporterError("the key cannot be used: AccessDenied", fix="grant kms:Sign on the key to the job")


def test_a_signature_that_fails_leaves_no_pack_and_no_seal(store: Store, tmp_path: Path) -> None:
    at = sealing(tmp_path / "out", store)
    one(at)
    with pytest.raises(ReporterError, match="AccessDenied"):
        one(sealing(at.out, store, Refusing()))
    assert numbers(at.out) == [1]
    assert not list(at.out.glob(".building-*"))
    assert chain.sealed_numbers(store, "main") == {1}
    assert read_seal(one(at))["unsealed-numbers"] == "2"
    assert flaws(at.out) == {}


def test_a_state_that_was_lost_is_begun_anew_on_the_old_head_and_every_seal_says_so(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        one(sealing(out, FolderStore(tmp_path / "state")))
    shutil.rmtree(tmp_path / "state")
    third = one(sealing(out, FolderStore(tmp_path / "state")))
    was, now = (read_seal(out / f"run-00000{number}") for number in (2, 3))
    assert (third.name, now["previous-run_id"]) == ("run-000003", "main-000002")
    assert was["chain-id"] != now["chain-id"]
    assert flaws(out) == {}
    assert any(line.startswith("The state of the chain was begun anew before main-000003") for line in told(verify(runs(out), HELD), HELD))


def test_a_state_that_was_lost_with_the_folder_gives_numbers_twice_and_another_chain_id(tmp_path: Path) -> None:
    for name in ("old", "new"):
        for _ in range(2):
            one(sealing(tmp_path / name, FolderStore(tmp_path / f"state-{name}")), name)
    found = flaws(tmp_path / "old", tmp_path / "new")
    assert all("sequence-twice" in words for words in found.values())
    assert sorted(found) == ["run-000001", "run-000002"]


def test_the_last_seal_of_a_key_names_the_next_one(store: Store, tmp_path: Path) -> None:
    out, after = tmp_path / "out", LocalSigner(OTHER, "local key")
    one(sealing(out, store))
    one(sealing(out, store, next_key=fingerprint(OTHER.public_key())))
    one(sealing(out, store, after))
    packs = runs(out)
    assert [pack.words() for pack in verify(packs, Trust())] == [[], [], []]
    assert [pack.words() for pack in verify(packs, Trust((KEY.public_key(), OTHER.public_key())))] == [[], [], []]
    assert verify(packs, HELD)[2].words() == ["signed-by-another-key"]
    one(sealing(out, store))
    assert verify(runs(out), Trust())[3].words() == ["chain-key"]
    assert {fingerprint(key) for key in sealing(out, store).chain_keys()} == {fingerprint(key.public_key()) for key in (KEY, OTHER)}


class Dying:
    """A state whose process is killed at a write, before it is there or once it is durable."""

    def __init__(self, folder: Path, at: str, durable: bool) -> None:
        self._store, self._at, self._durable, self.where = FolderStore(folder), at, durable, str(folder)

    def create(self, name: str, data: bytes) -> bool:
        if self._at in name and not self._durable:
            os.kill(os.getpid(), signal.SIGKILL)
        made = self._store.create(name, data)
        if self._at in name:
            os.kill(os.getpid(), signal.SIGKILL)
        return made

    def read(self, name: str) -> bytes | None:
        return self._store.read(name)

    def names(self, prefix: str) -> list[str]:
        return self._store.names(prefix)

    def remove(self, name: str) -> None:
        self._store.remove(name)

    def lease(self, holder: str) -> AbstractContextManager[Renew]:
        return self._store.lease(holder)


@dataclass(frozen=True)
class Killed:
    """A key whose process is killed while it signs."""

    label: str = "local key"

    @property
    def public(self) -> Public:
        return KEY.public_key()

    def sign(self, text: bytes) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""


def _die(out: Path, state: Path, at: str, durable: bool, key: Path) -> None:
    store: Store = FolderStore(state) if at == "sign" else Dying(state, at, durable)
    one(sealing(out, store, Killed() if at == "sign" else LocalSigner(local_key(key), "local key")), "killed\n")


@pytest.mark.parametrize(
    ("at", "durable", "whole"),
    [("runs/", True, False), ("sign", False, False), ("after-000001", False, False), ("after-000001", True, True)],
    ids=["number claimed", "while signing", "before its seal is in the chain", "before its folder has its name"],
)
def test_a_run_that_is_killed_leaves_the_chain_whole_and_nothing_that_looks_sealed(tmp_path: Path, at: str, durable: bool, whole: bool) -> None:
    out, state = tmp_path / "out", tmp_path / "state"
    one(sealing(out, FolderStore(state)))
    key = tmp_path / "key.pem"
    key.write_bytes(KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    process = get_context("forkserver").Process(target=_die, args=(out, state, at, durable, key))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert numbers(out) == [1]
    assert flaws(out) == {}
    after = one(sealing(out, FolderStore(state)))
    assert numbers(out) == ([1, 2, 3] if whole else [1, 3])
    assert read_seal(after).get("unsealed-numbers") == (None if whole else "2")
    assert flaws(out) == {}
    assert not list(out.glob(".building-*"))
