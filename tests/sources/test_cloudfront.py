from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from reporter.core.errors import Denied, Unavailable
from reporter.sources.cloudfront import SOURCE
from tests.sources.aws_wire import ACCOUNT, Wire, read, reader, wire

__all__ = ["read", "wire"]

Read = Callable[..., dict[str, list[dict[str, Any]]]]
WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/edge/1"


def _create(*origins: str, web_acl: str = "") -> str:
    items: Any = [
        {"Id": name, "DomainName": name, "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}
        for name in origins
    ]
    behaviour: Any = {"TargetOriginId": origins[0], "ViewerProtocolPolicy": "https-only"}
    config: Any = {
        "CallerReference": origins[0],
        "Origins": {"Quantity": len(items), "Items": items},
        "DefaultCacheBehavior": behaviour,
        "Comment": "=1+1",
        "Enabled": False,
        "WebACLId": web_acl,
    }
    return str(boto3.client("cloudfront", "us-east-1").create_distribution(DistributionConfig=config)["Distribution"]["ARN"])


def test_an_empty_account_has_no_rows(read: Read) -> None:
    assert read(SOURCE, "global") == {"distributions": []}


def test_a_distribution_names_its_web_acl_and_its_origins(read: Read) -> None:
    arn = _create("Shop-1.us-east-1.elb.amazonaws.com", "a.example.com", web_acl=WEB_ACL)
    (row,) = read(SOURCE, "global")["distributions"]
    assert (row["account"], row["region"], row["arn"], row["enabled"]) == (ACCOUNT, "global", arn, False)
    assert row["web_acl"] == WEB_ACL
    assert row["origin_domains"] == ("a.example.com", "shop-1.us-east-1.elb.amazonaws.com")
    assert row["domain_name"].endswith(".cloudfront.net")


def test_no_web_acl_is_none(read: Read) -> None:
    _create("a.example.com")
    assert read(SOURCE, "global")["distributions"][0]["web_acl"] is None


def test_a_web_acl_of_waf_classic_keeps_its_bare_id(read: Read) -> None:
    _create("a.example.com", web_acl="473e64fd-f30b-4765-81a0-62ad96dd167a")
    assert read(SOURCE, "global")["distributions"][0]["web_acl"] == "473e64fd-f30b-4765-81a0-62ad96dd167a"


def _page(number: int, following: str = "") -> str:
    summary = (
        f"<DistributionSummary><ARN>arn:{number}</ARN><DomainName>D{number}.cloudfront.net</DomainName><Enabled>true</Enabled>"
        "<Origins><Quantity>0</Quantity></Origins></DistributionSummary>"
    )
    more = f"<NextMarker>{following}</NextMarker><IsTruncated>true</IsTruncated>" if following else "<IsTruncated>false</IsTruncated>"
    return f"<DistributionList>{more}<Items>{summary}</Items></DistributionList>"


def test_two_pages_are_one_answer(read: Read, wire: Wire) -> None:
    wire.answer("ListDistributions", _page(1, "more"), times=1)
    wire.answer("ListDistributions", _page(2), holds=("Marker=more",))
    rows = read(SOURCE, "global")["distributions"]
    assert [(row["arn"], row["domain_name"], row["origin_domains"]) for row in rows] == [
        ("arn:1", "d1.cloudfront.net", ()),
        ("arn:2", "d2.cloudfront.net", ()),
    ]


def test_a_refusal_names_the_permission(wire: Wire) -> None:
    wire.refuse("ListDistributions")
    with pytest.raises(Denied) as raised:
        SOURCE.fetch(reader(SOURCE, "global"))
    assert raised.value.permission == "cloudfront:ListDistributions"
    assert raised.value.permission in SOURCE.permissions


def test_a_distribution_that_does_not_say_whether_it_serves_is_no_answer(wire: Wire) -> None:
    wire.answer("ListDistributions", _page(1).replace("<Enabled>true</Enabled>", ""))
    with pytest.raises(Unavailable, match="Enabled"):
        SOURCE.fetch(reader(SOURCE, "global"))
