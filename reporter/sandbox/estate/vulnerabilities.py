"""Draws Inspector findings: each CVE is taken from the rule group that leads to the state the finding is meant to have."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from reporter.sandbox.estate.alerts import hex_id
from reporter.sandbox.estate.containers import running_on
from reporter.sandbox.estate.policies import assigned
from reporter.sandbox.estate.spec import Estate, InspectorFinding, Instance, Place, Protection

NO_HOST = ("free", "generic", "none")
_SEVERITIES = ("CRITICAL", "HIGH", "HIGH", "MEDIUM", "MEDIUM", "LOW", "UNTRIAGED", "INFORMATIONAL")
_PACKAGES = ("openssl", "curl", "log4j-core", "linux-image-aws", "httpd", "php", "samba", "glibc")
_WANTED: tuple[tuple[str, str], ...] = (
    ("web", "linux"),
    ("web", "web"),
    ("web", "web_detect"),
    ("webapp", "webapp"),
    ("webapp", "rule_detect"),
    ("web", "free"),
    ("web", "generic"),
    ("web", "none"),
    ("windows_detect", "windows"),
    ("legacy_off", "windows"),
    ("prevent_but_module_inactive", "linux"),
    ("policy_not_yet_sent", "base"),
    ("rules_not_yet_on_agent", "lag"),
    ("rules_not_yet_on_agent", "linux"),
    ("anti_malware_off", "lag"),
    ("contact_long_ago", "linux"),
    ("contact_long_ago", "free"),
    ("agent_in_error", "linux"),
    ("agent_inactive", "linux"),
    ("unmanaged", "free"),
    ("connector_record_only", "none"),
    ("no_policy", "linux"),
    ("no_policy", "none"),
    ("stopped_unmanaged", "free"),
    ("upper_cased_id", "linux"),
    ("no_connector_only", "linux"),
    ("stale_record_beside", "linux"),
)
"""Profile and rule group of the findings that every size has, wherever Inspector is on at such a host."""


class VulnerabilityDraft:
    """Draws findings one by one; a host has a CVE once."""

    def __init__(self, random: Random, estate: Estate) -> None:
        self.random = random
        self.estate = estate
        self.seen: set[tuple[str, str]] = set()
        self.on = [place for place in estate.places if estate.services[place].inspector]
        self.hosts = [i for i in estate.instances if i.place in self.on and i.state != "terminated"]

    def draw(self, count: int) -> tuple[InspectorFinding, ...]:
        findings = [self._on_host(host, group) for host, group in self._pairs()]
        findings += self._vendor_ids()
        for number, image in enumerate(i for i in self.estate.images if i.place in self.on):
            findings.append(self._on_image(image.key, ("linux", "free", "none", "web", "generic")[number % 5]))
        for place in self.on:
            findings += [self._on_function(place), self._reachability(place)]
        while len(findings) < count:
            host = self.random.choice(self.hosts)
            groups = (*(assigned(host.policy) if host.policy else ()), *NO_HOST, "none", "none", "free")
            draw = self.random.random()
            if draw < 0.86:
                findings.append(self._on_host(host, self.random.choice(groups)))
            elif draw < 0.94:
                image = self.random.choice([i for i in self.estate.images if i.place in self.on])
                findings.append(self._on_image(image.key, self.random.choice(("linux", "web", "free", "none"))))
            else:
                findings.append(self._reachability(host.place) if draw < 0.97 else self._on_function(host.place))
        return tuple(findings)

    def _pairs(self) -> list[tuple[Instance, str]]:
        first: dict[str, Instance] = {}
        for host in self.hosts:
            first.setdefault(host.profile, host)
        return [(first[profile], group) for profile, group in _WANTED if profile in first]

    def _vendor_ids(self) -> list[InspectorFinding]:
        """An advisory with related CVEs, and one that names none: both on a protected host."""
        host = next(h for h in self.hosts if h.profile == "web" and h.protection is Protection.PROTECTED)
        cves = self.random.sample(self.estate.catalogue.cves["linux"], 2)
        self.seen.update((host.key, cve) for cve in cves)
        return [
            self._finding(host.place, "linux", instance=host.key, vulnerability="ALAS2023-2099-101", related=tuple(cves)),
            self._finding(host.place, "none", instance=host.key, vulnerability="ALAS2023-2099-102"),
        ]

    def _on_host(self, host: Instance, group: str) -> InspectorFinding:
        return self._finding(host.place, group, instance=host.key, vulnerability=self._cve(host.key, group))

    def _on_image(self, key: str, group: str) -> InspectorFinding:
        image = next(i for i in self.estate.images if i.key == key)
        if group not in NO_HOST and not running_on(key, self.estate.tasks):
            group = "free"
        return self._finding(image.place, group, image=key, vulnerability=self._cve(key, group))

    def _on_function(self, place: Place) -> InspectorFinding:
        function = f"arn:aws:lambda:{place.region}:{place.account}:function:report-{self.random.randint(1, 9)}:$LATEST"
        return self._finding(place, "none", function=function, vulnerability=self._cve(function, "none"))

    def _reachability(self, place: Place) -> InspectorFinding:
        host = self.random.choice([h for h in self.hosts if h.place == place])
        return self._finding(place, "none", instance=host.key, type="NETWORK_REACHABILITY", vulnerability="", scored=False, fix="NO", packages=())

    def _cve(self, where: str, group: str) -> str:
        pool = self.estate.catalogue.cves[group]
        for _ in range(40):
            cve = self.random.choice(pool)
            if (where, cve) not in self.seen:
                break
        self.seen.add((where, cve))
        return cve

    def _finding(self, place: Place, group: str, **parts: Any) -> InspectorFinding:
        random, now = self.random, self.estate.now
        updated = now - timedelta(hours=random.randint(2, 72))
        usual: dict[str, Any] = {
            "arn": f"arn:aws:inspector2:{place.region}:{place.account}:finding/{hex_id(random)}",
            "place": place,
            "type": "PACKAGE_VULNERABILITY",
            "severity": random.choice(_SEVERITIES),
            "related": (),
            "group": group,
            "first_observed": updated - timedelta(hours=random.choice((1, 50, 200, 500, 1200, 5000))),
            "updated": updated,
            "fix": random.choice(("YES", "YES", "NO", "PARTIAL")),
            "exploit": random.random() < 0.2,
            "scored": random.random() < 0.9,
            "packages": tuple(
                (name, f"{random.randint(1, 9)}.{random.randint(0, 20)}.0") for name in random.sample(_PACKAGES, random.choice((1, 1, 2)))
            ),
        }
        return InspectorFinding(**{**usual, **parts})
