"""The shape in which a part of the program declares the IAM actions that it uses: by whom, and on what. Declared as PERMISSIONS beside the calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Conditions: TypeAlias = Mapping[str, Mapping[str, Sequence[str]]]
"""IAM's own form: operator -> key -> values"""


class By(StrEnum):
    """Whose rights they are: the role that reads an account, the role that changes something in it, or the job's own."""

    READ = "read"
    ACT = "act"
    JOB = "job"


def everything(schedule: Any) -> Sequence[str]:
    """For actions that IAM cannot narrow to a resource, or that are used on everything in the account."""
    del schedule
    return ("*",)


def always(schedule: Any) -> Conditions:
    del schedule
    return {}


@dataclass(frozen=True)
class Permission:
    """IAM actions that are used together. `name` becomes the statement's Sid.

    `resources(schedule)` -> ARNs; none: the schedule does not use them. `conditions(schedule)` -> IAM's condition block. `implied`: AWS asks for them
    in answering other calls (a key that decrypts a secret), so they are never calls of their own.
    """

    by: By
    name: str
    actions: tuple[str, ...]
    resources: Callable[[Any], Sequence[str]] = everything
    conditions: Callable[[Any], Conditions] = always
    implied: bool = False


def partition(schedule: Any) -> str:
    """Partition of AWS that a schedule is about: as its roles say, else its regions."""
    aws = schedule.aws
    for role in (role for account in aws.accounts for role in (account.role, account.act_role) if role):
        return str(role.split(":")[1])
    regions = () if aws.regions == "all" else aws.regions
    return next((kind for stem, kind in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")) if any(region.startswith(stem) for region in regions)), "aws")


def bucket(url: str, schedule: Any) -> tuple[str, ...]:
    """ARN of the bucket in s3://bucket/prefix; none for what is no bucket."""
    return (f"arn:{partition(schedule)}:s3:::{url.removeprefix('s3://').partition('/')[0]}",) if url.startswith("s3://") else ()


def objects(url: str, schedule: Any) -> tuple[str, ...]:
    """ARN of everything below s3://bucket/prefix; none for what is no bucket."""
    prefix = url.removeprefix("s3://").partition("/")[2].strip("/")
    return tuple(f"{arn}/{prefix + '/' if prefix else ''}*" for arn in bucket(url, schedule))


def below(url: str) -> Conditions:
    """Listing a bucket below the prefix only."""
    prefix = url.removeprefix("s3://").partition("/")[2].strip("/")
    return {"StringLike": {"s3:prefix": (f"{prefix}/*",)}} if prefix else {}
