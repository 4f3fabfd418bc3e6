"""Files put into a bucket of the sandbox, and links to them."""

from __future__ import annotations

import os
import socket
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from reporter.clients.links import Links
from reporter.core.errors import Denied, Unavailable
from tests.clients.aws_server import HTML, Answer, AwsServer, server
from tests.sandbox.aws.conftest import REGION, Door, aws, running

__all__ = ["aws", "running", "server"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE12", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize(
    ("url", "key"), [("s3://files", "a/page.html"), ("s3://files/mails/", "mails/a/page.html"), ("s3://files/x/y", "x/y/a/page.html")]
)
def test_a_file_is_put_encrypted_and_read_through_its_link(aws: Door, environment: pytest.MonkeyPatch, url: str, key: str) -> None:
    environment.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": REGION})
    link = Links.at(url, 3).put("a/page.html", b"<p>page")
    got = requests.get(link, timeout=20)
    assert (got.content, got.headers["Content-Type"]) == (b"<p>page", "text/html; charset=utf-8")
    assert got.headers["Content-Disposition"] == 'attachment; filename="page.html"'
    assert s3.head_object(Bucket="files", Key=key)["ServerSideEncryption"] == "AES256"
    asked = parse_qs(urlsplit(link).query)
    assert asked["X-Amz-Expires"] == ["10800"]
    assert f"/{REGION}/s3/" in asked["X-Amz-Credential"][0]


def test_the_same_name_is_put_over(aws: Door, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    aws.client("s3").create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": REGION})
    links = Links.at("s3://files", 1)
    links.put("x.bin", b"1")
    assert requests.get(links.put("x.bin", b"2"), timeout=20).content == b"2"


def test_a_link_to_aws_names_the_buckets_region(server: AwsServer, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", server.url)
    server.on("HEAD /files", Answer(b"", headers=(("x-amz-bucket-region", "ap-southeast-2"),)))
    server.on("PUT /files/x.bin", Answer(b"", content_type="application/xml"))
    assert "%2Fap-southeast-2%2Fs3%2F" in Links.at("s3://files", 1).put("x.bin", b"1")


def test_a_missing_right_is_denied_with_the_permission(server: AwsServer, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", server.url)
    server.on("HEAD /files", Answer(b"", status=403))
    with pytest.raises(Denied) as caught:
        Links.at("s3://files", 1).put("x.bin", b"1")
    assert caught.value.permission == "s3:ListBucket"
    assert "s3://files" in caught.value.message


def test_a_page_that_is_not_of_aws_is_unavailable(server: AwsServer, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", server.url)
    server.on("HEAD /files", Answer(b"", headers=(("x-amz-bucket-region", REGION),)))
    server.on("PUT /files/x.bin", Answer(HTML, status=502, content_type="text/html"))
    environment.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(Unavailable):
        Links.at("s3://files", 1).put("x.bin", b"1")


def test_no_way_there_is_unavailable(environment: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
    environment.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(Unavailable):
        Links.at("s3://files", 1).put("x.bin", b"1")


def test_an_answer_of_no_is_said(server: AwsServer, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", server.url)
    server.on("HEAD /files", Answer(b"", headers=(("x-amz-bucket-region", REGION),)))
    server.on(
        "PUT /files/x.bin", Answer(b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>", status=403, content_type="application/xml")
    )
    with pytest.raises(Denied) as caught:
        Links.at("s3://files", 1).put("x.bin", b"1")
    assert caught.value.permission == "s3:PutObject"
