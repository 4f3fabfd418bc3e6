from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pandas as pd
import pytest

from reporter.core.errors import Denied, Unavailable
from reporter.sources.s3 import PARTS, SOURCE
from tests.sources.aws_wire import ACCOUNT, Wire, read, reader, wire

__all__ = ["read", "wire"]

Read = Callable[..., dict[str, list[dict[str, Any]]]]

OPERATIONS = {
    "policy": "GetBucketPolicy",
    "public_access_block": "GetPublicAccessBlock",
    "ownership": "GetBucketOwnershipControls",
    "encryption": "GetBucketEncryption",
    "acl": "GetBucketAcl",
}
RIGHTS = {
    "policy": "s3:GetBucketPolicy",
    "public_access_block": "s3:GetBucketPublicAccessBlock",
    "ownership": "s3:GetBucketOwnershipControls",
    "encryption": "s3:GetEncryptionConfiguration",
    "acl": "s3:GetBucketAcl",
}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "<b>", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::cards/*"}],
}


def _make(*names: str, region: str = "us-east-1") -> Any:
    s3 = boto3.client("s3", region)
    for name in names:
        where: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **where)
    return s3


def _encrypted(**default: str) -> str:
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in default.items())
    applied = f"<ApplyServerSideEncryptionByDefault>{inside}</ApplyServerSideEncryptionByDefault>"
    return f"<ServerSideEncryptionConfiguration><Rule>{applied}</Rule></ServerSideEncryptionConfiguration>"


def _page(*names: str, token: str = "", region: str = "<BucketRegion>us-east-1</BucketRegion>") -> str:
    buckets = "".join(f"<Bucket><Name>{name}</Name>{region}</Bucket>" for name in names)
    following = f"<ContinuationToken>{token}</ContinuationToken>" if token else ""
    return f"<ListAllMyBucketsResult><Owner><ID>abc</ID></Owner><Buckets>{buckets}</Buckets>{following}</ListAllMyBucketsResult>"


def test_an_account_without_buckets_still_has_its_own_row(read: Read) -> None:
    found = read(SOURCE, "global")
    assert found["s3_buckets"] == []
    (row,) = found["s3_accounts"]
    assert (row["account"], row["region"], row["restrict_public_buckets"], row["ignore_public_acls"]) == (ACCOUNT, "global", False, False)
    assert row["canonical_id"]


def test_the_accounts_own_public_access_block_is_read(read: Read) -> None:
    block: Any = {"BlockPublicAcls": False, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": True}
    boto3.client("s3control", "us-east-1").put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=block)
    (row,) = read(SOURCE, "global")["s3_accounts"]
    assert (row["restrict_public_buckets"], row["ignore_public_acls"]) == (True, True)


def test_a_bucket_with_nothing_set_blocks_nothing_and_lacks_nothing(read: Read) -> None:
    _make("cards")
    (row,) = read(SOURCE, "global")["s3_buckets"]
    assert (row["name"], row["arn"], row["bucket_region"]) == ("cards", "arn:aws:s3:::cards", "us-east-1")
    assert (row["policy"], row["restrict_public_buckets"], row["ignore_public_acls"], row["ownership"]) == (None, False, False, None)
    assert (row["unread"], row["kms_key_arn"]) == ((), None)
    assert row["acl_grants"] == (f"FULL_CONTROL {row['owner_id']}",)


def test_a_bucket_says_all_that_decides_who_reaches_its_objects(read: Read) -> None:
    s3 = _make("cards")
    s3.put_bucket_policy(Bucket="cards", Policy=json.dumps(POLICY, indent=4))
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    s3.put_bucket_acl(Bucket="cards", ACL="public-read")
    s3.put_public_access_block(Bucket="cards", PublicAccessBlockConfiguration=block)
    s3.put_bucket_ownership_controls(Bucket="cards", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    (row,) = read(SOURCE, "global")["s3_buckets"]
    assert row["policy"] == json.dumps(POLICY, sort_keys=True)
    assert (row["restrict_public_buckets"], row["ignore_public_acls"], row["ownership"]) == (True, False, "ObjectWriter")
    assert row["acl_grants"] == (f"FULL_CONTROL {row['owner_id']}", "READ http://acs.amazonaws.com/groups/global/AllUsers")
    assert row["unread"] == ()


@pytest.mark.parametrize(
    ("default", "arn"),
    [
        ({"SSEAlgorithm": "AES256"}, None),
        ({"SSEAlgorithm": "aws:kms"}, f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/aws/s3"),
        ({"SSEAlgorithm": "aws:kms:dsse", "KMSMasterKeyID": "1234"}, f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234"),
        ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/cards"}, f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/cards"),
        ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:us-east-1:111122223333:key/1"}, "arn:aws:kms:us-east-1:111122223333:key/1"),
    ],
    ids=["no kms", "aws's key", "id", "alias", "other account"],
)
def test_the_default_key_is_an_arn_in_whatever_form_it_was_set(read: Read, wire: Wire, default: dict[str, str], arn: str | None) -> None:
    _make("cards")
    wire.answer("GetBucketEncryption", _encrypted(**default))
    assert read(SOURCE, "global")["s3_buckets"][0]["kms_key_arn"] == arn


def test_each_bucket_is_read_in_its_own_region(read: Read, wire: Wire) -> None:
    _make("cards", region="eu-central-1")
    wire.answer("ListBuckets", _page("cards", region="<BucketRegion>eu-central-1</BucketRegion>"))
    (row,) = read(SOURCE, "global")["s3_buckets"]
    assert row["bucket_region"] == "eu-central-1"
    for operation in OPERATIONS.values():
        assert any("s3.eu-central-1.amazonaws.com" in text for text in wire.requests(operation))
    assert "GetBucketLocation" not in wire.operations()


@pytest.mark.parametrize(("constraint", "region"), [("", "us-east-1"), ("EU", "eu-west-1"), ("eu-central-1", "eu-central-1")])
def test_a_region_that_the_list_does_not_tell_is_asked_for(read: Read, wire: Wire, constraint: str, region: str) -> None:
    _make("cards", region="eu-central-1")
    wire.answer("ListBuckets", _page("cards", region=""))
    wire.answer("GetBucketLocation", f"<LocationConstraint>{constraint}</LocationConstraint>")
    assert read(SOURCE, "global")["s3_buckets"][0]["bucket_region"] == region


def test_a_bucket_whose_region_is_not_told_is_read_all_the_same(read: Read, wire: Wire) -> None:
    _make("cards", "invoices")
    wire.answer("ListBuckets", _page("cards", "invoices", region=""))
    wire.refuse("GetBucketLocation", holds=("cards",))
    cards, invoices = read(SOURCE, "global")["s3_buckets"]
    assert (cards["bucket_region"], cards["unread"]) == (None, ("location",))
    assert (invoices["bucket_region"], invoices["unread"]) == ("us-east-1", ())


def test_two_pages_of_buckets_are_one_list(read: Read, wire: Wire) -> None:
    _make("cards", "invoices")
    wire.answer("ListBuckets", _page("invoices"), holds=("continuation-token=more",))
    wire.answer("ListBuckets", _page("cards", token="more"))
    found = read(SOURCE, "global")
    assert [row["name"] for row in found["s3_buckets"]] == ["cards", "invoices"]
    assert found["s3_accounts"][0]["canonical_id"] == "abc"


@pytest.mark.parametrize("part", PARTS)
def test_a_part_refused_for_one_bucket_is_unread_there_only(read: Read, wire: Wire, part: str) -> None:
    _make("cards", "invoices")
    wire.refuse(OPERATIONS[part], holds=("cards.s3",))
    cards, invoices = read(SOURCE, "global")["s3_buckets"]
    assert (cards["unread"], invoices["unread"]) == ((part,), ())
    if part == "public_access_block":
        assert (pd.isna(cards["restrict_public_buckets"]), pd.isna(cards["ignore_public_acls"])) == (True, True)
    if part == "acl":
        assert (cards["owner_id"], cards["acl_grants"]) == (None, ())


@pytest.mark.parametrize("part", PARTS)
def test_a_part_refused_for_every_bucket_is_refused_for_the_scope(wire: Wire, part: str) -> None:
    _make("cards", "invoices")
    wire.refuse(OPERATIONS[part], holds=(".s3.",))
    with pytest.raises(Denied) as raised:
        SOURCE.fetch(reader(SOURCE, "global"))
    assert raised.value.permission == RIGHTS[part]
    assert raised.value.permission in SOURCE.permissions


def test_two_parts_refused_for_half_of_the_buckets_each_keep_the_scope_readable(read: Read, wire: Wire) -> None:
    _make("cards", "invoices")
    wire.refuse("GetBucketPolicy", holds=("cards.s3",))
    wire.refuse("GetBucketAcl", holds=("invoices.s3",))
    assert [row["unread"] for row in read(SOURCE, "global")["s3_buckets"]] == [("policy",), ("acl",)]


@pytest.mark.parametrize(
    ("operation", "holds", "permission"),
    [("ListBuckets", (), "s3:ListAllMyBuckets"), ("GetPublicAccessBlock", ("s3-control",), "s3:GetAccountPublicAccessBlock")],
)
def test_a_refused_account_call_is_refused_for_the_scope(wire: Wire, operation: str, holds: tuple[str, ...], permission: str) -> None:
    wire.refuse(operation, holds=holds)
    with pytest.raises(Denied) as raised:
        SOURCE.fetch(reader(SOURCE, "global"))
    assert raised.value.permission == permission
    assert permission in SOURCE.permissions


def test_one_bucket_that_does_not_answer_makes_the_scope_unavailable(wire: Wire) -> None:
    _make("cards", "invoices")
    wire.refuse("GetBucketPolicy", code="ServiceUnavailable", status=503, holds=("cards.s3",))
    with pytest.raises(Unavailable):
        SOURCE.fetch(reader(SOURCE, "global"))


def test_a_bucket_deleted_meanwhile_is_left_out(read: Read, wire: Wire) -> None:
    _make("invoices")
    wire.answer("ListBuckets", _page("cards", "invoices"))
    assert [row["name"] for row in read(SOURCE, "global")["s3_buckets"]] == ["invoices"]


@pytest.mark.parametrize("text", ["<html>", "[]", '{"Version":"2012-10-17"', ""], ids=["markup", "list", "cut", "empty"])
def test_a_policy_that_does_not_parse_is_unread_not_absent(read: Read, wire: Wire, text: str) -> None:
    _make("cards")
    wire.answer("GetBucketPolicy", text)
    (row,) = read(SOURCE, "global")["s3_buckets"]
    assert (row["policy"], row["unread"]) == (None, ("policy",))


def test_a_grantee_is_its_id_its_group_or_its_address(read: Read, wire: Wire) -> None:
    _make("cards")
    grantees = ("<ID>abc</ID>", "<URI>http://group</URI>", "<EmailAddress>payments@example.com</EmailAddress>", "")
    grants = "".join(f"<Grant><Grantee>{grantee}</Grantee><Permission>READ</Permission></Grant>" for grantee in grantees)
    wire.answer(
        "GetBucketAcl", f"<AccessControlPolicy><Owner><ID>abc</ID></Owner><AccessControlList>{grants}</AccessControlList></AccessControlPolicy>"
    )
    (row,) = read(SOURCE, "global")["s3_buckets"]
    assert row["acl_grants"] == ("READ abc", "READ http://group", "READ payments@example.com", "READ unknown")
