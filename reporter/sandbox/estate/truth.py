"""What a reporter must find in an estate, by construction: from the intentions it was drawn with, never from a join or a check of the product.

Tables are dicts by the key of the CSV file they answer for. Where the definitions leave a cell open, its value is `any` or the allowed
words joined by "|".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reporter.sandbox.estate.cloud import Ids
from reporter.sandbox.estate.containers import running_on
from reporter.sandbox.estate.identity import ANY, decision
from reporter.sandbox.estate.policies import NAMES, assigned, detected
from reporter.sandbox.estate.rules import exact
from reporter.sandbox.estate.spec import Estate, InspectorFinding, Instance, LoadBalancer, Place, Protection, Role
from reporter.sandbox.estate.spec_wp import Computer

Key = tuple[str, ...]


@dataclass(frozen=True)
class Truth:
    """Expected rows and counts.

    instances: (account, region, instance_id) -> protection, state, policy, computer_id, duplicates, ecs_cluster, owner, intrusion_prevention.
    virtual_patches: (finding_arn, instance_id, image, cve) -> state, severity, rules. open_findings: findings whose rows are not asserted.
    bucket_access: (bucket, role_arn, instance_id, via) -> decision. web_entries: (account, region, type, entry) -> state.
    findings: (source, finding_id) -> severity, sample, archived, instances (None: not asserted). scopes: (account, region, source) -> state.
    results: (check_id, account, region) -> status of the checks that ask whether a service is on.
    """

    instances: Mapping[Key, Mapping[str, Any]]
    virtual_patches: Mapping[Key, Mapping[str, Any]]
    open_findings: tuple[str, ...]
    bucket_access: Mapping[Key, str]
    web_entries: Mapping[Key, str]
    findings: Mapping[Key, Mapping[str, Any]]
    scopes: Mapping[Key, str]
    results: Mapping[Key, str]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """How often each state is meant to occur; findings by source, archived and sample ones apart."""
        findings: Counter[str] = Counter()
        for (source, _), about in self.findings.items():
            findings[source] += 1
            findings[f"{source} sample"] += about["sample"]
            findings[f"{source} archived"] += about["archived"]
        return {
            "instances": _count(about["protection"] for about in self.instances.values()),
            "virtual_patches": _count(about["state"] for about in self.virtual_patches.values()),
            "bucket_access": _count(self.bucket_access.values()),
            "web_entries": _count(self.web_entries.values()),
            "findings": dict(sorted(findings.items())),
            "scopes": _count(self.scopes.values()),
            "results": _count(self.results.values()),
        }

    def as_json(self) -> str:
        """One JSON document; keys joined by "|"."""
        tables = {
            name: {"|".join(key): value for key, value in sorted(getattr(self, name).items())}
            for name in ("instances", "virtual_patches", "bucket_access", "web_entries", "findings", "scopes", "results")
        }
        return json.dumps({"counts": self.counts, "open_findings": self.open_findings, **tables}, indent=1, sort_keys=True) + "\n"


def _count(words: Any) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def truth_of(estate: Estate, ids: Ids) -> Truth:
    """The truth of a poured estate."""
    entries = {**{_entry(b, ids): b.state or ANY for b in estate.load_balancers}}
    entries |= {(d.account, "global", "cloudfront", ids.distributions[d.key]): d.state or ANY for d in estate.distributions}
    return Truth(
        instances={_host_key(h, ids): _instance(h, estate, ids) for h in estate.instances if h.state != "terminated"},
        virtual_patches=_patches(estate, ids),
        open_findings=tuple(sorted(f.arn for f in estate.inspector if f.function is not None)),
        bucket_access=_access(estate, ids),
        web_entries=entries,
        findings=_findings(estate, ids),
        scopes=_scopes(estate),
        results=_results(estate),
    )


def _host_key(host: Instance, ids: Ids) -> Key:
    return (host.place.account, host.place.region, ids.instances[host.key])


def _entry(balancer: LoadBalancer, ids: Ids) -> Key:
    kind = {"classic": "classic_elb"}.get(balancer.kind, balancer.kind)
    return (balancer.place.account, balancer.place.region, kind, ids.load_balancers[balancer.key])


def _instance(host: Instance, estate: Estate, ids: Ids) -> dict[str, Any]:
    computer = estate.computers.get(host.key)
    records = [c for t in estate.tenants for c in t.computers if c.instance == host.key and c.summary]
    duplicates = sorted(c.computer_id for c in records if c is not computer)
    return {
        "protection": host.protection.value,
        "state": host.state,
        "policy": NAMES[computer.policy] if computer is not None and computer.policy else None,
        "computer_id": computer.computer_id if computer is not None else None,
        "duplicates": duplicates,
        "ecs_cluster": ids.clusters[host.cluster] if host.cluster else None,
        "owner": host.owner,
        "intrusion_prevention": _module(host, computer),
        "profile": host.profile,
    }


def _module(host: Instance, computer: Computer | None) -> str:
    """The IPS column of a protected host; not asserted elsewhere."""
    if host.protection is not Protection.PROTECTED or computer is None:
        return ANY
    if computer.ips == "module_off":
        return "off" if host.policy == "legacy" else "inactive"
    return "detect" if computer.ips == "detect" else "prevent"


def patch_state(host: Instance, computer: Computer | None, group: str) -> str:
    """Virtual-patch state of a CVE of that rule group on that host."""
    if host.protection in (Protection.UNMANAGED, Protection.INACTIVE) or computer is None:
        return "unprotected"
    if host.policy is None or group not in assigned(host.policy):
        return {"generic": "generic_only", "none": "no_rule"}.get(group, "available")
    if host.protection is Protection.OFFLINE or computer.ips in ("module_off", "pending") or group in computer.lacks:
        return "assigned_not_effective"
    return "detect_only" if computer.ips == "detect" or group in detected(host.policy) else "prevented"


def _patches(estate: Estate, ids: Ids) -> dict[Key, dict[str, Any]]:
    by_cve: dict[str, list[str]] = {}
    for rule in estate.catalogue.rules:
        for cve in rule.cves if exact(rule) else ():
            by_cve.setdefault("".join(cve.split()), []).append(rule.identifier)
    rows: dict[Key, dict[str, Any]] = {}
    for finding in estate.inspector:
        if finding.type != "PACKAGE_VULNERABILITY" or finding.function is not None:
            continue
        for host, image in _places(finding, estate):
            for cve in finding.cves:
                state = _state(finding, host, estate)
                key = (finding.arn, ids.instances[host.key] if host else "", image, cve)
                rows[key] = {"state": state, "severity": finding.severity, "exact_rules": sorted(by_cve.get(cve, ()))}
    return rows


def _places(finding: InspectorFinding, estate: Estate) -> list[tuple[Instance | None, str]]:
    if finding.instance is not None:
        return [(estate.hosts[finding.instance], "")]
    image = next(i for i in estate.images if i.key == finding.image)
    hosts = running_on(image.key, estate.tasks)
    return [(estate.hosts[host], image.arn) for host in hosts] or [(None, image.arn)]


def _state(finding: InspectorFinding, host: Instance | None, estate: Estate) -> str:
    if host is None:
        return "not_running"
    if not finding.vulnerability.startswith("CVE-") and not finding.related:
        return "no_rule"
    return patch_state(host, estate.computers.get(host.key), finding.group)


def _access(estate: Estate, ids: Ids) -> dict[Key, str]:
    alerted = {f.bucket for f in estate.macie if not f.sample and not f.archived}
    users = {role.key: _users(role, estate, ids) for role in estate.roles}
    rows: dict[Key, str] = {}
    for bucket in (b for b in estate.buckets if b.key in alerted):
        for role in estate.roles:
            found = decision(role, bucket, estate.restricted_account)
            for instance_id, via in users[role.key] if found else ():
                rows[bucket.arn, role.arn, instance_id, via] = found or ""
        if bucket.policy == "public" and bucket.place.account != estate.restricted_account:  # the reporter's own role, which nothing runs as
            rows[bucket.arn, f"arn:aws:iam::{bucket.place.account}:role/reporter-read", "", ""] = "allowed"
    return rows


def _users(role: Role, estate: Estate, ids: Ids) -> list[tuple[str, str]]:
    """(instance id, via); one empty pair where nothing runs as the role."""
    profiles = [(ids.instances[h.key], "instance_profile") for h in estate.instances if h.role == role.key and h.state != "terminated"]
    tasks = sorted({(ids.instances[t.host], "task_role") for t in estate.tasks if t.role == role.key and t.host is not None})
    return profiles + tasks or [("", "")]


def _findings(estate: Estate, ids: Ids) -> dict[Key, dict[str, Any]]:
    rows: dict[Key, dict[str, Any]] = {}
    tasks = {t.key: t for t in estate.tasks}
    for finding in estate.guardduty:
        hosts = [*finding.instances, *([tasks[finding.task].host or ""] if finding.task else ())]
        named = None if finding.kind == "ecs_cluster" else sorted(ids.instances[h] for h in hosts)
        word = next(w for least, w in ((9, "CRITICAL"), (7, "HIGH"), (4, "MEDIUM"), (0, "LOW")) if finding.severity >= least)
        rows["guardduty", finding.finding_id] = {"severity": word, "sample": finding.sample, "archived": finding.archived, "instances": named}
    for alert in estate.macie:
        about = {"severity": alert.severity.upper(), "sample": alert.sample, "archived": alert.archived, "instances": None}
        rows["macie", alert.finding_id] = about
    for package in estate.inspector:
        hosts = [package.instance] if package.instance else list(running_on(package.image, estate.tasks)) if package.image else []
        named = sorted(ids.instances[h] for h in hosts)
        rows["inspector", package.arn] = {"severity": package.severity, "sample": False, "archived": False, "instances": named}
    return rows


_REGIONAL = {"guardduty": "guardduty", "inspector": "inspector", "macie": "macie"}


def _scopes(estate: Estate) -> dict[Key, str]:
    """Regional scopes of services that can be off, and of those that cannot; tenants. A stopped recorder is read; an absent one is not enabled."""
    rows: dict[Key, str] = {}
    for place in estate.places:
        services = estate.services[place]
        for source, attribute in _REGIONAL.items():
            rows[place.account, place.region, source] = "ok" if getattr(services, attribute) else "not_enabled"
        rows[place.account, place.region, "config"] = "not_enabled|ok" if services.recorder == "absent" else "ok"
        rows |= {(place.account, place.region, source): "ok" for source in ("ec2", "ecs", "elb", "waf")}
    rows |= {(account, "global", source): "ok" for account in estate.accounts for source in ("iam", "s3", "cloudfront")}
    tenant_sources = ("wp_computers", "wp_policies", "wp_rules", "wp_roles")
    rows |= {(tenant.name, "-", source): "ok" for tenant in estate.tenants for source in tenant_sources}
    return rows


def _results(estate: Estate) -> dict[Key, str]:
    def status(place: Place, check: str) -> str:
        services = estate.services[place]
        on = services.recorder == "recording" if check == "config_recorder_on" else getattr(services, check.removesuffix("_enabled"))
        return "PASS" if on else "FAIL"

    checks = ("guardduty_enabled", "inspector_enabled", "macie_enabled", "config_recorder_on")
    return {(check, p.account, p.region): status(p, check) for p in estate.places for check in checks}
