"""S3: buckets with all that decides who may reach their objects, and the account's own public access block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from reporter.clients.aws import AwsReader
from reporter.core.answers import field, policy_document
from reporter.core.errors import Denied
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.aws import S3_ACCOUNTS, S3_BUCKETS

PAGE = 10_000
GONE = "NoSuchBucket"

Answers: TypeAlias = Mapping[str, dict[str, Any] | Denied]
"""Part of a bucket -> the answer ({}: nothing is set), or the refusal."""

PARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "policy": ("get_bucket_policy", ("NoSuchBucketPolicy", GONE)),
    "public_access_block": ("get_public_access_block", ("NoSuchPublicAccessBlockConfiguration", GONE)),
    "ownership": ("get_bucket_ownership_controls", ("OwnershipControlsNotFoundError", GONE)),
    "encryption": ("get_bucket_encryption", ("ServerSideEncryptionConfigurationNotFoundError", GONE)),
    "acl": ("get_bucket_acl", (GONE,)),
}
"""What is asked of every bucket, in this order, and the errors that mean: nothing is set. Every bucket has an ACL, and it is asked for
last: an empty answer there means that the bucket was deleted while we looked."""


def fetch(reader: AwsReader) -> Rows:
    """Buckets of the account, each read in its own region. Raises ScopeProblem.

    A part refused for some buckets is named in `unread` of those; refused for every bucket, it is the reader that lacks the right, and the
    refusal is raised.
    """
    owner = reader.call("s3", "list_buckets", MaxBuckets=1).get("Owner", {})
    buckets = reader.items("s3", "list_buckets", "Buckets", MaxBuckets=PAGE)
    named = {field(bucket, "Name", "s3 ListBuckets"): bucket.get("BucketRegion") for bucket in buckets}
    answers = dict(zip(named, reader.map(lambda name: _answers(reader, name, named[name]), list(named)), strict=True))
    answers = {name: answer for name, answer in answers.items() if answer["acl"]}
    _refused_everywhere(answers)
    place = (reader.account, reader.region)
    return {
        S3_BUCKETS.name: [place + _bucket(reader.account, name, answer) for name, answer in answers.items()],
        S3_ACCOUNTS.name: [(*place, *_blocks(_account_block(reader)), owner.get("ID"))],
    }


def _answers(reader: AwsReader, name: str, region: str | None) -> dict[str, dict[str, Any] | Denied]:
    answers: dict[str, dict[str, Any] | Denied] = {"location": {"region": region} if region else _asked(_location, reader, name)}
    for part in PARTS:
        answers[part] = _asked(_part, reader, name, part, _region(answers))
    return answers


def _asked(ask: Callable[..., dict[str, Any]], *given: Any) -> dict[str, Any] | Denied:
    """The one place where a refusal is kept as a value: it may be this one bucket's own."""
    try:
        return ask(*given)
    except Denied as refusal:
        return refusal


def _part(reader: AwsReader, name: str, part: str, region: str | None) -> dict[str, Any]:
    operation, absent = PARTS[part]
    return reader.call("s3", operation, region=region, absent=absent, Bucket=name)


def _location(reader: AwsReader, name: str) -> dict[str, Any]:
    """Region of a bucket that ListBuckets did not tell; S3's two oldest regions go by special names there."""
    constraint = reader.call("s3", "get_bucket_location", absent=(GONE,), Bucket=name).get("LocationConstraint")
    return {"region": {"": "us-east-1", "EU": "eu-west-1"}.get(constraint or "", constraint)}


def _region(answers: Answers) -> str | None:
    location = answers["location"]
    return None if isinstance(location, Denied) else location["region"]


def _refused_everywhere(answers: Mapping[str, Answers]) -> None:
    for part in ("location", *PARTS):
        refusals = [refusal for answer in answers.values() if isinstance(refusal := answer[part], Denied)]
        if refusals and len(refusals) == len(answers):
            raise refusals[0]


def _bucket(account: str, name: str, answers: Answers) -> Row:
    known = {part: answer for part, answer in answers.items() if isinstance(answer, dict)}
    unread = set(answers) - set(known)
    policy = policy_document(known.get("policy", {}).get("Policy"))
    if known.get("policy") and policy is None:
        unread.add("policy")
    restrict, ignore = _blocks(known["public_access_block"]) if "public_access_block" in known else (None, None)
    acl = known.get("acl", {})
    region = _region(answers)
    return (
        name,
        f"arn:aws:s3:::{name}",
        region,
        policy,
        restrict,
        ignore,
        _ownership(known.get("ownership", {})),
        sorted({_grant(grant) for grant in acl.get("Grants", [])}),
        sorted(unread),
        acl.get("Owner", {}).get("ID"),
        _kms_key(known.get("encryption", {}), account, region),
    )


def _blocks(answer: dict[str, Any]) -> tuple[bool, bool]:
    """RestrictPublicBuckets and IgnorePublicAcls; a block that is not set blocks nothing."""
    block = field(answer, "PublicAccessBlockConfiguration", "s3 GetPublicAccessBlock") if answer else {}
    return bool(block.get("RestrictPublicBuckets")), bool(block.get("IgnorePublicAcls"))


def _ownership(answer: dict[str, Any]) -> str | None:
    controls = field(answer, "OwnershipControls", "s3 GetBucketOwnershipControls") if answer else {}
    return next((rule.get("ObjectOwnership") for rule in controls.get("Rules", [])), None)


def _account_block(reader: AwsReader) -> dict[str, Any]:
    return reader.call("s3control", "get_public_access_block", absent=("NoSuchPublicAccessBlockConfiguration",), AccountId=reader.account)


def _grant(grant: dict[str, Any]) -> str:
    grantee = grant.get("Grantee", {})
    return f"{field(grant, 'Permission', 's3 GetBucketAcl')} {grantee.get('ID') or grantee.get('URI') or grantee.get('EmailAddress') or 'unknown'}"


def _kms_key(answer: dict[str, Any], account: str, region: str | None) -> str | None:
    """ARN of the key that new objects are encrypted with. S3 repeats what was set: an ARN, an id or an alias; nothing means its own key."""
    configuration = field(answer, "ServerSideEncryptionConfiguration", "s3 GetBucketEncryption") if answer else {}
    for rule in configuration.get("Rules", []):
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        if not str(default.get("SSEAlgorithm", "")).startswith("aws:kms"):
            continue
        key = default.get("KMSMasterKeyID") or "alias/aws/s3"
        if key.startswith("arn:"):
            return str(key)
        return f"arn:aws:kms:{region or ''}:{account}:{key if key.startswith('alias/') else f'key/{key}'}"
    return None


SOURCE = Source(
    name="s3",
    tables=(S3_BUCKETS, S3_ACCOUNTS),
    permissions=(
        "s3:ListAllMyBuckets",
        "s3:GetBucketLocation",
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketOwnershipControls",
        "s3:GetEncryptionConfiguration",
        "s3:GetBucketAcl",
        "s3:GetAccountPublicAccessBlock",
    ),
    reach=Reach.GLOBAL,
    fetch=fetch,
)
