"""Both kinds of store, by the same tests where they promise the same."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from reporter.clients.aws import AwsClients
from reporter.clients.store import FolderStore, HeldByAnother, Store, leased
from reporter.clients.store_s3 import LEASE, BucketStore
from reporter.core.errors import ReporterError
from tests.clients.aws_server import HTML, Answer, AwsServer, server
from tests.sandbox.aws.conftest import Door, aws, running

__all__ = ["aws", "running", "server"]

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@pytest.fixture
def bucket(aws: Door) -> Any:
    client = aws.client("s3", "us-east-1")
    client.create_bucket(Bucket="state")
    return client


@pytest.fixture(params=["folder", "bucket", "bucket without a prefix"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FolderStore(tmp_path / ".state")
    return BucketStore("state", "chains/main/" if request.param == "bucket" else "", request.getfixturevalue("bucket"))


def test_a_name_is_written_once(store: Store) -> None:
    assert store.read("a/b.json") is None
    assert store.create("a/b.json", b"one")
    assert not store.create("a/b.json", b"two")
    assert store.read("a/b.json") == b"one"


def test_names_are_told_by_their_beginning_and_sorted(store: Store) -> None:
    assert store.names("a/") == []
    for name in ("a/2.json", "b/1.json", "a/1.json", "a/x/3.json", "ab.json"):
        store.create(name, b"")
    assert store.names("a/") == ["a/1.json", "a/2.json", "a/x/3.json"]
    store.remove("a/2.json")
    store.remove("a/2.json")
    assert store.names("a") == ["a/1.json", "a/x/3.json", "ab.json"]


def test_of_many_that_write_one_name_one_is_first(store: Store) -> None:
    together = threading.Barrier(8, timeout=30)

    def write(number: int) -> bool:
        together.wait()
        return store.create("the/one", f"{number}".encode())

    with ThreadPoolExecutor(8) as threads:
        first = [number for number, won in enumerate(threads.map(write, range(8))) if won]
    assert [f"{number}".encode() for number in first] == [store.read("the/one")]


def test_one_lease_at_a_time(store: Store) -> None:
    with store.lease("main-000001") as renew:
        renew()
        with pytest.raises(ReporterError, match="another run"), store.lease("main-000002"):
            raise AssertionError("two held the lease")
    with store.lease("main-000003"):
        pass


def test_a_lease_is_given_back_when_a_run_breaks(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.lease("one"):
        raise ZeroDivisionError
    with store.lease("two"):
        pass


def test_a_folder_leaves_no_drafts_and_is_private(tmp_path: Path) -> None:
    folder = FolderStore(tmp_path / "state")
    folder.create("a/b", b"one")
    folder.create("a/b", b"two")
    assert [path.name for path in (tmp_path / "state" / "a").iterdir()] == ["b"]
    assert (tmp_path / "state" / "a" / "b").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ReporterError, match="cannot be read or written"):
        FolderStore(tmp_path / "state").create("a", b"")


def test_a_folder_where_a_file_stands_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    folder = FolderStore(tmp_path / "state")
    for use in (lambda: folder.create("a", b""), lambda: folder.read("a"), lambda: folder.remove("a")):
        with pytest.raises(ReporterError, match="cannot be read or written"):
            use()
    with pytest.raises(ReporterError, match="cannot be read or written"), folder.lease("x"):
        raise AssertionError


def _hold(folder: Path, ready: Any, end: Any) -> None:
    with FolderStore(folder).lease("a process"):
        ready.set()
        end.wait(30)


def test_the_system_gives_back_the_folders_lease_of_a_process_that_was_killed(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, end = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(tmp_path, ready, end))
    process.start()
    try:
        assert ready.wait(30)
        with pytest.raises(ReporterError, match="another run"), FolderStore(tmp_path).lease("mine"):
            raise AssertionError
    finally:
        process.kill()
        process.join(30)
    with FolderStore(tmp_path).lease("mine"):
        pass


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


def test_a_lease_in_a_bucket_expires_and_its_holder_is_told(bucket: Any) -> None:
    clock = Clock()
    one, other = BucketStore("state", "p", bucket, clock), BucketStore("state", "p", bucket, clock)
    with one.lease("main-000001") as renew:
        clock.at += LEASE - timedelta(seconds=1)
        with pytest.raises(ReporterError, match="main-000001, until 2026-11-24T03:15:00Z"), other.lease("main-000002"):
            raise AssertionError
        clock.at += timedelta(seconds=1)
        with other.lease("main-000002") as mine:
            mine()
            with pytest.raises(ReporterError, match="another run"):
                renew()


def test_a_sign_of_life_keeps_a_lease(bucket: Any) -> None:
    clock = Clock()
    one, other = BucketStore("state", "p", bucket, clock), BucketStore("state", "p", bucket, clock)
    with one.lease("a") as renew:
        for _ in range(4):
            clock.at += LEASE * 0.6
            renew()
            with pytest.raises(ReporterError, match="another run"), other.lease("b"):
                raise AssertionError


def test_a_holder_that_lost_its_lease_does_not_give_back_the_others(bucket: Any) -> None:
    clock = Clock()
    one, other = BucketStore("state", "p", bucket, clock), BucketStore("state", "p", bucket, clock)
    with one.lease("a"):
        clock.at += LEASE
        taken = other.lease("b")
        taken.__enter__()
    with pytest.raises(ReporterError, match="another run"), one.lease("c"):
        raise AssertionError
    taken.__exit__(None, None, None)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"holder": "x", "until": "soon"}'])
def test_a_lease_that_cannot_be_read_is_nobodys_to_take(bucket: Any, data: bytes) -> None:
    bucket.put_object(Bucket="state", Key="p/lease.json", Body=data)
    with pytest.raises(ReporterError, match="the lease cannot be read"), BucketStore("state", "p", bucket).lease("a"):
        raise AssertionError


def test_the_same_bytes_under_a_name_are_a_repeated_try_and_count_as_ours(bucket: Any) -> None:
    store = BucketStore("state", "p", bucket)
    assert store.create("a", b"one")
    assert store.create("a", b"one")
    assert not store.create("a", b"two")


def test_a_bucket_that_refuses_is_said_with_what_to_grant(bucket: Any) -> None:
    missing = BucketStore("no-such-bucket", "", bucket)
    for use in (lambda: missing.create("a", b""), lambda: missing.names(""), lambda: missing.read("a"), lambda: missing.remove("a")):
        with pytest.raises(ReporterError, match="NoSuchBucket") as caught:
            use()
        assert caught.value.where == "state"


def test_a_bucket_that_cannot_be_reached_is_said() -> None:
    nowhere = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2),
    )
    store = BucketStore("state", "p", nowhere)
    for use in (lambda: store.create("a", b""), lambda: store.names(""), lambda: store.read("a"), lambda: store.remove("a")):
        with pytest.raises(ReporterError, match="EndpointConnectionError"):
            use()
    with pytest.raises(ReporterError, match="EndpointConnectionError"):
        store.put_if("a", b"", None)


CONFLICT = Answer(b"<Error><Code>ConditionalRequestConflict</Code></Error>", 409, "application/xml")
NOTHING = Answer(b"<Error><Code>NoSuchKey</Code></Error>", 404, "application/xml")


def test_a_name_that_another_is_writing_is_tried_again(server: AwsServer) -> None:
    server.on("PUT /state/p/a", CONFLICT, Answer(b"", headers=(("ETag", '"e"'),)))
    server.on("GET /state/p/a", NOTHING)
    assert BucketStore("state", "p", boto3.client("s3")).create("a", b"one")
    server.on("PUT /state/p/a", CONFLICT)
    with pytest.raises(ReporterError, match="others write the same name at once"):
        BucketStore("state", "p", boto3.client("s3")).create("a", b"one")


@pytest.mark.parametrize("answer", [Answer(HTML, 200, "text/html"), Answer(b"", 200, "application/xml"), Answer(b"<List", 200, "application/xml")])
def test_what_is_no_answer_of_s3_is_an_error_for_people_and_nothing_counts_as_written(server: AwsServer, answer: Answer) -> None:
    for key in ("GET /state/p/a", "GET /state", "PUT /state/p/a"):
        server.on(key, answer)
    store = BucketStore("state", "p", AwsClients(max_attempts=1).client("", "s3", "us-east-1"))
    for use in (lambda: store.create("a", b""), lambda: store.names(""), lambda: store.read("a"), lambda: store.put_if("a", b"", None)):
        with pytest.raises(ReporterError, match=r"the state of the chain cannot be read or written: s3:.*(broken answer|500)"):
            use()


def test_a_lease_that_another_run_holds_is_waited_for_within_patience(tmp_path: Path) -> None:
    store, other = FolderStore(tmp_path), ExitStack()
    other.enter_context(FolderStore(tmp_path).lease("other"))
    with pytest.raises(HeldByAnother), leased(store, "mine", timedelta(0)):
        pass
    with leased(store, "mine", timedelta(minutes=1), lambda _: other.close()) as renew:
        renew()
