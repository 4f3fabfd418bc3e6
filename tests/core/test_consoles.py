from __future__ import annotations

import re
from typing import Any

import pytest

from reporter.core.consoles import HOSTS, address, classic_load_balancer
from tests.reports.views import HOSTILE

R, A, H = "eu-central-1", "111122223333", "0123456789abcdef0123456789abcdef"
I = "i-0123456789abcdef0"  # noqa: E741
BALANCER = f"arn:aws:elasticloadbalancing:{R}:{A}:loadbalancer/app/shop/666b4555fbe83ce7"
KNOWN = re.compile(r"https://(?:[a-z0-9-]+\.)?(?:" + "|".join(re.escape(host) for host in HOSTS.values()) + r")/[A-Za-z0-9/?=&#%:._~-]+")


@pytest.mark.parametrize(
    ("thing", "shown"),
    [
        (I, f"https://{R}.console.aws.amazon.com/ec2/home?region={R}#InstanceDetails:instanceId={I}"),
        (
            f"arn:aws:guardduty:{R}:{A}:detector/{H}/finding/{H}",
            f"https://{R}.console.aws.amazon.com/guardduty/home?region={R}#/findings?macros=current&fId={H}",
        ),
        (
            f"arn:aws:inspector2:{R}:{A}:finding/{H}",
            f"https://{R}.console.aws.amazon.com/inspector/v2/home?region={R}#/findings/details/arn%3Aaws%3Ainspector2%3A{R}%3A{A}%3Afinding/{H}",
        ),
        (
            "arn:aws:s3:::invoices-1",
            f"https://{R}.console.aws.amazon.com/macie/home?region={R}#findings?search=resourcesAffected.s3Bucket.name%3Dinvoices-1&macros=current",
        ),
        (
            BALANCER,
            f"https://{R}.console.aws.amazon.com/ec2/home?region={R}#LoadBalancer:loadBalancerArn={BALANCER.replace(':', '%3A')}",
        ),
        (
            f"arn:aws:wafv2:eu-west-1:{A}:regional/webacl/acl shop/{H}",
            f"https://console.aws.amazon.com/wafv2/homev2/web-acl/acl%20shop/{H}/overview?region=eu-west-1",
        ),
        (
            f"arn:aws:wafv2:us-east-1:{A}:global/webacl/cdn/{H}",
            f"https://console.aws.amazon.com/wafv2/homev2/web-acl/cdn/{H}/overview?region=global",
        ),
        (f"arn:aws:cloudfront::{A}:distribution/I2DF350BUDHOU", "https://console.aws.amazon.com/cloudfront/v4/home#/distributions/I2DF350BUDHOU"),
        (f"arn:aws:iam::{A}:role/teams/web/reader", "https://console.aws.amazon.com/iam/home#/roles/details/reader"),
    ],
)
def test_what_a_report_names_has_an_address(thing: str, shown: str) -> None:
    assert address(thing, R) == shown
    assert KNOWN.fullmatch(shown)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-northwest-1", "cn-northwest-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ("us-east-1", "us-east-1.console.aws.amazon.com"),
    ],
)
def test_each_partition_has_a_console_of_its_own(region: str, host: str) -> None:
    assert address(I, region).startswith(f"https://{host}/ec2/home?region={region}#")


@pytest.mark.parametrize("region", ["us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "eusc-de-east-1", "global", "-", None, "evil.example/#-1"])
def test_a_region_whose_console_is_not_known_has_none(region: Any) -> None:
    assert address(I, region) == ""
    assert classic_load_balancer("old", region) == ""


def test_a_region_of_another_partition_than_the_arn_has_none() -> None:
    assert address(BALANCER.replace("arn:aws:", "arn:aws-cn:"), R) == ""
    assert address("arn:aws-iso:iam::111122223333:role/reader", R) == ""


@pytest.mark.parametrize("thing", ["", "*", None, 7, "i-1", f"arn:aws:iam::{A}:root", f"arn:aws:ecr:{R}:{A}:repository/shop/sha256:{H}", "first run"])
def test_what_no_console_shows_by_its_id_has_none(thing: Any) -> None:
    assert address(thing, R) == ""


def test_a_classic_load_balancer_is_found_by_its_name() -> None:
    assert classic_load_balancer("old-bare", R) == f"https://{R}.console.aws.amazon.com/ec2/home?region={R}#LoadBalancers:search=old-bare"
    assert classic_load_balancer(BALANCER, R) == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_never_leaves_its_place_in_an_address(text: str) -> None:
    things = (text, f"arn:aws:s3:::{text}", f"arn:aws:iam::{A}:role/{text}", f"arn:aws:wafv2:{R}:{A}:regional/webacl/{text}/{text}", I)
    for shown in [*(address(thing, R) for thing in things), address(I, text), classic_load_balancer(text, R)]:
        assert not shown or KNOWN.fullmatch(shown)
