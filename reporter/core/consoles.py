"""Where the AWS console shows a thing: an address by its id or ARN, in the partition and region that it is in.

Only ids of a known shape have one, and what stands in an address is percent-encoded: all else, and a region whose console is not known, is "". A
reader has to be signed in to the thing's account. Workload Protection publishes no address that leads to a computer: reports name its number instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

HOSTS = {"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
"""partition -> host of its console"""

_REGION = re.compile(r"(?!us-iso|eu-isoe)[a-z]{2}(?:-[a-z]+)+-\d")
_INSTANCE = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_CLASSIC = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?")
_ARN = re.compile(r"arn:([a-z-]+):([a-z0-9-]+):([a-z0-9-]*):(?:\d{12})?:(.+)")


@dataclass(frozen=True)
class _Page:
    """A console page of things of one service: what their ARN ends in, and its path; {1} {2}: what was found there, {arn}: all of it."""

    service: str
    ends: re.Pattern[str]
    path: str
    everywhere: bool = False
    """one console for all regions"""


_PAGES = (
    _Page(
        "guardduty", re.compile(r"detector/[0-9a-f]{32}/finding/([0-9a-f]{32})"), "guardduty/home?region={region}#/findings?macros=current&fId={1}"
    ),
    _Page("inspector2", re.compile(r"finding/[0-9a-f]{32}"), "inspector/v2/home?region={region}#/findings/details/{arn}"),
    _Page(
        "elasticloadbalancing", re.compile(r"loadbalancer/(?:app|net)/[^/]+/[0-9a-f]+"), "ec2/home?region={region}#LoadBalancer:loadBalancerArn={arn}"
    ),
    _Page("s3", re.compile(r"([a-z0-9.-]{3,63})"), "macie/home?region={region}#findings?search=resourcesAffected.s3Bucket.name%3D{1}&macros=current"),
    _Page("wafv2", re.compile(r"regional/webacl/([^/]+)/([^/]+)"), "wafv2/homev2/web-acl/{1}/{2}/overview?region={region}", everywhere=True),
    _Page("wafv2", re.compile(r"global/webacl/([^/]+)/([^/]+)"), "wafv2/homev2/web-acl/{1}/{2}/overview?region=global", everywhere=True),
    _Page("cloudfront", re.compile(r"distribution/([A-Z0-9]+)"), "cloudfront/v4/home#/distributions/{1}", everywhere=True),
    _Page("iam", re.compile(r"role/(?:[!-~]*/)?([^/]+)"), "iam/home#/roles/details/{1}", everywhere=True),
)


def address(thing: object, region: object) -> str:
    """Where the console shows an instance, by its id, or what an ARN names: a finding, load balancer, web ACL, distribution or role.

    A bucket's address is that of its Macie findings. `region` counts where the ARN has none.
    """
    if not isinstance(thing, str):
        return ""
    if _INSTANCE.fullmatch(thing):
        return _at(region, f"ec2/home?region={region}#InstanceDetails:instanceId={thing}")
    arn = _ARN.fullmatch(thing)
    if arn is None:
        return ""
    partition, service, own, rest = arn.groups()
    region = own or region
    for page in _PAGES:
        found = page.ends.fullmatch(rest) if page.service == service else None
        if found:
            return _filled(page, partition, region, thing, found)
    return ""


def classic_load_balancer(name: object, region: object) -> str:
    """Where the console lists a classic load balancer."""
    return _at(region, f"ec2/home?region={region}#LoadBalancers:search={name}") if isinstance(name, str) and _CLASSIC.fullmatch(name) else ""


def _filled(page: _Page, partition: str, region: object, arn: str, found: re.Match[str]) -> str:
    parts = [quote(part, safe="") for part in found.groups()]
    path = page.path.format("", *parts, arn=quote(arn, safe="/"), region=region)
    if page.everywhere and "{region}" not in page.path:
        return f"https://{HOSTS[partition]}/{path}" if partition in HOSTS else ""
    if _partition(region) != partition:
        return ""
    return f"https://{HOSTS[partition]}/{path}" if page.everywhere else _at(region, path)


def _at(region: object, path: str) -> str:
    """A page of a region's own console."""
    partition = _partition(region)
    return f"https://{region}.{HOSTS[partition]}/{path}" if partition else ""


def _partition(region: object) -> str:
    """The partition of a region; "" for what is none whose console is known."""
    if not (isinstance(region, str) and _REGION.fullmatch(region)):
        return ""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
