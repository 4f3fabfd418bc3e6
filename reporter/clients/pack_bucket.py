"""A bucket that keeps packs: versioned, locked, encrypted, and never overwritten. What was asked for is read back, because a bucket may do less.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from reporter.clients.aws_errors import error_code, from_answer, from_the_way
from reporter.clients.aws_parsing import BrokenPage
from reporter.core.clock import iso
from reporter.core.errors import ReporterError

Mode = Literal["GOVERNANCE", "COMPLIANCE", ""]
MODES: dict[str, Mode] = {"governance": "GOVERNANCE", "compliance": "COMPLIANCE", "none": ""}
"""evidence.lock -> Object Lock's mode"""
_WHERE = "evidence.store"


@dataclass(frozen=True)
class Bucket:
    """What a bucket does with what is put into it. `own_key`: it encrypts with a KMS key of its own choice, which is left to it."""

    versioned: bool
    locks: bool
    own_key: bool

    def lacks(self, mode: Mode) -> tuple[str, str] | None:
        """What is missing and what to change, or None."""
        if not self.versioned:
            return "the bucket has no versioning: a pack could be replaced unseen", "enable versioning on the bucket"
        if mode and not self.locks:
            return "the bucket has no Object Lock: a pack could be deleted", "a bucket with Object Lock; or lock: none, and packs can be deleted"
        return None


@dataclass(frozen=True)
class Kept:
    """One stored file, as the bucket says it. `checksum`: S3's SHA-256, base64; of a large file that of its parts' checksums."""

    url: str
    version: str
    checksum: str
    mode: str
    until: datetime | None
    encryption: str


@dataclass(frozen=True)
class PackBucket:
    """`url`: s3://bucket/prefix; `client`: boto3's S3 client; `single`: up to so many bytes go in one call, `part`: bytes of each part of more."""

    url: str
    client: Any = field(repr=False)
    single: int = 256 << 20
    part: int = 64 << 20

    @property
    def name(self) -> str:
        return self.url.removeprefix("s3://").partition("/")[0]

    def look(self) -> Bucket:
        """Raises ReporterError where the bucket cannot be asked."""
        with self._explained("GetBucketVersioning"):
            versioned = self.client.get_bucket_versioning(Bucket=self.name).get("Status") == "Enabled"
        lock = self._configured("GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", self.client.get_object_lock_configuration)
        none = "ServerSideEncryptionConfigurationNotFoundError"
        encryption = self._configured("GetBucketEncryption", none, self.client.get_bucket_encryption)
        rules = encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
        kinds = {rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "") for rule in rules}
        locks = lock.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled"
        return Bucket(versioned, locks, any(kind.startswith("aws:kms") for kind in kinds))

    def put(self, name: str, path: Path, facts: Mapping[str, str], mode: Mode, until: datetime) -> Kept:
        """Store a file under a name that nothing has yet, and read back what the bucket made of it. The same file again is no mistake.

        Raises ReporterError: for what the bucket refuses or lacks, for another file of that name, and for one that is not kept as asked.
        """
        found = self.look()
        if lacking := found.lacks(mode):
            raise ReporterError(lacking[0], where=f"{_WHERE}: {self.url}", fix=lacking[1], meanwhile="the pack is in its run's folder alone")
        place: dict[str, Any] = {"Bucket": self.name, "Key": self._key(name)}
        asked: dict[str, Any] = {"Metadata": dict(facts), "ContentType": "application/zip"}
        asked |= {} if found.own_key else {"ServerSideEncryption": "AES256"}
        asked |= {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": until} if mode else {}
        if path.stat().st_size <= self.single:
            checksum, version = self._whole(place, asked, path)
        else:
            checksum, version = self._in_parts(place, asked, path)
        return self._read_back(place, version, checksum, mode, until)

    def fetch(self, name: str, path: Path) -> bool:
        """What is stored under a name, into a file. False: the bucket shows nothing of that name. Raises ReporterError, OSError."""
        key = self._key(name)
        try:
            with self._explained("GetObject", "NoSuchKey", "fetched"), path.open("wb") as target:
                for block in self.client.get_object(Bucket=self.name, Key=key)["Body"].iter_chunks(1 << 20):
                    target.write(block)
        except _NothingThere:
            return False
        return True

    def _key(self, name: str) -> str:
        return "/".join(filter(None, [self.url.removeprefix("s3://").partition("/")[2], name]))

    def _whole(self, place: Mapping[str, Any], asked: Mapping[str, Any], path: Path) -> tuple[str, str]:
        """(checksum, version); no version: something has the name already."""
        with path.open("rb") as stream, self._explained("PutObject"):
            checksum = _base64(hashlib.file_digest(stream, "sha256").digest())
            stream.seek(0)
            sent = {**place, **asked, "Body": stream, "ChecksumAlgorithm": "SHA256", "ChecksumSHA256": checksum, "IfNoneMatch": "*"}
            return checksum, _version(partial(self.client.put_object, **sent))

    def _in_parts(self, place: Mapping[str, Any], asked: Mapping[str, Any], path: Path) -> tuple[str, str]:
        with self._explained("PutObject"):
            upload = self.client.create_multipart_upload(**place, **asked, ChecksumAlgorithm="SHA256", ChecksumType="COMPOSITE")["UploadId"]
            try:
                parts = [self._part(place, upload, number, block) for number, block in enumerate(_blocks(path, self.part), 1)]
                sent = {**place, "UploadId": upload, "MultipartUpload": {"Parts": parts}, "IfNoneMatch": "*"}
                version = _version(partial(self.client.complete_multipart_upload, **sent))
            except BaseException:
                self._abort(place, upload)
                raise
            if not version:
                self._abort(place, upload)
        digests = b"".join(base64.b64decode(part["ChecksumSHA256"]) for part in parts)
        return _base64(hashlib.sha256(digests).digest()), version

    def _part(self, place: Mapping[str, Any], upload: str, number: int, block: bytes) -> dict[str, Any]:
        checksum = _base64(hashlib.sha256(block).digest())
        sent = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": checksum}
        answer = self.client.upload_part(**place, UploadId=upload, PartNumber=number, Body=block, **sent)
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

    def _abort(self, place: Mapping[str, Any], upload: str) -> None:
        with suppress(ClientError, BotoCoreError, BrokenPage):  # what came before is told; parts that stay are the bucket's lifecycle's to remove
            self.client.abort_multipart_upload(**place, UploadId=upload)

    def _read_back(self, place: Mapping[str, Any], version: str, checksum: str, mode: Mode, until: datetime) -> Kept:
        url = f"s3://{place['Bucket']}/{place['Key']}"
        with self._explained("HeadObject"):
            said = self.client.head_object(**place, ChecksumMode="ENABLED", **({"VersionId": version} if version else {}))
        kept = Kept(
            url,
            str(said.get("VersionId", "")),
            str(said.get("ChecksumSHA256", "")).partition("-")[0],
            str(said.get("ObjectLockMode", "")),
            said.get("ObjectLockRetainUntilDate"),
            str(said.get("ServerSideEncryption", "")),
        )
        if kept.checksum != checksum:
            what = "it was changed on the way" if version else "another file has its name: nothing was overwritten"
            raise ReporterError(
                f"the pack is not what the bucket holds: {what}",
                where=url,
                fix="look who wrote it; where the chain's state was lost, another evidence.chain",
            )
        lacks = [] if kept.version else ["no version"]
        lacks += [] if kept.encryption else ["no encryption"]
        if mode and (kept.mode != mode or kept.until is None or (version and kept.until < until)):
            lacks.append(f"no {mode} lock until {iso(until)}, or s3:GetObjectRetention is not granted")
        if lacks:
            what = f"the pack is stored (version {kept.version or 'unknown'}), but not kept as asked: {', '.join(lacks)}"
            raise ReporterError(what, where=url, fix="the bucket's settings; look at this version")
        return kept

    def _configured(self, operation: str, none: str, ask: Callable[..., Any]) -> dict[str, Any]:
        """A part of the bucket's configuration; nothing where it has none."""
        try:
            with self._explained(operation, none):
                return dict(ask(Bucket=self.name))
        except _NothingThere:
            return {}

    @contextmanager
    def _explained(self, operation: str, none: str = "", done: str = "stored") -> Iterator[None]:
        where = f"s3:{operation} at {self.url}"
        try:
            yield
        except ClientError as error:
            if none and error_code(error) == none:
                raise _NothingThere from error
            problem = from_answer(error, where=where, service="s3", operation=operation)
            fix = f"grant {problem.permission} to the job" if problem.permission else "the bucket, and the way to it"
            raise ReporterError(f"the pack cannot be {done}: {problem.message}", where=_WHERE, fix=fix) from error
        except BotoCoreError as error:
            said = from_the_way(error, where=where).message
            raise ReporterError(f"the pack cannot be {done}: {said}", where=_WHERE, fix="the credentials, and the way to S3") from error
        except (BrokenPage, KeyError) as error:
            raise ReporterError(f"the pack cannot be {done}: {where}: broken answer: {error}"[:300], where=_WHERE) from error


class _NothingThere(Exception):
    pass


def _version(call: Callable[[], Any]) -> str:
    """Version of what was written; empty where something has the name already."""
    try:
        return str(call().get("VersionId", ""))
    except ClientError as error:
        if error_code(error) == "PreconditionFailed":
            return ""
        raise


def _blocks(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(size):
            yield block


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
