from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import HOME, OTHER, Door


def test_buckets_come_in_pages_with_their_region(aws: Door) -> None:
    client = aws.client("s3")
    aws.client("s3", region="us-east-1").create_bucket(Bucket="bucket-in-virginia")
    for number in range(4):
        client.create_bucket(Bucket=f"bucket-{number}", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    pages = [page["Buckets"] for page in client.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 2})]
    assert [len(page) for page in pages] == [2, 2, 1]
    regions = {bucket["Name"]: bucket["BucketRegion"] for page in pages for bucket in page}
    assert (regions["bucket-0"], regions["bucket-in-virginia"]) == ("eu-central-1", "us-east-1")
    assert len(client.list_buckets()["Buckets"]) == 5
    assert [bucket["Name"] for bucket in client.list_buckets(BucketRegion="us-east-1")["Buckets"]] == ["bucket-in-virginia"]
    assert len(client.list_buckets(Prefix="bucket-in")["Buckets"]) == 1


def test_buckets_of_another_account_are_not_listed(aws: Door) -> None:
    aws.client("s3", region="us-east-1").create_bucket(Bucket="bucket-of-one")
    assert aws.client("s3", key=aws.assumed(OTHER)).list_buckets()["Buckets"] == []


def test_a_made_up_token_is_refused(aws: Door) -> None:
    with pytest.raises(ClientError, match="InvalidArgument"):
        aws.client("s3").list_buckets(ContinuationToken="made-up")


def plain_host(client: Any, endpoint: str) -> Any:
    """s3control puts the account in front of the host; on a loopback address it must go, as the reader does it."""
    client.meta.events.register("before-send.s3-control", lambda request, **_: setattr(request, "url", request.url.replace(f"{HOME}.127", "127")))
    return client


def test_the_accounts_public_access_block(aws: Door) -> None:
    client = plain_host(aws.client("s3control"), aws.endpoint)
    with pytest.raises(ClientError, match="NoSuchPublicAccessBlockConfiguration"):
        client.get_public_access_block(AccountId=HOME)
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": False}
    client.put_public_access_block(AccountId=HOME, PublicAccessBlockConfiguration=block)
    assert client.get_public_access_block(AccountId=HOME)["PublicAccessBlockConfiguration"] == block
    assert [(row["service"], row["operation"], row["write"]) for row in aws.calls()][-2:] == [
        ("s3control", "PutPublicAccessBlock", True),
        ("s3control", "GetPublicAccessBlock", False),
    ]


def test_an_object_with_a_long_body_and_an_odd_key(aws: Door) -> None:
    client = aws.client("s3", region="us-east-1")
    client.create_bucket(Bucket="bucket-of-objects")
    body = bytes(range(256)) * 4000
    client.put_object(Bucket="bucket-of-objects", Key="sandbox/a b%2F&=é", Body=body)
    assert client.get_object(Bucket="bucket-of-objects", Key="sandbox/a b%2F&=é")["Body"].read() == body
    assert client.head_object(Bucket="bucket-of-objects", Key="sandbox/a b%2F&=é")["ContentLength"] == len(body)
