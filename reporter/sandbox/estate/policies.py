"""WP policies and what each rule group does on a host of each policy."""

from __future__ import annotations

from random import Random

from reporter.sandbox.estate.rules import WEB_APPLICATION_TYPES, WEB_SERVER_TYPES, local_ids
from reporter.sandbox.estate.spec_wp import Catalogue, Policy, Rule, Tenant

_DRAFT: tuple[tuple[str, str | None, str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("base", None, "Base Policy", "prevent", ("base",), ()),
    ("linux", "base", "Linux Server", "prevent", ("linux", "lag", "rule_detect"), ()),
    ("web", "linux", "Web Server", "prevent", ("web", "web_detect"), ("web_detect",)),
    ("webapp", "web", "Web Application", "prevent", ("webapp",), ("web_detect",)),
    ("windows", "base", "Windows Server", "detect", ("windows",), ()),
    ("legacy", "base", "Legacy", "off", ("windows",), ()),
    ("unused", None, "Unused", "prevent", (), ()),
)
"""key, parent, name, IPS state, own rule groups, groups set to detect."""

PARENTS = {key: parent for key, parent, *_ in _DRAFT}
STATES = {draft[0]: draft[3] for draft in _DRAFT}
_OWN = {draft[0]: draft[4] for draft in _DRAFT}
_DETECTED = {draft[0]: draft[5] for draft in _DRAFT}
NAMES = {draft[0]: draft[2] for draft in _DRAFT}


def assigned(policy: str) -> tuple[str, ...]:
    """Rule groups of a policy, inherited ones first."""
    parent = PARENTS[policy]
    return (*(assigned(parent) if parent else ()), *_OWN[policy])


def detected(policy: str) -> tuple[str, ...]:
    """Groups that only detect on this policy: set so here, or the rules themselves only detect."""
    return (*_DETECTED[policy], "rule_detect")


def web_sets(policy: str) -> tuple[str, ...]:
    """web_server, web_application: what the application types of the policy's rules ask of a web ACL."""
    groups = assigned(policy)
    return tuple(word for word, group in (("web_server", "web"), ("web_application", "webapp")) if group in groups)


def draw_tenant(random: Random, name: str, key: str, catalogue: Catalogue) -> Tenant:
    """A tenant without computers."""
    rule_ids = local_ids(random, [rule.identifier for rule in catalogue.rules])
    types = sorted({rule.application_type for rule in catalogue.rules} | set(WEB_SERVER_TYPES) | set(WEB_APPLICATION_TYPES))
    ids = sorted(random.sample(range(2, 60), len(_DRAFT)))
    policies = tuple(
        Policy(key=k, policy_id=i, parent=parent, name=label, ips_state=state, groups=groups, detected=detects)
        for i, (k, parent, label, state, groups, detects) in zip(ids, _DRAFT, strict=True)
    )
    return Tenant(name, key, rule_ids, local_ids(random, types), policies)


def group_rules(catalogue: Catalogue, groups: tuple[str, ...]) -> tuple[Rule, ...]:
    """Rules of groups, and the rules they bring along."""
    by_identifier = {rule.identifier: rule for rule in catalogue.rules}
    wanted: dict[str, Rule] = {}
    for group in groups:
        for identifier in catalogue.groups.get(group, ()):
            rule = by_identifier[identifier]
            wanted[identifier] = rule
            wanted.update({d: by_identifier[d] for d in rule.depends_on})
    return tuple(wanted.values())
