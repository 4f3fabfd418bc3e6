"""The estate as plain data. Things carry keys of their own; the ids AWS gives them are known only once they are poured (see ids.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from reporter.sandbox.estate.spec_wp import Catalogue, Computer, Tenant


class Protection(StrEnum):
    """What an instance is meant to be found as."""

    UNMANAGED = "unmanaged"
    INACTIVE = "inactive"
    OFFLINE = "offline"
    NO_POLICY = "no_policy"
    PROTECTED = "protected"


@dataclass(frozen=True, order=True)
class Place:
    """One account in one region."""

    account: str
    region: str

    def __str__(self) -> str:
        return f"{self.account}/{self.region}"


@dataclass(frozen=True)
class Services:
    """What is switched on in a place. recorder: recording, stopped or absent."""

    guardduty: bool = True
    inspector: bool = True
    macie: bool = True
    recorder: str = "recording"


@dataclass(frozen=True)
class Instance:
    """An EC2 instance and what it is meant to be found as. `profile` names its line in hosts.py."""

    key: str
    place: Place
    name: str
    owner: str | None
    state: str
    launched: datetime
    instance_type: str
    profile: str
    protection: Protection
    policy: str | None = None
    role: str | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class Image:
    """A container image in ECR."""

    key: str
    place: Place
    repository: str
    tag: str
    digest: str

    @property
    def reference(self) -> str:
        return f"{self.place.account}.dkr.ecr.{self.place.region}.amazonaws.com/{self.repository}:{self.tag}"

    @property
    def arn(self) -> str:
        return f"arn:aws:ecr:{self.place.region}:{self.place.account}:repository/{self.repository}/{self.digest}"


@dataclass(frozen=True)
class Cluster:
    """An ECS cluster."""

    key: str
    place: Place
    name: str


@dataclass(frozen=True)
class Task:
    """A running task. `host` is empty on Fargate; `mode` is bridge or awsvpc."""

    key: str
    cluster: str
    family: str
    images: tuple[str, ...]
    mode: str
    host: str | None
    role: str | None


@dataclass(frozen=True)
class Group:
    """A managed rule group in a web ACL: mode block or count."""

    vendor: str
    name: str
    mode: str = "block"


@dataclass(frozen=True)
class WebAcl:
    """A web ACL. `owned_by`: firewall-manager, cloudformation, terraform or empty."""

    key: str
    place: Place
    cloudfront: bool
    groups: tuple[Group, ...]
    default: str = "allow"
    owned_by: str = ""


@dataclass(frozen=True)
class LoadBalancer:
    """kind alb, nlb or classic. target: instance, ip_instance, ip_task, lambda, alb, auto_scaling or none; `behind` are keys of that kind."""

    key: str
    place: Place
    kind: str
    internal: bool
    target: str
    behind: tuple[str, ...]
    acl: str | None = None
    state: str | None = None


@dataclass(frozen=True)
class Distribution:
    """A CloudFront distribution. origin: lb, s3 or custom; state is what its web entry is meant to be found as (None: not asserted)."""

    key: str
    account: str
    origin: str
    origin_key: str
    acl: str | None
    enabled: bool
    state: str | None


@dataclass(frozen=True)
class Role:
    """An IAM role. `grant` is a word of identity.py; `buckets` are the keys that grant is about."""

    key: str
    account: str
    name: str
    grant: str
    buckets: tuple[str, ...] = ()
    profile: bool = False

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role/{self.name}"


@dataclass(frozen=True)
class Bucket:
    """A bucket. `policy` is a word of identity.py; `role` is the key of the role that policy names."""

    key: str
    place: Place
    name: str
    policy: str = "none"
    role: str | None = None
    kms: bool = False
    blocked: bool = True

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.name}"


@dataclass(frozen=True)
class GuardDutyFinding:
    """kind: instance, ecs_task, ecs_cluster, container, sequence, s3 or access_key. `instances`: keys it names, by what the finding itself says."""

    finding_id: str
    place: Place
    kind: str
    type: str
    severity: float
    created: datetime
    updated: datetime
    instances: tuple[str, ...] = ()
    task: str | None = None
    cluster: str | None = None
    bucket: str | None = None
    sample: bool = False
    archived: bool = False


@dataclass(frozen=True)
class InspectorFinding:
    """`group`: the rule group its CVEs were drawn from (or none, generic, free). Exactly one of instance, image, function."""

    arn: str
    place: Place
    type: str
    severity: str
    vulnerability: str
    related: tuple[str, ...]
    group: str
    first_observed: datetime
    updated: datetime
    instance: str | None = None
    image: str | None = None
    function: str | None = None
    fix: str = "YES"
    exploit: bool = False
    scored: bool = True
    packages: tuple[tuple[str, str], ...] = ()

    @property
    def cves(self) -> tuple[str, ...]:
        """CVEs the finding stands for; its own id where none is related."""
        if self.vulnerability.startswith("CVE-"):
            return (self.vulnerability,)
        return self.related or (self.vulnerability,)


@dataclass(frozen=True)
class MacieFinding:
    """An alert on a bucket; category POLICY or CLASSIFICATION."""

    finding_id: str
    place: Place
    category: str
    type: str
    severity: str
    bucket: str
    created: datetime
    updated: datetime
    sample: bool = False
    archived: bool = False


@dataclass(frozen=True)
class Estate:
    """Everything that is poured."""

    seed: int
    size: str
    now: datetime
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    restricted_account: str
    services: dict[Place, Services]
    trend_groups_account: str | None
    catalogue: Catalogue
    tenants: tuple[Tenant, ...]
    instances: tuple[Instance, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    images: tuple[Image, ...] = ()
    tasks: tuple[Task, ...] = ()
    roles: tuple[Role, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    web_acls: tuple[WebAcl, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    guardduty: tuple[GuardDutyFinding, ...] = ()
    inspector: tuple[InspectorFinding, ...] = ()
    macie: tuple[MacieFinding, ...] = ()
    uncovered_by_inspector: frozenset[str] = field(default=frozenset())

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(Place(a, r) for a in self.accounts for r in self.regions)

    @cached_property
    def hosts(self) -> dict[str, Instance]:
        """Instances by key."""
        return {i.key: i for i in self.instances}

    @cached_property
    def computers(self) -> dict[str, Computer]:
        """By instance key, the computer that is meant to stand for it: the first one drawn."""
        found: dict[str, Computer] = {}
        for tenant in self.tenants:
            for computer in tenant.computers:
                if computer.instance is not None and computer.summary:
                    found.setdefault(computer.instance, computer)
        return found

    def ago(self, **parts: float) -> datetime:
        return self.now - timedelta(**parts)
