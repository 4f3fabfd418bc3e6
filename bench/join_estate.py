"""The made-up estate of bench/join.py: as many findings, instances and rules as asked for, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.modules import MODULES
from reporter.core.scope import GLOBAL, TENANT_REGION, Scope, ScopeState
from reporter.core.settings import Settings
from reporter.core.table import Kind, Row, Table
from reporter.core.world import World
from reporter.gather import discover
from reporter.joins import instances
from reporter.reports import parquet
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import INSPECTOR_COVERAGE, INSPECTOR_FINDINGS
from reporter.tables.joined import INSTANCES
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES, WP_POLICY_RULES, WP_ROLES, WP_RULES

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
TENANT = "main"
ACCOUNTS, POLICIES, CVES, ADVISORIES, OWNERS = 100, 200, 5000, 500, 40
REGIONS = tuple(f"{area}-{side}-{number}" for area in ("eu", "us", "ap") for side in ("central", "west", "east") for number in (1, 2))[:17]
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
WITHOUT_AGENT, IN_SEVERAL, MOST_RULES = 0.08, 0.02, 600


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    findings: int
    instances: int
    rules: int
    seed: int = 1


def write(folder: Path, size: Size) -> None:
    """The estate as tables/*.parquet of a stored run, and the joined instances beside them."""
    random = np.random.default_rng(size.seed)
    names = np.array([f"i-{number:017x}" for number in range(size.instances)], dtype=object)
    account = random.integers(0, ACCOUNTS, size.instances)
    region = random.integers(0, len(REGIONS), size.instances)
    places = _texts("{:012}", ACCOUNTS)[account], np.array(REGIONS, dtype=object)[region]
    policies = _policies(random, size.rules)
    tables = {
        EC2_INSTANCES: EC2_INSTANCES.frame(_machines(random, *places, names)),
        WP_COMPUTERS: WP_COMPUTERS.frame(_computers(random, places[0], names, policies)),
        WP_POLICIES: WP_POLICIES.frame(
            _row(WP_POLICIES, tenant=TENANT, policy_id=number, name=f"policy {number}", ips_state="prevent", ips_rule_ids=rules)
            for number, rules in enumerate(policies)
        ),
        WP_POLICY_RULES: WP_POLICY_RULES.frame((TENANT, number, rules[0], bool(number % 2)) for number, rules in enumerate(policies)),
        WP_RULES: WP_RULES.frame(_rules(random, size.rules)),
        WP_ROLES: WP_ROLES.frame([_row(WP_ROLES, tenant=TENANT, all_computers=True, all_policies=True)]),
        INSPECTOR_COVERAGE: INSPECTOR_COVERAGE.frame(
            (*place, "AWS_EC2_INSTANCE", name, "PACKAGE", "ACTIVE", None) for *place, name in zip(*places, names, strict=True)
        ),
        INSPECTOR_FINDINGS: _findings(random, size.findings, *places, names),
    }
    world = World({table.name: frame for table, frame in tables.items()}, _ledger(), Settings(tenants=(TENANT,)), NOW)
    tables[INSTANCES] = instances.join(world)[INSTANCES.name]
    (folder / "tables").mkdir(parents=True)
    for table, frame in tables.items():
        pq.write_table(parquet.arrow(table, frame), folder / "tables" / f"{table.name}.parquet", compression="zstd")


def read(folder: Path) -> World:
    """The stored tables as the reporter reads them back, every scope read."""
    return World(parquet.read(folder), _ledger(), Settings(tenants=(TENANT,)), NOW)


def _ledger() -> Ledger:
    """Every scope that the sources plan for these accounts and regions, all read."""
    accounts = _texts("{:012}", ACCOUNTS)
    reach = {"regional": REGIONS, "global": (GLOBAL,), "tenant": (TENANT_REGION,), "organization": (GLOBAL,)}
    scopes = [
        Scope(owner, place, source.name)
        for source in discover()
        for owner in ((TENANT,) if source.reach.value == "tenant" else accounts)
        for place in reach[source.reach.value]
    ]
    ledger = Ledger(scopes)
    for scope in scopes:
        ledger.record(LedgerRow(scope, ScopeState.OK))
    return ledger


def _policies(random: np.random.Generator, rules: int) -> list[tuple[int, ...]]:
    """Rule ids of each policy; the policies are a tree, and a policy has its parent's rules too."""
    found: list[tuple[int, ...]] = []
    for number in range(POLICIES):
        own = random.choice(rules, min(int(random.integers(50, MOST_RULES)), rules), replace=False)
        inherited = found[(number - 1) // 10] if number else ()
        found.append(tuple(sorted({*map(int, own), *inherited})))
    return found


def _rules(random: np.random.Generator, count: int) -> Iterable[Row]:
    """One to four CVEs a rule; one rule in fifty lists more than an exact one may, one in ten is of a type that shields nothing."""
    cves = _texts("CVE-2024-{:05}", CVES)
    for number in range(count):
        named = cves[random.integers(0, CVES, int(random.integers(1, 5)) if number % 50 else 15)]
        kind = "info" if number % 10 == 1 else "vulnerability"
        yield _row(
            WP_RULES, tenant=TENANT, rule_id=number, identifier=f"{1000000 + number}", name="a rule", type=kind, cves=sorted(set(named)),
            detect_only=number % 7 == 0,
        )  # fmt: skip


def _machines(random: np.random.Generator, account: np.ndarray, region: np.ndarray, names: np.ndarray) -> Iterable[Row]:
    owner = random.integers(0, OWNERS, len(names))
    old = random.integers(2, 400, len(names))
    stopped = random.random(len(names)) < 0.03
    for at, name in enumerate(names):
        yield _row(
            EC2_INSTANCES, account=account[at], region=region[at], instance_id=name, state="stopped" if stopped[at] else "running",
            launch_time=NOW - timedelta(days=int(old[at])), tags=f'{{"Owner":"team-{owner[at]}"}}',
        )  # fmt: skip


def _computers(random: np.random.Generator, account: np.ndarray, names: np.ndarray, policies: list[tuple[int, ...]]) -> Iterable[Row]:
    """Most agents are well and have what their policy has; some are offline or inactive, detect only, or wait for their policy."""
    fate, policy, heard = random.random(len(names)), random.integers(0, len(policies), len(names)), random.integers(1, 60, len(names))
    for at in np.flatnonzero(random.random(len(names)) >= WITHOUT_AGENT):
        part = float(fate[at])
        rules = policies[policy[at]]
        values: dict[str, Any] = {f"{module}_state": "off" for module in MODULES} | {f"{module}_status": "inactive" for module in MODULES}
        values |= {"anti_malware_state": "real-time", "anti_malware_status": "active", "intrusion_prevention_status": "active"}
        values["intrusion_prevention_state"] = "detect" if 0.05 <= part < 0.2 else "prevent"
        yield _row(
            WP_COMPUTERS,
            **values,
            tenant=TENANT, computer_id=at + 1, host_name=f"host {at}", account=account[at], instance_id=names[at], summary="ec2",
            policy_id=int(policy[at]), agent_status="inactive" if part < 0.02 else "active", has_agent=True,
            last_contact=NOW - timedelta(seconds=61 * int(heard[at]) + int(at) % 3000) - timedelta(days=9 * (0.02 <= part < 0.05)),
            last_policy_request=NOW - timedelta(hours=1), last_policy_success=NOW - timedelta(hours=2 if 0.2 <= part < 0.23 else 0),
            ips_rule_ids=rules[: len(rules) // 2] if 0.2 <= part < 0.3 else rules,
            last_integrity_scan=NOW - timedelta(hours=int(heard[at]) * 5),
        )  # fmt: skip


def _findings(random: np.random.Generator, count: int, account: np.ndarray, region: np.ndarray, names: np.ndarray) -> pd.DataFrame:
    """Package findings: few CVEs are on most hosts; one in fifty bears an advisory's id that stands for several CVEs."""
    on = random.integers(0, len(names), count)
    weight = 1 / np.arange(1, CVES + 1) ** 1.05
    kind = random.choice(CVES, count, p=weight / weight.sum())
    advisory = random.random(count) < IN_SEVERAL
    kind[advisory] = CVES + random.integers(0, ADVISORIES, int(advisory.sum()))
    ids = np.concatenate([_texts("CVE-2024-{:05}", CVES), _texts("GHSA-{:04}-aaaa-bbbb", ADVISORIES)])
    related = _boxed([()] * CVES + [tuple(sorted(ids[random.choice(CVES, 3, replace=False)])) for _ in range(ADVISORIES)])
    packages = _boxed([(f"library-{number % 900} 1.{number}", f"library-{number % 900}-dev 1.{number}") for number in range(len(ids))])
    severity = np.array(SEVERITIES, dtype=object)[random.integers(0, 4, len(ids))]
    tails = random.bytes(16 * count).hex()
    prefix = np.array([f"arn:aws:inspector2:{place}:{owner}:finding/" for owner, place in zip(account, region, strict=True)], dtype=object)[on]
    arns = _boxed([start + tails[32 * at : 32 * at + 32] for at, start in enumerate(prefix)])
    days = pd.to_timedelta(random.integers(60, 200 * 86400, count), unit="s")
    first = pd.Series(pd.Timestamp(NOW) - days).astype("datetime64[us, UTC]")
    given: dict[str, Any] = {
        "account": account[on], "region": region[on], "arn": arns, "type": "PACKAGE_VULNERABILITY", "severity": severity[kind],
        "title": (ids + " - something")[kind], "vulnerability_id": ids[kind], "related_ids": related[kind], "resource_type": "AWS_EC2_INSTANCE",
        "resource_id": names[on], "fix_available": np.array(["YES", "NO"], dtype=object)[kind % 2], "packages": packages[kind],
        "first_observed": first, "last_observed": first, "updated_at": first,
    }  # fmt: skip
    frame = pd.DataFrame({column.name: given.get(column.name) for column in INSPECTOR_FINDINGS.columns}, index=range(count))
    return INSPECTOR_FINDINGS.sort(INSPECTOR_FINDINGS.conform(frame))


def _row(table: Table, **values: Any) -> Row:
    return tuple(values.get(column.name, None if column.nullable else _NOTHING[column.kind]) for column in table.columns)


def _texts(form: str, count: int) -> np.ndarray:
    return _boxed([form.format(number) for number in range(count)])


def _boxed(values: list[Any]) -> np.ndarray:
    boxed = np.empty(len(values), dtype=object)
    boxed[:] = values
    return boxed


_NOTHING: dict[Kind, Any] = {
    Kind.TEXT: "",
    Kind.CATEGORY: "",
    Kind.FLAG: False,
    Kind.TEXTS: (),
    Kind.INTEGERS: (),
    Kind.INTEGER: 0,
    Kind.NUMBER: 0.0,
    Kind.TIME: NOW,
}
