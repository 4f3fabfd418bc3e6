"""An answer that is not whole is never an empty page."""

from __future__ import annotations

import pytest

from reporter.core.errors import Unavailable
from tests.clients.aws_readers import ACCOUNT, REGION, reader
from tests.clients.aws_server import HTML, Answer, AwsServer, server

__all__ = ["server"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b'{"detectorIds": ["a"', 200),
        Answer(b'{"detectorIds": ["a"]} trailing', 200),
        Answer(b'["a"]', 200),
        Answer(b"null", 200),
        Answer(b"", 200),
        Answer(b'{"detectorIds": "a"}', 200),
        Answer(b'{"detectorIds": 7}', 200),
        Answer(b'{"detectorIds": {}}', 200),
        Answer(b'\xff{"detectorIds": []}', 200),
        Answer(HTML, 200, "text/html"),
        Answer(HTML, 404, "text/html"),
        Answer(HTML, 403, "text/html"),
        Answer(b"<!doctype html><html></html>", 500, "text/html"),
        Answer(b'{"message": "Not yet implemented"}', 404),
        Answer(b"{}", 503),
        Answer(b"\xff\xfe", 500),
        Answer(b'{"detectorIds": ["a"]}', fault="cut"),
        Answer(b"", fault="reset"),
    ],
    ids=lambda answer: f"{answer.status}-{answer.fault or answer.body[:22]!r}",
)
def test_what_is_no_whole_answer_is_unavailable(server: AwsServer, answer: Answer) -> None:
    server.on("GET /detector", answer)
    with pytest.raises(Unavailable, match=f"guardduty:ListDetectors in {ACCOUNT} {REGION}"):
        reader().items("guardduty", "list_detectors", "DetectorIds")


@pytest.mark.parametrize(
    "body",
    [
        b"<html></html>",
        b"<!doctype html><html><body/></html>",
        b"",
        b"<DescribeInstancesResponse><reservationSet>",
        b'<?xml version="1.0"?><OtherResponse><reservationSet/></OtherResponse>',
        b"not a document",
    ],
)
def test_broken_xml_is_unavailable_never_an_empty_page(server: AwsServer, body: bytes) -> None:
    server.on("DescribeInstances", Answer(body, content_type="text/xml"))
    with pytest.raises(Unavailable, match="broken page"):
        reader("ec2").items("ec2", "describe_instances", "Reservations")


@pytest.mark.parametrize("body", [b"null", b"\xff", HTML])
def test_an_answer_that_carries_nothing_is_an_object_all_the_same(server: AwsServer, body: bytes) -> None:
    server.on("StartConfigRulesEvaluation", Answer(body))
    with pytest.raises(Unavailable):
        reader("config").call("config", "start_config_rules_evaluation", ConfigRuleNames=["a"])


def test_a_query_answer_without_its_result_is_unavailable(server: AwsServer) -> None:
    server.on("ListRoles", Answer(b"<ListRolesResponse/>", content_type="text/xml"))
    with pytest.raises(Unavailable, match="broken page"):
        reader("iam").items("iam", "list_roles", "Roles")


@pytest.mark.parametrize("body", [b"<html><body/></html>", b"", b"<ListAllMyBucketsResult><Buckets>"])
def test_a_broken_bucket_list_is_unavailable(server: AwsServer, body: bytes) -> None:
    server.on("GET /", Answer(body, content_type="application/xml"))
    with pytest.raises(Unavailable, match="s3:ListBuckets in"):
        reader("s3").items("s3", "list_buckets", "Buckets")


def test_xml_with_a_declaration_and_a_comment_is_read(server: AwsServer) -> None:
    xml = b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- x -->\n<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet/></DescribeInstancesResponse>'
    server.on("DescribeInstances", Answer(xml, content_type="text/xml"))
    assert reader("ec2").items("ec2", "describe_instances", "Reservations") == []


def test_a_typed_page_that_ends_early_is_unavailable(server: AwsServer) -> None:
    server.on("POST /findings/list", Answer(b'{"findings": []}', fault="cut"))
    with pytest.raises(Unavailable, match="16 bytes of 116"):
        reader("inspector").items("inspector2", "list_findings", "findings")


def test_an_answer_that_carries_nothing_may_be_empty(server: AwsServer) -> None:
    server.on("POST /detector/d1/findings/archive", Answer(b""))
    assert set(reader().call("guardduty", "archive_findings", DetectorId="d1", FindingIds=["f"])) == {"ResponseMetadata"}


def test_a_text_in_the_body_is_no_document(server: AwsServer) -> None:
    server.on("GET /bucket", Answer(b'{"Version": "2012-10-17"}'))
    assert reader("s3").call("s3", "get_bucket_policy", Bucket="bucket")["Policy"] == '{"Version": "2012-10-17"}'


def test_nulls_stand_for_what_is_absent(server: AwsServer) -> None:
    server.on("GET /detector", Answer(b'{"detectorIds": ["a"], "nextToken": null}'))
    assert reader().items("guardduty", "list_detectors", "DetectorIds") == ["a"]


def test_a_request_id_is_kept_behind_the_typed_decoder_too(server: AwsServer) -> None:
    server.on("POST /findings/list", Answer(b'{"findings": []}', headers=(("x-amzn-RequestId", "r-1"),)))
    assert reader("inspector").call("inspector2", "list_findings")["ResponseMetadata"]["RequestId"] == "r-1"
