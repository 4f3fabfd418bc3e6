"""How large the estate is, and where everything in it is: all of it follows from the sizes and the seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import gcd

import numpy as np

CALLER = "900000000000"
"""account of the job's own credentials, which holds nothing but the organisation"""
REGIONS = (
    *("eu-central-1", "us-east-1", "eu-west-1", "us-west-2", "us-east-2", "us-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "ap-south-1"),
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "sa-east-1"),
)
CVES, ADVISORIES = 5000, 500
RULED = range(2000, 9000)
"""numbers of the CVEs that IPS rules name; findings name those below CVES"""
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
OWNERS = 40
WITHOUT_AGENT, STOPPED, IN_SEVERAL = 0.08, 0.03, 0.02
ALERTS_ONE_IN = 200
"""one GuardDuty finding, and one Macie finding, for so many of Inspector's"""
BUCKETS, ROLES = 2, 30
_FIRST_ACCOUNT = 100_000_000_001
_MIX = 0x9E3779B97F4A7C15F39CC0605CEDC835


@dataclass(frozen=True)
class Size:
    """How much of everything. Instances are spread evenly over accounts and regions, findings over instances."""

    accounts: int = 100
    regions: int = 17
    instances: int = 10_000
    findings: int = 100_000
    rules: int = 10_000
    policies: int = 200
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.regions <= len(REGIONS):
            raise ValueError(f"there are {len(REGIONS)} regions, not {self.regions}")

    @property
    def places(self) -> tuple[str, ...]:
        return REGIONS[: self.regions]

    @property
    def ids(self) -> list[str]:
        """of the accounts"""
        return [str(_FIRST_ACCOUNT + number) for number in range(self.accounts)]


class Estate:
    """Who has what. Instances, findings and computers are numbers from 0; `now_ms`: the instant that all dates hang on."""

    def __init__(self, size: Size, now: float) -> None:
        self.size, self.now, self.now_ms = size, now, int(now * 1000)
        random = np.random.default_rng(size.seed)
        count = size.instances
        self.owner = random.integers(0, OWNERS, count)
        self.days = random.integers(2, 400, count)
        self.stopped = random.random(count) < STOPPED
        self.fate = random.random(count)
        self.heard = random.integers(1, 60, count)
        self.policy = random.integers(0, size.policies, count)
        self.hosts = np.flatnonzero(random.random(count) >= WITHOUT_AGENT)
        """instances that have a computer, whose number is their place here"""
        self.names = random.permutation(CVES)
        """rank of a finding's kind -> number of its CVE"""
        self._random = random

    @cached_property
    def kinds(self) -> np.ndarray:
        """What each finding is: below CVES a rank, from there on an advisory. Few kinds are on most hosts."""
        weight = 1 / np.arange(1, CVES + 1) ** 1.05
        kinds = self._random.choice(CVES, self.size.findings, p=weight / weight.sum()).astype(np.int16)
        several = self._random.random(self.size.findings) < IN_SEVERAL
        kinds[several] = CVES + self._random.integers(0, ADVISORIES, int(several.sum()))
        return kinds

    def account(self, identifier: str) -> int:
        """Number of an account; none of the estate's: where nothing is."""
        return int(identifier) - _FIRST_ACCOUNT if identifier != CALLER else self.size.accounts * self.size.instances

    def instances(self, account: str, region: str) -> range:
        """Numbers of the instances of a place."""
        size, number = self.size, self.account(account)
        if number >= size.accounts or region not in size.places:
            return range(0)
        return range(number + size.accounts * size.places.index(region), size.instances, size.accounts * size.regions)

    def place(self, instance: int) -> tuple[str, str]:
        """Account and region of an instance."""
        size = self.size
        return str(_FIRST_ACCOUNT + instance % size.accounts), size.places[instance // size.accounts % size.regions]

    @lru_cache(maxsize=64)  # noqa: B019  # one estate a process
    def findings(self, account: str, region: str) -> tuple[list[int], list[int]]:
        """(number, instance) of each finding of a place."""
        hosts = np.array(self.instances(account, region), dtype=np.int64)
        each, more = divmod(self.size.findings, max(self.size.instances, 1))
        counts = each + (hosts < more)
        first = hosts * each + np.minimum(hosts, more)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return (np.repeat(first, counts) + within).tolist(), np.repeat(hosts, counts).tolist()

    def alerts(self, hosts: range) -> list[int]:
        """Instances of a place that GuardDuty warns of, one for each finding of it."""
        if not self.size.findings:
            return []
        every = self.size.instances * ALERTS_ONE_IN // self.size.findings * 2 + 1
        while gcd(every, self.size.accounts * self.size.regions) > 1:  # or some accounts would have all of them
            every += 2
        return [host for host in hosts if host % every == 0 for _ in range(2)]

    def macie(self, account: str, region: str) -> int:
        """How many findings Macie has in a place: all of an account's are where its buckets are."""
        if region != self.size.places[0] or self.account(account) >= self.size.accounts:
            return 0
        return self.size.findings // ALERTS_ONE_IN // self.size.accounts


def instance_id(number: int) -> str:
    return f"i-{(number + 1) * (_MIX >> 60 | 1) & (1 << 68) - 1:017x}"


def token(number: int) -> str:
    """32 hexadecimal digits that no other number has, and that do not look alike."""
    return f"{(number + 1) * _MIX & (1 << 128) - 1:032x}"


def cve(number: int) -> str:
    return f"CVE-{2015 + number % 11}-{10_000 + number}"
