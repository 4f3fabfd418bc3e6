from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from .conftest import OTHER, Door
from .samples import distribution_config

ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/1"


def test_distributions_by_web_acl_and_those_without(aws: Door) -> None:
    client = aws.client("cloudfront")
    with_acl = {client.create_distribution(DistributionConfig=distribution_config(f"a{i}", ACL))["Distribution"]["Id"] for i in range(3)}
    without = client.create_distribution(DistributionConfig=distribution_config("b"))["Distribution"]["Id"]
    found, marker = [], ""
    while True:
        answer = client.list_distributions_by_web_acl_id(WebACLId=ACL, MaxItems="2", **({"Marker": marker} if marker else {}))["DistributionList"]
        found += [item["Id"] for item in answer["Items"]]
        marker = answer.get("NextMarker", "")
        if not answer["IsTruncated"]:
            break
    assert (len(found), set(found)) == (3, with_acl)
    answer = client.list_distributions_by_web_acl_id(WebACLId="null")["DistributionList"]
    assert [item["Id"] for item in answer["Items"]] == [without]


def test_no_distribution_means_no_items_key(aws: Door) -> None:
    answer = aws.client("cloudfront").list_distributions_by_web_acl_id(WebACLId=ACL)["DistributionList"]
    assert (answer["Quantity"], answer["IsTruncated"], "Items" in answer) == (0, False, False)


def test_a_change_must_name_the_version_it_read(aws: Door) -> None:
    client = aws.client("cloudfront")
    made = client.create_distribution(DistributionConfig=distribution_config())
    identifier, first = made["Distribution"]["Id"], made["ETag"]
    second = client.update_distribution(Id=identifier, IfMatch=first, DistributionConfig=distribution_config(web_acl=ACL))["ETag"]
    assert client.get_distribution_config(Id=identifier)["DistributionConfig"]["WebACLId"] == ACL
    assert client.get_distribution(Id=identifier)["ETag"] == second != first
    with pytest.raises(client.exceptions.PreconditionFailed):
        client.update_distribution(Id=identifier, IfMatch=first, DistributionConfig=distribution_config())
    with pytest.raises(client.exceptions.InvalidIfMatchVersion):
        client.update_distribution(Id=identifier, DistributionConfig=distribution_config())
    with pytest.raises(client.exceptions.PreconditionFailed):
        client.delete_distribution(Id=identifier, IfMatch=first)
    client.delete_distribution(Id=identifier, IfMatch=second)
    with pytest.raises(ClientError, match="NoSuchDistribution"):
        client.update_distribution(Id=identifier, IfMatch=second, DistributionConfig=distribution_config())


def test_another_account_has_its_own_distributions(aws: Door) -> None:
    aws.client("cloudfront").create_distribution(DistributionConfig=distribution_config())
    assert aws.client("cloudfront", key=aws.assumed(OTHER)).list_distributions()["DistributionList"]["Quantity"] == 0
