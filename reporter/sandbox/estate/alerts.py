"""Draws GuardDuty findings and Macie alerts."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from reporter.sandbox.estate.spec import Bucket, Cluster, Estate, GuardDutyFinding, Instance, MacieFinding, Place, Task

_TYPES = {
    "instance": (
        "UnauthorizedAccess:EC2/MaliciousIPCaller.Custom",
        "Backdoor:EC2/C&CActivity.B!DNS",
        "CryptoCurrency:EC2/BitcoinTool.B!DNS",
        "Recon:EC2/Portscan",
    ),
    "ecs_task": ("Execution:Runtime/NewBinaryExecuted", "CryptoCurrency:Runtime/BitcoinTool.B"),
    "ecs_cluster": ("Execution:ECS/MaliciousFile",),
    "container": ("Execution:Container/MaliciousFile", "PrivilegeEscalation:Runtime/DockerSocketAccessed"),
    "sequence": ("AttackSequence:EC2/CompromisedInstanceGroup",),
    "s3": ("Discovery:S3/AnomalousBehavior", "Exfiltration:S3/AnomalousBehavior"),
    "access_key": ("Recon:IAMUser/UserPermissions", "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS"),
}
_KINDS = ("instance",) * 8 + ("ecs_task", "container", "s3", "access_key", "sequence")
_SEVERITIES = (9.2, 8.0, 7.5, 5.0, 4.0, 2.0, 1.5)


def hex_id(random: Random) -> str:
    """32 hexadecimal digits, as GuardDuty, Inspector and Macie number their findings."""
    return "".join(random.choices("0123456789abcdef", k=32))


def draw_guardduty(random: Random, estate: Estate, count: int) -> tuple[GuardDutyFinding, ...]:
    """Every kind in the first place where GuardDuty is on, then at random; some archived, some sample."""
    on = [place for place in estate.places if estate.services[place].guardduty]
    first = list(_TYPES)
    findings = []
    for number in range(count):
        place = on[0] if number < len(first) else random.choice(on)
        kind = first[number] if number < len(first) else random.choice(_KINDS)
        findings.append(_guardduty(random, estate, place, kind, number))
    return tuple(findings)


def _guardduty(random: Random, estate: Estate, place: Place, kind: str, number: int) -> GuardDutyFinding:
    hosts: list[Instance] = [i for i in estate.instances if i.place == place]
    clusters: list[Cluster] = [c for c in estate.clusters if c.place == place]
    tasks: list[Task] = [t for t in estate.tasks if t.host is not None and t.cluster in {c.key for c in clusters}]
    buckets: list[Bucket] = [b for b in estate.buckets if b.place == place]
    if (kind in ("ecs_task", "ecs_cluster") and not tasks) or (kind == "s3" and not buckets):
        kind = "instance"
    task = random.choice(tasks) if kind == "ecs_task" else None
    named: tuple[str, ...] = ()
    if kind in ("instance", "container"):
        named = (random.choice(hosts).key,)
    elif kind == "sequence":
        named = tuple(sorted(host.key for host in random.sample(hosts, 2)))
    updated, created = _times(random, estate.now)
    return GuardDutyFinding(
        finding_id=hex_id(random),
        place=place,
        kind=kind,
        type=random.choice(_TYPES[kind]),
        severity=_SEVERITIES[number % len(_SEVERITIES)] if kind != "sequence" else 9.5,
        created=created,
        updated=updated,
        instances=named,
        task=task.key if task else None,
        cluster=task.cluster if task else (clusters[0].key if kind == "ecs_cluster" else None),
        bucket=random.choice(buckets).key if kind == "s3" else None,
        sample=number % 11 == 9,
        archived=number % 9 == 8,
    )


def _times(random: Random, now: datetime) -> tuple[datetime, datetime]:
    """Updated one hour to twenty days before now, created at most ten days before that."""
    updated = now - timedelta(hours=random.choice((1, 3, 20, 60, 200, 480)), minutes=random.randint(0, 50))
    return updated, updated - timedelta(hours=random.randint(0, 240))


_MACIE = (
    ("CLASSIFICATION", "SensitiveData:S3Object/Personal"),
    ("CLASSIFICATION", "SensitiveData:S3Object/Multiple"),
    ("POLICY", "Policy:IAMUser/S3BucketSharedExternally"),
    ("CLASSIFICATION", "SensitiveData:S3Object/Credentials"),
    ("POLICY", "Policy:IAMUser/S3BucketEncryptionDisabled"),
)


def draw_macie(random: Random, estate: Estate, count: int) -> tuple[MacieFinding, ...]:
    """Alerts on three quarters of the buckets where Macie is on, each of them once or more; one bucket has only archived, one only sample alerts."""
    on = [bucket for bucket in estate.buckets if estate.services[bucket.place].macie]
    alerted = [bucket for number, bucket in enumerate(on) if bucket.policy != "none" or number % 3 != 2]
    quiet = [bucket for bucket in alerted if bucket.policy == "none"][-2:]
    findings = []
    for number in range(max(count, len(alerted))):
        bucket = alerted[number % len(alerted)]
        category, type_ = _MACIE[number % len(_MACIE)]
        if bucket.policy == "public":
            category, type_ = "POLICY", "Policy:IAMUser/S3BucketPublic"
        updated, created = _times(random, estate.now)
        findings.append(
            MacieFinding(
                finding_id=hex_id(random),
                place=bucket.place,
                category=category,
                type=type_,
                severity=("High", "Medium", "Low")[number % 3],
                bucket=bucket.key,
                created=created,
                updated=updated,
                sample=bucket == quiet[-1],
                archived=bucket == quiet[0],
            )
        )
    return tuple(findings)
