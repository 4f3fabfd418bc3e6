"""The IPS rule catalogue: published rules (ips_rules.csv, facts only) and made-up ones (CVE-2099-…) that fill it to its real size.

Published rules whose identifier is not public get one from 9000001 up; made-up ones from 8000001 up. CVE ids of year 2099 belong to nobody.
Each *group* is a set of rules put to one use by the policies (policies.py). A group's `cves` lead to that group alone: every exact rule
that names one of them is in the group.
"""

from __future__ import annotations

import csv
import re
from importlib.resources import files
from random import Random

from reporter.sandbox.estate.spec_wp import Catalogue, Rule

EXACT_KINDS = ("vulnerability", "exploit", "smart", "custom")
WEB_SERVER_TYPES = ("Web Server Common", "Web Server HTTPS", "Web Server Miscellaneous", "Web Server IIS")
WEB_APPLICATION_TYPES = ("Web Application Common", "Web Application Tomcat", "Web Application Ruby Based")
OTHER_TYPES = ("DCERPC Services", "Unix Samba", "Mail Server Common", "Java RMI", "DNS Client", "OpenSSL Client", "Microsoft Office", "Intel AMT")

_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
_CVSS = {"critical": "9.80", "high": "7.50", "medium": "5.00", "low": "2.10"}

GROUP_TYPES: dict[str, tuple[str, ...]] = {
    "base": OTHER_TYPES,
    "linux": OTHER_TYPES,
    "lag": OTHER_TYPES,
    "rule_detect": OTHER_TYPES,
    "windows": OTHER_TYPES,
    "web": WEB_SERVER_TYPES,
    "web_detect": WEB_SERVER_TYPES,
    "webapp": WEB_APPLICATION_TYPES,
    "free": OTHER_TYPES + WEB_SERVER_TYPES,
}
"""Application types of the made-up rules of each group."""

_PUBLISHED_USE: dict[str, tuple[str, ...]] = {
    "linux": ("1011242", "1012494", "1012497", "1012506", "1006012", "1012454"),
    "web": ("1012030", "1012303", "1012495"),
    "web_detect": ("1012489",),
    "webapp": ("1012438", "1012492"),
    "windows": ("1010519", "1010521", "1010539"),
    "free": ("1009265", "1011372", "1010854", "1012455", "1012470", "1012484"),
}


def exact(rule: Rule) -> bool:
    """A rule that may be called a virtual patch for a CVE it names: at most ten CVEs, and of a type that targets a vulnerability."""
    return rule.kind in EXACT_KINDS and 1 <= len(rule.cves) <= 10


def clean(cve: str) -> str | None:
    """A CVE id as it should be, or None for what is none: 'CVE-2019-4279\\u00a0' -> 'CVE-2019-4279', 'CVE-11219' -> None."""
    text = "".join(cve.split()).upper()
    return text if _CVE.fullmatch(text) else None


def draw_catalogue(random: Random, size: str) -> Catalogue:
    """Some 300 rules (small) or more than 5,000 (demo: two pages), with their groups."""
    demo = size == "demo"
    published = [rule for i, rule in enumerate(_published()) if demo or rule.identifier < "9" or i % 3 == 0]
    rules = {rule.identifier: rule for rule in published}
    groups = {name: [i for i in identifiers if i in rules] for name, identifiers in _PUBLISHED_USE.items()}
    fillers = _Fillers(random)
    for group, types in GROUP_TYPES.items():
        for _ in range((200 if group == "free" else 24) if demo else 5):
            rule = fillers.draw(random.choice(types), detect_only=group == "rule_detect")
            rules[rule.identifier] = rule
            groups.setdefault(group, []).append(rule.identifier)
    for group, special in _specials(fillers).items():
        rules.update({rule.identifier: rule for rule in special})
        groups.setdefault(group, []).extend(rule.identifier for rule in special)
    while len(rules) < (5400 if demo else 300):
        rule = fillers.draw(random.choice(OTHER_TYPES + WEB_SERVER_TYPES + WEB_APPLICATION_TYPES))
        rules[rule.identifier] = rule
    named = {name: tuple(identifiers) for name, identifiers in groups.items()}
    return Catalogue(tuple(rules.values()), named, _cves(tuple(rules.values()), named, random))


def local_ids(random: Random, names: list[str]) -> dict[str, int]:
    """Sparse ids, another set in each tenant, in no order of the identifiers."""
    ids = random.sample(range(1000, 1000 + 3 * len(names)), len(names))
    return dict(zip(names, ids, strict=True))


def _published() -> list[Rule]:
    rows = csv.DictReader((files("reporter.sandbox.estate") / "ips_rules.csv").read_text(encoding="utf-8").splitlines())
    rules = []
    for number, row in enumerate(rows):
        cves = tuple(c for c in row["cves"].split(";") if c)
        severity = row["severity"] or "high"
        rules.append(
            Rule(
                identifier=row["identifier"] or str(9000001 + number),
                name=row["name"],
                cves=cves,
                application_type=row["application_type"] or OTHER_TYPES[number % len(OTHER_TYPES)],
                severity=severity,
                kind=row["type"] or ("vulnerability" if cves else "smart"),
                cvss=_CVSS[severity] if cves else "-1.00",
            )
        )
    return rules


class _Fillers:
    """Made-up rules, numbered on."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.number = 0
        self.cve = 10000

    def cves(self, count: int) -> tuple[str, ...]:
        self.cve += count
        return tuple(f"CVE-2099-{n}" for n in range(self.cve - count, self.cve))

    def draw(
        self,
        application_type: str,
        *,
        kind: str = "",
        cves: tuple[str, ...] | None = None,
        count: int = 0,
        detect_only: bool = False,
        depends_on: tuple[str, ...] = (),
    ) -> Rule:
        self.number += 1
        named = self.cves(count or self.random.choice((1, 1, 1, 1, 1, 1, 2, 3))) if cves is None else cves
        severity = self.random.choice(("critical", "critical", "high", "medium", "low"))
        title = self.random.choice(("Remote Code Execution", "SQL Injection", "Directory Traversal", "Authentication Bypass", "Buffer Overflow"))
        return Rule(
            identifier=str(8000000 + self.number),
            name=f"Example Product {self.number} {title} Vulnerability" + (f" ({named[0].strip()})" if named else ""),
            cves=named,
            application_type=application_type,
            severity=severity,
            kind=kind or self.random.choice(("vulnerability", "vulnerability", "exploit", "smart")),
            cvss=_CVSS[severity] if named else "-1.00",
            detect_only=detect_only,
            depends_on=depends_on,
        )


def _specials(fillers: _Fillers) -> dict[str, tuple[Rule, ...]]:
    """What real catalogues hold and naive readers trip over."""
    decoder = fillers.draw("Web Server Common", kind="hidden", cves=())
    (dirty,) = fillers.cves(1)
    (beside_cnvd,) = fillers.cves(1)
    return {
        "linux": (
            fillers.draw("Unix Samba", kind="vulnerability", cves=(dirty + "\u00a0",)),
            fillers.draw("Java RMI", kind="exploit", cves=("CVE-CNVD-2019-38290", beside_cnvd)),
        ),
        "free": (
            decoder,
            fillers.draw("Web Server Common", kind="vulnerability", count=1, depends_on=(decoder.identifier,)),
            fillers.draw("DNS Client", kind="custom", count=1),
            fillers.draw("Unix Samba", kind="smart", count=10),
        ),
        "generic": (
            fillers.draw("Web Server Common", kind="smart", count=23),
            fillers.draw("Java RMI", kind="custom", count=12),
            fillers.draw("DNS Client", kind="policy", count=1),
            fillers.draw("Unix Samba", kind="info", count=2),
            fillers.draw("Intel AMT", kind="hidden", count=1),
            fillers.draw("Intel AMT", kind="vulnerability", count=11),
        ),
        "odd": (fillers.draw("Mail Server Common", kind="vulnerability", cves=("CVE-11219",)),),
    }


def _cves(rules: tuple[Rule, ...], groups: dict[str, tuple[str, ...]], random: Random) -> dict[str, tuple[str, ...]]:
    """By group, the CVEs whose exact rules are all in it; generic: named by no exact rule; none: named by no rule at all."""
    exact_by_cve: dict[str, set[str]] = {}
    loose_by_cve: dict[str, set[str]] = {}
    for rule in rules:
        for cve in rule.cves:
            name = clean(cve)
            if name is not None:
                (exact_by_cve if exact(rule) else loose_by_cve).setdefault(name, set()).add(rule.identifier)
    used = {group: set(identifiers) for group, identifiers in groups.items()}
    cves = {
        group: tuple(sorted(cve for cve, by in exact_by_cve.items() if by <= identifiers))
        for group, identifiers in used.items()
        if group not in ("generic", "odd")
    }
    cves["generic"] = tuple(sorted(set(loose_by_cve) - set(exact_by_cve)))
    cves["none"] = tuple(f"CVE-2099-{n}" for n in sorted(random.sample(range(90000, 99999), 400)))
    return cves
