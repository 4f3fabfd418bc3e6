"""The IPS rules of one tenant that name a CVE in question, as arrays: which rules for which CVE, which are exact, which only detect.

An *exact* rule names the CVE, lists at most ten CVEs, and is of type vulnerability, exploit, smart or custom. Rules of other types, and rules that
list more, are *generic*: they name the CVE, and nobody can say that they stop it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np
import pandas as pd

from reporter.core.world import World
from reporter.joins.records import records
from reporter.tables.workload_protection import WP_POLICIES, WP_POLICY_RULES, WP_RULES

EXACT_TYPES = frozenset({"vulnerability", "exploit", "smart", "custom"})
MOST_CVES = 10
DENSE = 1 << 28
"""Lists times rules up to which a table of bytes is the faster way to ask what is on which list."""


class Rules:
    """Rules are known by their place: 0.. in the order of their identifiers."""

    def __init__(self, world: World, tenant: str, cves: Iterable[str]) -> None:
        known = {name: code for code, name in enumerate(cves)}
        rules = world.table(WP_RULES)
        named = [rule for rule in records(rules[rules["tenant"] == tenant]) if not known.keys().isdisjoint(rule.cves)]
        named.sort(key=lambda rule: (rule.identifier or "", rule.rule_id))
        self.ids = pd.Index([rule.rule_id for rule in named], dtype="int64")
        self.labels = [rule.identifier or f"id {rule.rule_id}" for rule in named]
        self.exact = np.array([rule.type in EXACT_TYPES and len(rule.cves) <= MOST_CVES for rule in named], dtype=bool)
        self.detects = np.array([rule.detect_only for rule in named], dtype=bool)
        links = sorted((known[text], place) for place, rule in enumerate(named) for text in rule.cves if text in known)
        self._places = np.array([place for _, place in links], dtype=np.int64)
        self.counts = np.bincount(np.array([code for code, _ in links], dtype=np.int64), minlength=len(known))
        self._starts = np.cumsum(self.counts) - self.counts
        policies = world.table(WP_POLICIES)
        mine = policies[policies["tenant"] == tenant]
        self.of_policy: Mapping[int | None, tuple[int, ...]] = dict(zip(mine["policy_id"], mine["ips_rule_ids"], strict=True))
        listed = world.table(WP_POLICY_RULES)
        listed = listed[(listed["tenant"] == tenant) & listed["rule_id"].isin(self.ids)]
        self.listed = _by_policy(listed)
        self.softened = _by_policy(listed[listed["detect_only"]])

    def naming(self, cve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each CVE (a code): all rules that name it, one after the other, and how many those are."""
        counts = self.counts[cve]
        nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return self._places[np.repeat(self._starts[cve], counts) + nth], counts

    def held(self, lists: Sequence[tuple[int, ...]], which: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Whether the rule at place[i] is among the rule ids of lists[which[i]]. Equal lists are looked at once."""
        seen: dict[tuple[int, ...], int] = {}
        same = np.array([seen.setdefault(found, len(seen)) for found in lists], dtype=np.int64)
        flat = self.ids.get_indexer(pd.Index(list(chain.from_iterable(seen)), dtype="int64"))
        owner = np.repeat(np.arange(len(seen)), [len(found) for found in seen])
        pairs = owner[flat >= 0] * len(self.ids) + flat[flat >= 0]
        asked = same[which] * len(self.ids) + place
        if len(seen) * len(self.ids) <= DENSE:
            member = np.zeros(len(seen) * len(self.ids), dtype=bool)
            member[pairs] = True
            return np.asarray(member[asked])
        return np.asarray(pd.Index(pairs).get_indexer(asked) >= 0)


def _by_policy(listed: pd.DataFrame) -> Mapping[int | None, tuple[int, ...]]:
    return {policy: tuple(found) for policy, found in listed.groupby("policy_id")["rule_id"]}
