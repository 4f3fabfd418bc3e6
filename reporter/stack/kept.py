"""What outlives every run: the buckets of state, packs and links, and the keys that seal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reporter.schedule import Schedule
from reporter.stack.parts import Json, Resources, allow, att, kept, logical, policy, ref, resource, sub

ADMINISTER = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:GetKeyPolicy",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
"""no Sign among them: who may change the key cannot sign with it"""

CHANGE = ("kms:CreateGrant", "kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:UpdateAlias", "kms:DeleteAlias")
LINK_DAYS = 8
"""a link holds for seven days at most"""
STATE_DAYS, COLD_DAYS = 30, 90


def keys(schedule: Schedule) -> Resources:
    """A P-256 key for each alias that the schedule seals with; a key that it names by its ARN or id is there already."""
    found: Resources = {}
    for name, which in ((schedule.evidence.key, "SealKey"), (schedule.evidence.next_key, "NextSealKey")):
        alias = name.removeprefix("kms:")
        if not alias.startswith("alias/"):
            continue
        found[which] = kept(
            "KMS::Key",
            {
                "Description": f"Signs the seals of the compliance reporter, chain {schedule.evidence.chain}",
                "KeySpec": "ECC_NIST_P256",
                "KeyUsage": "SIGN_VERIFY",
                "PendingWindowInDays": 30,
                "KeyPolicy": _key_policy(),
            },
        )
        found[f"{which}Alias"] = kept("KMS::Alias", {"AliasName": alias, "TargetKeyId": ref(which)})
    return found


def _key_policy() -> Json:
    """The account administers, the job alone signs, and neither can do the other's."""
    job = att("JobRole", "Arn")
    return policy(
        {"Sid": "Administer", **allow(ADMINISTER, "*"), "Principal": {"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")}},
        {"Sid": "Sign", **allow(("kms:Sign", "kms:GetPublicKey", "kms:DescribeKey"), "*"), "Principal": {"AWS": job}},
        {
            "Sid": "NobodyElseSigns",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["kms:Sign"],
            "Resource": "*",
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": job}},
        },
        {"Sid": "WhoSignsChangesNothing", "Effect": "Deny", "Principal": {"AWS": job}, "Action": list(CHANGE), "Resource": "*"},
    )


def buckets(schedule: Schedule) -> Resources:
    """Each bucket that the schedule names, with its policy."""
    found: Resources = {}
    for name, uses in _uses(schedule).items():
        which = f"{logical(next(iter(uses)))}Bucket"
        found[which] = kept(
            "S3::Bucket",
            {
                "BucketName": name,
                "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
                "LifecycleConfiguration": {"Rules": list(_lifecycle(uses))},
                **_lock(schedule, uses),
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "PublicAccessBlockConfiguration": dict.fromkeys(
                    ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
                ),
                "VersioningConfiguration": {"Status": "Enabled"},
            },
        )
        found[f"{which}Policy"] = resource("S3::BucketPolicy", {"Bucket": ref(which), "PolicyDocument": _bucket_policy(which)})
    return found


def _uses(schedule: Schedule) -> dict[str, dict[str, str]]:
    """Bucket -> what it is for -> prefix."""
    email = schedule.deliver.email
    urls = {"state": schedule.state, "packs": schedule.evidence.store, "links": email.link_bucket if email else ""}
    found: dict[str, dict[str, str]] = {}
    for use, url in urls.items():
        name, _, prefix = url.removeprefix("s3://").partition("/")
        if name:
            found.setdefault(name, {})[use] = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    return found


def _lock(schedule: Schedule, uses: Mapping[str, str]) -> Json:
    """Object Lock. Where packs have a bucket of their own it also locks what is put there unasked; the state is rewritten and stays free."""
    if "packs" not in uses or schedule.evidence.lock == "none":
        return {}
    rule = {"DefaultRetention": {"Mode": schedule.evidence.lock.upper(), "Days": schedule.evidence.retention_days}}
    alone = {"Rule": rule} if len(uses) == 1 else {}
    return {"ObjectLockEnabled": True, "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **alone}}


def _lifecycle(uses: Mapping[str, str]) -> Iterator[Json]:
    yield {"Id": "unfinished-uploads", "Status": "Enabled", "Prefix": "", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
    if "state" in uses:
        old = {"NoncurrentVersionExpiration": {"NoncurrentDays": STATE_DAYS}}
        yield {"Id": "old-state", "Status": "Enabled", "Prefix": uses["state"], **old}
    if "packs" in uses:
        cold = {"Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": COLD_DAYS}]}
        yield {"Id": "cold-packs", "Status": "Enabled", "Prefix": uses["packs"], **cold}
    if "links" in uses:
        gone = {"ExpirationInDays": LINK_DAYS, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
        yield {"Id": "old-links", "Status": "Enabled", "Prefix": uses["links"], **gone}


def _bucket_policy(which: str) -> Json:
    everything = [att(which, "Arn"), {"Fn::Sub": f"${{{which}.Arn}}/*"}]
    job = {"AWS": att("JobRole", "Arn")}
    weaken = [
        "s3:BypassGovernanceRetention",
        "s3:DeleteBucket",
        "s3:PutBucketObjectLockConfiguration",
        "s3:PutBucketPolicy",
        "s3:PutBucketVersioning",
    ]
    return policy(
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": everything,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {"Sid": "TheJobCannotWeakenIt", "Effect": "Deny", "Principal": job, "Action": weaken, "Resource": everything},
    )
