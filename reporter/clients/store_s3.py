"""A prefix in an S3 bucket as the store of a chain: created by a conditional put, leased through an object that expires.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html (If-None-Match, If-Match)
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from reporter.clients.aws_errors import error_code, from_answer, from_the_way
from reporter.clients.aws_parsing import BrokenPage
from reporter.clients.store import Renew, held_by_another
from reporter.core.clock import iso, parse
from reporter.core.errors import ReporterError, ScopeProblem, Unavailable

LEASE = timedelta(minutes=15)
"""How long a lease holds without a sign of life."""
_BROKEN = (BotoCoreError, BrokenPage, KeyError)
"""no answer, or one that is none of S3: a proxy's page has no ETag"""
_TRIES = 5
"""of a conditional put that S3 answers with 409: another one of the same name is on its way"""


class BucketStore:
    """A prefix in an S3 bucket. `client`: boto3's S3 client; `now`: the present. The lease is an object that expires."""

    def __init__(self, bucket: str, prefix: str, client: Any, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._bucket, self._client, self.now = bucket, client, now
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.where = f"s3://{bucket}/{self._prefix}"

    def create(self, name: str, data: bytes) -> bool:
        for _ in range(_TRIES):
            try:
                self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=data, IfNoneMatch="*")["ETag"]
            except ClientError as error:
                if error_code(error) not in ("PreconditionFailed", "ConditionalRequestConflict"):
                    raise self._problem(error, "PutObject") from error
                found = self.read(name)
                if found is not None:
                    return found == data  # the answer to a first try may have been lost: the same bytes are ours
            except _BROKEN as error:
                raise self._problem(error, "PutObject") from error
            else:
                return True
        raise ReporterError("the state cannot be written: others write the same name at once", where=f"{self.where}{name}", fix="run again")

    def read(self, name: str) -> bytes | None:
        found = self.get(name)
        return None if found is None else found[0]

    def names(self, prefix: str) -> list[str]:
        found: list[str] = []
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                found += [str(item["Key"])[len(self._prefix) :] for item in page.get("Contents", [])]
        except (ClientError, *_BROKEN) as error:
            raise self._problem(error, "ListObjectsV2") from error
        return sorted(found)

    def remove(self, name: str) -> None:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)
        except (ClientError, *_BROKEN) as error:
            raise self._problem(error, "DeleteObject") from error

    @contextmanager
    def lease(self, holder: str) -> Iterator[Renew]:
        mine = _Lease(self, f"{holder} {uuid.uuid4().hex}")
        mine.take()
        try:
            yield mine.renew
        finally:
            mine.give_back()

    def get(self, name: str) -> tuple[bytes, str] | None:
        """Content and ETag."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            return answer["Body"].read(), str(answer["ETag"])
        except ClientError as error:
            if error_code(error) in ("NoSuchKey", "404"):
                return None
            raise self._problem(error, "GetObject") from error
        except _BROKEN as error:
            raise self._problem(error, "GetObject") from error

    def put_if(self, name: str, data: bytes, etag: str | None) -> str | None:
        """Write it over that version (None: only where there is none); its ETag, or None where another was faster."""
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        try:
            return str(self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=data, **condition)["ETag"])
        except ClientError as error:
            if error_code(error) in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
                return None
            raise self._problem(error, "PutObject") from error
        except _BROKEN as error:
            raise self._problem(error, "PutObject") from error

    def _problem(self, error: Exception, operation: str) -> ReporterError:
        where = f"s3:{operation} at {self.where}"
        problem: ScopeProblem
        if isinstance(error, ClientError):
            problem = from_answer(error, where=where, service="s3", operation=operation)
        elif isinstance(error, BotoCoreError):
            problem = from_the_way(error, where=where)
        else:
            problem = Unavailable(f"{where}: broken answer: {error}"[:300])
        fix = f"grant {problem.permission} to the job" if problem.permission else "state in the schedule: the bucket, and the way to it"
        return ReporterError(f"the state of the chain cannot be read or written: {problem.message}", where="state", fix=fix)


class _Lease:
    """One holder's lease: an object that says until when it holds, replaced only over the version that was seen."""

    NAME = "lease.json"

    def __init__(self, store: BucketStore, holder: str) -> None:
        self._store, self._holder, self._etag = store, holder, ""
        self._until = datetime.min.replace(tzinfo=UTC)

    def take(self) -> None:
        found = self._store.get(self.NAME)
        if found is not None:
            holder, until = _lease_of(found[0], self._store.where)
            if until > self._store.now():
                raise held_by_another(self._store.where, f" ({holder.split()[0]}, until {iso(until)})")
        self._write(None if found is None else found[1])

    def renew(self) -> None:
        """A sign of life once half of the time is gone."""
        if self._store.now() > self._until - LEASE / 2:
            self._write(self._etag)

    def give_back(self) -> None:
        self._store.put_if(self.NAME, self._text(self._store.now() - timedelta(seconds=1)), self._etag)

    def _write(self, over: str | None) -> None:
        until = self._store.now() + LEASE
        etag = self._store.put_if(self.NAME, self._text(until), over)
        if etag is None:
            raise held_by_another(self._store.where, "")
        self._etag, self._until = etag, until

    def _text(self, until: datetime) -> bytes:
        return json.dumps({"holder": self._holder, "until": iso(until)}).encode()


def _lease_of(data: bytes, where: str) -> tuple[str, datetime]:
    try:
        said = json.loads(data)
        return str(said["holder"]), parse(said["until"])
    except (ValueError, KeyError, TypeError) as error:
        fix = "look who wrote it; remove it when no run is going"
        raise ReporterError("the lease cannot be read", where=f"{where}{_Lease.NAME}", fix=fix) from error
