"""Where AWS calls go instead of AWS."""

from __future__ import annotations

from pathlib import Path

import pytest

from reporter.clients.aws import AwsClients
from reporter.clients.aws_sessions import endpoint_override
from tests.clients.aws_server import aws_environment


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    aws_environment(monkeypatch, tmp_path)


def test_without_an_override_it_is_empty() -> None:
    assert AwsClients().endpoint_override == ""


def test_overrides_of_all_and_of_single_services_are_named() -> None:
    env = {"AWS_ENDPOINT_URL": "http://127.0.0.1:5000", "AWS_ENDPOINT_URL_S3": "http://user:secret@127.0.0.1:5001", "AWS_ENDPOINT_URL_EC2": ""}
    assert endpoint_override(env) == "http://127.0.0.1:5000, http://127.0.0.1:5001"


def test_overrides_that_boto3_is_told_to_ignore_are_none() -> None:
    assert endpoint_override({"AWS_ENDPOINT_URL": "http://127.0.0.1:5000", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}) == ""


def test_a_profiles_override_is_named(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "[default]\nendpoint_url = http://127.0.0.1:6000\nservices = local\n[services local]\ns3 =\n  endpoint_url = http://127.0.0.1:6001\n"
    )
    assert endpoint_override({}) == "http://127.0.0.1:6000, http://127.0.0.1:6001"


def test_a_profile_that_does_not_exist_overrides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert endpoint_override({}) == ""
