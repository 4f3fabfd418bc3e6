"""Results as the records of other systems tell them: which rows, under which lasting id, about which thing.

The id of a row holds no number of a run: the same check, resource, account and region have the same id every night. What is longer than a format
allows is cut where a reader sees it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from reporter.core.result import Status
from reporter.core.scope import GLOBAL
from reporter.core.text import flat
from reporter.reports.view import View
from reporter.tables.joined import RESULTS

PRODUCT = "workload-compliance-reporter"
NAME = "Workload Compliance Reporter"
OPEN = (Status.FAIL.value, Status.UNKNOWN.value, Status.WAIVED.value)
"""what somebody has to look at; a failure that was accepted is still one"""
POPULATION = "*"
"""resource of a result that stands for resources that could not be listed"""

_ACCOUNT = re.compile(r"\d{12}")
_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")
_ARN = re.compile(r"arn:([a-z-]+):([a-z0-9-]*):([a-z0-9-]*):(\d*):(.+)", re.DOTALL)
_CLASSIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
HOME = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""partition -> the region in which it keeps what is global"""
_KINDS = (
    ("elasticloadbalancing", "loadbalancer/app/", "AwsElbv2LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
    ("elasticloadbalancing", "loadbalancer/net/", "AwsElbv2LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
    ("elasticloadbalancing", "loadbalancer/", "AwsElbLoadBalancer", "AWS::ElasticLoadBalancing::LoadBalancer"),
    ("cloudfront", "distribution/", "AwsCloudFrontDistribution", "AWS::CloudFront::Distribution"),
    ("iam", "role/", "AwsIamRole", "AWS::IAM::Role"),
    ("ecr", "repository/", "AwsEcrContainerImage", "AWS::ECR::Image"),
    ("wafv2", "", "AwsWafv2WebAcl", "AWS::WAFv2::WebACL"),
    ("ec2", "instance/", "AwsEc2Instance", "AWS::EC2::Instance"),
    ("s3", "", "AwsS3Bucket", "AWS::S3::Bucket"),
)
"""service, what its ARN goes on with, type in Security Hub, type in CloudFormation"""


class Row(NamedTuple):
    """One result. Instants are ISO 8601 or None; texts are as the world wrote them."""

    check_id: str
    account: str
    region: str
    resource: str
    status: str
    severity: str
    reason: str
    observed: str
    expected: str
    owner: str | None
    first_seen: str | None
    waiver: str | None
    due: str | None
    unread: bool

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def in_aws(self) -> bool:
        """Does it belong to an account of AWS? What is said of the chain itself, or of a tenant, does not."""
        return _ACCOUNT.fullmatch(self.account) is not None


class Thing(NamedTuple):
    """What a result is about. `region`: where it is, or where its partition keeps what is global."""

    asff: str
    cloudformation: str
    id: str
    partition: str
    region: str


def rows(view: View, wanted: Callable[[pd.DataFrame], pd.Series] | None = None) -> Iterator[Row]:
    """Results by check, account, region and resource; all, or those that are wanted."""
    frame = view.results
    if wanted is not None:
        frame = frame[wanted(frame)]
    frame = frame.sort_values(["check_id", "account", "region", "resource"], kind="stable")
    columns = [_plain(frame, name) for name in Row._fields]
    return map(Row._make, zip(*columns, strict=True))


def to_export(view: View) -> Iterator[Row]:
    """The rows that are exported: open ones, or all."""
    return rows(view) if view.export_all else rows(view, lambda frame: frame["status"].isin(OPEN))


def instants(values: pd.Series) -> list[str | None]:
    """A column of instants as ISO 8601, to the second."""
    whole = pd.to_datetime(values, utc=True).dt.tz_convert(None).to_numpy(dtype="datetime64[s]")
    return [None if text == "NaT" else f"{text}Z" for text in np.datetime_as_string(whole, unit="s").tolist()]


def _plain(frame: pd.DataFrame, name: str) -> Sequence[Any]:
    values = frame[name]
    if name in ("first_seen", "due"):
        return instants(values)
    if name == "unread":
        return [bool(value) for value in values.fillna(value=False)]
    missing = None if name in ("owner", "waiver") else ""
    filled: list[Any] = values.astype("object").where(values.notna(), missing).tolist()
    return filled


def identifier(chain: str, check_id: str, account: str, region: str, resource: str, longest: int = 512) -> str:
    """The id of a result that lasts from run to run, without blanks; of a longer one the end is its SHA-256."""
    whole = f"{PRODUCT}/{chain}/{check_id}/{account}/{region}/{resource}"
    if len(whole) <= longest and whole.isascii() and whole.isprintable() and " " not in whole:
        return whole
    kept = re.sub(r"[^!-~]", "_", whole)
    return f"{kept[: longest - 65]}-{hashlib.sha256(whole.encode()).hexdigest()}"


@lru_cache(maxsize=65536)
def thing(account: str, region: str, resource: str) -> Thing:
    """What a row of an account is about; of one that could not be listed, and of the account itself: the account."""
    arn = _ARN.fullmatch(resource)
    partition = arn[1] if arn and arn[1] in HOME else _partition(region)
    place = HOME[partition] if region == GLOBAL else region
    if resource in (POPULATION, f"arn:{partition}:iam::{account}:root"):
        return Thing("AwsAccount", "AWS::::Account", f"AWS::::Account:{account}", partition, place)
    if _INSTANCE.fullmatch(resource):
        return Thing("AwsEc2Instance", "AWS::EC2::Instance", f"arn:{partition}:ec2:{place}:{account}:instance/{resource}", partition, place)
    if arn is None and _CLASSIC.fullmatch(resource):
        name = f"arn:{partition}:elasticloadbalancing:{place}:{account}:loadbalancer/{resource}"
        return Thing("AwsElbLoadBalancer", "AWS::ElasticLoadBalancing::LoadBalancer", name, partition, place)
    for service, stem, asff, cloudformation in _KINDS if arn else ():
        if arn and arn[2] == service and arn[5].startswith(stem):
            return Thing(asff, cloudformation, cut(resource, 512), partition, place)
    return Thing("Other", "Other", cut(resource, 512) or "-", partition, place)


def _partition(region: str) -> str:
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


@lru_cache(maxsize=65536)
def cut(text: str, longest: int) -> str:
    """Text from the world as one line of at most so many characters (as UTF-16 counts them, which is never fewer), cut where a reader sees it."""
    line = flat(text)
    if len(line) <= longest and (line.isascii() or _utf16(line) <= longest):
        return line
    line = line[: longest - 1]
    while _utf16(line) > longest - 1:
        line = line[: len(line) - max(1, (_utf16(line) - longest + 1) // 2)]
    return line.rstrip() + "…"


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def sentence(row: Row, longest: int) -> str:
    """What was found, against what is expected."""
    parts = [row.reason or "no reason given"]
    if row.status == Status.WAIVED.value:
        parts.insert(0, f"Accepted, not put right ({row.waiver or 'no exception named'}):")
    parts += [f"Observed: {row.observed}."] if row.observed else []
    parts += [f"Expected: {row.expected}."] if row.expected else []
    return cut(" ".join(parts), longest)


def requirements(view: View) -> dict[str, list[tuple[str, str]]]:
    """Check -> (framework, control id) of the controls whose status rests on it."""
    found: dict[str, list[tuple[str, str]]] = {}
    controls = view.controls().sort_values(["framework", "control_id"], kind="stable")
    for framework, control, checks in zip(controls["framework"], controls["control_id"], controls["checks"], strict=True):
        for check in checks:
            found.setdefault(check, []).append((framework, control))
    return found


def titles(view: View) -> dict[str, str]:
    """Check -> its title."""
    return {check.id: check.title for check in view.checks}


assert set(Row._fields) <= set(RESULTS.names)  # noqa: S101  # a result's own columns
