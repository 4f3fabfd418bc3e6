"""Packs in a bucket, against moto: what a bucket lacks is said, nothing is overwritten, what was asked for is read back."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from reporter.clients.aws import AwsClients
from reporter.clients.pack_bucket import Bucket, PackBucket
from reporter.core.errors import ReporterError
from tests.clients.aws_server import HTML, Answer, AwsServer, aws_environment, server

__all__ = ["server"]

UNTIL = datetime(2099, 1, 1, tzinfo=UTC)
FACTS = {"run": "main-000001", "sha256": "ab"}
REFUSED = Answer(b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>", 403, "application/xml")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    aws_environment(monkeypatch, tmp_path)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        client.create_bucket(Bucket="plain")
        yield client


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    (tmp_path / "one.zip").write_bytes(b"PK" * 5000)
    return tmp_path / "one.zip"


def test_a_pack_is_kept_locked_encrypted_and_with_its_checksum(s3: Any, zipped: Path) -> None:
    kept = PackBucket("s3://locked/packs", s3).put("main/one.zip", zipped, FACTS, "GOVERNANCE", UNTIL)
    said = s3.head_object(Bucket="locked", Key="packs/main/one.zip", VersionId=kept.version)
    assert (kept.url, kept.mode, kept.until, kept.encryption) == ("s3://locked/packs/main/one.zip", "GOVERNANCE", UNTIL, "AES256")
    assert (said["ObjectLockMode"], said["Metadata"], said["ContentLength"]) == ("GOVERNANCE", FACTS, 10000)
    assert base64.b64decode(kept.checksum) == hashlib.sha256(zipped.read_bytes()).digest()


def test_the_same_pack_again_is_the_same_version_and_another_one_overwrites_nothing(s3: Any, zipped: Path) -> None:
    bucket = PackBucket("s3://locked", s3)
    first = bucket.put("one.zip", zipped, FACTS, "GOVERNANCE", UNTIL)
    assert bucket.put("one.zip", zipped, FACTS, "GOVERNANCE", UNTIL) == first
    zipped.write_bytes(b"another")
    with pytest.raises(ReporterError, match="another file has its name: nothing was overwritten"):
        bucket.put("one.zip", zipped, FACTS, "GOVERNANCE", UNTIL)
    assert len(s3.list_object_versions(Bucket="locked")["Versions"]) == 1


def test_a_large_pack_goes_in_parts_and_is_not_overwritten_either(s3: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.zip"
    large.write_bytes(b"a" * (6 << 20))
    bucket = PackBucket("s3://locked", s3, single=1 << 20, part=5 << 20)
    first = bucket.put("large.zip", large, FACTS, "", UNTIL)
    assert s3.head_object(Bucket="locked", Key="large.zip")["ContentLength"] == 6 << 20
    assert bucket.put("large.zip", large, FACTS, "", UNTIL) == first
    large.write_bytes(b"b" * (6 << 20))
    with pytest.raises(ReporterError, match="nothing was overwritten"):
        bucket.put("large.zip", large, FACTS, "", UNTIL)
    assert s3.list_multipart_uploads(Bucket="locked").get("Uploads", []) == []


def test_a_lock_that_the_bucket_did_not_take_over_is_said(s3: Any, tmp_path: Path) -> None:
    """moto forgets the lock of an upload in parts, as a store that imitates S3 may."""
    large = tmp_path / "large.zip"
    large.write_bytes(b"a" * (6 << 20))
    with pytest.raises(ReporterError, match=r"the pack is stored \(version .*\), but not kept as asked: no GOVERNANCE lock until 2099"):
        PackBucket("s3://locked", s3, single=1 << 20, part=5 << 20).put("large.zip", large, FACTS, "GOVERNANCE", UNTIL)


def test_a_bucket_without_versioning_or_lock_is_refused_before_anything_is_written(s3: Any, zipped: Path) -> None:
    plain = PackBucket("s3://plain", s3)
    with pytest.raises(ReporterError, match="the bucket has no versioning"):
        plain.put("one.zip", zipped, FACTS, "GOVERNANCE", UNTIL)
    s3.put_bucket_versioning(Bucket="plain", VersioningConfiguration={"Status": "Enabled"})
    with pytest.raises(ReporterError, match="the bucket has no Object Lock"):
        plain.put("one.zip", zipped, FACTS, "GOVERNANCE", UNTIL)
    assert s3.list_objects_v2(Bucket="plain")["KeyCount"] == 0
    assert plain.put("one.zip", zipped, FACTS, "", UNTIL).mode == ""


def test_a_bucket_that_encrypts_with_a_key_of_its_own_is_left_to_it(s3: Any) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/packs"}}
    s3.put_bucket_encryption(Bucket="locked", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert PackBucket("s3://locked", s3).look() == Bucket(versioned=True, locks=True, own_key=True)


@pytest.mark.parametrize(
    ("key", "permission"),
    [("GET /locked", "s3:GetBucketVersioning"), ("PUT /locked/one.zip", "s3:PutObject")],
)
def test_what_the_bucket_refuses_names_the_permission(server: AwsServer, zipped: Path, key: str, permission: str) -> None:
    client = boto3.client("s3")
    lock = b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"
    enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    none = b"<Error><Code>ServerSideEncryptionConfigurationNotFoundError</Code></Error>"
    answers = [Answer(enabled, 200, "application/xml"), Answer(lock, 200, "application/xml"), Answer(none, 404, "application/xml")]
    server.on("GET /locked", *answers)
    server.on(key, REFUSED)
    with pytest.raises(ReporterError, match="AccessDenied") as caught:
        PackBucket("s3://locked", client).put("one.zip", zipped, FACTS, "GOVERNANCE", UNTIL)
    assert caught.value.fix == f"grant {permission} to the job"


@pytest.mark.parametrize("answer", [Answer(HTML, 200, "text/html"), Answer(b"", 200, "application/xml"), Answer(b"", 200, fault="cut")])
def test_a_part_that_nobody_vouches_for_is_given_up_and_the_upload_with_it(server: AwsServer, tmp_path: Path, answer: Answer) -> None:
    (tmp_path / "large.zip").write_bytes(b"a" * (6 << 20))
    enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    none = b"<Error><Code>ServerSideEncryptionConfigurationNotFoundError</Code></Error>"
    begun = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
    server.on("GET /locked", *(Answer(body, 200, "application/xml") for body in (enabled, b"<ObjectLockConfiguration/>")), Answer(none, 404))
    server.on("POST /locked/large.zip", Answer(begun, 200, "application/xml"))
    server.on("PUT /locked/large.zip", answer)
    server.on("DELETE /locked/large.zip", Answer(b"", 204))
    bucket = PackBucket("s3://locked", AwsClients(max_attempts=1).client("", "s3", "us-east-1"), single=1 << 20, part=5 << 20)
    with pytest.raises(ReporterError, match="the pack cannot be stored"):
        bucket.put("large.zip", tmp_path / "large.zip", FACTS, "", UNTIL)
    assert len(server.asked("DELETE /locked/large.zip")) == 1
