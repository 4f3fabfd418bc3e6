"""A key of AWS KMS: against moto, and against a server that refuses."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import serialization
from moto import mock_aws

from reporter.clients.kms import KmsKey
from reporter.core.errors import ReporterError, ScheduleError
from reporter.evidence.inspected import parse
from reporter.evidence.key import LocalSigner, fingerprint, open_signer
from reporter.evidence.seal import LARGEST_SEAL, Seal, broken, seal
from reporter.schedule import Evidence
from tests.clients.aws_server import Answer, AwsServer, aws_environment, error, page, server
from tests.evidence.pack import KEY, NOW, OTHER

__all__ = ["server"]

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    aws_environment(monkeypatch, tmp_path)
    with mock_aws():
        yield boto3.client("kms")


def made(kms: Any, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> str:
    """A key under alias/seal; its ARN."""
    key = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
    kms.create_alias(AliasName="alias/seal", TargetKeyId=key["KeyId"])
    return str(key["Arn"])


def test_a_pack_sealed_by_kms_names_the_key_and_openssl_verifies_it(kms: Any, tmp_path: Path, program: Callable[[str], str]) -> None:
    arn = made(kms)
    signer = open_signer(Evidence(key="kms:alias/seal"), tmp_path)
    run = tmp_path / "run-000001"
    run.mkdir()
    (run / "results.csv").write_text("check_id\n")
    text = seal(run, Seal("main", 1, "main-000001", NOW, "0.1.0"), signer)
    assert len(text) < LARGEST_SEAL
    assert parse(text)["signing-key"] == f"AWS KMS {arn}"
    assert parse(text)["signing-key-sha256"] == fingerprint(signer.public)
    verify = [program("openssl"), "dgst", "-sha256", "-verify", "signing-key.pem", "-signature", "SEAL.txt.sig", "SEAL.txt"]
    assert subprocess.run(verify, cwd=run, capture_output=True, text=True, check=False).stdout == "Verified OK\n"
    assert broken(run, [signer.public]) == ""
    published = boto3.client("kms").get_public_key(KeyId=arn)["PublicKey"]
    der = [program("openssl"), "pkey", "-pubin", "-inform", "DER"]
    assert subprocess.run(der, input=published, capture_output=True, check=True).stdout == (run / "signing-key.pem").read_bytes()


def test_a_key_is_found_by_its_arn_in_the_region_that_the_arn_names(kms: Any) -> None:
    del kms
    arn = made(boto3.client("kms", region_name="eu-west-1"))
    assert KmsKey.find(arn).arn == arn


@pytest.mark.parametrize(("spec", "usage"), [("ECC_NIST_P384", "SIGN_VERIFY"), ("RSA_2048", "SIGN_VERIFY"), ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")])
def test_a_key_of_another_kind_is_a_mistake_of_the_schedule(kms: Any, spec: str, usage: str) -> None:
    made(kms, spec, usage)
    with pytest.raises(ScheduleError, match=f"it is {spec} for {usage}"):
        KmsKey.find("alias/seal")


def test_a_key_that_is_not_there_or_disabled_is_said(kms: Any) -> None:
    with pytest.raises(ScheduleError, match="there is no such key: kms:DescribeKey of alias/seal"):
        KmsKey.find("alias/seal")
    kms.disable_key(KeyId=made(kms).rpartition("/")[2])
    with pytest.raises(ReporterError, match="the key is Disabled") as caught:
        KmsKey.find("alias/seal")
    assert caught.value.fix == "enable the key"


def described(**changes: Any) -> Answer:
    return page(KeyMetadata={"KeyId": "k", "Arn": ARN, "KeyState": "Enabled", "KeyUsage": "SIGN_VERIFY", "KeySpec": "ECC_NIST_P256", **changes})


@pytest.mark.parametrize(
    ("operation", "answer", "fix"),
    [
        ("DescribeKey", error("AccessDeniedException"), "grant kms:DescribeKey on the key to the job"),
        ("GetPublicKey", error("AccessDeniedException"), "grant kms:GetPublicKey on the key to the job"),
        ("Sign", error("AccessDeniedException"), "grant kms:Sign on the key to the job"),
        ("Sign", error("DisabledException"), "enable the key"),
        ("Sign", error("KMSInvalidStateException"), "a key that is enabled and not about to be deleted"),
        ("Sign", Answer(b"<html>", content_type="text/html"), ""),
    ],
)
def test_what_the_service_refuses_names_what_to_grant_or_change(server: AwsServer, operation: str, answer: Answer, fix: str) -> None:
    server.on("DescribeKey", described())
    server.on("GetPublicKey", page(KeyId=ARN, PublicKey="MFkw"))
    server.on(operation, answer)
    with pytest.raises(ReporterError, match=f"the key cannot be used: kms:{operation} of ") as caught:
        KmsKey.find("alias/seal").sign(b"x")
    assert caught.value.fix == fix
    assert "not finished" in caught.value.meanwhile


def test_a_signature_of_another_key_is_not_taken(server: AwsServer, tmp_path: Path) -> None:
    der = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    server.on("DescribeKey", described())
    server.on("GetPublicKey", page(KeyId=ARN, PublicKey=base64.b64encode(der).decode()))
    server.on("Sign", page(KeyId=ARN, Signature=base64.b64encode(LocalSigner(OTHER).sign(b"seal")).decode()))
    with pytest.raises(ReporterError, match="the signature is not of the key that was asked"):
        open_signer(Evidence(key=f"kms:{ARN}"), tmp_path).sign(b"seal")


def test_it_is_tried_without_a_signature_being_made(server: AwsServer) -> None:
    server.on("DescribeKey", described())
    server.on("GetPublicKey", page(KeyId=ARN, PublicKey="MFkw"))
    server.on("Sign", error("DryRunOperationException"), error("AccessDeniedException"))
    key = KmsKey.find("alias/seal")
    key.try_to_sign()
    assert json.loads(server.asked("Sign")[0].body)["DryRun"] is True
    with pytest.raises(ReporterError) as caught:
        key.try_to_sign()
    assert caught.value.fix == "grant kms:Sign on the key to the job"


def test_what_is_signed_is_sent_raw(server: AwsServer) -> None:
    server.on("DescribeKey", described())
    server.on("GetPublicKey", page(KeyId=ARN, PublicKey="MFkw"))
    server.on("Sign", page(KeyId=ARN, Signature="AAAA", SigningAlgorithm="ECDSA_SHA_256"))
    assert KmsKey.find("alias/seal").sign(b"seal") == b"\0\0\0"
    (asked,) = server.asked("Sign")
    assert json.loads(asked.body) == {"KeyId": ARN, "Message": "c2VhbA==", "MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"}
