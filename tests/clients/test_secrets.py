from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from reporter.clients.secrets import rereading, resolve
from reporter.core.errors import ScheduleError
from reporter.core.secret import veiled
from tests.clients.aws_server import aws_environment

WHERE = "workload_protection main"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    aws_environment(monkeypatch, tmp_path)
    with mock_aws():
        yield


def refused(reference: str) -> str:
    with pytest.raises(ScheduleError) as caught:
        resolve(reference, WHERE)
    assert caught.value.where == WHERE
    return str(caught.value)


def test_a_secret_in_the_environment_is_read_without_its_white_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WP_API_KEY", " abc:def \n")
    assert resolve("env:WP_API_KEY", WHERE) == "abc:def"


def test_a_secret_is_read_from_secrets_manager_in_the_region_of_its_arn(aws: None) -> None:
    arn = boto3.client("secretsmanager", region_name="eu-central-1").create_secret(Name="wp", SecretString="abc")["ARN"]
    assert resolve(f"secretsmanager:{arn}", WHERE) == "abc"


def test_a_secret_without_an_arn_is_looked_for_in_the_region_of_the_environment(aws: None) -> None:
    boto3.client("secretsmanager").create_secret(Name="wp", SecretString="abc")
    assert resolve("secretsmanager:wp", WHERE) == "abc"


def test_a_secure_parameter_is_read_decrypted(aws: None) -> None:
    boto3.client("ssm").put_parameter(Name="/reporter/wp", Value="abc", Type="SecureString")
    assert resolve("ssm:/reporter/wp", WHERE) == "abc"


def test_a_variable_that_is_not_set_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WP_API_KEY", raising=False)
    assert "the environment variable WP_API_KEY is not set" in refused("env:WP_API_KEY")


@pytest.mark.parametrize(
    ("reference", "grant"),
    [
        ("secretsmanager:arn:aws:secretsmanager:eu-central-1:111122223333:secret:none", "secretsmanager:GetSecretValue"),
        ("ssm:/none", "ssm:GetParameter and kms:Decrypt"),
    ],
)
def test_a_secret_that_cannot_be_read_says_what_to_grant(aws: None, reference: str, grant: str) -> None:
    assert f"grant {grant}" in refused(reference)


def test_no_region_at_all_is_a_message(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert "NoRegionError" in refused("ssm:/none")


def test_a_binary_secret_is_no_key(aws: None) -> None:
    arn = boto3.client("secretsmanager", region_name="eu-central-1").create_secret(Name="wp", SecretBinary=b"\x00\x01")["ARN"]
    assert "holds no usable key" in refused(f"secretsmanager:{arn}")


@pytest.mark.parametrize("value", ["   ", "two\nlines", "k\N{LATIN SMALL LETTER O WITH DIAERESIS}y", "a\rb", "a\tb"])
def test_a_value_that_cannot_stand_in_a_header_is_refused_and_never_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("WP_API_KEY", value)
    message = refused("env:WP_API_KEY")
    assert "holds no usable key" in message
    assert value not in message


def test_a_secret_that_may_be_rotated_can_be_read_again(aws: None) -> None:
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name="/reporter/wp", Value="yesterday", Type="SecureString")
    again = rereading("ssm:/reporter/wp", WHERE)
    assert again is not None
    assert again() == "yesterday"
    ssm.put_parameter(Name="/reporter/wp", Value="today's", Type="SecureString", Overwrite=True)
    assert again() == "today's"


def test_a_secret_of_the_environment_does_not_change_while_the_process_lives() -> None:
    assert rereading("env:WP_API_KEY", WHERE) is None


def test_a_secret_that_was_read_stands_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WP_API_KEY", "planted-key-of-a-tenant")
    resolve("env:WP_API_KEY", WHERE)
    assert veiled("Authorization: ApiKey planted-key-of-a-tenant") == "Authorization: ApiKey [secret]"
