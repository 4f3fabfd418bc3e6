"""schedule.yaml -> the IAM policies and WP rights that it needs, and no more: the union of what its parts declare.

Three policies: of the role that reads an account, of the role that changes something in it, and of the job itself. Actions are narrowed to the
regions, buckets, secrets, keys, roles and mail identities that the schedule names. What reads a whole account stays `*`: a role reaches nothing
beyond it but other accounts' buckets, and those are shut out by a condition.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import reporter.clients
import reporter.delivery
from reporter.core.action import Action
from reporter.core.permission import By, Conditions, Permission, bucket, objects, partition
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.gather import discover as discover_sources
from reporter.propose import discover as discover_actions
from reporter.schedule import Schedule

Statement: TypeAlias = dict[str, Any]
Document: TypeAlias = dict[str, Any]

LONGEST = 6144
"""characters of a managed policy, white space not counted: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

GLOBAL_REGION = "us-east-1"
"""where web ACLs of CloudFront are read and written"""

CONNECTORS = "view AWS connectors"
"""right at Workload Protection, asked for by `reporter check` alone"""

_BESIDE = ("reporter.opening", "reporter.doors")
_WHOLE_ACCOUNT = ("s3:GetAccountPublicAccessBlock", "s3:ListAllMyBuckets")
_WEB_ACL_PARTS = ("webacl", "rulegroup", "managedruleset", "ipset", "regexpatternset")


def documents(schedule: Schedule, by: By) -> tuple[Document, ...]:
    """The policies of one role, each short enough for IAM."""
    return tuple({"Version": "2012-10-17", "Statement": part} for part in _split(statements(schedule, by)))


def statements(schedule: Schedule, by: By) -> list[Statement]:
    """What one role may do, in a fixed order."""
    if by is By.READ:
        own = [*_read(schedule), *_declared(schedule, By.READ)]
        return [*own, *_act(schedule)] if _without_act_role(schedule) else own
    if by is By.ACT:
        return [*_act(schedule), *_declared(schedule, By.ACT)]
    own = [*_declared(schedule, By.JOB), *_organization()]
    return [*own, *statements(schedule, By.READ)] if _reads_itself(schedule) else own


def rights(schedule: Schedule) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Rights of the roles behind a tenant's keys: tenant -> key -> source or action -> rights, in the words of Workload Protection's API."""
    reading = {"check": [CONNECTORS], **{source.name: list(source.permissions) for source in discover_sources() if source.reach is Reach.TENANT}}
    acting = {action.name: list(action.rights) for action in _switched_on(schedule) if action.rights}
    said: dict[str, dict[str, dict[str, list[str]]]] = {}
    for tenant in schedule.workload_protection:
        apart = tenant.act_key is not None
        said[tenant.name] = {"key": reading, "act_key": acting} if apart else {"key": {**reading, **acting}}
    return said


def printed(schedule: Schedule) -> dict[str, Any]:
    """All of it by part: read, act, job (a policy, or a list where one is too long; an empty one allows nothing) and workload_protection."""
    parts: dict[str, Any] = {}
    for by in By:
        policies = documents(schedule, by)
        parts[by.value] = policies[0] if len(policies) == 1 else list(policies)
    return {**parts, "workload_protection": rights(schedule)}


def implied(schedule: Schedule) -> set[str]:
    """Actions that are granted though no call has their name."""
    return {action for one in permissions() if one.implied and one.resources(schedule) for action in one.actions}


def granted(schedule: Schedule) -> set[str]:
    """Every action of the three policies."""
    return {action for by in By for statement in statements(schedule, by) for action in statement["Action"]}


def permissions() -> tuple[Permission, ...]:
    """What every module of clients/ and delivery/ declares, and those beside them, by name."""
    packages = (reporter.clients, reporter.delivery)
    names = [f"{package.__name__}.{module.name}" for package in packages for module in pkgutil.iter_modules(package.__path__)]
    found = (getattr(importlib.import_module(name), "PERMISSIONS", ()) for name in (*names, *_BESIDE))
    return tuple(sorted((*_EVIDENCE, *(one for some in found for one in some)), key=lambda one: one.name))


def _read(schedule: Schedule) -> Iterator[Statement]:
    """Reading an account: regional services in the schedule's regions, the rest as a whole."""
    listed = discover_sources()
    regional = {action for source in listed if source.reach is Reach.REGIONAL for action in source.permissions}
    regional |= {action for one in _switched_on(schedule) for action in one.reading}
    yield _statement("ReadRegions", regional, ["*"], _regions(schedule, listed))
    everywhere = {action for source in listed if source.reach is Reach.GLOBAL for action in source.permissions}
    buckets = {action for action in everywhere if action.startswith("s3:")} - set(_WHOLE_ACCOUNT)
    yield _statement("ReadGlobal", everywhere - buckets, ["*"])
    own = {"StringEquals": {"aws:ResourceAccount": ("${aws:PrincipalAccount}",)}}
    yield _statement("ReadOwnBuckets", buckets, [f"arn:{partition(schedule)}:s3:::*"], own)


def _act(schedule: Schedule) -> Iterator[Statement]:
    """Changing something in an account."""
    writes = {action for one in _switched_on(schedule) for action in one.permissions}
    if writes:
        parts = [f"arn:{partition(schedule)}:wafv2:*:*:*/{kind}/*/*" for kind in _WEB_ACL_PARTS]
        yield _statement("ChangeWebAcls", writes, parts, _regions(schedule, discover_sources()))


def _organization() -> Iterator[Statement]:
    """The organisation is read with the job's own credentials."""
    actions = {action for source in discover_sources() if source.reach is Reach.ORGANIZATION for action in source.permissions}
    yield _statement("ReadOrganisation", actions, ["*"])


def _declared(schedule: Schedule, by: By) -> Iterator[Statement]:
    for one in permissions():
        resources = one.resources(schedule) if one.by is by else ()
        if resources:
            yield _statement(one.name, one.actions, resources, one.conditions(schedule))


def _switched_on(schedule: Schedule) -> list[Action]:
    return [action for action in discover_actions() if action.mode(schedule.actions) != "off"]


def _regions(schedule: Schedule, listed: Iterable[Source]) -> Conditions:
    if schedule.aws.regions == "all":
        return {}
    also = {GLOBAL_REGION} if any(source.also_global for source in listed) and partition(schedule) == "aws" else set()
    return {"StringEquals": {"aws:RequestedRegion": sorted({*schedule.aws.regions, *also})}}


def _reads_itself(schedule: Schedule) -> bool:
    """Is an account read with the job's own credentials? In an organisation its own account is."""
    return schedule.aws.organization is not None or any(account.role is None for account in schedule.aws.accounts)


def _without_act_role(schedule: Schedule) -> bool:
    """Does the schedule approve writes for good, and names no role to make them with? Then the role that reads makes them."""
    named = [schedule.aws.organization.act_role] if schedule.aws.organization else [account.act_role for account in schedule.aws.accounts]
    return None in named and any(action.permissions and action.mode(schedule.actions) == "apply" for action in discover_actions())


def _statement(name: str, actions: Iterable[str], resources: Sequence[str], conditions: Conditions | None = None) -> Statement:
    said: Statement = {"Sid": name, "Effect": "Allow", "Action": sorted(set(actions)), "Resource": sorted(set(resources))}
    if conditions:
        said["Condition"] = {operator: {key: list(values) for key, values in keys.items()} for operator, keys in conditions.items()}
    return said


def _split(given: Iterable[Statement]) -> list[list[Statement]]:
    """Statements in as few documents as their order allows."""
    parts: list[list[Statement]] = [[]]
    for statement in (piece for whole in given for piece in _pieces(whole)):
        if parts[-1] and size([*parts[-1], statement]) > LONGEST:
            parts.append([])
        parts[-1].append(statement)
    return parts


def _pieces(statement: Statement) -> Iterator[Statement]:
    """A statement, by resources, in pieces that fit."""
    resources = statement["Resource"]
    if size([statement]) <= LONGEST:
        yield statement
        return
    half = len(resources) // 2
    for letter, some in (("A", resources[:half]), ("B", resources[half:])):
        yield from _pieces({**statement, "Sid": statement["Sid"] + letter, "Resource": some})


def size(given: Sequence[Mapping[str, Any]]) -> int:
    """Characters of a policy with these statements, as IAM counts them."""
    return len(json.dumps({"Version": "2012-10-17", "Statement": given}, separators=(",", ":")))


def _key(name: str, schedule: Schedule) -> tuple[str, ...]:
    """ARN of a signing key; of an alias every key, and a condition says which."""
    kind, _, named = name.partition(":")
    if kind != "kms":
        return ()
    if named.startswith("arn:") and ":key/" in named:
        return (named,)
    if named.startswith("arn:"):
        return (f"{named.rpartition(':')[0]}:key/*",)
    return (f"arn:{partition(schedule)}:kms:*:*:key/{'*' if named.startswith('alias/') else named}",)


def _alias(name: str) -> Conditions:
    _, found, alias = name.partition("alias/")
    return {"ForAnyValue:StringEquals": {"kms:ResourceAliases": (f"alias/{alias}",)}} if found else {}


_EVIDENCE = (
    Permission(
        By.JOB,
        "SealPacks",
        ("kms:DescribeKey", "kms:GetPublicKey", "kms:Sign"),
        lambda schedule: _key(schedule.evidence.key, schedule),
        lambda schedule: _alias(schedule.evidence.key),
    ),
    Permission(
        By.JOB,
        "NameTheNextKey",
        ("kms:DescribeKey", "kms:GetPublicKey"),
        lambda schedule: _key(schedule.evidence.next_key, schedule),
        lambda schedule: _alias(schedule.evidence.next_key),
    ),
    Permission(
        By.JOB,
        "BucketOfPacks",
        ("s3:GetBucketObjectLockConfiguration", "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration"),
        lambda schedule: bucket(schedule.evidence.store, schedule),
    ),
    Permission(
        By.JOB,
        "StorePacks",
        ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"),
        lambda schedule: objects(schedule.evidence.store, schedule),
    ),
    Permission(
        By.JOB,
        "LockPacks",
        ("s3:GetObjectRetention", "s3:GetObjectVersion", "s3:PutObjectRetention"),
        lambda schedule: objects(schedule.evidence.store, schedule),
        implied=True,
    ),
)
"""a pack's signature (clients/kms.py) and where packs are kept (clients/pack_bucket.py)"""
